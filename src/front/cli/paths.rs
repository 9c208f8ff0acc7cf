//! The files that paths of a command line mean.
use std::path::{Path, PathBuf};

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
        let before = files.len();
        let walked = walk(Path::new(path), &mut files);
        let empty = || (files.len() == before).then(|| format!("no `*.rbk` file in `{path}`"));
        if let Some(why) = walked.err().or_else(empty) {
            complain(&why, None);
            unread.push(Unread { path: path.clone(), why });
        }
    }
    files.sort();
    files.dedup();
    (files, unread)
}

/// Hidden directories and links to directories are passed over: a walk always ends.
fn walk(folder: &Path, files: &mut Vec<String>) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("cannot read `{}`: {}", folder.display(), session::reason(&error));
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        entries.push(entry.map_err(wrong)?.path());
    }
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            if !hidden && !path.is_symlink() {
                walk(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rbk") && !waits(&path) {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// A pipe, a socket or a device: reading it may never end. A broken link is none, and told when it is read.
fn waits(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file())
}
