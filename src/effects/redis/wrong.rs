//! How a call did not go well, and what that says about its effect.
use std::cell::Cell;

use redis::ServerError;

use crate::engine::{Ending, Failure, FailureKind};
use crate::value::Connection;

/// What a call may have done so far. Kept outside of its future, which may be dropped.
#[derive(Debug, Default)]
pub struct Trace {
    /// A write has been sent whole, and its answer has not come.
    doubt: Cell<bool>,
    /// A write has been answered, and more are to come.
    changed: Cell<bool>,
    /// No further write may start.
    stop: Cell<bool>,
}

impl Trace {
    pub fn sent(&self) {
        self.doubt.set(true);
    }

    pub fn answered(&self) {
        self.doubt.set(false);
    }

    pub fn changed(&self) {
        self.changed.set(true);
    }

    pub fn stop(&self) {
        self.stop.set(true);
    }

    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.get()
    }

    #[must_use]
    pub fn in_doubt(&self) -> bool {
        self.doubt.get()
    }

    /// What a failure at this moment leaves.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match (self.doubt.get(), self.changed.get()) {
            (true, _) => Ending::Unknown,
            (false, true) => Ending::Some,
            (false, false) => Ending::None,
        }
    }
}

/// Why it did not go well.
#[derive(Debug)]
pub enum Wrong {
    /// Nobody was reached, or let us in. Nothing of the call was sent there.
    Unreachable(Failure),
    /// The connection ended, or what came was no Redis.
    Lost { place: String, why: String },
    /// The server's own words, and whether a command that ends so may have done a part of its work.
    Refused { error: ServerError, half_done: bool },
    /// A value does not fit, or the reply does not.
    Value(String),
    /// The same, where the key itself is in the way.
    Held(Failure),
    /// It was to be stopped, and had not begun to write.
    Stopped,
}

impl From<ServerError> for Wrong {
    fn from(error: ServerError) -> Wrong {
        Wrong::Refused { error, half_done: false }
    }
}

impl Wrong {
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Wrong::Refused { error, .. } if error.code() == wanted)
    }

    /// For a person; and what has happened.
    #[must_use]
    pub fn explained(self, on: &Connection, trace: &Trace) -> (Ending, Failure) {
        let name = &on.name;
        match self {
            Wrong::Unreachable(failure) | Wrong::Held(failure) => (trace.ending(), failure),
            Wrong::Lost { place, why } => {
                let message = format!("the connection to `{name}` ({place}) broke: {why}");
                (trace.ending(), Failure::new(FailureKind::Connection, message))
            }
            Wrong::Refused { error, half_done } => {
                let ending = if half_done { Ending::Some } else { trace.ending() };
                (ending, refused(on, &error))
            }
            Wrong::Value(message) => (trace.ending(), Failure::new(FailureKind::Value, message)),
            Wrong::Stopped => {
                (trace.ending(), Failure::new(FailureKind::Cancelled, format!("the call on `{name}` was stopped")))
            }
        }
    }
}

/// An error reply, with a way out where there is one.
fn refused(on: &Connection, error: &ServerError) -> Failure {
    let name = &on.name;
    let text = format!("{} {}", error.code(), error.details().unwrap_or(""));
    let failure = Failure::new(FailureKind::Failed, format!("`{name}` answered: {}", text.trim_end()));
    let help = match error.code() {
        "READONLY" => {
            "this server is a replica: name the master, or let sentinels find it: `redis+sentinel://…`".to_owned()
        }
        "LOADING" => format!("the server still reads its data: `wait up to 1m until {name}.ping()` before, or `retry`"),
        "MASTERDOWN" => "this replica has lost its master and serves nothing old: ask the master".to_owned(),
        "NOAUTH" => "say who asks in the URL: `redis://USER:PASSWORD@host`".to_owned(),
        "NOPERM" => "let the user of the URL do it (`ACL SETUSER`), or connect as another".to_owned(),
        "WRONGTYPE" => format!("the key holds something else: `{name}.type(…)` tells what"),
        "OOM" => {
            format!("the memory is full: `{name}.info(\"memory\")` tells how full; free some or raise `maxmemory`")
        }
        "BUSY" => {
            "a script keeps the server busy: `SCRIPT KILL` ends one that has not written yet; then `retry`".to_owned()
        }
        "MISCONF" => format!("the server could not save its data: see its disk and `{name}.info(\"persistence\")`"),
        "NOREPLICAS" => "too few replicas are connected for `min-replicas-to-write`".to_owned(),
        "CLUSTERDOWN" => {
            "a part of the cluster has no master: `redis-cli --cluster check` tells which; then `retry`".to_owned()
        }
        "CROSSSLOT" => {
            "the keys live on different nodes: one call for each, or name them alike: `{tag}:a`, `{tag}:b`".to_owned()
        }
        "MOVED" => "this server is part of a cluster: `redis+cluster://…`".to_owned(),
        "TRYAGAIN" | "ASK" => "the key is being moved to another node: `retry`".to_owned(),
        _ => return failure,
    };
    failure.with_help(help)
}
