//! Values, every kind exactly: `{"int":5}`, `{"dec":"150e-2"}`, `{"str":"ok"}`, `{"record":[["k",{"bool":true}]]}`.
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bigdecimal::BigDecimal;
use serde::{Deserialize, Serialize};

use super::leaf::{Hidden, Hide, Leaf, Opened, Show};
use crate::journal::{Trouble, is_lost};
use crate::value::redact::Redactor;
use crate::value::{
    Body, ConnKind, Connection, Nanos, Record, Response, Secret, SmolStr, Timestamp, Value, format_smolstr,
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wire {
    Null,
    Bool(bool),
    Int(i64),
    /// `DIGITSeEXPONENT`: also zeros at the end are kept.
    Dec(String),
    Str(Leaf),
    /// Base64.
    Bytes(Leaf),
    Nanos(i64),
    Size(i64),
    Time(String),
    List(Vec<Wire>),
    Record(Fields),
    Response(Box<WireResponse>),
    Connection(Box<WireConnection>),
    Secret(Hidden),
    /// A number in which a secret stands.
    Hidden(Hidden),
}

type Fields = Vec<(Leaf, Wire)>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireResponse {
    method: String,
    url: Leaf,
    status: u16,
    headers: Fields,
    body: WireBody,
    /// The secret that stands in the body.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    secret: Option<String>,
    nanos: i64,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    expect: Vec<u16>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WireBody {
    Text(Leaf),
    Decoded { bytes: Leaf, text: Leaf },
    Bytes(Leaf),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireConnection {
    #[serde(with = "Kind")]
    kind: ConnKind,
    name: String,
    args: Fields,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ConnKind", rename_all = "snake_case")]
enum Kind {
    Postgres,
    Redis,
    Http,
    Prometheus,
}

impl Hide<'_> {
    pub fn value(&self, value: &Value) -> Result<Wire, Trouble> {
        Ok(match value {
            Value::Null => Wire::Null,
            Value::Bool(b) => Wire::Bool(*b),
            Value::Int(n) => self.number(value, Wire::Int(*n))?,
            Value::Size(n) => self.number(value, Wire::Size(*n))?,
            Value::Decimal(n) => {
                let (digits, scale) = n.as_bigint_and_exponent();
                self.number(value, Wire::Dec(format!("{digits}e{}", -scale)))?
            }
            Value::Str(text) => Wire::Str(self.text(text)?),
            Value::Bytes(bytes) => Wire::Bytes(self.bytes(bytes)?),
            Value::Duration(length) => Wire::Nanos(length.0),
            Value::Time(time) => Wire::Time(time.to_string()),
            Value::List(items) => Wire::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?),
            Value::Record(record) => Wire::Record(self.record(record)?),
            Value::Response(response) => Wire::Response(Box::new(self.response(response)?)),
            Value::Connection(to) => Wire::Connection(Box::new(WireConnection {
                kind: to.kind,
                name: to.name.to_string(),
                args: self.record(&to.args)?,
            })),
            Value::Secret(secret) => Wire::Secret(self.whole(&secret.name, secret.expose())?),
        })
    }

    fn number(&self, value: &Value, wire: Wire) -> Result<Wire, Trouble> {
        Ok(match self.secrets.hides(value) {
            Some(name) => Wire::Hidden(self.whole(&name, value)?),
            None => wire,
        })
    }

    /// Sealed is the value as it would stand in the clear.
    fn whole(&self, name: &str, value: &Value) -> Result<Hidden, Trouble> {
        let wire = Hide { secrets: &Redactor::default(), seal: self.seal }.value(value)?;
        let text = serde_json::to_vec(&wire).map_err(|e| Trouble::new(format!("it cannot be written: {e}")))?;
        self.hidden(name, &text)
    }

    fn bytes(&self, bytes: &[u8]) -> Result<Leaf, Trouble> {
        Ok(match self.secrets.find(&String::from_utf8_lossy(bytes)) {
            Some(name) => Leaf::Hidden(self.hidden(&name, bytes)?),
            None => Leaf::Clear(STANDARD.encode(bytes)),
        })
    }

    fn record(&self, record: &Record) -> Result<Fields, Trouble> {
        record.0.iter().map(|(key, value)| Ok((self.text(key)?, self.value(value)?))).collect()
    }

    fn response(&self, from: &Response) -> Result<WireResponse, Trouble> {
        let text = |text: &str| match &from.secret {
            Some(name) => Ok(Leaf::Hidden(self.hidden(name, text.as_bytes())?)),
            None => self.text(text),
        };
        let bytes = |bytes: &[u8]| match &from.secret {
            Some(name) => Ok(Leaf::Hidden(self.hidden(name, bytes)?)),
            None => self.bytes(bytes),
        };
        Ok(WireResponse {
            method: from.method.to_string(),
            url: self.text(&from.url)?,
            status: from.status,
            headers: self.record(&from.headers)?,
            body: match &from.body {
                Body::Text(body) => WireBody::Text(text(body)?),
                Body::Decoded { bytes: body, text: read } => {
                    WireBody::Decoded { bytes: bytes(body)?, text: text(read)? }
                }
                Body::Bytes(body) => WireBody::Bytes(bytes(body)?),
            },
            secret: from.secret.as_ref().map(ToString::to_string),
            nanos: from.duration.0,
            expect: from.expect.clone(),
        })
    }
}

impl Show<'_> {
    pub fn value(&self, wire: Wire) -> Result<Value, Trouble> {
        Ok(match wire {
            Wire::Null => Value::Null,
            Wire::Bool(b) => Value::Bool(b),
            Wire::Int(n) => Value::Int(n),
            Wire::Dec(text) => Value::Decimal(Arc::new(BigDecimal::from_str(&text).map_err(|_| odd("a decimal"))?)),
            Wire::Str(leaf) => Value::str(self.text(leaf)?),
            Wire::Bytes(leaf) => Value::Bytes(self.bytes(leaf)?.into()),
            Wire::Nanos(n) => Value::Duration(Nanos(n)),
            Wire::Size(n) => Value::Size(n),
            Wire::Time(text) => Value::Time(time(&text)?),
            Wire::List(items) => Value::list(items.into_iter().map(|item| self.value(item)).collect::<Result<_, _>>()?),
            Wire::Record(fields) => Value::Record(Arc::new(self.record(fields)?)),
            Wire::Response(response) => Value::Response(Arc::new(self.response(*response)?)),
            Wire::Connection(to) => Value::Connection(Arc::new(Connection {
                kind: to.kind,
                name: to.name.into(),
                args: self.record(to.args)?,
            })),
            Wire::Secret(hidden) => {
                let name = SmolStr::from(&hidden.of);
                Secret::hide(name, self.whole(hidden)?.unwrap_or_else(Value::str))
            }
            // A number has no word for what is lost.
            Wire::Hidden(hidden) => {
                let name = SmolStr::from(&hidden.of);
                self.whole(hidden)?.unwrap_or_else(|word| Secret::hide(name, Value::str(word)))
            }
        })
    }

    /// The value, or the word that says which one is lost.
    fn whole(&self, hidden: Hidden) -> Result<Result<Value, String>, Trouble> {
        Ok(match self.opened(hidden)? {
            Opened::Lost(word) => Err(word),
            Opened::Found(bytes) => {
                let mut reader = serde_json::Deserializer::from_slice(&bytes);
                reader.disable_recursion_limit();
                Ok(self.value(Wire::deserialize(&mut reader).map_err(|_| odd("a sealed value"))?)?)
            }
        })
    }

    fn bytes(&self, leaf: Leaf) -> Result<Vec<u8>, Trouble> {
        match leaf {
            Leaf::Clear(text) => STANDARD.decode(text).map_err(|_| odd("a sequence of bytes")),
            Leaf::Hidden(hidden) => Ok(match self.opened(hidden)? {
                Opened::Found(bytes) => bytes,
                Opened::Lost(word) => word.into_bytes(),
            }),
        }
    }

    fn record(&self, fields: Fields) -> Result<Record, Trouble> {
        let mut found = Record::default();
        for (key, value) in fields {
            let mut key = self.word(key)?;
            // Keys differ, also those that are lost.
            while is_lost(&key).is_some() && found.get(&key).is_some() {
                key = format_smolstr!("{key}'");
            }
            found.0.push((key, self.value(value)?));
        }
        Ok(found)
    }

    fn response(&self, wire: WireResponse) -> Result<Response, Trouble> {
        Ok(Response {
            method: wire.method.into(),
            url: self.text(wire.url)?.into(),
            status: wire.status,
            headers: self.record(wire.headers)?,
            body: match wire.body {
                WireBody::Text(text) => Body::Text(self.text(text)?.into()),
                WireBody::Decoded { bytes, text } => {
                    Body::Decoded { bytes: self.bytes(bytes)?.into(), text: self.text(text)?.into() }
                }
                WireBody::Bytes(bytes) => Body::Bytes(self.bytes(bytes)?.into()),
            },
            secret: wire.secret.map(SmolStr::from),
            duration: Nanos(wire.nanos),
            expect: wire.expect,
        })
    }
}

pub fn time(text: &str) -> Result<Timestamp, Trouble> {
    text.parse().map_err(|_| odd("a time"))
}

fn odd(what: &str) -> Trouble {
    Trouble::new(format!("{what} in it cannot be read"))
}
