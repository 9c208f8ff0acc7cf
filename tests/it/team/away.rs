//! The journal's server goes away in the middle of a run.
use std::time::Instant;

use super::*;
use crate::lab::postgres::PASSWORD;
use crate::lab::proxy::{Fault, Greeting, Proxy};
use crate::resume::gate;
use crate::stage::postgres::Postgres;

/// Steps that take a while, and a word in the middle.
fn slow(gate: &str) -> String {
    let steps = |letter: char| {
        format!(
            "  for n in [1, 2, 3, 4, 5] {{\n    step \"{letter} #{{n}}\" {{\n      $ echo {letter}#{{n}} >> log; sleep 0.1\n      \
             rollback {{ $ echo -{letter}#{{n}} >> log }}\n    }}\n  }}\n"
        )
    };
    let wait = format!("  step \"wait\" {{\n    $ touch ready; {gate}\n    rollback none \"nothing\"\n  }}\n");
    book(&format!("{}{wait}{}", steps('a'), steps('b')))
}

fn undone() -> String {
    lines("a", 1..=5) + &lines("-a", (1..=5).rev())
}

#[test]
fn a_server_that_is_restarted_in_the_middle_of_a_run_is_waited_for() {
    let home = stage::dir();
    let mut server = Postgres::start(home.path());
    let url = server.url("postgres");
    let desk = desk(&slow(&gate("go")), &url, 60);
    let mut run = telling(&desk, &["run", "book.rbk"], "said");
    desk.until("ready");
    server.stop();
    // The end of this step is to be kept now, and nobody is there.
    desk.write("go", "");
    std::thread::sleep(Duration::from_secs(1));
    assert!(run.try_wait().unwrap().is_none(), "{}", desk.read("said"));
    server.go();
    assert_eq!(run.wait().unwrap().code(), Some(0), "{}", desk.read("said"));
    assert_eq!(desk.read("log"), lines("a", 1..=5) + &lines("b", 1..=5));
    let kept = "SELECT count(*) = max(no) AND count(*) = (SELECT count FROM rbk.tip) FROM rbk.entry";
    assert_eq!(server.psql("postgres", kept), "t");
    assert_eq!(desk.last().1, "succeeded");
}

#[test]
fn a_server_that_stays_away_ends_the_run_in_time_and_what_it_did_is_undone() {
    let home = stage::dir();
    let mut server = Postgres::start(home.path());
    let desk = desk(&slow(&gate("go")), &server.url("postgres"), 12);
    let mut run = telling(&desk, &["run", "book.rbk"], "said");
    desk.until("ready");
    server.stop();
    desk.write("go", "");
    let start = Instant::now();
    let code = run.wait().unwrap().code();
    let (took, said) = (start.elapsed(), desk.read("said"));
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(desk.read("log"), undone(), "{said}");
    for word in [
        "cannot connect to `journal`",
        "the way back goes on without being kept",
        "its end is not in the journal",
        "everything done is undone, and the journal does not know it",
        "must not be resumed or rolled back",
    ] {
        assert!(said.contains(word), "no `{word}` in\n{said}");
    }
    assert!(!said.contains("lab-only-password"), "{said}");
    // Half of its lease, and what undoing takes.
    assert!(took < Duration::from_secs(60), "{took:?}");
    server.go();
    until("its lease is over", || desk.last().1 == "interrupted");
    let (run, _) = desk.last();
    let close = format!("rbk close {run} --reason");
    assert!(said.contains(&close), "{said}");
    for args in [&["resume", &*run] as &[&str], &["resume", "--last"], &["rollback", &run], &["resume", "--due"]] {
        desk.say(args)
            .ended(if args[1] == "--due" { 0 } else { 2 })
            .says(&["the journal at `127.0.0.1:", "does not know what was undone"]);
    }
    assert_eq!(desk.read("log"), undone(), "nothing is done on top of it");
    desk.say(&["close", &run, "--reason", "all of it was undone"]).ended(0);
    assert_eq!(desk.last().1, "closed");
    assert_eq!(std::fs::read_dir(desk.path().join("state/behind")).unwrap().count(), 0);
}

/// What undoes takes longer than its lease: it cannot know whether another has the run by then.
#[test]
fn an_undo_does_not_begin_when_the_lease_is_over_and_nobody_answers() {
    let home = stage::dir();
    let mut server = Postgres::start(home.path());
    let text = book(&format!(
        "  step \"a\" {{\n    $ echo a >> log\n    rollback {{ $ echo -a >> log }}\n  }}\n  step \"b\" {{\n    $ echo b >> log\n    \
         rollback {{ $ echo -b >> log; sleep 5 }}\n  }}\n  step \"wait\" {{\n    $ touch ready; {}\n    rollback none \"x\"\n  }}\n  \
         step \"c\" {{\n    $ echo c >> log\n    rollback none \"x\"\n  }}",
        gate("go")
    ));
    let desk = desk(&text, &server.url("postgres"), 4);
    let mut run = telling(&desk, &["run", "book.rbk"], "said");
    desk.until("ready");
    server.stop();
    desk.write("go", "");
    assert_eq!(run.wait().unwrap().code(), Some(4), "{}", desk.read("said"));
    assert_eq!(desk.read("log"), "a\nb\n-b\n");
    let said = desk.read("said");
    assert!(said.contains("by now: its lease is over, and "), "{said}");
    server.go();
    // What it did in between was not kept: it is done once more, for a reason.
    desk.rollback(&[]).ended(2).says(&["does not know what was undone", "--reason"]);
    desk.rollback(&["--reason", "it may be undone twice"]).ended(0);
    assert_eq!(desk.read("log"), "a\nb\n-b\n-b\n-a\n");
    assert_eq!(desk.last().1, "undone");
}

#[test]
fn a_signal_is_heard_while_the_server_says_nothing() {
    let proxy = Proxy::to(shared().port);
    let name = shared().database();
    let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{name}?sslmode=disable", proxy.port);
    let desk = desk(&slow(&gate("go")), &url, 600);
    let mut run = telling(&desk, &["run", "book.rbk"], "said");
    desk.until("ready");
    proxy.greet(Greeting::Silence);
    proxy.all(Fault::Hang);
    desk.write("go", "");
    // It waits for an answer by now.
    std::thread::sleep(Duration::from_secs(3));
    assert!(run.try_wait().unwrap().is_none(), "{}", desk.read("said"));
    let start = Instant::now();
    signal(&run, Signal::SIGINT);
    // The journal never hears that all is undone.
    assert_eq!(run.wait().unwrap().code(), Some(3), "{}", desk.read("said"));
    assert!(start.elapsed() < Duration::from_secs(30), "half a lease would be five minutes: {:?}", start.elapsed());
    assert_eq!(desk.read("log"), undone());
}
