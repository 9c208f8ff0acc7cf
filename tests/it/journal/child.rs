//! Another process that uses a journal: this test binary, started again for one job.
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rbk::engine::CallId;
use rbk::engine::event::End;
use rbk::journal::{Entry, Kind, Room, State, Store};
use rbk::value::Value;

use super::made::{at, ended, head, holder, keep, nothing, open, said, stand};

/// Run through a shell line, in which `"$@"` is the process.
pub fn command(job: &str, path: &Path, line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line, "sh"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", "journal::child::a_job"]);
    command.env("RBK_TEST_JOB", job).env("RBK_TEST_JOURNAL", path).stderr(Stdio::inherit());
    command
}

/// What it says, to its good end.
pub fn told(job: &str, path: &Path, line: &str) -> Vec<String> {
    let output = command(job, path, line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    text.lines().filter_map(|line| line.strip_prefix("> ").map(str::to_owned)).collect()
}

pub struct Running {
    pub child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub fn start(job: &str, path: &Path) -> Running {
        let mut child = command(job, path, r#"exec "$@""#).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    pub fn next(&mut self) -> Option<String> {
        self.lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("> ").map(str::to_owned))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the other tests start as a process of its own; without a job there is nothing to do.
#[test]
#[allow(clippy::disallowed_methods)]
fn a_job() {
    let Some(path) = std::env::var_os("RBK_TEST_JOURNAL").map(std::path::PathBuf::from) else { return };
    match std::env::var("RBK_TEST_JOB").unwrap().as_str() {
        "write" => write(&path),
        "fill" => fill(&path),
        "start" => start(&path),
        "read" => read(&path),
        other => panic!("no job {other}"),
    }
}

fn nth(n: u64) -> Entry {
    ended(n, Value::str(format!("{n} ").repeat(50)))
}

/// Entries of `write` and `fill`.
pub fn first(count: u64) -> Vec<Entry> {
    (0..count).map(nth).collect()
}

/// Says each entry once it is durable, until it is killed.
fn write(path: &Path) {
    let mut store = open(path);
    store.begin(&head("r1"), &holder(std::process::id().cast_signed()), &[], at(0)).unwrap();
    println!("> begun");
    for n in 0.. {
        keep(&mut store, "r1", &[nth(n)]).unwrap();
        println!("> {}", n + 1);
    }
}

/// Begins a run, and says how that went.
fn start(path: &Path) {
    let begun = rbk::journal::sqlite::Sqlite::open(path, None)
        .and_then(|mut store| store.begin(&head("r1"), &holder(1), &[], at(0)));
    match begun {
        Ok(()) => println!("> begun"),
        Err(trouble) => println!("> full {}: {}", trouble.kind == Kind::Full, trouble.message),
    }
}

/// Reads a run, and says how that went.
fn read(path: &Path) {
    let read = rbk::journal::sqlite::Sqlite::open(path, None).and_then(|mut store| store.load("r1"));
    match read {
        Ok((_, entries)) => println!("> {} entries", entries.len()),
        Err(trouble) => println!("> {}", trouble.message),
    }
}

/// Writes until there is no room at all.
fn fill(path: &Path) {
    let mut store = open(path);
    store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
    let mut kept = 0;
    let mut on_reserve = 0;
    let full = loop {
        match store.append("r1", &[nth(kept)], &nothing(), None) {
            Ok(room) => {
                kept += 1;
                on_reserve += u64::from(room == Room::Reserve);
                assert!(room == Room::Reserve || on_reserve == 0, "there was room again");
            }
            Err(trouble) => break trouble,
        }
    };
    assert!(full.kind == Kind::Full, "{full:?}");
    println!("> {}", full.message);
    println!("> {}", full.help.unwrap());
    println!("> {on_reserve}");
    let (_, entries) = store.load("r1").unwrap();
    assert_eq!(entries, first(kept));
    println!(
        "> {}",
        said(store.append("r1", &[Entry::Intent { call: CallId(1), key: "x".repeat(100_000) }], &nothing(), None))
    );
    assert_eq!(store.load("r1").unwrap().1.len() as u64, kept);
    println!("> {:?}", stand(&mut store, "r1", State::Ended(End::Stopped), at(9)).map_err(|e| e.kind == Kind::Full));
}
