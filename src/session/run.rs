//! Starting a run: its id, its inputs, the engine, the world around it, and the loop that joins them.
use std::sync::Arc;

use crate::check::Program;
use crate::check::constant;
use crate::check::program::{Expr, NameId};
use crate::effects::world::World;
use crate::engine::{Engine, Finish, Inputs, OnFailure};
use crate::run::{Answers, Watcher, drive, id, process};
use crate::source::Sources;
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// A run that can start.
#[derive(Clone, Debug)]
pub struct Ready {
    pub program: Arc<Program>,
    pub sources: Sources,
    pub id: SmolStr,
    pub started: Timestamp,
    pub params: Vec<(NameId, Value)>,
}

impl Ready {
    #[must_use]
    pub fn new(program: Arc<Program>, sources: Sources, params: Vec<(NameId, Value)>) -> Ready {
        let started = super::now();
        Ready { program, sources, id: id::new(started), started, params }
    }
}

impl Ready {
    /// The deadline, and what unwinding may take; both may read parameters.
    #[must_use]
    pub fn limits(&self) -> (Option<Nanos>, Option<Nanos>) {
        let Some(book) = &self.program.book else { return (None, None) };
        let length = |expr: &Option<Expr>| match expr.as_ref().map(|expr| constant::value(expr, &self.params)) {
            Some(Ok(Value::Duration(length))) => Some(length),
            _ => None,
        };
        (length(&book.header.deadline), length(&book.header.rollback_within))
    }
}

/// Run to the end. None when the run waits for nothing and has not ended: a bug.
///
/// # Errors
/// One line for a person, when nothing could be started.
pub fn run(ready: Ready, watcher: &mut dyn Watcher, answers: &mut dyn Answers) -> Result<Option<Finish>, String> {
    process::prepare();
    let Ready { program, sources: _, id, started, params } = ready;
    let world = World::new(id.clone())?;
    let engine = Engine::new(program, Inputs { run: id, started, params, on_failure: OnFailure::Rollback });
    let driven = process::block_on(drive(engine, &world, watcher, answers, None));
    driven.map_err(|error| format!("cannot start: {}", super::reason(&error)))?
}
