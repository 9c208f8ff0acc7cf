//! The words of a Redis command: each value is one, never looked into.
use super::bulk;
use crate::value::Value;

/// Each word as the bytes the server gets: the words of the command's name, then one for each value, or one each of a list.
///
/// # Errors
/// Null, records; times and durations, which commands count in different units.
pub fn words<'a>(name: &str, values: impl Iterator<Item = &'a Value>) -> Result<Vec<Vec<u8>>, String> {
    let mut words: Vec<Vec<u8>> = name.split_whitespace().map(|word| word.as_bytes().to_vec()).collect();
    for value in values {
        match value.expose().0 {
            Value::List(items) => words.extend(items.iter().map(word).collect::<Result<Vec<_>, _>>()?),
            one => words.push(word(one)?),
        }
    }
    Ok(words)
}

fn word(value: &Value) -> Result<Vec<u8>, String> {
    match value.expose().0 {
        Value::Duration(_) | Value::Time(_) => {
            Err("Redis counts seconds in some commands and milliseconds in others: give the number".to_owned())
        }
        one => bulk(one),
    }
}

/// Whether a command waits, and says that it may wait for ever. None: a word that is not known yet.
#[must_use]
pub fn endless<W: AsRef<[u8]>>(words: &[Option<W>]) -> bool {
    let word = |at: usize| words.get(at).and_then(Option::as_ref).map(|word| word.as_ref().to_ascii_uppercase());
    let limit = match word(0).as_deref() {
        Some(b"BLMPOP" | b"BZMPOP") => word(1),
        Some(b"XREAD" | b"XREADGROUP") => {
            let block = (0..words.len()).find(|at| word(*at).as_deref() == Some(b"BLOCK"));
            block.and_then(|at| word(at + 1))
        }
        Some(b"BLPOP" | b"BRPOP" | b"BRPOPLPUSH" | b"BLMOVE" | b"BZPOPMIN" | b"BZPOPMAX" | b"WAIT") => {
            word(words.len().saturating_sub(1))
        }
        _ => None,
    };
    let number = limit.and_then(|limit| String::from_utf8(limit).ok()?.trim().parse::<f64>().ok());
    number.is_some_and(|number| number == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_looked_into() {
        let hostile = Value::str("a b\r\nFLUSHALL \"'\0*");
        let list = Value::list(vec![Value::str("x y"), Value::Int(2)]);
        let found = words("CONFIG SET", [&hostile, &list, &Value::str("")].into_iter()).unwrap();
        let inner = b"a b\r\nFLUSHALL \"'\0*".to_vec();
        assert_eq!(found, [b"CONFIG".to_vec(), b"SET".to_vec(), inner, b"x y".to_vec(), b"2".to_vec(), vec![]]);
        assert!(words("GET", [&Value::Null].into_iter()).is_err());
        assert!(words("EXPIRE", [&Value::str("k"), &Value::Duration(crate::value::Nanos(1))].into_iter()).is_err());
    }

    #[test]
    fn what_waits_has_a_limit() {
        let ends = |line: &str| !endless(&line.split(' ').map(Some).collect::<Vec<_>>());
        for line in [
            "BLPOP q 1",
            "blpop 0 0.5",
            "BLMPOP 1 1 q LEFT",
            "XREAD BLOCK 10 STREAMS s 0",
            "XREAD STREAMS s 0",
            "LPUSH q 0",
        ] {
            assert!(ends(line), "{line}");
        }
        for line in [
            "BLPOP q 0",
            "blmove a b left right 0.0",
            "BZMPOP 0 1 q MIN",
            "xreadgroup GROUP g c block 0 streams s 0",
            "WAIT 1 0",
        ] {
            assert!(!ends(line), "{line}");
        }
        assert!(!endless(&[Some("BLPOP"), None, None]));
    }
}
