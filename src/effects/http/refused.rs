//! A status that is a failure, with what the server said.
use crate::engine::{Failure, FailureKind};
use crate::value::redact::Redactor;
use crate::value::{Response, Value, credentials, show};

/// How much of a body stands in a failure.
const EXCERPT: usize = 500;

/// `what`: the request, for people. What is `known` is hidden before anything is cut: no part of it is left.
pub(super) fn refused(what: &str, response: &Response, known: &Redactor) -> Failure {
    let reason = reqwest::StatusCode::from_u16(response.status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
    let answered = format!("{what} was answered {} {reason}", response.status);
    let mut message = answered.trim_end().to_owned();
    if !response.expect.is_empty() {
        let expected: Vec<String> = response.expect.iter().map(u16::to_string).collect();
        message.push_str(&format!(", not {}", expected.join(" or ")));
    }
    let mut failure = Failure::new(FailureKind::Failed, message);
    if let (300..400, Some(Value::Str(location))) = (response.status, response.headers.get("location")) {
        let location = show::escape(&credentials::shown(location)).into_owned();
        failure.notes.push(format!("it leads to `{location}`"));
        failure.help = Some(format!(
            "a write follows no redirect: ask that address, or say `expect: {}` where this is success",
            response.status
        ));
    }
    match response.body.text().map(|text| text.trim()) {
        None => failure.notes.push(format!("the answer: {} bytes that are no text", response.body.bytes().len())),
        Some("") => {}
        Some(text) => {
            let text = known.redact(text);
            let start = start(&text);
            let dots = if start.len() < text.len() { " …" } else { "" };
            failure.notes.push(format!("the answer: {}{dots}", show::escape(start)));
        }
    }
    failure
}

/// The first characters, and the whole of a `‹name›` that their end falls into.
fn start(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(EXCERPT) else { return text };
    let (start, rest) = text.split_at(end);
    let is_name = |part: &str| part.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    match (start.rsplit_once('‹'), rest.split_once('›')) {
        (Some((_, begun)), Some((ended, _))) if is_name(begun) && is_name(ended) => {
            text.get(..end + ended.len() + '›'.len_utf8()).unwrap_or(start)
        }
        _ => start,
    }
}
