//! Value → one word, one segment, one literal of a place. Never interpreted, or refused.
//! What comes out holds secrets as they are: it is for the place itself, not for eyes.
pub mod promql;
pub mod redis;
pub mod shell;
pub mod sql;
pub mod url;

use super::{Value, show};

/// A piece of code of some place, its values still values.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    Text(&'a str),
    Value(&'a Value, How),
}

/// One Redis bulk string.
///
/// # Errors
/// Null, lists, records: what has no text of its own.
pub fn bulk(value: &Value) -> Result<Vec<u8>, String> {
    match value.expose().0 {
        Value::Bytes(b) => Ok(b.to_vec()),
        other => plain(other).map(String::into_bytes),
    }
}

/// Outside the language a duration is its seconds, a size its bytes; the rest is the text of an interpolation.
fn plain(value: &Value) -> Result<String, String> {
    match value.expose().0 {
        Value::Duration(d) => Ok(super::number::seconds(*d).to_plain_string()),
        Value::Size(n) => Ok(n.to_string()),
        other => show::text(other),
    }
}

/// Where a place cannot hold it, a NUL is refused rather than cut.
fn without_nul(text: String, place: &str) -> Result<String, String> {
    if text.contains('\0') {
        Err(format!("the value holds a NUL character, which {place} cannot hold"))
    } else {
        Ok(text)
    }
}

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
