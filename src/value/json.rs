//! Values and JSON, both ways; digits and key order are kept.
use base64::Engine as _;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number};

use super::{Record, SmolStr, Value, number, show};

/// How `serde_json` hands over a number whose digits are kept.
const NUMBER: &str = "$serde_json::private::Number";

/// A JSON text as a value.
///
/// # Errors
/// What is wrong and where: not JSON, a key that stands twice, a number of more than 38 digits.
pub fn parse(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Err("not JSON: the text is empty".to_owned());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Node.deserialize(&mut reader).map_err(|e| format!("not JSON: {e}"))?;
    reader.end().map_err(|e| format!("not JSON: {e}"))?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Node;

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }
    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        number::parse(&n.to_string()).map_err(E::custom)
    }
    fn visit_str<E>(self, s: &str) -> Result<Value, E> {
        Ok(Value::str(s))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Node)? {
            items.push(item);
        }
        Ok(Value::list(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields: Vec<(SmolStr, Value)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == NUMBER && fields.is_empty() {
                let digits: String = map.next_value()?;
                return number::parse(&digits).map_err(de::Error::custom);
            }
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(format!("the key `{}` stands twice", show::brief(&key))));
            }
            let value = map.next_value_seed(Node)?;
            fields.push((key.into(), value));
        }
        Ok(Value::record(fields))
    }
}

/// # Errors
/// A number of more than 38 digits.
pub fn from_json(json: &serde_json::Value) -> Result<Value, String> {
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(n) => number::parse(n.as_str())?,
        serde_json::Value::String(s) => Value::str(s.as_str()),
        serde_json::Value::Array(items) => Value::list(items.iter().map(from_json).collect::<Result<_, _>>()?),
        serde_json::Value::Object(fields) => Value::record(
            fields.iter().map(|(k, v)| Ok((SmolStr::new(k), from_json(v)?))).collect::<Result<Vec<_>, String>>()?,
        ),
    })
}

/// For reports, events and other eyes: a secret is the string `‹name›`.
#[must_use]
pub fn to_json(value: &Value) -> serde_json::Value {
    convert(value, Secrets::Masked)
}

/// For the one place that a value is meant for (a request's body, a word of a command): secrets as they are.
#[must_use]
pub fn to_json_exposed(value: &Value) -> serde_json::Value {
    convert(value, Secrets::Exposed)
}

#[derive(Clone, Copy)]
enum Secrets {
    Masked,
    Exposed,
}

fn convert(value: &Value, secrets: Secrets) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(n) => (*n).into(),
        Value::Decimal(n) => digits(&n.to_plain_string()),
        Value::Str(s) => (**s).into(),
        Value::Bytes(b) => base64::engine::general_purpose::STANDARD.encode(b).into(),
        // As everywhere outside the language: seconds and bytes.
        Value::Duration(d) => digits(&number::seconds(*d).to_plain_string()),
        Value::Size(n) => (*n).into(),
        Value::Time(t) => t.to_string().into(),
        Value::List(items) => items.iter().map(|v| convert(v, secrets)).collect(),
        Value::Record(record) => object(record, secrets),
        Value::Response(r) => {
            let mut map = Map::new();
            map.insert("status".to_owned(), r.status.into());
            map.insert("url".to_owned(), r.shown_url().into());
            map.insert("headers".to_owned(), object(&r.headers, secrets));
            let (name, body) = match r.body.text() {
                Some(text) => ("text", Value::Str(text.clone())),
                None => ("bytes", Value::Bytes(r.body.bytes().into())),
            };
            map.insert(name.to_owned(), convert(&r.of_body(body), secrets));
            map.insert("duration".to_owned(), convert(&Value::Duration(r.duration), secrets));
            map.into()
        }
        Value::Connection(c) => format!("{} {}", c.kind.name(), c.name).into(),
        Value::Secret(s) => match secrets {
            Secrets::Masked => format!("‹{}›", s.name).into(),
            Secrets::Exposed => convert(s.expose(), secrets),
        },
    }
}

fn object(record: &Record, secrets: Secrets) -> serde_json::Value {
    record.0.iter().map(|(k, v)| (k.to_string(), convert(v, secrets))).collect::<Map<_, _>>().into()
}

fn digits(text: &str) -> serde_json::Value {
    serde_json::from_str::<Number>(text).map_or_else(|_| text.into(), serde_json::Value::Number)
}
