//! A file in canonical style: read, printed, and put in its place in one move.
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use super::{disk, reason};
use crate::diag::Diagnostic;
use crate::print::{self, Changed};
use crate::source::Sources;
use crate::syntax;

/// What formatting makes of a file.
pub enum Formatted {
    /// It cannot be read as a script: it stays as it is.
    Unread {
        diagnostics: Vec<Diagnostic>,
        sources: Sources,
    },
    Same(String),
    Other {
        before: String,
        after: String,
    },
}

/// Read a file and format its text; `-` is standard input. Nothing is written.
///
/// # Errors
/// One line for a person: it cannot be read, or a bug would have changed what it says.
pub fn format(path: &str) -> Result<Formatted, String> {
    let before = super::source(path)?;
    let mut sources = Sources::default();
    let file = sources.add(super::name(path), before.as_str());
    let parsed = syntax::parse(file, &before);
    if !parsed.diagnostics.is_empty() {
        return Ok(Formatted::Unread { diagnostics: parsed.diagnostics, sources });
    }
    match print::format(&before, &parsed.ast) {
        Ok(after) if after == before => Ok(Formatted::Same(after)),
        Ok(after) => Ok(Formatted::Other { before, after }),
        Err(Changed(how)) => Err(format!("a bug in rbk itself: `{path}` is left as it is, formatted {how}")),
    }
}

/// Put a text in the place of another, whole or not at all: mode and owner stay, a symlink is followed, a file with other names is
/// left.
///
/// # Errors
/// Why the file is left as it is, in one line.
pub fn replace(path: &str, before: &str, after: &str) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("cannot write `{path}`: {}", reason(&error));
    let target = std::fs::canonicalize(path).map_err(wrong)?;
    let found = target.metadata().map_err(wrong)?;
    if !found.is_file() {
        return Err(format!("cannot write `{path}`: it is not a file"));
    }
    if found.nlink() > 1 {
        let others = found.nlink() - 1;
        let names = if others == 1 { "another name".to_owned() } else { format!("{others} other names") };
        return Err(format!(
            "cannot write `{path}`: it has {names} (hard links), which would keep the old text; `cp` it to a file of its own, or format it through `-`"
        ));
    }
    if found.permissions().readonly() {
        return Err(format!("cannot write `{path}`: it is read-only"));
    }
    let beside = target.with_file_name(format!(".rbk-fmt-{:016x}", fastrand::u64(..)));
    let written = (|| {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(wrong)?;
        new.write_all(after.as_bytes()).map_err(wrong)?;
        like(&new, &found).map_err(wrong)?;
        let now = disk::bytes(path).map_err(wrong)?;
        if now == after.as_bytes() {
            return Ok(false);
        }
        if now != before.as_bytes() {
            return Err(format!("`{path}` is left as it is: somebody else has changed it meanwhile"));
        }
        std::fs::rename(&beside, &target).map_err(wrong)?;
        Ok(true)
    })();
    if !matches!(written, Ok(true)) {
        drop_file(&beside);
    }
    written.map(|_| ())
}

fn like(new: &File, old: &std::fs::Metadata) -> std::io::Result<()> {
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(old.permissions())
}

/// That a file of ours cannot be removed changes nothing of what is said.
fn drop_file(path: &Path) {
    let _ = std::fs::remove_file(path);
}
