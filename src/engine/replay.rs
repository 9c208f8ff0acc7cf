//! The same events give the same commands: a run is rebuilt from what it consumed.
use std::sync::Arc;

use crate::check::program::Program;
use crate::engine::event::{Command, Input};
use crate::engine::{Engine, Inputs};

/// A fresh engine brought to where the recorded events left it, and what it asked for after each of them.
/// Any prefix of a run's events is good: what it asked for and has no end yet is still under way.
pub fn replay(program: Arc<Program>, inputs: Inputs, events: &[Input]) -> (Engine, Vec<Vec<Command>>) {
    let mut engine = Engine::new(program, inputs);
    let commands = events.iter().map(|input| engine.on(input.clone())).collect();
    (engine, commands)
}
