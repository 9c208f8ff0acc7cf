//! Where `use` finds texts for the doors: `./…` is a file beside the one that uses it; `std/…` is embedded in `check`.
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
        let beside = if from == "<stdin>" { Path::new("") } else { Path::new(from).parent().unwrap_or(Path::new("")) };
        let file = normal(&beside.join(path)).to_string_lossy().into_owned();
        let bytes = bytes(&file).map_err(|error| format!("cannot read `{file}`: {}", super::reason(&error)))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("cannot read `{file}`: it is not UTF-8 text"))?;
        Ok((file, text))
    }
}

#[allow(clippy::disallowed_methods, reason = "the waist reads the files that its doors name")]
pub(super) fn bytes(path: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
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
