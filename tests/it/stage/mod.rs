//! The outside world of a test: private servers in a private directory on private ports, clients that keep asking, and
//! snapshots to compare. Everything started here ends with its value.
pub mod app;
pub mod client;
pub mod inbox;
pub mod nginx;
pub mod postgres;
pub mod prometheus;
pub mod proxy;
pub mod redis;
pub mod snapshot;
pub mod systemd;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A directory that servers running as another user can enter; short, because socket paths are.
pub fn dir() -> TempDir {
    hears_hangups();
    let root = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
    let dir = tempfile::Builder::new().prefix("rbk").tempdir_in(root).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// What the tests start hears a hangup, also when they were started deaf to it (`nohup`): a signal that is handled here
/// has its own meaning again in a new process.
pub fn hears_hangups() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime
            .block_on(async { drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).unwrap()) });
    });
}

/// Free a moment ago, given once by this process, and below the range that outgoing connections take theirs from.
pub fn port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() % 120 * 100;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A file of this repository.
pub fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The servers of the distribution live beside the ordinary programs.
pub fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap())
}

/// A process of a test in a group of its own, which ends with this value.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub fn start(command: &mut Command, log: &Path) -> Process {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let child = command
            .env("PATH", path())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Process { child, log: log.to_owned() }
    }

    /// Wait until `ready`; the log tells why not.
    pub fn until(mut self, ready: impl Fn() -> bool) -> Process {
        let started = Instant::now();
        while !ready() {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || started.elapsed() > Duration::from_secs(30) {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("a server did not come up ({ended:?}):\n{log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// TERM, then KILL, to the whole group; returns once it is gone.
    pub fn end(&mut self, signal: nix::sys::signal::Signal) {
        let group = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        if self.child.try_wait().unwrap().is_none() {
            let _ = nix::sys::signal::killpg(group, signal);
            let started = Instant::now();
            while self.child.try_wait().unwrap().is_none() {
                if started.elapsed() > Duration::from_secs(5) {
                    let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(nix::sys::signal::Signal::SIGTERM);
    }
}

/// Wait for something of the outside.
pub fn until(what: &str, limit: Duration, ready: impl Fn() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A signal has stopped it, and it may go on.
pub fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// Run a program to its end; it must succeed.
pub fn sh(command: &mut Command) -> String {
    let out = command.env("PATH", path()).stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(out.status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `rbk run FILE …` as an operator would type it, without a terminal.
pub struct Run {
    command: Command,
    state: TempDir,
}

/// How a run ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub took: Duration,
}

impl Run {
    pub fn new(file: &Path) -> Run {
        let state = dir();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
        command.arg("run").arg(file).current_dir(state.path());
        command
            .env_remove("RBK_JOURNAL")
            .env("PATH", path())
            .env("XDG_STATE_HOME", state.path().join("state"))
            .env("NO_COLOR", "1");
        Run { command, state }
    }

    pub fn dir(mut self, dir: &Path) -> Run {
        self.command.current_dir(dir);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    pub fn set(mut self, name: &str, value: impl std::fmt::Display) -> Run {
        self.command.arg("--set").arg(format!("{name}={value}"));
        self
    }

    pub fn format(mut self, format: &str) -> Run {
        self.command.args(["--format", format]);
        self
    }

    /// Parameters that are not plain words.
    pub fn params(mut self, json: &serde_json::Value) -> Run {
        let file = self.state.path().join("params.json");
        std::fs::write(&file, json.to_string()).unwrap();
        self.command.arg("--params").arg(file);
        self
    }

    pub fn answer(mut self, label: &str, value: &str) -> Run {
        self.command.arg("--answer").arg(format!("{label}={value}"));
        self
    }

    pub fn go(mut self) -> Ran {
        let started = Instant::now();
        let out = self.command.stdin(Stdio::null()).output().unwrap();
        let took = started.elapsed();
        let code = out.status.code().unwrap_or(-1);
        Ran { code, out: format!("{}{}", text(&out.stdout), text(&out.stderr)), took }
    }
}

impl Ran {
    #[track_caller]
    pub fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "the run ended otherwise; it said:\n{}", self.out);
        self
    }

    /// Each of these words, in this order.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Ran {
        let mut rest = self.out.as_str();
        for word in words {
            let at = rest.find(word).unwrap_or_else(|| panic!("`{word}` is not said (here):\n{}", self.out));
            rest = &rest[at + word.len()..];
        }
        self
    }
}
