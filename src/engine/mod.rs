//! The run: steps, undo list, timeouts, retries, watches. No IO, no clock: [`Engine::on`] takes what happened and when,
//! and returns what to do next. Deterministic: same events, same commands.
pub mod call;
pub mod event;
pub mod record;

use std::sync::Arc;

use crate::check::program::{NameId, Program};
use crate::value::{SmolStr, Timestamp, Value};

pub use call::{Arg, Call, CallId, Context, Piece, What};
pub use event::{
    Answer, Command, Ending, Event, Failure, FailureKind, Finish, Input, Outcome, Progress, QuestionAsked, QuestionId,
    QuestionKind, TimerId,
};
pub use record::Record;

/// What a run starts from, beside its program.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `run.id`.
    pub run: SmolStr,
    /// The wall clock at the first event; `now()` is this plus the running time.
    pub started: Timestamp,
    /// Every parameter, defaults filled in and conditions checked.
    pub params: Vec<(NameId, Value)>,
    pub on_failure: OnFailure,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    #[default]
    Rollback,
    /// Nothing is undone; the run can be rolled back later.
    Stop,
}

/// One run.
pub struct Engine {
    program: Arc<Program>,
    inputs: Inputs,
}

impl Engine {
    #[must_use]
    pub fn new(program: Arc<Program>, inputs: Inputs) -> Engine {
        Engine { program, inputs }
    }

    /// What to do after this. Empty while the run waits for something already asked for.
    pub fn on(&mut self, input: Input) -> Vec<Command> {
        let _ = (&self.program, &self.inputs, input);
        Vec::new()
    }
}
