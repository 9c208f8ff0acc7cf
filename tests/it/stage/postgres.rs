//! A private Postgres cluster. As root it runs as `postgres`, because it refuses to run as root.
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Process, sh};

pub struct Postgres {
    pub port: u16,
    pub data: PathBuf,
    log: PathBuf,
    server: Option<Process>,
}

const PASSWORD: &str = "lab-only-password";

/// Where `initdb` and `postgres` are.
pub fn bin() -> PathBuf {
    let mut found: Vec<PathBuf> =
        glob::glob("/usr/lib/postgresql/*/bin").unwrap().flatten().filter(|p| p.join("initdb").exists()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(""))
}

/// The words before a server's own: none for an ordinary user.
pub fn as_server() -> Vec<&'static str> {
    if nix::unistd::geteuid().is_root() {
        vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    } else {
        vec!["env"]
    }
}

fn command(program: &str) -> Command {
    let words = as_server();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(bin().join(program)).current_dir("/");
    command
}

impl Postgres {
    /// A cluster that is not running yet.
    pub fn init(dir: &Path) -> Postgres {
        let home = dir.join("pg");
        std::fs::create_dir(&home).unwrap();
        let password = dir.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if nix::unistd::geteuid().is_root() {
            sh(Command::new("chown").arg("postgres").arg(&home).arg(&password));
        }
        let data = home.join("data");
        sh(command("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "-N", "--no-instructions"])
            .arg(format!("--pwfile={}", password.display())));
        let port = super::port();
        let conf = data.join("postgresql.conf");
        let text = std::fs::read_to_string(&conf).unwrap();
        let ours = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nfsync = off\nsynchronous_commit = off\n\
             full_page_writes = off\nshared_buffers = 32MB\njit = off\nautovacuum = off\n",
            home.display()
        );
        std::fs::write(&conf, format!("{text}{ours}")).unwrap();
        Postgres { port, data, log: dir.join("postgres.log"), server: None }
    }

    pub fn start(dir: &Path) -> Postgres {
        let mut it = Postgres::init(dir);
        it.go();
        it
    }

    /// Start it, for the first time or after it was stopped.
    pub fn go(&mut self) {
        let mut command = command("postgres");
        command.arg("-D").arg(&self.data);
        self.server = Some(Process::start(&mut command, &self.log).until(|| self.answers()));
    }

    /// Stop the server as if the machine lost it.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.end(nix::sys::signal::Signal::SIGINT);
        }
    }

    pub fn answers(&self) -> bool {
        self.psql_command("postgres", "SELECT 1").output().unwrap().status.success()
    }

    pub fn url(&self, database: &str) -> String {
        self.url_as("postgres", PASSWORD, database)
    }

    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(bin().join(program));
        command.env("PGPASSWORD", PASSWORD).env("PATH", super::path());
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"]);
        command
    }

    fn psql_command(&self, database: &str, sql: &str) -> Command {
        let mut command = self.client("psql");
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]);
        command
    }

    pub fn psql(&self, database: &str, sql: &str) -> String {
        sh(&mut self.psql_command(database, sql)).trim_end().to_owned()
    }

    /// Schema and rows as text.
    pub fn dump(&self, database: &str) -> String {
        let text = sh(self.client("pg_dump").args(["-d", database]));
        text.lines()
            .filter(|l| !l.starts_with("\\restrict") && !l.starts_with("\\unrestrict"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}
