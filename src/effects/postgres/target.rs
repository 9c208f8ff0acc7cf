//! A connection's recipe → where to connect, as whom, over which TLS.
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::effects::tls::{self, Proof};
use crate::value::{Connection, Value};

/// How long a connect may take when nothing else is said.
const CONNECT: Duration = Duration::from_secs(10);

/// Everything needed to open a session.
#[derive(Clone)]
pub struct Target {
    pub config: Config,
    pub tls: Option<ClientConfig>,
    /// Of the whole of each call.
    pub timeout: Option<Duration>,
    /// `sslmode` and `sslrootcert`, as given.
    pub ssl: Ssl,
}

#[derive(Clone, Debug, Default)]
pub struct Ssl {
    pub mode: Option<String>,
    pub roots: Option<String>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({})", self.place())
    }
}

impl Target {
    /// # Errors
    /// What in the URL is wrong, without the URL.
    pub fn new(connection: &Connection, application: &str) -> Result<Target, String> {
        let Some(Value::Str(url)) = connection.args.get("url").map(|v| v.expose().0) else {
            return Err(format!("the URL of `{}` is not a string", connection.name));
        };
        let (plain, ssl) = take_ssl(url)?;
        let mut config = Config::from_str(&plain)
            .map_err(|e| format!("the URL of `{}` is not understood: {}", connection.name, cause(&e)))?;
        match connection.args.get("database").map(|v| v.expose().0) {
            Some(Value::Str(name)) => drop(config.dbname(&**name)),
            Some(Value::Null) | None => {}
            Some(_) => return Err("the `database` of a connection is a string".to_owned()),
        }
        let timeout = match connection.args.get("timeout") {
            Some(Value::Duration(d)) => Some(d.std()),
            _ => None,
        };
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(timeout.unwrap_or(CONNECT));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        config.application_name(application);
        let tls = choose_tls(&mut config, &ssl)?;
        Ok(Target { config, tls, timeout, ssl })
    }

    /// `host:port/database`, for people.
    #[must_use]
    pub fn place(&self) -> String {
        let host = self.config.get_hosts().first().map_or_else(String::new, |host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        format!("{host}:{port}/{}", self.config.get_dbname().or(self.config.get_user()).unwrap_or(""))
    }
}

/// The text of an error and of what caused it.
pub fn cause(e: &dyn std::error::Error) -> String {
    let mut text = e.to_string();
    let mut next = e.source();
    while let Some(inner) = next {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = inner.source();
    }
    text
}

/// The URL without what the client library does not know: a driver's name and the `ssl…` parameters.
fn take_ssl(url: &str) -> Result<(String, Ssl), String> {
    let mut ssl = Ssl::default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return Ok((url.to_owned(), ssl));
    };
    let scheme = scheme.split('+').next().unwrap_or(scheme);
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
        match key {
            "sslmode" => ssl.mode = Some(value),
            "sslrootcert" => ssl.roots = Some(value).filter(|v| v != "system"),
            "sslcert" | "sslkey" | "sslcrl" | "sslpassword" => {
                return Err(format!("`{key}` in a connection's URL is not supported: use a password"));
            }
            _ => kept.push(pair),
        }
    }
    let mark = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{scheme}://{base}{mark}{}", kept.join("&")), ssl))
}

fn choose_tls(config: &mut Config, ssl: &Ssl) -> Result<Option<ClientConfig>, String> {
    let local = config.get_hosts().iter().any(|h| matches!(h, Host::Unix(_)));
    let roots = ssl.roots.as_deref();
    let (mode, proof) = match ssl.mode.as_deref() {
        // TLS has no meaning on a socket of this machine.
        _ if local => (SslMode::Disable, None),
        Some("disable") => (SslMode::Disable, None),
        // As libpq has it: with a root file, `require` proves the authority.
        Some("require") if roots.is_some() => (SslMode::Require, Some(Proof::Authority)),
        Some("require") => (SslMode::Require, Some(Proof::Nothing)),
        Some("verify-ca") => (SslMode::Require, Some(Proof::Authority)),
        Some("verify-full") => (SslMode::Require, Some(Proof::Full)),
        None | Some("prefer" | "allow") => match config.get_ssl_mode() {
            SslMode::Disable => (SslMode::Disable, None),
            mode => (mode, Some(Proof::Nothing)),
        },
        Some(other) => {
            return Err(format!(
                "`sslmode={other}` is not one of `disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`"
            ));
        }
    };
    config.ssl_mode(mode);
    proof.map(|proof| tls::config(proof, roots)).transpose()
}
