//! What commands of an earlier process of the same run have left running: found by what they carry in their environment.
use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use super::{Shell, system};
use crate::effects::Alive;
use crate::engine::CallId;

/// How long after KILL a process counts as one that cannot be ended.
const AFTER_KILL: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

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

    /// The live processes that carry this run and one of these calls, each with when it started.
    fn left(&self, calls: &[CallId]) -> Vec<(i32, u64, CallId)> {
        let action = format!("RBK_ACTION={}/", self.run);
        let mut found = Vec::new();
        for process in system::processes().into_iter().filter(|process| !process.zombie) {
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
