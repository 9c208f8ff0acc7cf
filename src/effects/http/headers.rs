//! Headers of a request, and who asks.
use base64::Engine as _;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::value;
use crate::engine::Arg;
use crate::value::{Connection, Record, SmolStr, Value, show};

/// What the connection itself says.
const FRAMING: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Those of the connection and of the call, the call's word standing above; `user`: what the URL says before its `@`.
///
/// # Errors
/// What cannot stand in a header.
pub(super) fn headers(
    on: Option<&Connection>,
    args: &[(SmolStr, Arg)],
    user: Option<(String, String)>,
) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    if let Some((user, password)) = user {
        authorize(&mut headers, &basic(&user, &password)?)?;
    }
    if let Some(on) = on {
        let of = |wanted: &str| on.args.get(wanted).filter(|v| **v != Value::Null);
        add(&mut headers, of("headers"), of("bearer"), of("basic"))?;
    }
    let of = |wanted: &str| value(args, wanted);
    add(&mut headers, of("headers"), of("bearer"), of("basic"))?;
    Ok(headers)
}

fn add(
    headers: &mut HeaderMap,
    record: Option<&Value>,
    bearer: Option<&Value>,
    user: Option<&Value>,
) -> Result<(), String> {
    let mut said = false;
    if let Some(record) = record {
        let Value::Record(record) = record.expose().0 else { return Err("`headers` is a record".to_owned()) };
        for (key, value) in &record.0 {
            let name: HeaderName = key.parse().map_err(|_| format!("`{}` is not a header's name", show::brief(key)))?;
            if FRAMING.contains(&name.as_str()) {
                return Err(format!("the header `{key}` belongs to the connection itself and cannot be given"));
            }
            said |= name == "authorization";
            let value = show::text(value).map_err(|e| format!("the header `{key}`: {e}"))?;
            headers.insert(name, header(key, &value)?);
        }
    }
    match (bearer, user, said) {
        (None, None, _) => Ok(()),
        (Some(token), None, false) => {
            authorize(headers, &format!("Bearer {}", show::text(token).map_err(|e| format!("`bearer`: {e}"))?))
        }
        (None, Some(user), false) => match user.expose().0 {
            Value::Record(record) => authorize(headers, &basic(&field(record, "user")?, &field(record, "password")?)?),
            _ => Err("`basic` is `{ user: …, password: … }`".to_owned()),
        },
        _ => Err("who asks is said once: `bearer`, `basic` or the header `authorization`".to_owned()),
    }
}

fn field(record: &Record, name: &str) -> Result<String, String> {
    let value =
        record.get(name).ok_or_else(|| format!("`basic` has no `{name}`: write `{{ user: …, password: … }}`"))?;
    show::text(value).map_err(|e| format!("`{name}` of `basic`: {e}"))
}

fn basic(user: &str, password: &str) -> Result<String, String> {
    if user.contains(':') {
        return Err("a user's name cannot hold `:` in basic authentication".to_owned());
    }
    Ok(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))))
}

fn authorize(headers: &mut HeaderMap, text: &str) -> Result<(), String> {
    let mut value = header("authorization", text)?;
    value.set_sensitive(true);
    headers.insert("authorization", value);
    Ok(())
}

/// # Errors
/// A line end or another control character; blanks at an end, which every server cuts off.
pub(super) fn header(name: &str, value: &str) -> Result<HeaderValue, String> {
    if value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']) {
        return Err(format!("the header `{name}` cannot hold this value: a blank at its start or end is lost"));
    }
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| format!("the header `{name}` cannot hold this value: a line end or a control character"))
}
