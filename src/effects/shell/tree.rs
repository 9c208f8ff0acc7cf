//! A command's tree: its children, theirs, and those that left it by `setsid` or a double fork. TERM, grace, KILL.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::time::Instant;

use super::system::{self, Process};
use crate::effects::Cancel;

/// How long after KILL a process counts as one that cannot be ended.
const AFTER_KILL: Duration = Duration::from_secs(5);

/// The direct children of calls that run now, for whoever buries adopted ones or stops them all.
static LIVE: Mutex<BTreeMap<i32, Live>> = Mutex::new(BTreeMap::new());

#[derive(Clone, Copy)]
struct Live {
    /// No other command has run beside it.
    alone: bool,
}

/// Processes that rbk keeps for itself, and that belong to no command.
static HELD: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn held() -> MutexGuard<'static, BTreeSet<i32>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that no command's end reaches, and that nobody else waits for, while this lives.
#[derive(Debug)]
pub struct Held(i32);

impl Held {
    /// Start one.
    ///
    /// # Errors
    /// As the spawn.
    pub fn start(command: &mut tokio::process::Command) -> std::io::Result<(Held, Child)> {
        let mut held = held();
        let child = command.spawn()?;
        let pid = pid(&child);
        held.insert(pid);
        Ok((Held(pid), child))
    }

    /// One that runs already.
    pub fn hold(child: &Child) -> Held {
        held().insert(pid(child));
        Held(pid(child))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        held().remove(&self.0);
    }
}

/// 0 when it has been waited for.
fn pid(child: &Child) -> i32 {
    child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or(0)
}

fn live() -> MutexGuard<'static, BTreeMap<i32, Live>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wait for adopted processes that have ended, up to the first that somebody else here waits for: one call to the system.
pub fn reap() {
    reaping(|own| {
        system::reap_first(own);
    });
}

/// Wait for adopted processes that have ended.
pub fn reap_all() {
    reaping(system::reap_adopted);
}

fn reaping(reap: impl FnOnce(&BTreeSet<i32>)) {
    let live = live();
    let held = held();
    let own: BTreeSet<i32> = live.keys().chain(held.iter()).copied().collect();
    reap(&own);
}

/// Ctrl-Z: every running command stops with rbk.
pub fn pause_all() {
    signal_all(Signal::SIGSTOP);
}

/// `fg`: they go on.
pub fn continue_all() {
    signal_all(Signal::SIGCONT);
}

fn signal_all(signal: Signal) {
    for pid in live().keys() {
        let _ = killpg(Pid::from_raw(*pid), signal);
    }
}

/// One running command.
pub struct Tree {
    root: i32,
    born: u64,
    /// `NAME=value` pairs that only this command's processes carry.
    marks: [Vec<u8>; 2],
    seen: BTreeMap<i32, u64>,
}

impl Tree {
    /// Start a command, known from its first instant.
    ///
    /// # Errors
    /// As the spawn.
    pub fn start(command: &mut tokio::process::Command, marks: [Vec<u8>; 2]) -> std::io::Result<(Tree, Child)> {
        let mut live = live();
        let before = system::clock();
        let child = command.spawn()?;
        let root = pid(&child);
        let alone = live.is_empty();
        for other in live.values_mut() {
            other.alone = false;
        }
        live.insert(root, Live { alone });
        drop(live);
        let born = system::born(root, before);
        Ok((Tree { root, born, marks, seen: BTreeMap::new() }, child))
    }

    /// Its first process, and when that started.
    pub fn root(&self) -> (i32, u64) {
        (self.root, self.born)
    }

    /// Whether it stopped because it wants the terminal.
    pub fn wants_terminal(&self) -> bool {
        system::wants_terminal(self.root)
    }

    /// End every process of it; what cannot be ended comes back. `child` is waited for on the way.
    pub async fn end(&mut self, child: &mut Child, grace: Duration, cancel: &mut Cancel) -> Vec<i32> {
        let mut told = BTreeSet::new();
        let hard = Instant::now() + grace;
        let mut empty = 0;
        loop {
            let members = self.members(child);
            empty = if members.is_empty() { empty + 1 } else { 0 };
            // A process that forked while the table was read, and has ended since, shows by its child in the next one.
            match empty {
                0 => {}
                1 => continue,
                _ => return Vec::new(),
            }
            for pid in members.into_iter().filter(|pid| told.insert(*pid)) {
                send(pid, Signal::SIGTERM);
                send(pid, Signal::SIGCONT);
            }
            tokio::select! {
                () = cancel.killed() => break,
                () = tokio::time::sleep_until(hard) => break,
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
        let last = Instant::now() + AFTER_KILL;
        let mut empty = 0;
        loop {
            let members = self.members(child);
            empty = if members.is_empty() { empty + 1 } else { 0 };
            if empty == 2 || (Instant::now() >= last && !members.is_empty()) {
                return members;
            }
            for pid in members {
                send(pid, Signal::SIGKILL);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The live processes of it, now.
    fn members(&mut self, child: &mut Child) -> Vec<i32> {
        let _ = child.try_wait();
        reap_all();
        let all: Vec<Process> = system::processes().into_iter().filter(|p| !p.zombie).collect();
        let live = live();
        let alone = live.get(&self.root).is_some_and(|l| l.alone);
        let me = Pid::this().as_raw();
        // A session belongs to the command if its first process did.
        let sessions: BTreeSet<i32> = self.seen.keys().copied().collect();
        let held = held();
        let mut ours: BTreeSet<i32> = BTreeSet::new();
        for p in all.iter().filter(|p| p.started >= self.born && p.pid != me) {
            let other = p.pid != self.root && (live.contains_key(&p.pid) || held.contains(&p.pid));
            let known = p.pid == self.root
                || p.group == self.root
                || self.seen.get(&p.pid) == Some(&p.started)
                || (p.session != p.pid && sessions.contains(&p.session));
            if !other && (known || self.carries_mark(p, alone && p.parent == me && system::adopting())) {
                ours.insert(p.pid);
            }
        }
        drop((live, held));
        loop {
            let before = ours.len();
            let next: Vec<i32> = all.iter().filter(|p| ours.contains(&p.parent)).map(|p| p.pid).collect();
            ours.extend(next);
            if ours.len() == before {
                break;
            }
        }
        for p in all.iter().filter(|p| ours.contains(&p.pid)) {
            self.seen.insert(p.pid, p.started);
        }
        ours.into_iter().collect()
    }

    /// `orphan`: adopted while no other command ran, so it is ours even if it has cleared its environment.
    fn carries_mark(&self, p: &Process, orphan: bool) -> bool {
        let Some(pairs) = system::environment(p.pid) else { return orphan };
        let marked = pairs.iter().any(|pair| pair.starts_with(b"RBK_ACTION="));
        if marked { self.marks.iter().all(|mark| pairs.contains(mark)) } else { orphan }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        live().remove(&self.root);
    }
}

fn send(pid: i32, signal: Signal) {
    // One that has just ended, or is not ours to end: the next look at the table tells.
    let _ = kill(Pid::from_raw(pid), signal);
}
