//! `with db { $ … }`: the `PG*` variables of a connection and a password file that only this command can find.
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::config::Host;

use super::context::{Launch, refused};
use crate::engine::{Failure, FailureKind};
use crate::value::{ConnKind, Connection, Value};

/// Parameters of a connection URL that only libpq reads, and the variables they travel in.
const LIBPQ: [(&str, &str); 7] = [
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("gssencmode", "PGGSSENCMODE"),
];

/// What would speak louder than the variables set here.
const LOUDER: [&str; 6] = ["PGPASSWORD", "PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGPASSFILE", "PGREQUIRESSL"];

/// Removed when the command has ended.
#[derive(Debug)]
pub struct PasswordFile(PathBuf);

impl Drop for PasswordFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Set the connection's variables, unless an inner context has set them already.
///
/// # Errors
/// When the URL cannot be read, or the password file not be written.
pub fn apply(recipe: &Connection, launch: &mut Launch) -> Result<(), Failure> {
    if recipe.kind != ConnKind::Postgres {
        let kind = recipe.kind.name();
        return Err(refused(format!("`with {}`: a {kind} connection sets nothing for commands", recipe.name)));
    }
    let wrong = || refused(format!("the URL of `{}` cannot be read", recipe.name));
    let url = text(recipe, "url").ok_or_else(wrong)?;
    let (url, mut env) = split(&url);
    let config = tokio_postgres::Config::from_str(&url).map_err(|_| wrong())?;
    let mut hosts: Vec<String> = config.get_hosts().iter().map(host).collect();
    if hosts.is_empty() {
        hosts.push("localhost".to_owned());
    }
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    let user = config.get_user().map(str::to_owned);
    env.push(("PGHOST".into(), hosts.join(",")));
    env.push(("PGPORT".into(), if ports.is_empty() { "5432".into() } else { ports.join(",") }));
    let database = text(recipe, "database").or_else(|| config.get_dbname().map(str::to_owned)).or_else(|| user.clone());
    env.extend(database.map(|d| ("PGDATABASE".into(), d)));
    env.extend(user.clone().map(|u| ("PGUSER".into(), u)));
    env.extend(config.get_application_name().map(|a| ("PGAPPNAME".into(), a.to_owned())));
    env.extend(config.get_options().map(|o| ("PGOPTIONS".into(), o.to_owned())));
    if launch.env.iter().any(|(name, _)| name == "PGHOST") {
        return Ok(());
    }
    let file = match config.get_password() {
        Some(password) => {
            let lines = password_lines(&hosts, &ports, user.as_deref(), password)
                .ok_or_else(|| refused(format!("the password of `{}` cannot stand in a password file", recipe.name)))?;
            Some(write(&lines).map_err(|e| {
                Failure::new(FailureKind::Failed, format!("a private password file could not be written: {e}"))
            })?)
        }
        None => None,
    };
    // libpq says nothing about a file that is not there, and reads no other.
    let path = file.as_ref().map_or("/dev/null".into(), |f| f.0.display().to_string());
    env.push(("PGPASSFILE".into(), path));
    launch.unset.extend(LOUDER);
    for (name, value) in env {
        if !launch.env.iter().any(|(n, _)| *n == name) {
            launch.env.push((name, value));
        }
    }
    launch.password = file;
    Ok(())
}

fn text(recipe: &Connection, key: &str) -> Option<String> {
    match recipe.args.get(key)?.expose().0 {
        Value::Str(s) => Some(s.to_string()),
        _ => None,
    }
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

/// The URL without the parameters that only libpq knows, and those as variables.
fn split(url: &str) -> (String, Vec<(String, String)>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), Vec::new()) };
    let mut env = Vec::new();
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match LIBPQ.iter().find(|(k, _)| *k == key) {
            Some((_, variable)) => {
                let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
                env.push(((*variable).to_owned(), value));
            }
            None => rest.push(pair),
        }
    }
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (url, env)
}

/// One line for each host, so that the password goes to no other server.
fn password_lines(hosts: &[String], ports: &[String], user: Option<&str>, password: &[u8]) -> Option<Vec<u8>> {
    let password = std::str::from_utf8(password).ok().filter(|p| !p.contains(['\n', '\0']))?;
    let escape = |s: &str| s.replace('\\', r"\\").replace(':', r"\:");
    let mut lines = String::new();
    for (i, host) in hosts.iter().enumerate() {
        let port = ports.get(i).or(ports.first()).map_or("5432", String::as_str);
        let user = user.map_or("*".to_owned(), escape);
        for host in [host.as_str()].into_iter().chain(host.starts_with('/').then_some("localhost")) {
            lines += &format!("{}:{port}:*:{user}:{}\n", escape(host), escape(password));
        }
    }
    Some(lines.into_bytes())
}

#[allow(clippy::disallowed_methods, reason = "a private file of the edge")]
fn write(lines: &[u8]) -> std::io::Result<PasswordFile> {
    let dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|d| d.is_dir());
    let dir = dir.unwrap_or_else(std::env::temp_dir);
    let path = dir.join(format!("rbk-{}-{:016x}", std::process::id(), fastrand::u64(..)));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    let kept = PasswordFile(path);
    file.write_all(lines)?;
    Ok(kept)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "reads what was written")]
mod tests {
    use super::*;
    use crate::value::{Record, Secret};

    fn recipe(url: &str) -> Connection {
        let url = Secret::hide("db".into(), Value::str(url));
        Connection {
            kind: ConnKind::Postgres,
            name: "db".into(),
            args: Record(vec![("url".into(), url), ("database".into(), Value::Null)]),
        }
    }

    #[test]
    fn a_url_becomes_variables_and_a_private_file() {
        let mut launch = Launch::default();
        let url = "postgres://ann:p%3Aw%5C@db.example:6000/shop?sslmode=verify-full&application_name=x";
        apply(&recipe(url), &mut launch).unwrap();
        let get = |n: &str| launch.env.iter().find(|(k, _)| k == n).map(|(_, v)| v.as_str());
        assert_eq!(get("PGHOST"), Some("db.example"));
        assert_eq!(get("PGPORT"), Some("6000"));
        assert_eq!(get("PGUSER"), Some("ann"));
        assert_eq!(get("PGDATABASE"), Some("shop"));
        assert_eq!(get("PGSSLMODE"), Some("verify-full"));
        let path = get("PGPASSFILE").unwrap().to_owned();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "db.example:6000:*:ann:p\\:w\\\\\n");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert!(launch.env.iter().all(|(_, v)| !v.contains("p:w")));
        drop(launch);
        assert!(!std::path::Path::new(&path).exists());
    }

    #[test]
    fn a_socket_directory_is_a_host() {
        let mut launch = Launch::default();
        apply(&recipe("postgres://ann@%2Frun%2Fpg/shop"), &mut launch).unwrap();
        assert!(launch.env.contains(&("PGHOST".into(), "/run/pg".into())));
        assert!(launch.env.contains(&("PGPASSFILE".into(), "/dev/null".into())));
    }
}
