//! The nearest `rbk.toml`, beside a file or in a folder above it: what a project says for all its runbooks.
use std::path::{Path, PathBuf};

use super::{Disk, disk, reason};
use crate::check::Library;
use crate::lint::settings;
use crate::value::SmolStr;

/// Where `use` finds texts, and what the project knows only to read.
pub(super) struct Project {
    pub reads: Vec<SmolStr>,
}

impl Library for Project {
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String> {
        Disk.read(from, path)
    }

    fn reads(&self) -> &[SmolStr] {
        &self.reads
    }
}

/// Of the file that a person names.
///
/// # Errors
/// One line for a person: its `rbk.toml` cannot be read.
pub(super) fn of(path: &str) -> Result<Project, String> {
    let Some((_, name, text)) = nearest(&folder(path))? else { return Ok(Project { reads: Vec::new() }) };
    let reads = settings::reads(&text).map_err(|why| format!("`{name}`: {why}"))?;
    Ok(Project { reads })
}

/// Where a file is, whole; `-` is in this folder.
pub(super) fn folder(path: &str) -> PathBuf {
    if path == "-" { whole(".") } else { whole(path).parent().map(Path::to_path_buf).unwrap_or_default() }
}

/// Its folder, its name and its text.
///
/// # Errors
/// One line for a person: it is there and cannot be read.
pub(super) fn nearest(folder: &Path) -> Result<Option<(PathBuf, String, String)>, String> {
    for at in folder.ancestors() {
        let name = at.join("rbk.toml").to_string_lossy().into_owned();
        match disk::bytes(&name) {
            Ok(bytes) => {
                let text = disk::text(&name, bytes)?;
                return Ok(Some((at.to_path_buf(), name, text)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("cannot read `{name}`: {}", reason(&error))),
        }
    }
    Ok(None)
}

pub(super) fn whole(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path))
}
