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
        Cluster::with(&[])
    }

    /// With settings of its own, as `name=value`.
    pub fn with(settings: &[&str]) -> Cluster {
        let dir = directory();
        run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(template()).arg(dir.join("pg")));
        Cluster::of(dir, settings)
    }

    /// Of a directory that holds its data.
    fn of(dir: PathBuf, settings: &[&str]) -> Cluster {
        give(&dir);
        let port = free_port();
        let (postgres, data, number) =
            (program("postgres", "postgresql"), format!("{}/pg", dir.display()), port.to_string());
        let mut argv = vec![postgres.to_str().unwrap(), "-D", &data, "-k", dir.to_str().unwrap(), "-p", &number, "-F"];
        let usual = [
            "listen_addresses=127.0.0.1",
            "ssl=on",
            "shared_buffers=32MB",
            "jit=off",
            "log_statement=all",
            "wal_level=minimal",
            "max_wal_senders=0",
        ];
        for setting in usual.iter().chain(settings) {
            argv.extend(["-c", setting]);
        }
        let server = Server::start(dir.clone(), &argv);
        let cluster = Cluster { server, port };
        wait_for("postgres", || cluster.psql("postgres", "SELECT 1").ok());
        cluster
    }

    /// A copy of it that follows it.
    pub fn standby(&self) -> Cluster {
        let dir = directory();
        let data = dir.join("pg");
        let mut command = Command::new(program("pg_basebackup", "postgresql-client"));
        command.args(["-D", data.to_str().unwrap(), "-R", "-X", "stream", "-c", "fast"]);
        run(command.args(["-d", &self.url("postgres", "postgres")]).env("PGPASSWORD", PASSWORD));
        std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Cluster::of(dir, &["wal_level=replica", "max_wal_senders=4", "hot_standby=on"])
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

    /// To one of its processes.
    pub fn signal(&self, pid: &str, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.parse().unwrap()), signal).unwrap();
    }

    /// Until no session of a run is at anything in a database: what it had not committed is gone.
    pub async fn quiet(&self, database: &str) {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND application_name LIKE 'rbk/%' \
             AND (state <> 'idle' OR backend_xid IS NOT NULL)"
        );
        self.until(&sql, |n| n == "0").await;
    }

    /// Ask until the answer will do; what else runs on this thread goes on meanwhile.
    pub async fn until(&self, sql: &str, will_do: impl Fn(&str) -> bool) -> String {
        for _ in 0..500 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            match self.psql("postgres", sql) {
                Ok(found) if will_do(&found) => return found,
                Ok(_) | Err(_) => {}
            }
        }
        panic!("no such answer: {sql}")
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
    authority(dir);
    certify(dir, "DNS:localhost", None);
}

/// `ca.crt` and `ca.key`.
pub fn authority(dir: &Path) {
    openssl(
        dir,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=lab",
    );
}

fn openssl(dir: &Path, args: &str) {
    run(Command::new(program("openssl", "openssl")).args(args.split(' ')).current_dir(dir));
}

/// `server.crt` and `server.key` of a user of this name.
pub fn certify_as(dir: &Path, user: &str) {
    issue(dir, user, "DNS:client", None);
}

/// `server.crt` and `server.key` for these names, of the authority in the same directory; from then until then, or from
/// now on for years.
pub fn certify(dir: &Path, names: &str, time: Option<(&str, &str)>) {
    issue(dir, "server", names, time);
}

fn issue(dir: &Path, who: &str, names: &str, time: Option<(&str, &str)>) {
    use std::os::unix::fs::PermissionsExt;
    let openssl = |args: &str| openssl(dir, args);
    openssl(&format!(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN={who}"
    ));
    std::fs::set_permissions(dir.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(dir.join("ext"), format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n")).unwrap();
    let Some((from, until)) = time else {
        openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -extfile ext -days 3650",
        );
        return;
    };
    let books = "[ca]\ndefault_ca=c\n[c]\ndatabase=books\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n";
    std::fs::write(dir.join("ca.cnf"), books).unwrap();
    std::fs::write(dir.join("books"), "").unwrap();
    openssl(&format!(
        "ca -batch -config ca.cnf -cert ca.crt -keyfile ca.key -in server.csr -out server.crt -extfile ext -notext -startdate {from} -enddate {until}"
    ));
}
