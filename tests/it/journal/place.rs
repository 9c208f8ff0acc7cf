//! Where a journal may be, and files that are none.
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rbk::engine::event::End;
use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Filter, Room, State, Store, Trouble};
use rusqlite::Connection;

use super::child::told;
use super::made::{at, entries, head, holder, nothing, open, room, said, stand, written};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn refused(path: &Path) -> Trouble {
    Sqlite::open(path, None).unwrap_err()
}

#[test]
fn only_its_owner_sees_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/journal.db");
    let mut store = open(&path);
    store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap().flatten() {
        let expected = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry.path()), expected, "{entry:?}");
    }
    for entry in std::fs::read_dir(path.with_file_name("journal.db-runs")).unwrap().flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
    }
    drop(store);
    set_mode(&path, 0o644);
    open(&path);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_directory_that_others_write_is_refused() {
    let (dir, path) = room();
    written(&mut open(&path), "r1", &entries());
    for open_to in [0o770, 0o707, 0o777] {
        set_mode(dir.path(), open_to);
        let trouble = refused(&path);
        let expected = format!(
            "the journal `{}` cannot stand in `{}`: others may write there",
            path.display(),
            dir.path().display()
        );
        assert_eq!(trouble.message, expected);
        assert_eq!(
            trouble.help.unwrap(),
            "set `RBK_STATE_DIR` to a directory of your own on a local disk, or `RBK_JOURNAL` to a file in one"
        );
    }
    set_mode(dir.path(), 0o755);
    assert_eq!(open(&path).load("r1").unwrap().1, entries());
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let (dir, path) = room();
    let shown = path.display().to_string();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(refused(&path).message, format!("the journal `{shown}` is a directory"));
    std::fs::remove_dir(&path).unwrap();

    std::fs::write(&path, "").unwrap();
    assert_eq!(refused(&path).message, format!("the journal `{shown}` is empty: what it held is gone"));
    for text in ["x", "some notes of mine\n", &"some notes of mine\n".repeat(500)] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(refused(&path).message, format!("`{shown}` is not a journal of rbk"), "{text}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    std::fs::remove_file(&path).unwrap();

    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE mine (x)").unwrap();
    drop(other);
    assert_eq!(refused(&path).message, format!("`{shown}` is not a journal of rbk"));
    std::fs::remove_file(&path).unwrap();

    std::os::unix::fs::symlink(dir.path().join("nowhere/journal.db"), &path).unwrap();
    assert!(refused(&path).message.starts_with(&format!("the journal `{shown}` cannot be ")));
}

#[test]
fn a_newer_journal_is_refused_with_both_versions() {
    let (_dir, path) = room();
    written(&mut open(&path), "r1", &entries());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let trouble = refused(&path);
    let mine = env!("CARGO_PKG_VERSION");
    let expected =
        format!("the journal `{}` was made by a newer rbk (its version is 9, rbk {mine} knows 1)", path.display());
    assert_eq!(trouble.message, expected);
    assert_eq!(trouble.help.unwrap(), "use that rbk, or set `RBK_JOURNAL` to another file");
}

#[test]
fn an_old_log_does_not_become_one_of_a_new_journal() {
    let (_dir, path) = room();
    written(&mut open(&path), "r1", &entries());
    std::fs::remove_file(&path).unwrap();
    let trouble = refused(&path);
    assert!(trouble.message.ends_with("is gone, but its log is there"), "{trouble:?}");
    std::fs::remove_file(path.with_file_name("journal.db-wal")).unwrap();
    let said = refused(&path).message;
    assert!(said.contains("is gone, and run r1 was not over in it"), "{said}");
    std::fs::remove_dir_all(path.with_file_name("journal.db-runs")).unwrap();
    assert_eq!(open(&path).runs(&Filter::default()).unwrap(), []);
}

#[test]
fn what_cannot_be_written_says_so() {
    let (dir, path) = room();
    let disk = dir.path().join("disk");
    let line = |script: &str| {
        format!(
            r#"export D='{}'; unshare -m true 2>/dev/null && U=-m || U=-rm; exec unshare $U sh -c 'mount --bind "$D" "$D" && mount -o remount,bind,ro "$D" && {script}exec "$@"' sh "$@""#,
            disk.display()
        )
    };
    std::fs::create_dir(&disk).unwrap();
    set_mode(&disk, 0o700);
    let inside = disk.join("journal.db");
    let said_new = told("start", &inside, &line(""));
    assert!(said_new[0].starts_with("full false: the journal `"), "{said_new:?}");
    assert!(said_new[0].contains("Read-only file system"), "{said_new:?}");

    written(&mut open(&inside), "r2", &entries());
    let said_old = told("start", &inside, &line(""));
    assert!(said_old[0].starts_with("full false: "), "{said_old:?}");
    assert!(said_old[0].contains("ead-only") || said_old[0].contains("cannot be written"), "{said_old:?}");
    drop(path);
}

#[test]
fn the_next_process_needs_no_clean_end_of_the_last() {
    let (_dir, path) = room();
    let mut store = open(&path);
    written(&mut store, "r1", &entries());
    // Its last connection leaves the log as it is.
    let log = path.with_file_name("journal.db-wal");
    let before = std::fs::metadata(&log).unwrap().len();
    drop(store);
    assert_eq!(std::fs::metadata(&log).unwrap().len(), before);
    assert!(before > 0);
    assert_eq!(open(&path).load("r1").unwrap().1, entries());
    assert_eq!(said(open(&path).load("r9")), "there is no run `r9` in the journal");
}

#[test]
fn whichever_way_leads_there_it_is_one_journal() {
    let (dir, path) = room();
    let mut store = open(&path);
    store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
    let (other, alias) = (tempfile::tempdir().unwrap(), dir.path().join("alias"));
    std::os::unix::fs::symlink(dir.path(), &alias).unwrap();
    let link = other.path().join("mine.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for way in [alias.join("journal.db"), link] {
        assert!(said(open(&way).take("r1", &holder(2))).starts_with("run r1 is driven by another process (pid 1 "));
    }
}

/// The names of what is kept back.
fn reserves(path: &Path) -> Vec<String> {
    let all = std::fs::read_dir(path.with_file_name("journal.db-runs")).unwrap().flatten();
    let mut names: Vec<_> = all.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".reserve"));
    names.sort();
    names
}

#[test]
fn room_is_kept_as_long_as_there_may_be_something_to_undo() {
    let (_dir, path) = room();
    let mut store = open(&path);
    for (run, state) in [("a", State::Open), ("b", State::Ended(End::Succeeded)), ("c", State::Ended(End::Incomplete))]
    {
        store.begin(&head(run), &holder(1), &[], at(0)).unwrap();
        stand(&mut store, run, state, at(1)).unwrap();
        // What a handler does after the end has room as before.
        assert_eq!(store.append(run, &entries(), &nothing(), None).unwrap(), Room::Enough);
        store.release(run);
    }
    assert_eq!(reserves(&path), ["a.reserve", "c.reserve"]);
    let kept = std::fs::metadata(path.with_file_name("journal.db-runs").join("a.reserve")).unwrap();
    assert!(kept.len() == 1 << 20 && kept.blocks() * 512 >= 1 << 20);
    store.take("b", &holder(1)).unwrap();
    assert_eq!(reserves(&path), ["a.reserve", "b.reserve", "c.reserve"]);
    drop(store);
    assert_eq!(reserves(&path), ["a.reserve", "c.reserve"]);

    // A process that died before its run began.
    std::fs::write(path.with_file_name("journal.db-runs").join("d.reserve"), "").unwrap();
    assert_eq!(open(&path).prune(at(9)).unwrap(), 1);
    assert_eq!(reserves(&path), ["a.reserve", "c.reserve"]);
}
