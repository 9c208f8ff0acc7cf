//! The engine's two arrows: what happened, and what to do next.
use std::sync::Arc;

use crate::check::program::{Effect, Want};
use crate::engine::call::{Call, CallId, Path};
use crate::engine::record::Record;
use crate::source::Span;
use crate::value::{Nanos, SmolStr, Timestamp, Type, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub u64);

/// An event and when it happened: nanoseconds of running time since the start of the run, never going back.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub at: Nanos,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The first event of every run.
    Start,
    /// The first event after a replay, when a process goes on with the run: `now()` goes on from here.
    Resumed {
        now: Timestamp,
    },
    /// The end of a call; one for each, unless one of the next three came instead.
    Ended(CallId, Box<Outcome>),
    /// Instead of the end of a call that may have an effect: it was under way when its process died, and nobody can prove
    /// what it did.
    Doubted(CallId),
    /// Instead of the end of a call that may have an effect: how it failed when an earlier process stopped the run. The step
    /// that it belongs to begins anew.
    Failed(CallId, Box<Outcome>),
    /// Instead of the end of a call: it provably had no effect, because it never started or its provider says so. What
    /// still wants it calls it anew, under the same key.
    Unstarted(CallId),
    Fired(TimerId),
    Answered(QuestionId, Answer),
    /// Nobody can answer a question, or the answer does not fit, and why: the run is cancelled and unwinds.
    Unanswered(QuestionId, String),
    /// The same, and the run stops where it is, as after a second signal.
    Parked(QuestionId, String),
    /// The first signal: cancel and unwind.
    Stop,
    /// A person wants that undone which is in place, whether the run has ended or not, and why. Nothing forward goes on,
    /// not even behind a point of no return; [`Command::Finish`] comes (again).
    Rollback {
        why: String,
        what: Extent,
    },
    /// At a console: this input starts, from 0.
    Enter(u32),
    /// At a console: so much of what is in place is undone, and it waits again.
    Undo {
        what: Extent,
        walls: Walls,
    },
    /// At a console: the end; what is in place stays. Why it is no good one.
    Keep(Option<String>),
    /// The second signal: running calls are ended, and nothing more starts.
    Kill,
}

/// Why a run ended that a first signal has stopped.
pub const SIGNALLED: &str = "stopped by a signal";

/// Why something is undone for which nobody gave a reason.
pub const ASKED_FOR: &str = "asked for";

/// What an undo does at a point of no return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walls {
    Stop,
    /// It goes on with what stands before it.
    Pass,
}

/// What a console has come to since it was ready last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reached {
    /// The input that ran; none after an undo and at the start.
    pub entry: Option<u32>,
    pub failure: Option<StepFailure>,
    /// Steps undone, in the order their undo ended.
    pub undone: Vec<(Path, SmolStr)>,
    /// What was to be undone and is still in place, and why.
    pub left: Vec<Left>,
}

/// How much of what is in place is undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    #[default]
    All,
    /// What stands at this place or in it, and all that came after it; not what ran beside it.
    From(Path),
    /// What stands at this place or in it.
    Only(Path),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub value: Value,
    pub who: SmolStr,
}

/// What a call did to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// Failed, provably without effect.
    None,
    /// Failed; an effect is possible.
    Some,
    /// Whether it had its effect cannot be known.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub ending: Ending,
    /// `Err` whenever the call failed or, as a condition, could not be judged.
    pub result: Result<Value, Failure>,
    /// What of it may still run, as a person would name it (`pid 4711`, a query, a host).
    pub running: Option<String>,
    /// Of a condition that is false: what says so, as `exited with code 2: no such host`.
    pub why: Option<String>,
}

impl Outcome {
    #[must_use]
    pub fn done(value: Value) -> Outcome {
        Outcome { ending: Ending::Done, result: Ok(value), running: None, why: None }
    }

    #[must_use]
    pub fn failed(ending: Ending, failure: Failure) -> Outcome {
        Outcome { ending, result: Err(failure), running: None, why: None }
    }
}

/// Why something did not work.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    /// Lower-case, no full stop, understandable alone.
    pub message: String,
    /// More lines for a person: the end of standard error, a server's detail and hint.
    pub notes: Vec<String>,
    /// What failed, as exactly as it is known; at least the statement.
    pub span: Option<Span>,
    /// That is the very place in code that a server has read, as it told it.
    pub inside: bool,
    /// The statement that called the action it happened in; of several the outermost.
    pub called: Option<Span>,
    /// What the reader can do.
    pub help: Option<String>,
}

impl Failure {
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            message: message.into(),
            notes: Vec::new(),
            span: None,
            inside: false,
            called: None,
            help: None,
        }
    }

    /// The same, with what the reader can do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A command's exit code, a server's error, a status outside 2xx.
    Failed,
    /// A guard, a watch, an invariant or a goal that does not hold.
    Guard,
    Timeout,
    Cancelled,
    /// Refused, unreachable, broken.
    Connection,
    /// A value of the wrong kind, null, absent.
    Value,
    /// A person said no, or nothing in time.
    Declined,
    /// `fail "…"`
    Explicit,
}

impl FailureKind {
    /// The word in `failure.kind` and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Failed => "failed",
            FailureKind::Guard => "guard",
            FailureKind::Timeout => "timeout",
            FailureKind::Cancelled => "cancelled",
            FailureKind::Connection => "connection",
            FailureKind::Value => "value",
            FailureKind::Declined => "declined",
            FailureKind::Explicit => "fail",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Call(Arc<Call>),
    /// End it; `Ended` still comes.
    Cancel(CallId),
    /// Fire this long after the input that asked for it, by this clock.
    Timer(TimerId, Nanos, TimerClock),
    /// It must not fire any more.
    Clear(TimerId),
    Ask(QuestionId, Box<QuestionAsked>),
    /// Nobody waits for this answer any more.
    Withdraw(QuestionId),
    /// Keep this, in this order, before doing what follows it.
    Record(Record),
    /// For people and programs that watch; changes nothing.
    Tell(Progress),
    /// A console waits for [`Event::Enter`], [`Event::Undo`], [`Event::Keep`], [`Event::Rollback`] or [`Event::Kill`].
    Ready(Box<Reached>),
    /// The last command of every run; after it only [`Event::Resumed`] and [`Event::Rollback`] are heard.
    Finish(Box<Finish>),
}

/// Which time counts for a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerClock {
    /// That a process holds the run: between two processes it stands still.
    Running,
    /// The world's: what is due while nobody holds the run is due at once.
    Wall,
}

#[derive(Clone, Debug, PartialEq)]
pub struct QuestionAsked {
    pub path: Path,
    /// As written in the file, `#{…}` included: what `--answer` matches.
    pub source: SmolStr,
    pub text: String,
    pub kind: QuestionKind,
    pub within: Option<Nanos>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum QuestionKind {
    /// A bool.
    Confirm,
    /// A point of no return, asked for by the step's name: a bool.
    Irreversible { why: String },
    /// A value of the type, read from text.
    Text(Type),
    /// One of these; the answer is the option's text.
    Choose(Vec<String>),
    /// What a call did that was under way when its process died: one of these, the answer is its text. The last when
    /// nobody is there.
    Doubt(Vec<String>),
}

/// What a watcher sees. Texts hold secrets only as [`Value::Secret`] shows them; the exit redacts again.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    RunStarted {
        title: String,
    },
    StepStarted {
        path: Path,
        name: SmolStr,
        attempt: u32,
        limit: Option<Nanos>,
        span: Span,
    },
    StepFinished {
        path: Path,
        name: SmolStr,
        status: StepStatus,
        failure: Option<Box<Failure>>,
    },
    /// A failed attempt was undone; the next one starts after the delay.
    Retrying {
        path: Path,
        name: SmolStr,
        attempt: u32,
        delay: Nanos,
        failure: Box<Failure>,
    },
    /// What failed in a `try` was undone; its `else` starts.
    Caught {
        path: Path,
        failure: Box<Failure>,
    },
    ActionStarted {
        call: CallId,
        path: Path,
        text: SmolStr,
        /// So that a watcher can leave out what a condition reads.
        effect: Effect,
        want: Want,
        /// It asks a person at the terminal by itself.
        asks: bool,
    },
    ActionFinished {
        call: CallId,
        path: Path,
        ending: Ending,
        failure: Option<Box<Failure>>,
    },
    Condition {
        path: Path,
        kind: ConditionKind,
        label: SmolStr,
        verdict: Verdict,
    },
    Waiting {
        path: Path,
        what: String,
        /// The condition it waits for.
        span: Option<Span>,
        limit: Nanos,
    },
    Asked {
        path: Path,
        text: String,
        /// What `--answer` calls it, where the file does not say.
        label: Option<SmolStr>,
    },
    Answered {
        path: Path,
        text: String,
        answer: String,
        who: SmolStr,
    },
    /// A first signal: what runs is being stopped.
    Stopping,
    /// The direction changed: nothing forward starts any more.
    Unwinding {
        failure: Option<Box<Failure>>,
        budget: Option<Nanos>,
        what: Extent,
    },
    RollbackStarted {
        path: Path,
        name: SmolStr,
    },
    RollbackFinished {
        path: Path,
        name: SmolStr,
        failure: Option<Box<Failure>>,
    },
    AsideStarted {
        path: Path,
        /// The step or action of a `finally`; empty outside every one.
        name: SmolStr,
        kind: Aside,
    },
    AsideFinished {
        path: Path,
        name: SmolStr,
        kind: Aside,
        failure: Option<Box<Failure>>,
    },
    Committed {
        path: Path,
        why: String,
    },
    Log {
        path: Path,
        text: String,
    },
    Note {
        path: Path,
        key: String,
        value: Value,
    },
    /// At a console: what an expression has come to.
    Shown {
        path: Path,
        value: Value,
    },
    /// A failed notification, a warn that does not hold, a handler's error.
    Warning {
        path: Path,
        text: String,
    },
}

/// A block that stands beside the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    Finally,
    OnSuccess,
    OnFailure,
}

impl Aside {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Aside::Finally => "finally",
            Aside::OnSuccess => "on success",
            Aside::OnFailure => "on failure",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStatus {
    Ok,
    /// `when` is false.
    Skipped,
    /// `done when` is true.
    AlreadyDone,
    Failed,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionKind {
    Guard,
    Warn,
    Watch,
    Invariant,
    Until,
    Unless,
    DoneWhen,
    When,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Holds,
    /// With both sides, for a comparison: `83 < 80`.
    Not {
        reason: String,
    },
    /// It could not be judged; it does not hold.
    Error {
        failure: Box<Failure>,
    },
}

/// How the run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finish {
    pub end: End,
    /// The first failure, by order of events.
    pub failure: Option<StepFailure>,
    /// It had gone well, and a person has asked for its undo since.
    pub taken_back: bool,
    /// Whether any write may have had an effect.
    pub wrote: bool,
    /// Steps undone, in the order their undo ended.
    pub undone: Vec<(Path, SmolStr)>,
    /// What is still in place, and why.
    pub left: Vec<Left>,
    pub notes: Vec<(String, Value)>,
    pub warnings: Vec<String>,
    pub account: Account,
}

/// What the journal has of the end of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Account {
    #[default]
    Whole,
    /// It does not know what was undone.
    Behind,
    /// Another process has the run: what became of it is not this one's to say.
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Exit 0.
    Succeeded,
    /// Exit 1.
    RolledBack,
    /// A person asked this process for it, and everything is undone: exit 0.
    Undone,
    /// A person asked this process for a part, and that is undone; something else is in place: exit 0.
    UndoneInPart,
    /// A console that came to an error; what worked before it stays: exit 1.
    Failed,
    /// Refused before the first action: exit 2.
    Refused,
    /// Exit 3; also a success whose `finally` failed.
    Incomplete,
    /// Exit 4.
    Stopped,
}

impl End {
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            End::Succeeded | End::Undone | End::UndoneInPart => 0,
            End::RolledBack | End::Failed => 1,
            End::Refused => 2,
            End::Incomplete => 3,
            End::Stopped => 4,
        }
    }

    /// `outcome` of `run.finished`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            End::Succeeded => "succeeded",
            End::RolledBack | End::Undone => "rolled_back",
            End::UndoneInPart => "rolled_back_in_part",
            End::Failed => "failed",
            End::Refused => "refused",
            End::Incomplete => "rollback_incomplete",
            End::Stopped => "stopped",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct StepFailure {
    /// Empty outside every step.
    pub step: SmolStr,
    pub path: Path,
    pub failure: Failure,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    pub path: Path,
    pub step: SmolStr,
    /// Where the step, the call or the `finally` is written.
    pub span: Option<Span>,
    pub why: LeftWhy,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LeftWhy {
    /// Its rollback failed after all its retries.
    Failed(Failure),
    /// A second signal came while it was being undone.
    Interrupted(Failure),
    /// Stands before the one that failed: unwinding stopped there.
    NotReached,
    /// `rollback manual`: what a person must do.
    Manual(String),
    /// A point of no return, or before one.
    Irreversible(String),
    /// A call of it may still run.
    Running(String),
    /// A `finally` that failed.
    Finally(Failure),
    /// It is not as this run left it, how, and nobody said that it may still be undone: the label of that question.
    Changed(String, SmolStr),
    /// It was not asked for.
    Kept,
    /// A `finally` that is still open: it did not run, or was stopped in it.
    FinallyOpen,
}
