//! `rbk run` against real processes: signals, timeouts, what is undone and what is left.
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::stage;

mod databases;
mod inputs;
mod kept;
mod processes;
mod replay;
mod signals;
mod undo;

/// No runbook here may take as long: what does is killed, and its test fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// A runbook in a directory of its own, where its commands run.
struct Book {
    dir: TempDir,
}

struct Ended {
    code: Option<i32>,
    /// Both outputs.
    said: String,
    took: Duration,
}

impl Book {
    fn new(text: &str) -> Book {
        let dir = stage::dir();
        std::fs::write(dir.path().join("book.rbk"), text).unwrap();
        Book { dir }
    }

    /// Header and statements of the usual length.
    fn of(body: &str) -> Book {
        Book::new(&format!("runbook \"Test\" {{\n  deadline 2m\n  rollback within 1m\n{body}\n}}\n"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Nobody at a terminal, a short grace, state of its own.
    fn command(&self) -> Command {
        // Whoever runs the tests may ignore the hang-up (`nohup`): what is started here does not inherit that.
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_rbk"), "run", "book.rbk"]);
        self.settle(&mut command);
        command
    }

    fn settle(&self, command: &mut Command) {
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", stage::path()).env("RBK_STATE_DIR", self.path("state")).env("RBK_GRACE", "1s");
        command.env("NO_COLOR", "1");
    }

    fn start(&self) -> Running {
        Running { child: self.command().spawn().unwrap(), started: Instant::now() }
    }

    fn run(&self) -> Ended {
        self.start().end()
    }

    /// Wait for a file that a command writes, and read the pid in it.
    #[track_caller]
    fn pid(&self, name: &str) -> i32 {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(pid) = self.read(name).trim().parse() {
                return pid;
            }
            assert!(Instant::now() < until, "no pid in {name}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn nothing_of(&self, names: &[&str]) {
        for name in names {
            let pid = self.pid(name);
            assert!(!lives(pid), "{name} ({pid}) lives");
        }
    }
}

struct Running {
    child: Child,
    started: Instant,
}

impl Running {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    fn end(mut self) -> Ended {
        let mut said = String::new();
        let (over, waits) = std::sync::mpsc::channel::<()>();
        let child = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let guard = std::thread::spawn(move || {
            if waits.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let _ = kill(child, Signal::SIGKILL);
            }
        });
        let mut err = self.child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        if let Some(mut out) = self.child.stdout.take() {
            let _ = out.read_to_string(&mut said);
        }
        let code = self.child.wait().unwrap().code();
        drop(over);
        guard.join().unwrap();
        Ended { code, said: said + &errors.join().unwrap(), took: self.started.elapsed() }
    }
}

impl Ended {
    #[track_caller]
    fn with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{}", self.said);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Ended {
        assert!(self.said.contains(text), "no {text:?} in:\n{}", self.said);
        self
    }

    #[track_caller]
    fn within(self, limit: Duration) -> Ended {
        assert!(self.took < limit, "took {:?}:\n{}", self.took, self.said);
        self
    }
}

/// A zombie does not.
fn lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// A step whose command ignores TERM, and so do a background child, one that has left by `setsid` and a double fork,
/// and one that has cleared its environment on the way.
fn stubborn(timeout: &str) -> String {
    format!(
        r#"  step "before" {{
    $ touch before
    rollback {{ $ rm before }}
  }}
  step "stubborn" {timeout} {{
    $ """
      trap '' TERM
      (while :; do sleep 0.2; done) & echo $! > background
      (setsid bash -c '(while :; do sleep 0.2; done) & echo $! > detached' &)
      (env -i setsid bash -c '(while :; do sleep 0.2; done) & echo $! > nameless' &)
      while [ ! -s background ] || [ ! -s detached ] || [ ! -s nameless ]; do sleep 0.05; done
      echo $$ > direct
      while :; do sleep 0.2; done
      """
    rollback {{ $ echo undone > undone }}
  }}"#
    )
}

const TREE: [&str; 4] = ["direct", "background", "detached", "nameless"];
