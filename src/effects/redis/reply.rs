//! What a reply means as a value of the language.
use redis::Value as Reply;

use crate::value::{Nanos, SmolStr, Value, number, show};

/// One kind of reply → its value.
pub type Read = fn(Reply) -> Result<Value, String>;

pub fn unexpected(reply: &Reply) -> String {
    let kind = match reply {
        Reply::Nil => "nothing",
        Reply::Int(_) => "a number",
        Reply::BulkString(_) | Reply::SimpleString(_) | Reply::Okay => "a text",
        Reply::Array(_) => "a list",
        _ => "something else",
    };
    format!("the server answered {kind}, which was not expected here")
}

pub fn nothing(_: Reply) -> Result<Value, String> {
    Ok(Value::Null)
}

pub fn always(_: Reply) -> Result<Value, String> {
    Ok(Value::Bool(true))
}

/// `OK`, or nothing where a condition was not met.
pub fn ok(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Okay => Ok(Value::Bool(true)),
        Reply::Nil => Ok(Value::Bool(false)),
        other => Err(unexpected(&other)),
    }
}

pub fn int(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Int(n) => Ok(Value::Int(n)),
        other => Err(unexpected(&other)),
    }
}

pub fn truth(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Int(n) => Ok(Value::Bool(n != 0)),
        Reply::Boolean(b) => Ok(Value::Bool(b)),
        other => Err(unexpected(&other)),
    }
}

/// Bytes, or null.
pub fn size(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Nil => Ok(Value::Null),
        Reply::Int(n) => Ok(Value::Size(n)),
        other => Err(unexpected(&other)),
    }
}

/// Of PTTL.
pub fn ttl(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Int(-1) => Ok(Value::Null),
        Reply::Int(n) if n >= 0 => Ok(Value::Duration(Nanos(n.saturating_mul(1_000_000)))),
        Reply::Int(_) => Err("there is no such key".to_owned()),
        other => Err(unexpected(&other)),
    }
}

/// Of TYPE; null when there is no key.
pub fn kind(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::SimpleString(kind) if kind == "none" => Ok(Value::Null),
        other => text(other),
    }
}

/// A text, or null.
pub fn text(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Nil => Ok(Value::Null),
        Reply::BulkString(bytes) => String::from_utf8(bytes)
            .map(Value::str)
            .map_err(|_| "the value is not UTF-8 text: `state(…)` keeps it as it is".to_owned()),
        Reply::SimpleString(s) => Ok(Value::str(s)),
        Reply::Okay => Ok(Value::str("OK")),
        other => Err(unexpected(&other)),
    }
}

/// A number as Redis writes it, or null.
pub fn decimal(reply: Reply) -> Result<Value, String> {
    match text(reply)? {
        Value::Str(digits) => number::parse_decimal(&digits),
        other => Ok(other),
    }
}

pub fn texts(reply: Reply) -> Result<Value, String> {
    let (Reply::Array(items) | Reply::Set(items)) = reply else { return Err(unexpected(&reply)) };
    items.into_iter().map(text).collect::<Result<Vec<_>, _>>().map(Value::list)
}

/// Names and values in turn.
pub fn record(reply: Reply) -> Result<Value, String> {
    let mut fields = Vec::new();
    for (name, value) in in_pairs(reply)? {
        let Value::Str(name) = text(name)? else { return Err("a field has no name".to_owned()) };
        fields.push((SmolStr::new(name), text(value)?));
    }
    Ok(Value::record(fields))
}

pub fn in_pairs(reply: Reply) -> Result<Vec<(Reply, Reply)>, String> {
    let items = match reply {
        Reply::Map(pairs) => return Ok(pairs),
        Reply::Array(items) => items,
        other => return Err(unexpected(&other)),
    };
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(name), Some(value)) = (items.next(), items.next()) {
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// Of CONFIG GET for one name.
pub fn setting(reply: Reply) -> Result<Value, String> {
    let mut found = in_pairs(reply)?;
    match (found.len(), found.pop()) {
        (1, Some((_, value))) => text(value),
        (0, _) => Err("there is no such setting".to_owned()),
        (n, _) => Err(format!("exactly one setting was expected, and {n} match")),
    }
}

/// `master` or `replica`, from ROLE.
pub fn role(reply: Reply) -> Result<Value, String> {
    let Reply::Array(parts) = reply else { return Err(unexpected(&reply)) };
    match parts.into_iter().next().map(text).transpose()? {
        Some(Value::Str(role)) if &*role == "slave" => Ok(Value::str("replica")),
        Some(role) => Ok(role),
        None => Err("the server says nothing of its role".to_owned()),
    }
}

/// Whatever a command answers: a text where it is one, else bytes.
pub fn any(reply: Reply) -> Result<Value, String> {
    Ok(match reply {
        Reply::Nil => Value::Null,
        Reply::Int(n) => Value::Int(n),
        Reply::Okay => Value::str("OK"),
        Reply::SimpleString(text) | Reply::VerbatimString { text, .. } => Value::str(text),
        Reply::BulkString(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Value::str(text),
            Err(other) => Value::Bytes(other.into_bytes().into()),
        },
        Reply::Array(items) | Reply::Set(items) => {
            Value::list(items.into_iter().map(any).collect::<Result<Vec<_>, _>>()?)
        }
        Reply::Boolean(b) => Value::Bool(b),
        Reply::Double(n) => number::parse_decimal(&n.to_string())?,
        Reply::Map(pairs) => {
            let flat = pairs.into_iter().flat_map(|(name, value)| [any(name), any(value)]);
            Value::list(flat.collect::<Result<Vec<_>, _>>()?)
        }
        Reply::ServerError(error) => {
            let said = format!("{} {}", error.code(), error.details().unwrap_or(""));
            return Err(format!("an answer within the answer is an error: {}", show::brief(&said)));
        }
        other => return Err(unexpected(&other)),
    })
}
