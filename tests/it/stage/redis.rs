//! A private Redis.
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::{Process, sh};

pub struct Redis {
    pub port: u16,
    _server: Process,
}

impl Redis {
    pub fn start(dir: &Path) -> Redis {
        let port = super::port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(dir);
        let server = Process::start(&mut command, &dir.join("redis.log"))
            .until(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Redis { port, _server: server }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub fn cli(&self, args: &[&str]) -> String {
        sh(Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(args)).trim_end().to_owned()
    }

    /// Every key with its value and whether it expires.
    pub fn keys(&self) -> BTreeMap<String, (String, bool)> {
        let keys = self.cli(&["--scan"]);
        keys.lines().map(|key| (key.to_owned(), (self.cli(&["GET", key]), self.cli(&["TTL", key]) != "-1"))).collect()
    }
}
