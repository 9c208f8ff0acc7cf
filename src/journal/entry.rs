//! What is written down of a run.
use std::collections::BTreeSet;

use crate::engine::{CallId, Event, Input, OnFailure, Part};
use crate::value::{SmolStr, Timestamp, Value};

/// What every binary must mean alike by a recorded run; raised when the same events would lead elsewhere.
pub const SEMANTICS: u32 = 3;

/// The first thing written of a run: all that its engine starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub run: SmolStr,
    /// [`SEMANTICS`] of the binary that started it, and that binary's version.
    pub semantics: u32,
    pub version: SmolStr,
    /// The runbook's title.
    pub book: String,
    pub started: Timestamp,
    pub on_failure: OnFailure,
    /// By name, defaults filled in.
    pub params: Vec<(SmolStr, Value)>,
    /// Every text that the checker read, the runbook's own first.
    pub texts: Vec<Text>,
    /// What its project said of commands that only read; none in older runs.
    pub reads: Vec<SmolStr>,
    pub place: Place,
}

/// One file as it was when the run started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As the checker named it: a path, `<std>/…`, `<stdin>`.
    pub name: String,
    pub text: String,
}

/// The name of the text of what is typed at a console: it stands in [`Entry::Entered`], input by input.
pub const CONSOLE: &str = "<console>";

/// Where a run belongs: resumed elsewhere it would do something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The machine's own id, and its name for people.
    pub host: String,
    pub host_name: String,
    pub user: String,
    pub dir: String,
    /// Of a fixed list of variables, those that are set: the name, and a fingerprint of the value.
    pub variables: Vec<(String, String)>,
    /// Where its commands are looked for; absent in older runs, and where it is no text.
    pub path: Option<String>,
}

/// A process that drives a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub host_name: String,
    pub user: String,
    pub pid: i32,
    /// With the pid it names a process for ever, on one boot.
    pub started: u64,
}

/// By which command a process came to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Run,
    Resume,
    Rollback,
}

/// What a person said so that a run goes on in spite of something (`--here`, `--late`, `--reason`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub option: SmolStr,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A process took the run.
    Taken { door: Door, holder: Holder, wall: Timestamp, reasons: Vec<Reason> },
    /// The engine has consumed this.
    Heard { input: Input, wall: Timestamp },
    /// At a console this was typed, as the input of this number, from 0, or run as this part of its runbook. `gone`: the inputs
    /// whose names it does not see; `texts`: the files that it is the first to use.
    Entered { number: u32, text: String, part: Part, gone: Vec<u32>, texts: Vec<Text>, wall: Timestamp },
    /// A person wrote this beside it.
    Noted { who: String, text: String, wall: Timestamp },
    /// A call that may have an effect starts next, unless this is the last entry. `key` for people.
    Intent { call: CallId, key: String },
    /// What its provider needs to tell later whether a call had its effect; written before it can have one.
    Proof { call: CallId, proof: Value },
    /// A connection of this name leads there, from now on; and which server answers, where it says so.
    Connected { name: SmolStr, address: String, server: Option<String>, wall: Timestamp },
    /// Another run has taken a lock from this one, and who wanted it.
    LockTaken { lock: String, by: SmolStr, who: String, wall: Timestamp },
    /// Ended, what a call of a process that died had left running, in words; for which run, when another one has taken a lock.
    LeftEnded { call: CallId, what: String, by: Option<SmolStr>, wall: Timestamp },
    /// The process let go of the run before its end, and why. `last`: what the engine consumed as it stopped; to whoever goes
    /// on it has not happened. Empty in older runs, and where there was nothing of it.
    Stopped { why: String, last: Vec<Input>, wall: Timestamp },
    /// A person ended it as it was.
    Closed { who: String, reason: String, wall: Timestamp },
}

/// Calls that were about to start and may still run: no end of theirs is known.
#[must_use]
pub fn unfinished(entries: &[Entry]) -> BTreeSet<CallId> {
    let mut open = BTreeSet::new();
    for entry in entries {
        match entry {
            Entry::Intent { call, .. } => drop(open.insert(*call)),
            Entry::LeftEnded { call, .. } => drop(open.remove(call)),
            Entry::Heard { input, .. } => over(input, &mut open),
            Entry::Stopped { last, .. } => last.iter().for_each(|input| over(input, &mut open)),
            Entry::Taken { .. }
            | Entry::Entered { .. }
            | Entry::Noted { .. }
            | Entry::Proof { .. }
            | Entry::Connected { .. }
            | Entry::LockTaken { .. }
            | Entry::Closed { .. } => {}
        }
    }
    open
}

fn over(input: &Input, open: &mut BTreeSet<CallId>) {
    match &input.event {
        Event::Ended(call, outcome) | Event::Failed(call, outcome) if outcome.running.is_none() => {
            open.remove(call);
        }
        Event::Doubted(call) | Event::Unstarted(call) => {
            open.remove(call);
        }
        _ => {}
    }
}

/// The machine of the process that had the run last.
#[must_use]
pub fn driven_on(entries: &[Entry]) -> Option<&str> {
    entries.iter().rev().find_map(|entry| match entry {
        Entry::Taken { holder, .. } => Some(holder.host_name.as_str()),
        _ => None,
    })
}
