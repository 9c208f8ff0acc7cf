//! Where a request goes: the call's URL, or the connection's base and the call's path; and how that is shown.
use reqwest::Url;

use crate::engine::{Arg, Piece};
use crate::value::encode::{self, How, Part};
use crate::value::{Connection, SmolStr, Value, credentials, show};

/// An address without user and password, which stand beside it.
pub(super) struct Address {
    pub url: Url,
    /// What a URL says before its `@`, decoded.
    pub user: Option<(String, String)>,
    /// For people: secrets as `‹name›`, what only its query's names tell to be secret as `…`.
    pub shown: String,
}

/// The call's URL with its `query`.
///
/// # Errors
/// What is no address, or no value of one.
pub(super) fn address(on: Option<&Connection>, args: &[(SmolStr, Arg)]) -> Result<Address, String> {
    let pieces = args.iter().find_map(|(_, arg)| match arg {
        Arg::Code(pieces) => Some(pieces),
        Arg::Value(_) => None,
    });
    let pieces = pieces.ok_or("the URL is missing")?;
    let path = encode::url::url(&pieces.iter().map(part).collect::<Vec<_>>())?;
    let query = query(super::value(args, "query"))?;
    let whole = joined(&whole(on, &path)?, &query.sent);
    let shown = pieces.iter().map(shown).collect::<String>();
    let shown = match on {
        Some(on) => join(&credentials::shown(&base(on)?), &shown),
        None => shown,
    };
    parsed(&whole, &joined(&shown, &query.shown))
}

/// Of an address that is whole already.
///
/// # Errors
/// What is no URL.
pub(super) fn parsed(whole: &str, shown: &str) -> Result<Address, String> {
    let shown = show::escape(&credentials::shown(shown)).into_owned();
    let mut url = Url::parse(whole).map_err(|e| format!("`{shown}` is not a URL: {e}"))?;
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = (!url.username().is_empty() || url.password().is_some())
        .then(|| (decoded(url.username()), decoded(url.password().unwrap_or(""))));
    // An http URL always takes an empty user and password.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Address { url, user, shown })
}

fn whole(on: Option<&Connection>, path: &str) -> Result<String, String> {
    let absolute = path.starts_with("http://") || path.starts_with("https://");
    match on {
        None if absolute => Ok(path.to_owned()),
        None => Err(format!("`{}` is not an absolute http or https URL", show::brief(path))),
        Some(on) if absolute => Err(format!(
            "on `{}` a path is expected, such as `\"/health\"`: the base is given by the connection",
            on.name
        )),
        Some(on) => Ok(join(&base(on)?, path)),
    }
}

struct Query {
    sent: String,
    shown: String,
}

/// `query: { page: 2, tag: ["a", "b"] }`: a list gives its name several times.
fn query(record: Option<&Value>) -> Result<Query, String> {
    let (mut sent, mut shown) = (Vec::new(), Vec::new());
    let Some(record) = record else { return Ok(Query { sent: String::new(), shown: String::new() }) };
    let (Value::Record(fields), whole) = record.expose() else { return Err("`query` is a record".to_owned()) };
    for (key, value) in &fields.0 {
        let (value, list) = value.expose();
        let name = encode::url::encode(&Value::str(key.as_str()), How::Query)?;
        let items = match value {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for item in items {
            let text = encode::url::encode(item, How::Query).map_err(|e| format!("`{key}` of the query: {e}"))?;
            match whole.or(list).or(item.expose().1) {
                Some(secret) => shown.push(format!("{name}=‹{secret}›")),
                None => shown.push(format!("{name}={text}")),
            }
            sent.push(format!("{name}={text}"));
        }
    }
    Ok(Query { sent: sent.join("&"), shown: shown.join("&") })
}

/// The query stands before a fragment, which nobody is sent.
fn joined(address: &str, query: &str) -> String {
    if query.is_empty() {
        return address.to_owned();
    }
    let address = address.split_once('#').map_or(address, |(address, _)| address);
    let sign = if !address.contains('?') {
        "?"
    } else if address.ends_with(['?', '&']) {
        ""
    } else {
        "&"
    };
    format!("{address}{sign}{query}")
}

/// The base of a connection.
///
/// # Errors
/// What is no base.
pub(super) fn base(on: &Connection) -> Result<String, String> {
    let Some(base) = on.args.get("base") else { return Err(format!("`{}` has no base", on.name)) };
    let base = encode::url::encode(base.expose().0, How::Whole).map_err(|_| {
        // The base can be secret: what is wrong with it is said, not what it is.
        format!("the base of `{}` is not an absolute http or https URL", on.name)
    })?;
    if base.contains(['?', '#']) {
        return Err(format!("the base of `{}` has a query or a fragment", on.name));
    }
    Ok(base)
}

/// With no path it is the base as it was given.
pub(super) fn join(base: &str, path: &str) -> String {
    let bare = base.trim_end_matches('/');
    match path.chars().next() {
        None | Some('?') => format!("{base}{path}"),
        Some('/') => format!("{bare}{path}"),
        Some(_) => format!("{bare}/{path}"),
    }
}

/// A piece as the encoders take it.
pub(in crate::effects) fn part(piece: &Piece) -> Part<'_> {
    match piece {
        Piece::Text { text, .. } => Part::Text(text),
        Piece::Value { value, how, .. } => Part::Value(value, *how),
    }
}

fn shown(piece: &Piece) -> String {
    match piece {
        Piece::Text { text, .. } => text.to_string(),
        Piece::Value { value, how, .. } => match value.expose() {
            (_, Some(name)) => format!("‹{name}›"),
            (value, None) => encode::url::encode(value, *how).unwrap_or_default(),
        },
    }
}
