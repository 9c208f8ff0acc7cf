//! Journals that were cut, or in which a bit is wrong: an error, or what was written; never anything else.
use std::path::{Path, PathBuf};

use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Entry, Filter, Row, Store};

use super::made::at;
use super::made::{entries, head, holder, keep, open, room};

/// A journal, what it holds, and how long its log was once each of the first entries was durable.
struct Written {
    file: Vec<u8>,
    log: Vec<u8>,
    entries: Vec<Entry>,
    log_after: Vec<usize>,
    row: Row,
}

/// The log still holds everything.
fn in_log() -> Written {
    let (_dir, path) = room();
    let log = beside(&path);
    let length = || usize::try_from(std::fs::metadata(&log).unwrap().len()).unwrap();
    let mut store = open(&path);
    store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
    let mut log_after = vec![length()];
    for entry in entries() {
        keep(&mut store, "r1", &[entry]).unwrap();
        log_after.push(length());
    }
    store.release("r1");
    let row = store.runs(&Filter::default()).unwrap().remove(0);
    drop(store);
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    Written { file: bytes(&path), log: bytes(&log), entries: entries(), log_after, row }
}

/// Everything is in the file.
fn in_file() -> Written {
    let written = in_log();
    let (_dir, path) = room();
    put(&path, &written.file, &written.log);
    // The last connection to close copies the log into the file.
    let db = rusqlite::Connection::open(&path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(db);
    Written { file: std::fs::read(&path).unwrap(), log: Vec::new(), ..written }
}

fn beside(path: &Path) -> PathBuf {
    path.with_file_name("journal.db-wal")
}

fn put(path: &Path, file: &[u8], log: &[u8]) {
    let _ = std::fs::remove_file(path.with_file_name("journal.db-shm"));
    std::fs::write(path, file).unwrap();
    std::fs::write(beside(path), log).unwrap();
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
        for row in rows {
            let same = Row { last: written.row.last, ..row.clone() } == written.row;
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

fn cut_log_at(cuts: impl Iterator<Item = usize>) {
    let written = in_log();
    let (_dir, path) = room();
    for cut in cuts.take_while(|cut| *cut <= written.log.len()) {
        put(&path, &written.file, &written.log[..cut]);
        let found = read(&path, &written, &|| format!("the log cut at {cut}"));
        // Begun, and so many entries.
        let durable = written.log_after.iter().filter(|length| **length <= cut).count();
        assert_eq!(found, durable.checked_sub(1), "the log cut at {cut}");
    }
}

fn cut_file_at(cuts: impl Iterator<Item = usize>) {
    let written = in_file();
    let (_dir, path) = room();
    for cut in cuts.take_while(|cut| *cut < written.file.len()) {
        put(&path, &written.file[..cut], &[]);
        let found = read(&path, &written, &|| format!("the file cut at {cut}"));
        assert!(found.is_none_or(|n| n == written.entries.len()), "the file cut at {cut}: {found:?}");
    }
}

/// What differs is at the borders of frames (24 bytes and a page of 4,096, behind a header of 32) and of pages.
fn around_borders() -> impl Iterator<Item = usize> {
    (0..400_usize).flat_map(|n| {
        let (frame, page) = (32 + n * 4120, n * 4096);
        [frame, frame + 1, frame + 23, frame + 24, frame + 25, frame + 2000, frame + 4119, page, page + 1, page + 4095]
    })
}

#[test]
fn a_cut_log_gives_all_that_was_durable_before_the_cut() {
    let mut cuts: Vec<usize> = around_borders().collect();
    cuts.sort_unstable();
    cut_log_at(cuts.into_iter());
}

#[test]
fn a_cut_file_is_an_error() {
    let mut cuts: Vec<usize> = around_borders().chain(0..120).collect();
    cuts.sort_unstable();
    cut_file_at(cuts.into_iter());
}

#[test]
#[ignore = "takes minutes: every byte"]
fn a_journal_cut_at_any_byte() {
    cut_log_at(0..);
    cut_file_at(0..);
}

/// Bits of each page, the same in each run of the test: those of its start, and some of the rest.
fn bits(page: usize, of: usize, more: usize) -> impl Iterator<Item = (usize, u8)> {
    let mut random = fastrand::Rng::with_seed(page as u64);
    let start = (0..12_usize).map(move |n| page + n);
    let rest: Vec<usize> = (0..more).map(|_| page + random.usize(0..4096)).collect();
    start.chain(rest).filter(move |at| *at < of).map(move |at| (at, 1 << (at % 8)))
}

#[test]
fn a_wrong_bit_in_the_file_is_an_error_or_in_what_nobody_reads() {
    let written = in_file();
    let (_dir, path) = room();
    let mut seen = 0;
    for page in (0..written.file.len()).step_by(4096) {
        for (at, bit) in bits(page, written.file.len(), 40) {
            let mut file = written.file.clone();
            file[at] ^= bit;
            put(&path, &file, &[]);
            let found = read(&path, &written, &|| format!("bit {bit} of byte {at}"));
            assert!(found.is_none_or(|n| n == written.entries.len()), "bit {bit} of byte {at}: {found:?}");
            seen += usize::from(found.is_none());
        }
    }
    assert!(seen > 50, "only {seen} were seen");
}

#[test]
fn a_wrong_bit_in_the_log_gives_what_was_durable_before_it() {
    let written = in_log();
    let (_dir, path) = room();
    for page in (0..written.log.len()).step_by(4120) {
        for (at, bit) in bits(page, written.log.len(), 8) {
            let mut log = written.log.clone();
            log[at] ^= bit;
            put(&path, &written.file, &log);
            let found = read(&path, &written, &|| format!("bit {bit} of byte {at} of the log"));
            let before = written.log_after.iter().filter(|length| **length <= at).count();
            assert!(found.map_or(0, |n| n + 1) >= before, "bit {bit} of byte {at} of the log: {found:?}");
        }
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
        ("DELETE FROM entry WHERE no = 9", "run r1 has 9 entries, and 8 are found"),
        ("UPDATE entry SET no = 20 WHERE no = 2", "entry 2 of run r1 is not what was written"),
        ("UPDATE entry SET hash = zeroblob(32) WHERE no = 4", "entry 4 of run r1 is not what was written"),
        ("UPDATE tip SET count = 8", "where a run ends cannot be read"),
        ("UPDATE tip SET state = 'succeeded'", "where a run ends cannot be read"),
        (
            "UPDATE text SET text = text || ' ' WHERE text LIKE 'runbook%'",
            "the text of `upgrade.rbk` is not what was written",
        ),
        ("UPDATE run SET head = CAST(replace(head, 'Upgrade', 'Destroy') AS BLOB)", "where a run ends cannot be read"),
        ("DELETE FROM tip", "where a run ends cannot be read"),
    ] {
        assert_eq!(changed(statement), expected, "{statement}");
    }
}
