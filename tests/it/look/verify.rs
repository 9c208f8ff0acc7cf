//! `rbk show --verify`: what was changed in the journal behind our back.
use rusqlite::{Connection, params};

use super::*;

fn tampered(change: impl FnOnce(&Connection)) -> Desk {
    let desk = undone();
    shown(&desk, &["--verify"]).ended(0).says(&["is whole: its head and ", " entries, from 2"]);
    let db = Connection::open(desk.path().join("state/journal.db")).unwrap();
    change(&db);
    desk
}

fn count(db: &Connection) -> i64 {
    db.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap()
}

/// Tells it to a person and to a program; what is shown ends there.
#[track_caller]
fn broken(desk: &Desk, run: &str, says: &str, whole: usize) {
    desk.say(&["show", run, "--verify"]).ended(1).says(&[says]);
    let said = desk.say(&["show", run, "--verify", "--format", "json"]).ended(1);
    let told = json(&said);
    assert_eq!((&told["whole"], &told["entries"]), (&J::from(false), &J::from(whole)), "{told}");
    assert!(told["broken"].as_str().unwrap().contains(says), "{told}");
}

#[test]
fn a_byte_of_any_record_that_was_changed_is_found_and_its_place_named() {
    let entries = {
        let mut all = 0;
        tampered(|db| all = count(db));
        all
    };
    assert!(entries > 10, "{entries}");
    for no in 1..=entries {
        let desk = tampered(|db| {
            let mut body: Vec<u8> =
                db.query_row("SELECT body FROM entry WHERE no = ?1", [no], |row| row.get(0)).unwrap();
            let at = body.len() / 2;
            body[at] ^= 1;
            db.execute("UPDATE entry SET body = ?1 WHERE no = ?2", params![body, no]).unwrap();
        });
        let (run, _) = desk.last();
        let whole = usize::try_from(no - 1).unwrap();
        broken(&desk, &run, &format!("entry {no} of run {run} is not what was written"), whole);
        let said = desk.say(&["show", &run]).ended(1);
        assert!(
            said.out.contains(&format!("entry {no} of run {run}")) && said.out.contains("what is told ends there"),
            "{}",
            said.out
        );
        if no > 1 {
            assert!(said.out.contains("started by"), "{}", said.out);
        }
    }
}

#[test]
fn a_last_record_that_is_gone_and_two_that_are_swapped_are_found() {
    let desk = tampered(|db| {
        let all = count(db);
        db.execute("DELETE FROM entry WHERE no = ?1", [all]).unwrap();
    });
    let (run, _) = desk.last();
    let said = desk.say(&["show", &run, "--verify"]).ended(1);
    assert!(said.out.contains(" entries, and ") && said.out.contains(" are found"), "{}", said.out);
    let desk = tampered(|db| {
        db.execute_batch(
            "UPDATE entry SET no = 1000 WHERE no = 5; UPDATE entry SET no = 5 WHERE no = 6; UPDATE entry SET no = 6 WHERE no = 1000;",
        )
        .unwrap();
    });
    let (run, _) = desk.last();
    broken(&desk, &run, &format!("entry 5 of run {run} is not what was written"), 4);
    // With their hashes put right as far as they go: the next one does not fit.
    let desk = tampered(|db| {
        db.execute_batch(
            "UPDATE entry SET body = (SELECT body FROM entry WHERE no = 6), hash = (SELECT hash FROM entry WHERE no = 6) WHERE no = 5;",
        )
        .unwrap();
    });
    let (run, _) = desk.last();
    broken(&desk, &run, &format!("entry 5 of run {run} is not what was written"), 4);
}

#[test]
fn a_head_a_text_and_where_it_ends_are_found_too() {
    let run = |db: &Connection| db.query_row("SELECT id FROM run", [], |row| row.get::<_, String>(0)).unwrap();
    let mut id = String::new();
    let desk = tampered(|db| {
        id = run(db);
        let mut head: Vec<u8> = db.query_row("SELECT head FROM run", [], |row| row.get(0)).unwrap();
        let at = head.windows(4).position(|part| part == b"Test").unwrap();
        head[at] ^= 1;
        db.execute("UPDATE run SET head = ?1", [head]).unwrap();
    });
    broken(&desk, &id, &format!("the head or entry 1 of run {id} is not what was written"), 0);
    desk.say(&["show", &id]).ended(1).says(&["damaged", "the head or entry 1"]);

    let desk = tampered(|db| {
        db.execute("UPDATE text SET text = replace(text, 'v2', 'v3') WHERE text LIKE '%Unpack%'", []).unwrap();
    });
    let (id, _) = desk.last();
    let said = desk.say(&["show", &id, "--verify"]).ended(1);
    assert!(said.out.contains("the text of `book.rbk` is not what was written"), "{}", said.out);
    desk.say(&["show", &id]).ended(1).says(&["the text of `book.rbk`", "is done: v1"]);

    let mut id = String::new();
    let desk = tampered(|db| {
        id = run(db);
        db.execute("UPDATE tip SET state = 'succeeded'", []).unwrap();
    });
    let said = desk.say(&["show", &id, "--verify"]).ended(1);
    assert!(said.out.contains("where a run ends cannot be read"), "{}", said.out);
    desk.say(&["show", &id]).ended(1).says(&["✗ Try failed", "where a run ends cannot be read"]);
    desk.say(&["show", &id[9..]]).ended(1).says(&["✗ Try failed"]);
}
