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
use crate::effects::Alive;
use crate::engine::CallId;

/// How long after KILL a process counts as one that cannot be ended.
const AFTER_KILL: Duration = Duration::from_secs(5);
/// What was written down is at most so much before the real start, in hundredths of a second.
const CLOSE: u64 = 200;
const LOOK: Duration = Duration::from_millis(20);

#[allow(clippy::disallowed_methods, reason = "what the run has started is kept beside its journal")]
impl Shell {
    /// End what these calls have left, TERM, grace, KILL, and wait for its end. What could not be ended comes back.
    pub async fn end_left(&self, calls: &[CallId]) -> Alive {
        if self.left(calls).is_empty() {
            return Vec::new();
        }
        let hard = Instant::now() + self.grace;
        let mut told: BTreeMap<i32, u64> = BTreeMap::new();
        while Instant::now() < hard {
            let left = self.left(calls);
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
            let left = self.left(calls);
            if left.is_empty() || Instant::now() >= last {
                return left.into_iter().map(|(pid, _, call)| (call, format!("pid {pid}"))).collect();
            }
            left.iter().for_each(|(pid, _, _)| send(*pid, Signal::SIGKILL));
            sleep(LOOK).await;
        }
    }

    /// From now on what is started is written down, so that it is found again even without its environment.
    pub fn note_processes(&self) {
        let Some(file) = self.noted() else { return };
        // Without it what clears its environment is not found again; nothing else changes.
        let opened = file
            .parent()
            .map(crate::state::private)
            .transpose()
            .and_then(|_| std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&file));
        *self.notes.borrow_mut() = opened.ok();
    }

    /// Where the processes of this run are written down: call, pid, start.
    fn noted(&self) -> Option<PathBuf> {
        Some(crate::state::dir()?.join("processes").join(self.run.as_str()))
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
            && let Some(file) = self.noted()
        {
            let _ = std::fs::remove_file(file);
        }
    }

    /// Those that were written down of these calls; on another boot there are none.
    fn roots(&self, calls: &[CallId]) -> Vec<(CallId, i32, u64)> {
        let text = self.noted().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let read = |line: &str| {
            let mut words = line.split(' ');
            let call = CallId(words.next()?.parse().ok()?);
            Some((call, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        };
        text.lines().filter_map(read).filter(|(call, _, _)| calls.contains(call)).collect()
    }

    /// The live processes that carry this run and one of these calls, each with when it started.
    fn left(&self, calls: &[CallId]) -> Vec<(i32, u64, CallId)> {
        let action = format!("RBK_ACTION={}/", self.run);
        let processes = system::processes();
        let mut roots = self.roots(calls);
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
            if let Some(call) = call.map(CallId).filter(|call| calls.contains(call)) {
                found.push((process.pid, process.started, call));
            }
        }
        found
    }
}

fn send(pid: i32, signal: Signal) {
    // One that has just ended: the next look tells.
    let _ = kill(Pid::from_raw(pid), signal);
}
