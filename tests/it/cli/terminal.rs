//! At a terminal: the live view, its repainting, narrow windows, questions. A real pseudo-terminal, read as a person sees it.
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use unicode_width::UnicodeWidthStr;

use super::{Desk, book};
use crate::stage::{is_stopped, until};

/// A call of `rbk` on a terminal of so many columns.
pub struct Terminal {
    child: Child,
    keys: Option<std::fs::File>,
    screen: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    columns: u16,
    reader: Option<std::thread::JoinHandle<()>>,
    /// The other end has gone.
    gone: Arc<AtomicBool>,
}

/// A call of `rbk` on a terminal, and the other end of that, which nobody reads.
pub fn start(desk: &Desk, columns: u16, arguments: &[&str]) -> (Child, OwnedFd) {
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    // Held by no other process: a terminal is gone as soon as this test lets go of it.
    for fd in [&pty.master, &pty.slave] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    }
    crate::stage::hears_hangups();
    let rbk = desk.command(arguments);
    // The pseudo-terminal becomes the controlling one, as a login gives it.
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(rbk.get_program()).args(rbk.get_args()).current_dir(desk.path("."));
    for (name, value) in rbk.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let slave = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
    command.stdin(slave(&pty.slave)).stdout(slave(&pty.slave)).stderr(slave(&pty.slave));
    let child = command.spawn().unwrap();
    drop(command);
    (child, pty.master)
}

pub fn open(desk: &Desk, columns: u16, arguments: &[&str]) -> Terminal {
    let (child, master) = start(desk, columns, arguments);
    let screen = Arc::new(Mutex::new(vt100::Parser::new(24.try_into().unwrap(), columns.try_into().unwrap(), 1000)));
    let raw = Arc::new(Mutex::new(Vec::new()));
    let mut master = std::fs::File::from(master);
    let keys = Some(master.try_clone().unwrap());
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = gone.clone();
    let (to_screen, to_raw) = (screen.clone(), raw.clone());
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while !is_gone.load(Ordering::SeqCst) {
            let mut files = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
            if poll(&mut files, PollTimeout::from(50u8)) == Ok(0) {
                continue;
            }
            let Ok(n @ 1..) = master.read(&mut bytes) else { return };
            to_screen.lock().unwrap().process(&bytes[..n]);
            to_raw.lock().unwrap().extend_from_slice(&bytes[..n]);
        }
    });
    Terminal { child, keys, screen, raw, columns, reader: Some(reader), gone }
}

impl Terminal {
    /// What stands on the screen now.
    pub fn shown(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// What stands on the screen and what was above it, as a person scrolls back to it.
    pub fn all(&self) -> String {
        let mut above = vt100::Parser::new(500.try_into().unwrap(), self.columns.try_into().unwrap(), 0);
        above.process(&self.raw.lock().unwrap());
        above.screen().contents()
    }

    #[track_caller]
    pub fn until(&self, text: &str) -> String {
        self.until_all(&[text])
    }

    /// Until all of it stands there at once: a screen may be looked at while it is being painted.
    #[track_caller]
    pub fn until_all(&self, texts: &[&str]) -> String {
        let since = Instant::now();
        loop {
            let shown = self.shown();
            if texts.iter().all(|text| shown.contains(text)) {
                return shown;
            }
            assert!(since.elapsed() < Duration::from_secs(20), "{texts:?} is not shown:\n{shown}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn keys(&mut self, text: &str) {
        self.keys.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_stopped(&self) -> bool {
        crate::stage::is_stopped(self.pid())
    }

    /// The terminal goes away, as when a connection drops; how it exited.
    pub fn hang_up(&mut self) -> (i32, String) {
        self.gone.store(true, Ordering::SeqCst);
        self.reader.take().unwrap().join().unwrap();
        self.keys = None;
        self.end()
    }

    /// The end: how it exited, and what is left on the screen.
    pub fn end(&mut self) -> (i32, String) {
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if since.elapsed() > Duration::from_secs(60) {
                let _ = self.child.kill();
                panic!("it does not end:\n{}", self.shown());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let code = status.code().unwrap_or(-1);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (code, self.shown())
    }

    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw.lock().unwrap()).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SLOW: &str = r#"
  step "Deploy" timeout 20s {
    $ echo copying; touch started; while [ ! -e go ]; do sleep 0.05; done; echo copied
    rollback { $ while [ ! -e back ]; do sleep 0.05; done; rm started }
  }
  step "Check" readonly { guard "fine": $ test -e fine }
"#;

#[test]
fn the_running_step_stands_below_what_is_done() {
    let desk = Desk::with(&book(SLOW));
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    let shown = terminal.until_all(&["── running", "    copying", "echo copying"]);
    let lines: Vec<&str> = shown.lines().collect();
    let running = lines.iter().position(|line| line.starts_with("── running")).expect(&shown);
    assert!(lines[running].contains("left"), "{shown}");
    assert!(lines[running + 1].starts_with("▸ Deploy") && lines[running + 1].contains("left"), "{shown}");
    assert!(lines[running + 2].contains("echo copying"), "{shown}");
    std::fs::write(desk.path("go"), "").unwrap();
    terminal.until_all(&["── going back", "✗ Check failed"]);
    terminal.until_all(&["↩ Deploy", "undo: Deploy"]);
    std::fs::write(desk.path("back"), "").unwrap();
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("everything done is undone"), "{shown}");
    assert!(!shown.contains("── "), "the region is left behind:\n{shown}");
    assert_eq!(shown.matches("✓ Deploy").count(), 1, "{shown}");
}

#[test]
fn a_narrow_terminal_never_folds_the_region() {
    let text = book(SLOW).replace("\"Deploy\"", "\"Deploy the whole of the thing to every host there is\"");
    let desk = Desk::with(&text).file("go", "").file("back", "");
    let mut terminal = open(&desk, 30, &["run", "a.rbk"]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(!shown.contains("── "), "the region is left behind:\n{shown}");
}

#[test]
fn no_color_means_no_colour() {
    let clean = book("  step \"Look\" readonly { guard \"there\": $ test -e a.rbk }");
    let desk = Desk::with(&clean);
    let mut coloured = open(&desk, 80, &["run", "a.rbk"]);
    assert_eq!(coloured.end().0, 0);
    assert!(coloured.raw().contains("\x1b[32m"), "{}", coloured.raw());
    let desk = desk.variable("NO_COLOR", "1");
    let mut bare = open(&desk, 80, &["run", "a.rbk"]);
    assert_eq!(bare.end().0, 0);
    let raw = bare.raw();
    assert!(
        !raw.split('\x1b').skip(1).any(|rest| rest
            .split(|c: char| c.is_alphabetic())
            .next()
            .is_some_and(|n| rest[n.len()..].starts_with('m'))),
        "{raw:?}"
    );
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let desk = Desk::with(&book("  log \"hello\"")).variable("TERM", "dumb");
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    assert_eq!(terminal.end().0, 0);
    assert!(!terminal.raw().contains('\x1b'), "{:?}", terminal.raw());
}

#[test]
fn a_question_is_asked_and_asked_again_until_it_is_answered() {
    let text =
        book("  step \"Send\" {\n    confirm \"Send traffic?\"\n    $ touch sent\n    rollback { $ rm sent }\n  }");
    let desk = Desk::with(&text);
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    terminal.until("yes or no:");
    assert!(!desk.has("sent"));
    terminal.keys("perhaps\n");
    terminal.until("answer `yes` or `no`");
    terminal.keys("yes\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(desk.has("sent"));
    assert!(shown.contains("Send traffic? → true") || shown.contains("Send traffic? → yes"), "{shown}");
}

#[test]
fn a_no_is_a_failure_that_unwinds() {
    let text = book("  step \"One\" {\n    $ touch one\n    rollback { $ rm one }\n  }\n  confirm \"Go on?\"");
    let desk = Desk::with(&text);
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    terminal.until("yes or no:");
    assert!(desk.has("one"));
    terminal.keys("no\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(!desk.has("one"));
}

#[test]
fn a_point_of_no_return_is_asked_for_by_name() {
    let text = book("  step \"Drop the table\" {\n    irreversible \"its rows are gone\"\n    $ touch gone\n  }");
    let desk = Desk::with(&text);
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    let shown = terminal.until("the step's name");
    assert!(shown.contains("its rows are gone"), "{shown}");
    terminal.keys("yes\n");
    terminal.until("answer with the step's name");
    assert!(!desk.has("gone"));
    terminal.keys("Drop the table\n");
    assert_eq!(terminal.end().0, 0);
    assert!(desk.has("gone"));
}

#[test]
fn a_missing_parameter_is_asked_for() {
    let desk = Desk::with(&book("  ## How many.\n  param n: int where n < 5\n  log \"n is #{n}\""));
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    let shown = terminal.until("n (int):");
    assert!(shown.contains("How many."), "{shown}");
    terminal.keys("9\n");
    terminal.until("does not meet its `where`");
    terminal.keys("4\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("n is 4"), "{shown}");
}

#[test]
fn control_c_unwinds() {
    let desk = Desk::with(&book(SLOW)).file("back", "");
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    terminal.until("copying");
    while !desk.has("started") {
        std::thread::sleep(Duration::from_millis(10));
    }
    terminal.keys("\x03");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(!desk.has("started"), "{shown}");
}

#[test]
fn what_only_reads_is_shown_while_it_runs_also_in_a_rollback_and_outside_every_step() {
    let desk = Desk::with(&book(
        r#"
  let before = $ while [ ! -e first ]; do sleep 0.05; done; echo a
  step "One" {
    $ touch one
    rollback {
      let now = $ while [ ! -e second ]; do sleep 0.05; done; echo b
      $ rm one
    }
  }
  fail "broken"
"#,
    ));
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    terminal.until("  $ while [ ! -e first ]");
    std::fs::write(desk.path("first"), "").unwrap();
    terminal.until("  $ while [ ! -e second ]");
    std::fs::write(desk.path("second"), "").unwrap();
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(!shown.contains("while"), "{shown}");
}

#[test]
fn a_wait_that_is_over_is_not_shown_any_more() {
    let desk = Desk::with(&book(
        r#"
  step "One" readonly timeout 20s {
    wait up to 10s until $ true
    let now = $ while [ ! -e go ]; do sleep 0.05; done; echo b
  }
"#,
    ));
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    terminal.until("  $ while [ ! -e go ]");
    std::fs::write(desk.path("go"), "").unwrap();
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn a_signal_while_a_question_stands_open_has_its_place() {
    let desk =
        Desk::with(&book("  step \"One\" {\n    $ touch one\n    confirm \"Go on?\"\n    rollback { $ rm one }\n  }"));
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    terminal.until("yes or no:");
    terminal.keys("\x03");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("failed: One: stopped by a signal\n        at a.rbk:6: confirm \"Go on?\""), "{shown}");
}

/// Typed, used, repeated by commands, by a failure and by the way back: it stands neither on the screen nor in any file.
#[test]
fn a_secret_that_is_typed_is_never_shown() {
    let text = book(
        "  secret token = prompt(\"The token\")\n  step \"Use it\" {\n    with env({ TOKEN: token }) { $ echo \"got $TOKEN\"; for i in $(seq 3000); do echo \"$TOKEN\"; done >&2; exit 3 }\n    \
         rollback { with env({ TOKEN: token }) { $ echo \"undo with $TOKEN\" } }\n  }\n  on failure { log \"#{failure.message} of #{token}\" }",
    );
    for arguments in [&["run", "a.rbk"][..], &["run", "a.rbk", "-v"], &["run", "a.rbk", "--format", "json"]] {
        let desk = Desk::with(&text);
        let mut terminal = open(&desk, 100, arguments);
        terminal.until("? The token ");
        terminal.keys("Zq8canary-of-a-prompt\n");
        let (code, shown) = terminal.end();
        assert!(code == 1 && shown.contains("‹token›"), "{code} {shown}");
        super::canaries::clean(terminal.raw().as_bytes(), "the terminal");
        let mut kept = Vec::new();
        super::canaries::files(&desk.path("."), &mut kept);
        assert!(!kept.is_empty());
        kept.iter().for_each(|(name, bytes)| super::canaries::clean(bytes, name));
    }
}

#[test]
fn what_is_looked_back_at_is_broken_between_words() {
    const LONG: &str =
        "what is said here is much too long for one line of a narrow terminal, and no word of it is broken";
    let text = book(&format!("  log \"{LONG}\"")).replacen("runbook \"", &format!("runbook \"{LONG} "), 1);
    let desk = Desk::with(&text).variable("NO_COLOR", "1");
    assert_eq!(open(&desk, 80, &["run", "a.rbk"]).end().0, 0);
    for columns in [60, 40] {
        for arguments in [&["show", "20"][..], &["runs"][..]] {
            let mut terminal = open(&desk, columns, arguments);
            let (code, shown) = terminal.end();
            assert_eq!(code, 0, "{shown}");
            let raw = terminal.raw();
            let wide: Vec<&str> = raw.lines().filter(|line| line.trim_end().width() > columns.into()).collect();
            assert!(wide.is_empty(), "{columns}: {wide:?}");
            let words = raw.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(LONG), "{columns}: {words}");
        }
    }
}

#[test]
fn a_command_that_wants_the_terminal_fails_and_says_so() {
    let asks = r#"  step "ask" {
    $ read answer < /dev/tty; touch answered
    rollback { $ touch undone }
  }"#;
    let desk = Desk::with(&book(asks));
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    let (code, _) = terminal.end();
    let shown = terminal.all();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("wants to use the terminal"), "{shown}");
    assert!(desk.has("undone") && !desk.has("answered"));
}

#[test]
fn control_z_stops_the_run_with_its_command_and_fg_goes_on_without_counting_the_time() {
    let slow = r#"  step "slow" timeout 4s {
    $ echo $$ > pid; touch started; sleep 2; touch done
    rollback { $ touch undone }
  }"#;
    let desk = Desk::with(&book(slow));
    let mut terminal = open(&desk, 80, &["run", "a.rbk"]);
    until("the command runs", Duration::from_secs(20), || desk.has("started"));
    let command: u32 = std::fs::read_to_string(desk.path("pid")).unwrap().trim().parse().unwrap();
    terminal.keys("\x1a");
    until("rbk and its command stop", Duration::from_secs(20), || terminal.is_stopped() && is_stopped(command));
    std::thread::sleep(Duration::from_secs(4));
    assert!(!desk.has("done"));
    kill(Pid::from_raw(i32::try_from(terminal.pid()).unwrap()), Signal::SIGCONT).unwrap();
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(desk.has("done") && !desk.has("undone"));
}
