//! URLs: one percent-encoded segment or component for each value; an authority or a whole URL is checked instead.
use std::net::Ipv6Addr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{How, Part};
use crate::value::{Value, show};

/// All but the unreserved characters of RFC 3986.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One value where it stands.
///
/// # Errors
/// What has no text; what the place cannot hold.
pub fn encode(value: &Value, how: How) -> Result<String, String> {
    let text = show::text(value)?;
    match how {
        How::Segment if text.is_empty() => Err("an empty value in a URL's path would name another resource".to_owned()),
        How::Segment | How::Query => Ok(utf8_percent_encode(&text, COMPONENT).to_string()),
        How::Authority => authority(&text),
        How::Whole => whole(&text),
        How::Raw => Ok(text),
        How::Bare
        | How::InDouble
        | How::InSingle
        | How::InHeredoc
        | How::InRawHeredoc
        | How::Param
        | How::Ident
        | How::Label => Err("this value is not encoded for a URL".to_owned()),
    }
}

/// A host, a port or an IP address, and nothing that could be a user, a path or another port.
fn authority(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{bare}]"));
    }
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !text.is_empty() && text.len() <= 253 && text.chars().all(name) {
        return Ok(text.to_owned());
    }
    let brief = show::brief(text);
    let port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    Err(match text.rsplit_once(':') {
        _ if text.contains("://") => {
            format!("`{brief}` is a whole URL: write it as `\"#{{url}}\"`, and what follows behind it")
        }
        Some((host, digits)) if !host.is_empty() && port(digits) => format!(
            "`{brief}` is a host and a port in one: write `http://#{{host}}:#{{port}}/` with two values, or give the whole URL as one, `#{{url}}`"
        ),
        Some(_) | None => format!("`{brief}` is not a host, a port or an IP address"),
    })
}

fn whole(text: &str) -> Result<String, String> {
    let wrong = || format!("`{}` is not an absolute http or https URL", show::brief(text));
    let absolute =
        ["http://", "https://"].iter().any(|s| text.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)));
    if !absolute || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(wrong());
    }
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

/// A whole URL, or a path for a connection's base, each value encoded for its place.
///
/// # Errors
/// As [`encode`]; a value that would make `.` or `..` of its segment; more text after a whole URL with a query.
pub fn url(parts: &[Part<'_>]) -> Result<String, String> {
    let mut out = String::new();
    let mut values = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        match part {
            // `"#{base}/x"` with a base that ends in `/`: one of the two is enough.
            Part::Text(text)
                if i == 1 && out.ends_with('/') && matches!(parts.first(), Some(Part::Value(_, How::Whole))) =>
            {
                out.push_str(text.strip_prefix('/').unwrap_or(text));
            }
            Part::Text(text) => out.push_str(text),
            Part::Value(value, how) => {
                let text = encode(value, *how)?;
                if *how == How::Whole && parts.len() > 1 && text.contains(['?', '#']) {
                    return Err("a URL with a query or a fragment cannot be continued".to_owned());
                }
                if *how == How::Segment {
                    values.push(out.len());
                }
                out.push_str(&text);
            }
        }
    }
    for at in values {
        let start = out.get(..at).and_then(|s| s.rfind('/')).map_or(0, |i| i + 1);
        let rest = out.get(start..).unwrap_or("");
        let segment = rest.split(['/', '?', '#']).next().unwrap_or("");
        if matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..") {
            return Err(format!("`{segment}` in a URL's path would name another resource"));
        }
    }
    Ok(out)
}
