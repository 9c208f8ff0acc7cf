//! Entries and heads ↔ bytes: one line of JSON each, in shapes of its own that change only with [`VERSION`]. In: entries,
//! and what may not stand in the clear. Out: text in which no known secret stands.
mod entry;
mod event;
mod head;
mod leaf;
mod outcome;
mod value;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use event::printed;
pub use head::{Head, TextRef, head, read_head};
pub use leaf::{Hide, Show};
pub use value::time;

use super::{Entry, Trouble};

/// Of what is written; every older one is read.
pub const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<T> {
    v: u32,
    is: T,
}

/// What an entry says, its secrets still sealed.
pub struct Sealed(entry::Wire);

/// # Errors
/// A secret cannot be sealed.
pub fn write(entry: &Entry, hide: &Hide<'_>) -> Result<Vec<u8>, Trouble> {
    to_bytes(entry::wire(entry, hide)?)
}

/// # Errors
/// A newer rbk wrote it.
pub fn read(bytes: &[u8]) -> Result<Sealed, Trouble> {
    from_bytes(bytes).map(Sealed)
}

/// # Errors
/// The key is another one, or a newer rbk wrote it.
pub fn open(sealed: Sealed, show: &Show<'_>) -> Result<Entry, Trouble> {
    entry::entry(sealed.0, show)
}

fn to_bytes<T: Serialize>(is: T) -> Result<Vec<u8>, Trouble> {
    serde_json::to_vec(&Record { v: VERSION, is }).map_err(|e| Trouble::new(format!("it cannot be written: {e}")))
}

/// The bytes are those that were once written: what is not understood is newer than this rbk.
fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Trouble> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // A value is as deep as the program made it.
    reader.disable_recursion_limit();
    match Record::<T>::deserialize(&mut reader) {
        Ok(record) if record.v <= VERSION => Ok(record.is),
        Ok(record) => Err(newer(record.v, "")),
        Err(e) => Err(newer(version(bytes), &e.to_string())),
    }
}

fn version(bytes: &[u8]) -> u32 {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    serde_json::from_slice(bytes).map_or(0, |version: Version| version.v)
}

fn newer(found: u32, why: &str) -> Trouble {
    let mine = env!("CARGO_PKG_VERSION");
    let what = match found {
        0 => format!("it is no record: {why}"),
        found if found > VERSION => {
            format!("a newer rbk wrote it (records of version {found}; rbk {mine} reads up to {VERSION})")
        }
        _ => format!("a newer rbk than {mine} wrote it: {why}"),
    };
    Trouble::new(what).with_help("use the newest rbk that has worked with this journal")
}
