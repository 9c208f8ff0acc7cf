//! Where a console gets what it does next.
use std::pin::Pin;
use std::sync::Arc;

use crate::check::Program;
use crate::engine::{Call, Engine, Extent, Outcome, Reached, Walls};
use crate::journal::{Entry, Trouble};

/// Who works at a console: a person, or a script.
pub trait Operator {
    /// The console waits, and has come to this since it was ready last. What is done next comes through [`Operator::poll`].
    fn ready(&mut self, engine: &Engine, reached: &Reached);
    /// The next turn; pending while there is none, and dropped at any point.
    fn poll(&mut self) -> Next<'_>;
    /// A call has ended so.
    fn ended(&mut self, call: &Call, outcome: &Outcome);
    /// What became of [`Turn::Note`]; the next turn follows.
    fn noted(&mut self, kept: Result<(), Trouble>);
    /// A signal to stop, while the console waits.
    fn interrupted(&mut self);
}

pub type Next<'a> = Pin<Box<dyn Future<Output = Turn> + 'a>>;

/// What a console does next.
#[derive(Debug)]
pub enum Turn {
    Enter(Box<Input>),
    Undo(Extent, Walls),
    /// Only to be kept: [`Entry::Noted`].
    Note(Entry),
    /// The end; what is in place stays. Why it is no good one.
    Keep(Option<String>),
    /// The end; all is undone, and why.
    Rollback(String),
    /// The process lets go of the run, which stays as it is.
    Leave,
}

/// What was typed, checked.
#[derive(Debug)]
pub struct Input {
    /// With this input as its last.
    pub program: Arc<Program>,
    pub number: u32,
    /// [`Entry::Entered`].
    pub kept: Entry,
}
