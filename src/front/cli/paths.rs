//! The files that paths of a command line mean.
use std::path::{Path, PathBuf};

use super::arguments::NOT_TEXT;
use super::complain;
use crate::report::diagnostics::Unread;
use crate::session;

/// Every file meant, sorted, each once; and the paths that could not be read, which are told.
pub fn files(paths: &[String]) -> (Vec<String>, Vec<Unread>) {
    let mut files = Vec::new();
    let mut unread = Vec::new();
    for path in paths {
        if path == "-" || !Path::new(path).is_dir() {
            files.push(path.clone());
            continue;
        }
        let (before, could) = (files.len(), unread.len());
        walk(Path::new(path), &mut files, &mut unread);
        if files.len() == before && unread.len() == could {
            unread.push(Unread { path: path.clone(), why: format!("no `*.rbk` file in `{path}`") });
        }
    }
    unread.iter().for_each(|unread| complain(&unread.why, None));
    files.sort();
    files.dedup();
    (files, unread)
}

/// Hidden directories and links to directories are passed over: a walk always ends. What cannot be read holds up nothing else.
fn walk(folder: &Path, files: &mut Vec<String>, unread: &mut Vec<Unread>) {
    let mut entries: Vec<PathBuf> = Vec::new();
    let read = std::fs::read_dir(folder).and_then(|found| {
        for entry in found {
            entries.push(entry?.path());
        }
        Ok(())
    });
    if let Err(error) = read {
        let path = folder.display().to_string();
        unread.push(Unread { why: format!("cannot read `{path}`: {}", session::reason(&error)), path });
    }
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            if !hidden && !path.is_symlink() {
                walk(&path, files, unread);
            }
        } else if path.extension().is_some_and(|extension| extension == "rbk") && !waits(&path) {
            match path.to_str() {
                Some(path) => files.push(path.to_owned()),
                None => {
                    let path = path.display().to_string();
                    unread.push(Unread { why: format!("cannot read `{path}`: {NOT_TEXT}"), path });
                }
            }
        }
    }
}

/// A pipe, a socket or a device: reading it may never end. A broken link is none, and told when it is read.
fn waits(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file())
}
