//! The tokio loop that joins the engine, the effects and the people watching: events in, commands out, clock and
//! signals read here and nowhere else.
use crate::effects::{Chunk, Effects};
use crate::engine::{Answer, Engine, Finish, Input, Progress, QuestionAsked, QuestionId};
use crate::value::{Nanos, Value};

/// Sees everything, changes nothing. Never blocks and never fails: a closed standard output is its own business.
pub trait Watcher {
    fn tell(&mut self, at: Nanos, progress: &Progress);
    fn output(&mut self, at: Nanos, chunk: &Chunk);
    /// Called a few times a second, for a live view.
    fn tick(&mut self, at: Nanos);
    fn finished(&mut self, at: Nanos, finish: &Finish);
    /// A secret was read or computed (`Record::Bound` of a [`Value::Secret`]): from here on it is hidden wherever it is found.
    fn secret(&mut self, value: &Value);
}

/// Where answers come from: the command line, or a person.
pub trait Answers {
    /// Start asking. The answer comes through [`Answers::poll`].
    fn ask(&mut self, id: QuestionId, question: &QuestionAsked);
    /// Nobody waits for it any more.
    fn withdraw(&mut self, id: QuestionId);
    /// The next answer that a person or the command line has given; pending while there is none.
    fn poll(&mut self) -> std::pin::Pin<Box<dyn Future<Output = (QuestionId, Answer)> + '_>>;
}

/// What [`drive`] kept: every event in the order the engine consumed it, from which the run replays.
#[derive(Debug, Default)]
pub struct Recording {
    pub inputs: Vec<Input>,
}

/// Drive a run to its end.
pub async fn drive(
    engine: Engine,
    effects: &dyn Effects,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
) -> (Option<Finish>, Recording) {
    let _ = (engine, effects, watcher, answers);
    (None, Recording::default())
}
