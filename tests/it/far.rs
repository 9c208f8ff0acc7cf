//! `with ssh` and `with sudo` against a real sshd and a real sudo.
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::sshd::Sshd;
use crate::lab::wait_for;

mod sudo;

fn sshd() -> &'static Sshd {
    static SSHD: OnceLock<Sshd> = OnceLock::new();
    SSHD.get_or_init(Sshd::start)
}

/// A runbook in a directory of its own; its `ssh` knows `web-1`.
struct Desk {
    dir: PathBuf,
    paths: String,
}

struct Ended {
    code: i32,
    said: String,
}

impl Desk {
    fn new(body: &str) -> Desk {
        Desk::at(sshd(), "bin", body)
    }

    fn at(sshd: &Sshd, bin: &str, body: &str) -> Desk {
        let dir = tempfile::tempdir().unwrap().keep();
        let body = body.replace("DIR", dir.to_str().unwrap());
        let (top, body) = body.split_once("---\n").unwrap_or(("", &body));
        let text = format!("{top}\nrunbook \"T\" {{\n  deadline 2m\n  rollback within 1m\n{body}\n}}\n");
        std::fs::write(dir.join("a.rbk"), text).unwrap();
        Desk { dir, paths: sshd.paths(bin) }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
        command.args(["run", "a.rbk"]).current_dir(&self.dir).stdin(Stdio::null());
        command.env("PATH", &self.paths).env("XDG_STATE_HOME", self.dir.join("state")).env("RBK_GRACE", "1s");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, env: &[(&str, &str)]) -> Ended {
        ended(self.command().envs(env.iter().copied()).spawn().unwrap())
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    fn pid(&self, name: &str) -> i32 {
        wait_for(name, || self.read(name).trim().parse().ok())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn ended(child: Child) -> Ended {
    let out = child.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    Ended { code: out.status.code().unwrap_or(-1), said }
}

impl Ended {
    #[track_caller]
    fn with(self, code: i32, parts: &[&str]) -> Ended {
        assert_eq!(self.code, code, "{}", self.said);
        for part in parts {
            assert!(self.said.contains(part), "`{part}` is not in:\n{}", self.said);
        }
        self
    }
}

fn lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

#[track_caller]
fn gone(pid: i32) {
    wait_for("the end of a process", || (!lives(pid)).then_some(()));
}

/// Which processes show this in their arguments, and which in their environment.
fn shown(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut arguments, mut environments) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let has = |bytes: Vec<u8>| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        let name = || String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        if has(read("cmdline")) {
            arguments.push(name());
        }
        if has(read("environ")) {
            environments.push(name());
        }
    }
    (arguments, environments)
}

const HOSTILE: &str = "it's \"q\" $(touch pwned) `id` \\ ; & | > x\n-n * ? ~ # é😀 %s !h";

#[test]
fn hostile_values_and_a_secret_reach_the_far_side_unharmed_and_unseen() {
    let desk = Desk::new(
        r##"
  param hostile: string
  secret token = file("token.in")
  secret key   = file("key.in")
  with ssh("web-1"), dir("DIR"), env({ T: token, PLAIN: hostile }), stdin(key) {
    step "Over there" {
      $ """
        cat > key
        printf %s "$T" > token
        printf %s "$PLAIN" > plain
        printf %s #{hostile} > script
        printf %s "$RBK_ACTION" > action
        touch ready
        while [ ! -e go ]; do sleep 0.05; done
      """
      rollback none "nothing"
    }
    step "Directly" {
      let said = $ printf %s #{hostile}
      guard "unharmed": said == hostile
      rollback none "nothing"
    }
  }"##,
    );
    let (token, key) = ("canary-t0ken '\"$x\n\\end é", "canary-k3y\n.\nmore'");
    std::fs::write(desk.dir.join("token.in"), token).unwrap();
    std::fs::write(desk.dir.join("key.in"), key).unwrap();
    let child = desk.command().env("RBK_PARAM_HOSTILE", HOSTILE).spawn().unwrap();
    let rbk = i32::try_from(child.id()).unwrap();
    wait_for("the far script", || desk.has("ready").then_some(()));
    for text in ["canary-t0ken", "canary-k3y", "touch pwned"] {
        let (arguments, environments) = shown(text);
        assert!(arguments.is_empty(), "{text} in the arguments of {arguments:?}");
        // The command it was given to, and what that runs. What rbk itself was started with, all on this side inherit.
        let given = |c: &&String| c.starts_with("bash --norc") || c.starts_with("sleep");
        let strange: Vec<&String> = environments.iter().filter(|c| !given(c)).collect();
        assert!(strange.is_empty() || text == "touch pwned", "{text} in the environment of {strange:?}");
    }
    assert!(lives(rbk));
    std::fs::write(desk.dir.join("go"), "").unwrap();
    let ended = ended(child).with(0, &[]);
    assert!(!ended.said.contains("canary"), "{}", ended.said);
    for (file, expected) in [("key", key), ("token", token), ("plain", HOSTILE), ("script", HOSTILE)] {
        assert_eq!(desk.read(file), expected, "{file}");
    }
    assert!(desk.read("action").ends_with("/1"), "{}", desk.read("action"));
    assert!(!desk.has("pwned"));
}

#[test]
fn codes_values_results_and_words_come_back() {
    let desk = Desk::new(
        r##"
  with ssh("web-1"), dir("DIR") {
    step "Look" readonly {
      let r = result($(echo out; echo err >&2; exit 255))
      log "r #{r.code} #{r.out} #{r.err}"
      let lines = $ printf 'a\nb\n\n'
      log "lines #{lines.len()}"
      guard "there": $ test -d .
      guard "false, not an error": not $(test -e nothing)
    }
    step "Fails" {
      $ echo said >&2; kill -PIPE $$
      rollback none "nothing"
    }
  }"##,
    );
    desk.run(&[]).with(
        1,
        &[
            "r 255 out err",
            "lines 3",
            "exited with code 141: a command in it was ended by SIGPIPE: a reader of its output went away",
        ],
    );
}

#[test]
fn all_commands_of_a_run_share_one_login_also_in_parallel() {
    let sshd = Sshd::start();
    let desk = Desk::at(
        &sshd,
        "bin",
        r##"
  with ssh("web-1") {
    for i in ["1", "2", "3", "4", "5", "6", "7", "8"] parallel 8 {
      step "Step #{i}" {
        $ echo #{i} >> DIR/all; sleep 0.2
        $ true
        rollback none "nothing"
      }
    }
  }"##,
    );
    desk.run(&[]).with(0, &[]);
    assert_eq!(desk.read("all").lines().count(), 8);
    assert_eq!(sshd.server.log().matches("Accepted publickey").count(), 1, "{}", sshd.server.log());
    // The run has taken its connection with it.
    wait_for("the end of the connection", || sshd.sessions().is_empty().then_some(()));
}

#[test]
fn more_commands_at_once_than_a_server_takes_on_one_connection_all_run() {
    let desk = Desk::new(
        r##"
  param items: list<string> = ["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16"]
  with ssh("web-1") {
    for i in items parallel 16 {
      step "Step #{i}" {
        $ echo #{i} >> DIR/all; sleep 1
        rollback none "nothing"
      }
    }
  }"##,
    );
    desk.run(&[]).with(0, &[]);
    assert_eq!(desk.read("all").lines().count(), 16);
}

/// Ignores TERM, has a child in the background and one that detached itself twice.
const STUBBORN: &str = r##"
      $ """
        trap '' TERM
        (trap '' TERM; while :; do sleep 0.1; done) & echo $! > background
        (setsid bash -c 'trap "" TERM; (while :; do sleep 0.1; done) & echo $! > detached' &)
        echo $$ > direct
        while :; do sleep 0.1; done
      """
      rollback { $ touch undone }
"##;

const TREE: [&str; 3] = ["direct", "background", "detached"];

#[test]
fn a_timeout_ends_the_far_tree() {
    let desk = Desk::new(&format!(
        "  with ssh(\"web-1\"), dir(\"DIR\") {{\n    step \"Hang\" timeout 12s {{\n{STUBBORN}    }}\n  }}"
    ));
    let child = desk.command().spawn().unwrap();
    let pids = TREE.map(|name| desk.pid(name));
    ended(child).with(1, &["undone: Hang"]);
    for pid in pids {
        assert!(!lives(pid), "{pid} lives");
    }
    assert!(desk.has("undone"));
}

#[test]
fn a_second_signal_and_a_kill_of_rbk_end_the_far_tree() {
    for signals in [&[Signal::SIGTERM, Signal::SIGTERM][..], &[Signal::SIGKILL][..]] {
        let desk = Desk::new(&format!(
            "  with ssh(\"web-1\"), dir(\"DIR\") {{\n    step \"Hang\" timeout 60s {{\n{STUBBORN}    }}\n  }}"
        ));
        let child = desk.command().env("RBK_GRACE", "20s").spawn().unwrap();
        let pids = TREE.map(|name| desk.pid(name));
        for signal in signals {
            kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), *signal).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        let since = Instant::now();
        let code = ended(child).code;
        assert_eq!(code, if signals.len() == 2 { 4 } else { -1 });
        assert!(signals.len() == 1 || since.elapsed().as_secs() < 60);
        for pid in pids {
            let until = Instant::now() + std::time::Duration::from_secs(120);
            while lives(pid) {
                assert!(Instant::now() < until, "{pid} lives after {signals:?}");
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
}

#[test]
fn a_daemon_over_there_lives_on_and_holds_no_step_up() {
    let desk = Desk::new(
        r##"
  with ssh("web-1"), dir("DIR") {
    step "Start" timeout 20s {
      $ (while :; do echo alive; sleep 0.1; done) & echo $! > daemon
      rollback none "nothing"
    }
    step "Next" {
      $ touch next
      rollback none "nothing"
    }
  }"##,
    );
    desk.run(&[]).with(0, &[]);
    let pid = desk.pid("daemon");
    assert!(desk.has("next"));
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

#[test]
fn a_connection_that_breaks_is_opened_again_and_the_rest_ended_before_anything_is_undone() {
    let sshd = Sshd::start();
    let desk = Desk::at(
        &sshd,
        "bin",
        &format!("  with ssh(\"web-1\"), dir(\"DIR\") {{\n    step \"Hang\" timeout 60s {{\n{STUBBORN}    }}\n  }}"),
    );
    let child = desk.command().spawn().unwrap();
    let pids = TREE.map(|name| desk.pid(name));
    for pid in sshd.sessions() {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    ended(child).with(1, &["the connection on `web-1` broke; what it left there was ended", "undone: Hang"]);
    for pid in pids {
        assert!(!lives(pid), "{pid} lives");
    }
    assert!(desk.has("undone"));
}

#[test]
fn a_connection_that_stays_broken_leaves_the_outcome_open() {
    let sshd = Sshd::start();
    let desk = Desk::at(
        &sshd,
        "bin",
        &format!("  with ssh(\"web-1\"), dir(\"DIR\") {{\n    step \"Hang\" timeout 60s {{\n{STUBBORN}    }}\n  }}"),
    );
    let child = desk.command().spawn().unwrap();
    let pids = TREE.map(|name| desk.pid(name));
    let listener: i32 = std::fs::read_to_string(sshd.path("pid")).unwrap().trim().parse().unwrap();
    let sessions = sshd.sessions();
    for pid in [listener].into_iter().chain(sessions) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    ended(child).with(3, &["broke, and there is no new one", "Hang"]);
    assert!(!desk.has("undone"), "undone beside what may still run");
    // The lease has ended it all the same.
    pids.into_iter().for_each(gone);
}

#[test]
fn what_keeps_a_host_closed_is_explained_and_nothing_is_done() {
    let sshd = sshd();
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        std::fs::write(sshd.path("nobody-known"), "").unwrap();
        sshd.knows("wrong", &std::fs::read_to_string(sshd.path("stranger.pub")).unwrap());
        sshd.client("unknown-bin", "nobody-known", "user");
        sshd.client("wrong-bin", "wrong", "user");
        sshd.client("stranger-bin", "known", "stranger");
    });
    for (bin, host, why) in [
        ("unknown-bin", "web-1", "its host key is not known here"),
        ("wrong-bin", "web-1", "its host key is not the one that is known (ED25519 key in"),
        ("stranger-bin", "web-1", "it lets nobody in without a question"),
        ("bin", "closed", "the connection was refused"),
        ("bin", "no-such-host.invalid", "there is no host of this name"),
        ("bin", "-oProxyCommand=touch", "cannot be the name of a host"),
    ] {
        let desk = Desk::at(
            sshd,
            bin,
            &format!(
                "  with ssh(\"{host}\") {{\n    step \"One\" timeout 30s {{\n      $ touch DIR/one\n      rollback {{ $ touch DIR/undone }}\n    }}\n  }}"
            ),
        );
        desk.run(&[]).with(1, &[why]);
        assert!(!desk.has("one") && !desk.has("undone"), "{host}");
    }
}

#[test]
fn a_directory_that_is_not_there_is_said_to_be_it() {
    let desk = Desk::new(
        "  with ssh(\"web-1\"), dir(\"/nonexistent\"), dir(\"sub\") {\n    step \"One\" {\n      $ touch DIR/one\n      rollback { $ touch DIR/undone }\n    }\n  }",
    );
    desk.run(&[]).with(1, &["the directory `/nonexistent/sub` cannot be entered on `web-1`"]);
}

#[test]
fn contexts_inside_stand_over_there() {
    let desk = Desk::new(
        r##"
context twice() carries env = ["env", "WRAPPED=yes"]
---
  connect db = postgres("postgres://ann:s3cret-pass@db.example/shop")
  with ssh("web-1"), dir("DIR") {
    with db { step "Database" { $ echo "$PGHOST $PGUSER ${#PGPASSWORD} $PGPASSFILE" > pg
      rollback none "nothing" } }
    with twice(), env({ A: "x y" }) { step "Wrapped" { $ echo "$A $WRAPPED" > wrapped
      rollback none "nothing" } }
  }"##,
    );
    std::fs::create_dir_all(Path::new(&desk.dir)).unwrap();
    desk.run(&[]).with(0, &[]);
    assert_eq!(desk.read("pg"), "db.example ann 11 /dev/null\n");
    assert_eq!(desk.read("wrapped"), "x y yes\n");
}
