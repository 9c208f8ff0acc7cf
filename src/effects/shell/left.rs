//! What commands of an earlier process of the same run have left running: found by what they carry in their environment,
//! and by what was written down when they were started.
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use super::{Shell, system};
use crate::effects::{Alive, Left};
use crate::engine::CallId;

/// How long after KILL a process counts as one that cannot be ended.
const AFTER_KILL: Duration = Duration::from_secs(5);
/// What was written down is at most so much before the real start, in hundredths of a second.
const CLOSE: u64 = 200;
const LOOK: Duration = Duration::from_millis(20);

/// A process that a call has left running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Living {
    pub call: CallId,
    pub pid: i32,
    /// Of its program. Its arguments may hold secrets of its run.
    pub name: String,
}

impl std::fmt::Display for Living {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` (pid {})", self.name, self.pid)
    }
}

/// Of what calls these are asked for.
pub type Calls<'a> = &'a dyn Fn(CallId) -> bool;

/// What these calls of a run have left running on this machine: the first process of each.
#[must_use]
pub fn living(run: &str, calls: Calls<'_>) -> Vec<Living> {
    let mut found = left(run, calls);
    found.sort_by_key(|(pid, started, call)| (*call, *started, *pid));
    found.dedup_by_key(|(_, _, call)| *call);
    let named = |(pid, _, call)| Living { call, pid, name: system::name(pid) };
    found.into_iter().map(named).collect()
}

/// End what these calls of a run have left, TERM, grace, KILL, and wait for its end.
async fn end(run: &str, calls: Calls<'_>, grace: Duration) -> Left {
    let was = living(run, calls);
    let alive = if was.is_empty() { Vec::new() } else { ended(run, calls, grace).await };
    let ended = was.into_iter().filter(|was| alive.iter().all(|(call, _)| *call != was.call)).collect();
    Left { ended, alive }
}

/// What could not be ended.
async fn ended(run: &str, calls: Calls<'_>, grace: Duration) -> Alive {
    let hard = Instant::now() + grace;
    let mut told: BTreeMap<i32, u64> = BTreeMap::new();
    while Instant::now() < hard {
        let left = left(run, calls);
        if left.is_empty() {
            return Vec::new();
        }
        for (pid, started, _) in left {
            if told.insert(pid, started) != Some(started) {
                send(pid, Signal::SIGTERM);
                send(pid, Signal::SIGCONT);
            }
        }
        sleep(LOOK).await;
    }
    let last = Instant::now() + AFTER_KILL;
    loop {
        let left = left(run, calls);
        if left.is_empty() || Instant::now() >= last {
            return left.into_iter().map(|(pid, _, call)| (call, format!("pid {pid}"))).collect();
        }
        left.iter().for_each(|(pid, _, _)| send(*pid, Signal::SIGKILL));
        sleep(LOOK).await;
    }
}

#[allow(clippy::disallowed_methods, reason = "what the run has started is kept beside its journal")]
impl Shell {
    /// End what these calls have left, of this run where no other one is named.
    pub async fn end_left(&self, run: Option<&str>, calls: Calls<'_>) -> Left {
        end(run.unwrap_or(&self.run), calls, self.grace).await
    }

    /// From now on what is started is written down, so that it is found again even without its environment.
    pub fn note_processes(&self) {
        let Some(file) = noted(&self.run) else { return };
        // Without it what clears its environment is not found again; nothing else changes.
        let opened = file
            .parent()
            .map(crate::state::private)
            .transpose()
            .and_then(|_| std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&file));
        *self.notes.borrow_mut() = opened.ok();
    }

    /// A command was started.
    pub(super) fn note(&self, call: CallId, pid: i32, started: u64) {
        if let Some(file) = &mut *self.notes.borrow_mut() {
            let _ = file.write_all(format!("{} {pid} {started}\n", call.0).as_bytes());
        }
    }

    /// The run is over: nothing of it will be looked for.
    pub fn forget_processes(&self) {
        if self.notes.borrow_mut().take().is_some()
            && let Some(file) = noted(&self.run)
        {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Where the processes of a run are written down: call, pid, start.
fn noted(run: &str) -> Option<PathBuf> {
    Some(crate::state::dir()?.join("processes").join(run))
}

/// Those that were written down of these calls; on another boot there are none.
#[allow(clippy::disallowed_methods, reason = "what the run has started is kept beside its journal")]
fn roots(run: &str, calls: Calls<'_>) -> Vec<(CallId, i32, u64)> {
    let text = noted(run).and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let read = |line: &str| {
        let mut words = line.split(' ');
        let call = CallId(words.next()?.parse().ok()?);
        Some((call, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    text.lines().filter_map(read).filter(|(call, _, _)| calls(*call)).collect()
}

/// The live processes that carry this run and one of these calls, each with when it started.
fn left(run: &str, calls: Calls<'_>) -> Vec<(i32, u64, CallId)> {
    let action = format!("RBK_ACTION={run}/");
    let processes = system::processes();
    let mut roots = roots(run, calls);
    // A number that was given to another process since is not ours.
    roots.retain(|(_, pid, started)| {
        let now = processes.iter().find(|process| process.pid == *pid);
        now.is_none_or(|process| (*started..started + CLOSE).contains(&process.started))
    });
    let mut found = Vec::new();
    for process in processes.into_iter().filter(|process| !process.zombie) {
        // The command itself, or one of its group or session: it was made the first of its group.
        let root = roots.iter().find(|(_, pid, started)| {
            let of = process.pid == *pid || process.group == *pid || process.session == *pid;
            of && process.started >= *started
        });
        if let Some((call, _, _)) = root {
            found.push((process.pid, process.started, *call));
            continue;
        }
        let Some(pairs) = system::environment(process.pid) else { continue };
        if !pairs.iter().any(|pair| pair.starts_with(action.as_bytes())) {
            continue;
        }
        let call = pairs.iter().find_map(|pair| pair.strip_prefix(b"RBK_CALL="));
        let call = call.and_then(|text| std::str::from_utf8(text).ok()).and_then(|text| text.parse().ok());
        if let Some(call) = call.map(CallId).filter(|call| calls(*call)) {
            found.push((process.pid, process.started, call));
        }
    }
    found
}

fn send(pid: i32, signal: Signal) {
    // One that has just ended: the next look tells.
    let _ = kill(Pid::from_raw(pid), signal);
}
