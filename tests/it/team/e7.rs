//! E7 of the semantics: a paused process that wakes after its lease does nothing more.
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

use super::*;

/// Until it has stopped itself, or is over.
fn stopped(child: &Child) -> bool {
    match waitpid(Pid::from_raw(child.id().cast_signed()), Some(WaitPidFlag::WUNTRACED)).unwrap() {
        WaitStatus::Stopped(..) => true,
        WaitStatus::Exited(..) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn e7_who_was_stopped_for_longer_than_its_lease_starts_nothing_and_says_who_has_the_run() {
    for door in ["resume", "rollback"] {
        let url = database();
        let desk = desk(&twenty(), &url, 2);
        let mut first = telling(&desk, &["run", "book.rbk"], "said");
        desk.until("ready");
        // What ended before is kept by then.
        std::thread::sleep(Duration::from_millis(500));
        signal(&first, Signal::SIGSTOP);
        let (run, _) = desk.last();
        desk.write("go", "");
        let second = desk.say(&[door, &run]).ended(0);
        let expected = match door {
            "resume" => all_twenty(),
            _ => lines("a", 1..=10) + &lines("-a", (1..=10).rev()),
        };
        assert_eq!(desk.read("log"), expected, "{}", second.err);
        signal(&first, Signal::SIGCONT);
        assert_eq!(first.wait().unwrap().code(), Some(4), "{}", desk.read("said"));
        assert_eq!(desk.read("log"), expected, "the first did something more");
        let said = desk.read("said");
        for word in ["✗ Stopped", &format!("run {run} was taken by another process (pid "), "starts nothing more"] {
            assert!(said.contains(word), "no `{word}` in\n{said}");
        }
        let now = format!("another process has the run now: `rbk show {run}` tells what became of it");
        assert!(said.contains(&now), "{said}");
        for word in ["left in place", "rbk resume", "rbk rollback"] {
            assert!(!said.contains(word), "`{word}` is the other's to say:\n{said}");
        }
        assert_eq!(desk.last(), (run, if door == "resume" { "succeeded" } else { "undone" }.to_owned()));
    }
}

/// At each point: between the keeping of an intent and its call too.
#[test]
fn e7_wherever_it_was_stopped_nothing_is_done_beside_the_other() {
    let text = book(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ echo b >> log\n    \
         rollback { $ echo -b >> log }\n  }",
    );
    let reached = std::sync::Mutex::new(Vec::new());
    let next = std::sync::atomic::AtomicU64::new(1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if !stop_at(&text, at) {
                        return;
                    }
                    reached.lock().unwrap().push(at);
                }
            });
        }
    });
    let reached = reached.into_inner().unwrap();
    assert!(reached.len() >= 8, "only {reached:?} were reached");
}

/// Whether there is such a point.
fn stop_at(text: &str, at: u64) -> bool {
    let url = database();
    let desk = desk(text, &url, 2);
    let said = std::fs::File::create(desk.path().join("said")).unwrap();
    let mut command = desk.command(&["run", "book.rbk"]);
    command.env("RBK_STOP_AT", at.to_string()).stdout(said.try_clone().unwrap()).stderr(said);
    let mut first = command.spawn().unwrap();
    if !stopped(&first) {
        // It is over, as was seen.
        let _ = first.wait();
        return false;
    }
    let (run, _) = desk.last();
    // Undone whatever it did; what is in doubt too.
    desk.say(&["rollback", &run]).ended(0);
    let log = desk.read("log");
    let undone: i32 = log.lines().map(|line| if line.starts_with('-') { -1 } else { 1 }).sum();
    assert!(undone <= 0, "point {at}: {log}");
    signal(&first, Signal::SIGCONT);
    let code = first.wait().unwrap().code();
    let told = desk.read("said");
    assert_eq!(desk.read("log"), log, "point {at}: the first went on beside the other: {told}");
    let taken = told.contains("was taken by another process (pid ");
    match code {
        Some(4) => assert!(taken, "point {at}: {told}"),
        // It had nothing left to start: its end was kept before the other came, or it says that it was not.
        Some(0) => assert!(taken || log == "a\nb\n-b\n-a\n", "point {at}: {log}{told}"),
        code => panic!("point {at}: {code:?} {told}"),
    }
    assert_eq!(desk.last(), (run, "undone".to_owned()), "point {at}");
    true
}
