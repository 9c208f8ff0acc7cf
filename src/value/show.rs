//! Values as people read them; a secret is `‹name›`.
use std::borrow::Cow;

use super::{Nanos, Value};

/// What a value is, for messages: `a string`, `an int`.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Int(_) => "an int",
        Value::Decimal(_) => "a decimal",
        Value::Str(_) => "a string",
        Value::Bytes(_) => "bytes",
        Value::Duration(_) => "a duration",
        Value::Size(_) => "a size",
        Value::Time(_) => "a time",
        Value::List(_) => "a list",
        Value::Record(_) => "a record",
        Value::Response(_) => "a response",
        Value::Connection(_) => "a connection",
        Value::Secret(s) => kind(s.expose()),
    }
}

/// For people: a string is bare on its own and quoted inside others, units are kept, a secret is `‹name›`.
#[must_use]
pub fn show(value: &Value) -> String {
    match value {
        Value::Str(s) => escape(s).into_owned(),
        other => {
            let mut out = String::new();
            nested(other, &mut out);
            out
        }
    }
}

/// As it is written in the language: strings quoted.
#[must_use]
pub fn literal(value: &Value) -> String {
    let mut out = String::new();
    nested(value, &mut out);
    out
}

fn nested(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => put(out, format_args!("{n}")),
        Value::Decimal(n) => out.push_str(&n.to_plain_string()),
        Value::Str(s) => quoted(s, out),
        Value::Bytes(b) => put(out, format_args!("{} bytes", b.len())),
        Value::Duration(d) => out.push_str(&duration(*d)),
        Value::Size(n) => out.push_str(&size(*n)),
        Value::Time(t) => put(out, format_args!("{t}")),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                nested(item, out);
            }
            out.push(']');
        }
        Value::Record(record) if record.0.is_empty() => out.push_str("{}"),
        Value::Record(record) => {
            out.push_str("{ ");
            for (i, (key, item)) in record.0.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                if is_name(key) {
                    out.push_str(key)
                } else {
                    quoted(key, out)
                }
                out.push_str(": ");
                nested(item, out);
            }
            out.push_str(" }");
        }
        Value::Response(r) => put(out, format_args!("{} {} answered {}", r.method, escape(&r.shown_url()), r.status)),
        Value::Connection(c) => put(out, format_args!("{} {}", c.kind.name(), c.name)),
        Value::Secret(s) => put(out, format_args!("‹{}›", s.name)),
    }
}

fn is_name(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => push_escaped(c, out),
        }
    }
    out.push('"');
}

/// What an interpolation puts into a plain string; of a secret its value, so the string is to be hidden as the secret is.
///
/// # Errors
/// Null, lists, records, and what has no text.
pub fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Str(s) => Ok(s.to_string()),
        Value::Secret(s) => text(s.expose()),
        Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Duration(_) | Value::Size(_) | Value::Time(_) => {
            Ok(literal(value))
        }
        Value::Null => Err("null has no text: the value is absent".to_owned()),
        Value::Bytes(b) => {
            std::str::from_utf8(b).map(str::to_owned).map_err(|_| "these bytes are not UTF-8 text".to_owned())
        }
        Value::List(_) => Err("a list has no text: use `.join(\", \")`, or one element".to_owned()),
        Value::Record(_) => Err("a record has no text: use one of its fields".to_owned()),
        Value::Response(_) => Err("a response has no text of its own: use `.text`, `.status` or `.json()`".to_owned()),
        Value::Connection(_) => Err("a connection has no text".to_owned()),
    }
}

/// As [`text`], for messages: a secret is `‹name›`.
///
/// # Errors
/// As [`text`].
pub fn message(value: &Value) -> Result<String, String> {
    match value {
        Value::Secret(s) => Ok(format!("‹{}›", s.name)),
        other => text(other),
    }
}

/// Control characters, terminal escapes and characters that turn the writing direction are shown, not obeyed.
/// Line ends and tabs stay.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hostile(c) && c != '\n' && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\n' || c == '\t' { out.push(c) } else { push_escaped(c, &mut out) }
    }
    Cow::Owned(out)
}

/// Control characters, and what changes the direction of writing or hides in a text.
#[must_use]
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{200b}' | '\u{2060}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn push_escaped(c: char, out: &mut String) {
    match c {
        '\r' => out.push_str("\\r"),
        '\u{1b}' => out.push_str("\\e"),
        c if is_hostile(c) => put(out, format_args!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// Line ends as they are written between quotes: for labels and lists, where an entry is one line.
#[must_use]
pub fn in_one_line(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Owned(text.replace('\n', "\\n")) } else { Cow::Borrowed(text) }
}

/// At most 60 characters of a text, escaped, for messages.
#[must_use]
pub fn brief(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", in_one_line(&escape(&cut)))
}

const DURATIONS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// `1h30m`, `250ms`, `0s`; nothing is rounded.
#[must_use]
pub fn duration(d: Nanos) -> String {
    if d.0 == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    if d.0 < 0 {
        out.push('-');
    }
    let mut rest = d.0.unsigned_abs();
    for (unit, nanos) in DURATIONS {
        if rest >= nanos {
            put(&mut out, format_args!("{}{unit}", rest / nanos));
            rest %= nanos;
        }
    }
    out
}

const SIZES: [(&str, u64); 10] = [
    ("PiB", 1 << 50),
    ("PB", 1_000_000_000_000_000),
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
];

/// `20GiB`, `1.5MB`, `1234567B`: the unit that says it exactly.
#[must_use]
pub fn size(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    let n = bytes.unsigned_abs();
    for scale in [1, 10] {
        for (unit, factor) in SIZES {
            let tenths = u128::from(n) * scale;
            if n >= factor && tenths % u128::from(factor) == 0 {
                let count = tenths / u128::from(factor);
                return match scale {
                    1 => format!("{sign}{count}{unit}"),
                    _ => format!("{sign}{}.{}{unit}", count / 10, count % 10),
                };
            }
        }
    }
    format!("{sign}{n}B")
}

fn put(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = std::fmt::Write::write_fmt(out, args);
}
