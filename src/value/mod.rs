//! Values and their types. In: literals, what providers return. Out: plain data. No IO, no clock.
//!
//! A value never becomes code by itself: `encode` turns it into one word, one segment, one literal of a place.
pub mod credentials;
pub mod encode;
pub mod json;
pub mod lost;
pub mod method;
pub mod number;
pub mod ops;
pub mod read;
pub mod redact;
pub mod response;
pub mod show;
pub mod types;
pub mod units;

use std::sync::Arc;

use bigdecimal::BigDecimal;
pub use jiff::Timestamp;
pub use smol_str::{SmolStr, format_smolstr};

pub use response::{Body, Response};
pub use types::{ConnKind, Type};

/// What a name can be bound to.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// 64 bit; overflow is an error.
    Int(i64),
    /// Exact, at most 38 significant digits.
    Decimal(Arc<BigDecimal>),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    Duration(Nanos),
    /// Bytes.
    Size(i64),
    /// An instant.
    Time(Timestamp),
    List(Arc<Vec<Value>>),
    Record(Arc<Record>),
    /// What an HTTP call returned.
    Response(Arc<Response>),
    /// A recipe, not an open socket: providers pool by it.
    Connection(Arc<Connection>),
    Secret(Arc<Secret>),
}

/// A length of time in nanoseconds; may be negative (`a - b`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub i64);

impl Nanos {
    /// As a wait: a negative length is zero.
    #[must_use]
    pub fn std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<std::time::Duration> for Nanos {
    fn from(d: std::time::Duration) -> Nanos {
        Nanos(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Fields in written order; compared without it. Keys differ.
#[derive(Clone, Debug, Default)]
pub struct Record(pub Vec<(SmolStr, Value)>);

impl Record {
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Record) -> bool {
        self.0.len() == other.0.len() && self.0.iter().all(|(k, v)| other.get(k) == Some(v))
    }
}

/// How to reach a server: `connect name = kind(args…)`. Two equal recipes are one pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    pub kind: ConnKind,
    /// The declared name, or the kind where it was made in place; for people.
    pub name: SmolStr,
    /// Named as in the kind's declaration (`url`, `base`, `database`, `timeout` …); the first one is hidden when it can
    /// hold a password.
    pub args: Record,
}

/// A value that is shown as `‹name›` everywhere.
#[derive(Clone, PartialEq)]
pub struct Secret {
    pub name: SmolStr,
    value: Value,
}

impl Secret {
    /// Never nested: a secret of a secret is the inner one.
    #[must_use]
    pub fn hide(name: SmolStr, value: Value) -> Value {
        match value {
            Value::Secret(_) => value,
            value => Value::Secret(Arc::new(Secret { name, value })),
        }
    }

    /// The value itself, for the one place that uses it.
    #[must_use]
    pub fn expose(&self) -> &Value {
        &self.value
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "‹{}›", self.name)
    }
}

impl Value {
    #[must_use]
    pub fn str(text: impl Into<Arc<str>>) -> Value {
        Value::Str(text.into())
    }

    #[must_use]
    pub fn record(fields: impl IntoIterator<Item = (SmolStr, Value)>) -> Value {
        Value::Record(Arc::new(Record(fields.into_iter().collect())))
    }

    #[must_use]
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Arc::new(items))
    }

    /// The value without its secrecy (only its own, not that of its elements), and the secret's name.
    #[must_use]
    pub fn expose(&self) -> (&Value, Option<&SmolStr>) {
        match self {
            Value::Secret(s) => (s.expose(), Some(&s.name)),
            other => (other, None),
        }
    }
}
