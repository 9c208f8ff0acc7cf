//! Which journal: the environment says it.
use std::path::{Path, PathBuf};

use super::seal::Key;
use super::sqlite::Sqlite;
use super::{Store, Trouble};
use crate::state;

/// Which file is the journal.
pub enum Which {
    /// A person named it.
    Named(PathBuf),
    /// `journal.db` in rbk's own directory.
    Own(PathBuf),
}

impl Which {
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Which::Named(path) | Which::Own(path) => path,
        }
    }

    /// Whether a run was kept in it. A log without its file is one that was.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let mut log = self.path().as_os_str().to_owned();
        log.push("-wal");
        self.path().symlink_metadata().is_ok() || Path::new(&log).exists()
    }
}

/// This file; without one the one that `RBK_JOURNAL` names, else rbk's own.
///
/// # Errors
/// rbk has no directory.
#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
pub fn which(file: Option<&Path>) -> Result<Which, Trouble> {
    let named = std::env::var_os("RBK_JOURNAL").filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(path) = file.map(Path::to_owned).or(named) {
        return Ok(Which::Named(path));
    }
    let own = state::dir().map(|dir| Which::Own(dir.join("journal.db")));
    own.ok_or_else(|| {
        Trouble::new("there is no place for the journal").with_help("set `RBK_JOURNAL`, `RBK_STATE_DIR` or `HOME`")
    })
}

/// The journal in this file, made when it is not there. Its secrets under `RBK_JOURNAL_KEY`.
///
/// # Errors
/// It cannot be made or used, and why.
#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
pub fn open(path: &Path) -> Result<Box<dyn Store>, Trouble> {
    let key = match std::env::var("RBK_JOURNAL_KEY") {
        Ok(text) => Key::new(&text),
        Err(std::env::VarError::NotPresent) => None,
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Trouble::new("`RBK_JOURNAL_KEY` is not UTF-8 text")
                .with_help("give 32 bytes as Base64, or a passphrase"));
        }
    };
    Ok(Box::new(Sqlite::open(path, key)?))
}
