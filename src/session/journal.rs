//! The journal of this user: which one, its list of runs, and ending a run as it is.
use std::path::Path;

use super::place;
use crate::diag::did_you_mean;
use crate::effects::shell::living;
use crate::engine::event::End;
use crate::journal::entry::unfinished;
use crate::journal::{self, Entry, Filter, Row, Standing, State, Store, Trouble, Which};
use crate::value::redact::Redactor;
use crate::value::{SmolStr, Timestamp};

/// `--journal none`: nothing is kept.
pub const NONE: &str = "none";

/// A journal to keep a new run in.
pub struct Opened {
    pub store: Box<dyn Store>,
    /// It is made for this run, and a person named it.
    pub new: bool,
}

/// The journal at `place`, a file or `postgres://…`; the user's own when none is named. None: nothing is to be kept.
///
/// # Errors
/// It cannot be opened or made.
pub fn open(place: Option<&str>) -> Result<Option<Opened>, Trouble> {
    if place == Some(NONE) {
        return Ok(None);
    }
    let which = journal::which(place)?;
    let new = matches!(which, Which::Named(_)) && !which.is_there();
    Ok(Some(Opened { store: journal::open(&which)?, new }))
}

/// Where that is, for people.
///
/// # Errors
/// It is no place for a journal.
pub fn shown(place: Option<&str>) -> Result<String, Trouble> {
    if place == Some(NONE) { Ok("none: nothing is kept".to_owned()) } else { Ok(journal::which(place)?.shown()) }
}

/// The journal at `place` as it is. None: it is the user's own, and nothing was kept in it yet.
///
/// # Errors
/// There is none, or it cannot be opened.
pub fn there(place: Option<&str>) -> Result<Option<Box<dyn Store>>, Trouble> {
    if place == Some(NONE) {
        return Err(Trouble::new(format!("`--journal {NONE}` keeps no run")));
    }
    match journal::which(place)? {
        which if which.is_there() => journal::open(&which).map(Some),
        Which::Own(_) | Which::Team(_) => Ok(None),
        Which::Named(path) => Err(missing(&path)),
    }
}

fn missing(path: &Path) -> Trouble {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten().filter(|file| file.path().is_file());
    let names: Vec<String> = files.map(|file| name(&file.path())).filter(|name| !is_beside(name)).collect();
    let near = did_you_mean(&name(path), names.iter().map(String::as_str));
    let help = near.map_or_else(
        || "without `--journal` and `RBK_JOURNAL` it is the one of this user".to_owned(),
        |near| format!("did you mean `{}`?", path.with_file_name(near).display()),
    );
    Trouble::new(format!("there is no journal at `{}`", path.display())).with_help(help)
}

/// SQLite's own.
fn is_beside(name: &str) -> bool {
    name.ends_with("-wal") || name.ends_with("-shm")
}

/// The run that a person means: its id, or a part of it that no other one has that was not refused.
///
/// # Errors
/// There is none, or several.
pub fn find(store: &mut dyn Store, word: &str) -> Result<Row, Trouble> {
    let rows = store.runs(&Filter::default())?;
    find_in(store, &rows, word)
}

/// The same, of all runs as they were read.
///
/// # Errors
/// As for [`find`].
pub fn find_in(store: &mut dyn Store, rows: &[Row], word: &str) -> Result<Row, Trouble> {
    if word.trim().is_empty() {
        return Err(Trouble::new("an empty word names no run").with_help("write a run's id, or a part of it"));
    }
    if let Some(row) = rows.iter().find(|row| row.run == word) {
        return Ok(row.clone());
    }
    let mut near: Vec<Row> = rows.iter().filter(|row| row.run.contains(word)).cloned().collect();
    if near.iter().any(did) {
        near.retain(did);
    }
    match (near.pop(), near.len()) {
        (Some(row), 0) => Ok(row),
        (Some(row), _) => {
            let others = near.iter().chain([&row]).map(|row| format!("`{}`", row.run)).collect::<Vec<_>>().join(", ");
            Err(Trouble::new(format!("several runs are called like `{word}`: {others}"))
                .with_help("write the whole id"))
        }
        (None, _) => {
            let gone = store.gone()?.into_iter().find(|(run, _)| run.contains(word));
            Err(gone.map_or_else(
                || Trouble::new(format!("the journal has no run `{word}`")).with_help("`rbk runs` lists them"),
                |(_, trouble)| trouble,
            ))
        }
    }
}

/// Of all runs as they were read the last one, or the last of a runbook, by its title or its file's name.
///
/// # Errors
/// There is none.
pub fn last_in(rows: &[Row], book: Option<&str>) -> Result<Row, Trouble> {
    let mut rows: Vec<&Row> = rows.iter().filter(|row| book.is_none_or(|book| is_of(row, book))).collect();
    if rows.iter().any(|row| did(row)) {
        rows.retain(|row| did(row));
    }
    rows.first().map(|row| Row::clone(row)).ok_or_else(|| {
        let of = book.map(|book| format!(" of `{book}`")).unwrap_or_default();
        Trouble::new(format!("the journal has no run{of}"))
            .with_help("`rbk runs` lists the runs, each with its runbook")
    })
}

/// Whether it is a run of this runbook, by its title or its file's name.
#[must_use]
pub fn is_of(row: &Row, book: &str) -> bool {
    let stem = Path::new(&row.file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    row.book == book || same_file(&row.file, book) || stem.as_deref() == Some(book)
}

/// One that was refused has done nothing: it is meant only where there is no other.
fn did(row: &Row) -> bool {
    row.state != State::Ended(End::Refused)
}

/// `./book.rbk`, `book.rbk` and the whole path are one.
fn same_file(one: &str, other: &str) -> bool {
    match (std::path::absolute(one), std::path::absolute(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// End a run as it is: nothing is undone, its locks are free.
///
/// # Errors
/// A process drives it, it has ended, or this cannot be kept.
pub fn close(store: &mut dyn Store, row: &Row, reason: &str) -> Result<(), Trouble> {
    match row.state {
        State::Open | State::Ended(End::Incomplete | End::UndoneInPart | End::Stopped) => {}
        // How it ended is lost.
        State::Closed | State::Ended(_) if row.damaged => {}
        State::Closed => return Err(Trouble::new(format!("run {} is closed already", row.run))),
        State::Ended(End::Succeeded | End::RolledBack | End::Undone | End::Failed | End::Refused) => {
            return Err(Trouble::new(format!("run {} has ended by itself: there is nothing to close", row.run)));
        }
    }
    let holder = place::holder();
    let wall = super::now();
    let closed = Entry::Closed { who: holder.user.clone(), reason: reason.to_owned(), wall };
    let taken = store.take(&row.run, &holder);
    let may = if row.damaged { Ok(()) } else { taken.clone() };
    if let Err(trouble) = may.and_then(|()| at_rest(store, row)) {
        store.release(&row.run);
        return Err(trouble);
    }
    if taken.is_err() {
        return store.put_down(&row.run, &holder, &closed, wall);
    }
    let standing = Standing { state: State::Closed, wrote: row.wrote, wall };
    let _ = store.append(&row.run, &[closed], &Redactor::default(), Some(standing))?;
    journal::behind::forget(&row.run);
    store.release(&row.run);
    Ok(())
}

/// Nothing that it has started and that has not ended is still running on this machine.
fn at_rest(store: &mut dyn Store, row: &Row) -> Result<(), Trouble> {
    // Of one that is damaged, as far as it can be read.
    let Ok(kept) = store.look(&row.run) else { return Ok(()) };
    let open = unfinished(&kept.entries);
    let Some(first) = living(&row.run, &|call| open.contains(&call)).into_iter().next() else { return Ok(()) };
    let run = &row.run;
    let message = format!("nobody drives run {run}, and what it has started is still running: {first}");
    let help = if kept.broken.is_some() {
        "wait for its end, or end it by hand".to_owned()
    } else {
        format!("wait for its end; or `rbk rollback {run}` or `rbk resume {run}`, which end it first")
    };
    Err(Trouble::new(message).with_help(help))
}

/// Nobody misses the run that is gone and that a person means: its id.
///
/// # Errors
/// The journal cannot be read.
pub fn give_up(store: &mut dyn Store, word: &str) -> Result<Option<SmolStr>, Trouble> {
    let mut gone: Vec<SmolStr> = store.gone()?.into_iter().map(|(run, _)| run).collect();
    gone.retain(|run| run.contains(word));
    let ([run], true) = (gone.as_slice(), find(store, word).is_err()) else { return Ok(None) };
    store.give_up(run);
    Ok(Some(run.clone()))
}

/// A time so long ago: `90d`.
///
/// # Errors
/// It is no length of time.
pub fn ago(text: &str) -> Result<Timestamp, String> {
    let length = crate::value::read::read(&crate::value::Type::Duration, text)?;
    match length {
        crate::value::Value::Duration(length) => {
            super::now().checked_sub(length.std()).map_err(|_| format!("`{text}` is too long ago"))
        }
        _ => Err(format!("`{text}` is no length of time, like `90d`")),
    }
}
