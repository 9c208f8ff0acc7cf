//! How a piece of the run did not go on: it failed, or it was told to stop.
use std::future::Future;
use std::pin::Pin;

use crate::engine::call::Path;
use crate::engine::event::{Failure, StepFailure};
use crate::value::{SmolStr, Value};

/// A boxed future: statements, expressions and undo call each other without end.
pub(super) type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Only `Fail` is caught by `retry` and `try`.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    Fail(Box<Fault>),
    /// Why is written on the scope that was cancelled.
    Cancelled,
    /// A step around is done (it is marked): the rest of it is skipped.
    Done,
}

/// A failure and the step it happened in.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub step: SmolStr,
    pub path: Path,
    pub failure: Failure,
    /// A rollback statement that has used its retries; what encloses it is not repeated for it.
    pub exhausted: bool,
}

impl Fault {
    pub fn report(&self) -> StepFailure {
        StepFailure { step: self.step.clone(), path: self.path.clone(), failure: self.failure.clone() }
    }
}

/// Where to go after a statement that went well.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Go,
    /// `done when` is true: the rest of the step is skipped.
    Done,
    Return(Value),
}

pub(super) type Flow = Result<Next, Stop>;
