//! Private servers for the tests: in a directory of their own, on ports of their own, gone when the tests are.
pub mod calls;
pub mod postgres;
pub mod proxy;
pub mod redis;
pub mod sshd;
pub mod web;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server under a small supervisor that ends it and removes its directory as soon as the pipe to it closes:
/// when this is dropped, and when the tests die.
pub struct Server {
    supervisor: Child,
    pub dir: PathBuf,
}

impl Server {
    /// `argv` is started as the server's user, in the directory.
    pub fn start(dir: PathBuf, argv: &[&str]) -> Server {
        if !nix::unistd::geteuid().is_root() {
            return Server::start_as_us(dir, argv);
        }
        let home = format!("HOME={}", dir.display());
        let other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", &home];
        Server::start_as_us(dir, &[&other, argv].concat())
    }

    /// As whoever runs the tests.
    pub fn start_as_us(dir: PathBuf, argv: &[&str]) -> Server {
        let script = r#"
            dir=$1; shift
            "$@" >"$dir/log" 2>&1 </dev/null &
            pid=$!
            read -r word
            [ "$word" = kill ] && kill -KILL $pid
            # A fast shutdown for Postgres; started in the background, others do not hear SIGINT.
            kill -INT $pid 2>/dev/null && kill -TERM $pid 2>/dev/null
            wait $pid 2>/dev/null
            rm -rf "$dir"
        "#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "rbk-lab"]).arg(&dir);
        let supervisor = command.args(argv).stdin(Stdio::piped()).spawn().unwrap();
        Server { supervisor, dir }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// SIGKILL at once, as a crash.
    pub fn kill(mut self) {
        use std::io::Write as _;
        self.supervisor.stdin.as_mut().unwrap().write_all(b"kill\n").unwrap();
        self.supervisor.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// A short directory (a socket's path has 107 bytes) that belongs to the servers' user.
pub fn directory() -> PathBuf {
    let base = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
    let dir = tempfile::Builder::new().prefix("rbk.").tempdir_in(base).unwrap().keep();
    give(&dir);
    dir
}

/// Let the servers' user own it.
pub fn give(path: &Path) {
    if nix::unistd::geteuid().is_root() {
        run(Command::new("chown").arg("-R").arg("nobody:nogroup").arg(path));
    }
}

pub fn run(command: &mut Command) {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// `rbk run` of a text: its exit code, and all that it says.
pub fn rbk(text: &str, env: &[(&str, &str)]) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("book.rbk");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
    command.arg("run").arg(&file).current_dir(dir.path()).stdin(Stdio::null());
    let out = command.envs(env.iter().copied()).env("XDG_STATE_HOME", dir.path()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    (out.status.code().unwrap(), said)
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program that the tests cannot do without.
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        places.extend(versions.flatten().map(|v| v.path().join("bin")));
    }
    places
        .into_iter()
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("`{name}` is missing: apt-get install -y --no-install-recommends {package}"))
}

/// Try until it works, for at most ten seconds.
pub fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = ready() {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{what} did not come up")
}
