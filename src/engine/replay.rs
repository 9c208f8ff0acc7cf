//! The same events give the same commands: a run is rebuilt from what it consumed.
use std::sync::Arc;

use crate::check::program::Program;
use crate::engine::event::{Command, Input};
use crate::engine::pending::Pending;
use crate::engine::{Engine, Inputs};

/// A run as its recorded events left it.
pub struct Replayed {
    pub engine: Engine,
    pub pending: Pending,
    /// How many events that were.
    pub heard: usize,
}

/// The recorded events are not of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The first that does not fit, from 0.
    pub index: usize,
    /// One line, lower-case, as `no call 7 is under way`.
    pub why: String,
}

impl Replayed {
    /// A run that has heard of nothing yet.
    #[must_use]
    pub fn new(engine: Engine) -> Replayed {
        Replayed { engine, pending: Pending::default(), heard: 0 }
    }

    /// Its next event, and what it asked for after it.
    ///
    /// # Errors
    /// The engine does not wait for it, or cannot know what followed from it.
    pub fn hear(&mut self, input: Input) -> Result<Vec<Command>, Misfit> {
        let (index, at) = (self.heard, input.at);
        self.pending.heard(&input.event).map_err(|why| Misfit { index, why })?;
        let commands = self.engine.on(input);
        if let Some(secret) = self.engine.missing() {
            let why = format!(
                "what the run did next follows from the secret `{secret}`, which is not kept without `RBK_JOURNAL_KEY`"
            );
            return Err(Misfit { index, why });
        }
        commands.iter().for_each(|command| self.pending.asked(index, at, command));
        self.heard += 1;
        Ok(commands)
    }
}

/// A fresh engine brought to where the recorded events left it. Any prefix of a run's events is good: what it asked for and
/// has no end yet is still under way.
///
/// # Errors
/// An event that the engine does not wait for.
pub fn replay(
    program: Arc<Program>,
    inputs: Inputs,
    events: impl IntoIterator<Item = Input>,
) -> Result<Replayed, Misfit> {
    let mut replayed = Replayed::new(Engine::new(program, inputs));
    events.into_iter().try_for_each(|input| replayed.hear(input).map(|_| ()))?;
    Ok(replayed)
}
