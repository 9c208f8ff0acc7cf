//! PromQL: a value is a label's quoted string; outside `{…}` a number and a duration are themselves.
use bigdecimal::BigDecimal;

use super::{How, Part};
use crate::value::number::seconds;
use crate::value::{Value, show};

/// Where in the query the text so far has got to.
#[derive(Default)]
struct Place {
    /// The quote that is open.
    quote: Option<char>,
    escaped: bool,
    in_braces: bool,
    /// The string that is open, or opens next, is a pattern (`=~`, `!~`).
    pattern: bool,
    last: Option<char>,
}

impl Place {
    fn read(&mut self, text: &str) {
        for c in text.chars() {
            match self.quote {
                Some('`') if c == '`' => self.quote = None,
                Some('`') => {}
                Some(_) if self.escaped => self.escaped = false,
                Some(_) if c == '\\' => self.escaped = true,
                Some(q) if c == q => self.quote = None,
                Some(_) => {}
                None => match c {
                    '"' | '\'' | '`' => self.quote = Some(c),
                    '{' => self.in_braces = true,
                    '}' => self.in_braces = false,
                    '~' => self.pattern = matches!(self.last, Some('=' | '!')),
                    c if c.is_whitespace() => {}
                    _ => self.pattern = false,
                },
            }
            self.last = Some(c);
        }
    }
}

/// A whole query, each value encoded for its place. After `=~` a value matches itself and is no pattern.
///
/// # Errors
/// Null, lists, records.
pub fn query(parts: &[Part<'_>]) -> Result<String, String> {
    let mut out = String::new();
    let mut place = Place::default();
    for part in parts {
        match part {
            Part::Text(text) => {
                place.read(text);
                out.push_str(text);
            }
            Part::Value(value, How::Raw) => {
                let text = show::text(value)?;
                place.read(&text);
                out.push_str(&text);
            }
            Part::Value(value, _) => out.push_str(&encode(value, &place)?),
        }
    }
    Ok(out)
}

fn encode(value: &Value, place: &Place) -> Result<String, String> {
    let text = show::text(value)?;
    let text = if place.pattern { regex::escape(&text) } else { text };
    match (place.quote, value.expose().0) {
        (Some('`'), _) if text.contains('`') => {
            Err("a value with a backtick cannot stand between backticks".to_owned())
        }
        (Some('`'), _) => Ok(text),
        (Some(quote), _) => Ok(escaped(&text, quote)),
        (None, Value::Duration(d)) if !place.in_braces => Ok(format!("{}ms", seconds(*d) * BigDecimal::from(1000)))
            .and_then(
                |t| if t.contains('.') { Err("PromQL durations are whole milliseconds".to_owned()) } else { Ok(t) },
            ),
        // A space keeps `5 -#{x}` from becoming a double minus.
        (None, Value::Int(_) | Value::Decimal(_)) if !place.in_braces => Ok(format!(" {text}")),
        (None, Value::Size(n)) if !place.in_braces => Ok(format!(" {n}")),
        (None, _) => Ok(format!("\"{}\"", escaped(&text, '"'))),
    }
}

fn escaped(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
