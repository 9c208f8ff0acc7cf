//! The tables, and how an older journal becomes one of this version.
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::trouble::{left_behind, not_made, of};
use super::{place, reserve, witness};
use crate::journal::Trouble;

/// `rbkJ`: says that a file is a journal of rbk.
const APPLICATION: i32 = 0x7262_6b4a;

/// Each makes the next version of the one before; never changed once it was released.
const STEPS: &[&str] = &["
    CREATE TABLE text (sha256 TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE run (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, head BLOB NOT NULL) STRICT;
    CREATE TABLE tip (
        run INTEGER PRIMARY KEY, count INTEGER NOT NULL, hash BLOB NOT NULL, last INTEGER NOT NULL, state TEXT NOT NULL,
        wrote INTEGER NOT NULL, sum BLOB NOT NULL
    ) STRICT;
    CREATE TABLE entry (
        run INTEGER, no INTEGER, hash BLOB NOT NULL, body BLOB NOT NULL, PRIMARY KEY (run, no)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE lock (
        name TEXT PRIMARY KEY, run INTEGER NOT NULL, since INTEGER NOT NULL, taken_from TEXT
    ) STRICT, WITHOUT ROWID;
"];

/// An open journal; a new one appears whole or not at all.
pub fn open(path: &Path) -> Result<Connection, Trouble> {
    if !path.exists() {
        let log = beside(path, "-wal");
        // SQLite would take an old log for one of the new file.
        if log.exists() && !path.exists() {
            return Err(Trouble::new(format!("the journal `{}` is gone, but its log is there", path.display()))
                .with_help(format!("put the file back, or remove `{}` too to start a new journal", log.display())));
        }
        if let Some(run) = reserve::any(&beside(path, super::BESIDE)) {
            return Err(left_behind(path, &run));
        }
        create(path)?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(|e| of(path, &e))?;
    prepare(&db).map_err(|e| of(path, &e))?;
    check(path, &mut db)?;
    Ok(db)
}

fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(Duration::from_secs(10))?;
    // The last one to close would copy the log into the file: the next one reads it just as well from the log.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_prepared_statement_cache_capacity(32);
    // `fullfsync` is what makes a commit durable on a Mac, and nothing elsewhere. Whoever opens the journal first reads its
    // whole log: so it is copied into the file when it has 200 pages, not 1,000.
    db.execute_batch(
        "PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;
         PRAGMA wal_autocheckpoint=200;",
    )
}

fn check(path: &Path, db: &mut Connection) -> Result<(), Trouble> {
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = number("application_id").map_err(|e| of(path, &e))?;
    if application != APPLICATION {
        return Err(Trouble::new(format!("`{}` is not a journal of rbk", path.display()))
            .with_help("set `RBK_JOURNAL` to another file"));
    }
    let journal_mode = db.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    if journal_mode.map_err(|e| of(path, &e))? != "wal" {
        return Err(Trouble::new(format!("the journal `{}` is damaged: it has no write-ahead log", path.display())));
    }
    migrate(db, STEPS).map_err(|e| match e {
        Migration::Newer { found, known } => Trouble::new(format!(
            "the journal `{}` was made by a newer rbk (its version is {found}, rbk {} knows {known})",
            path.display(),
            env!("CARGO_PKG_VERSION")
        ))
        .with_help("use that rbk, or set `RBK_JOURNAL` to another file"),
        Migration::Failed(e) => of(path, &e),
    })
}

#[derive(Debug)]
enum Migration {
    Newer { found: i64, known: i64 },
    Failed(rusqlite::Error),
}

/// All missing steps at once or none.
fn migrate(db: &mut Connection, steps: &[&str]) -> Result<(), Migration> {
    let version = |db: &Connection| db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if version(db).map_err(Migration::Failed)? == known {
        return Ok(());
    }
    let all = |db: &mut Connection| -> rusqlite::Result<i64> {
        let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been here in between.
        let found = version(&change)?;
        for step in steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
            change.execute_batch(step)?;
        }
        if found < known {
            change.pragma_update(None, "user_version", known)?;
        }
        change.commit()?;
        Ok(found)
    };
    match all(db).map_err(Migration::Failed)? {
        found if found > known => Err(Migration::Newer { found, known }),
        _ => Ok(()),
    }
}

/// Made under another name: a crash leaves no half of it.
fn create(path: &Path) -> Result<(), Trouble> {
    let wrong = |e: std::io::Error| not_made(path, &e);
    let new = beside(path, &format!(".new-{:016x}", fastrand::u64(..)));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(wrong)?;
    witness::forget_all(&beside(path, super::BESIDE));
    let made = fill(&new).map_err(|e| of(path, &e)).and_then(|()| match std::fs::hard_link(&new, path) {
        // Another process was faster: its journal is as good.
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(wrong),
    });
    let removed = std::fs::remove_file(&new);
    made?;
    removed.map_err(wrong)?;
    File::open(place::directory(path)).and_then(|dir| dir.sync_all()).map_err(wrong)
}

fn fill(new: &Path) -> rusqlite::Result<()> {
    let mut db = Connection::open(new)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "application_id", APPLICATION)?;
    match migrate(&mut db, STEPS) {
        Ok(()) | Err(Migration::Newer { .. }) => {}
        Err(Migration::Failed(e)) => return Err(e),
    }
    db.close().map_err(|(_, e)| e)
}

pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[&str] = &["CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (7);"];

    fn names(db: &Connection) -> Vec<String> {
        let mut all = db.prepare("SELECT name FROM sqlite_schema ORDER BY name").unwrap();
        let rows = all.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn an_older_journal_is_brought_up_to_date_and_keeps_what_it_holds() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, OLD).unwrap();
        migrate(&mut db, &[OLD[0], "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 1", "CREATE TABLE b (z)"]).unwrap();
        assert_eq!(db.query_row("SELECT x + y FROM a", [], |row| row.get::<_, i64>(0)).unwrap(), 8);
        assert_eq!(names(&db), ["a", "b"]);
        let newer = migrate(&mut db, OLD);
        assert!(matches!(newer, Err(Migration::Newer { found: 3, known: 1 })), "{newer:?}");
    }

    #[test]
    fn a_step_that_fails_leaves_the_journal_as_it_was() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, OLD).unwrap();
        migrate(&mut db, &[OLD[0], "CREATE TABLE b (z)", "CREATE TABLE a (x)"]).unwrap_err();
        assert_eq!(names(&db), ["a"]);
        migrate(&mut db, OLD).unwrap();
    }
}
