//! What is to be done in a session, what it has come to, and how far it got when it had to be given up.
use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::commit::Mark;
use super::statement::Statement;
use super::{copy, read};
use crate::effects::{Cancel, Proofs};
use crate::engine::{CallId, Ending, Failure};
use crate::value::Value;

/// What is to be done in a session.
pub enum Work<'a> {
    Read(&'a Statement, read::Rows),
    Write(&'a Statement),
    Copy(&'a Statement, copy::File<'a>),
    Ping,
    Begin,
    Commit,
}

/// What a piece of work in a session has come to.
pub struct Worked {
    pub ending: Ending,
    pub result: Result<Value, Failure>,
    /// The session can be used again.
    pub healthy: bool,
    /// Nothing with an effect had been sent: on another session it can be tried anew.
    pub again: bool,
}

impl Worked {
    pub fn done(value: Value) -> Worked {
        Worked { ending: Ending::Done, result: Ok(value), healthy: true, again: false }
    }

    pub fn failed(ending: Ending, failure: Failure) -> Worked {
        Worked { ending, result: Err(failure), healthy: true, again: false }
    }

    /// Without effect, and with nothing sent that could have one.
    pub fn untouched(failure: Failure) -> Worked {
        Worked { again: true, ..Worked::failed(Ending::None, failure) }
    }
}

/// Where the work is done.
pub struct Place<'a> {
    /// The connection's name, for people.
    pub name: &'a str,
    /// The session's `application_name` while the work is done.
    pub mark: String,
    /// In an open transaction.
    pub in_tx: bool,
    pub cancel: Cancel,
    /// The least of all limits.
    pub limit: Option<Duration>,
    pub phase: Cell<Phase>,
    /// Whose work it is, and where its proof is kept.
    pub call: CallId,
    pub proofs: Proofs,
    /// By which the transaction is recognized once its COMMIT is on its way, and what is returned when it was done.
    pub committing: RefCell<Option<(Mark, Value)>>,
}

/// How far a write has got: what is known of it when its end is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A transaction that is not committed has no effect.
    Revocable,
    /// Something that no transaction takes back may have happened.
    Loose,
    Committing,
}
