//! Which journal: the command line or the environment says it.
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::postgres::{LEASE, Postgres};
use super::seal::Key;
use super::sqlite::Sqlite;
use super::{Store, Trouble};
use crate::state;
use crate::value::{Type, Value, credentials, read};

/// Where the journal is.
pub enum Which {
    /// A file that a person named.
    Named(PathBuf),
    /// `journal.db` in rbk's own directory.
    Own(PathBuf),
    /// A team's: `postgres://…`.
    Team(String),
}

impl Which {
    /// For people: a file, or a URL without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Which::Named(path) | Which::Own(path) => path.display().to_string(),
            Which::Team(url) => credentials::shown(url),
        }
    }

    /// Whether a run may have been kept in it. A log without its file is one that was; of a team's only its server knows.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let path = match self {
            Which::Named(path) | Which::Own(path) => path,
            Which::Team(_) => return true,
        };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        path.symlink_metadata().is_ok() || Path::new(&log).exists()
    }
}

/// The one that is named, a file or `postgres://…`; without one the one that `RBK_JOURNAL` names, else rbk's own.
///
/// # Errors
/// It is another kind of place, or rbk has no directory.
pub fn which(named: Option<&str>) -> Result<Which, Trouble> {
    let Some(named) = named.map(OsString::from).or_else(|| variable("RBK_JOURNAL")) else {
        let own = state::dir().map(|dir| Which::Own(dir.join("journal.db")));
        return own.ok_or_else(|| {
            Trouble::new("there is no place for the journal").with_help("set `RBK_JOURNAL`, `RBK_STATE_DIR` or `HOME`")
        });
    };
    match named.to_str().and_then(|place| place.split_once("://").map(|(scheme, _)| (scheme, place))) {
        Some(("postgres" | "postgresql", url)) => Ok(Which::Team(url.to_owned())),
        Some((_, url)) => {
            let message = format!("the journal `{}` is no file and no Postgres database", credentials::shown(url));
            Err(Trouble::new(message).with_help("name a file, `postgres://…`, or `--journal none`"))
        }
        None => Ok(Which::Named(named.into())),
    }
}

/// The journal there, made when it is not there. Its secrets under `RBK_JOURNAL_KEY`.
///
/// # Errors
/// It cannot be made or used, and why.
pub fn open(which: &Which) -> Result<Box<dyn Store>, Trouble> {
    let key = match variable("RBK_JOURNAL_KEY").map(OsString::into_string) {
        Some(Ok(text)) => Key::new(&text),
        Some(Err(_)) => {
            return Err(Trouble::new("`RBK_JOURNAL_KEY` is not UTF-8 text")
                .with_help("give 32 bytes as Base64, or a passphrase"));
        }
        None => None,
    };
    match which {
        Which::Named(path) | Which::Own(path) => Ok(Box::new(Sqlite::open(path, key)?)),
        Which::Team(url) => Ok(Box::new(Postgres::open(url, key, lease()?)?)),
    }
}

/// How long a process of a team's journal may be silent before another one can have its run.
fn lease() -> Result<Duration, Trouble> {
    let Some(text) = variable("RBK_JOURNAL_LEASE") else { return Ok(LEASE) };
    match text.to_str().map(|text| read::read(&Type::Duration, text)) {
        Some(Ok(Value::Duration(length))) if (1..=3600).contains(&length.std().as_secs()) => Ok(length.std()),
        _ => Err(Trouble::new("`RBK_JOURNAL_LEASE` is no length of time between 1s and 1h")
            .with_help(format!("write it like `30s`; without it a lease lasts {}s", LEASE.as_secs()))),
    }
}

#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| value.as_os_str() != OsStr::new(""))
}
