//! Fields, indexes and the pure methods of values.

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
    Percentile,
    Bytes,
    Join,
    StartsWith,
    EndsWith,
    Replace,
    Lower,
    Upper,
    Keys,
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
