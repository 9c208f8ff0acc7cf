//! Commands that outlive the process that started them.
use super::*;

fn left() -> (Desk, String) {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ touch ready; sleep 30; echo b >> log\n    rollback { $ echo -b >> log }\n  }",
    );
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    assert!(runs_on(&run));
    (desk, run)
}

#[test]
fn a_run_is_not_closed_while_a_command_of_it_is_alive() {
    let (desk, run) = left();
    desk.say(&["close", &run, "--reason", "by hand"]).ended(2).says(&[
        "is still running: `",
        "(pid ",
        &format!("rbk rollback {run}"),
        &format!("rbk resume {run}"),
    ]);
    assert_eq!(desk.last().1, "interrupted");
    desk.rollback(&[]).ended(0);
    assert!(!runs_on(&run));
    assert_eq!(desk.read("log"), "a\n-b\n-a\n");
}

#[test]
fn a_damaged_run_is_closed_once_its_command_has_ended_and_what_was_started_to_stay_lives_on() {
    let text = "  step \"serve\" {\n    $ setsid sh -c 'sleep 5; touch served' > /dev/null 2>&1 &\n    rollback none \"it stays\"\n  }\n  step \"b\" {\n    $ touch ready; sleep 2; touch over\n    rollback none \"it stays\"\n  }";
    for (damage, refused) in [("DELETE FROM entry WHERE no > 2", false), ("DELETE FROM tip", true)] {
        let desk = Desk::of(text);
        desk.killed_at(&["run", "book.rbk"], "ready");
        let (run, _) = desk.last();
        let db = rusqlite::Connection::open(desk.path().join("state/journal.db")).unwrap();
        assert!(db.execute(damage, []).unwrap() > 0, "{damage}");
        drop(db);
        let close = || desk.say(&["close", &run, "--reason", "by hand"]);
        if refused {
            close().ended(2).says(&["what it has started is still running: `", "end it by hand"]);
            desk.until("over");
            std::thread::sleep(Duration::from_millis(300));
        }
        close().ended(0);
        desk.until("served");
    }
}

#[test]
fn a_command_that_outlived_its_run_is_told_and_so_is_its_end() {
    let (desk, run) = left();
    for look in [&["runs"][..], &["show", &run], &["report", &run]] {
        desk.say(look).ended(0).says(&["still running, pid "]);
    }
    desk.rollback(&[]).ended(0).says(&["was still running, left by the process that died: it was ended"]);
    let said = desk.say(&["show", &run]).ended(0).says(&["running: it was ended"]);
    assert!(!said.out.contains("still running, pid "), "{}", said.out);
}

#[test]
fn what_a_run_that_was_killed_and_closed_has_left_is_told() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ touch ready; sleep 1\n    rollback { $ echo -b >> log }\n  }",
    );
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    stage::until("it has ended", Duration::from_secs(30), || !runs_on(&run));
    desk.say(&["close", &run, "--reason", "by hand"]).ended(0);
    for look in ["show", "report"] {
        let said = desk.say(&[look, &run]).ended(0).says(&["in doubt (b): ", "closed as it was"]);
        let left: Vec<&str> = if look == "show" {
            vec!["in place: b"]
        } else {
            vec!["Left in place", "`a`: not undone", "`b`: not undone"]
        };
        said.says(&left);
    }
}
