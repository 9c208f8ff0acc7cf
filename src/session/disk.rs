//! Where `use` finds texts for the doors: `./…` is a file beside the one that uses it; `std/…` is embedded in `check`.
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};

use crate::check::Library;

#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Library for Disk {
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String> {
        if from.starts_with("<std>") {
            return Err("the standard library uses only `std/…`".to_owned());
        }
        if !(path.starts_with("./") || path.starts_with("../") || path.starts_with('/')) {
            return Err("a library is `std/NAME`, or a file like `./NAME.rbk`".to_owned());
        }
        let file = beside(from, path);
        let bytes = bytes(&file).map_err(|error| format!("cannot read `{file}`: {}", super::reason(&error)))?;
        let text = text(&file, bytes)?;
        Ok((file, text))
    }
}

/// The name of a file as used from another one.
pub(super) fn beside(from: &str, path: &str) -> String {
    let folder = if from == "<stdin>" { Path::new("") } else { Path::new(from).parent().unwrap_or(Path::new("")) };
    normal(&folder.join(path)).to_string_lossy().into_owned()
}

/// Of a file: a pipe could be waited for without end, a device has none.
#[allow(clippy::disallowed_methods, reason = "the waist reads the files that its doors name")]
pub(super) fn bytes(path: &str) -> std::io::Result<Vec<u8>> {
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        let what = if kind.is_fifo() { "a pipe" } else { "a device or a socket" };
        return Err(std::io::Error::other(format!("it is {what}, no file; `-` reads standard input")));
    }
    std::fs::read(path)
}

/// What a file says, or the place where it is no text.
pub(super) fn text(path: &str, bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let (good, _) = error.as_bytes().split_at_checked(error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        let start = good.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(good.get(start..).unwrap_or_default()).chars().count() + 1;
        format!("cannot read `{path}`: it is not UTF-8 text, at line {line}, column {column}")
    })
}

/// Without `.` and, where it is safe, `..`: one file has one name.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_that_is_no_text_has_the_place() {
        let read = |bytes: &[u8]| super::text("a.rbk", bytes.to_vec());
        assert_eq!(read("é\n".as_bytes()), Ok("é\n".to_owned()));
        let wrong = |place: &str| Err(format!("cannot read `a.rbk`: it is not UTF-8 text, at {place}"));
        assert_eq!(read(b"\xff"), wrong("line 1, column 1"));
        assert_eq!(read(b"a\nlog \"\xc3\xa9\xe9\"\n"), wrong("line 2, column 7"));
        assert_eq!(read(b"a\n\xc3"), wrong("line 2, column 1"));
    }
}
