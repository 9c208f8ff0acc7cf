//! A request and its answer, within its limits.
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Method, Url};

use super::Http;
use super::broken::{Broken, is_torn};
use super::door::{PASS, Pass, now};
use super::redirect;
use super::request::Request;
use crate::effects::Cancel;
use crate::engine::{Ending, Failure, FailureKind};
use crate::value::{Body, Nanos, Record, Response, SmolStr, Value, show};

/// What is being connected says by itself that it ends; then it is known that nothing was sent.
const GRACE: Duration = Duration::from_millis(50);
/// What is read of the body of a redirect, so that its connection can be used again.
const DRAIN: usize = 1 << 16;

impl Http {
    /// Send it once. The ending is that of a request whose status has not been judged.
    pub(in crate::effects) async fn send(
        &self,
        request: &Request,
        mut cancel: Cancel,
    ) -> (Ending, Result<Response, Failure>) {
        let lost = if request.writes { Ending::Unknown } else { Ending::None };
        let text = &request.shown;
        if cancel.is_cancelled() {
            let failure = Failure::new(FailureKind::Cancelled, format!("{text} was cancelled before it was sent"));
            return (Ending::None, Err(failure));
        }
        let opened = Arc::new(AtomicBool::new(false));
        let last = now() + request.timeout;
        let pass = Pass { limit: request.connect, last, cancel: cancel.clone(), opened: opened.clone() };
        let mut work = pin!(PASS.scope(pass, self.answer(request, &opened)));
        let done = tokio::select! {
            biased;
            done = &mut work => Some(done),
            () = cancel.cancelled() => tokio::time::timeout(GRACE, &mut work).await.ok(),
            () = tokio::time::sleep_until(last + GRACE) => {
                let limit = show::duration(Nanos::from(request.timeout));
                let failure = Failure::new(FailureKind::Timeout, format!("{text} was not answered within {limit}"));
                return (lost, Err(failure));
            }
        };
        match done {
            Some(Ok(response)) => (Ending::Done, Ok(response)),
            Some(Err(broken)) => {
                let (ending, failure) = broken.told(request, lost);
                (ending, Err(failure))
            }
            None => (lost, Err(Failure::new(FailureKind::Cancelled, format!("{text} was cancelled")))),
        }
    }

    /// Follows redirects.
    async fn answer(&self, request: &Request, opened: &AtomicBool) -> Result<Response, Broken> {
        let started = now();
        let mut url = request.url.clone();
        for _ in 0..=redirect::MOST {
            let mut found = self.asked(request, &url, opened).await?;
            let status = found.status().as_u16();
            if redirect::follows(request)
                && let Some(next) = redirect::next(request, &url, status, found.headers()).map_err(Broken::Redirect)?
            {
                drain(found).await;
                url = next;
                continue;
            }
            let bytes =
                if request.method == Method::HEAD { Vec::new() } else { read(&mut found, request.max_body).await? };
            let kind = found.headers().get("content-type").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
            return Ok(Response {
                method: SmolStr::new(request.method.as_str()),
                url: url.as_str().into(),
                status,
                headers: headers(found.headers()),
                body: decoded(bytes, kind.as_deref().unwrap_or("")),
                secret: None,
                duration: Nanos::from(now() - started),
                expect: request.expect.clone(),
            });
        }
        Err(Broken::Redirect(format!("more than {} redirects", redirect::MOST)))
    }

    /// A kept connection can be closed by the server in the same moment: then a read is asked again on a new one.
    async fn asked(&self, request: &Request, url: &Url, opened: &AtomicBool) -> Result<reqwest::Response, Broken> {
        match self.asked_once(request, url, opened).await {
            Err(Broken::Sending(e)) if !request.writes && !opened.load(Ordering::Relaxed) && is_torn(&e) => {
                self.asked_once(request, url, opened).await
            }
            other => other,
        }
    }

    async fn asked_once(&self, request: &Request, url: &Url, opened: &AtomicBool) -> Result<reqwest::Response, Broken> {
        let client = self.clients.client(&request.settings, url).map_err(Broken::Before)?;
        let mut builder = client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(body) = request.body.sendable().await.map_err(Broken::Before)? {
            builder = builder.body(body);
        }
        opened.store(false, Ordering::Relaxed);
        builder.send().await.map_err(Broken::Sending)
    }
}

async fn drain(mut found: reqwest::Response) {
    let mut left = DRAIN;
    while let Ok(Some(chunk)) = found.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}

async fn read(found: &mut reqwest::Response, limit: u64) -> Result<Vec<u8>, Broken> {
    let length = found.content_length();
    if length.is_some_and(|n| n > limit) {
        return Err(Broken::TooLarge { limit, length });
    }
    let mut bytes = Vec::new();
    loop {
        match found.chunk().await {
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Err(error) => return Err(Broken::Cut { got: bytes.len(), of: length, error }),
        }
        if bytes.len() as u64 > limit {
            return Err(Broken::TooLarge { limit, length });
        }
    }
}

fn headers(found: &reqwest::header::HeaderMap) -> Record {
    let mut headers: Vec<(SmolStr, Value)> = Vec::new();
    for (name, value) in found {
        let text = header_text(value.as_bytes());
        // A cookie holds commas of its own.
        let between = if name == "set-cookie" { "\n" } else { ", " };
        match headers.iter_mut().find(|(known, _)| known == name.as_str()) {
            Some((_, Value::Str(all))) => *all = format!("{all}{between}{text}").into(),
            _ => headers.push((SmolStr::new(name.as_str()), Value::str(text))),
        }
    }
    Record(headers)
}

/// What is no UTF-8 is Latin-1, as headers once were.
fn header_text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect(), str::to_owned)
}

/// By the charset that the answer names, else UTF-8.
fn decoded(bytes: Vec<u8>, kind: &str) -> Body {
    let named = kind.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    let encoding = named.and_then(|name| encoding_rs::Encoding::for_label(name.as_bytes()));
    let (text, _, broken) = encoding.unwrap_or(encoding_rs::UTF_8).decode(&bytes);
    if broken {
        return Body::Bytes(bytes.into());
    }
    if text.as_bytes() == bytes {
        return Body::Text(text.into());
    }
    let text: Arc<str> = text.into();
    Body::Decoded { bytes: bytes.into(), text }
}
