//! A run again, from what it was told: the same commands, or the engine is not deterministic.
use std::hash::{DefaultHasher, Hasher};

use crate::engine::{Command, Engine, Input};

/// What `drive` kept: every event in the order the engine consumed it, from which the run replays.
#[derive(Debug, Default)]
pub struct Recording {
    pub inputs: Vec<Input>,
    /// Of the commands that each input led to.
    pub digests: Vec<u64>,
}

impl Recording {
    /// Keep one step of the run.
    pub fn keep(&mut self, input: Input, commands: &[Command]) {
        self.inputs.push(input);
        self.digests.push(digest(commands));
    }
}

/// Feed a fresh engine of the same program and inputs; the place of the first input that led elsewhere comes back.
///
/// # Errors
/// That place.
pub fn replay(mut engine: Engine, recording: &Recording) -> Result<(), usize> {
    for (i, (input, expected)) in recording.inputs.iter().zip(&recording.digests).enumerate() {
        if digest(&engine.on(input.clone())) != *expected {
            return Err(i);
        }
    }
    Ok(())
}

/// Stable within one build: a fixed hash of what the commands say.
fn digest(commands: &[Command]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for command in commands {
        hasher.write(format!("{command:?}").as_bytes());
    }
    hasher.finish()
}
