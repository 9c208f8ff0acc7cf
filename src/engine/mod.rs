//! The run: steps, undo list, timeouts, retries, watches. No IO, no clock: [`Engine::on`] takes what happened and when,
//! and returns what to do next. Deterministic: same events, same commands.
mod block;
mod bug;
pub mod call;
mod calls;
mod companion;
mod conditions;
mod console;
mod contexts;
mod cx;
mod doubt;
mod eval;
pub mod event;
mod executor;
mod extent;
mod failure;
mod gate;
mod handlers;
mod invariant;
mod label;
mod late;
mod machine;
mod names;
mod parallel;
pub mod pending;
mod questions;
pub mod record;
mod replay;
mod run;
mod scope;
mod step;
mod transaction;
mod tree;
mod tries;
mod undo;
mod waits;
mod world;

use std::sync::Arc;

pub use crate::check::loaded::Part;
use crate::check::program::{NameId, Program};
use crate::value::{Connection, SmolStr, Timestamp, Value};

#[doc(hidden)]
pub use bug::Bug;
pub use call::{Arg, Call, CallId, Context, Key, Piece, What};
pub use console::Came;
pub use doubt::DOUBTS;
pub use event::{
    Answer, Command, Ending, Event, Extent, Failure, FailureKind, Finish, Input, Outcome, Progress, QuestionAsked,
    QuestionId, QuestionKind, Reached, TimerClock, TimerId, Walls,
};
pub use extent::{Stands, Undoable};
pub use pending::{Pending, PendingCall, PendingQuestion, PendingTimer, Wait};
pub use record::Record;
pub use replay::{Misfit, Replayed, replay};
pub use run::CONSOLE;

/// What a run starts from, beside its program.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// `run.id`.
    pub run: SmolStr,
    /// The wall clock at the first event; `now()` is this plus the running time, until [`Event::Resumed`] says anew.
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

/// One run. It holds what the program's futures have come to, and nothing of the outside.
pub struct Engine(machine::Run);

impl Engine {
    #[must_use]
    pub fn new(program: Arc<Program>, inputs: Inputs) -> Engine {
        Engine(machine::Run::make(machine::Ground { programs: machine::Programs::new(program), inputs, bug: None }))
    }

    /// With a mistake in it.
    #[doc(hidden)]
    #[must_use]
    pub fn with_bug(program: Arc<Program>, inputs: Inputs, bug: Bug) -> Engine {
        Engine(machine::Run::make(machine::Ground {
            programs: machine::Programs::new(program),
            inputs,
            bug: Some(bug),
        }))
    }

    /// Of a console, with one input more. All that the last program holds stands in this one at the same places.
    pub fn go_on_with(&mut self, program: Arc<Program>) {
        self.0.go_on_with(program);
    }

    /// The inputs of a console that have ended, by number, in this order.
    #[must_use]
    pub fn entries(&self) -> Vec<(u32, Came)> {
        self.0.entries()
    }

    /// What is declared as a connection, as far as it was come to.
    #[must_use]
    pub fn connections(&self) -> Vec<(NameId, Arc<Connection>)> {
        self.0.connections()
    }

    /// Whether nothing forward ever starts again.
    #[must_use]
    pub fn goes_back(&self) -> bool {
        self.0.goes_back()
    }

    /// A secret that was not kept, when what the run did next followed from it: what is replayed from there on is another run.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        self.0.missing()
    }

    /// How much is being undone now; nothing before and after that.
    #[must_use]
    pub fn under_way(&self) -> Option<Extent> {
        self.0.under_way()
    }

    /// What stands in this much of the run, undone already or not, in the order in which an undo comes to it.
    #[must_use]
    pub fn undoable(&self, extent: &Extent) -> Vec<Undoable> {
        self.0.undoable(extent)
    }

    /// What to do after this. Empty while the run waits for something already asked for, and after its end.
    pub fn on(&mut self, input: Input) -> Vec<Command> {
        self.0.on(input)
    }
}
