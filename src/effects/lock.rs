//! One run at a time holds a name: a file in the state directory, locked by this process for as long as it lives.
//! The kernel gives it back when the process ends, however it ends.
use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use serde::{Deserialize, Serialize};

use crate::effects::{Cancel, Chunk, Output, Stream, shell};
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome, What};
use crate::state::held;
use crate::value::{SmolStr, Timestamp, Value};

/// Who holds a lock, as its file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Holder {
    v: u32,
    lock: String,
    run: String,
    pid: i32,
    /// With the pid it names a process for ever: a number that was given to another is not stopped.
    started: u64,
    since: String,
    /// The run it was taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_from: Option<String>,
}

/// That a run waits for a lock which another one has, and has asked that one to end: its own word, in a file beside the
/// lock's, for as long as it waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    pub lock: String,
    pub run: String,
    pub user: String,
    pid: i32,
    started: u64,
}

/// Gone with this.
struct Waiting(PathBuf);

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The locks of one run; they go with it, or when it gives one back.
#[derive(Debug)]
pub struct Locks {
    run: SmolStr,
    /// Absent: no place for state is known.
    dir: Option<PathBuf>,
    held: RefCell<Vec<Held>>,
}

#[derive(Debug)]
struct Held {
    name: String,
    _file: Flock<File>,
}

impl Locks {
    #[must_use]
    pub fn new(run: SmolStr, dir: Option<PathBuf>) -> Locks {
        Locks { run, dir, held: RefCell::new(Vec::new()) }
    }

    /// Take a lock, for the rest of the process.
    pub async fn call(&self, call: &Call, mut cancel: Cancel, output: Output) -> Outcome {
        let What::Lock { name, takeover } = &call.what else {
            return none(failed("this call takes no lock"));
        };
        if self.held.borrow().iter().any(|h| h.name == *name) {
            return Outcome::done(Value::Null);
        }
        let mut file = match self.open(name) {
            Ok(file) => file,
            Err(failure) => return none(failure),
        };
        let mut told: Option<Holder> = None;
        let mut waiting = None;
        loop {
            file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => {
                    drop(waiting);
                    return self.taken(name, lock, told);
                }
                Err((file, nix::errno::Errno::EWOULDBLOCK)) => file,
                Err((_, e)) => return none(failed(format!("the lock `{name}` cannot be taken: {e}"))),
            };
            if cancel.is_cancelled() {
                let kind = FailureKind::Cancelled;
                return none(Failure::new(kind, format!("cancelled while the lock `{name}` was waited for")));
            }
            let holder: Option<Holder> = held::read(&mut file);
            if !takeover {
                return none(refused(name, holder.as_ref()));
            }
            // Whoever holds it now is told once; the file is empty for an instant after it was taken.
            if let Some(holder) = holder
                && shell::started(holder.pid) == holder.started
                && told.as_ref().is_none_or(|t| t.pid != holder.pid)
            {
                waiting = waiting.or_else(|| self.wait(name));
                if let Err(e) = stop(&holder) {
                    return none(failed(format!(
                        "run {} (pid {}) holds the lock `{name}` and cannot be stopped: {e}",
                        holder.run, holder.pid
                    )));
                }
                say(
                    &output,
                    format!(
                        "taking the lock `{name}` over from run {} (pid {}): waiting for its end\n",
                        holder.run, holder.pid
                    ),
                );
                told = Some(holder);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
                () = cancel.cancelled() => {}
            }
        }
    }

    /// Say who waits, before its holder is asked to end. Without it that one only knows that it was asked.
    #[allow(clippy::disallowed_methods, reason = "a file beside the lock's")]
    fn wait(&self, name: &str) -> Option<Waiting> {
        let uid = Uid::effective();
        let user = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
        let pid = Pid::this().as_raw();
        let run = self.run.to_string();
        let claim = Claim { lock: name.to_owned(), run, user, pid, started: shell::started(pid) };
        let path = self.claim(name)?;
        std::fs::write(&path, serde_json::to_vec(&claim).ok()?).ok()?;
        Some(Waiting(path))
    }

    fn claim(&self, name: &str) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join("locks").join(held::file_name(name, "wanted")))
    }

    /// Who waits for a lock of this run.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "a file beside the lock's")]
    pub fn claimed(&self) -> Option<Claim> {
        self.held.borrow().iter().find_map(|held| {
            let claim: Claim = serde_json::from_slice(&std::fs::read(self.claim(&held.name)?).ok()?).ok()?;
            // One that was killed has left its word.
            (claim.lock == held.name && shell::started(claim.pid) == claim.started).then_some(claim)
        })
    }

    /// Give it back.
    pub fn release(&self, name: &str) {
        self.held.borrow_mut().retain(|held| held.name != name);
    }

    fn open(&self, name: &str) -> Result<File, Failure> {
        let Some(dir) = &self.dir else {
            return Err(failed("there is no place for the lock's file").with_help("set `RBK_STATE_DIR` or `HOME`"));
        };
        let locks = dir.join("locks");
        held::open(&locks, &held::file_name(name, "lock")).map_err(|e| {
            failed(format!("the lock `{name}` cannot be taken: `{}`: {e}", locks.display()))
                .with_help("set `RBK_STATE_DIR` to a directory of your own on a local disk")
        })
    }

    #[allow(clippy::disallowed_methods, reason = "since when, for people")]
    fn taken(&self, name: &str, mut file: Flock<File>, from: Option<Holder>) -> Outcome {
        let mine = Holder {
            v: 1,
            lock: name.to_owned(),
            run: self.run.to_string(),
            pid: Pid::this().as_raw(),
            started: shell::started(Pid::this().as_raw()),
            since: Timestamp::now().strftime("%F %T UTC").to_string(),
            taken_from: from.as_ref().map(|h| h.run.clone()),
        };
        if let Err(e) = held::write(&mut file, &mine) {
            return none(failed(format!("the lock `{name}` cannot be taken: its file cannot be written: {e}")));
        }
        self.held.borrow_mut().push(Held { name: name.to_owned(), _file: file });
        Outcome::done(match from {
            Some(holder) => Value::record([
                ("taken_from".into(), Value::str(holder.run)),
                ("pid".into(), Value::Int(holder.pid.into())),
                ("since".into(), Value::str(holder.since)),
            ]),
            None => Value::Null,
        })
    }
}

/// As the first signal does: it unwinds and ends. One that was stopped by Ctrl-Z goes on to do so.
fn stop(holder: &Holder) -> nix::Result<()> {
    let pid = Pid::from_raw(holder.pid);
    if holder.pid <= 1 {
        return Err(nix::errno::Errno::ESRCH);
    }
    kill(pid, Signal::SIGTERM)?;
    kill(pid, Signal::SIGCONT)
}

fn say(output: &Output, text: String) {
    // A watcher too slow for one line misses it; the takeover itself is in the outcome.
    let _ = output.to.try_send(Chunk { call: output.call, stream: Stream::Err, bytes: text.into_bytes() });
}

fn refused(name: &str, holder: Option<&Holder>) -> Failure {
    match holder {
        Some(h) => failed(format!("the lock `{name}` is held by run {} (pid {}, since {})", h.run, h.pid, h.since))
            .with_help(format!("wait for its end, or stop it: `kill {}` makes it undo what it did (a console is left as it is, for `rbk repl --resume`)", h.pid)),
        None => failed(format!("the lock `{name}` is held by another run")).with_help("wait for its end"),
    }
}

fn failed(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Failed, message)
}

fn none(failure: Failure) -> Outcome {
    Outcome::failed(Ending::None, failure)
}
