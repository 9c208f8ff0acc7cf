//! The calls that only Linux has: every process with its parent, group and environment; adopting orphans.
//! `portable.rs` is its twin for the other systems: same functions, less to see.
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// One process as the kernel shows it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// Clock ticks since boot: with the pid, it names a process for ever.
    pub started: u64,
    /// Ended, not yet waited for.
    pub zombie: bool,
}

static ADOPTING: AtomicBool = AtomicBool::new(false);

/// From now on, what loses its parent below this process becomes its child, and `reap_adopted` buries it.
pub fn adopt_orphans() {
    ADOPTING.store(prctl::set_child_subreaper(true).is_ok(), Ordering::Relaxed);
}

pub fn adopting() -> bool {
    ADOPTING.load(Ordering::Relaxed)
}

/// Every process; one that ends while this reads is left out.
#[allow(clippy::disallowed_methods, reason = "the process table")]
pub fn processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|e| e.file_name().to_str().and_then(|n| n.parse::<i32>().ok()))
        .filter_map(process)
        .collect()
}

/// One process of the table.
pub fn process(pid: i32) -> Option<Process> {
    stat(pid, &whole(&format!("/proc/{pid}/stat")).ok()?)
}

/// These files have no size: the room is there before they are read.
#[allow(clippy::disallowed_methods, reason = "the process table")]
fn whole(path: &str) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(4096);
    std::fs::File::open(path)?.read_to_end(&mut text)?;
    Ok(text)
}

/// The name stands in brackets and may hold anything: fields count from the last bracket.
fn stat(pid: i32, text: &[u8]) -> Option<Process> {
    let after = text.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(text.get(after + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let started = fields.nth(15)?.parse().ok()?;
    Some(Process { pid, parent, group, session, started, zombie: matches!(state, "Z" | "X") })
}

/// Now, as [`Process::started`] counts it: the table shows a hundredth of a second on every machine.
pub fn clock() -> Option<u64> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
    u64::try_from(now.as_millis() / 10).ok()
}

/// When a child of ours, which was started after `before`, started: at `before` at the earliest, which is as good and
/// needs no look at the table, once the two have been found to agree.
pub fn born(pid: i32, before: Option<u64>) -> u64 {
    static AGREE: OnceLock<bool> = OnceLock::new();
    match (AGREE.get(), before) {
        (Some(true), Some(before)) => before,
        _ => {
            let started = process(pid).map_or(0, |p| p.started);
            let agree = before.zip(clock()).is_some_and(|(before, after)| (before..=after).contains(&started));
            AGREE.get_or_init(|| agree);
            started
        }
    }
}

/// `NAME=value` pairs a process was started with; none when it is not ours to read.
pub fn environment(pid: i32) -> Option<Vec<Vec<u8>>> {
    let text = whole(&format!("/proc/{pid}/environ")).ok()?;
    Some(text.split(|b| *b == 0).map(<[u8]>::to_vec).collect())
}

/// The program of a process; empty when it has ended.
pub fn name(pid: i32) -> String {
    let name = whole(&format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// Wait for the adopted processes that have ended, up to the first of `own`, those somebody else here waits for: whether
/// there is one.
pub fn reap_first(own: &BTreeSet<i32>) -> bool {
    if !adopting() {
        return false;
    }
    let ended = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    loop {
        match waitid(Id::All, ended).ok().and_then(|status| status.pid()) {
            None => return false,
            Some(pid) if own.contains(&pid.as_raw()) => return true,
            Some(pid) => {
                let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
            }
        }
    }
}

/// The same, whatever stands before them.
pub fn reap_adopted(own: &BTreeSet<i32>) {
    if !reap_first(own) {
        return;
    }
    for pid in children().into_iter().filter(|pid| !own.contains(pid)) {
        if process(pid).is_some_and(|p| p.zombie) {
            let _ = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// Kernels without the `children` files are read the long way.
#[allow(clippy::disallowed_methods, reason = "the process table")]
fn children() -> Vec<i32> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists: Vec<_> =
        tasks.flatten().filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok()).collect();
    if lists.is_empty() {
        let me = Pid::this().as_raw();
        return processes().iter().filter(|p| p.parent == me).map(|p| p.pid).collect();
    }
    lists.iter().flat_map(|l| l.split_ascii_whitespace()).filter_map(|n| n.parse().ok()).collect()
}

/// Whether a child of ours was stopped because it reads from, or sets, a terminal that is not its own.
/// Leaves what it sees for whoever waits.
pub fn wants_terminal(pid: i32) -> bool {
    let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    matches!(waitid(Id::Pid(Pid::from_raw(pid)), flags), Ok(WaitStatus::Stopped(_, Signal::SIGTTIN | Signal::SIGTTOU)))
}

/// Whether this process was started to survive its terminal (`nohup`). Asked before any handler is set.
pub fn ignores_hangup() -> bool {
    let Ok(Ok(status)) = whole("/proc/self/status").map(String::from_utf8) else { return false };
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok()).is_some_and(|m| m & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let text = b"7 (a) S (b) Z 1 7 6 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1";
        let p = stat(7, text).unwrap();
        assert_eq!(p, Process { pid: 7, parent: 1, group: 7, session: 6, started: 12345, zombie: true });
    }

    #[test]
    fn this_process_is_in_the_table() {
        let me = Pid::this().as_raw();
        assert!(processes().iter().any(|p| p.pid == me && !p.zombie));
        assert!(environment(me).is_some());
    }
}
