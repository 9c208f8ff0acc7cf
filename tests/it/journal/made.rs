//! Runs for the tests.
use std::path::{Path, PathBuf};
use std::time::Duration;

use rbk::engine::{Answer, CallId, Ending, Event, Failure, FailureKind, Input, OnFailure, Outcome, QuestionId};
use rbk::journal::postgres::Postgres;
use rbk::journal::seal::Key;
use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Door, Entry, Head, Holder, Place, Reason, Standing, State, Store, Text, Trouble};
use rbk::value::redact::Redactor;
use rbk::value::{Nanos, Timestamp, Value};

use crate::lab::postgres;

pub fn at(second: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + second, 123_456_789).unwrap()
}

pub fn holder(pid: i32) -> Holder {
    Holder { host_name: "db-1".into(), user: "ada".into(), pid, started: 4711 }
}

pub fn head(run: &str) -> Head {
    Head {
        run: run.into(),
        semantics: 1,
        version: "0.1.0".into(),
        book: "Upgrade the database".into(),
        started: at(0),
        on_failure: OnFailure::Stop,
        params: vec![("pool".into(), Value::str("blue")), ("count".into(), Value::Int(3))],
        texts: vec![
            Text { name: "upgrade.rbk".into(), text: "runbook \"Upgrade the database\" {}\n".into() },
            Text { name: "<std>/shell.rbk".into(), text: "# the same in each run\n".repeat(40) },
        ],
        reads: vec!["./ask *".into()],
        place: Place {
            host: "3f2a".into(),
            host_name: "db-1".into(),
            user: "ada".into(),
            dir: "/srv".into(),
            variables: vec![("PATH".into(), "77aa".into())],
            path: Some("/usr/bin:/bin".into()),
        },
    }
}

pub fn heard(at_nanos: i64, event: Event) -> Entry {
    Entry::Heard { input: Input { at: Nanos(at_nanos), event }, wall: at(1) }
}

pub fn ended(call: u64, value: Value) -> Entry {
    heard(call.cast_signed() * 10, Event::Ended(CallId(call), Box::new(Outcome::done(value))))
}

/// One entry of each kind.
pub fn entries() -> Vec<Entry> {
    let mut failure = Failure::new(FailureKind::Failed, "exited with code 2").with_help("look at it");
    failure.notes = vec!["no such host".into()];
    vec![
        Entry::Taken {
            door: Door::Resume,
            holder: holder(7),
            wall: at(0),
            reasons: vec![Reason { option: "--late".into(), text: "the night was long".into() }],
        },
        heard(0, Event::Start),
        Entry::Intent { call: CallId(1), key: "r1/0/1/0".into() },
        Entry::Proof { call: CallId(1), proof: Value::record([("xid".into(), Value::Int(77))]) },
        ended(1, Value::str("v1\n")),
        heard(20, Event::Ended(CallId(2), Box::new(Outcome::failed(Ending::Some, failure)))),
        heard(30, Event::Answered(QuestionId(4), Answer { value: Value::Bool(true), who: "ada".into() })),
        Entry::Connected {
            name: "db".into(),
            address: "app@db-1:5432/shop".into(),
            server: Some("7564201".into()),
            wall: at(1),
        },
        Entry::Noted { who: "kim".into(), text: "the pool is full".into(), wall: at(2) },
        Entry::LockTaken { lock: "production".into(), by: "r2".into(), who: "kim".into(), wall: at(2) },
        Entry::LeftEnded { call: CallId(3), what: "`sleep 9` (pid 12)".into(), by: Some("r2".into()), wall: at(2) },
        Entry::Stopped { why: "the disk is full".into(), last: Vec::new(), wall: at(2) },
        Entry::Stopped {
            why: "a second signal".into(),
            last: vec![
                Input { at: Nanos(40), event: Event::Kill },
                Input { at: Nanos(41), event: Event::Ended(CallId(3), Box::new(Outcome::done(Value::Null))) },
            ],
            wall: at(2),
        },
        Entry::Closed { who: "ada".into(), reason: "done by hand".into(), wall: at(3) },
    ]
}

pub fn nothing() -> Redactor {
    Redactor::default()
}

/// A directory that only this user writes, and a journal's path in it.
pub fn room() -> (tempfile::TempDir, PathBuf) {
    let dir = crate::stage::dir();
    let path = dir.path().join("journal.db");
    (dir, path)
}

pub fn open(path: &Path) -> Sqlite {
    Sqlite::open(path, None).unwrap()
}

/// A database without a journal yet.
pub fn database() -> String {
    let cluster = postgres::shared();
    cluster.url("postgres", &cluster.database())
}

pub fn open_team(url: &str) -> Postgres {
    Postgres::open(url, None, Duration::from_secs(6)).unwrap()
}

pub fn open_with(path: &Path, key: &str) -> Sqlite {
    Sqlite::open(path, Key::new(key)).unwrap()
}

/// A run with these entries, and nobody drives it.
pub fn written(store: &mut dyn Store, run: &str, entries: &[Entry]) {
    store.begin(&head(run), &holder(1), &[], at(0)).unwrap();
    keep(store, run, entries).unwrap();
    store.release(run);
}

pub fn keep(store: &mut dyn Store, run: &str, entries: &[Entry]) -> Result<(), Trouble> {
    store.append(run, entries, &nothing(), None).map(|_| ())
}

/// From now on it stands so; it has written something.
pub fn stand(store: &mut dyn Store, run: &str, state: State, wall: Timestamp) -> Result<(), Trouble> {
    store.append(run, &[], &nothing(), Some(Standing { state, wrote: true, wall })).map(|_| ())
}

/// The message of what went wrong.
pub fn said<T>(result: Result<T, Trouble>) -> String {
    result.map(|_| ()).unwrap_err().message
}
