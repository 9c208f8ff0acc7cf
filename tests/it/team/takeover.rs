//! E2 across machines: a run takes the lock of one that a process elsewhere drives.
use rbk::engine::Event;
use rbk::journal::{Entry, Store};
use rbk::value::Value;

use super::*;
use crate::journal::made::open_team;

fn holder(url: &str, work: &str, undo: &str) -> Desk {
    let text = format!(
        "runbook \"Deploy\" {{\n  deadline 10m\n  rollback within 30s\n  lock \"site\"\n  step \"deploy\" {{\n    \
         $ echo deployed >> log; touch ready\n    rollback {{ $ {undo} }}\n  }}\n  {work}\n}}\n"
    );
    desk(&text, url, 3)
}

fn taker(url: &str, log: &Desk) -> Desk {
    let log = log.path().join("log");
    let text = format!(
        "runbook \"Emergency\" {{\n  deadline 1m\n  rollback within 30s\n  lock \"site\" takeover\n  step \"mend\" {{\n    \
         $ echo mended >> {}\n    rollback none \"it is right now\"\n  }}\n}}\n",
        log.display()
    );
    desk(&text, url, 3)
}

/// In the journal, of the one who lost it and of the one who took it.
fn told(url: &str, loser: &str, taker: &str) {
    let mut store = open_team(url);
    let lost = store.load(loser).unwrap().1.into_iter().any(|entry| {
        matches!(&entry, Entry::LockTaken { lock, by, who, .. } if lock == "site" && by == taker && !who.is_empty())
    });
    assert!(lost, "{loser} does not say who has taken its lock");
    let from =
        |value: &Value| matches!(value, Value::Record(record) if record.get("taken_from") == Some(&Value::str(loser)));
    let took = store.load(taker).unwrap().1.into_iter().any(|entry| match entry {
        Entry::Heard { input, .. } => match input.event {
            Event::Ended(_, outcome) => outcome.result.as_ref().is_ok_and(from),
            _ => false,
        },
        _ => false,
    });
    assert!(took, "{taker} does not say whose lock it was");
}

#[test]
fn e2_a_holder_elsewhere_is_cancelled_and_undone_before_the_lock_is_taken() {
    // One that is silent for long, and one that writes all the time.
    let busy = "let all = $ seq 1 300\n  for n in all.lines() {\n    step \"n #{n}\" {\n      $ sleep 0.1\n      rollback none \"nothing\"\n    }\n  }";
    for work in ["step \"slow\" {\n    $ sleep 60\n    rollback none \"nothing\"\n  }", busy] {
        let url = database();
        let one = holder(&url, work, "sleep 1; echo undone >> log");
        let mut first = telling(&one, &["run", "book.rbk"], "said");
        one.until("ready");
        let (loser, _) = one.last();
        let other = taker(&url, &one);
        let said = other.say(&["run", "book.rbk"]).ended(0);
        let said = said.says(&[
            &format!("taking the lock `site` over from run {loser} (pid {} on ", first.id()),
            "waiting for its end",
        ]);
        assert_eq!(
            said.out.matches("waiting for its end").count() + said.err.matches("waiting for its end").count(),
            1
        );
        assert_eq!(first.wait().unwrap().code(), Some(1));
        assert_eq!(one.read("log"), "deployed\nundone\nmended\n");
        let (run, state) = other.last();
        assert_eq!(state, "succeeded");
        assert!(
            one.read("said").contains(&format!("takes the lock `site` from this run for run {run}")),
            "{}",
            one.read("said")
        );
        assert!(one.read("said").contains(&format!("stopped for run {run}, with which ")), "{}", one.read("said"));
        told(&url, &loser, &run);
    }
}

#[test]
fn e2_what_a_holder_elsewhere_could_not_undo_stays_for_a_rollback() {
    let url = database();
    let work = "step \"slow\" {\n    $ sleep 60\n    rollback none \"nothing\"\n  }";
    let one = holder(&url, work, "test -e mendable && echo undone >> log");
    let mut first = one.start(&["run", "book.rbk"]);
    one.until("ready");
    let (loser, _) = one.last();
    let other = taker(&url, &one);
    other.say(&["run", "book.rbk"]).ended(0);
    assert_eq!(first.wait().unwrap().code(), Some(3));
    told(&url, &loser, &other.last().0);
    one.write("mendable", "");
    one.say(&["rollback", &loser, "--reason", "the page is well"]).ended(0);
    assert_eq!(one.read("log"), "deployed\nmended\nundone\n");
}

#[test]
fn e2_a_dead_holder_elsewhere_is_waited_for_as_long_as_its_lease() {
    let url = database();
    let one = holder(&url, "wait 1m", "echo undone >> log");
    one.killed_at(&["run", "book.rbk"], "ready");
    let (loser, _) = one.last();
    let other = taker(&url, &one);
    other.say(&["run", "book.rbk"]).ended(0).says(&["waiting for its end"]);
    assert_eq!(one.read("log"), "deployed\nmended\n");
    told(&url, &loser, &other.last().0);
}

#[test]
fn e2_who_waits_for_a_holder_elsewhere_can_be_stopped() {
    let url = database();
    let one = holder(&url, "wait 1m", "while [ ! -e go ]; do sleep 0.02; done; echo undone >> log");
    let mut first = one.start(&["run", "book.rbk"]);
    one.until("ready");
    let other = taker(&url, &one);
    let mut second = telling(&other, &["run", "book.rbk"], "said");
    until("it waits", || other.read("said").contains("waiting for its end"));
    signal(&second, Signal::SIGINT);
    assert_eq!(second.wait().unwrap().code(), Some(2), "{}", other.read("said"));
    one.write("go", "");
    assert_eq!(first.wait().unwrap().code(), Some(1));
    assert_eq!(one.read("log"), "deployed\nundone\n");
}
