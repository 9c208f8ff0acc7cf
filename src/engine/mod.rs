//! The run: steps, undo list, timeouts, retries, watches. No IO, no clock: [`Engine::on`] takes what happened and when,
//! and returns what to do next. Deterministic: same events, same commands.
pub mod call;
pub mod event;
pub mod record;

pub use call::{Arg, Call, CallId, Context, Piece, What};
pub use event::{
    Answer, Command, Ending, Event, Failure, FailureKind, Finish, Input, Outcome, Progress, QuestionAsked, QuestionId,
    TimerId,
};
pub use record::Record;
