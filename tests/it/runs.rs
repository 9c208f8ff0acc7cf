//! `runs.last`: what a runbook asks the journal of other runs.
use crate::resume::Desk;

const DRILL: &str = r#"runbook "Drill" {
  deadline 1m
  rollback within 10s
  param ok: bool = true
  param gone: bool = true
  step "Restore" {
    $ touch scratch
    guard "it came back": ok
    rollback { $ test #{gone} = true }
  }
}
"#;

/// Asks, and says what it was told.
fn desk(ask: &str) -> Desk {
    let desk = Desk::of(&format!(
        r##"
  let drill = {ask}
  log if drill == null then "none" else "#{{drill.run}} #{{drill.outcome}}"
  if drill != null {{
    guard "in order": drill.started < drill.ended and drill.ended < now()
    guard "since its end": drill.ago < 5m
  }}"##
    ));
    desk.write("drill.rbk", DRILL);
    desk
}

fn drill(desk: &Desk, code: i32, args: &[&str]) -> String {
    desk.say(&[&["run", "drill.rbk"], args].concat()).ended(code);
    desk.last().0
}

#[test]
fn the_last_run_that_succeeded_counts() {
    let desk = desk(r#"runs.last("Drill")"#);
    desk.say(&["run", "book.rbk"]).ended(0).says(&["none"]);
    let failed = drill(&desk, 1, &["--set", "ok=false"]);
    desk.say(&["run", "book.rbk"]).ended(0).says(&["none"]);
    let first = drill(&desk, 0, &[]);
    desk.say(&["run", "book.rbk"]).ended(0).says(&[&format!("{first} succeeded")]);
    let second = drill(&desk, 0, &[]);
    drill(&desk, 3, &["--set", "ok=false", "--set", "gone=false"]);
    desk.say(&["run", "book.rbk"]).ended(0).says(&[&format!("{second} succeeded")]);
    desk.say(&["rollback", &second, "--reason", "the dump was another one"]).ended(0);
    desk.say(&["run", "book.rbk"]).ended(0).says(&[&format!("{first} succeeded")]);
    assert_ne!(failed, first);
}

#[test]
fn others_count_when_they_are_asked_for() {
    let desk = desk(r#"runs.last("Drill", outcome: "any")"#);
    let mut ended = Vec::new();
    for (code, word, args) in [
        (0, "succeeded", &[][..]),
        (1, "undone", &["--set", "ok=false"][..]),
        (3, "incomplete", &["--set", "ok=false", "--set", "gone=false"][..]),
    ] {
        ended.push(drill(&desk, code, args));
        desk.say(&["run", "book.rbk"]).ended(0).says(&[&format!("{} {word}", ended[ended.len() - 1])]);
    }
    desk.say(&["close", &ended[2], "--reason", "looked at"]).ended(0);
    desk.say(&["run", "book.rbk"]).ended(0).says(&[&format!("{} closed", ended[2])]);
    let text = desk.read("book.rbk").replace("\"any\"", "\"undone\"");
    desk.write("book.rbk", &text);
    desk.say(&["run", "book.rbk"]).ended(0).says(&[&format!("{} undone", ended[1])]);
}

/// A run that asks for its own runbook is not over.
#[test]
fn neither_this_run_nor_one_that_goes_on_counts() {
    let desk = desk(r#"runs.last("Test", outcome: "any")"#);
    desk.say(&["run", "book.rbk"]).ended(0).says(&["none"]);
    let (first, _) = desk.last();
    desk.say(&["run", "book.rbk"]).ended(0).says(&[&format!("{first} succeeded")]);
}

#[test]
fn a_resumed_run_keeps_what_it_was_told() {
    let step = "step \"Write\" {\n    $ touch it\n    rollback none \"a file\"\n  }";
    let desk = desk(&format!("runs.last(\"Drill\")\n  {step}\n  wait up to 1m until $ ./look"));
    let first = drill(&desk, 0, &[]);
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    let second = drill(&desk, 0, &[]);
    desk.write("go", "");
    let said = desk.say(&["resume", &run]).ended(0).says(&[&format!("{first} succeeded")]);
    assert!(!said.out.contains(&second), "{}", said.out);
}

#[test]
fn without_a_journal_it_is_an_error() {
    let desk = desk(r#"runs.last("Drill")"#);
    let said = desk.say(&["run", "book.rbk", "--journal", "none"]).ended(1);
    said.says(&["it asks the journal, and this run is not kept in one", "run it without `--journal none`"]);
}

#[test]
fn a_plan_needs_no_limit_for_it() {
    let desk = desk(r#"runs.last("Drill")"#);
    let said = desk.say(&["plan", "book.rbk"]).ended(0).says(&["let drill = runs.last(\"Drill\")"]);
    assert!(!said.out.contains("no limit"), "{}", said.out);
}
