//! A private Prometheus that scrapes the pools twice a second.
use std::path::Path;
use std::process::Command;

use super::{Process, client};

pub struct Prometheus {
    pub port: u16,
    _server: Process,
}

impl Prometheus {
    pub fn start(dir: &Path, targets: &[u16]) -> Prometheus {
        let port = super::port();
        let targets = targets.iter().map(|p| format!("'127.0.0.1:{p}'")).collect::<Vec<_>>().join(", ");
        let conf = dir.join("prometheus.yml");
        let text = format!(
            "global:\n  scrape_interval: 500ms\n  scrape_timeout: 400ms\nscrape_configs:\n- job_name: app\n  static_configs:\n  - targets: [{targets}]\n"
        );
        std::fs::write(&conf, text).unwrap();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", conf.display()));
        command.arg(format!("--storage.tsdb.path={}", dir.join("tsdb").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let server = Process::start(&mut command, &dir.join("prometheus.log"))
            .until(|| matches!(client::get(port, "/-/ready"), Ok((200, _))));
        Prometheus { port, _server: server }
    }

    /// Wait until a query has an answer: targets are discovered seconds after the server is ready.
    pub fn until_data(&self, query: &str) {
        let path = format!("/api/v1/query?query={}", query.replace('[', "%5B").replace(']', "%5D"));
        let answered = || matches!(client::get(self.port, &path), Ok((200, body)) if body.contains("\"value\":"));
        super::until("a sample", std::time::Duration::from_secs(30), answered);
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
