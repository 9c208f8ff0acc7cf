//! Room kept back, so that a run can be unwound on a full disk.
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::trouble::not_beside;
use crate::journal::Trouble;
use crate::state::held;

pub const ENDING: &str = "reserve";
/// Bytes.
const SIZE: u32 = 1 << 20;

/// A file of that size. It stays when the process dies: the run is still to be unwound.
#[derive(Debug)]
pub struct Reserve(PathBuf);

pub fn file_name(run: &str) -> String {
    held::file_name(run, ENDING)
}

impl Reserve {
    pub fn make(dir: &Path, run: &str) -> Result<Reserve, Trouble> {
        let path = dir.join(file_name(run));
        match fill(dir, &path) {
            Ok(()) => Ok(Reserve(path)),
            Err(e) => {
                let _ = std::fs::remove_file(&path);
                Err(not_beside(dir, &e))
            }
        }
    }

    /// The one that is there, if it is.
    pub fn of(dir: &Path, run: &str) -> Reserve {
        Reserve(dir.join(file_name(run)))
    }

    pub fn give_back(self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A run that leaves something to do, or left it when its journal went.
pub fn any(dir: &Path) -> Option<String> {
    let names = std::fs::read_dir(dir).ok()?.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| Some(name.strip_suffix(ENDING)?.strip_suffix('.')?.to_owned())).max()
}

fn fill(dir: &Path, path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let is = file.metadata()?;
    if is.len() >= SIZE.into() && is.blocks() * 512 >= SIZE.into() {
        return Ok(());
    }
    allocate(&file)
}

#[cfg(target_os = "linux")]
fn allocate(file: &File) -> std::io::Result<()> {
    Ok(nix::fcntl::posix_fallocate(file, 0, SIZE.into())?)
}

#[cfg(not(target_os = "linux"))]
fn allocate(mut file: &File) -> std::io::Result<()> {
    std::io::Write::write_all(&mut file, &vec![0; SIZE as usize])?;
    file.sync_all()
}
