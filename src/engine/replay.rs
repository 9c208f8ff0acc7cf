//! The same events give the same commands: a run is rebuilt from what it consumed.
use std::sync::Arc;

use crate::check::program::Program;
use crate::engine::event::{Command, Input};
use crate::engine::pending::Pending;
use crate::engine::{Engine, Inputs};

/// A run as its recorded events left it.
pub struct Replayed {
    pub engine: Engine,
    /// What it asked for after each of them.
    pub commands: Vec<Vec<Command>>,
    pub pending: Pending,
}

/// The recorded events are not of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The first that does not fit, from 0.
    pub index: usize,
    /// One line, lower-case, as `no call 7 is under way`.
    pub why: String,
}

/// A fresh engine brought to where the recorded events left it. Any prefix of a run's events is good: what it asked for and
/// has no end yet is still under way.
///
/// # Errors
/// An event that the engine does not wait for.
pub fn replay(program: Arc<Program>, inputs: Inputs, events: &[Input]) -> Result<Replayed, Misfit> {
    let mut replayed = Replayed {
        engine: Engine::new(program, inputs),
        commands: Vec::with_capacity(events.len()),
        pending: Pending::default(),
    };
    for (index, input) in events.iter().enumerate() {
        let commands = replayed.engine.on(input.clone());
        replayed.pending.follow(index, input, &commands).map_err(|why| Misfit { index, why })?;
        replayed.commands.push(commands);
    }
    Ok(replayed)
}
