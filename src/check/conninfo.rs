//! The text of a connection to Postgres → its parameters: a URL, or libpq's `key=value` form.
use percent_encoding::percent_decode_str;

use crate::diag::did_you_mean;

/// A parameter's name and value; later ones win.
pub type Parameters = Vec<(String, String)>;

/// What is understood.
pub const KNOWN: &[&str] = &[
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "connect_timeout",
    "application_name",
    "options",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslnegotiation",
    "channel_binding",
    "target_session_attrs",
    "load_balance_hosts",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
];

/// What libpq takes and what changes nothing here.
const WITHOUT_MEANING: &[&str] =
    &["client_encoding", "fallback_application_name", "gssencmode", "sslcompression", "sslsni"];

/// What libpq takes and what would be ignored at the operator's cost.
const REFUSED: &[(&str, &str)] = &[
    ("sslpassword", "name a key without a password"),
    ("sslcrl", "leave it out"),
    ("sslcrldir", "leave it out"),
    ("service", "write its parameters out"),
    ("servicefile", "write its parameters out"),
    ("require_auth", "use `channel_binding=require`"),
    ("requirepeer", "leave it out"),
    ("krbsrvname", "use a password"),
    ("gsslib", "use a password"),
    ("replication", "leave it out"),
    ("ssl_min_protocol_version", "TLS 1.2 is the least there is"),
    ("ssl_max_protocol_version", "leave it out"),
];

/// # Errors
/// What is wrong, without any value of it.
pub fn parse(text: &str) -> Result<Parameters, String> {
    let mut found = match text.split_once("://") {
        Some((scheme, rest)) => url(scheme, rest)?,
        None => words(text)?,
    };
    for (key, value) in &mut found {
        if key == "ssl" && value == "true" {
            (*key, *value) = ("sslmode".to_owned(), "require".to_owned());
        }
        if let Some((_, instead)) = REFUSED.iter().find(|(name, _)| name == key) {
            return Err(format!("`{key}` is not supported: {instead}"));
        }
        if !KNOWN.contains(&key.as_str()) && !WITHOUT_MEANING.contains(&key.as_str()) {
            let near = did_you_mean(key, KNOWN.iter().copied());
            let near = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            return Err(format!("there is no parameter `{key}`{near}"));
        }
    }
    found.retain(|(key, _)| KNOWN.contains(&key.as_str()));
    Ok(found)
}

fn url(scheme: &str, rest: &str) -> Result<Parameters, String> {
    // `postgresql+psycopg`: which driver another program takes.
    if !matches!(scheme.split('+').next(), Some("postgres" | "postgresql")) {
        return Err("it starts with `postgresql://`, or is written as `host=… dbname=…`".to_owned());
    }
    let mut found = Vec::new();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    // An `@` in a password is sometimes not encoded: the last one ends it.
    let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = match credentials.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (credentials, None),
    };
    let mut add = |key: &str, value: &str| -> Result<(), String> {
        found.push((key.to_owned(), decoded(value)?));
        Ok(())
    };
    if !user.is_empty() {
        add("user", user)?;
    }
    if let Some(password) = password {
        add("password", password)?;
    }
    if !path.is_empty() {
        add("dbname", path)?;
    }
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',').filter(|_| !hosts.is_empty()) {
        let (name, port) = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
            Some((name, port)) => (name, port.strip_prefix(':').unwrap_or(port)),
            None => host.rsplit_once(':').unwrap_or((host, "")),
        };
        names.push(name);
        ports.push(port);
    }
    if names.iter().any(|name| !name.is_empty()) {
        add("host", &names.join(","))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        add("port", &ports.join(","))?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err("what stands after its `?` is `key=value`, joined by `&`".to_owned());
        };
        let key = decoded(key)?;
        found.push((key, decoded(value)?));
    }
    Ok(found)
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "a `%…` in it is not UTF-8".to_owned())?;
    if text.contains('\0') { Err("it holds a NUL character".to_owned()) } else { Ok(text.into_owned()) }
}

/// `host=db1 dbname = 'my db' password=it\'s`.
fn words(text: &str) -> Result<Parameters, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((key, value)) = rest.split_once('=') else {
            return Err("it is a URL, or `key=value` words".to_owned());
        };
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err("it is a URL, or `key=value` words".to_owned());
        }
        let (value, after) = word(value.trim_start())?;
        found.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(found)
}

/// A value, quoted or not, and what stands after it.
fn word(text: &str) -> Result<(String, &str), String> {
    let (quoted, text) = text.strip_prefix('\'').map_or((false, text), |rest| (true, rest));
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => return Ok((value, text.get(at + 1..).unwrap_or(""))),
            c if !quoted && c.is_whitespace() => return Ok((value, text.get(at..).unwrap_or(""))),
            c => value.push(c),
        }
    }
    if quoted { Err("a quote in it is not closed".to_owned()) } else { Ok((value, "")) }
}
