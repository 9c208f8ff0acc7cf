//! `with running(…)` with real processes: ended with its block whatever happens, and started again for the way back.
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{free_port, wait_for};

struct Ran {
    code: i32,
    said: String,
    dir: tempfile::TempDir,
}

fn book(body: &str) -> String {
    format!(
        "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 30s\n{body}\n}}\n"
    )
}

fn command(dir: &Path, body: &str) -> Command {
    let file = dir.join("book.rbk");
    std::fs::write(&file, book(body)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
    command.arg("run").arg(&file).current_dir(dir).stdin(Stdio::null());
    command.env("XDG_STATE_HOME", dir).env("RBK_GRACE", "300ms");
    command
}

fn run(body: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let out = command(dir.path(), body).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    Ran { code: out.status.code().unwrap(), said, dir }
}

impl Ran {
    fn ended(self, code: i32, says: &[&str]) -> Ran {
        assert_eq!(self.code, code, "{}", self.said);
        says.iter().for_each(|words| assert!(self.said.contains(words), "{words:?} is not in\n{}", self.said));
        self
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

/// A process that a file names is gone; whoever adopted it may still have to bury it.
fn gone(dir: &Path, name: &str) {
    let pid: i32 = std::fs::read_to_string(dir.join(name)).unwrap().trim().parse().unwrap();
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let alive = state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'));
    assert!(!alive, "{pid} lives: {state}");
}

/// A web server that counts how often it was started.
fn server(port: u16) -> String {
    format!(
        "with running($(sh -c 'echo x >> starts; exec python3 -m http.server {port} --bind 127.0.0.1'), ready: http.get(\"http://127.0.0.1:{port}/\"), within: 20s)"
    )
}

#[test]
fn it_serves_its_block_and_is_gone_after_it() {
    let port = free_port();
    let block = format!(
        "  {} {{\n    note \"seen\": http.get(\"http://127.0.0.1:{port}/book.rbk\").status\n  }}",
        server(port)
    );
    let ran = run(&block).ended(0, &["seen", "200"]);
    assert_eq!(ran.file("starts"), "x\n");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "{}", ran.said);
}

#[test]
fn it_is_started_again_for_what_is_undone() {
    let port = free_port();
    let step = |name: &str| {
        format!(
            "    step \"{name}\" {{\n      $ touch {name}\n      rollback {{\n        http.get(\"http://127.0.0.1:{port}/{name}\")\n        $ mv {name} {name}.undone\n      }}\n    }}\n"
        )
    };
    let block = format!("  {} {{\n{}{}  }}\n  fail \"now back\"", server(port), step("a"), step("b"));
    let ran = run(&block).ended(1, &["undone: b", "undone: a"]);
    assert_eq!(ran.file("starts"), "x\nx\n");
    assert!(ran.dir.path().join("a.undone").exists() && ran.dir.path().join("b.undone").exists());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn one_that_dies_fails_its_block() {
    for (code, says) in [(3, "exited with code 3"), (0, "exited with code 0")] {
        let dies = format!(
            "with running($(sh -c 'test -e go && exec sleep 100; echo last words >&2; while ! test -e go; do sleep 0.02; done; sleep 100 & echo $! > child; exit {code}'))"
        );
        let block = format!(
            "  {dies} {{\n    step \"a\" {{\n      $ echo $$ > pid; touch go; sleep 100\n      rollback {{ $ touch undone go }}\n    }}\n  }}"
        );
        let ran = run(&block).ended(1, &["what runs beside the block has ended before it: ", says, "last words"]);
        gone(ran.dir.path(), "pid");
        gone(ran.dir.path(), "child");
    }
    run("  with running($(no-such-tunnel)) { wait 5s }")
        .ended(1, &["has ended before it: the command `no-such-tunnel` was not found"]);
}

#[test]
fn one_that_ignores_term_is_killed_with_its_children() {
    let deaf = "with running($(bash -c 'trap \"\" TERM; setsid sleep 100 & echo $! > child; echo $$ > pid; while :; do sleep 0.1; done'), ready: $(test -s pid))";
    let started = std::time::Instant::now();
    let ran = run(&format!("  {deaf} {{ log \"in it\" }}")).ended(0, &["in it"]);
    gone(ran.dir.path(), "pid");
    gone(ran.dir.path(), "child");
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
fn one_that_is_never_ready_fails_in_time() {
    let never = "with running($(sh -c 'echo $$ > pid; exec sleep 100'), ready: $(test -e never), within: 600ms)";
    let started = std::time::Instant::now();
    let ran = run(&format!("  {never} {{ log \"in it\" }}")).ended(
        1,
        &["what runs beside the block is not ready: not true within 600ms: `$ test -e never` exited with code 1"],
    );
    assert!(!ran.said.contains("in it"));
    gone(ran.dir.path(), "pid");
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// Once: the block goes back beside it. Twice: nothing is left of it either.
#[test]
fn signals_end_it_after_its_block() {
    for times in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let body = "  with running($(sh -c 'echo $$ >> pids; exec sleep 100'), ready: $(test -s pids)) {\n    step \"a\" {\n      $ touch began; sleep 100\n      rollback { $ touch back; test -e again || sleep 100 }\n    }\n  }";
        let child = command(dir.path(), body).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        if times == 1 {
            std::fs::write(dir.path().join("again"), "").unwrap();
        }
        wait_for("the step", || dir.path().join("began").exists().then_some(()));
        kill(pid, Signal::SIGTERM).unwrap();
        if times == 2 {
            wait_for("the way back", || dir.path().join("back").exists().then_some(()));
            kill(pid, Signal::SIGTERM).unwrap();
        }
        let out = child.wait_with_output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(if times == 1 { 1 } else { 4 }), "{said}");
        let pids = std::fs::read_to_string(dir.path().join("pids")).unwrap();
        assert_eq!(pids.lines().count(), 2, "{said}");
        for (i, line) in pids.lines().enumerate() {
            std::fs::write(dir.path().join(format!("pid{i}")), line).unwrap();
            gone(dir.path(), &format!("pid{i}"));
        }
    }
}

#[test]
fn a_program_that_cannot_be_started_begins_no_block() {
    for command in ["no-such-program -x", "no-such-program | cat", "sh -c 'exit 7'"] {
        let block = format!(
            "  with running($({command})) {{\n    step \"s\" {{\n      $ touch begun\n      rollback none \"x\"\n    }}\n  }}"
        );
        let ran = run(&block).ended(1, &["what runs beside the block has ended before it"]);
        assert!(!ran.dir.path().join("begun").exists(), "{command}: {}", ran.said);
    }
}

#[test]
fn its_lines_say_whose_they_are() {
    let ran = run(
        "  with running($(sh -c 'echo up; exec sleep 30')) {\n    step \"s\" {\n      $ sleep 0.2; echo mine\n      rollback none \"x\"\n    }\n  }",
    );
    let ran = ran.ended(0, &["\n  $ sh -c 'echo up; exec s… │ up\n", "\n    mine\n"]);
    assert_eq!(ran.said.matches("… │ ").count(), 1, "{}", ran.said);
}
