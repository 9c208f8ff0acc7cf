//! Clients: one for each way to reach servers, made when first used, its connections kept.
use std::cell::RefCell;

use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Url};

use super::door::DoorLayer;
use crate::effects::tls::{self, Identity, Proof};
use crate::value::{Connection, Value, show};

/// What makes a client differ from another: connections that say the same share theirs.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Settings {
    /// A PEM file of authorities, instead of the system's.
    pub ca: Option<String>,
    /// A certificate of ours and its key: PEM files.
    pub cert: Option<(String, String)>,
    pub proxy: Way,
}

/// How a server is reached.
#[derive(Clone, Default, PartialEq)]
pub(super) enum Way {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    Environment,
    /// `proxy: "none"`.
    Direct,
    /// A URL.
    Proxy(String),
}

impl Settings {
    /// # Errors
    /// A certificate without its key, or the other way round.
    pub fn of(on: Option<&Connection>) -> Result<Settings, String> {
        let text = |wanted: &str| match on.and_then(|c| c.args.get(wanted)) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => show::text(value).map(Some).map_err(|e| format!("`{wanted}`: {e}")),
        };
        let cert = match (text("cert")?, text("key")?) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return Err("`cert` needs its `key`".to_owned()),
            (None, Some(_)) => return Err("`key` needs its `cert`".to_owned()),
        };
        let proxy = match text("proxy")? {
            None => Way::Environment,
            Some(none) if none == "none" => Way::Direct,
            Some(url) => Way::Proxy(url),
        };
        Ok(Settings { ca: text("ca")?, cert, proxy })
    }

    /// Whether this client shows who it is to every server that asks.
    pub fn proves(&self) -> bool {
        self.cert.is_some()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Tls {
    /// Nothing is asked over TLS: its roots, which take longer to read than a request, are not.
    Without,
    With,
}

#[derive(Default)]
pub(super) struct Clients(RefCell<Vec<(Settings, Tls, Client)>>);

impl Clients {
    /// # Errors
    /// Certificates that cannot be read; what is no proxy.
    pub fn client(&self, settings: &Settings, url: &Url) -> Result<Client, String> {
        let tls = if url.scheme() == "http" && proxies(settings) == 0 { Tls::Without } else { Tls::With };
        let known = self.0.borrow().iter().find(|(s, t, _)| s == settings && *t == tls).map(|(.., c)| c.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let made = made(settings, tls)?;
        self.0.borrow_mut().push((settings.clone(), tls, made.clone()));
        Ok(made)
    }
}

/// How many proxies there may be; one of them could speak TLS.
fn proxies(settings: &Settings) -> usize {
    match settings.proxy {
        Way::Direct => 0,
        Way::Proxy(_) => 1,
        Way::Environment => from_environment().len(),
    }
}

/// The variables that name a proxy.
#[allow(clippy::disallowed_methods, reason = "the edge: proxies as every program finds them")]
pub(super) fn from_environment() -> Vec<&'static str> {
    let names = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    names.into_iter().filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())).collect()
}

fn made(settings: &Settings, tls: Tls) -> Result<Client, String> {
    let mut config = match (tls, &settings.ca, &settings.cert) {
        (Tls::Without, ..) => tls::trusting_nobody()?,
        // A system without roots can still talk to those who need none.
        (Tls::With, None, None) => tls::config(Proof::Full, None).or_else(|_| tls::trusting_nobody())?,
        (Tls::With, ca, None) => tls::config(Proof::Full, ca.as_deref())?,
        (Tls::With, ca, Some((certificate, key))) => {
            tls::config_as(Proof::Full, ca.as_deref(), Some(Identity { certificate, key }))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let builder = Client::builder()
        .tls_backend_preconfigured(config)
        // Followed by hand, where it is known what the request carries.
        .redirect(Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .connector_layer(DoorLayer)
        .user_agent(concat!("rbk/", env!("CARGO_PKG_VERSION")));
    let builder = match &settings.proxy {
        Way::Environment => builder,
        Way::Direct => builder.no_proxy(),
        Way::Proxy(url) => builder.no_proxy().proxy(proxy(url)?),
    };
    builder.build().map_err(|e| format!("HTTP does not start: {e}"))
}

/// Its URL can hold a password: what is wrong with it is said, not what it is.
fn proxy(url: &str) -> Result<Proxy, String> {
    let wrong = || "`proxy` is `\"none\"`, or an http or https URL such as `\"http://proxy:3128\"`".to_owned();
    let parsed = Url::parse(url).map_err(|_| wrong())?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Err(wrong());
    }
    Proxy::all(url).map_err(|_| wrong())
}
