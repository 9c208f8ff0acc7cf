//! A private Redis: unix socket and TCP, an application user without dangerous commands.
use std::sync::OnceLock;

use super::{Server, directory, free_port, program, wait_for};

pub struct Redis {
    pub server: Server,
    pub port: u16,
    /// With the certificate of [`super::postgres::certificate`].
    pub tls_port: u16,
}

pub fn shared() -> &'static Redis {
    static REDIS: OnceLock<Redis> = OnceLock::new();
    REDIS.get_or_init(Redis::start)
}

impl Redis {
    pub fn start() -> Redis {
        Redis::with("")
    }

    /// `more`: lines of its configuration.
    pub fn with(more: &str) -> Redis {
        let dir = directory();
        let (port, tls_port) = (free_port(), free_port());
        let certificate = super::postgres::certificate();
        for file in ["server.crt", "server.key", "ca.crt"] {
            std::fs::copy(certificate.join(file), dir.join(file)).unwrap();
        }
        std::fs::write(
            dir.join("conf"),
            format!(
                "port {port}\nbind 127.0.0.1\nunixsocket {0}/s\nunixsocketperm 777\nsave \"\"\nappendonly no\nenable-debug-command yes\ndir {0}\n\
                 tls-port {tls_port}\ntls-cert-file {0}/server.crt\ntls-key-file {0}/server.key\ntls-ca-cert-file {0}/ca.crt\n\
                 tls-auth-clients no\nuser default on nopass ~* &* +@all\nuser app on >app-password ~app:* &* +@all -@dangerous\n{more}\n",
                dir.display()
            ),
        )
        .unwrap();
        super::give(&dir);
        let conf = dir.join("conf").display().to_string();
        let server = Server::start(dir, &[program("redis-server", "redis-server").to_str().unwrap(), &conf]);
        let redis = Redis { server, port, tls_port };
        wait_for("redis", || std::os::unix::net::UnixStream::connect(redis.socket()).ok());
        redis
    }

    /// A server that only watches others.
    pub fn sentinel(more: &str) -> Redis {
        let dir = directory();
        let port = free_port();
        let conf = format!(
            "port {port}\nbind 127.0.0.1\nunixsocket {0}/s\nunixsocketperm 777\ndir {0}\n{more}\n",
            dir.display()
        );
        std::fs::write(dir.join("conf"), conf).unwrap();
        super::give(&dir);
        let conf = dir.join("conf").display().to_string();
        let server =
            Server::start(dir, &[program("redis-server", "redis-server").to_str().unwrap(), &conf, "--sentinel"]);
        let redis = Redis { server, port, tls_port: 0 };
        wait_for("the sentinel", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        redis
    }

    /// What `redis-cli` says; errors too.
    pub fn cli(&self, args: &[&str]) -> String {
        let mut command = std::process::Command::new(program("redis-cli", "redis-tools"));
        let out = command.args(["-p", &self.port.to_string()]).args(args).output().unwrap();
        String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
    }

    pub fn pid(&self) -> nix::unistd::Pid {
        let info = self.cli(&["info", "server"]);
        let line = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
        nix::unistd::Pid::from_raw(line.trim().parse().unwrap())
    }

    pub fn socket(&self) -> String {
        self.server.dir.join("s").display().to_string()
    }
}
