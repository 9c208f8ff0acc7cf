//! What the environment of rbk sets otherwise. A setting that cannot be read is an error, never a silent default.
use std::time::Duration;

use crate::value::{Nanos, read};

/// # Errors
/// One line for a person.
pub fn duration(name: &str, otherwise: Duration) -> Result<Duration, String> {
    let Some(text) = text(name)? else { return Ok(otherwise) };
    match read::duration(&text) {
        Ok(length) if length >= Nanos(0) => Ok(length.std()),
        _ => Err(format!("the environment variable `{name}` is `{}`: write it as a duration, like `5s`", brief(&text))),
    }
}

/// A size in bytes.
///
/// # Errors
/// As [`duration`].
pub fn size(name: &str, otherwise: usize) -> Result<usize, String> {
    let Some(text) = text(name)? else { return Ok(otherwise) };
    let size = read::size(&text).ok().and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| {
        format!("the environment variable `{name}` is `{}`: write it as a size, like `1MiB`", brief(&text))
    })
}

#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
fn text(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the environment variable `{name}` is not UTF-8 text")),
    }
}

fn brief(text: &str) -> String {
    crate::value::show::brief(text)
}
