//! A private Redis: unix socket and TCP, an application user without dangerous commands.
use std::sync::OnceLock;

use super::{Server, directory, free_port, program, wait_for};

pub struct Redis {
    pub server: Server,
    pub port: u16,
}

pub fn shared() -> &'static Redis {
    static REDIS: OnceLock<Redis> = OnceLock::new();
    REDIS.get_or_init(Redis::start)
}

impl Redis {
    pub fn start() -> Redis {
        let dir = directory();
        let port = free_port();
        std::fs::write(
            dir.join("conf"),
            format!(
                "port {port}\nbind 127.0.0.1\nunixsocket {0}/s\nunixsocketperm 777\nsave \"\"\nappendonly no\ndir {0}\n\
                 user default on nopass ~* &* +@all\nuser app on >app-password ~app:* &* +@all -@dangerous\n",
                dir.display()
            ),
        )
        .unwrap();
        let conf = dir.join("conf").display().to_string();
        let server = Server::start(dir, &[program("redis-server", "redis-server").to_str().unwrap(), &conf]);
        let redis = Redis { server, port };
        wait_for("redis", || std::os::unix::net::UnixStream::connect(redis.socket()).ok());
        redis
    }

    pub fn socket(&self) -> String {
        self.server.dir.join("s").display().to_string()
    }
}
