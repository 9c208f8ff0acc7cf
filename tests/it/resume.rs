//! A run that lost its process: resumed, rolled back, closed. Real processes, killed for good.
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::stage;

mod crash;
mod damaged;
mod doubt;
mod due;
mod elsewhere;
mod living;
mod missing;
mod postgres;
mod rollback;
mod stopped;
mod takeover;

/// A runbook in a directory of its own, and a journal of its own.
pub struct Desk {
    dir: TempDir,
    env: Vec<(String, String)>,
}

pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    #[track_caller]
    pub fn ended(self, code: i32) -> Said {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn says(self, words: &[&str]) -> Said {
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "no `{word}` in\n{}{}", self.out, self.err);
        }
        self
    }
}

impl Desk {
    pub fn new(text: &str) -> Desk {
        let dir = stage::dir();
        std::fs::write(dir.path().join("book.rbk"), text).unwrap();
        // As a condition: says that it is waited for, and holds once the test says so.
        let look = dir.path().join("look");
        std::fs::write(&look, "#!/bin/sh\ntouch ready\ntest -e go\n").unwrap();
        std::fs::set_permissions(&look, std::fs::Permissions::from_mode(0o755)).unwrap();
        Desk { dir, env: Vec::new() }
    }

    /// Header and statements of the usual length.
    pub fn of(body: &str) -> Desk {
        Desk::new(&format!("runbook \"Test\" {{\n  deadline 10m\n  rollback within 1m\n{body}\n}}\n"))
    }

    pub fn env(mut self, name: &str, value: &str) -> Desk {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        command.env("PATH", stage::path()).env("RBK_STATE_DIR", self.dir.path().join("state"));
        command.env("RBK_GRACE", "1s").env("NO_COLOR", "1").env_remove("RBK_JOURNAL").env_remove("RBK_JOURNAL_KEY");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn say(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        Said { code: output.status.code(), out: stage::text(&output.stdout), err: stage::text(&output.stderr) }
    }

    /// Start the run, wait until it has written this file, and kill it: rbk alone.
    pub fn killed_at(&self, args: &[&str], file: &str) {
        let mut child = self.start(args);
        self.until(file);
        // What ended before is kept by then.
        std::thread::sleep(Duration::from_millis(300));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[track_caller]
    pub fn until(&self, file: &str) {
        stage::until(&format!("`{file}` is there"), Duration::from_secs(30), || self.has(file));
    }

    pub fn has(&self, file: &str) -> bool {
        self.dir.path().join(file).exists()
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(file)).unwrap_or_default()
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.dir.path().join(file), text).unwrap();
    }

    pub fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// The last run's id, and how it stands.
    pub fn last(&self) -> (String, String) {
        let said = self.say(&["runs", "--format", "json"]).ended(0);
        let listed: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let run = &listed["runs"][0];
        (run["run"].as_str().unwrap().to_owned(), run["state"].as_str().unwrap().to_owned())
    }

    pub fn resume(&self, args: &[&str]) -> Said {
        let (run, _) = self.last();
        self.say(&[&["resume", run.as_str()], args].concat())
    }

    pub fn rollback(&self, args: &[&str]) -> Said {
        let (run, _) = self.last();
        self.say(&[&["rollback", run.as_str()], args].concat())
    }
}

/// A command that waits for a file before it goes on, so that a test decides when.
pub fn gate(file: &str) -> String {
    format!("while [ ! -e {file} ]; do sleep 0.02; done")
}

pub fn took(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Whether a command of this run is alive.
pub fn runs_on(run: &str) -> bool {
    !rbk::effects::shell::living(run, &|_| true).is_empty()
}
