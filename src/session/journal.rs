//! The journal of this user: which one, its list of runs, and ending a run as it is.
use super::place;
use crate::engine::event::End;
use crate::journal::{self, Entry, Filter, Row, Standing, State, Store, Trouble};
use crate::value::Timestamp;
use crate::value::redact::Redactor;

/// `--journal none`: nothing is kept.
pub const NONE: &str = "none";

/// The journal at `place`, a file; the user's own when none is named. None: nothing is to be kept.
///
/// # Errors
/// It cannot be opened.
pub fn open(place: Option<&str>) -> Result<Option<Box<dyn Store>>, Trouble> {
    match place {
        Some(NONE) => Ok(None),
        Some(url) if url.contains("://") => {
            let message = format!("`--journal {}` is no file", crate::value::credentials::shown(url));
            Err(Trouble::new(message).with_help("name a file, or `none`"))
        }
        Some(path) => journal::open(Some(path.as_ref())).map(Some),
        None => journal::open(None).map(Some),
    }
}

/// The run that a person means: its id, or a part of it that no other one has.
///
/// # Errors
/// There is none, or several.
pub fn find(store: &mut dyn Store, word: &str) -> Result<Row, Trouble> {
    let mut rows = store.runs(&Filter::default())?;
    if let Some(at) = rows.iter().position(|row| row.run == word) {
        return Ok(rows.swap_remove(at));
    }
    let mut near: Vec<Row> = rows.into_iter().filter(|row| row.run.contains(word)).collect();
    match (near.pop(), near.len()) {
        (Some(row), 0) => Ok(row),
        (Some(row), _) => {
            let others = near.iter().chain([&row]).map(|row| format!("`{}`", row.run)).collect::<Vec<_>>().join(", ");
            Err(Trouble::new(format!("several runs are called like `{word}`: {others}"))
                .with_help("write the whole id"))
        }
        (None, _) => Err(Trouble::new(format!("the journal has no run `{word}`")).with_help("`rbk runs` lists them")),
    }
}

/// The last run of a runbook, by its title or its file's name.
///
/// # Errors
/// There is none.
pub fn last(store: &mut dyn Store, book: &str) -> Result<Row, Trouble> {
    let rows = store.runs(&Filter::default())?;
    let is = |row: &Row| {
        let stem = std::path::Path::new(&row.file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        row.book == book || same_file(&row.file, book) || stem.as_deref() == Some(book)
    };
    // One that was refused has done nothing.
    let did = |row: &Row| row.state != State::Ended(End::Refused);
    rows.into_iter().find(|row| did(row) && is(row)).ok_or_else(|| {
        Trouble::new(format!("the journal has no run of `{book}`"))
            .with_help("`rbk runs` lists the runs, each with its runbook")
    })
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
        State::Closed => return Err(Trouble::new(format!("run {} is closed already", row.run))),
        State::Ended(End::Succeeded | End::RolledBack | End::Undone | End::Refused) => {
            return Err(Trouble::new(format!("run {} has ended by itself: there is nothing to close", row.run)));
        }
    }
    let holder = place::holder();
    store.take(&row.run, &holder)?;
    let wall = super::now();
    let closed = Entry::Closed { who: holder.user, reason: reason.to_owned(), wall };
    let standing = Standing { state: State::Closed, wrote: row.wrote, wall };
    let _ = store.append(&row.run, &[closed], &Redactor::default(), Some(standing))?;
    store.release(&row.run);
    Ok(())
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
