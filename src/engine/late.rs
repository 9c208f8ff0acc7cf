//! What a limit says once it is over. Most never are: the words are put together only then.
use crate::engine::call::Path;
use crate::engine::event::{Failure, FailureKind};
use crate::engine::failure::Fault;
use crate::source::Span;
use crate::value::{Nanos, SmolStr, show};

pub(super) struct Late {
    /// Where it was set.
    pub step: SmolStr,
    pub path: Path,
    pub what: What,
    pub time: Nanos,
    pub span: Option<Span>,
}

pub(super) enum What {
    /// A step or an action of this name.
    Step(SmolStr),
    /// Its rollback.
    Rollback(SmolStr),
    Handler,
    /// Of this, before anything starts.
    Reading(String),
    Deadline,
    RollbackWithin,
    /// `wait up to`.
    Wait,
    /// A sample, a notification.
    Answer,
    Abort,
}

impl Late {
    pub fn fault(&self) -> Fault {
        let time = show::duration(self.time);
        let message = match &self.what {
            What::Step(name) => format!("`{name}` took longer than {time}"),
            What::Rollback(name) => format!("the rollback of `{name}` took longer than {time}"),
            What::Handler => format!("the handler took longer than {time}"),
            What::Reading(what) => format!("{what} could not be read within {time}"),
            What::Deadline => format!("the deadline of {time} is over"),
            What::RollbackWithin => format!("`rollback within {time}` is over"),
            What::Wait => format!("not true within {time}"),
            What::Answer => format!("no answer within {time}"),
            What::Abort => "the transaction could not be aborted".to_owned(),
        };
        let failure = Failure { span: self.span, ..Failure::new(FailureKind::Timeout, message) };
        Fault { step: self.step.clone(), path: self.path.clone(), failure, exhausted: false }
    }
}
