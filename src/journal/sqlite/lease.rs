//! Who drives a run: a file that its process holds. It is there only while it is held, or after its holder died.
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::trouble::not_beside;
use crate::journal::{Holder, Trouble, trouble};
use crate::state::held;
use crate::value::{Nanos, Timestamp};

pub const ENDING: &str = "lease";
/// How often it is tried to take a file: one who only looks who holds it has it for an instant.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    /// Held until it is dropped.
    file: Flock<File>,
    says: Says,
    /// How far the running time was when the last holder died, as long as that has to be known.
    pub lived: Option<Nanos>,
}

impl Lease {
    /// Its holder drives the run, whose running time is this. In place, and always as long: whoever reads sees the old or the
    /// new one.
    pub fn lives(&mut self, at: Nanos) {
        self.lived = None;
        self.says.at = shown(at);
        if let Ok(text) = serde_json::to_vec(&self.says) {
            let _ = self.file.write_all_at(&text, 0);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Who did not go on with the run leaves what is known of the one that died.
        if self.lived.is_none() {
            // While it is still held: nobody else can have it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Says {
    v: u32,
    run: String,
    host: String,
    user: String,
    pid: i32,
    started: u64,
    /// When it was taken, in UTC, for people; absent where an older rbk took it.
    #[serde(default)]
    since: String,
    /// The running time of the run, as [`shown`]; absent as above.
    #[serde(default)]
    at: String,
}

/// As wide as the longest one.
fn shown(at: Nanos) -> String {
    format!("{:019}", at.0.max(0))
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
                let before: Option<Says> = held::read(&mut file);
                let lived = before.and_then(|before| before.at.parse().ok()).filter(|at| *at > 0).map(Nanos);
                let mut says = Says {
                    v: 1,
                    run: run.to_owned(),
                    host: holder.host_name.clone(),
                    user: holder.user.clone(),
                    pid: holder.pid,
                    started: holder.started,
                    since: String::new(),
                    at: shown(lived.unwrap_or_default()),
                };
                held::write(&mut file, &says).map_err(wrong)?;
                says.since = written(&file).unwrap_or_default();
                held::write(&mut file, &says).map_err(wrong)?;
                return Ok(Lease { path, file, says, lived });
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

/// By the clock of its disk.
fn written(file: &File) -> Option<String> {
    let time = Timestamp::try_from(file.metadata().ok()?.modified().ok()?).ok()?;
    Some(time.strftime("%F %T UTC").to_string())
}

/// Who drives the run now.
pub fn holder(dir: &Path, run: &str) -> Option<Holder> {
    said(dir, run).map(|(holder, _)| holder)
}

/// And since when.
fn said(dir: &Path, run: &str) -> Option<(Holder, Option<String>)> {
    let says: Says = locked(&dir.join(file_name(run))).and_then(|mut file| held::read(&mut file))?;
    let Says { host: host_name, user, pid, started, since, .. } = says;
    Some((Holder { host_name, user, pid, started }, Some(since).filter(|since| !since.is_empty())))
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
    match said(dir, run) {
        Some((by, since)) => trouble::driven(run, &by, since.as_deref(), &by.host_name),
        None => Trouble::new(format!("run {run} is driven by another process")).with_help("wait for its end"),
    }
}
