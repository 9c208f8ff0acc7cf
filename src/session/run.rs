//! Starting a run: its id, its inputs, the engine, the world around it, and the loop that joins them.
use std::sync::Arc;

use crate::check::Program;
use crate::check::program::NameId;
use crate::effects::world::World;
use crate::engine::{Engine, Finish, Inputs, OnFailure};
use crate::run::{Answers, Watcher, drive, id, process};
use crate::value::{SmolStr, Timestamp, Value};

/// A run that can start.
#[derive(Clone, Debug)]
pub struct Ready {
    pub program: Arc<Program>,
    pub id: SmolStr,
    pub started: Timestamp,
    pub params: Vec<(NameId, Value)>,
}

impl Ready {
    #[must_use]
    pub fn new(program: Arc<Program>, params: Vec<(NameId, Value)>) -> Ready {
        let started = super::now();
        Ready { program, id: id::new(started), started, params }
    }
}

/// Run to the end.
///
/// # Errors
/// One line for a person, when nothing could be started.
pub fn run(ready: Ready, watcher: &mut dyn Watcher, answers: &mut dyn Answers) -> Result<Finish, String> {
    process::prepare();
    let Ready { program, id, started, params } = ready;
    let world = World::new(id.clone());
    let engine = Engine::new(program, Inputs { run: id, started, params, on_failure: OnFailure::Rollback });
    let driven = process::block_on(drive(engine, &world, watcher, answers));
    let (finish, _) = driven.map_err(|error| format!("cannot start: {}", super::reason(&error)))?;
    finish.ok_or_else(|| "a bug in rbk itself: the run waits for nothing and has not ended".to_owned())
}
