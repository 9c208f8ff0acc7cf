//! What a value can be. The checker infers these; the engine uses them where text becomes a value (`--set`, answers).
use smol_str::SmolStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnKind {
    Postgres,
    Redis,
    Http,
    Prometheus,
}

impl ConnKind {
    pub const ALL: [ConnKind; 4] = [ConnKind::Postgres, ConnKind::Redis, ConnKind::Http, ConnKind::Prometheus];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ConnKind::Postgres => "postgres",
            ConnKind::Redis => "redis",
            ConnKind::Http => "http",
            ConnKind::Prometheus => "prometheus",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Nothing is known; checked where it is used, at run time.
    Any,
    Null,
    Bool,
    Int,
    Decimal,
    Str,
    Bytes,
    Duration,
    Size,
    Time,
    List(Box<Type>),
    /// Exactly these fields.
    Record(Vec<(SmolStr, Type)>),
    /// `record`: some record, fields unknown.
    AnyRecord,
    /// `"blue" | "green"`.
    Enum(Vec<SmolStr>),
    Optional(Box<Type>),
    Secret(Box<Type>),
    Response,
    Conn(ConnKind),
    /// A call without a result.
    Nothing,
    /// Code of a place, written as a literal at the call; only parameters of native actions have it.
    Code(Place),
    /// The expression was wrong and has been reported: fits everything.
    Unknown,
}

/// Where text is code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Sql,
    Url,
    PromQl,
}
