//! The twin of `linux.rs` for the other Unixes: the process table as `ps` prints it, and no adopting, so that a
//! child that detached itself twice is found only while its ancestors live.
use std::collections::BTreeSet;

/// See `linux.rs`; `started` is always 0 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    pub started: u64,
    pub zombie: bool,
}

pub fn adopt_orphans() {}

pub fn adopting() -> bool {
    false
}

#[allow(clippy::disallowed_methods, reason = "the process table")]
pub fn processes() -> Vec<Process> {
    let Ok(out) = std::process::Command::new("ps").args(["-axo", "pid=,ppid=,pgid=,state="]).output() else {
        return Vec::new();
    };
    String::from_utf8_lossy(&out.stdout).lines().filter_map(line).collect()
}

fn line(text: &str) -> Option<Process> {
    let mut fields = text.split_ascii_whitespace();
    let pid = fields.next()?.parse().ok()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let zombie = fields.next()?.starts_with('Z');
    Some(Process { pid, parent, group, session: 0, started: 0, zombie })
}

pub fn process(pid: i32) -> Option<Process> {
    processes().into_iter().find(|p| p.pid == pid)
}

pub fn clock() -> Option<u64> {
    None
}

pub fn born(_: i32, _: Option<u64>) -> u64 {
    0
}

pub fn environment(_: i32) -> Option<Vec<Vec<u8>>> {
    None
}

#[allow(clippy::disallowed_methods, reason = "the process table")]
pub fn name(pid: i32) -> String {
    let out = std::process::Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output();
    out.map(|out| String::from_utf8_lossy(&out.stdout).trim_end().to_owned()).unwrap_or_default()
}

pub fn reap_first(_: &BTreeSet<i32>) -> bool {
    false
}

pub fn reap_adopted(_: &BTreeSet<i32>) {}

pub fn wants_terminal(_: i32) -> bool {
    false
}

pub fn ignores_hangup() -> bool {
    false
}
