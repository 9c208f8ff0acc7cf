//! What a loaded runbook does once it is known how it ended: `on success`, `on failure`.
use super::*;
use crate::cli::terminal::open as at_terminal;

/// The second part needs `ready`; `on success` reads what the first has bound, `on failure` what went wrong.
const BOOK: &str = r##"runbook "Two files" {
  deadline 1m
  rollback within 1m
  param name: string = "one"
  let word = $ echo fine-#{name}
  step "One" {
    $ touch one
    rollback { $ rm one }
  }
  finally { $ touch closed }
  step "Two" {
    $ test -e ready
    $ touch two
    rollback { $ rm -f two }
  }
  on success { $ test -e closed; echo #{word} >> won; touch wins; test ! -e slow || sleep 60 }
  on failure { $ echo "#{name}, #{failure.step}, #{failure.kind}" >> lost }
}
"##;

fn desk(ready: bool) -> Desk {
    let desk = console();
    desk.write("a.rbk", BOOK);
    if ready {
        desk.write("ready", "");
    }
    desk
}

fn text(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.path().join(name)).unwrap_or_default()
}

#[test]
fn a_good_end_is_told_once() {
    let desk = desk(true);
    pipe(&desk, &["a.rbk"], ":steps\n:run\n:steps\n:run\n").ended(0).says(&[
        "· Two  not yet\n· on success  once all of it is done\n",
        "`Two files` is at its end\n",
        "✓ Two  done\n✓ on success  done\n",
        "nothing is left of the runbook",
    ]);
    assert_eq!((text(&desk, "won"), text(&desk, "lost")), ("fine-one\n".to_owned(), String::new()));
    let (run, _) = desk.last();
    desk.say(&["show", &run]).ended(0).says(&["all of the runbook is done: its `on success`"]);
    // It is no part of what is undone, and is not done again.
    pipe(&desk, &["a.rbk"], ":run\n:undo all\n:run\n").ended(0);
    assert_eq!(text(&desk, "won"), "fine-one\nfine-one\n");
}

/// Its parts were run one by one, by name: the end of the console is the end of the runbook.
#[test]
fn the_end_of_the_console_tells_it_too() {
    let desk = desk(true);
    let script = "step \"Typed\" {\n  $ touch typed\n  rollback { $ rm typed }\n}\n";
    let script = format!(":run let word = $ echo fine-#{{name}}\n:run One\n:run finally\n:run Two\n{script}");
    let said = pipe(&desk, &["a.rbk"], &script).ended(0);
    assert_eq!(text(&desk, "won"), "fine-one\n", "{}{}", said.out, said.err);
    assert!(desk.has("closed"));
}

#[test]
fn what_was_left_out_is_no_success() {
    let desk = desk(true);
    let script = ":goto Two\n:run\n:steps\n";
    let said = pipe(&desk, &["a.rbk"], script).ended(0).says(&["of its parts skipped", "on success  once all of it"]);
    assert!(!desk.has("won") && !desk.has("lost") && desk.has("two"), "{}", said.out);
}

#[test]
fn a_part_that_failed_is_told_at_the_end() {
    let desk = desk(false);
    let said = pipe(&desk, &["a.rbk"], ":run\n").ended(1);
    assert_eq!(text(&desk, "lost"), "one, Two, failed\n", "{}{}", said.out, said.err);
    assert!(!desk.has("won") && desk.has("one"), "{}", said.out);
    let (run, state) = desk.last();
    assert_eq!(state, "failed");
    desk.say(&["show", &run]).ended(0).says(&["on failure"]);
    desk.rollback(&[]).ended(0);
    assert_eq!(text(&desk, "lost"), "one, Two, failed\n");
    assert!(!desk.has("one"));
}

/// Killed between the last part and the handler, then in the handler: it runs once.
#[test]
fn a_kill_does_not_tell_it_twice() {
    let desk = desk(true);
    desk.write("slow", "");
    let (mut child, mut keys) = open(&desk, &["a.rbk"]);
    let script = ":run let word = $ echo fine-#{name}\n:run One\n:run finally\n:run Two\n$ ls two | wc -l\nstep \"Mark\" {\n  $ touch mark\n  rollback { $ rm mark }\n}\n";
    keys.write_all(script.as_bytes()).unwrap();
    desk.until("mark");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.has("won"));
    let (run, _) = desk.last();
    let (mut child, mut keys) = open(&desk, &["--resume", &run]);
    keys.write_all(b":run\n").unwrap();
    desk.until("wins");
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(desk.path().join("slow")).unwrap();
    let said = pipe(&desk, &["--resume", &run], ":steps\n:run\n");
    assert_eq!(text(&desk, "won"), "fine-one\n", "{}{}", said.out, said.err);
    assert!(desk.has("two") && !desk.has("lost"), "{}{}", said.out, said.err);
    said.says(&["✓ on success  done"]);
}

#[test]
fn a_person_keeps_what_failed_or_undoes_it() {
    for word in ["keep", "undo"] {
        let desk = crate::cli::Desk::with(BOOK);
        let mut terminal = at_terminal(&desk, 80, &["repl", "a.rbk"]);
        terminal.until("rbk> ");
        terminal.keys(":run\r");
        terminal.until("help: `:run` tries `Two` again");
        terminal.keys("\x04");
        terminal.until("keep, undo or leave it?");
        terminal.keys(&format!("{word}\r"));
        let (_, shown) = terminal.end();
        let lost = std::fs::read_to_string(desk.path("lost")).unwrap_or_default();
        assert_eq!((lost.as_str(), desk.has("one")), ("one, Two, failed\n", word == "keep"), "{word}: {shown}");
    }
}

#[test]
fn a_person_who_is_asked_about_a_failure_has_both() {
    let desk = crate::cli::Desk::with(BOOK);
    let mut terminal = at_terminal(&desk, 80, &["run", "a.rbk", "--on-failure", "ask"]);
    terminal.until("undo or stop?");
    terminal.keys("undo\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert_eq!(std::fs::read_to_string(desk.path("lost")).unwrap_or_default(), "one, Two, failed\n", "{shown}");
    let desk = crate::cli::Desk::with(BOOK);
    let mut terminal = at_terminal(&desk, 80, &["run", "a.rbk", "--on-failure", "ask"]);
    terminal.until("undo or stop?");
    std::fs::write(desk.path("ready"), "").unwrap();
    terminal.keys("retry\r");
    let (code, shown) = terminal.end();
    assert!(code == 0 && desk.has("won") && !desk.has("lost"), "{code}: {shown}");
}
