//! A file that one process holds for as long as it lives, and what it says of itself in there. The kernel gives it back when
//! the process ends, however it ends; a stopped process keeps it.
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What does not stand in a file name as it is.
const STRANGE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The file, made when it is not there; its directory for this user alone.
///
/// # Errors
/// The directory or the file cannot be made.
pub fn open(dir: &Path, name: &str) -> std::io::Result<File> {
    super::private(dir)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(dir.join(name))
}

/// A name may hold anything; a file name not. Equal names are equal files, different ones never.
#[must_use]
pub fn file_name(name: &str, ending: &str) -> String {
    let plain = utf8_percent_encode(name, STRANGE).to_string();
    if plain.len() <= 200 {
        return format!("{plain}.{ending}");
    }
    let digest = <sha2::Sha256 as sha2::Digest>::digest(name.as_bytes());
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    format!("={hex}.{ending}")
}

/// What its holder wrote; nothing for an instant after it was taken.
pub fn read<T: DeserializeOwned>(file: &mut File) -> Option<T> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// # Errors
/// The file cannot be written.
pub fn write<T: Serialize>(file: &mut File, holder: &T) -> std::io::Result<()> {
    let text = serde_json::to_vec(holder)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&text)
}
