//! A file that a person asked for.
use std::fs::OpenOptions;
use std::io::Write;

use super::reason;
use crate::journal::Trouble;

/// What becomes of a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Refuse,
    Write,
}

/// `anew`: the order that writes over a file.
///
/// # Errors
/// It is there already, or cannot be written.
#[allow(clippy::disallowed_methods, reason = "the waist writes the files of its doors")]
pub fn write(file: &str, text: &str, over: Over, anew: &str) -> Result<(), Trouble> {
    let mut options = OpenOptions::new();
    match over {
        Over::Refuse => options.write(true).create_new(true),
        Over::Write => options.write(true).create(true).truncate(true),
    };
    let written = options.open(file).and_then(|mut to| to.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Trouble::new(format!("`{file}` is there already, and stays as it is"))
            .with_help(format!("`{anew} {file}` writes it anew")),
        _ => Trouble::new(format!("cannot write `{file}`: {}", reason(&error))),
    })
}
