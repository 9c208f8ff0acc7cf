//! What took time: each step, undo, call, wait and question with its start and end, in the order in which they started.
use std::collections::BTreeMap;

use super::doubts::is_in;
use super::{Moment, Past, What};
use crate::check::program::Want;
use crate::engine::call::{CallId, Path};
use crate::engine::event::{ConditionKind, End, Ending, Failure, FailureKind, Progress, StepStatus, Verdict};
use crate::report::{place, time};
use crate::source::{Sources, Span};
use crate::value::{Nanos, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Step,
    Undo,
    /// A `finally` or a handler.
    Aside,
    Action,
    Wait,
    Question,
    /// No process held the run.
    Away,
}

impl Kind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Step => "step",
            Kind::Undo => "undo",
            Kind::Aside => "aside",
            Kind::Action => "action",
            Kind::Wait => "wait",
            Kind::Question => "question",
            Kind::Away => "away",
        }
    }
}

const AWAY: &str = "no process held the run";
/// When it died nobody has seen: until then it was at work.
const DIED: &str = "its process died in here";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Done,
    /// Its `done when` was true.
    AlreadyDone,
    /// Its `when` was false.
    Skipped,
    Failed,
    Cancelled,
    /// Done, and undone later.
    Undone,
    /// Whether it had its effect is not known.
    InDoubt,
    Waited,
    /// It has not ended.
    Open,
}

impl How {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            How::Done => "done",
            How::AlreadyDone => "already_done",
            How::Skipped => "skipped",
            How::Failed => "failed",
            How::Cancelled => "cancelled",
            How::Undone => "undone",
            How::InDoubt => "in_doubt",
            How::Waited => "waited",
            How::Open => "open",
        }
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            How::AlreadyDone => "already done",
            How::Skipped => "not needed",
            How::InDoubt => "in doubt",
            How::Open => "not ended",
            How::Done | How::Failed | How::Cancelled | How::Undone | How::Waited => self.name(),
        }
    }
}

pub struct Bar {
    pub kind: Kind,
    pub how: How,
    /// A step's name, what was called, what was asked.
    pub name: String,
    pub path: Path,
    /// How many steps it stands in.
    pub depth: usize,
    pub attempt: u32,
    pub start: Timestamp,
    /// As far as it is known.
    pub end: Timestamp,
    /// Time that a process held the run.
    pub took: Nanos,
    /// A process died in it: it took longer than is known.
    pub died: bool,
    pub failure: Option<Failure>,
    /// It failed in a `try`, and the `else` of that followed.
    pub caught: bool,
    pub span: Option<Span>,
    since: Nanos,
}

impl Bar {
    /// How long a process held the run in it, for people.
    #[must_use]
    pub fn lasted(&self) -> String {
        let took = time::length(self.took);
        if self.died { format!("{took} or more") } else { took }
    }
}

impl Past {
    #[must_use]
    pub fn bars(&self) -> Vec<Bar> {
        let mut bars = Bars::of(&self.sources);
        for moment in &self.moments {
            bars.hear(moment);
        }
        if let Some(last) = self.moments.last() {
            bars.all.iter_mut().filter(|bar| bar.how == How::Open).for_each(|bar| bar.close(last, How::Open, None));
        }
        bars.all
    }
}

struct Bars<'a> {
    sources: &'a Sources,
    all: Vec<Bar>,
    steps: BTreeMap<(Path, bool), usize>,
    calls: BTreeMap<CallId, usize>,
    waits: Vec<usize>,
    questions: Vec<usize>,
    asides: Vec<usize>,
    away: Option<usize>,
}

impl Bar {
    fn close(&mut self, now: &Moment, how: How, failure: Option<&Failure>) {
        (self.how, self.end, self.took) = (how, now.wall.max(self.start), Nanos(now.at.0 - self.since.0));
        self.failure = failure.cloned();
    }
}

impl<'a> Bars<'a> {
    fn of(sources: &'a Sources) -> Bars<'a> {
        Bars {
            sources,
            all: Vec::new(),
            steps: BTreeMap::new(),
            calls: BTreeMap::new(),
            waits: Vec::new(),
            questions: Vec::new(),
            asides: Vec::new(),
            away: None,
        }
    }

    fn open(&mut self, now: &Moment, kind: Kind, name: &str, path: &Path) -> usize {
        let depth = self.steps.keys().filter(|(open, _)| is_in(path, open)).count();
        self.all.push(Bar {
            kind,
            how: How::Open,
            name: name.to_owned(),
            path: path.clone(),
            depth,
            attempt: 1,
            start: now.wall,
            end: now.wall,
            took: Nanos(0),
            died: false,
            failure: None,
            caught: false,
            span: None,
            since: now.at,
        });
        self.all.len() - 1
    }

    fn close(&mut self, at: Option<usize>, now: &Moment, how: How, failure: Option<&Failure>) {
        if let Some(bar) = at.and_then(|at| self.all.get_mut(at)) {
            bar.close(now, how, failure);
        }
    }

    fn hear(&mut self, now: &Moment) {
        match &now.what {
            What::Told(progress) => {
                self.waits_end(now, progress);
                self.told(now, progress);
            }
            What::Died => {
                self.all.iter_mut().filter(|bar| bar.how == How::Open).for_each(|bar| bar.died = true);
                self.away = Some(self.open(now, Kind::Away, DIED, &Path::default()));
            }
            What::NoFurther | What::Stopped { .. } => {
                self.away = Some(self.open(now, Kind::Away, AWAY, &Path::default()));
            }
            What::Taken { .. } => {
                let away = self.away.take();
                self.close(away, now, How::Waited, None);
            }
            What::Waited { path } => self.waited(now, path),
            What::Unanswered { path, .. } => self.answered(now, path, How::Failed),
            What::Ended(finish) => {
                for wait in std::mem::take(&mut self.waits) {
                    self.close(Some(wait), now, How::Waited, None);
                }
                if finish.end == End::Stopped {
                    self.away = Some(self.open(now, Kind::Away, AWAY, &Path::default()));
                }
            }
            What::Gave { .. }
            | What::InDoubt { .. }
            | What::Decided { .. }
            | What::Connected { .. }
            | What::Noted { .. }
            | What::LockTaken { .. }
            | What::LeftEnded { .. }
            | What::AskedBack { .. }
            | What::Closed { .. }
            | What::Plain(_) => {}
        }
    }

    fn told(&mut self, now: &Moment, progress: &Progress) {
        match progress {
            Progress::StepStarted { path, name, attempt, span, .. } => {
                let at = self.open(now, Kind::Step, name, path);
                if let Some(bar) = self.all.get_mut(at) {
                    (bar.attempt, bar.span) = (*attempt, Some(*span));
                }
                self.steps.insert((path.clone(), false), at);
            }
            Progress::StepFinished { path, name, status, failure } => {
                let how = match status {
                    StepStatus::Ok => How::Done,
                    StepStatus::Skipped => How::Skipped,
                    StepStatus::AlreadyDone => How::AlreadyDone,
                    StepStatus::Failed => How::Failed,
                    StepStatus::Cancelled => How::Cancelled,
                };
                let at = self.steps.remove(&(path.clone(), false));
                let at = at.unwrap_or_else(|| self.open(now, Kind::Step, name, path));
                self.close(Some(at), now, how, failure.as_deref());
            }
            Progress::Retrying { path, failure, .. } => {
                let at = self.steps.remove(&(path.clone(), false));
                self.close(at, now, How::Failed, Some(failure));
            }
            Progress::Caught { path, .. } => {
                let within = self.all.iter_mut().filter(|bar| bar.how == How::Failed && is_in(&bar.path, path));
                within.for_each(|bar| bar.caught = true);
            }
            Progress::RollbackStarted { path, name } => {
                let at = self.open(now, Kind::Undo, name, path);
                self.steps.insert((path.clone(), true), at);
            }
            Progress::RollbackFinished { path, failure, .. } => {
                let at = self.steps.remove(&(path.clone(), true));
                let how = if failure.is_none() { How::Done } else { How::Failed };
                self.close(at, now, how, failure.as_deref());
                if failure.is_none() {
                    let undone = self.all.iter_mut().filter(|bar| bar.kind == Kind::Step && bar.path == *path);
                    undone.filter(|bar| bar.how == How::Done).for_each(|bar| bar.how = How::Undone);
                }
            }
            // How often a condition was looked at is no part of the picture.
            Progress::ActionStarted { want: Want::Condition, .. } => {}
            Progress::ActionStarted { call, path, text, .. } => {
                let at = self.open(now, Kind::Action, text, path);
                self.calls.insert(*call, at);
            }
            Progress::ActionFinished { call, ending, failure, .. } => {
                let cancelled = failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Cancelled);
                let how = match ending {
                    Ending::Done => How::Done,
                    Ending::Unknown => How::InDoubt,
                    Ending::None | Ending::Some if cancelled => How::Cancelled,
                    Ending::None | Ending::Some => How::Failed,
                };
                let at = self.calls.remove(call);
                self.close(at, now, how, failure.as_deref());
            }
            Progress::Waiting { path, what, span, limit: _ } => {
                let name = if what.is_empty() { "wait".to_owned() } else { place::awaited(self.sources, what, *span) };
                let same = |at: &usize| self.all.get(*at).is_some_and(|bar| bar.path == *path && bar.name == name);
                // One that another process goes on with.
                if !self.waits.iter().any(same) {
                    let at = self.open(now, Kind::Wait, &name, path);
                    self.waits.push(at);
                }
            }
            Progress::Asked { path, text, label: _ } => {
                let at = self.open(now, Kind::Question, text, path);
                self.questions.push(at);
            }
            Progress::Answered { path, .. } => self.answered(now, path, How::Waited),
            Progress::AsideStarted { path, name, kind } => {
                let name = [kind.name(), name]
                    .iter()
                    .filter(|part| !part.is_empty())
                    .copied()
                    .collect::<Vec<_>>()
                    .join(" of ");
                let at = self.open(now, Kind::Aside, &name, path);
                self.asides.push(at);
            }
            Progress::AsideFinished { path, failure, .. } => {
                let at = self.asides.iter().rposition(|at| self.all.get(*at).is_some_and(|bar| bar.path == *path));
                let at = at.map(|at| self.asides.remove(at));
                let how = if failure.is_none() { How::Done } else { How::Failed };
                self.close(at, now, how, failure.as_deref());
            }
            Progress::Condition { path, kind: ConditionKind::Until, verdict: Verdict::Holds, .. } => {
                self.waited(now, path);
            }
            Progress::Condition { .. }
            | Progress::RunStarted { .. }
            | Progress::Stopping
            | Progress::Unwinding { .. }
            | Progress::Committed { .. }
            | Progress::Log { .. }
            | Progress::Note { .. }
            | Progress::Shown { .. }
            | Progress::Warning { .. } => {}
        }
    }

    /// An answer by the command line comes without having been asked for.
    fn answered(&mut self, now: &Moment, path: &Path, how: How) {
        let at = self.questions.iter().position(|at| self.all.get(*at).is_some_and(|bar| bar.path == *path));
        let at = at.map(|at| self.questions.remove(at));
        self.close(at, now, how, None);
    }

    /// Its hour has come, or what it waited for is so.
    fn waited(&mut self, now: &Moment, path: &Path) {
        let at = self.waits.iter().position(|at| self.all.get(*at).is_some_and(|bar| bar.path == *path));
        let at = at.map(|at| self.waits.remove(at));
        self.close(at, now, How::Waited, None);
    }

    /// One that came to nothing is over with what is around it.
    fn waits_end(&mut self, now: &Moment, progress: &Progress) {
        let (Some(path), false) = (place(progress), self.waits.is_empty()) else { return };
        let over = |wait: &Path| is_in(wait, path) && wait != path;
        for wait in std::mem::take(&mut self.waits) {
            if self.all.get(wait).is_some_and(|bar| over(&bar.path)) {
                self.close(Some(wait), now, How::Waited, None);
            } else {
                self.waits.push(wait);
            }
        }
    }
}

fn place(progress: &Progress) -> Option<&Path> {
    match progress {
        Progress::StepStarted { path, .. }
        | Progress::StepFinished { path, .. }
        | Progress::Retrying { path, .. }
        | Progress::Caught { path, .. }
        | Progress::ActionStarted { path, .. }
        | Progress::ActionFinished { path, .. }
        | Progress::Condition { path, .. }
        | Progress::Waiting { path, .. }
        | Progress::Asked { path, .. }
        | Progress::Answered { path, .. }
        | Progress::RollbackStarted { path, .. }
        | Progress::RollbackFinished { path, .. }
        | Progress::AsideStarted { path, .. }
        | Progress::AsideFinished { path, .. }
        | Progress::Committed { path, .. }
        | Progress::Log { path, .. }
        | Progress::Note { path, .. }
        | Progress::Shown { path, .. }
        | Progress::Warning { path, .. } => Some(path),
        Progress::RunStarted { .. } | Progress::Stopping | Progress::Unwinding { .. } => None,
    }
}
