//! What an HTTP call returned.
use std::sync::Arc;

use super::{Nanos, Record, Secret, SmolStr, Value};

/// `.status .headers .text .url .method .duration` are its fields, `.json()` and `.bytes()` its methods.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub method: SmolStr,
    /// Where the answer came from, after redirects; without user and password.
    pub url: Arc<str>,
    pub status: u16,
    /// Names in lower case; several of one name are joined by `, `, those of `set-cookie` by a line end.
    pub headers: Record,
    pub body: Body,
    /// The name of a secret that the body contains; a header that contains one is a secret itself.
    pub secret: Option<SmolStr>,
    pub duration: Nanos,
    /// The statuses that count as a success instead of 2xx (`expect:`).
    pub expect: Vec<u16>,
}

/// What a server sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// UTF-8.
    Text(Arc<str>),
    /// Of another charset, and what it says.
    Decoded { bytes: Arc<[u8]>, text: Arc<str> },
    /// No text.
    Bytes(Arc<[u8]>),
}

impl Body {
    /// Nothing when it is no text.
    #[must_use]
    pub fn text(&self) -> Option<&Arc<str>> {
        match self {
            Body::Text(text) | Body::Decoded { text, .. } => Some(text),
            Body::Bytes(_) => None,
        }
    }

    /// As they came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Body::Text(text) => text.as_bytes(),
            Body::Decoded { bytes, .. } | Body::Bytes(bytes) => bytes,
        }
    }
}

impl Response {
    /// 2xx, or one that was expected.
    #[must_use]
    pub fn is_success(&self) -> bool {
        if self.expect.is_empty() { (200..300).contains(&self.status) } else { self.expect.contains(&self.status) }
    }

    /// # Errors
    /// The answer is no text.
    pub fn text(&self) -> Result<Arc<str>, String> {
        self.body.text().cloned().ok_or_else(|| {
            format!("the answer of {} {} is not text: read its `.bytes()`", self.method, self.shown_url())
        })
    }

    /// What is made of its body: a secret where that contains one.
    #[must_use]
    pub fn of_body(&self, made: Value) -> Value {
        match &self.secret {
            Some(name) => Secret::hide(name.clone(), made),
            None => made,
        }
    }

    /// Its address for people: what a query gives to nobody else is left out.
    #[must_use]
    pub fn shown_url(&self) -> String {
        super::credentials::shown(&self.url)
    }
}
