//! Starting a run: its id, its inputs, the engine, the world around it, and the loop that joins them.
use std::sync::Arc;

use crate::check::Program;
use crate::check::program::NameId;
use crate::engine::{Engine, Finish, Inputs, OnFailure};
use crate::run::{Answers, Watcher, drive};
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
        Ready { program, id: id(), started: super::now(), params }
    }
}

/// Eight letters and digits that cannot be misread.
fn id() -> SmolStr {
    const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstvwxyz";
    (0..8).map(|_| fastrand::choice(LETTERS).map_or('x', |b| char::from(*b))).collect()
}

/// Run to the end.
///
/// # Errors
/// One line for a person, when nothing could be started.
pub fn run(ready: Ready, watcher: &mut dyn Watcher, answers: &mut dyn Answers) -> Result<Finish, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", super::reason(&error)))?;
    let Ready { program, id, started, params } = ready;
    let engine = Engine::new(program, Inputs { run: id.clone(), started, params, on_failure: OnFailure::Rollback });
    let _ = (runtime, engine, watcher, answers, drive, id);
    Err("not there yet".to_owned())
}
