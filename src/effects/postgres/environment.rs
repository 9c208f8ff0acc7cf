//! `with db { $ pg_dump … }`: what libpq's programs need to reach the same database.
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use tokio_postgres::config::Host;

use super::target::Target;
use crate::value::{Connection, SmolStr};

/// Variables without secrets, and the password apart.
pub struct PgEnvironment {
    /// `PGHOST`, `PGPORT`, `PGDATABASE`, `PGUSER`, … ; not secret.
    pub vars: Vec<(SmolStr, String)>,
    password: Option<String>,
}

impl PgEnvironment {
    /// The content of a file that `PGPASSFILE` names; secret. A line for each of the hosts: the password is not for others.
    #[must_use]
    pub fn password_line(&self) -> Option<String> {
        let password = self.password.as_ref()?;
        let escape = |s: &str| s.replace('\\', "\\\\").replace(':', "\\:");
        let get = |name: &str| self.vars.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let ports: Vec<&str> = get("PGPORT").unwrap_or("5432").split(',').collect();
        let user = get("PGUSER").map_or_else(|| "*".to_owned(), escape);
        let hosts = get("PGHOST").or(get("PGHOSTADDR")).unwrap_or("localhost").split(',');
        let mut lines = String::new();
        for (i, host) in hosts.enumerate() {
            let port = ports.get(i).or(ports.first()).unwrap_or(&"5432");
            // libpq looks for the default socket directory as `localhost`.
            for host in [host].into_iter().chain(host.starts_with('/').then_some("localhost")) {
                lines += &format!("{}:{port}:*:{user}:{}\n", escape(host), escape(password));
            }
        }
        Some(lines)
    }

    /// The password in a private file that is gone when this is dropped; `PGPASSFILE` is its path.
    ///
    /// # Errors
    /// A directory for temporary files that cannot be written.
    pub fn password_file(&self) -> Result<Option<PasswordFile>, String> {
        self.password_line().map(|line| PasswordFile::create(&line)).transpose()
    }
}

/// What a connection means to `psql`, `pg_dump` and their kind.
///
/// # Errors
/// A URL that is not understood; a password that no password file can hold.
pub fn pg_environment(connection: &Connection) -> Result<PgEnvironment, String> {
    let target = Target::new(connection, "rbk")?;
    let config = &target.config;
    let mut vars: Vec<(SmolStr, String)> = Vec::new();
    let mut set = |name: &'static str, value: Option<String>| {
        vars.extend(value.filter(|v| !v.is_empty()).map(|v| (SmolStr::new_static(name), v)));
    };
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let ports: Vec<String> = config.get_ports().iter().map(ToString::to_string).collect();
    let addresses: Vec<String> = config.get_hostaddrs().iter().map(ToString::to_string).collect();
    set("PGHOST", Some(hosts.join(",")));
    set("PGHOSTADDR", Some(addresses.join(",")));
    set("PGPORT", Some(if ports.is_empty() { "5432".to_owned() } else { ports.join(",") }));
    set("PGUSER", config.get_user().map(str::to_owned));
    set("PGDATABASE", config.get_dbname().or(config.get_user()).map(str::to_owned));
    set("PGSSLMODE", target.ssl.mode.clone());
    set("PGSSLROOTCERT", target.ssl.roots.clone());
    set("PGOPTIONS", config.get_options().map(str::to_owned));
    set("PGCONNECT_TIMEOUT", config.get_connect_timeout().map(|d| d.as_secs().max(2).to_string()));
    let password = match config.get_password().map(|p| std::str::from_utf8(p)) {
        None => None,
        Some(Ok(password)) if !password.contains(['\n', '\r', '\0']) => Some(password.to_owned()),
        Some(_) => return Err(format!("the password of `{}` cannot stand in a password file", connection.name)),
    };
    Ok(PgEnvironment { vars, password })
}

/// A file that only this user can read, for as long as this lives.
#[derive(Debug)]
pub struct PasswordFile {
    path: PathBuf,
}

impl PasswordFile {
    fn create(content: &str) -> Result<PasswordFile, String> {
        let wrong = |e: std::io::Error| format!("cannot write a private file for the password: {e}");
        for _ in 0..10 {
            let name = format!("rbk-pgpass-{:016x}", fastrand::u64(..));
            let path = directory().join(name);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(mut file) => {
                    let made = PasswordFile { path };
                    file.write_all(content.as_bytes()).map_err(wrong)?;
                    return Ok(made);
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(wrong(e)),
            }
        }
        Err("cannot write a private file for the password".to_owned())
    }

    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

impl Drop for PasswordFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// In memory where there is such a place.
#[allow(clippy::disallowed_methods, reason = "the edge")]
fn directory() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|d| d.is_dir()).unwrap_or_else(std::env::temp_dir)
}
