//! At a real terminal.
use std::io::Write;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cli::Desk;
use crate::cli::terminal::{Terminal, open, start};

/// So many questions stand on the screen, the last one open.
#[track_caller]
fn asked(terminal: &Terminal, times: usize) {
    let open = || terminal.shown().matches("yes or no:").count() == times;
    crate::stage::until("a question", std::time::Duration::from_secs(20), open);
}

/// The last line is a prompt, and not the first one.
#[track_caller]
fn prompted(terminal: &Terminal) {
    let again = || terminal.shown().trim_end().ends_with("\nrbk>");
    crate::stage::until("the prompt", std::time::Duration::from_secs(20), again);
}

const TOUCH: &str = "step \"one\" {\r  $ touch one\r  rollback { $ rm one }\r}\r";

fn ready(desk: &Desk, columns: u16) -> Terminal {
    let terminal = open(desk, columns, &["repl"]);
    terminal.until("rbk> ");
    terminal
}

#[test]
fn an_input_goes_on_until_its_brackets_are_closed() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    assert!(desk.has("one"));
    terminal.keys(":undo\r");
    terminal.until("✓ undone: one");
    assert!(!desk.has("one"));
    terminal.keys("40 + 2\r");
    terminal.until("\n42\n");
    // Nothing is in place: nothing is asked.
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn mistakes_and_failures_bring_the_prompt_back() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    terminal.keys("let a = 1\rb\r");
    terminal.until("nothing is called `b`");
    terminal.keys("1 + true\r");
    terminal.until("entry 2");
    terminal.keys("fail \"on purpose\"\r");
    terminal.until("failed: on purpose");
    terminal.keys("a + 41\r");
    terminal.until("\n42\n");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn control_c_ends_what_runs_and_never_the_console() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    // At the prompt it takes the line away.
    terminal.keys("let a = \x03");
    prompted(&terminal);
    terminal.keys(&TOUCH.replace("$ touch one", "$ touch one; sleep 600"));
    terminal.until("── running");
    assert!(desk.has("one"));
    terminal.keys("\x03");
    terminal.until("everything it did is undone");
    assert!(!desk.has("one"));
    terminal.keys("log \"still here\"\r");
    terminal.until("\nstill here");
    terminal.keys(":quit\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("── running"), "{shown}");
}

/// Keys that are typed too early wait for the prompt, unseen: also the one that ends the console.
#[test]
fn what_is_typed_while_something_runs_is_the_next_input() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    terminal.keys(&TOUCH.replace("$ touch one", "$ touch one; while [ ! -e go ]; do sleep 0.05; done"));
    terminal.until("── running");
    terminal.keys("40 + 2\r:undo all\r\x04");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!terminal.shown().contains("40 + 2"), "{}", terminal.shown());
    std::fs::write(desk.path("go"), "").unwrap();
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("\n42\n") && shown.contains("✓ undone: one"), "{shown}");
    assert!(!desk.has("one"));
}

#[test]
fn a_bare_write_asks_and_the_answer_is_no_input() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    terminal.keys("$ touch bare\r");
    terminal.until("yes or no:");
    terminal.keys("no\r");
    terminal.until("was answered no");
    assert!(!desk.has("bare"));
    terminal.keys("$ touch bare #2\r");
    asked(&terminal, 2);
    terminal.keys("\x03");
    terminal.until("stopped by a signal");
    terminal.keys("40 + 2\r");
    terminal.until("\n42\n");
    terminal.keys("$ touch bare\r");
    // The one that was called off is gone.
    asked(&terminal, 2);
    terminal.keys("yes\r");
    terminal.until("✓ $ touch bare");
    assert!(desk.has("bare"));
    terminal.keys("\x04");
    terminal.until("keep, undo or leave");
    terminal.keys("keep\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn the_end_asks_what_becomes_of_what_is_in_place() {
    for (word, there, code) in [("undo", false, 0), ("keep", true, 0), ("leave", true, 4)] {
        let desk = Desk::with("");
        let mut terminal = ready(&desk, 80);
        terminal.keys(TOUCH);
        terminal.until("✓ one");
        terminal.keys("\x04");
        terminal.until("keep, undo or leave");
        terminal.keys("perhaps\r");
        terminal.keys(":quit\r");
        let twice = || terminal.shown().matches("keep, undo or leave").count() == 2;
        crate::stage::until("the question", std::time::Duration::from_secs(20), twice);
        terminal.keys(&format!("{word}\r"));
        let (ended, shown) = terminal.end();
        assert_eq!((ended, desk.has("one")), (code, there), "{word}: {shown}");
        if word != "undo" {
            assert!(shown.contains("`rbk rollback "), "{word}: {shown}");
        }
    }
}

#[test]
fn it_works_in_forty_columns_and_at_a_dumb_terminal() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 40);
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    terminal.keys(":undo all\r");
    terminal.until("✓ undone: one");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
    let desk = Desk::with("").variable("TERM", "dumb");
    let mut terminal = ready(&desk, 80);
    terminal.keys("40 + 2\n");
    terminal.until("42");
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!terminal.raw().contains('\x1b'), "{:?}", terminal.raw());
}

const TOKEN: &str = "Zq8canary-of-a-prompt";

/// A secret that is typed, an input that shows it: neither stands in what is offered again, nor in any other file.
#[test]
fn what_was_typed_is_offered_again_and_no_secret_with_it() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    terminal.keys("secret token = prompt(\"The token\")\r");
    terminal.until("? The token");
    terminal.keys(&format!("{TOKEN}\r"));
    prompted(&terminal);
    terminal.keys("token\r");
    terminal.until("‹token›");
    terminal.keys("log \"first\"\r");
    terminal.until("\nfirst");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
    let mut kept = Vec::new();
    crate::cli::canaries::files(&desk.path("."), &mut kept);
    assert!(
        kept.iter().any(|(name, _)| name.ends_with("console.history")),
        "{:?}",
        kept.iter().map(|k| &k.0).collect::<Vec<_>>()
    );
    kept.iter().for_each(|(name, bytes)| crate::cli::canaries::clean(bytes, name));
    let mut terminal = ready(&desk, 80);
    terminal.keys("\x1b[A");
    terminal.until("rbk> log \"first\"");
    terminal.keys("\r");
    terminal.until("\nfirst");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
}

/// A password that somebody types is known to nobody as one; it is found as it is in a runbook.
#[test]
fn a_line_with_a_password_in_it_is_not_offered_again() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    for line in [
        "log \"first\"",
        &format!("let a = \"redis://u:{TOKEN}@127.0.0.1:1/0\""),
        &format!("connect c = redis(\"redis://u:{TOKEN}@127.0.0.1:1/0\")"),
        &format!(":plan $ curl -u bob:{TOKEN} http://127.0.0.1:1/"),
        &format!("lte a = $ curl -u bob:{TOKEN} http://127.0.0.1:1/"),
        "log \"last\"",
    ] {
        terminal.keys(&format!("{line}\r"));
        prompted(&terminal);
    }
    terminal.until("\nlast");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
    let mut kept = Vec::new();
    crate::cli::canaries::files(&desk.path("."), &mut kept);
    let (_, history) = kept.iter().find(|(name, _)| name.ends_with("console.history")).unwrap();
    assert_eq!(crate::stage::text(history), "\"log \\\"first\\\"\"\n\"log \\\"last\\\"\"\n");
    for (name, bytes) in kept {
        assert!(!crate::stage::text(&bytes).contains(TOKEN), "{name}");
    }
}

/// What cannot be undone stays, and nobody is promised that it will be.
#[test]
fn what_is_undone_at_the_end_is_not_told_as_kept() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    terminal.keys("$ touch wall\r");
    terminal.until("yes or no:");
    terminal.keys("yes\r");
    terminal.until("✓ $ touch wall");
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    terminal.keys("\x04");
    terminal.until("keep, undo or leave");
    terminal.keys("undo\r");
    let (_, shown) = terminal.end();
    assert!(shown.contains("✓ undone: one") && !desk.has("one"), "{shown}");
    assert!(shown.contains("kept in place: `$ touch wall`, which cannot be undone"), "{shown}");
    assert!(!shown.contains("rbk rollback"), "{shown}");
}

#[test]
fn an_undo_past_a_point_of_no_return_undoes_what_stands_before_it() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    terminal.keys("$ touch wall\r");
    terminal.until("yes or no:");
    terminal.keys("yes\r");
    terminal.until("✓ $ touch wall");
    terminal.keys(":undo\r");
    terminal.until("`$ touch wall` cannot be undone");
    terminal.keys(":undo past\r");
    terminal.until("✓ undone: one");
    assert!(!desk.has("one") && desk.has("wall"));
    terminal.keys(":undo past\r");
    terminal.until("nothing that is in place can be undone");
}

#[test]
fn production_stands_in_the_prompt_in_red() {
    let desk = Desk::with("").variable("RBK_ENVIRONMENT", "production").variable("NO_COLOR", "");
    let mut terminal = ready(&desk, 80);
    assert!(terminal.shown().trim_end().ends_with("production rbk>"), "{}", terminal.shown());
    assert!(terminal.raw().contains("\x1b[1;31mproduction \x1b[0mrbk> "), "{:?}", terminal.raw());
    terminal.keys("40 + 2\r");
    terminal.until("\n42\nproduction rbk>");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
}

/// The terminal takes nothing any more: that keeps nobody from ending it.
#[test]
fn a_terminal_that_nobody_reads_holds_no_end_up() {
    let desk = Desk::with("");
    std::fs::write(desk.path("big"), "a line of it\n".repeat(100_000)).unwrap();
    let (mut child, master) = start(&desk, 80, &["repl"]);
    let mut keys = std::fs::File::from(master);
    keys.write_all(b"$ cat big\r").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let since = std::time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if since.elapsed() > std::time::Duration::from_secs(25) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(4));
}

/// What a shell does on `fg`; its own mode of the terminal stays.
fn go_on(terminal: &Terminal, tty: &str) {
    let sane = std::process::Command::new("stty").args(["-F", tty, "sane"]).status().unwrap();
    assert!(sane.success());
    kill(Pid::from_raw(i32::try_from(terminal.pid()).unwrap()), Signal::SIGCONT).unwrap();
}

/// At the prompt and while something runs.
#[test]
fn control_z_stops_it_and_it_goes_on_where_it_was() {
    let desk = Desk::with("");
    let mut terminal = ready(&desk, 80);
    let tty = std::fs::read_link(format!("/proc/{}/fd/0", terminal.pid())).unwrap();
    let tty = tty.to_str().unwrap();
    let stopped = |terminal: &Terminal| {
        crate::stage::until("it is stopped", std::time::Duration::from_secs(20), || terminal.is_stopped());
    };
    terminal.keys("40 +");
    terminal.until("rbk> 40 +");
    terminal.keys("\x1a");
    stopped(&terminal);
    go_on(&terminal, tty);
    terminal.keys(" 2\r");
    terminal.until("\n42\n");
    assert!(!terminal.shown().contains("^M"), "{}", terminal.shown());
    terminal.keys(&TOUCH.replace("$ touch one", "$ touch one; while [ ! -e go ]; do sleep 0.05; done"));
    terminal.until("── running");
    terminal.keys("\x1a");
    stopped(&terminal);
    std::fs::write(desk.path("go"), "").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    go_on(&terminal, tty);
    terminal.until("✓ one");
    terminal.keys(":undo all\r");
    terminal.until("✓ undone: one");
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}
