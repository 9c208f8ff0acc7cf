//! SQLite's errors for people.
use std::path::Path;

use nix::errno::Errno;
use rusqlite::{Error, ErrorCode, ffi};

use super::BESIDE;
use super::witness::Seen;
use crate::journal::tip::Tip;
use crate::journal::{Kind, Trouble};

pub fn of(path: &Path, error: &Error) -> Trouble {
    let shown = path.display();
    if is_full(error) {
        return full(&format!("the journal `{shown}` cannot be written: {error}"));
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Trouble::new(format!("another process keeps the journal `{shown}` locked"))
                .with_help("end what uses it; a process that was stopped keeps it until it goes on (`kill -CONT`)")
        }
        Some(ErrorCode::NotADatabase) => {
            Trouble::new(format!("`{shown}` is not a journal of rbk")).with_help("set `RBK_JOURNAL` to another file")
        }
        Some(ErrorCode::DatabaseCorrupt) => damaged(path, &error.to_string()),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Trouble::new(format!("the journal `{shown}` cannot be written: {error}"))
                .with_help("make it and its directory writable for you, or set `RBK_JOURNAL` to another file")
        }
        Some(ErrorCode::SystemIoFailure) => {
            Trouble::new(format!("the journal `{shown}` cannot be used: {error}")).with_help("look at its disk")
        }
        // Each statement is right for the tables as they were made.
        _ => damaged(path, &error.to_string()),
    }
}

/// Also a limit of the file system or of the process: to the journal it is the same.
pub fn is_full(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        matches!(e.extended_code, ffi::SQLITE_FULL | ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE)
    })
}

pub fn not_made(path: &Path, error: &std::io::Error) -> Trouble {
    unwritten(format!("the journal `{}` cannot be made: {error}", path.display()), error)
}

/// The directory beside the journal: the names of the files in it say nothing to people.
pub fn not_beside(dir: &Path, error: &std::io::Error) -> Trouble {
    let shown = dir.display().to_string();
    let journal = shown.strip_suffix(BESIDE).unwrap_or(&shown);
    unwritten(format!("the journal `{journal}` cannot be used: `{shown}` cannot be written: {error}"), error)
}

fn unwritten(message: String, error: &std::io::Error) -> Trouble {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG) => full(&message),
        _ => Trouble::new(message).with_help(
            "set `RBK_STATE_DIR` to a directory of your own on a local disk, or `RBK_JOURNAL` to a file in one",
        ),
    }
}

fn full(message: &str) -> Trouble {
    Trouble {
        kind: Kind::Full,
        ..Trouble::new(message).with_help("make room on its disk, or set `RBK_JOURNAL` to another one")
    }
}

pub fn damaged(path: &Path, how: &str) -> Trouble {
    Trouble::new(format!("the journal `{}` is damaged: {how}", path.display())).with_help(
        "put a copy of it back; a new one, named with `--journal`, knows nothing of what the runs of this one have left in place",
    )
}

/// Something of one run.
pub fn damaged_run(path: &Path, run: &str, how: &str) -> Trouble {
    let help = format!(
        "put a copy of the journal back; or look at what the run has left in place, mend it by hand, and end it: \
         `rbk close {run} --reason …`"
    );
    damaged(path, how).with_help(help)
}

/// A run that had come further than what is left of it.
pub fn lost(path: &Path, run: &str, seen: &Seen, tip: &Tip) -> Trouble {
    let (there, written) = (tip.count, seen.count);
    let how = if there == written {
        format!("how run {run} stands is not what was written last")
    } else {
        format!("run {run} has {there} {}, and {written} were written", if there == 1 { "entry" } else { "entries" })
    };
    damaged_run(path, run, &how)
}

/// The journal is not there any more, and a run of it was not over.
pub fn left_behind(path: &Path, run: &str) -> Trouble {
    let shown = path.display();
    Trouble::new(format!("the journal `{shown}` is gone, and run {run} was not over in it")).with_help(format!(
        "put a copy of it back; or look at what its runs have left in place, mend it by hand, and remove `{shown}{BESIDE}` \
         to start a new journal"
    ))
}

/// A run of which nothing is left.
pub fn gone(path: &Path, run: &str) -> Trouble {
    Trouble {
        help: Some(format!(
            "put a copy of the journal back that holds it; or look at what the run has left in place, mend it by hand, \
             and expect it no more: `rbk close {run} --reason …`"
        )),
        ..damaged(path, &format!("run {run} was begun in it, and is gone"))
    }
}
