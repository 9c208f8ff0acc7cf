//! A value as a parameter of exactly the type the server says it has: its text form, which the server then reads.
use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type};

use crate::value::{Value, json, number, show};

/// A value on its way to the server.
#[derive(Debug)]
pub struct Param<'a>(pub &'a Value);

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match text(self.0, ty)? {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }
}

/// What the server is told of a parameter before it decides: that a duration is one (`now() - #{d}` would otherwise
/// take it for a time), and nothing else.
#[must_use]
pub fn hint(value: &Value) -> Type {
    match value.expose().0 {
        Value::Duration(_) => Type::INTERVAL,
        _ => Type::new(String::new(), 0, Kind::Simple, String::new()),
    }
}

/// The type of a parameter that the statement leaves open (`#{x} IS NULL`).
#[must_use]
pub fn natural(value: &Value) -> Type {
    match value.expose().0 {
        Value::Bool(_) => Type::BOOL,
        Value::Int(_) | Value::Size(_) => Type::INT8,
        Value::Decimal(_) => Type::NUMERIC,
        Value::Bytes(_) => Type::BYTEA,
        Value::Duration(_) => Type::INTERVAL,
        Value::Time(_) => Type::TIMESTAMPTZ,
        Value::Record(_) => Type::JSONB,
        Value::List(items) => match items.first().map(|v| v.expose().0) {
            Some(Value::Int(_)) => Type::INT8_ARRAY,
            Some(Value::Decimal(_)) => Type::NUMERIC_ARRAY,
            _ => Type::TEXT_ARRAY,
        },
        Value::Null | Value::Str(_) | Value::Response(_) | Value::Connection(_) | Value::Secret(_) => Type::TEXT,
    }
}

/// The text form of a value for a type; none is NULL.
///
/// # Errors
/// A value that the type cannot hold, or not without losing something.
pub fn text(value: &Value, ty: &Type) -> Result<Option<String>, String> {
    let value = value.expose().0;
    let wrong = || format!("{} does not fit a parameter of type `{}`", show::kind(value), ty.name());
    if let Kind::Domain(inner) = ty.kind() {
        return text(value, inner);
    }
    let is_json = *ty == Type::JSON || *ty == Type::JSONB;
    let found = match value {
        Value::Null => return Ok(None),
        value if is_json => json_text(value)?,
        Value::List(_) => match ty.kind() {
            Kind::Array(element) => array(value, element)?,
            _ => return Err(wrong()),
        },
        Value::Record(_) if matches!(*ty, Type::TEXT | Type::VARCHAR | Type::UNKNOWN) => {
            json::to_json_exposed(value).to_string()
        }
        Value::Record(_) => return Err(wrong()),
        Value::Bytes(b) if *ty == Type::BYTEA => {
            format!("\\x{}", b.iter().map(|b| format!("{b:02x}")).collect::<String>())
        }
        Value::Str(s) if *ty == Type::BYTEA => {
            format!("\\x{}", s.bytes().map(|b| format!("{b:02x}")).collect::<String>())
        }
        Value::Duration(d) => match *ty {
            Type::INTERVAL => format!("{} seconds", number::seconds(*d).to_plain_string()),
            Type::TEXT | Type::VARCHAR | Type::UNKNOWN => show::duration(*d),
            _ => number::seconds(*d).to_plain_string(),
        },
        Value::Size(n) => n.to_string(),
        Value::Time(t) => {
            match *ty {
                Type::TIMESTAMP => {
                    return Err("a time is an instant, and a `timestamp` without time zone is not: cast it, `#{x}::timestamptz`".to_owned());
                }
                Type::DATE => {
                    let text = t.to_string();
                    match text.strip_suffix("T00:00:00Z") {
                        Some(date) => date.to_owned(),
                        None => return Err(format!("`{text}` is not a date: use `.format(\"%F\")`")),
                    }
                }
                Type::TIME | Type::TIMETZ => return Err(wrong()),
                _ => t.to_string(),
            }
        }
        Value::Bytes(_) | Value::Bool(_) | Value::Int(_) | Value::Decimal(_) | Value::Str(_) => show::text(value)?,
        Value::Response(_) | Value::Connection(_) | Value::Secret(_) => return Err(wrong()),
    };
    if found.contains('\0') {
        return Err("the value holds a NUL character, which PostgreSQL cannot hold".to_owned());
    }
    Ok(Some(found))
}

/// A string is a string of JSON, whatever it looks like: `.json()` makes it what it says.
fn json_text(value: &Value) -> Result<String, String> {
    let text = json::to_json_exposed(value).to_string();
    if text.contains("\\u0000") {
        return Err("the value holds a NUL character, which PostgreSQL cannot hold".to_owned());
    }
    Ok(text)
}

fn array(value: &Value, element: &Type) -> Result<String, String> {
    let Value::List(items) = value.expose().0 else {
        return Ok(match text(value, element)? {
            None => "NULL".to_owned(),
            Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        });
    };
    let items = items.iter().map(|v| array(v, element)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{{{}}}", items.join(",")))
}
