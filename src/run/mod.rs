//! The tokio loop that joins the engine, the effects and the people watching: events in, commands out, clock and
//! signals read here and nowhere else.
pub mod answers;
mod clock;
pub mod connected;
pub mod console;
mod crash;
mod drive;
pub mod id;
pub mod journal;
mod lost;
pub mod process;
pub mod resume;
mod runs;
mod signals;

pub use console::{Operator, Turn};
pub use drive::{Around, OnQuestion, drive};
pub use lost::secrets;
pub use signals::told_to_end;

use crate::effects::Chunk;
use crate::engine::{Answer, Finish, Progress, QuestionAsked, QuestionId};
use crate::value::{Nanos, Value};

/// Sees everything, changes nothing. Never blocks and never fails: a closed standard output is its own business.
pub trait Watcher {
    fn tell(&mut self, at: Nanos, progress: &Progress);
    fn output(&mut self, at: Nanos, chunk: &Chunk);
    /// Called a few times a second, for a live view.
    fn tick(&mut self, at: Nanos);
    fn finished(&mut self, at: Nanos, finish: &Finish);
    /// What it is told from here on is shown, or only remembered: it has been shown before.
    fn show(&mut self, shown: Shown);
    /// A secret was read or computed (`Record::Bound` of a [`Value::Secret`]): from here on it is hidden wherever it is found.
    fn secret(&mut self, value: &Value);
}

/// Whether what a watcher is told gets out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Out,
    Remembered,
}

/// Where answers come from: the command line, or a person.
pub trait Answers {
    /// Start asking. The answer comes through [`Answers::poll`].
    fn ask(&mut self, id: QuestionId, question: &QuestionAsked);
    /// Whether an answer was given before it is asked.
    fn gives(&self, _question: &QuestionAsked) -> bool {
        false
    }
    /// Nobody waits for it any more.
    fn withdraw(&mut self, id: QuestionId);
    /// The next answer that a person or the command line has given; pending while there is none, and dropped at any
    /// point. An error (nobody to ask, an answer that does not fit) stops the run as a first signal does.
    fn poll(&mut self) -> Given<'_>;
}

/// The next answer, or why there can be none.
pub type Given<'a> = std::pin::Pin<Box<dyn Future<Output = (QuestionId, Result<Answer, String>)> + 'a>>;
