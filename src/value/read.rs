//! Text → a value of a type (`--set`, answers, JSON parameters); whether a value fits a type.
use std::num::IntErrorKind;

use bigdecimal::{BigDecimal, Zero};

use super::number::{exact, whole};
use super::show::{brief, kind, literal, show};
use super::{Nanos, Record, SmolStr, Timestamp, Type, Value, json, number};
use crate::value::types::{ConnKind, Place};
use crate::value::units::{SIZES, TIMES};

/// The text as a value of the type: what `--set name=text`, an answer or a variable gives.
/// Lists and records are JSON; `any` is JSON, or else the text itself.
///
/// # Errors
/// What was expected instead: one line for a person.
pub fn read(ty: &Type, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    match ty {
        Type::Str => Ok(Value::str(text)),
        Type::Any | Type::Unknown => Ok(json::parse(text).unwrap_or_else(|_| Value::str(text))),
        Type::Null => match trimmed {
            "null" | "" => Ok(Value::Null),
            _ => Err(format!("`{}` is not null", brief(text))),
        },
        Type::Bool => match trimmed {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("`{}` is not `true` or `false`", brief(text))),
        },
        Type::Int => int(trimmed).map(Value::Int),
        Type::Decimal => percent(trimmed).and_then(written_out),
        Type::Bytes => Ok(Value::Bytes(text.as_bytes().into())),
        Type::Duration => duration(trimmed).map(Value::Duration),
        Type::Size => size(trimmed).map(Value::Size),
        Type::Time => time(trimmed).map(Value::Time),
        Type::Enum(options) => member(options, trimmed),
        Type::Optional(inner) => match trimmed {
            "null" | "" => Ok(Value::Null),
            _ => read(inner, text),
        },
        Type::Secret(inner) => read(inner, text),
        Type::List(_) | Type::Record(_) | Type::AnyRecord => fit(ty, json::parse(text)?),
        Type::Response | Type::Conn(_) | Type::Nothing | Type::Code(_) => {
            Err(format!("{} cannot be given as text", name(ty)))
        }
    }
}

/// A JSON value as a value of the type: strings become durations, sizes and times where the type wants them.
///
/// # Errors
/// What does not fit, and where.
pub fn fit(ty: &Type, value: Value) -> Result<Value, String> {
    let value = match (ty, value) {
        (Type::Duration | Type::Size | Type::Time, Value::Str(s)) => read(ty, &s)?,
        (Type::Optional(inner), value) if value != Value::Null => fit(inner, value)?,
        (Type::Secret(inner), value) => fit(inner, value)?,
        (Type::Int, Value::Decimal(n)) if n.is_integer() => match whole(&n) {
            Some(n) => Value::Int(n),
            None => return Err(too_large(&show(&Value::Decimal(n)))),
        },
        (Type::Decimal, value @ Value::Decimal(_)) => written_out(value)?,
        (Type::List(inner), Value::List(items)) => {
            let fitted =
                items.iter().enumerate().map(|(i, v)| fit(inner, v.clone()).map_err(|e| format!("element {i}: {e}")));
            Value::list(fitted.collect::<Result<_, _>>()?)
        }
        (Type::Record(types), Value::Record(record)) => {
            let mut fields = Vec::new();
            for (key, value) in &record.0 {
                let fitted = match types.iter().find(|(k, _)| k == key) {
                    Some((_, ty)) => fit(ty, value.clone()).map_err(|e| format!("`{key}`: {e}"))?,
                    None => value.clone(),
                };
                fields.push((key.clone(), fitted));
            }
            Value::record(fields)
        }
        (_, value) => value,
    };
    conforms(ty, &value).map(|()| value)
}

/// Whether a value is one of the type. An int is a decimal; a secret is what it hides.
///
/// # Errors
/// What does not fit, and where.
pub fn conforms(ty: &Type, value: &Value) -> Result<(), String> {
    let value = value.expose().0;
    let fits = match (ty, value) {
        (Type::Any | Type::Unknown, _)
        | (Type::Null | Type::Nothing | Type::Optional(_), Value::Null)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Decimal, Value::Int(_) | Value::Decimal(_))
        | (Type::Str, Value::Str(_))
        | (Type::Bytes, Value::Bytes(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Size, Value::Size(_))
        | (Type::Time, Value::Time(_))
        | (Type::AnyRecord, Value::Record(_))
        | (Type::Response, Value::Response(_))
        | (Type::Code(_), Value::Str(_)) => true,
        (Type::Optional(inner) | Type::Secret(inner), value) => return conforms(inner, value),
        (Type::Enum(options), Value::Str(s)) => return member(options, s).map(|_| ()),
        (Type::Conn(kind), Value::Connection(c)) => *kind == c.kind,
        (Type::List(inner), Value::List(items)) => {
            for (i, item) in items.iter().enumerate() {
                conforms(inner, item).map_err(|e| format!("element {i}: {e}"))?;
            }
            true
        }
        (Type::Record(types), Value::Record(record)) => return fields(types, record),
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("expected {}, found {}", name(ty), kind(value))) }
}

fn fields(types: &[(SmolStr, Type)], record: &Record) -> Result<(), String> {
    for (key, ty) in types {
        match record.get(key) {
            Some(value) => conforms(ty, value).map_err(|e| format!("`{key}`: {e}"))?,
            None if matches!(ty, Type::Optional(_) | Type::Any) => {}
            None => return Err(format!("the field `{key}` is missing")),
        }
    }
    match record.0.iter().find(|(key, _)| !types.iter().any(|(k, _)| k == key)) {
        None => Ok(()),
        Some((key, _)) => {
            let hint = crate::value::method::closest(key, types.iter().map(|(k, _)| k.as_str()));
            Err(format!("there is no field `{key}`{hint}"))
        }
    }
}

fn member(options: &[SmolStr], text: &str) -> Result<Value, String> {
    if options.iter().any(|o| o == text) {
        return Ok(Value::str(text));
    }
    let list: Vec<String> = options.iter().map(|o| literal(&Value::str(o.as_str()))).collect();
    Err(format!("`{}` is not one of {}", brief(text), list.join(", ")))
}

/// A type as it is written.
#[must_use]
pub fn name(ty: &Type) -> String {
    match ty {
        Type::Any | Type::Unknown => "any".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int => "int".to_owned(),
        Type::Decimal => "decimal".to_owned(),
        Type::Str => "string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Size => "size".to_owned(),
        Type::Time => "time".to_owned(),
        Type::List(inner) => format!("list<{}>", name(inner)),
        Type::Record(fields) => {
            let fields: Vec<String> = fields.iter().map(|(k, t)| format!("{k}: {}", name(t))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Type::AnyRecord => "record".to_owned(),
        Type::Enum(options) => options.iter().map(|o| literal(&Value::str(o.as_str()))).collect::<Vec<_>>().join(" | "),
        Type::Optional(inner) => format!("{}?", name(inner)),
        Type::Secret(inner) => format!("secret<{}>", name(inner)),
        Type::Response => "response".to_owned(),
        Type::Conn(kind) => ConnKind::name(*kind).to_owned(),
        Type::Nothing => "nothing".to_owned(),
        Type::Code(Place::Sql) => "sql".to_owned(),
        Type::Code(Place::Url) => "url".to_owned(),
        Type::Code(Place::PromQl) => "promql".to_owned(),
    }
}

fn int(text: &str) -> Result<i64, String> {
    text.replace('_', "").parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => too_large(text),
        _ => format!("`{}` is not an int", brief(text)),
    })
}

fn too_large(text: &str) -> String {
    format!("`{}` is too large for an int, which has 64 bits", brief(text))
}

/// What a person gives has its digits before the point within those that a decimal keeps: `1e400` has 401.
fn written_out(value: Value) -> Result<Value, String> {
    let Value::Decimal(n) = &value else { return Ok(value) };
    let before = i64::try_from(n.digits()).unwrap_or(i64::MAX).saturating_sub(n.fractional_digit_count());
    if before > number::MAX_DIGITS.cast_signed() && !n.is_zero() {
        return Err(format!("a decimal has at most {} digits, and this one has {before}", number::MAX_DIGITS));
    }
    Ok(value)
}

fn percent(text: &str) -> Result<Value, String> {
    let clean = text.replace('_', "");
    match clean.strip_suffix('%') {
        None => match number::parse_decimal(&clean)? {
            Value::Decimal(n) => number::decimal((*n).clone()),
            other => Ok(other),
        },
        Some(hundredths) => match exact(&number::parse(hundredths)?) {
            Some(n) => number::decimal(n * BigDecimal::new(1.into(), 2)),
            None => Err(format!("`{}` is not a number", brief(text))),
        },
    }
}

/// `250ms`, `1h30m`, `1.5s`, `-2d`.
///
/// # Errors
/// Not a duration; more than 292 years.
pub fn duration(text: &str) -> Result<Nanos, String> {
    units(text, &TIMES, "a duration: write it like `30s` or `1h30m`").map(Nanos)
}

/// `512KiB`, `20GB`, `1.5MiB`, in bytes.
///
/// # Errors
/// Not a size; more than 8 EiB.
pub fn size(text: &str) -> Result<i64, String> {
    units(text, &SIZES, "a size: write it like `512KiB` or `20GB`")
}

fn units(text: &str, table: &[(&str, i64)], what: &str) -> Result<i64, String> {
    let wrong = || format!("`{}` is not {what}", brief(text));
    let too_much = || format!("`{}` is too large", brief(text));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let (_, factor) = table.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let count = exact(&number::parse(&number.replace('_', "")).map_err(|_| wrong())?).ok_or_else(wrong)?;
        let part = whole(&(count * BigDecimal::from(*factor))).ok_or_else(too_much)?;
        total = total.checked_add(part).ok_or_else(too_much)?;
        rest = next;
    }
    Ok(total * sign)
}

/// An instant with `Z` or an offset, or a date (00:00Z).
///
/// # Errors
/// Neither of them.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("`{}` is not a time: write it like `2026-11-01T08:00:00Z` or `2026-11-01`", brief(text));
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if text.len() != 10 {
        return Err(wrong());
    }
    format!("{text}T00:00:00Z").parse().map_err(|_| wrong())
}
