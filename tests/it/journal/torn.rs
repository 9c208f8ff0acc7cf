//! Journals that were cut, or in which a bit is wrong: an error, or what was written; never anything else.
use std::path::{Path, PathBuf};

use rbk::engine::event::End;
use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Entry, Filter, Row, Standing, State, Store, Trouble};

use super::made::{at, entries, head, holder, keep, nothing, open, room, stand};

/// A journal, what it holds, and how long its log was once each of the first entries was durable.
struct Written {
    file: Vec<u8>,
    log: Vec<u8>,
    witness: Vec<u8>,
    entries: Vec<Entry>,
    log_after: Vec<usize>,
    row: Row,
}

/// The log still holds everything. With small pages every byte can be tried.
fn in_log() -> Written {
    let (_dir, path) = room();
    drop(open(&path));
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA journal_mode=DELETE; PRAGMA page_size=512; VACUUM; PRAGMA journal_mode=WAL").unwrap();
    drop(db);
    let log = beside(&path, "-wal");
    let length = || usize::try_from(std::fs::metadata(&log).unwrap().len()).unwrap();
    let mut store = open(&path);
    store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
    let mut log_after = vec![length()];
    let entries = entries()[..4].to_vec();
    for entry in &entries {
        keep(&mut store, "r1", std::slice::from_ref(entry)).unwrap();
        log_after.push(length());
    }
    store.release("r1");
    let row = store.runs(&Filter::default()).unwrap().remove(0);
    drop(store);
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    let (file, log, witness) = (bytes(&path), bytes(&log), bytes(&beside(&path, "-runs/witness")));
    Written { file, log, witness, entries, log_after, row }
}

/// Everything is in the file.
fn in_file() -> Written {
    let written = in_log();
    let (_dir, path) = room();
    put(&path, &written.file, &written.log);
    let db = rusqlite::Connection::open(&path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(db);
    Written { file: std::fs::read(&path).unwrap(), log: Vec::new(), ..written }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    path.with_file_name(format!("journal.db{ending}"))
}

fn put(path: &Path, file: &[u8], log: &[u8]) {
    let _ = std::fs::remove_file(beside(path, "-shm"));
    std::fs::write(path, file).unwrap();
    std::fs::write(beside(path, "-wal"), log).unwrap();
}

fn put_witness(path: &Path, witness: &[u8]) {
    std::fs::create_dir_all(beside(path, "-runs")).unwrap();
    std::fs::write(beside(path, "-runs/witness"), witness).unwrap();
}

/// How many entries are read; none when it is an error.
fn read(path: &Path, written: &Written, what: &dyn Fn() -> String) -> Option<usize> {
    let mut store = match Sqlite::open(path, None) {
        Ok(store) => store,
        Err(trouble) => {
            assert!(!trouble.message.is_empty());
            return None;
        }
    };
    if let Ok(rows) = store.runs(&Filter::default()) {
        for row in rows.into_iter().filter(|row| !row.damaged) {
            let same = Row { last: written.row.last, wrote: written.row.wrote, ..row.clone() } == written.row;
            assert!(same, "{}: {row:?}", what());
        }
    }
    let (found, entries) = match store.load("r1") {
        Ok(loaded) => loaded,
        Err(trouble) => {
            assert!(!trouble.message.is_empty());
            return None;
        }
    };
    assert_eq!(found, head("r1"), "{}", what());
    assert!(written.entries.starts_with(&entries), "{}: {entries:?}", what());
    Some(entries.len())
}

/// As after a power cut: of the last write any part may be on the disk, and the witness may be an older one.
#[test]
fn a_log_cut_at_any_byte_gives_all_that_was_durable_before_the_cut() {
    let written = in_log();
    let (_dir, path) = room();
    for cut in 0..=written.log.len() {
        put(&path, &written.file, &written.log[..cut]);
        let found = read(&path, &written, &|| format!("the log cut at {cut}"));
        // Begun, and so many entries.
        let durable = written.log_after.iter().filter(|length| **length <= cut).count();
        assert_eq!(found, durable.checked_sub(1), "the log cut at {cut}");
    }
}

#[test]
fn a_file_cut_at_any_byte_is_an_error_or_has_lost_nothing() {
    let written = in_file();
    let (_dir, path) = room();
    for cut in 0..written.file.len() {
        put(&path, &written.file[..cut], &[]);
        let found = read(&path, &written, &|| format!("the file cut at {cut}"));
        assert!(found.is_none_or(|n| n == written.entries.len()), "the file cut at {cut}: {found:?}");
    }
}

/// Each byte with one wrong bit, another one each time.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).map(|at| {
        let mut flipped = bytes.to_owned();
        flipped[at] ^= 1 << (at % 8);
        (at, flipped)
    })
}

#[test]
fn a_wrong_bit_in_any_byte_of_the_file_is_an_error_or_in_what_nobody_reads() {
    let written = in_file();
    let (_dir, path) = room();
    put_witness(&path, &written.witness);
    let mut seen = 0;
    for (at, file) in flipped(&written.file) {
        put(&path, &file, &[]);
        let found = read(&path, &written, &|| format!("byte {at} of the file"));
        assert!(found.is_none_or(|n| n == written.entries.len()), "byte {at} of the file: {found:?}");
        seen += usize::from(found.is_none());
    }
    assert!(seen > 1000, "only {seen} were seen");
}

/// SQLite takes the damage for the log's end; what the run had come to says that it is not.
#[test]
fn a_wrong_bit_in_any_byte_of_the_log_is_an_error_or_in_what_nobody_reads() {
    let written = in_log();
    let (_dir, path) = room();
    put_witness(&path, &written.witness);
    let mut seen = 0;
    for (at, log) in flipped(&written.log) {
        put(&path, &written.file, &log);
        let found = read(&path, &written, &|| format!("byte {at} of the log"));
        assert!(found.is_none_or(|n| n == written.entries.len()), "byte {at} of the log: {found:?}");
        seen += usize::from(found.is_none());
        // No new run starts on it, said by another process.
        if found.is_none() && at % 16 == 0 {
            let whole = Sqlite::open(&path, None).and_then(|mut store| store.whole());
            assert!(whole.unwrap_err().message.contains("is damaged: "), "byte {at} of the log");
        }
    }
    assert!(seen > 1000, "only {seen} were seen");
}

/// It is there so that a loss is seen; a damage of its own loses nothing.
#[test]
fn a_wrong_bit_in_any_byte_of_the_witness_changes_nothing() {
    let written = in_file();
    let (_dir, path) = room();
    put(&path, &written.file, &[]);
    for (at, witness) in flipped(&written.witness) {
        put_witness(&path, &witness);
        let found = read(&path, &written, &|| format!("byte {at} of the witness"));
        assert_eq!(found, Some(written.entries.len()), "byte {at} of the witness");
        open(&path).whole().unwrap();
    }
}

#[test]
fn an_older_copy_is_not_taken_for_the_run() {
    let written = in_log();
    let (_dir, path) = room();
    put_witness(&path, &written.witness);
    put(&path, &written.file, &written.log[..written.log_after[2]]);
    let said = |trouble: Trouble| (trouble.message, trouble.help.unwrap());
    let mut store = open(&path);
    let (message, help) = said(store.load("r1").unwrap_err());
    let shown = path.display();
    assert_eq!(message, format!("the journal `{shown}` is damaged: run r1 has 2 entries, and 4 were written"));
    assert!(help.contains("`rbk close r1 --reason …`"), "{help}");
    assert_eq!(said(store.whole().unwrap_err()).0, message);
    assert!(store.runs(&Filter::default()).unwrap()[0].damaged);
    // Closed as it is, nothing is missed any more.
    store.take("r1", &holder(2)).unwrap();
    let standing = Standing { state: State::Closed, wrote: true, wall: at(9) };
    let _ = store.append("r1", &written.entries[..1], &nothing(), Some(standing)).unwrap();
    store.release("r1");
    store.whole().unwrap();
    assert_eq!(store.load("r1").unwrap().1.len(), 3);
    drop(store);

    put_witness(&path, &written.witness);
    put(&path, &written.file, &[]);
    let mut store = open(&path);
    let (message, _) = said(store.whole().unwrap_err());
    assert_eq!(message, format!("the journal `{shown}` is damaged: run r1 was begun in it, and is gone"));
    assert_eq!(store.gone().unwrap().len(), 1);
    store.give_up("r1");
    store.whole().unwrap();
}

#[test]
fn of_many_runs_those_written_last_and_those_not_over_keep_a_new_one_from_starting() {
    let (_dir, path) = room();
    let mut store = open(&path);
    let count = 70;
    for no in 1..=count {
        let run = format!("r{no}");
        store.begin(&head(&run), &holder(1), &[], at(no)).unwrap();
        if no != 2 {
            stand(&mut store, &run, State::Ended(End::Succeeded), at(no)).unwrap();
        }
        store.release(&run);
    }
    store.whole().unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    for (no, stops) in [(1, false), (2, true), (count, true)] {
        let change = |by: i64| db.execute("UPDATE tip SET last = last + ?2 WHERE run = ?1", [no, by]).unwrap();
        change(1);
        assert_eq!(store.whole().is_err(), stops, "run {no}");
        let damaged = store.runs(&Filter::default()).unwrap().into_iter().filter(|row| row.damaged);
        assert_eq!(damaged.map(|row| row.run).collect::<Vec<_>>(), [format!("r{no}")]);
        change(-1);
    }
}

/// Change the tables as somebody with a tool would.
fn changed(statement: &str) -> String {
    let (_dir, path) = room();
    super::made::written(&mut open(&path), "r1", &entries());
    let db = rusqlite::Connection::open(&path).unwrap();
    assert!(db.execute(statement, []).unwrap() > 0);
    drop(db);
    let message = super::made::said(open(&path).load("r1"));
    message.split_once("is damaged: ").unwrap_or_else(|| panic!("{message}")).1.to_owned()
}

#[test]
fn what_was_changed_later_is_named() {
    for (statement, expected) in [
        (
            "UPDATE entry SET body = CAST(replace(body, 'v1', 'v2') AS BLOB) WHERE no = 5",
            "entry 5 of run r1 is not what was written",
        ),
        ("DELETE FROM entry WHERE no = 3", "entry 3 of run r1 is not what was written"),
        ("DELETE FROM entry WHERE no = 14", "run r1 has 14 entries, and 13 are found"),
        ("UPDATE entry SET no = 20 WHERE no = 2", "entry 2 of run r1 is not what was written"),
        ("UPDATE entry SET hash = zeroblob(32) WHERE no = 4", "entry 4 of run r1 is not what was written"),
        ("UPDATE tip SET count = 8", "where a run ends cannot be read"),
        ("UPDATE tip SET state = 'succeeded'", "where a run ends cannot be read"),
        (
            "UPDATE text SET text = text || ' ' WHERE text LIKE 'runbook%'",
            "the text of `upgrade.rbk` is not what was written",
        ),
        (
            "UPDATE run SET head = CAST(replace(head, 'Upgrade', 'Destroy') AS BLOB)",
            "the head or entry 1 of run r1 is not what was written",
        ),
        ("DELETE FROM tip", "where a run ends cannot be read"),
    ] {
        assert_eq!(changed(statement), expected, "{statement}");
    }
}
