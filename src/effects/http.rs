//! HTTP. A status outside 2xx is a failure, unless it is expected or judged; a request is sent once, never twice by itself.
use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};

use crate::check::program::{Effect, Want};
use crate::effects::Cancel;
use crate::effects::tls::{self, Proof};
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, Piece, What};
use crate::value::encode::{self, Part};
use crate::value::{Connection, Nanos, Record, Response, SmolStr, Value, json, show};

/// How long a request may take when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A body larger than this belongs into a file.
const MAX_BODY: usize = 8 << 20;
/// How much of a body stands in a failure.
const EXCERPT: usize = 500;
/// Longer than the engine waits for a message.
const NOTIFY: Duration = TIMEOUT;

/// The HTTP provider: its connections are kept and used again.
#[derive(Default)]
pub struct Http {
    following: OnceCell<Client>,
    careful: OnceCell<Client>,
    staying: OnceCell<Client>,
}

/// One request, everything decided.
pub(super) struct Request {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Option<String>,
    pub timeout: Duration,
    pub expect: Vec<u16>,
    pub writes: bool,
}

impl Http {
    /// Returns once the call has ended, also after a cancel: then the connection is closed.
    pub async fn call(&self, call: &Call, cancel: Cancel) -> Outcome {
        let What::Native { action, on, args, .. } = &call.what else {
            return wrong("this is not an HTTP call");
        };
        let name = action.rsplit('.').next().unwrap_or(action);
        if name == "notify" {
            return self.notify(args, &call.key, cancel).await;
        }
        let request = match request(name, on.as_deref(), args, call) {
            Ok(request) => request,
            Err(message) => return wrong(&message),
        };
        let text = shown(&request);
        let writes = request.writes;
        let (ending, result) = self.send(request, cancel).await;
        let response = match result {
            Ok(response) => response,
            Err(failure) => return Outcome::failed(ending, failure),
        };
        if !response.is_success() && call.want != Want::Condition {
            let ending = if writes { Ending::Some } else { Ending::None };
            return Outcome::failed(ending, refused(&text, &response));
        }
        Outcome::done(Value::Response(Arc::new(response)))
    }

    /// Send it once. The ending is that of a request whose status has not been judged.
    pub(super) async fn send(&self, request: Request, mut cancel: Cancel) -> (Ending, Result<Response, Failure>) {
        let lost = if request.writes { Ending::Unknown } else { Ending::None };
        let text = shown(&request);
        let prepared = match self.prepare(&request) {
            Ok(prepared) => prepared,
            Err(message) => return (Ending::None, Err(Failure::new(FailureKind::Value, message))),
        };
        if cancel.is_cancelled() {
            return (
                Ending::None,
                Err(Failure::new(FailureKind::Cancelled, format!("{text} was cancelled before it was sent"))),
            );
        }
        let done = tokio::select! {
            biased;
            done = exchange(prepared, &request) => done,
            () = cancel.cancelled() => {
                return (lost, Err(Failure::new(FailureKind::Cancelled, format!("{text} was cancelled"))));
            }
        };
        match done {
            Ok(response) => (Ending::Done, Ok(response)),
            Err(Broken::Body(message)) => (
                if request.writes { Ending::Some } else { Ending::None },
                Err(Failure::new(FailureKind::Value, format!("{text}: {message}"))),
            ),
            Err(Broken::Sending(e)) => {
                let ending = if e.is_connect() || e.is_builder() { Ending::None } else { lost };
                (ending, Err(broken(&text, &e, request.timeout)))
            }
        }
    }

    fn prepare(&self, request: &Request) -> Result<reqwest::RequestBuilder, String> {
        // A redirect is followed by reads only, and not by one that expects it.
        let stays = request.writes || request.expect.iter().any(|s| (300..400).contains(s));
        let (cell, policy) = if stays {
            (&self.staying, Policy::none())
        } else if request.headers.is_empty() {
            (&self.following, Policy::custom(|next| follow(next, Hosts::Any)))
        } else {
            (&self.careful, Policy::custom(|next| follow(next, Hosts::Same)))
        };
        let client = match cell.get() {
            Some(client) => client,
            None => {
                let made = client(policy)?;
                cell.get_or_init(|| made)
            }
        };
        let url = Url::parse(&request.url).map_err(|e| format!("`{}` is not a URL: {e}", show::brief(&request.url)))?;
        let mut builder =
            client.request(request.method.clone(), url).headers(request.headers.clone()).timeout(request.timeout);
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        Ok(builder)
    }

    /// A message, sent once: the engine bounds and repeats it. Refused for good is `some`, anything else `unknown`.
    async fn notify(&self, args: &[(SmolStr, Arg)], key: &str, cancel: Cancel) -> Outcome {
        let (Some(Value::Str(url)), Some(body)) = (value(args, "url").map(|v| v.expose().0), value(args, "json"))
        else {
            return wrong("a message needs `url` and `json`");
        };
        let url = match encode::url::encode(&Value::Str(url.clone()), encode::How::Whole) {
            Ok(url) => url,
            Err(message) => return wrong(&message),
        };
        let body = json::to_json_exposed(body).to_string();
        let mut headers = content_type(HeaderMap::new(), "application/json");
        match header("idempotency-key", key) {
            Ok(value) => drop(headers.insert("idempotency-key", value)),
            Err(message) => return wrong(&message),
        }
        let request = Request {
            method: Method::POST,
            url,
            headers,
            body: Some(body),
            timeout: NOTIFY,
            expect: Vec::new(),
            writes: true,
        };
        let (ending, result) = self.send(request, cancel).await;
        match result {
            Ok(response) if response.is_success() => Outcome::done(Value::Null),
            Ok(response) if response.status < 500 && response.status != 429 => {
                Outcome::failed(Ending::Some, refused("the message", &response))
            }
            Ok(response) => Outcome::failed(Ending::Unknown, refused("the message", &response)),
            Err(failure) => Outcome::failed(ending, failure),
        }
    }
}

/// For people: the host is named, who asks it with which password is not.
fn shown(request: &Request) -> String {
    let (scheme, rest) = request.url.split_once("://").unwrap_or(("", &request.url));
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{} {}", request.method, show::escape(&format!("{scheme}://{host}{path}")))
}

/// Where a redirect may lead.
#[derive(Clone, Copy)]
enum Hosts {
    Any,
    /// The request carries headers that are meant for one host.
    Same,
}

fn follow(next: reqwest::redirect::Attempt<'_>, hosts: Hosts) -> reqwest::redirect::Action {
    let Some(from) = next.previous().last() else { return next.follow() };
    let elsewhere = matches!(hosts, Hosts::Same) && from.host_str() != next.url().host_str();
    let downgrade = from.scheme() == "https" && next.url().scheme() != "https";
    if next.previous().len() > 10 {
        next.error("more than 10 redirects")
    } else if downgrade {
        next.error("a redirect from https to http is not followed")
    } else if elsewhere {
        next.error("a redirect to another host is not followed with headers that were meant for this one")
    } else {
        next.follow()
    }
}

enum Broken {
    Sending(reqwest::Error),
    Body(String),
}

#[allow(clippy::disallowed_methods, reason = "the edge: how long a request took")]
async fn exchange(builder: reqwest::RequestBuilder, request: &Request) -> Result<Response, Broken> {
    let started = Instant::now();
    let mut found = builder.send().await.map_err(Broken::Sending)?;
    let mut body = Vec::new();
    while let Some(chunk) = found.chunk().await.map_err(Broken::Sending)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            return Err(Broken::Body("the answer is larger than 8 MiB".to_owned()));
        }
    }
    let mut headers: Vec<(SmolStr, Value)> = Vec::new();
    for (name, value) in found.headers() {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match headers.iter_mut().find(|(known, _)| known == name.as_str()) {
            Some((_, Value::Str(all))) => *all = format!("{all}, {text}").into(),
            _ => headers.push((SmolStr::new(name.as_str()), Value::str(text))),
        }
    }
    Ok(Response {
        method: SmolStr::new(request.method.as_str()),
        url: found.url().as_str().into(),
        status: found.status().as_u16(),
        headers: Record(headers),
        text: String::from_utf8_lossy(&body).into(),
        duration: Nanos::from(started.elapsed()),
        expect: request.expect.clone(),
    })
}

fn client(redirects: Policy) -> Result<Client, String> {
    // A system without roots can still talk to those who need none.
    let mut config = tls::config(Proof::Full, None).or_else(|_| tls::trusting_nobody())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(redirects)
        .user_agent(concat!("rbk/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .build()
        .map_err(|e| format!("HTTP does not start: {e}"))
}

fn value<'a>(args: &'a [(SmolStr, Arg)], wanted: &str) -> Option<&'a Value> {
    args.iter().find_map(|(key, arg)| match arg {
        Arg::Value(value) if key == wanted && *value != Value::Null => Some(value),
        _ => None,
    })
}

fn request(name: &str, on: Option<&Connection>, args: &[(SmolStr, Arg)], call: &Call) -> Result<Request, String> {
    let method = match name {
        "get" => Method::GET,
        "head" => Method::HEAD,
        "post" => Method::POST,
        "put" => Method::PUT,
        "patch" => Method::PATCH,
        "delete" => Method::DELETE,
        _ => return Err(format!("there is no action `http.{name}`")),
    };
    let of_base = |wanted: &str| on.and_then(|c| c.args.get(wanted)).filter(|v| **v != Value::Null);
    let mut headers = HeaderMap::new();
    for record in [of_base("headers"), value(args, "headers")].into_iter().flatten() {
        add_headers(&mut headers, record)?;
    }
    if let Some(token) = value(args, "bearer").or(of_base("bearer")) {
        headers.insert("authorization", header("authorization", &format!("Bearer {}", show::text(token)?))?);
    }
    let writes = call.effect >= Effect::Notify;
    if writes && !headers.contains_key("idempotency-key") {
        headers.insert("idempotency-key", header("idempotency-key", &call.key)?);
    }
    let (headers, body) = body(headers, args)?;
    let timeout = match value(args, "timeout").or(of_base("timeout")) {
        Some(Value::Duration(d)) if d.0 > 0 => d.std(),
        Some(_) => return Err("`timeout` is a duration longer than nothing".to_owned()),
        None => TIMEOUT,
    };
    let expect = match value(args, "expect") {
        Some(Value::List(items)) => items.iter().map(status).collect::<Result<_, _>>()?,
        Some(_) => return Err("`expect` is a list of statuses".to_owned()),
        None => Vec::new(),
    };
    Ok(Request { method, url: address(on, args)?, headers, body, timeout, expect, writes })
}

fn status(value: &Value) -> Result<u16, String> {
    match value {
        Value::Int(n @ 100..=599) => Ok(u16::try_from(*n).unwrap_or_default()),
        other => Err(format!("`{}` is not an HTTP status", show::show(other))),
    }
}

/// The call's URL, or the connection's base and the call's path.
fn address(on: Option<&Connection>, args: &[(SmolStr, Arg)]) -> Result<String, String> {
    let pieces = args.iter().find_map(|(_, arg)| match arg {
        Arg::Code(pieces) => Some(pieces),
        Arg::Value(_) => None,
    });
    let parts: Vec<Part> = pieces.ok_or("the URL is missing")?.iter().map(part).collect();
    let path = encode::url::url(&parts)?;
    let absolute = path.starts_with("http://") || path.starts_with("https://");
    let Some(on) = on else {
        return if absolute {
            Ok(path)
        } else {
            Err(format!("`{}` is not an absolute http or https URL", show::brief(&path)))
        };
    };
    if absolute {
        return Err(format!(
            "on `{}` a path is expected, such as `\"/health\"`: the base is given by the connection",
            on.name
        ));
    }
    join(&base(on)?, &path)
}

/// The base of a connection, without the `/` at its end.
pub(super) fn base(on: &Connection) -> Result<String, String> {
    let Some(base) = on.args.get("base") else { return Err(format!("`{}` has no base", on.name)) };
    let base = encode::url::encode(base.expose().0, encode::How::Whole).map_err(|_| {
        // The base can be secret: what is wrong with it is said, not what it is.
        format!("the base of `{}` is not an absolute http or https URL", on.name)
    })?;
    if base.contains(['?', '#']) {
        return Err(format!("the base of `{}` has a query or a fragment", on.name));
    }
    Ok(base.trim_end_matches('/').to_owned())
}

fn join(base: &str, path: &str) -> Result<String, String> {
    Ok(match path.chars().next() {
        None | Some('/' | '?') => format!("{base}{path}"),
        Some(_) => format!("{base}/{path}"),
    })
}

/// A piece as the encoders take it.
pub(super) fn part(piece: &Piece) -> Part<'_> {
    match piece {
        Piece::Text { text, .. } => Part::Text(text),
        Piece::Value { value, how, .. } => Part::Value(value, *how),
    }
}

fn add_headers(headers: &mut HeaderMap, record: &Value) -> Result<(), String> {
    let Value::Record(record) = record.expose().0 else { return Err("`headers` is a record".to_owned()) };
    for (key, value) in &record.0 {
        let name: HeaderName = key.parse().map_err(|_| format!("`{}` is not a header's name", show::brief(key)))?;
        let value = show::text(value).map_err(|e| format!("the header `{key}`: {e}"))?;
        headers.insert(name, header(key, &value)?);
    }
    Ok(())
}

fn header(name: &str, value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| format!("the header `{name}` cannot hold this value: a line end or a control character"))
}

fn content_type(mut headers: HeaderMap, what: &'static str) -> HeaderMap {
    if !headers.contains_key("content-type") {
        headers.insert("content-type", HeaderValue::from_static(what));
    }
    headers
}

fn body(headers: HeaderMap, args: &[(SmolStr, Arg)]) -> Result<(HeaderMap, Option<String>), String> {
    match (value(args, "json"), value(args, "form"), value(args, "body")) {
        (None, None, None) => Ok((headers, None)),
        (Some(value), None, None) => {
            Ok((content_type(headers, "application/json"), Some(json::to_json_exposed(value).to_string())))
        }
        (None, Some(form), None) => {
            let Value::Record(fields) = form.expose().0 else { return Err("`form` is a record".to_owned()) };
            let mut out = url::form_urlencoded::Serializer::new(String::new());
            for (key, value) in &fields.0 {
                out.append_pair(key, &show::text(value).map_err(|e| format!("the field `{key}`: {e}"))?);
            }
            Ok((content_type(headers, "application/x-www-form-urlencoded"), Some(out.finish())))
        }
        (None, None, Some(text)) => Ok((content_type(headers, "text/plain; charset=utf-8"), Some(show::text(text)?))),
        _ => Err("one of `json`, `form` and `body` is sent, not several".to_owned()),
    }
}

fn wrong(message: &str) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, message))
}

/// A status that is a failure, with what the server said.
pub(super) fn refused(what: &str, response: &Response) -> Failure {
    let reason = reqwest::StatusCode::from_u16(response.status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
    let message = format!("{what} was answered {} {reason}", response.status);
    let mut failure = Failure::new(FailureKind::Failed, message.trim_end());
    let text = response.text.trim();
    if !text.is_empty() {
        let start: String = text.chars().take(EXCERPT).collect();
        let dots = if start.len() < text.len() { " …" } else { "" };
        failure.notes.push(format!("the answer: {}{dots}", show::escape(&start)));
    }
    failure
}

fn broken(text: &str, e: &reqwest::Error, timeout: Duration) -> Failure {
    if e.is_timeout() && !e.is_connect() {
        let limit = show::duration(Nanos::from(timeout));
        return Failure::new(FailureKind::Timeout, format!("{text} was not answered within {limit}"));
    }
    let mut reason = String::new();
    let mut next = std::error::Error::source(e);
    while let Some(inner) = next {
        reason = inner.to_string();
        next = inner.source();
    }
    if e.is_redirect() && reason.is_empty() {
        reason = e.to_string();
    }
    if reason.is_empty() {
        reason = if e.is_timeout() { "no connection in time".to_owned() } else { e.to_string() };
    }
    Failure::new(FailureKind::Connection, format!("{text}: {reason}"))
}
