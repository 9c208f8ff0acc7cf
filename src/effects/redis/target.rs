//! A connection's recipe → which servers, as whom, over which TLS.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::ClientConfig;

use crate::effects::tls::{self, Identity, Proof};
use crate::value::{Connection, Value};

/// How long reaching a server and logging in may take when nothing else is said.
const CONNECT: Duration = Duration::from_secs(10);
const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Everything needed to open a session.
#[derive(Clone)]
pub struct Target {
    pub entry: Entry,
    pub login: Login,
    /// What the sentinels themselves ask for.
    pub sentinel_login: Login,
    pub database: u32,
    pub tls: Option<Arc<ClientConfig>>,
    /// Of the whole of each call.
    pub timeout: Option<Duration>,
}

/// Where to begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    Server(Address),
    /// They know which server is the master.
    Sentinels(Vec<Address>, Arc<str>),
    /// Any of its nodes knows who has which keys.
    Cluster(Vec<Address>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(Arc<str>, u16),
    Unix(PathBuf),
}

/// The shape of `AUTH`.
#[derive(Clone, Default)]
pub struct Login {
    pub user: Option<Arc<str>>,
    pub password: Option<Arc<str>>,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Address::Tcp(host, port) => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Target {
    /// # Errors
    /// What in the recipe is wrong, without the URL: it may hold a password.
    pub fn new(on: &Connection) -> Result<Target, String> {
        let Some(Value::Str(url)) = on.args.get("url").map(|v| v.expose().0) else {
            return Err(format!("the URL of `{}` is not a string", on.name));
        };
        let mut target = read(url).map_err(|e| format!("the URL of `{}` {e}", on.name))?;
        match on.args.get("database").map(|v| v.expose().0) {
            None | Some(Value::Null) => {}
            Some(Value::Int(n)) => {
                target.database = u32::try_from(*n).map_err(|_| "the `database` of a connection is 0 or more")?;
            }
            Some(_) => return Err("the `database` of a connection is a number".to_owned()),
        }
        if let (Entry::Cluster(_), 1..) = (&target.entry, target.database) {
            return Err(format!("`{}` is a cluster, which has database 0 only", on.name));
        }
        if let Some(Value::Duration(d)) = on.args.get("timeout") {
            target.timeout = Some(d.std());
        }
        Ok(target)
    }

    /// `user@host:port/database`, of several servers each; for people.
    #[must_use]
    pub fn place(&self) -> String {
        let listed = |all: &[Address]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let hosts = match &self.entry {
            Entry::Server(address) => address.to_string(),
            Entry::Sentinels(all, master) => format!("{} of {}", master, listed(all)),
            Entry::Cluster(all) => listed(all),
        };
        let user = self.login.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
        format!("{user}{hosts}/{}", self.database)
    }

    /// How long reaching a server and logging in may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.timeout.map_or(CONNECT, |own| own.min(CONNECT))
    }
}

/// What a URL says, once its scheme is known.
struct Parts<'a> {
    hosts: &'a str,
    path: &'a str,
    login: Login,
    query: Query,
}

/// The names are those of redis-py, so that one URL serves an application and its runbook.
#[derive(Default)]
struct Query {
    database: Option<u32>,
    sentinel: Login,
    socket: Login,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

fn read(url: &str) -> Result<Target, String> {
    let unknown = "begins with none of `redis://`, `rediss://`, `unix://`, `redis+sentinel://`, `rediss+sentinel://`, \
                   `redis+cluster://`, `rediss+cluster://`";
    let (scheme, rest) = url.split_once("://").ok_or(unknown)?;
    let (first, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    let encrypted = match (first, kind) {
        ("redis" | "valkey", "" | "sentinel" | "cluster" | "unix") | ("unix", "") => false,
        ("rediss" | "valkeys", "" | "sentinel" | "cluster") => true,
        _ => return Err(unknown.to_owned()),
    };
    if let Some((_, fragment)) = rest.split_once('#') {
        return Err(match fragment {
            "insecure" => {
                "says `#insecure`, which would talk to whoever answers: name the authority's certificate with \
                           `?ssl_ca_certs=FILE`"
                    .to_owned()
            }
            _ => "has a `#`: write `%23` for one that belongs to the password".to_owned(),
        });
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = pairs(query)?;
    if first == "unix" || kind == "unix" {
        let path = decoded(before)?;
        if !path.starts_with('/') {
            return Err("names no socket: `unix:///run/redis/redis.sock`".to_owned());
        }
        let entry = Entry::Server(Address::Unix(PathBuf::from(path)));
        return Ok(Target {
            entry,
            login: query.socket,
            sentinel_login: Login::default(),
            database: query.database.unwrap_or(0),
            tls: None,
            timeout: None,
        });
    }
    let parts = split(before, query)?;
    let tls = if encrypted { Some(Arc::new(proof(&parts.query)?)) } else { None };
    let (entry, number) = match kind {
        "sentinel" => {
            let path = parts.path.trim_matches('/');
            let (master, number) = path.split_once('/').unwrap_or((path, ""));
            if master.is_empty() {
                return Err("names no master: `redis+sentinel://sentinel:26379/MASTER`".to_owned());
            }
            (Entry::Sentinels(addresses(parts.hosts, SENTINEL_PORT)?, decoded(master)?.into()), number)
        }
        "cluster" => (Entry::Cluster(addresses(parts.hosts, PORT)?), parts.path.trim_matches('/')),
        _ => match <[Address; 1]>::try_from(addresses(parts.hosts, PORT)?) {
            Ok([only]) => (Entry::Server(only), parts.path.trim_matches('/')),
            Err(_) => return Err("names several servers: say `redis+sentinel://` or `redis+cluster://`".to_owned()),
        },
    };
    let database = match (number, parts.query.database) {
        ("", None) => 0,
        ("", Some(n)) => n,
        (text, _) => text.parse().map_err(|_| "has a path that is no database number: `redis://host:6379/0`")?,
    };
    Ok(Target { entry, login: parts.login, sentinel_login: parts.query.sentinel, database, tls, timeout: None })
}

fn split(before: &str, query: Query) -> Result<Parts<'_>, String> {
    let (authority, path) = before.split_at(before.find('/').unwrap_or(before.len()));
    if path.contains('@') {
        return Err("has a `/` in its password: write `%2F`".to_owned());
    }
    let (userinfo, hosts) = authority.rsplit_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    let mut login = Login::default();
    if let Some(userinfo) = userinfo {
        let (user, password) = userinfo.split_once(':').map_or((userinfo, None), |(u, p)| (u, Some(p)));
        if !user.is_empty() {
            login.user = Some(decoded(user)?.into());
        }
        login.password = password.map(decoded).transpose()?.map(Into::into);
        if login.user.is_some() && login.password.is_none() {
            return Err("has a user and no password: `redis://USER:PASSWORD@host`".to_owned());
        }
    }
    Ok(Parts { hosts, path, login, query })
}

fn addresses(hosts: &str, port: u16) -> Result<Vec<Address>, String> {
    hosts.split(',').map(|host| address(host, port)).collect()
}

/// `host`, `host:port`, `[::1]:port`.
fn address(text: &str, usual: u16) -> Result<Address, String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("has an address without its `]`")?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if host.is_empty() {
        return Err("names no host".to_owned());
    }
    let port = match port.strip_prefix(':') {
        None | Some("") => usual,
        Some(digits) => digits.parse().map_err(|_| "has a port that is no number from 0 to 65535")?,
    };
    Ok(Address::Tcp(decoded(host)?.into(), port))
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "holds bytes that are no UTF-8 text")?;
    Ok(text.into_owned())
}

fn pairs(query: &str) -> Result<Query, String> {
    let mut found = Query::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value)?;
        match name {
            "db" => found.database = Some(value.parse().map_err(|_| "has a `db` that is no database number")?),
            "user" => found.socket.user = Some(value.into()),
            "pass" => found.socket.password = Some(value.into()),
            "sentinel_username" => found.sentinel.user = Some(value.into()),
            "sentinel_password" => found.sentinel.password = Some(value.into()),
            "ssl_ca_certs" => found.roots = Some(value),
            "ssl_certfile" => found.certificate = Some(value),
            "ssl_keyfile" => found.key = Some(value),
            "ssl_cert_reqs" => {
                match value.to_lowercase().trim_start_matches("cert_") {
                    "required" => {}
                    _ => {
                        return Err("asks with `ssl_cert_reqs` for less than a proof of who answers: leave it out, and name the \
                                authority's certificate with `ssl_ca_certs`"
                        .to_owned());
                    }
                }
            }
            _ => {
                return Err(format!(
                    "has a parameter `{name}`; known are `db`, `user` and `pass` of a socket, `sentinel_username`, \
                     `sentinel_password`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`"
                ));
            }
        }
    }
    Ok(found)
}

fn proof(query: &Query) -> Result<ClientConfig, String> {
    let identity = match (&query.certificate, &query.key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err("has a `ssl_certfile` without its `ssl_keyfile`".to_owned()),
        (None, Some(_)) => return Err("has a `ssl_keyfile` without its `ssl_certfile`".to_owned()),
    };
    tls::config_as(Proof::Full, query.roots.as_deref(), identity).map_err(|e| format!("cannot be used: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.into(), port)
    }

    #[test]
    fn urls_say_where_and_as_whom() {
        let said = |url: &str| {
            let target = read(url).unwrap();
            let login = target.login;
            (
                target.entry,
                login.user.unwrap_or_default().to_string(),
                login.password.map(|p| p.to_string()),
                target.database,
            )
        };
        let none = String::new;
        assert_eq!(said("redis://h"), (Entry::Server(tcp("h", 6379)), none(), None, 0));
        assert_eq!(said("redis://:p%40%2F@h:1/3"), (Entry::Server(tcp("h", 1)), none(), Some("p@/".into()), 3));
        assert_eq!(
            said("valkey://u:p:q@[::1]:1?db=4"),
            (Entry::Server(tcp("::1", 1)), "u".into(), Some("p:q".into()), 4)
        );
        let socket = Entry::Server(Address::Unix("/run/a b.sock".into()));
        assert_eq!(said("unix:///run/a%20b.sock?db=2&user=u&pass=p"), (socket, "u".into(), Some("p".into()), 2));
        let sentinels = Entry::Sentinels(vec![tcp("a", 26379), tcp("b", 5)], "main".into());
        assert_eq!(said("redis+sentinel://:p@a,b:5/main/1"), (sentinels, none(), Some("p".into()), 1));
        assert_eq!(said("redis+cluster://a:1,b:2"), (Entry::Cluster(vec![tcp("a", 1), tcp("b", 2)]), none(), None, 0));
    }

    #[test]
    fn a_wrong_url_says_what_is_wrong_and_never_itself() {
        for (url, why) in [
            ("http://hunter2", "begins with none of"),
            ("hunter2", "begins with none of"),
            ("redis://", "names no host"),
            ("redis://h:hunter2", "has a port that is no number"),
            ("redis://h/hunter2", "has a path that is no database number"),
            ("redis://hunter2@h", "has a user and no password"),
            ("redis://:hun/ter2@h", "has a `/` in its password"),
            ("redis://:hun#ter2@h", "has a `#`"),
            ("redis://a,b/0", "names several servers"),
            ("redis+sentinel://a", "names no master"),
            ("redis://h?ssl=hunter2", "has a parameter `ssl`"),
            ("rediss://h?ssl_cert_reqs=none", "asks with `ssl_cert_reqs` for less"),
            ("rediss://h#insecure", "talk to whoever answers"),
            ("rediss://h?ssl_keyfile=/x", "without its `ssl_certfile`"),
            ("rediss://h?ssl_ca_certs=/no/such", "cannot be used: cannot read"),
            ("unix://h", "names no socket"),
        ] {
            let said = read(url).err().unwrap();
            assert!(said.contains(why) && !said.contains("hunter2"), "{url}: {said}");
        }
    }
}
