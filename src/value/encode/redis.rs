//! A Redis command as it is written: words between blanks, quotes around what has blanks; a value is one word, or a part of
//! the word it touches, and never looked into.
use super::{How, Part, bulk};
use crate::value::{Value, show};

/// The words of a command so far.
#[derive(Default)]
struct Words {
    done: Vec<Vec<u8>>,
    /// The word that is being read.
    open: Option<Vec<u8>>,
    quote: Option<char>,
}

impl Words {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match self.quote {
                Some(open) if open == c => self.quote = None,
                None if matches!(c, '"' | '\'') => {
                    self.quote = Some(c);
                    self.open.get_or_insert_default();
                }
                None if c.is_whitespace() => self.done.extend(self.open.take()),
                Some(_) | None => {
                    let mut bytes = [0; 4];
                    self.open.get_or_insert_default().extend(c.encode_utf8(&mut bytes).bytes());
                }
            }
        }
    }

    fn value(&mut self, value: &Value) -> Result<(), String> {
        match value.expose().0 {
            Value::List(items) if self.open.is_none() => {
                self.done.extend(items.iter().map(bulk).collect::<Result<Vec<_>, _>>()?);
            }
            Value::List(_) => return Err("a list stands alone: each of its elements is a word".to_owned()),
            one => self.open.get_or_insert_default().extend(bulk(one)?),
        }
        Ok(())
    }
}

/// Each word as the bytes the server gets.
///
/// # Errors
/// Null, records; a list that touches other text; a quote that stays open.
pub fn words<'a>(parts: impl Iterator<Item = Part<'a>>) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Words::default();
    for part in parts {
        match part {
            Part::Text(text) => words.text(text),
            Part::Value(value, How::Raw) => words.text(&show::text(value)?),
            Part::Value(value, _) => words.value(value)?,
        }
    }
    if let Some(quote) = words.quote {
        return Err(format!("the quote {quote} in the command stays open"));
    }
    words.done.extend(words.open.take());
    if words.done.is_empty() { Err("the command is empty".to_owned()) } else { Ok(words.done) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_looked_into() {
        let hostile = Value::str("a b\r\nFLUSHALL \"'\0*");
        let list = Value::list(vec![Value::str("x y"), Value::Int(2)]);
        let parts = [
            Part::Text("SET  'a key':"),
            Part::Value(&hostile, How::Bare),
            Part::Text(" \""),
            Part::Value(&hostile, How::Bare),
            Part::Text("\" "),
            Part::Value(&list, How::Bare),
            Part::Text(" ''"),
        ];
        let found = words(parts.into_iter()).unwrap();
        let inner = b"a b\r\nFLUSHALL \"'\0*".to_vec();
        assert_eq!(
            found,
            [b"SET".to_vec(), [b"a key:".as_slice(), &inner].concat(), inner, b"x y".to_vec(), b"2".to_vec(), vec![]]
        );
        assert!(words([Part::Text("GET 'x")].into_iter()).is_err());
        assert!(words([Part::Text("GET x"), Part::Value(&list, How::Bare)].into_iter()).is_err());
        assert!(words([Part::Text(" ")].into_iter()).is_err());
        assert!(words([Part::Text("GET "), Part::Value(&Value::Null, How::Bare)].into_iter()).is_err());
    }
}
