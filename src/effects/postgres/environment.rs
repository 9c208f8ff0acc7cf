//! `with db { $ pg_dump … }`: what libpq's programs need to reach the same database.
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::target::{At, Host, Target};
use crate::value::{Connection, SmolStr};

/// Variables without secrets, and the passwords apart.
pub struct PgEnvironment {
    /// `PGHOST`, `PGPORT`, `PGDATABASE`, `PGUSER`, … ; not secret.
    pub vars: Vec<(SmolStr, String)>,
    /// Host, port and password of each that has one.
    passwords: Vec<(String, u16, String)>,
}

impl PgEnvironment {
    /// What `PGPASSWORD` takes; secret.
    ///
    /// # Errors
    /// The hosts do not all have the same one, and it would be shown to the wrong host.
    pub fn password(&self) -> Result<Option<&str>, String> {
        let Some((_, _, first)) = self.passwords.first() else { return Ok(None) };
        let hosts = self.vars.iter().find(|(name, _)| name == "PGHOST").map_or(1, |(_, list)| list.split(',').count());
        if self.passwords.len() == hosts && self.passwords.iter().all(|(_, _, password)| password == first) {
            return Ok(Some(first));
        }
        Err("hosts with different passwords cannot be told to a command on another host or of another user".to_owned())
    }

    /// The content of a file that `PGPASSFILE` names; secret. A line for each of the hosts: the password is not for others.
    #[must_use]
    pub fn password_line(&self) -> Option<String> {
        let escape = |s: &str| s.replace('\\', "\\\\").replace(':', "\\:");
        let user =
            self.vars.iter().find(|(name, _)| name == "PGUSER").map_or_else(|| "*".to_owned(), |(_, u)| escape(u));
        let mut lines = String::new();
        for (host, port, password) in &self.passwords {
            // libpq looks for the default socket directory as `localhost`.
            for host in [host.as_str()].into_iter().chain(host.starts_with('/').then_some("localhost")) {
                lines += &format!("{}:{port}:*:{user}:{}\n", escape(host), escape(password));
            }
        }
        (!lines.is_empty()).then_some(lines)
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
    let list = |of: &dyn Fn(&Host) -> String| target.hosts.iter().map(of).collect::<Vec<_>>().join(",");
    set(
        "PGHOST",
        Some(list(&|host| match &host.at {
            At::Tcp(name, _) => name.clone(),
            At::Unix(path) => path.display().to_string(),
        })),
    );
    set("PGHOSTADDR", target.given("hostaddr").map(str::to_owned));
    set("PGPORT", Some(list(&|host| host.port.to_string())));
    set("PGUSER", config.get_user().map(str::to_owned));
    set("PGDATABASE", Some(target.database().to_owned()));
    for (name, key) in [
        ("PGSSLMODE", "sslmode"),
        ("PGSSLROOTCERT", "sslrootcert"),
        ("PGSSLCERT", "sslcert"),
        ("PGSSLKEY", "sslkey"),
        ("PGOPTIONS", "options"),
        ("PGCONNECT_TIMEOUT", "connect_timeout"),
        ("PGCHANNELBINDING", "channel_binding"),
        ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ] {
        set(name, target.given(key).map(str::to_owned));
    }
    let mut passwords = Vec::new();
    for host in &target.hosts {
        let (config, _) = target.at(host);
        let Some(password) = config.get_password() else { continue };
        let name = match &host.at {
            At::Tcp(name, _) => name.clone(),
            At::Unix(path) => path.display().to_string(),
        };
        match std::str::from_utf8(password) {
            Ok(text) if !text.contains(['\n', '\r', '\0']) => passwords.push((name, host.port, text.to_owned())),
            _ => return Err(format!("the password of `{}` cannot stand in a password file", connection.name)),
        }
    }
    Ok(PgEnvironment { vars, passwords })
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
