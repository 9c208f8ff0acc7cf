//! One request, everything decided.
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use super::address::{self, Address};
use super::body::{self, Outgoing};
use super::client::Settings;
use super::headers::{header, headers};
use super::value;
use crate::check::program::Effect;
use crate::engine::{Arg, Call};
use crate::value::{Connection, SmolStr, Value, show};

/// How long a request may take when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// A body larger than this belongs into a file.
const MAX_BODY: u64 = 8 << 20;

pub(in crate::effects) struct Request {
    pub method: Method,
    pub url: Url,
    /// For people: `GET https://host/path`, no secret in it.
    pub shown: String,
    pub headers: HeaderMap,
    pub body: Outgoing,
    /// From the first look-up of the host to the last byte of the answer, redirects included.
    pub timeout: Duration,
    /// Look-up, connection and TLS.
    pub connect: Duration,
    /// Bytes of an answer that are taken.
    pub max_body: u64,
    pub expect: Vec<u16>,
    pub writes: bool,
    pub(super) settings: Settings,
}

impl Request {
    /// # Errors
    /// What cannot be sent, before anything is.
    pub fn of(name: &str, on: Option<&Connection>, args: &[(SmolStr, Arg)], call: &Call) -> Result<Request, String> {
        let method = method(name, args)?;
        let Address { url, user, shown } = address::address(on, args)?;
        let mut headers = headers(on, args, user)?;
        let writes = call.effect >= Effect::Notify;
        if writes && !headers.contains_key("idempotency-key") {
            headers.insert("idempotency-key", header("idempotency-key", &call.key.to_string())?);
        }
        let (kind, body) = body::body(args, &call.contexts)?;
        if let Some(kind) = kind
            && !headers.contains_key("content-type")
        {
            headers.insert("content-type", kind);
        }
        let settings = Settings::of(on)?;
        let shown = format!("{method} {shown}");
        let limits = Limits::of(on, args)?;
        let expect = expected(value(args, "expect"))?;
        Ok(Request {
            method,
            url,
            shown,
            headers,
            body,
            timeout: limits.timeout,
            connect: limits.connect,
            max_body: limits.max_body,
            expect,
            writes,
            settings,
        })
    }

    /// A GET of a path under the base of a connection.
    ///
    /// # Errors
    /// A connection that says what cannot be.
    pub fn get(on: &Connection, path: &str) -> Result<Request, String> {
        let whole = address::join(&address::base(on)?, path);
        let Address { url, user, shown } = address::parsed(&whole, &whole)?;
        let limits = Limits::of(Some(on), &[])?;
        Ok(Request {
            method: Method::GET,
            url,
            shown: format!("GET {shown}"),
            headers: headers(Some(on), &[], user)?,
            body: Outgoing::default(),
            timeout: limits.timeout,
            connect: limits.connect,
            max_body: limits.max_body,
            expect: Vec::new(),
            writes: false,
            settings: Settings::of(Some(on))?,
        })
    }

    /// A JSON message to a whole URL.
    ///
    /// # Errors
    /// What is no URL, or no key.
    pub fn message(url: &str, json: String, key: &str, timeout: Duration) -> Result<Request, String> {
        let Address { url, user, shown } = address::parsed(url, url)?;
        let mut headers = headers(None, &[], user)?;
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        // The same for every try: who keeps to it shows the message once.
        headers.insert("idempotency-key", header("idempotency-key", key)?);
        Ok(Request {
            method: Method::POST,
            url,
            shown: format!("POST {shown}"),
            headers,
            body: Outgoing::text(json),
            timeout,
            connect: timeout,
            max_body: MAX_BODY,
            expect: Vec::new(),
            writes: true,
            settings: Settings::of(None)?,
        })
    }
}

fn method(name: &str, args: &[(SmolStr, Arg)]) -> Result<Method, String> {
    Ok(match name {
        "get" => Method::GET,
        "head" => Method::HEAD,
        "options" => Method::OPTIONS,
        "post" => Method::POST,
        "put" => Method::PUT,
        "patch" => Method::PATCH,
        "delete" => Method::DELETE,
        "request" => match value(args, "method").map(|v| v.expose().0) {
            Some(Value::Str(word)) if &**word == "CONNECT" => {
                return Err("`CONNECT` asks for a tunnel: a proxy is given by the connection, `http(base, proxy: …)`"
                    .to_owned());
            }
            Some(Value::Str(word)) if !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '-') => {
                Method::from_bytes(word.as_bytes()).map_err(|_| not_a_method(word))?
            }
            Some(Value::Str(word)) => return Err(not_a_method(word)),
            _ => return Err("`method` is a word such as `\"PURGE\"`".to_owned()),
        },
        _ => return Err(format!("there is no action `http.{name}`")),
    })
}

fn not_a_method(word: &str) -> String {
    format!("`{}` is not a method: it is a word in capitals, such as `PURGE`", show::brief(word))
}

struct Limits {
    timeout: Duration,
    connect: Duration,
    max_body: u64,
}

impl Limits {
    fn of(on: Option<&Connection>, args: &[(SmolStr, Arg)]) -> Result<Limits, String> {
        let of_base = |wanted: &str| on.and_then(|c| c.args.get(wanted)).filter(|v| **v != Value::Null);
        let duration = |wanted: &str, otherwise: Duration| match value(args, wanted).or(of_base(wanted)) {
            Some(Value::Duration(d)) if d.0 > 0 => Ok(d.std()),
            Some(_) => Err(format!("`{wanted}` is a duration longer than nothing")),
            None => Ok(otherwise),
        };
        let max_body = match value(args, "max_body").or(of_base("max_body")) {
            Some(Value::Size(n)) => u64::try_from(*n).map_err(|_| "`max_body` is not negative")?,
            Some(_) => return Err("`max_body` is a size, such as `20MB`".to_owned()),
            None => MAX_BODY,
        };
        Ok(Limits { timeout: duration("timeout", TIMEOUT)?, connect: duration("connect_timeout", CONNECT)?, max_body })
    }
}

fn expected(expect: Option<&Value>) -> Result<Vec<u16>, String> {
    match expect.map(|v| v.expose().0) {
        None => Ok(Vec::new()),
        Some(Value::List(items)) if items.is_empty() => Err("`expect` names no status".to_owned()),
        Some(Value::List(items)) => items.iter().map(status).collect(),
        Some(one) => Ok(vec![status(one)?]),
    }
}

fn status(value: &Value) -> Result<u16, String> {
    match value {
        Value::Int(n @ 100..=599) => Ok(u16::try_from(*n).unwrap_or_default()),
        other => Err(format!("`{}` is not an HTTP status", show::show(other))),
    }
}
