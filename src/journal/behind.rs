//! Runs of which this machine undid something while their journal could not be written: a file each in `behind/`, beside what
//! rbk keeps on this machine. Whoever goes on with such a run by its journal alone does something twice, or builds on what is gone.
use std::path::PathBuf;

use crate::state;

fn note(run: &str) -> Option<PathBuf> {
    state::dir().map(|dir| dir.join("behind").join(run))
}

/// Without it only the end of the run says so.
pub fn keep(run: &str) {
    let Some(note) = note(run) else { return };
    if let Some(dir) = note.parent()
        && state::private(dir).is_ok()
    {
        let _ = std::fs::File::create(note);
    }
}

#[must_use]
pub fn is_kept(run: &str) -> bool {
    note(run).is_some_and(|note| note.exists())
}

/// The journal has caught up, or the run is closed.
pub fn forget(run: &str) {
    if let Some(note) = note(run) {
        let _ = std::fs::remove_file(note);
    }
}
