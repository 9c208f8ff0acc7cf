//! A journal that has lost something, and one that is not there.
use std::path::PathBuf;

use super::Desk;

fn log(desk: &Desk) -> PathBuf {
    desk.path().join("state/journal.db-wal")
}

/// Two runs that were stopped, and how long the log was between them.
fn two() -> (Desk, [String; 2], usize) {
    let desk = Desk::of("  step \"One\" {\n    $ test -e good\n    rollback none \"it only looks\"\n  }");
    let stop = || desk.say(&["run", "book.rbk", "--on-failure", "stop"]).ended(4);
    stop();
    let (first, _) = desk.last();
    let between = std::fs::read(log(&desk)).unwrap().len();
    stop();
    let (second, _) = desk.last();
    std::fs::write(desk.path().join("good"), "").unwrap();
    (desk, [first, second], between)
}

fn flip(desk: &Desk, at: impl Fn(usize) -> usize) {
    let mut bytes = std::fs::read(log(desk)).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 1;
    std::fs::write(log(desk), bytes).unwrap();
}

#[test]
fn a_run_whose_end_is_lost_does_not_go_on_and_the_others_do() {
    let (desk, [first, second], _) = two();
    flip(&desk, |length| length - 100);
    desk.say(&["runs"]).ended(0).says(&["damaged"]);
    for args in [&["resume", &*second] as &[&str], &["rollback", &second]] {
        desk.say(args).ended(2).says(&["is damaged: run", "were written", "put a copy", "rbk close"]);
    }
    for args in [&["show", &*second] as &[&str], &["show", &second, "--verify"]] {
        desk.say(args).ended(1).says(&["is damaged: run", "were written"]);
    }
    desk.say(&["run", "book.rbk"]).ended(2).says(&["journal.db` is damaged: run", "were written"]);
    desk.say(&["run", "book.rbk", "--journal", "other.db"]).ended(0);
    desk.say(&["resume", &first]).ended(0);
    desk.say(&["close", &second, "--reason", "looked after by hand"]).ended(0);
    desk.say(&["run", "book.rbk"]).ended(0);
}

#[test]
fn a_run_that_is_gone_is_missed() {
    let (desk, [first, second], between) = two();
    flip(&desk, |_| between + 100);
    desk.say(&["runs"]).ended(0).says(&[&first, "was begun in it, and is gone"]);
    for args in [&["resume", &*second] as &[&str], &["rollback", &second], &["run", "book.rbk"]] {
        desk.say(args).ended(2).says(&["was begun in it, and is gone", "put a copy", "rbk close"]);
    }
    desk.say(&["close", &second, "--reason", "looked after by hand"]).ended(0);
    desk.say(&["run", "book.rbk"]).ended(0);
    desk.say(&["resume", &first]).ended(0);
}

#[test]
fn a_run_that_cannot_be_read_is_listed_and_keeps_no_other_from_going_on() {
    for damage in [
        "DELETE FROM tip WHERE run = 2",
        "UPDATE tip SET state = 'succeeded' WHERE run = 2",
        "UPDATE tip SET hash = x'00', sum = x'00' WHERE run = 2",
        "UPDATE run SET head = CAST(replace(head, 'Test', 'Tast') AS BLOB) WHERE no = 2",
        "UPDATE run SET head = x'00' WHERE no = 2",
    ] {
        let (desk, [first, second], _) = two();
        let db = rusqlite::Connection::open(desk.path().join("state/journal.db")).unwrap();
        assert_eq!(db.execute(damage, []).unwrap(), 1, "{damage}");
        drop(db);
        desk.say(&["runs"]).ended(0).says(&[&first, "stopped", &second, "damaged"]);
        let listed = desk.say(&["runs", "--state", "damaged", "--format", "json"]).ended(0);
        assert!(listed.out.contains(&second) && !listed.out.contains(&first), "{damage}: {}", listed.out);
        desk.say(&["runs", "--prune", "1s"]).ended(0).says(&["0 runs are forgotten"]);
        desk.say(&["show", &first[9..]]).ended(0).says(&[&first]);
        desk.say(&["resume", "--due"]).says(&[&second, "is left alone"]);
        desk.say(&["resume", &first[9..], "--reason", "the other one is damaged"]).ended(0);
        desk.say(&["runs", "--state", "succeeded"]).ended(0).says(&[&first]);
        for door in ["resume", "rollback"] {
            let said = desk.say(&[door, &second[9..]]).ended(2).says(&["put a copy of the journal back", "rbk close"]);
            assert!(!said.err.contains("move it away"), "{}", said.err);
        }
        desk.say(&["run", "book.rbk"]).ended(2).says(&[&second, &format!("rbk close {second}")]);
        desk.say(&["close", &second[9..], "--reason", "looked after by hand"]).ended(0);
        desk.say(&["runs", "--state", "closed"]).ended(0).says(&[&second]);
        desk.say(&["run", "book.rbk"]).ended(0);
    }
}

#[test]
fn a_run_of_which_an_entry_is_gone_or_was_changed_is_listed_as_damaged() {
    for damage in [
        "DELETE FROM entry WHERE run = 2 AND no = 3",
        "DELETE FROM entry WHERE run = 2 AND no = (SELECT count FROM tip WHERE run = 2)",
        "UPDATE entry SET body = x'00' WHERE run = 2 AND no = 3",
    ] {
        let (desk, [first, second], _) = two();
        let db = rusqlite::Connection::open(desk.path().join("state/journal.db")).unwrap();
        assert_eq!(db.execute(damage, []).unwrap(), 1, "{damage}");
        drop(db);
        for state in ["damaged", "stopped"] {
            let listed = desk.say(&["runs", "--state", state, "--format", "json"]).ended(0);
            let of = |run: &str| listed.out.contains(run);
            assert_eq!((of(&first), of(&second)), (state == "stopped", state == "damaged"), "{damage}: {}", listed.out);
        }
        desk.say(&["show", &second, "--verify"]).ended(1);
        for door in ["resume", "rollback"] {
            desk.say(&[door, &second]).ended(2).says(&["is damaged: "]);
        }
        desk.say(&["run", "book.rbk"]).ended(2).says(&["is damaged: ", &format!("rbk close {second}")]);
        desk.say(&["close", &second, "--reason", "looked after by hand"]).ended(0);
        desk.say(&["runs", "--state", "closed"]).ended(0).says(&[&second]);
        desk.say(&["run", "book.rbk"]).ended(0);
    }
}

#[test]
fn no_new_journal_takes_the_place_of_one_with_a_run_that_was_not_over() {
    let (desk, [first, second], _) = two();
    let beside = desk.path().join("state/journal.db");
    let remove = || {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", beside.display()));
        }
    };
    let kept = std::fs::read(&beside).unwrap();
    let kept_log = std::fs::read(log(&desk)).unwrap();
    remove();
    let said = desk.say(&["run", "book.rbk"]).ended(2);
    said.says(&["is gone, and run ", "was not over in it", "put a copy of it back", "journal.db-runs"]);
    std::fs::write(&beside, kept).unwrap();
    std::fs::write(log(&desk), kept_log).unwrap();
    for run in [&first, &second] {
        desk.say(&["resume", run]).ended(0);
    }
    remove();
    // Nothing of it was left to do.
    desk.say(&["run", "book.rbk"]).ended(0);
}

#[test]
fn only_a_run_makes_a_journal() {
    let desk = Desk::of("  step \"One\" {\n    $ true\n    rollback none \"it only looks\"\n  }");
    desk.say(&["runs"]).ended(0).says(&["no runs"]);
    desk.say(&["resume", "x"]).ended(2).says(&["no run was kept yet"]);
    assert!(!desk.path().join("state").exists());
    desk.say(&["run", "book.rbk", "--journal", "night.db"]).ended(0).says(&["a new journal is begun: `night.db`"]);
    let again = desk.say(&["run", "book.rbk", "--journal", "night.db"]).ended(0);
    assert!(!again.err.contains("a new journal"), "{}", again.err);
    let commands: [&[&str]; 5] = [
        &["runs"],
        &["resume", "x"],
        &["rollback", "x"],
        &["rollback", "--last", "x"],
        &["close", "x", "--reason", "y"],
    ];
    for command in commands {
        let said = desk.say(&[command, &["--journal", "nihgt.db"]].concat()).ended(2);
        said.says(&["there is no journal at `nihgt.db`", "did you mean `night.db`?"]);
        assert!(!desk.path().join("nihgt.db").exists(), "{command:?}");
    }
}

#[test]
fn a_parameter_that_shows_a_secret_is_refused_before_it_is_kept() {
    let text = "runbook \"Test\" {\n  deadline 1m\n  rollback within 1m\n  param url: string\n  \
                secret token = env(\"TOKEN\")\n  step \"One\" {\n    with env({ T: token }) { $ echo #{url} >> did }\n    \
                rollback none \"a line\"\n  }\n}\n";
    let desk = Desk::new(text).env("TOKEN", "tok-9f8e7d6c5b");
    let shown = ["run", "book.rbk", "--set", "url=https://h/?t=tok-9f8e7d6c5b"];
    desk.say(&shown).ended(2).says(&["the parameter `url` shows the secret `token`", "url: secret<string>"]);
    assert!(!desk.path().join("did").exists());
    let state = desk.path().join("state");
    let kept = std::fs::read_dir(&state).unwrap().flatten().filter(|file| file.path().is_file());
    for file in kept {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("9f8e7d6c5b"), "{file:?}");
    }
    desk.say(&["run", "book.rbk", "--set", "url=https://h/"]).ended(0);
    desk.say(&[&shown[..], &["--journal", "none"]].concat()).ended(0);
}
