//! Runs of which this machine undid something while their journal could not be written: a file each in `behind/`, beside what
//! rbk keeps on this machine. Whoever goes on with such a run by its journal alone does something twice, or builds on what is gone.
use std::path::PathBuf;

use crate::state;

fn note(run: &str) -> Option<PathBuf> {
    state::dir().map(|dir| dir.join("behind").join(run))
}

/// In the journal at this place. Without a note only the end of the run says so.
#[allow(clippy::disallowed_methods, reason = "a note beside the journal")]
pub fn keep(run: &str, journal: &str) {
    let Some(note) = note(run) else { return };
    if let Some(dir) = note.parent()
        && state::private(dir).is_ok()
    {
        let _ = std::fs::write(note, journal);
    }
}

/// The place of the journal that does not know what was undone of the run; nothing when there is no note of it. A note of an
/// older rbk names no place. Whatever journal is asked: a copy of that one, or the same by another name, knows it no better.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "a note beside the journal")]
pub fn kept(run: &str) -> Option<String> {
    let note = note(run).filter(|note| note.exists())?;
    Some(std::fs::read_to_string(note).unwrap_or_default())
}

/// The journal has caught up, or the run is closed.
pub fn forget(run: &str) {
    if let Some(note) = note(run) {
        let _ = std::fs::remove_file(note);
    }
}
