//! A person at a terminal, and a runbook: one part at a time, and what becomes of a failure.
use crate::cli::Desk;
use crate::cli::terminal::{Terminal, open};
use crate::stage;

const BOOK: &str = r#"runbook "Two" {
  deadline 1m
  rollback within 1m
  param name: string
  step "One" {
    $ touch one
    rollback { $ rm one }
  }
  step "Second" {
    $ test -e ready
    $ touch #{name}
    rollback { $ rm -f #{name} }
  }
}
"#;

const STEP: &str = "run, skip, edit, undo, console or abort?";
const FAILED: &str = "retry, skip, edit, console, undo or stop?";

/// The last line is this question.
#[track_caller]
fn asked(terminal: &Terminal, question: &str) {
    let last = || terminal.shown().trim_end().lines().last().is_some_and(|line| line.trim_end() == question);
    stage::until(&format!("`{question}` in\n{}", terminal.shown()), std::time::Duration::from_secs(20), last);
}

fn stepping(desk: &Desk, columns: u16) -> Terminal {
    let mut terminal = open(desk, columns, &["repl", "a.rbk", "--set", "name=two"]);
    terminal.until("rbk> ");
    terminal.keys(":step\r");
    asked(&terminal, STEP);
    terminal
}

#[test]
fn each_part_is_shown_and_asked_for() {
    let desk = Desk::with(BOOK);
    let mut terminal = stepping(&desk, 80);
    assert!(terminal.shown().contains("step \"One\" {\n"), "{}", terminal.shown());
    terminal.keys("skip\r");
    terminal.until("skipped: `One`");
    asked(&terminal, STEP);
    terminal.keys("run\r");
    asked(&terminal, "retry, skip, edit, undo, console or abort?");
    // What is no answer is typed as ever.
    terminal.keys("$ touch ready\r");
    terminal.until("yes or no:");
    terminal.keys("yes\r");
    terminal.until("✓ $ touch ready");
    asked(&terminal, "retry, skip, edit, undo, console or abort?");
    terminal.keys("retry\r");
    terminal.until("`Two` is at its end; 1 of its parts skipped");
    assert!(!desk.has("one") && desk.has("two"), "{}", terminal.shown());
    terminal.keys(":undo\r");
    terminal.until("✓ undone: Second");
    assert!(!desk.has("two"));
    terminal.keys("\x04");
    terminal.until("keep, undo or leave");
    terminal.keys("keep\r");
    assert_eq!(terminal.end().0, 0);
}

/// The text of the step is in the line editor; what comes of it runs in the step's place.
#[test]
fn a_part_can_be_changed_before_it_runs() {
    let desk = Desk::with(BOOK);
    std::fs::write(desk.path("ready"), "").unwrap();
    let mut terminal = stepping(&desk, 40);
    terminal.keys("run\r");
    terminal.until("step \"Second\" {");
    terminal.keys("edit\r");
    terminal.until("rbk> step \"Second\" {");
    // A line more at its end.
    terminal.keys("\rlog \"edited\"\r");
    terminal.until("\nedited");
    terminal.until("`Two` is at its end");
    assert!(desk.has("two"), "{}", terminal.shown());
    terminal.keys(":steps\r");
    terminal.until("✓ Second  done");
    terminal.keys("\x04");
    terminal.until("keep, undo or leave");
    terminal.keys("undo\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!desk.has("one") && !desk.has("two"), "{shown}");
}

/// One part skipped, one changed, a step typed between them: what is saved does that by itself.
#[test]
fn what_became_of_it_can_be_saved() {
    let desk = Desk::with(BOOK);
    let mut terminal = stepping(&desk, 80);
    terminal.keys("skip\r");
    terminal.until("skipped: `One`");
    asked(&terminal, STEP);
    terminal.keys("step \"Between\" {\r$ touch ready between-#{name}\rrollback { $ rm ready between-#{name} }\r}\r");
    terminal.until("✓ Between");
    asked(&terminal, STEP);
    terminal.keys("edit\r");
    terminal.until("rbk> step \"Second\" {");
    terminal.keys("\rlog \"edited\"\r");
    terminal.until("`Two` is at its end");
    terminal.keys(":save worked.rbk\r");
    terminal.until("what worked is in `worked.rbk`");
    terminal.keys("\x04");
    terminal.until("keep, undo or leave");
    terminal.keys("undo\r");
    assert_eq!(terminal.end().0, 0);
    let text = super::incidents::checked(&desk, "worked.rbk");
    let places = ["param name: string", "# skipped: One", "step \"Between\"", "step \"Second\"", "log \"edited\""];
    let places = places.map(|words| text.find(words).unwrap_or_else(|| panic!("no {words}:\n{text}")));
    assert!(places.is_sorted() && !text.contains("touch one"), "{text}");
    assert!(!desk.has("two"));
    let mut terminal = open(&desk, 80, &["run", "worked.rbk", "--set", "name=two"]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}\n{text}");
    assert!(desk.has("two") && desk.has("between-two") && !desk.has("one"), "{shown}");
    assert!(shown.contains("edited"), "{shown}");
}

#[test]
fn it_can_be_undone_and_called_off_in_the_middle() {
    let desk = Desk::with(BOOK);
    let mut terminal = stepping(&desk, 80);
    terminal.keys("run\r");
    terminal.until("step \"Second\" {");
    terminal.keys("undo\r");
    terminal.until("✓ undone: One");
    assert!(!desk.has("one"));
    terminal.until("step \"One\" {");
    asked(&terminal, STEP);
    terminal.keys("console\r");
    terminal.until("`:step` asks again");
    terminal.keys("name\r");
    terminal.until("\ntwo\n");
    terminal.keys(":step\r");
    asked(&terminal, STEP);
    // Nothing is in place: nothing is asked.
    terminal.keys("abort\r");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_parameter_that_is_missing_is_asked_for() {
    let desk = Desk::with(BOOK);
    let mut terminal = open(&desk, 80, &["repl"]);
    terminal.until("rbk> ");
    terminal.keys(":load a.rbk\r");
    terminal.until("name (string): ");
    terminal.keys("here\r");
    terminal.until("Two  2 parts");
    terminal.keys("name\r");
    terminal.until("\nhere\n");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_run_whose_runbook_cannot_begin_is_refused() {
    let desk = Desk::with("secret token = env(\"NOT_SET\")\nrunbook \"One\" {\n  deadline 1m\n  log \"never\"\n}\n");
    let mut terminal = open(&desk, 80, &["run", "a.rbk", "--on-failure", "ask"]);
    let (code, shown) = terminal.end();
    assert!(code == 2 && shown.contains("NOT_SET") && !shown.contains("never"), "{code}: {shown}");
}

/// The run has come to the failure of its second step.
fn failed(desk: &Desk) -> Terminal {
    let terminal = open(desk, 80, &["run", "a.rbk", "--set", "name=two", "--on-failure", "ask"]);
    asked(&terminal, FAILED);
    assert!(desk.has("one"), "{}", terminal.shown());
    terminal
}

#[test]
fn a_run_goes_on_once_it_was_mended() {
    let desk = Desk::with(BOOK);
    let mut terminal = failed(&desk);
    terminal.keys("edit\r");
    terminal.until("rbk> step \"Second\" {");
    // Called off: nothing runs.
    terminal.keys("\x03");
    stage::until("it is asked again", std::time::Duration::from_secs(20), || {
        terminal.shown().matches(FAILED).count() == 2
    });
    terminal.keys("retry\r");
    stage::until("it failed again", std::time::Duration::from_secs(20), || {
        terminal.shown().matches(FAILED).count() == 3
    });
    std::fs::write(desk.path("ready"), "").unwrap();
    terminal.keys("retry\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(desk.has("one") && desk.has("two"), "{shown}");
}

#[test]
fn a_run_is_undone_skips_and_stops_as_a_person_says() {
    for (word, there, code) in [("undo", false, 1), ("skip", true, 0), ("stop", true, 4)] {
        let desk = Desk::with(BOOK);
        let mut terminal = failed(&desk);
        terminal.keys(&format!("{word}\r"));
        let (ended, shown) = terminal.end();
        assert_eq!((ended, desk.has("one"), desk.has("two")), (code, there, false), "{word}: {shown}");
        if word == "stop" {
            assert!(shown.contains("`rbk repl --resume "), "{shown}");
        }
    }
}

#[test]
fn a_run_becomes_a_console_with_all_its_names() {
    let desk = Desk::with(BOOK);
    let mut terminal = failed(&desk);
    terminal.keys("console\r");
    terminal.until("`:step` asks again, `:run` goes on");
    terminal.keys("name\r");
    terminal.until("\ntwo\n");
    terminal.keys("step \"Mend\" {\r  $ touch ready\r  rollback { $ rm ready }\r}\r");
    terminal.until("✓ Mend");
    terminal.keys(":run\r");
    terminal.until("`Two` is at its end");
    terminal.keys(":undo all\r");
    terminal.until("✓ undone: One");
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!desk.has("one") && !desk.has("two") && !desk.has("ready"), "{shown}");
}

/// Ctrl-C leaves the editor: what is typed next is no text for the part, which is asked for again.
#[test]
fn what_is_edited_can_be_called_off() {
    let text = BOOK.replace("  step \"One\" {", "  finally { $ touch closed }\n  step \"One\" {");
    let desk = Desk::with(&text);
    let mut terminal = open(&desk, 80, &["repl", "a.rbk", "--set", "name=two"]);
    terminal.until("rbk> ");
    terminal.keys(":step\r");
    asked(&terminal, STEP);
    for part in ["finally {", "step \"One\" {"] {
        terminal.keys("edit\r");
        terminal.until(&format!("rbk> {part}"));
        terminal.keys("\x03");
        asked(&terminal, STEP);
        terminal.keys("log \"just looking\"\r");
        terminal.until("\njust looking");
        asked(&terminal, STEP);
        terminal.keys(if part == "finally {" { "run\r" } else { "console\r" });
        if part == "finally {" {
            terminal.until("  step \"One\" {\n");
            asked(&terminal, STEP);
        }
    }
    terminal.until("`:step` asks again");
    terminal.keys(":steps\r");
    terminal.until("▸ One  next");
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert!(code == 0 && desk.has("closed") && !desk.has("one"), "{code}: {shown}");
}

#[test]
fn an_order_is_obeyed_where_a_part_is_asked_about() {
    let desk = Desk::with(BOOK);
    std::fs::write(desk.path("ready"), "").unwrap();
    let mut terminal = stepping(&desk, 80);
    terminal.keys(":run\r");
    terminal.until("`Two` is at its end");
    assert!(desk.has("one") && desk.has("two"), "{}", terminal.shown());
    drop(terminal);
    let desk = Desk::with(BOOK);
    let mut terminal = failed(&desk);
    std::fs::write(desk.path("ready"), "").unwrap();
    terminal.keys(":run\r");
    let (code, shown) = terminal.end();
    assert!(code == 0 && desk.has("two"), "{code}: {shown}");
}

/// The question is about what is next by then.
#[test]
fn what_is_typed_at_a_failure_may_go_elsewhere() {
    let desk = Desk::with(BOOK);
    let mut terminal = failed(&desk);
    terminal.keys(":undo One\r");
    terminal.until("✓ undone: One");
    stage::until("it is asked again", std::time::Duration::from_secs(20), || {
        terminal.shown().matches(FAILED).count() == 2
    });
    assert!(!desk.has("one"));
    std::fs::write(desk.path("ready"), "").unwrap();
    terminal.keys("retry\r");
    let (code, shown) = terminal.end();
    assert!(code == 0 && desk.has("one") && desk.has("two"), "{code}: {shown}");
}

#[test]
fn a_run_that_became_a_console_asks_about_the_next_failure() {
    let desk = Desk::with(BOOK);
    let mut terminal = failed(&desk);
    terminal.keys("console\r");
    terminal.until("`:step` asks again, `:run` goes on");
    terminal.keys(":run\r");
    stage::until("it failed again", std::time::Duration::from_secs(20), || {
        terminal.shown().matches(FAILED).count() == 2
    });
    terminal.keys("stop\r");
    assert_eq!(terminal.end().0, 4);
}

#[test]
fn a_wrong_answer_to_a_parameter_is_asked_again() {
    let text = BOOK.replace("name: string", "size: int where size > 2\n  param name: string");
    let desk = Desk::with(&text);
    let mut terminal = open(&desk, 80, &["repl"]);
    terminal.until("rbk> ");
    terminal.keys(":load a.rbk\r");
    for (times, wrong) in [(1, "many"), (2, "1"), (3, "7")] {
        stage::until("the size is asked for", std::time::Duration::from_secs(20), || {
            terminal.shown().matches("size (int): ").count() == times
        });
        terminal.keys(&format!("{wrong}\r"));
    }
    terminal.until("name (string): ");
    terminal.keys("here\r");
    terminal.until("Two  2 parts");
    assert!(!terminal.shown().contains("--set"), "{}", terminal.shown());
    terminal.keys("size * 6\r");
    terminal.until("\n42\n");
}

/// Nothing is painted over what asks for a secret.
#[test]
fn a_secret_is_asked_for_in_peace() {
    let text = BOOK.replace("runbook", "secret token = prompt(\"The token?\")\nrunbook");
    let desk = Desk::with(&text);
    for arguments in [&["repl", "a.rbk", "--set", "name=two"][..], &["run", "a.rbk", "--set", "name=two"][..]] {
        let mut terminal = open(&desk, 80, arguments);
        terminal.until("? The token?");
        std::thread::sleep(std::time::Duration::from_millis(1200));
        let shown = terminal.shown();
        assert!(shown.contains("? The token?") && !shown.contains("── "), "{shown}");
        terminal.keys("Zq8canary-of-a-prompt\r");
        terminal.until("Two");
    }
}

/// The lock of a runbook that was not loaded is another run's to take.
#[test]
fn a_load_that_is_refused_leaves_the_console_as_it_was() {
    let locked = BOOK.replace("  step \"One\"", "  lock \"shop\"\n  step \"One\"");
    let declares = "use \"std/files\"\nsecret token = env(\"NOT_SET\")\naction greet() {\n  log \"hello\"\n}\n";
    let desk = Desk::with(&format!("{declares}{locked}"));
    std::fs::write(desk.path("b.rbk"), &locked).unwrap();
    std::fs::write(desk.path("ready"), "").unwrap();
    let mut terminal = open(&desk, 80, &["repl"]);
    terminal.until("rbk> ");
    terminal.keys(":load a.rbk --set name=two\r");
    terminal.until("`NOT_SET` is not set");
    let said = desk.rbk(&["run", "b.rbk", "--set", "name=two"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(desk.has("two"));
    terminal.keys(":steps\r");
    terminal.until("\nnothing is in place");
    terminal.keys("name\r");
    terminal.until("nothing is called `name`");
    terminal.keys("greet()\r");
    terminal.until("no action is called `greet`");
    terminal.keys("files.nosuch()\r");
    terminal.until("nothing is called `files`");
    terminal.keys(":load b.rbk --set name=two\r");
    terminal.until("Two  2 parts");
    let said = desk.rbk(&["run", "b.rbk", "--set", "name=two"]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    terminal.keys(":quit\r");
    assert_eq!(terminal.end().0, 0);
    // One that it is to begin with is what it is for.
    let mut terminal = open(&desk, 80, &["repl", "a.rbk", "--set", "name=two"]);
    let (code, shown) = terminal.end();
    assert!(code == 2 && shown.contains("`NOT_SET` is not set"), "{code}: {shown}");
}
