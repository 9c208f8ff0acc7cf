//! `rbk rollback` of runs that ended one way or the other.
use super::*;

#[test]
fn a_run_that_succeeded_is_undone_later() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ echo b >> log\n    rollback { $ echo -b >> log }\n  }\n  finally { $ echo end >> log }",
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    desk.say(&["rollback", "--last", "Test"]).ended(0).says(&["undone: b", "undone: a"]);
    assert_eq!(desk.read("log"), "a\nb\nend\n-b\n-a\n", "a `finally` that has run does not run again");
    assert_eq!(desk.last().1, "undone");
    desk.say(&["rollback", "--last", "book"]).ended(0).says(&["undone already"]);
    desk.say(&["rollback", "--last", "other"]).ended(2).says(&["no run of `other`"]);
}

#[test]
fn a_rollback_that_failed_goes_on_later() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ echo b >> log\n    rollback timeout 3s { $ test -e mended && echo -b >> log }\n  }\n  fail \"on purpose\"",
    );
    desk.say(&["run", "book.rbk"]).ended(3).says(&["left in place", "rbk rollback"]);
    assert_eq!(desk.last().1, "incomplete");
    desk.rollback(&[]).ended(3);
    desk.write("mended", "");
    desk.rollback(&[]).ended(0).says(&["undone: b", "undone: a"]);
    assert_eq!(desk.read("log"), "a\nb\n-b\n-a\n");
}

#[test]
fn a_run_that_another_one_stands_on_is_not_undone_without_a_reason() {
    let desk = Desk::of("  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }");
    desk.say(&["run", "book.rbk"]).ended(0);
    let (first, _) = desk.last();
    std::thread::sleep(Duration::from_millis(20));
    desk.say(&["run", "book.rbk"]).ended(0);
    let (second, _) = desk.last();
    desk.say(&["rollback", &first]).ended(2).says(&[&second, "came later", "--reason"]);
    assert_eq!(desk.read("log"), "a\na\n");
    desk.say(&["rollback", &first, "--reason", "the second wrote elsewhere"]).ended(0);
    desk.say(&["rollback", &second]).ended(0);
    assert_eq!(desk.read("log"), "a\na\n-a\n-a\n");
}
