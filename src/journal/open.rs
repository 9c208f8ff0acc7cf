//! Which journal: the environment says it.
use std::path::{Path, PathBuf};

use super::seal::Key;
use super::sqlite::Sqlite;
use super::{Store, Trouble};
use crate::state;

/// The journal in this file; without one the one that `RBK_JOURNAL` names, else `journal.db` in rbk's own directory. Its
/// secrets under `RBK_JOURNAL_KEY`.
///
/// # Errors
/// It cannot be made or used, and why.
#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
pub fn open(file: Option<&Path>) -> Result<Box<dyn Store>, Trouble> {
    let named = std::env::var_os("RBK_JOURNAL").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = file
        .map(Path::to_owned)
        .or(named)
        .or_else(|| state::dir().map(|dir| dir.join("journal.db")))
        .ok_or_else(|| {
            Trouble::new("there is no place for the journal").with_help("set `RBK_JOURNAL`, `RBK_STATE_DIR` or `HOME`")
        })?;
    let key = match std::env::var("RBK_JOURNAL_KEY") {
        Ok(text) => Key::new(&text),
        Err(std::env::VarError::NotPresent) => None,
        Err(std::env::VarError::NotUnicode(_)) => {
            return Err(Trouble::new("`RBK_JOURNAL_KEY` is not UTF-8 text")
                .with_help("give 32 bytes as Base64, or a passphrase"));
        }
    };
    Ok(Box::new(Sqlite::open(&path, key)?))
}
