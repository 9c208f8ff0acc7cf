//! Value → one word, one segment, one literal of a place. Never interpreted, or refused.

/// How a value becomes text where it stands; decided from the literal text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Shell: outside quotes, one quoted word (a list: one each).
    Bare,
    /// Shell: inside `"…"`.
    InDouble,
    /// Shell: inside `'…'`.
    InSingle,
    /// Shell: inside an unquoted here-document.
    InHeredoc,
    /// Shell: inside a here-document whose word is quoted: taken as it is.
    InRawHeredoc,
    /// SQL: a bind parameter, or a quoted literal where the statement takes none.
    Param,
    /// SQL: a quoted identifier.
    Ident,
    /// Any place: `raw(x)`, as it is.
    Raw,
    /// URL: opens the literal and is an absolute http(s) URL.
    Whole,
    /// URL: a host, a port or an IP.
    Authority,
    /// URL: one path segment.
    Segment,
    /// URL: one query component.
    Query,
    /// PromQL: a label's quoted string.
    Label,
}
