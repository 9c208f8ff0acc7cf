//! A journal that a team shares: real processes, each with a home and a state directory of its own, on one real server.
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::postgres::shared;
use crate::resume::{Desk, Said};
use crate::stage;

mod away;
mod e7;
mod takeover;

/// Someone's machine, as far as one machine can be two: with this journal, and leases of so many seconds.
fn desk(text: &str, url: &str, lease: u32) -> Desk {
    let home = tempfile::tempdir().unwrap().keep();
    let desk = Desk::new(text).env("RBK_JOURNAL", url).env("RBK_JOURNAL_LEASE", &format!("{lease}s"));
    desk.env("HOME", home.to_str().unwrap())
}

fn database() -> String {
    shared().url("postgres", &shared().database())
}

fn book(body: &str) -> String {
    format!("runbook \"Test\" {{\n  deadline 10m\n  rollback within 1m\n{body}\n}}\n")
}

/// Twenty steps, each writes its line; in the middle the run waits for a word.
fn twenty() -> String {
    let steps = |letter: char| {
        format!(
            "  for n in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] {{\n    step \"{letter} #{{n}}\" {{\n      $ echo {letter}#{{n}} >> log\n      \
             rollback {{ $ echo -{letter}#{{n}} >> log }}\n    }}\n  }}\n"
        )
    };
    book(&format!("{}  wait up to 1m every 20ms until $ ./look\n{}", steps('a'), steps('b')))
}

fn lines(prefix: &str, numbers: impl Iterator<Item = u32>) -> String {
    numbers.map(|n| format!("{prefix}{n}\n")).collect()
}

fn all_twenty() -> String {
    lines("a", 1..=10) + &lines("b", 1..=10)
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

#[track_caller]
fn until(what: &str, ready: impl Fn() -> bool) {
    stage::until(what, Duration::from_secs(60), ready);
}

#[test]
fn a_killed_run_is_seen_and_resumed_from_another_home() {
    for door in ["resume", "rollback"] {
        let url = database();
        let here = desk(&twenty(), &url, 3);
        // By the option too.
        here.killed_at(&["run", "book.rbk", "--journal", &url], "ready");
        let there = desk("", &url, 3);
        let (run, state) = there.last();
        assert!(state == "running" || state == "interrupted", "{state}: its lease is over or not");
        until("its lease is over", || there.last().1 == "interrupted");
        std::fs::remove_file(here.path().join("book.rbk")).unwrap();
        here.write("go", "");

        let go = |args: &[&str]| there.say(&[&[door, run.as_str()], args].concat());
        go(&[]).ended(2).says(&["the run was started in another place: `HOME` has another value now", "--here REASON"]);
        assert_eq!(there.last().1, "interrupted", "it is free again at once");
        go(&["--here", "the same files"]).ended(0);
        let (expected, state) = match door {
            "resume" => (all_twenty(), "succeeded"),
            _ => (lines("a", 1..=10) + &lines("-a", (1..=10).rev()), "undone"),
        };
        assert_eq!(here.read("log"), expected);
        there.say(&["show", &run]).ended(0).says(&["or was cut off from the journal", "--here the same files"]);
        there.say(&["show", &run, "--verify"]).ended(0).says(&["is whole"]);
        there.say(&["report", &run, "--journal", &url]).ended(0).says(&["# Incident report"]);
        assert_eq!(here.last(), (run, state.to_owned()));
    }
}

#[test]
fn what_was_waited_before_a_death_is_charged_by_whoever_goes_on() {
    let url = database();
    let here = desk(&book("  wait up to 5m every 100ms until $ ./look"), &url, 3);
    let mut child = here.start(&["run", "book.rbk"]);
    here.until("ready");
    std::thread::sleep(Duration::from_secs(5));
    child.kill().unwrap();
    child.wait().unwrap();
    let (run, _) = here.last();
    let said = std::fs::File::create(here.path().join("said")).unwrap();
    let mut child = here.command(&["resume", &run, "--format", "json"]).stdout(said).spawn().unwrap();
    let limit = || {
        let text = here.read("said");
        let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        events.filter(|event| event["event"] == "wait").find_map(|event| event["limit"].as_f64())
    };
    until("its limit is told", || limit().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    // Known to a sixth of a lease.
    assert!((250.0..=297.0).contains(&limit().unwrap()), "{:?} s are left", limit());
}

#[test]
fn what_keeps_a_run_from_going_on_is_told_before_a_dead_holder_is_waited_for() {
    let url = database();
    let here = desk(&twenty(), &url, 120);
    here.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = here.last();
    let start = std::time::Instant::now();
    let moved = |args: &[&str]| {
        let output = here.command(args).env("KUBECONFIG", "/elsewhere").output().unwrap();
        let said = stage::text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("`KUBECONFIG`: not set then, set now") && !said.contains("are waited for"), "{said}");
    };
    moved(&["resume", &run]);
    moved(&["rollback", &run]);
    let notes = here.path().join("state/behind");
    std::fs::create_dir_all(&notes).unwrap();
    std::fs::write(notes.join(&run), "db-1:5432/ops").unwrap();
    for args in [&["resume", &*run] as &[&str], &["resume", "--last"], &["rollback", &run], &["repl", "--resume", &run]]
    {
        let said = here.say(args).ended(2);
        let said = said.says(&[&format!("the journal at `db-1:5432/ops` does not know what was undone of run {run}")]);
        assert!(!said.err.contains("are waited for"), "{}", said.err);
    }
    assert!(start.elapsed() < Duration::from_secs(100), "{:?}", start.elapsed());
}

#[test]
fn who_comes_too_early_waits_and_says_so() {
    let url = database();
    let desk = desk(&twenty(), &url, 3);
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.write("go", "");
    desk.resume(&[]).ended(0).says(&["! another process may still drive run ", "are waited for a word of it"]);
    assert_eq!(desk.read("log"), all_twenty());
}

#[test]
fn of_two_that_resume_at_the_same_instant_exactly_one_does() {
    let url = database();
    let desk = desk(&twenty(), &url, 3);
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    let mut both = [desk.start(&["resume", &run]), desk.start(&["resume", &run])];
    let refused = loop {
        if let Some(ended) = both.iter_mut().position(|child| child.try_wait().unwrap().is_some()) {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(both[refused].wait().unwrap().code(), Some(2));
    desk.say(&["resume", &run]).ended(2).says(&[&run, "is driven by another process (pid "]);
    assert_eq!(desk.last().1, "running");
    desk.write("go", "");
    assert_eq!(both[1 - refused].wait().unwrap().code(), Some(0));
    assert_eq!(desk.read("log"), all_twenty());
}

#[test]
fn several_share_a_journal_and_each_sees_all() {
    let url = database();
    let desks: Vec<Desk> = (0..4).map(|_| desk(&twenty(), &url, 10)).collect();
    let mut runs: Vec<Child> = desks.iter().map(|desk| desk.start(&["run", "book.rbk"])).collect();
    for desk in &desks {
        desk.until("ready");
    }
    let listed = |desk: &Desk| {
        let all: serde_json::Value =
            serde_json::from_str(&desk.say(&["runs", "--format", "json"]).ended(0).out).unwrap();
        let states = all["runs"].as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap().to_owned());
        states.collect::<Vec<_>>()
    };
    assert_eq!(listed(&desks[0]), ["running"; 4]);
    for (desk, run) in desks.iter().zip(&mut runs) {
        desk.write("go", "");
        assert_eq!(run.wait().unwrap().code(), Some(0));
        assert_eq!(desk.read("log"), all_twenty());
    }
    assert_eq!(listed(&desks[3]), ["succeeded"; 4]);
    desks[1].say(&["runs", "--prune", "1d"]).ended(0).says(&["0 runs are forgotten"]);
    std::thread::sleep(Duration::from_secs(2));
    desks[2].say(&["runs", "--prune", "1s"]).ended(0).says(&["4 runs are forgotten"]);
    desks[3].say(&["runs"]).ended(0).says(&["no runs"]);
}

#[test]
fn a_lock_is_held_across_machines() {
    let text = "runbook \"Test\" {\n  deadline 1m\n  rollback within 1m\n  lock \"site\"\n  param hold: bool = true\n  \
                step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  if hold {\n    \
                wait up to 1m every 20ms until $ ./look\n  }\n}\n";
    let url = database();
    let (one, other) = (desk(text, &url, 3), desk(text, &url, 3));
    let again =
        |text: &str| other.say(&["run", "book.rbk", "--set", "hold=false"]).ended(2).says(&["the lock `site`", text]);
    let mut child = one.start(&["run", "book.rbk"]);
    one.until("ready");
    let (run, _) = one.last();
    again(&run);
    child.kill().unwrap();
    child.wait().unwrap();
    again(&format!("rbk close {run} --reason"));
    other.say(&["close", &run, "--reason", "undone by hand"]).ended(0).says(&["is closed"]);
    let listed = one.say(&["runs", "--state", "closed"]).ended(0);
    assert!(listed.out.contains(&run), "{}", listed.out);
    let Said { code, err, .. } = other.say(&["run", "book.rbk", "--set", "hold=false"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!((one.read("log"), other.read("log")), ("a\n".to_owned(), "a\n".to_owned()));
}

#[test]
fn a_journal_that_cannot_be_had_refuses_the_run() {
    let desk = desk(&twenty(), "postgres://ada:hunter-22@localhost:1/ops", 3);
    let said = desk.say(&["run", "book.rbk"]).ended(2).says(&["cannot connect to `journal` (localhost:1/ops)"]);
    assert!(!said.err.contains("hunter-22"), "{}", said.err);
    desk.say(&["runs", "--journal", "mysql://ada:hunter-22@h/x"])
        .ended(2)
        .says(&["the journal `mysql://h/x` is no file and no Postgres database"]);
    assert_eq!(desk.read("log"), "");
    let desk = desk.env("RBK_JOURNAL_LEASE", "soon");
    desk.say(&["runs"]).ended(2).says(&["`RBK_JOURNAL_LEASE` is no length of time between 1s and 1h"]);
}

/// Standard output to nowhere, standard error to a file.
fn telling(desk: &Desk, args: &[&str], file: &str) -> Child {
    let said = std::fs::File::create(desk.path().join(file)).unwrap();
    desk.command(args).stdout(said.try_clone().unwrap()).stderr(said).stdin(Stdio::null()).spawn().unwrap()
}
