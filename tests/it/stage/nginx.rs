//! A private nginx in front of pools.
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{client, sh, until};

pub struct Nginx {
    pub dir: PathBuf,
    pub port: u16,
}

impl Nginx {
    /// Sends `/` to the upstream `name`, whose pools are `DIR/upstreams/NAME.POOL.pool`; the first one is live.
    pub fn start(dir: &Path, name: &str, pools: &[(&str, u16)]) -> Nginx {
        let dir = dir.join("edge");
        std::fs::create_dir_all(dir.join("upstreams")).unwrap();
        for (i, (pool, port)) in pools.iter().enumerate() {
            let text = format!("upstream {name} {{\n  server 127.0.0.1:{port};\n}}\n");
            std::fs::write(dir.join(format!("upstreams/{name}.{pool}.pool")), &text).unwrap();
            if i == 0 {
                std::fs::write(dir.join(format!("upstreams/{name}.conf")), &text).unwrap();
            }
        }
        let port = super::port();
        let conf = format!(
            "worker_processes 1;\npid nginx.pid;\nerror_log error.log;\nevents {{ worker_connections 512; }}\n\
             http {{\n  access_log off;\n  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n  \
             include upstreams/*.conf;\n  server {{\n    listen 127.0.0.1:{port} backlog=512;\n    location / {{ proxy_pass http://{name}; proxy_next_upstream off; }}\n  }}\n}}\n"
        );
        std::fs::write(dir.join("nginx.conf"), conf).unwrap();
        let nginx = Nginx { dir, port };
        sh(Command::new("nginx").args(nginx.command()));
        until("nginx", std::time::Duration::from_secs(10), || client::get(port, "/version").is_ok());
        nginx
    }

    fn command(&self) -> Vec<String> {
        let dir = self.dir.to_str().unwrap();
        ["-e", "error.log", "-p", dir, "-c", "nginx.conf"].map(str::to_owned).to_vec()
    }

    /// How a runbook calls this nginx.
    pub fn words(&self) -> Vec<String> {
        [vec!["nginx".to_owned()], self.command()].concat()
    }

    pub fn pid(&self) -> PathBuf {
        self.dir.join("nginx.pid")
    }

    pub fn upstreams(&self) -> PathBuf {
        self.dir.join("upstreams")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("nginx").env("PATH", super::path()).args(self.command()).args(["-s", "stop"]).status();
    }
}
