//! Who drives a run: a file that its process holds. It is there only while it is held, or after its holder died.
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::trouble::not_beside;
use crate::journal::{Holder, Trouble, trouble};
use crate::state::held;
use crate::value::Timestamp;

pub const ENDING: &str = "lease";
/// How often it is tried to take a file: one who only looks who holds it has it for an instant.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    /// Held until it is dropped.
    _file: Flock<File>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // While it is still held: nobody else can have it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
struct Says {
    v: u32,
    run: String,
    host: String,
    user: String,
    pid: i32,
    started: u64,
}

fn file_name(run: &str) -> String {
    held::file_name(run, ENDING)
}

/// Hold it, for as long as what comes back lives.
pub fn take(dir: &Path, run: &str, holder: &Holder) -> Result<Lease, Trouble> {
    let path = dir.join(file_name(run));
    let wrong = |e: std::io::Error| not_beside(dir, &e);
    for _ in 0..TRIES {
        let file = held::open(dir, &file_name(run)).map_err(wrong)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                // One that was removed in between is held by nobody else and means nothing.
                if !is_at(&file, &path) {
                    continue;
                }
                let says = Says {
                    v: 1,
                    run: run.to_owned(),
                    host: holder.host_name.clone(),
                    user: holder.user.clone(),
                    pid: holder.pid,
                    started: holder.started,
                };
                held::write(&mut file, &says).map_err(wrong)?;
                return Ok(Lease { path, _file: file });
            }
            Err((_, Errno::EWOULDBLOCK)) => std::thread::sleep(PAUSE),
            Err((_, e)) => return Err(wrong(e.into())),
        }
    }
    Err(driven(dir, run))
}

fn is_at(file: &File, path: &Path) -> bool {
    let same = |a: &Metadata, b: &Metadata| a.ino() == b.ino() && a.dev() == b.dev();
    matches!((file.metadata(), std::fs::metadata(path)), (Ok(held), Ok(there)) if same(&held, &there))
}

/// Who drives the run now.
pub fn holder(dir: &Path, run: &str) -> Option<Holder> {
    locked(&dir.join(file_name(run))).and_then(|mut file| held::read(&mut file)).map(|says: Says| Holder {
        host_name: says.host,
        user: says.user,
        pid: says.pid,
        started: says.started,
    })
}

/// The file, when a process holds it.
pub fn locked(path: &Path) -> Option<File> {
    let file = OpenOptions::new().read(true).open(path).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Err((file, Errno::EWOULDBLOCK)) => Some(file),
        Ok(_) | Err(_) => None,
    }
}

fn driven(dir: &Path, run: &str) -> Trouble {
    let since = std::fs::metadata(dir.join(file_name(run))).and_then(|file| file.modified()).ok();
    let since = since.and_then(|time| Timestamp::try_from(time).ok());
    let since = since.map(|time| time.strftime("%F %T UTC").to_string());
    match holder(dir, run) {
        Some(by) => trouble::driven(run, &by, since.as_deref(), &by.host_name),
        None => Trouble::new(format!("run {run} is driven by another process")).with_help("wait for its end"),
    }
}
