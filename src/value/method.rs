//! Fields, indexes and the pure methods of values. What comes from a secret is a secret.

use std::sync::Arc;

use bigdecimal::{BigDecimal, ToPrimitive};

use super::number::{exact, from_seconds, whole};
use super::ops::{compare, map_secret};
use super::show::{brief, kind, text};
use super::{Record, Response, Secret, SmolStr, Value, json, number, ops, read};

/// Pure methods of values. `check` knows their types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Json,
    Int,
    Decimal,
    Duration,
    Lines,
    Len,
    Trim,
    Split,
    Contains,
    First,
    Last,
    Format,
    Get,
    Sum,
    Min,
    Max,
    /// Nearest rank: `[…].percentile(95%)` is one of the elements.
    Percentile,
    /// Of a string its UTF-8, of a size its number.
    Bytes,
    Join,
    StartsWith,
    EndsWith,
    Replace,
    Lower,
    Upper,
    Keys,
    /// As an interpolation would write it; lists and records as JSON.
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EachMethod {
    Where,
    All,
    Any,
    Map,
    SortBy,
}

impl Method {
    pub const ALL: [Method; 26] = [
        Method::Json,
        Method::Int,
        Method::Decimal,
        Method::Duration,
        Method::Lines,
        Method::Len,
        Method::Trim,
        Method::Split,
        Method::Contains,
        Method::First,
        Method::Last,
        Method::Format,
        Method::Get,
        Method::Sum,
        Method::Min,
        Method::Max,
        Method::Percentile,
        Method::Bytes,
        Method::Join,
        Method::StartsWith,
        Method::EndsWith,
        Method::Replace,
        Method::Lower,
        Method::Upper,
        Method::Keys,
        Method::Text,
    ];

    /// As written after the dot.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Json => "json",
            Method::Int => "int",
            Method::Decimal => "decimal",
            Method::Duration => "duration",
            Method::Lines => "lines",
            Method::Len => "len",
            Method::Trim => "trim",
            Method::Split => "split",
            Method::Contains => "contains",
            Method::First => "first",
            Method::Last => "last",
            Method::Format => "format",
            Method::Get => "get",
            Method::Sum => "sum",
            Method::Min => "min",
            Method::Max => "max",
            Method::Percentile => "percentile",
            Method::Bytes => "bytes",
            Method::Join => "join",
            Method::StartsWith => "starts_with",
            Method::EndsWith => "ends_with",
            Method::Replace => "replace",
            Method::Lower => "lower",
            Method::Upper => "upper",
            Method::Keys => "keys",
            Method::Text => "text",
        }
    }
}

impl EachMethod {
    pub const ALL: [EachMethod; 5] =
        [EachMethod::Where, EachMethod::All, EachMethod::Any, EachMethod::Map, EachMethod::SortBy];

    /// As written after the dot.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EachMethod::Where => "where",
            EachMethod::All => "all",
            EachMethod::Any => "any",
            EachMethod::Map => "map",
            EachMethod::SortBy => "sort_by",
        }
    }
}

/// The elements in the order of their keys; equal keys keep their order.
///
/// # Errors
/// Keys without a common order.
pub fn sort_by(mut keyed: Vec<(Value, Value)>) -> Result<Vec<Value>, String> {
    let mut wrong = None;
    keyed.sort_by(|(a, _), (b, _)| {
        compare(a, b).unwrap_or_else(|e| {
            wrong.get_or_insert(e);
            std::cmp::Ordering::Equal
        })
    });
    match wrong {
        Some(e) => Err(e),
        None => Ok(keyed.into_iter().map(|(_, value)| value).collect()),
    }
}

/// `value.method(args…)`.
///
/// # Errors
/// A value or an argument of the wrong kind, and what the method itself refuses (`first` of nothing).
pub fn call(method: Method, value: &Value, args: &[Value]) -> Result<Value, String> {
    let hidden = args.iter().find_map(|a| a.expose().1).cloned();
    let args: Vec<&Value> = args.iter().map(|a| a.expose().0).collect();
    let result = map_secret(value, |v| plain(method, v, &args))?;
    Ok(match hidden {
        Some(name) => Secret::hide(name, result),
        None => result,
    })
}

fn plain(method: Method, value: &Value, args: &[&Value]) -> Result<Value, String> {
    let no = || match value {
        Value::Null => format!("`.{}()` of null: the value is absent", method.name()),
        _ => format!("{} has no method `.{}()`", kind(value), method.name()),
    };
    let string = |at: usize| match args.get(at) {
        Some(Value::Str(s)) => Ok(&**s),
        Some(other) => Err(format!("`.{}()` needs a string, not {}", method.name(), kind(other))),
        None => Err(format!("`.{}()` needs a string", method.name())),
    };
    let one = || args.first().copied().ok_or_else(|| format!("`.{}()` needs an argument", method.name()));
    Ok(match (method, value) {
        (Method::Json, Value::Str(s)) => json::parse(s)?,
        (Method::Json, Value::Response(r)) => r.of_body(body(r)?),
        (Method::Json, Value::Bytes(_)) => json::parse(&text(value)?)?,
        // A `json` column is a value already.
        (Method::Json, Value::Record(_) | Value::List(_)) => value.clone(),
        (Method::Int, Value::Int(n)) => Value::Int(*n),
        (Method::Int, Value::Str(s)) => to_int(&number::parse(s.trim())?)?,
        (Method::Int, Value::Decimal(_)) => to_int(value)?,
        (Method::Decimal, Value::Int(_) | Value::Decimal(_)) => {
            exact(value).map_or(Ok(Value::Null), number::decimal)?
        }
        (Method::Decimal, Value::Str(s)) => number::parse_decimal(s.trim())?,
        (Method::Duration, Value::Duration(_)) => value.clone(),
        (Method::Duration, Value::Str(s)) => Value::Duration(read::duration(s.trim())?),
        (Method::Duration, Value::Int(n)) => from_seconds(&BigDecimal::from(*n))?,
        (Method::Duration, Value::Decimal(n)) => from_seconds(n)?,
        (Method::Lines, Value::Str(s)) => Value::list(s.lines().map(Value::str).collect()),
        (Method::Len, Value::Str(s)) => count(s.chars().count()),
        (Method::Len, Value::Bytes(b)) => count(b.len()),
        (Method::Len, Value::List(l)) => count(l.len()),
        (Method::Len, Value::Record(r)) => count(r.0.len()),
        (Method::Trim, Value::Str(s)) => Value::str(s.trim()),
        (Method::Split, Value::Str(s)) => match string(0)? {
            "" => return Err("`.split()` needs a separator that is not empty".to_owned()),
            separator => Value::list(s.split(separator).map(Value::str).collect()),
        },
        (Method::Contains, Value::Str(s)) => Value::Bool(s.contains(string(0)?)),
        (Method::Contains, Value::List(_) | Value::Record(_)) => ops::binary(ops::BinaryOp::In, one()?, value)?,
        (Method::First, Value::List(l)) => l.first().cloned().ok_or("`.first()` of an empty list")?,
        (Method::Last, Value::List(l)) => l.last().cloned().ok_or("`.last()` of an empty list")?,
        (Method::Format, Value::Time(t)) => {
            let format = string(0)?;
            let shown = jiff::fmt::strtime::format(format, *t);
            Value::str(shown.map_err(|e| format!("`{}` is not a time format: {e}", brief(format)))?)
        }
        (Method::Get, Value::Record(r)) => r.get(string(0)?).cloned().unwrap_or(Value::Null),
        (Method::Get, Value::List(l)) => match one()? {
            Value::Int(n) => at(l, *n).cloned().unwrap_or(Value::Null),
            other => return Err(format!("a list is indexed by an int, not {}", kind(other))),
        },
        (Method::Sum, Value::List(l)) => {
            let mut items = l.iter();
            match items.next() {
                None => Value::Int(0),
                Some(first) => items.try_fold(first.clone(), |a, b| ops::binary(ops::BinaryOp::Add, &a, b))?,
            }
        }
        (Method::Min | Method::Max | Method::Percentile, Value::List(l)) => {
            let sorted = sort_by(l.iter().map(|v| (v.clone(), v.clone())).collect())?;
            let place = match method {
                Method::Min => 1,
                Method::Percentile => rank(one()?, sorted.len())?,
                _ => sorted.len(),
            };
            let found = place.checked_sub(1).and_then(|i| sorted.get(i));
            found.cloned().ok_or_else(|| format!("`.{}()` of an empty list", method.name()))?
        }
        (Method::Bytes, Value::Str(s)) => Value::Bytes(s.as_bytes().into()),
        (Method::Bytes, Value::Bytes(_)) => value.clone(),
        (Method::Bytes, Value::Response(r)) => r.of_body(Value::Bytes(r.body.bytes().into())),
        (Method::Bytes, Value::Size(n)) => Value::Int(*n),
        (Method::Join, Value::List(l)) => {
            let hidden = l.iter().find_map(|v| v.expose().1).cloned();
            let words = l.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            let joined = Value::str(words.join(string(0)?));
            match hidden {
                Some(name) => Secret::hide(name, joined),
                None => joined,
            }
        }
        (Method::StartsWith, Value::Str(s)) => Value::Bool(s.starts_with(string(0)?)),
        (Method::EndsWith, Value::Str(s)) => Value::Bool(s.ends_with(string(0)?)),
        (Method::Replace, Value::Str(s)) => Value::str(s.replace(string(0)?, string(1)?)),
        (Method::Lower, Value::Str(s)) => Value::str(s.to_lowercase()),
        (Method::Upper, Value::Str(s)) => Value::str(s.to_uppercase()),
        (Method::Keys, Value::Record(r)) => Value::list(r.0.iter().map(|(k, _)| Value::str(k.as_str())).collect()),
        (Method::Text, Value::List(_) | Value::Record(_)) => {
            let shown = Value::str(json::to_json_exposed(value).to_string());
            match hidden_in(value) {
                Some(name) => Secret::hide(name, shown),
                None => shown,
            }
        }
        (Method::Text, Value::Response(r)) => r.of_body(Value::Str(r.text()?)),
        (Method::Text, _) => Value::str(text(value)?),
        _ => return Err(no()),
    })
}

/// The first secret anywhere in a value.
#[must_use]
pub fn hidden_in(value: &Value) -> Option<SmolStr> {
    match value {
        Value::Secret(s) => Some(s.name.clone()),
        Value::List(l) => l.iter().find_map(hidden_in),
        Value::Record(r) => r.0.iter().find_map(|(_, v)| hidden_in(v)),
        Value::Response(r) => r.secret.clone().or_else(|| r.headers.0.iter().find_map(|(_, v)| hidden_in(v))),
        _ => None,
    }
}

fn body(r: &Response) -> Result<Value, String> {
    json::parse(&r.text()?).map_err(|e| format!("the answer of {} {} is {e}", r.method, r.shown_url()))
}

fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn to_int(n: &Value) -> Result<Value, String> {
    match n {
        Value::Decimal(d) if d.is_integer() => d.to_i64().map(Value::Int).ok_or("an int has 64 bits".to_owned()),
        Value::Decimal(d) => Err(format!("`{}` is not a whole number", d.to_plain_string())),
        other => Ok(other.clone()),
    }
}

/// The place from 1 of a quantile among `n` sorted elements.
fn rank(quantile: &Value, n: usize) -> Result<usize, String> {
    let q = exact(quantile).ok_or_else(|| format!("`.percentile()` needs a number, not {}", kind(quantile)))?;
    if ops::compare(quantile, &Value::Int(0))?.is_lt() || ops::compare(quantile, &Value::Int(1))?.is_gt() {
        return Err("`.percentile()` needs a number from 0% to 100%".to_owned());
    }
    let place = (q * BigDecimal::from(n as u64)).with_scale_round(0, bigdecimal::RoundingMode::Ceiling);
    let place = whole(&place).and_then(|p| usize::try_from(p).ok()).unwrap_or(n);
    Ok(place.clamp(n.min(1), n))
}

/// `value.name`. A response has `status headers text url method duration`.
///
/// # Errors
/// An absent field (with the likely one), null, and what has no fields.
pub fn field(value: &Value, name: &str) -> Result<Value, String> {
    map_secret(value, |v| match v {
        Value::Record(r) => r.get(name).cloned().ok_or_else(|| absent(r, name)),
        Value::Response(r) => match name {
            "status" => Ok(Value::Int(i64::from(r.status))),
            "headers" => Ok(Value::Record(Arc::new(r.headers.clone()))),
            "text" => Ok(r.of_body(Value::Str(r.text()?))),
            "url" => Ok(Value::Str(r.url.clone())),
            "method" => Ok(Value::Str(r.method.as_str().into())),
            "duration" => Ok(Value::Duration(r.duration)),
            _ => {
                let hint = closest(name, ["status", "headers", "text", "url", "method", "duration"]);
                Err(format!("a response has no field `{name}`{hint}"))
            }
        },
        Value::Null => Err(format!("`.{name}` of null: the value is absent")),
        other => Err(format!("{} has no field `{name}`", kind(other))),
    })
}

fn absent(record: &Record, name: &str) -> String {
    let names: Vec<&str> = record.0.iter().map(|(k, _)| k.as_str()).collect();
    let hint = closest(name, names.iter().copied());
    let hint = match hint.as_str() {
        "" if names.is_empty() => ": the record is empty".to_owned(),
        "" if names.len() <= 12 => {
            format!(": there is `{}`", names.iter().map(|n| brief(n)).collect::<Vec<_>>().join("`, `"))
        }
        _ => hint,
    };
    format!("there is no field `{}`{hint}", brief(name))
}

/// `: did you mean …?`, or nothing.
pub(super) fn closest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let limit = (wrong.chars().count() / 3).clamp(1, 3);
    let best = names.into_iter().map(|n| (strsim::osa_distance(wrong, n), n)).filter(|(d, _)| *d <= limit).min();
    best.map_or(String::new(), |(_, name)| format!(": did you mean `{name}`?"))
}

fn at(list: &[Value], index: i64) -> Option<&Value> {
    usize::try_from(index).ok().and_then(|i| list.get(i))
}

/// `list[0]`, `record["key"]`.
///
/// # Errors
/// Out of range, absent, null.
pub fn index(value: &Value, at_index: &Value) -> Result<Value, String> {
    let (key, hidden) = at_index.expose();
    let found = map_secret(value, |v| match (v, key) {
        (Value::List(l), Value::Int(n)) => {
            at(l, *n).cloned().ok_or_else(|| format!("there is no element {n}: the list has {}", l.len()))
        }
        (Value::Record(_) | Value::Response(_), Value::Str(name)) => field(v, name),
        (Value::Null, _) => Err("an element of null: the value is absent".to_owned()),
        (Value::List(_), other) => Err(format!("a list is indexed by an int, not {}", kind(other))),
        (Value::Record(_), other) => Err(format!("a record is indexed by a string, not {}", kind(other))),
        (other, _) => Err(format!("{} has no elements", kind(other))),
    })?;
    Ok(match hidden {
        Some(name) => Secret::hide(name.clone(), found),
        None => found,
    })
}
