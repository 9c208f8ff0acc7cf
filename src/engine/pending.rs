//! What a run waits for, read off what went in and came out of its engine.
use std::sync::Arc;

use crate::engine::call::{Call, CallId, Path};
use crate::engine::event::{Command, Event, Finish, Progress, QuestionAsked, QuestionId, Reached, TimerClock, TimerId};
use crate::engine::record::Record;
use crate::source::Span;
use crate::value::Nanos;

/// What was asked for and has neither come nor been given up, in the order it was asked for.
///
/// After a replay a new process says [`Event::Resumed`], then, if a person wants so, [`Event::Rollback`], and brings this up
/// to date with what comes back. Then each of the calls here gets an end: `Ended` with what its provider can prove that it
/// did (never for [`crate::engine::What::Begin`]); `Doubted` when it is written down that it was about to start,
/// or `Failed` when its end was seen as the run was stopped; `Unstarted` else. One without effect that is not cancelled may also be started again under its own id. Running timers go
/// on with what was left of them, wall timers are due when they were, questions are asked again.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    pub calls: Vec<PendingCall>,
    pub timers: Vec<PendingTimer>,
    pub questions: Vec<PendingQuestion>,
    /// The run has ended, and nothing was asked for since.
    pub finish: Option<Finish>,
    /// A console waits for what is done next.
    pub ready: Option<Reached>,
    started: bool,
    /// A wait that has begun and asks for its timer next.
    begun: Option<Wait>,
    /// Was asked last: its timer comes next.
    put: Option<QuestionId>,
}

/// A call without its end.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingCall {
    pub call: Arc<Call>,
    /// Nobody wants it any more: it is not started again, only its end is waited for.
    pub cancelled: bool,
}

/// A timer that has not fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingTimer {
    pub id: TimerId,
    /// Which input led to it, from 0; and its running time.
    pub input: usize,
    pub set: Nanos,
    pub after: Nanos,
    pub clock: TimerClock,
    /// Of a `wait`, and of the limit of a `wait up to`.
    pub wait: Option<Wait>,
    /// The question whose answer it bounds.
    pub question: Option<QuestionId>,
}

/// A wait that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Where it stands.
    pub path: Path,
    /// The condition that it waits for, for a limit of running time; none: for an hour.
    pub until: Option<Span>,
}

/// A question without its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingQuestion {
    pub id: QuestionId,
    pub asked: QuestionAsked,
}

impl Pending {
    /// Take in the next input.
    ///
    /// # Errors
    /// Nobody waits for it; why.
    pub(super) fn heard(&mut self, event: &Event) -> Result<(), String> {
        let goes_on = matches!(event, Event::Resumed { .. } | Event::Rollback { .. });
        match event {
            Event::Start if self.started => return Err("it starts twice".to_owned()),
            Event::Start => self.started = true,
            _ if !self.started => return Err("it does not begin with its start".to_owned()),
            _ if self.finish.is_some() && !goes_on => return Err("the run has ended before it".to_owned()),
            Event::Ended(id, _) | Event::Doubted(id) | Event::Failed(id, _) | Event::Unstarted(id) => {
                self.ended(*id)?
            }
            Event::Fired(id) => {
                take(&mut self.timers, |timer| timer.id == *id).ok_or_else(|| format!("no timer {} is set", id.0))?
            }
            Event::Answered(id, _) | Event::Unanswered(id, _) | Event::Parked(id, _) => {
                take(&mut self.questions, |asked| asked.id == *id)
                    .ok_or_else(|| format!("no question {} is open", id.0))?
            }
            Event::Rollback { .. } => (self.finish, self.ready) = (None, None),
            Event::Enter(_) | Event::Undo { .. } | Event::Keep(_) => {
                self.ready.take().map(drop).ok_or("the console does not wait for it")?;
            }
            Event::Resumed { .. } | Event::Stop | Event::Kill => {}
        }
        Ok(())
    }

    fn ended(&mut self, id: CallId) -> Result<(), String> {
        take(&mut self.calls, |pending| pending.call.id == id).ok_or_else(|| format!("no call {} is under way", id.0))
    }

    /// Take in what the engine asked for after an input, by its number and time.
    pub(super) fn asked(&mut self, input: usize, at: Nanos, command: &Command) {
        let (begun, put) = (self.begun.take(), self.put.take());
        match command {
            Command::Call(call) => self.calls.push(PendingCall { call: call.clone(), cancelled: false }),
            Command::Cancel(id) => {
                let call = self.calls.iter_mut().find(|pending| pending.call.id == *id);
                call.into_iter().for_each(|pending| pending.cancelled = true);
            }
            Command::Timer(id, after, clock) => {
                self.timers.push(PendingTimer {
                    id: *id,
                    input,
                    set: at,
                    after: *after,
                    clock: *clock,
                    wait: begun,
                    question: put,
                });
            }
            Command::Clear(id) => self.timers.retain(|timer| timer.id != *id),
            Command::Ask(id, asked) => {
                self.questions.push(PendingQuestion { id: *id, asked: QuestionAsked::clone(asked) });
                self.put = asked.within.map(|_| *id);
            }
            Command::Withdraw(id) => self.questions.retain(|asked| asked.id != *id),
            Command::Finish(finish) => self.finish = Some(Finish::clone(finish)),
            Command::Ready(reached) => self.ready = Some(Reached::clone(reached)),
            Command::Record(Record::Wait { path }) => self.begun = Some(Wait { path: path.clone(), until: None }),
            Command::Tell(Progress::Waiting { path, span: until @ Some(_), .. }) => {
                self.begun = Some(Wait { path: path.clone(), until: *until });
            }
            Command::Tell(Progress::Waiting { .. }) => self.begun = begun,
            Command::Record(_) | Command::Tell(_) => {}
        }
    }
}

/// None: it is not there.
fn take<T>(from: &mut Vec<T>, is: impl Fn(&T) -> bool) -> Option<()> {
    let at = from.iter().position(is)?;
    from.remove(at);
    Some(())
}
