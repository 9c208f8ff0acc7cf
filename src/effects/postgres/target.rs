//! A connection's recipe → where to connect, as whom, over which TLS.
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};

use super::certificates;

use super::passfile::Passfile;
use crate::check::conninfo::{self, Parameters};
use crate::effects::tls::{self, Proof};
use crate::value::{Connection, Value};

/// How long a connect may take when nothing else is said.
const CONNECT: Duration = Duration::from_secs(10);
/// What was sent and is not acknowledged for so long is lost: the network is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Everything needed to open a session.
#[derive(Clone)]
pub struct Target {
    /// Who and what, without a host.
    pub config: Config,
    /// Tried in this order.
    pub hosts: Vec<Host>,
    pub attrs: Attrs,
    pub tls: Option<ClientConfig>,
    /// Of the whole of each call.
    pub timeout: Option<Duration>,
    /// Of each host.
    pub connect: Duration,
    /// `sslmode`, `sslrootcert` and the like, as given.
    pub given: Parameters,
    pub passfile: Passfile,
}

/// One of the servers that may be it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub at: At,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// A name, and the address when it is not to be looked up.
    Tcp(String, Option<IpAddr>),
    /// The directory of the socket.
    Unix(PathBuf),
}

/// Which of several servers will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attrs {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({})", self.place())
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.at {
            At::Tcp(name, None) => write!(f, "{name}:{}", self.port),
            At::Tcp(name, Some(address)) if name == &address.to_string() => write!(f, "{name}:{}", self.port),
            At::Tcp(name, Some(address)) => write!(f, "{name} ({address}):{}", self.port),
            At::Unix(path) => write!(f, "{}:{}", path.display(), self.port),
        }
    }
}

impl Target {
    /// # Errors
    /// What in the URL is wrong, without the URL.
    pub fn new(connection: &Connection, application: &str) -> Result<Target, String> {
        let Some(Value::Str(url)) = connection.args.get("url").map(|v| v.expose().0) else {
            return Err(format!("the URL of `{}` is not a string", connection.name));
        };
        let wrong = |e: String| format!("the URL of `{}` is not understood: {e}", connection.name);
        let mut given = conninfo::parse(url).map_err(wrong)?;
        certificates::add_from_environment(&mut given);
        let get = |key: &str| {
            given
                .iter()
                .rev()
                .find(|(k, _)| k == key)
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let mut config = Config::new();
        let database = match connection.args.get("database").map(|v| v.expose().0) {
            Some(Value::Str(name)) => Some(name.to_string()),
            Some(Value::Null) | None => get("dbname").map(str::to_owned),
            Some(_) => return Err("the `database` of a connection is a string".to_owned()),
        };
        let timeout = match connection.args.get("timeout") {
            Some(Value::Duration(d)) => Some(d.std()),
            _ => None,
        };
        // As libpq has it: who nobody names is who asks.
        config.user(get("user").map_or_else(whoami, str::to_owned));
        database.map(|name| config.dbname(name));
        get("password").map(|password| config.password(password));
        get("options").map(|options| config.options(options));
        config.application_name(application);
        keep_alive(&mut config, &get).map_err(wrong)?;
        config.channel_binding(match get("channel_binding") {
            None | Some("prefer") => ChannelBinding::Prefer,
            Some("disable") => ChannelBinding::Disable,
            Some("require") => ChannelBinding::Require,
            Some(_) => return Err(wrong(one_of("channel_binding", "`disable`, `prefer`, `require`"))),
        });
        let connect = match get("connect_timeout").map(str::parse::<u64>) {
            None | Some(Ok(0)) => CONNECT,
            Some(Ok(seconds)) => Duration::from_secs(seconds.max(2)),
            Some(Err(_)) => return Err(wrong("`connect_timeout` is a number of seconds".to_owned())),
        };
        config.connect_timeout(connect);
        let attrs = match get("target_session_attrs") {
            None | Some("any") => Attrs::Any,
            Some("read-write") => Attrs::ReadWrite,
            Some("read-only") => Attrs::ReadOnly,
            Some("primary") => Attrs::Primary,
            Some("standby") => Attrs::Standby,
            Some("prefer-standby") => Attrs::PreferStandby,
            Some(_) => {
                let known = "`any`, `read-write`, `read-only`, `primary`, `standby`, `prefer-standby`";
                return Err(wrong(one_of("target_session_attrs", known)));
            }
        };
        let mut hosts = hosts(&get).map_err(wrong)?;
        match get("load_balance_hosts") {
            None | Some("disable") => {}
            Some("random") => fastrand::shuffle(&mut hosts),
            Some(_) => return Err(wrong(one_of("load_balance_hosts", "`disable`, `random`"))),
        }
        let tls = choose_tls(&mut config, &get)?;
        let passfile = if get("password").is_some() { Passfile::default() } else { Passfile::read(get("passfile")) };
        Ok(Target { config, hosts, attrs, tls, timeout, connect, passfile, given })
    }

    /// What the parameter was given as.
    #[must_use]
    pub fn given(&self, key: &str) -> Option<&str> {
        self.given.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    #[must_use]
    pub fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or("")
    }

    /// `host:port/database`, for people.
    #[must_use]
    pub fn place(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        format!("{}/{}", hosts.join(","), self.database())
    }

    /// What opens a session at one of its hosts: with TLS only where it means something.
    #[must_use]
    pub fn at(&self, host: &Host) -> (Config, Option<ClientConfig>) {
        let mut config = self.config.clone();
        config.port(host.port);
        let (name, tls) = match &host.at {
            At::Tcp(name, address) => {
                config.host(name);
                address.map(|address| config.hostaddr(address));
                (name.as_str(), self.tls.clone())
            }
            At::Unix(path) => {
                config.host_path(path).ssl_mode(SslMode::Disable);
                let default = path.to_str().is_some_and(|p| DIRECTORIES.contains(&p));
                (if default { "localhost" } else { path.to_str().unwrap_or("") }, None)
            }
        };
        let user = self.config.get_user().unwrap_or("");
        if let Some(password) = self.passfile.password(name, host.port, self.database(), user) {
            config.password(password);
        }
        (config, tls)
    }
}

/// Where a server's socket is when nobody says where.
const DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

fn one_of(key: &str, known: &str) -> String {
    format!("`{key}` is one of {known}")
}

fn whoami() -> String {
    nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map_or_else(|| "postgres".to_owned(), |u| u.name)
}

fn hosts<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Vec<Host>, String> {
    let list = |key: &str| get(key).map_or_else(Vec::new, |text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len()).max(1);
    let fits = |n: usize| n == 0 || n == count;
    if !fits(names.len()) || !fits(addresses.len()) || !(fits(ports.len()) || ports.len() == 1) {
        return Err("it names several hosts, and not as many ports or addresses".to_owned());
    }
    (0..count)
        .map(|i| {
            let port = match ports.get(i).or(ports.first()).copied() {
                None | Some("") => 5432,
                Some(port) => match port.parse() {
                    Ok(port) if port != 0 => port,
                    _ => return Err(format!("`{port}` is not a port")),
                },
            };
            let address = match addresses.get(i).copied().filter(|a| !a.is_empty()) {
                None => None,
                Some(text) => Some(text.parse::<IpAddr>().map_err(|_| format!("`{text}` is not an IP address"))?),
            };
            let at = match (names.get(i).copied().filter(|name| !name.is_empty()), address) {
                (Some(path), _) if path.starts_with('/') => At::Unix(path.into()),
                (Some(name), address) => At::Tcp(name.to_owned(), address),
                (None, Some(address)) => At::Tcp(address.to_string(), Some(address)),
                (None, None) => At::Tcp("localhost".to_owned(), None),
            };
            Ok(Host { at, port })
        })
        .collect()
}

fn keep_alive<'a>(config: &mut Config, get: &impl Fn(&str) -> Option<&'a str>) -> Result<(), String> {
    let number = |key: &str| match get(key).map(str::parse::<u32>) {
        None => Ok(None),
        Some(Ok(n)) => Ok(Some(n)),
        Some(Err(_)) => Err(format!("`{key}` is a number")),
    };
    let seconds = |n: u32| Duration::from_secs(n.into());
    if let Some(n) = number("keepalives")? {
        config.keepalives(n != 0);
    }
    config.keepalives_idle(number("keepalives_idle")?.map_or(UNACKNOWLEDGED, seconds));
    number("keepalives_interval")?.map(|n| config.keepalives_interval(seconds(n)));
    number("keepalives_count")?.map(|n| config.keepalives_retries(n));
    let lost = number("tcp_user_timeout")?.filter(|n| *n != 0);
    config.tcp_user_timeout(lost.map_or(UNACKNOWLEDGED, |n| Duration::from_millis(n.into())));
    Ok(())
}

fn choose_tls<'a>(config: &mut Config, get: &impl Fn(&str) -> Option<&'a str>) -> Result<Option<ClientConfig>, String> {
    let roots = get("sslrootcert").filter(|path| *path != "system");
    // As libpq has it: with the system's roots, nothing less than everything is proved.
    let full = get("sslrootcert") == Some("system");
    let (mode, proof) = match get("sslmode") {
        Some("disable") => (SslMode::Disable, None),
        // As libpq has it: with a root file, `require` proves the authority.
        Some("require") if roots.is_some() => (SslMode::Require, Some(Proof::Authority)),
        Some("require") if !full => (SslMode::Require, Some(Proof::Nothing)),
        Some("verify-ca") if !full => (SslMode::Require, Some(Proof::Authority)),
        Some("verify-full") => (SslMode::Require, Some(Proof::Full)),
        None if full => (SslMode::Require, Some(Proof::Full)),
        Some("require" | "verify-ca" | "prefer" | "allow") if full => {
            return Err("with `sslrootcert=system` there is only `sslmode=verify-full`".to_owned());
        }
        None | Some("prefer" | "allow") => (SslMode::Prefer, Some(Proof::Nothing)),
        Some(other) => {
            return Err(format!(
                "`sslmode={other}` is not one of `disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`"
            ));
        }
    };
    config.ssl_mode(mode);
    match get("sslnegotiation") {
        None | Some("postgres") => {}
        Some("direct") if mode == SslMode::Require => drop(config.ssl_negotiation(SslNegotiation::Direct)),
        Some(_) => return Err("`sslnegotiation` is `postgres`, or with `sslmode=require` and more `direct`".to_owned()),
    }
    let own = certificates::identity(get)?;
    let mut tls = proof.map(|proof| tls::config_as(proof, roots, own)).transpose()?;
    if let Some(tls) = &mut tls {
        tls.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(tls)
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
