//! Where a read is sent on to, and whether it goes there.
use reqwest::Url;
use reqwest::header::HeaderMap;

use super::request::Request;
use crate::value::credentials;

/// More than these lead in a circle.
pub(super) const MOST: usize = 10;

/// Headers that say nothing about who asks: all others were meant for one host.
const HARMLESS: [&str; 11] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "if-modified-since",
    "if-none-match",
    "pragma",
    "range",
    "traceparent",
    "user-agent",
];

/// Whether the request is one that goes where it is sent on to.
pub(super) fn follows(request: &Request) -> bool {
    !request.writes && !request.expect.iter().any(|status| (300..400).contains(status))
}

/// The next address; nothing when the answer is no redirect.
///
/// # Errors
/// A redirect that is not followed, and why.
pub(super) fn next(request: &Request, from: &Url, status: u16, headers: &HeaderMap) -> Result<Option<Url>, String> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get("location") else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    let to = from.join(&location).map_err(|_| "a redirect to what is no URL".to_owned())?;
    if !matches!(to.scheme(), "http" | "https") || to.host_str().is_none() {
        return Err(format!("a redirect to `{}:` is not followed", to.scheme()));
    }
    let mut to = to;
    // Nobody but the script says who asks.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    let shown = credentials::shown(to.as_str());
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(format!("a redirect from https to `{shown}` is not followed"));
    }
    if !same_site(from, &to) && is_bound(request) {
        return Err(format!(
            "a redirect to another host is not followed with headers that were meant for this one: it leads to `{shown}`"
        ));
    }
    Ok(Some(to))
}

/// The same server, or the same host's way to TLS.
fn same_site(from: &Url, to: &Url) -> bool {
    let secured = from.scheme() == "http"
        && to.scheme() == "https"
        && from.port_or_known_default() == Some(80)
        && to.port_or_known_default() == Some(443);
    from.host_str() == to.host_str() && (from.port_or_known_default() == to.port_or_known_default() || secured)
}

/// Whether it carries what only the first host may see.
fn is_bound(request: &Request) -> bool {
    request.settings.proves()
        || !request.body.is_empty()
        || request.headers.keys().any(|name| !HARMLESS.contains(&name.as_str()))
}
