//! A column's binary form → a value, without loss; a type that has no value here is an error that says how to cast it.
use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr};

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use tokio_postgres::types::{FromSql, Kind, Type};

use crate::value::{Nanos, Timestamp, Value, json, number};

/// One cell of a row.
pub struct Cell(pub Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Cell, Box<dyn Error + Sync + Send>> {
        Ok(Cell(decode(ty, raw)?))
    }
    fn from_sql_null(_: &Type) -> Result<Cell, Box<dyn Error + Sync + Send>> {
        Ok(Cell(Value::Null))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Reads big-endian fields; every read can find too little.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(n).ok_or("the server sent a cell that is too short")?;
        self.0 = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "the server sent a cell that is too short".to_owned())
    }
    fn i16(&mut self) -> Result<i16, String> {
        Ok(i16::from_be_bytes(self.array()?))
    }
    fn i32(&mut self) -> Result<i32, String> {
        Ok(i32::from_be_bytes(self.array()?))
    }
    fn i64(&mut self) -> Result<i64, String> {
        Ok(i64::from_be_bytes(self.array()?))
    }
}

fn decode(ty: &Type, raw: &[u8]) -> Result<Value, String> {
    let mut bytes = Bytes(raw);
    match ty.kind() {
        Kind::Domain(inner) => return decode(inner, raw),
        Kind::Enum(_) => return text(raw),
        Kind::Array(element) => return array(element, bytes),
        Kind::Pseudo if *ty == Type::VOID => return Ok(Value::Null),
        _ => {}
    }
    match *ty {
        Type::BOOL => Ok(Value::Bool(bytes.array::<1>()? != [0])),
        Type::INT2 => Ok(Value::Int(i64::from(bytes.i16()?))),
        Type::INT4 => Ok(Value::Int(i64::from(bytes.i32()?))),
        Type::INT8 => Ok(Value::Int(bytes.i64()?)),
        Type::OID | Type::XID | Type::CID => Ok(Value::Int(i64::from(u32::from_be_bytes(bytes.array()?)))),
        Type::XID8 => Ok(Value::Int(bytes.i64()?)),
        Type::FLOAT4 => float(&f32::from_be_bytes(bytes.array()?).to_string()),
        Type::FLOAT8 => float(&f64::from_be_bytes(bytes.array()?).to_string()),
        Type::NUMERIC => numeric(bytes),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML | Type::CHAR => text(raw),
        Type::JSON => json::parse(std::str::from_utf8(raw).map_err(|e| e.to_string())?),
        Type::JSONB => match raw.split_first() {
            Some((1, rest)) => json::parse(std::str::from_utf8(rest).map_err(|e| e.to_string())?),
            _ => Err("a `jsonb` of an unknown version".to_owned()),
        },
        Type::BYTEA => Ok(Value::Bytes(raw.into())),
        Type::UUID => Ok(Value::str(uuid(bytes.array()?))),
        Type::TIMESTAMPTZ => time(bytes.i64()?),
        Type::TIMESTAMP => {
            Err("a `timestamp` without time zone is not an instant: cast it, `x AT TIME ZONE 'UTC'`".to_owned())
        }
        Type::DATE => match bytes.i32()? {
            i32::MAX | i32::MIN => Err("`infinity` is not a time".to_owned()),
            days => time(i64::from(days) * 86_400_000_000),
        },
        Type::TIME => Ok(Value::str(clock(bytes.i64()?))),
        Type::INTERVAL => interval(bytes),
        Type::INET | Type::CIDR => inet(bytes),
        Type::MACADDR | Type::MACADDR8 => {
            Ok(Value::str(raw.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")))
        }
        Type::PG_LSN => {
            let lsn = u64::from_be_bytes(bytes.array()?);
            Ok(Value::str(format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff)))
        }
        // Extensions' types whose binary form is their text.
        _ if matches!(ty.name(), "citext" | "ltree") => {
            text(if ty.name() == "ltree" { raw.get(1..).unwrap_or(raw) } else { raw })
        }
        _ => Err(format!("the type `{}` has no value here: cast it, `x::text`", ty.name())),
    }
}

fn text(raw: &[u8]) -> Result<Value, String> {
    std::str::from_utf8(raw).map(Value::str).map_err(|_| "the server sent text that is not UTF-8".to_owned())
}

/// The shortest form that means the same float.
fn float(shown: &str) -> Result<Value, String> {
    match shown {
        "NaN" | "inf" | "-inf" => Err(format!("`{}` is not a number", shown.replace("inf", "infinity"))),
        digits => number::parse_decimal(digits),
    }
}

fn numeric(mut bytes: Bytes<'_>) -> Result<Value, String> {
    let count = bytes.i16()?;
    let weight = bytes.i16()?;
    let sign = bytes.i16()?.cast_unsigned();
    let shown = bytes.i16()?;
    let mut digits = BigInt::from(0);
    for _ in 0..count {
        digits = digits * 10_000 + bytes.i16()?;
    }
    match sign {
        0 => {}
        0x4000 => digits = -digits,
        0xC000 => return Err("`NaN` is not a number".to_owned()),
        _ => return Err("`infinity` is not a number".to_owned()),
    }
    let scale = (i64::from(count) - 1 - i64::from(weight)) * 4;
    let value = if count == 0 { BigDecimal::from(0) } else { BigDecimal::new(digits, scale) };
    number::decimal(value.with_scale(i64::from(shown)))
}

fn uuid(bytes: [u8; 16]) -> String {
    let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let mut out = String::with_capacity(36);
    for (i, pair) in hex.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(pair);
    }
    out
}

/// From microseconds since 2000-01-01T00:00:00Z.
fn time(micros: i64) -> Result<Value, String> {
    if micros == i64::MAX || micros == i64::MIN {
        return Err("`infinity` is not a time".to_owned());
    }
    micros
        .checked_add(946_684_800_000_000)
        .and_then(|n| Timestamp::from_microsecond(n).ok())
        .map(Value::Time)
        .ok_or_else(|| "a time outside the years -9999 to 9999".to_owned())
}

/// A time of day, from microseconds.
fn clock(micros: i64) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if rest == 0 { whole } else { format!("{whole}.{}", format!("{rest:06}").trim_end_matches('0')) }
}

fn interval(mut bytes: Bytes<'_>) -> Result<Value, String> {
    let micros = bytes.i64()?;
    let days = bytes.i32()?;
    if bytes.i32()? != 0 {
        return Err("an interval with months or years has no fixed length: cast it, `extract(epoch FROM x)`".to_owned());
    }
    i64::from(days)
        .checked_mul(86_400_000_000)
        .and_then(|d| d.checked_add(micros))
        .and_then(|n| n.checked_mul(1000))
        .map(|n| Value::Duration(Nanos(n)))
        .ok_or_else(|| "an interval of more than 292 years".to_owned())
}

fn inet(mut bytes: Bytes<'_>) -> Result<Value, String> {
    let [family, bits, is_cidr, length] = bytes.array::<4>()?;
    let (address, full) = match (family, length) {
        (2, 4) => (Ipv4Addr::from(bytes.array::<4>()?).to_string(), 32),
        (3, 16) => (Ipv6Addr::from(bytes.array::<16>()?).to_string(), 128),
        _ => return Err("an address of an unknown family".to_owned()),
    };
    Ok(Value::str(if is_cidr == 1 || bits != full { format!("{address}/{bits}") } else { address }))
}

fn array(element: &Type, mut bytes: Bytes<'_>) -> Result<Value, String> {
    let dimensions = bytes.i32()?;
    bytes.take(8)?;
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(bytes.i32()?);
        bytes.take(4)?;
    }
    if lengths.is_empty() {
        return Ok(Value::list(Vec::new()));
    }
    nested(element, &lengths, &mut bytes)
}

fn nested(element: &Type, lengths: &[i32], bytes: &mut Bytes<'_>) -> Result<Value, String> {
    let Some((length, inner)) = lengths.split_first() else {
        return match usize::try_from(bytes.i32()?) {
            Err(_) => Ok(Value::Null),
            Ok(n) => decode(element, bytes.take(n)?),
        };
    };
    (0..*length).map(|_| nested(element, inner, bytes)).collect::<Result<_, _>>().map(Value::list)
}
