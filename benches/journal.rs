//! What it costs to write a step down, beside a bare commit of the same bytes on the same disk in the same moments; and what
//! it takes to load and replay 100,000 events. `cargo bench --bench journal` prints lines.
//! `-- --open PATH` only opens a journal that is there, for an instruction count; `-- --team URL` measures a step in a journal on that
//! Postgres server, in whose database it leaves the schema `rbk` and a table `bare`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods
)]
#[path = "engine/steps.rs"]
mod steps;

use std::path::Path;
use std::time::{Duration, Instant};

use rbk::effects::fake::{Fake, Script};
use rbk::engine::{CallId, Command, Engine, Event, Input, Inputs, OnFailure, Outcome, replay};
use rbk::journal::codec::{self, Hide};
use rbk::journal::postgres::{LEASE, Postgres};
use rbk::journal::seal::Seal;
use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Entry, Head, Holder, Place, Store, Text};
use rbk::value::redact::Redactor;
use rbk::value::{Nanos, Timestamp, Value};

const COMMITS: usize = 2000;
const EVENTS: usize = 100_000;

fn head(run: &str) -> Head {
    Head {
        run: run.into(),
        semantics: 1,
        version: "0.1.0".into(),
        book: "bench".into(),
        started: Timestamp::UNIX_EPOCH,
        on_failure: OnFailure::Rollback,
        params: Vec::new(),
        texts: vec![Text { name: "bench.rbk".into(), text: "runbook".into() }],
        reads: Vec::new(),
        place: Place {
            host: "h".into(),
            host_name: "h".into(),
            user: "u".into(),
            dir: "/".into(),
            variables: Vec::new(),
            path: None,
        },
    }
}

fn holder() -> Holder {
    Holder { host_name: "h".into(), user: "u".into(), pid: 1, started: 1 }
}

/// What one shell step writes: the end of the call before it, and that it starts.
fn step(n: u64) -> [Entry; 2] {
    let outcome = Outcome::done(Value::str("deployed v2.14.0 to web-3\n"));
    let input = Input { at: Nanos(n.cast_signed() * 1_000_000), event: Event::Ended(CallId(n), Box::new(outcome)) };
    let wall = Timestamp::new(1_790_000_000, 123_456_789).unwrap();
    [
        Entry::Heard { input, wall },
        Entry::Intent { call: CallId(n + 1), key: format!("20261121-1854-k3f9/3/0[{n}]/1/1.1/0") },
    ]
}

/// Two rows a commit, as the journal makes them, and nothing else.
struct Bare(rusqlite::Connection);

impl Bare {
    fn open(path: &Path) -> Bare {
        let db = rusqlite::Connection::open(path).unwrap();
        db.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             CREATE TABLE entry (run INTEGER, no INTEGER, body BLOB, PRIMARY KEY (run, no)) WITHOUT ROWID;",
        )
        .unwrap();
        Bare(db)
    }

    fn commit(&mut self, n: u64, bodies: &[Vec<u8>]) {
        let change = self.0.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        for (body, at) in bodies.iter().zip(0..) {
            let mut add = change.prepare_cached("INSERT INTO entry VALUES (1, ?1, ?2)").unwrap();
            add.execute(rusqlite::params![(n * 2 + at).cast_signed(), body]).unwrap();
        }
        change.commit().unwrap();
    }
}

fn appends(dir: &Path) {
    let mut store = Sqlite::open(&dir.join("steps.db"), None).unwrap();
    store.begin(&head("r"), &holder(), &[], Timestamp::UNIX_EPOCH).unwrap();
    let mut bare = Bare::open(&dir.join("bare.db"));
    let (secrets, seal) = (Redactor::default(), Seal::new("r", b"", None));
    let (mut journal, mut alone) = (Vec::new(), Vec::new());
    for n in 0..COMMITS as u64 {
        let entries = step(n);
        let bodies = entries.each_ref().map(|e| codec::write(e, &Hide { secrets: &secrets, seal: &seal }).unwrap());
        let mut ours = || {
            let start = Instant::now();
            let _ = store.append("r", &entries, &secrets, None).unwrap();
            journal.push(start.elapsed());
        };
        let mut theirs = || {
            let start = Instant::now();
            bare.commit(n, &bodies);
            alone.push(start.elapsed());
        };
        // Neither is always first after the other.
        if n % 2 == 0 {
            ours();
            theirs();
        } else {
            theirs();
            ours();
        }
    }
    let (ours, theirs) = (median(journal), median(alone));
    println!(
        "append and commit of a step: {ours:?}, bare commit: {theirs:?}, ratio {:.3}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

/// The same on a server, beside a commit of one row on a session as plain as can be.
fn team_appends(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, connection) = runtime.block_on(tokio_postgres::connect(url, tokio_postgres::NoTls)).unwrap();
    runtime.spawn(async move { connection.await.unwrap() });
    let made = "CREATE TABLE IF NOT EXISTS bare (no bigserial PRIMARY KEY, body bytea)";
    runtime.block_on(client.batch_execute(made)).unwrap();
    let insert = runtime.block_on(client.prepare("INSERT INTO bare (body) VALUES ($1)")).unwrap();
    let mut store = Postgres::open(url, None, LEASE).unwrap();
    let run = format!("bench-{}", std::process::id());
    store.begin(&head(&run), &holder(), &[], Timestamp::UNIX_EPOCH).unwrap();
    let (secrets, seal) = (Redactor::default(), Seal::new("r", b"", None));
    let (mut journal, mut alone) = (Vec::new(), Vec::new());
    for n in 0..COMMITS as u64 {
        let entries = step(n);
        let body = codec::write(&entries[0], &Hide { secrets: &secrets, seal: &seal }).unwrap();
        let start = Instant::now();
        let _ = store.append(&run, &entries, &secrets, None).unwrap();
        journal.push(start.elapsed());
        let start = Instant::now();
        runtime.block_on(client.execute(&insert, &[&body])).unwrap();
        alone.push(start.elapsed());
    }
    let (ours, theirs) = (median(journal), median(alone));
    println!(
        "append of a step to a team's journal: {ours:?}, bare commit of one row: {theirs:?}, ratio {:.3}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

fn inputs() -> Inputs {
    Inputs { run: "r".into(), started: Timestamp::UNIX_EPOCH, params: Vec::new(), on_failure: OnFailure::Rollback }
}

/// What the engine hears of a run of so many events.
fn heard(program: &std::sync::Arc<rbk::check::program::Program>) -> Vec<Input> {
    let mut world = Fake::new(&Script::default());
    let mut engine = Engine::new(program.clone(), inputs());
    let mut all = Vec::new();
    while let Some(input) = world.happen() {
        all.push(input.clone());
        engine.on(input).iter().for_each(|command: &Command| world.take(command));
    }
    all
}

fn write_events(path: &Path) {
    let program = steps::program(u32::try_from(EVENTS / 3).unwrap(), steps::Ends::Well);
    let mut store = Sqlite::open(path, None).unwrap();
    store.begin(&head("r"), &holder(), &[], Timestamp::UNIX_EPOCH).unwrap();
    let events = heard(&program);
    let entries: Vec<Entry> =
        events.into_iter().map(|input| Entry::Heard { input, wall: Timestamp::UNIX_EPOCH }).collect();
    for part in entries.chunks(1000) {
        let _ = store.append("r", part, &Redactor::default(), None).unwrap();
    }
}

/// Alone in a process, so that its memory is all that is counted.
fn load(path: &Path) {
    let program = steps::program(u32::try_from(EVENTS / 3).unwrap(), steps::Ends::Well);
    let before = peak();
    let start = Instant::now();
    let mut store = Sqlite::open(path, None).unwrap();
    let entries = store.load("r").unwrap().1;
    let loaded = start.elapsed();
    let events = entries.into_iter().filter_map(|entry| match entry {
        Entry::Heard { input, .. } => Some(input),
        _ => None,
    });
    let after_load = peak();
    let replayed = replay(program, inputs(), events).map_err(|misfit| misfit.why).unwrap();
    assert!(replayed.pending.finish.is_some());
    println!(
        "load of {} events: {loaded:?}, with replay {:?}; peak {before} MB before, {after_load} MB loaded, {} MB replayed",
        replayed.heard,
        start.elapsed(),
        peak(),
    );
}

/// Of resident memory, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kb| kb / 1024)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "--open", path, ..] => drop(Sqlite::open(Path::new(path), None).unwrap()),
        [_, "--load", path, ..] => load(Path::new(path)),
        [_, "--team", url, ..] => team_appends(url),
        _ => {
            let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            appends(dir.path());
            let path = dir.path().join("load.db");
            write_events(&path);
            let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
            assert!(alone.arg("--load").arg(&path).status().unwrap().success());
        }
    }
}
