//! A private PostgreSQL cluster: unix socket and TCP with TLS, SCRAM passwords, a database for each test.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Server, directory, free_port, give, program, run, wait_for};

pub const PASSWORD: &str = "postgres-password";

pub struct Cluster {
    pub server: Server,
    pub port: u16,
}

/// The cluster that all tests share; it ends with them.
pub fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

impl Cluster {
    pub fn start() -> Cluster {
        let dir = directory();
        run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(template()).arg(dir.join("pg")));
        give(&dir);
        let port = free_port();
        let server = Server::start(
            dir.clone(),
            &[
                program("postgres", "postgresql").to_str().unwrap(),
                "-D",
                &format!("{}/pg", dir.display()),
                "-k",
                dir.to_str().unwrap(),
                "-p",
                &port.to_string(),
                "-F",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "ssl=on",
                "-c",
                "shared_buffers=32MB",
                "-c",
                "jit=off",
                "-c",
                "log_statement=all",
                "-c",
                "wal_level=minimal",
                "-c",
                "max_wal_senders=0",
            ],
        );
        let cluster = Cluster { server, port };
        wait_for("postgres", || cluster.psql("postgres", "SELECT 1").ok());
        cluster
    }

    /// # Errors
    /// What psql says.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let out = Command::new(program("psql", "postgresql-client"))
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &self.url("postgres", database), "-c", sql])
            .output()
            .unwrap();
        if out.status.success() {
            Ok(String::from_utf8(out.stdout).unwrap().trim_end().to_owned())
        } else {
            Err(String::from_utf8_lossy(&out.stderr).into_owned())
        }
    }

    /// Over the unix socket.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgresql://{user}:{PASSWORD}@/{database}?host={}&port={}", self.server.dir.display(), self.port)
    }

    /// Over TCP; `more` is a query.
    pub fn tcp(&self, database: &str, more: &str) -> String {
        format!("postgresql://postgres:{PASSWORD}@localhost:{}/{database}{more}", self.port)
    }

    pub fn ca(&self) -> String {
        self.server.dir.join("pg/ca.crt").display().to_string()
    }

    /// A new, empty database.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        name
    }
}

/// A directory with `server.crt`, `server.key` (for `localhost`) and the `ca.crt` that vouches for it.
pub fn certificate() -> PathBuf {
    template()
}

/// A cluster right after initdb, made once and kept in the target directory.
fn template() -> PathBuf {
    let initdb = program("initdb", "postgresql");
    let version = Command::new(&initdb).arg("--version").output().unwrap().stdout;
    let version: String =
        String::from_utf8(version).unwrap().chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/lab");
    let done = kept.join(format!("pg-{version}"));
    if done.is_dir() {
        return done;
    }
    std::fs::create_dir_all(&kept).unwrap();
    let dir = directory();
    std::fs::write(dir.join("pw"), PASSWORD).unwrap();
    let mut command = if nix::unistd::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(&initdb);
        command
    } else {
        Command::new(&initdb)
    };
    give(&dir);
    let pg = dir.join("pg");
    run(command
        .args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "-N", "--no-instructions"])
        .arg(format!("--pwfile={}/pw", dir.display()))
        .arg("-D")
        .arg(&pg)
        .current_dir(&dir));
    certificates(&pg);
    // Whoever is first moves it there in one step.
    let mine = kept.join(format!("pg-{version}.{}", std::process::id()));
    run(Command::new("cp").arg("-a").arg(&pg).arg(&mine));
    if std::fs::rename(&mine, &done).is_err() {
        let _ = std::fs::remove_dir_all(&mine);
    }
    let _ = std::fs::remove_dir_all(&dir);
    done
}

/// An authority of its own and a certificate for `localhost`.
fn certificates(dir: &Path) {
    let openssl = |args: &str| {
        run(Command::new(program("openssl", "openssl")).args(args.split(' ')).current_dir(dir));
    };
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=lab",
    );
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=localhost",
    );
    std::fs::write(dir.join("ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 3650 -extfile ext",
    );
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}
