//! What a report of a run says, whatever it is written in: facts, a timeline, what failed, what was undone, what is left to do.
//! Out: texts without secrets in which no character is obeyed; what only a person can know is a gap, never a guess.
use std::collections::BTreeMap;

use super::bars::{Bar, How, Kind};
use super::doubts::is_in;
use super::{Awaits, Moment, Past, What, human, retell};
use crate::check::program::Effect;
use crate::engine::call::Path;
use crate::engine::event::{End, Failure, Finish, Left, LeftWhy, Progress, StepStatus, Verdict};
use crate::report::place;
use crate::report::summary::{ways_on, ways_out};
use crate::report::time;
use crate::report::visible::{Colours, visible};
use crate::value::{SmolStr, Timestamp};

/// Characters of a text in one line of a report.
const LONGEST: usize = 160;

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// What a machine was given, or gave.
    Code(String),
    /// Only a person knows: what is to be filled in.
    Gap(&'static str),
}

/// A sentence.
pub type Said = Vec<Part>;

pub struct Row {
    pub wall: Timestamp,
    pub mark: How,
    pub said: Said,
}

pub struct Incident {
    pub title: String,
    pub summary: Vec<(&'static str, Said)>,
    pub timeline: Vec<Row>,
    pub cause: Vec<Said>,
    pub resolution: Vec<Said>,
    pub left: Vec<Said>,
    pub actions: Vec<Said>,
    /// Why less is told than happened.
    pub gaps: Vec<String>,
}

#[must_use]
pub fn incident(past: &Past, bars: &[Bar]) -> Incident {
    let tell = Tell { past };
    let finish = past.finish();
    let left = finish.map_or_else(|| tell.in_place(), |finish| tell.left(finish));
    Incident {
        title: tell.clean(&past.head.book),
        summary: tell.summary(finish),
        timeline: past.moments.iter().filter_map(|moment| tell.row(moment)).collect(),
        cause: tell.cause(),
        resolution: tell.resolution(bars),
        actions: tell.actions(finish, &left),
        left,
        gaps: past.gaps.iter().map(|gap| tell.clean(gap)).collect(),
    }
}

/// One line of a text, without secrets and without anything that is obeyed.
#[must_use]
pub fn cleaned(past: &Past, text: &str) -> String {
    Tell { past }.brief(text)
}

fn text(text: impl Into<String>) -> Part {
    Part::Text(text.into())
}

struct Tell<'a> {
    past: &'a Past,
}

impl Tell<'_> {
    /// Without secrets, without anything that is obeyed.
    fn clean(&self, text: &str) -> String {
        text.lines()
            .map(|line| visible(&self.past.clean(line), Colours::Show).into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Its first line, and how much more there is.
    fn brief(&self, text: &str) -> String {
        // Before it is cut: a secret may have several lines.
        let clean = self.past.clean(text);
        let lines = clean.lines().count();
        let first = clean.lines().next().unwrap_or_default();
        let mut short = super::short(first, LONGEST);
        if lines > 1 {
            short.push_str(&format!(" {}", super::more_lines(lines - 1)));
        }
        visible(&short, Colours::Show).into_owned()
    }

    fn words(&self, words: &str) -> Part {
        Part::Text(self.brief(words))
    }

    fn code(&self, code: &str) -> Part {
        Part::Code(self.brief(code))
    }

    fn summary(&self, finish: Option<&Finish>) -> Vec<(&'static str, Said)> {
        let past = self.past;
        let head = &past.head;
        let day = |time: Timestamp| time.strftime("%F").to_string();
        let hour = |time: Timestamp| time.strftime("%T").to_string();
        let (from, to) = (head.started, past.last());
        let until = if day(from) == day(to) { hour(to) } else { format!("{} {}", day(to), hour(to)) };
        let wall = to.duration_since(from).as_nanos();
        let wall = time::length(crate::value::Nanos(i64::try_from(wall).unwrap_or(i64::MAX)));
        let lasted = match (past.died(), &past.row.held) {
            (true, _) => format!("{} UTC - unknown: last heard of at {until} UTC, {wall} later", hour(from)),
            (false, Some(_)) => format!("{} UTC - now: last heard of at {until} UTC, {wall} later", hour(from)),
            (false, None) => format!("{} - {until} UTC ({wall})", hour(from)),
        };
        let mut rows = vec![
            ("Date", vec![text(day(from))]),
            ("Duration", vec![text(lasted)]),
            ("Severity", vec![Part::Gap("severity")]),
            ("Impact", vec![Part::Gap("who was affected, and how")]),
            ("Outcome", vec![text(self.outcome(finish))]),
            ("Run", vec![self.code(&head.run)]),
            ("Runbook", vec![self.code(head.texts.first().map_or("", |text| text.name.as_str()))]),
            (
                "Started by",
                vec![self.words(&format!("{} on {}, in {}", head.place.user, head.place.host_name, head.place.dir))],
            ),
        ];
        for (name, value) in &head.params {
            rows.push(("Parameter", vec![self.code(&format!("{name} = {}", past.shown(value)))]));
        }
        rows
    }

    fn outcome(&self, finish: Option<&Finish>) -> String {
        let open = self.past.awaits.first().map(|awaits| format!("; {}", self.brief(&human::words(awaits))));
        let standing = self.past.standing();
        let closed = self.past.moments.iter().rev().find_map(|moment| match &moment.what {
            What::Closed { who, reason } => Some(self.brief(&format!("closed as it was by {who}: {reason}"))),
            _ => None,
        });
        match (standing, finish) {
            ("closed", _) => closed.unwrap_or_else(|| standing.to_owned()),
            ("interrupted" | "running" | "stopped" | "damaged", _) | (_, None) => {
                format!("{standing}{}", open.unwrap_or_default())
            }
            (_, Some(finish)) => ended(finish).to_owned(),
        }
    }

    /// Nothing for what a person would not look for in a report.
    fn row(&self, moment: &Moment) -> Option<Row> {
        let (mark, said) = self.said(&moment.what)?;
        Some(Row { wall: moment.wall, mark, said })
    }

    fn said(&self, what: &What) -> Option<(How, Said)> {
        Some(match what {
            What::Told(progress) => return self.progress(progress),
            What::Taken { door, holder, reasons } => {
                let by =
                    format!("{} by {} on {}, pid {}", retell::door(*door), holder.user, holder.host_name, holder.pid);
                let mut said = vec![self.words(&by)];
                let reasons = reasons.iter().map(|reason| format!("; {} {}", reason.option, reason.text));
                said.extend(reasons.map(|reason| self.words(&reason)));
                (How::Open, said)
            }
            What::Gave { text: called, value, .. } => {
                let value = self.past.shown(value);
                (How::Done, vec![self.code(called), text(" gave "), self.code(&value)])
            }
            What::InDoubt { text: called, .. } => {
                (How::InDoubt, vec![text("in doubt, because its end is not known: "), self.code(called)])
            }
            What::Decided { text: called, how, .. } => {
                (How::InDoubt, vec![text("decided: "), self.code(called), self.words(&format!(": {}", how.words()))])
            }
            What::Unanswered { text: asked, why, .. } => {
                (How::Failed, vec![self.words(asked), self.words(&format!(" → no answer: {why}"))])
            }
            What::Waited { .. } | What::Connected { server: Some(_), .. } => return None,
            What::Connected { name, address, server: None } => {
                (How::Open, vec![text("connection "), self.code(name), text(" leads to "), self.code(address)])
            }
            What::Noted { who, text: said } => {
                (How::Open, vec![text(self.past.clean(&format!("{who} notes: {said}")))])
            }
            What::LockTaken { lock, by, who } => (How::Cancelled, vec![self.words(&retell::lock_taken(lock, by, who))]),
            What::LeftEnded { what, by } => {
                (How::Cancelled, vec![self.words(&retell::left_ended(what, by.as_deref()))])
            }
            What::AskedBack { why, part } => (How::Undone, vec![self.words(&retell::asked_back(why, part.as_deref()))]),
            What::Died => (How::InDoubt, vec![text(retell::DIED)]),
            What::NoFurther => (How::Cancelled, vec![text("it went no further")]),
            What::Stopped { why } => (How::Cancelled, vec![self.words(&format!("its process let go of it: {why}"))]),
            What::Closed { who, reason } => {
                (How::Cancelled, vec![self.words(&format!("closed as it was by {who}: {reason}"))])
            }
            What::Ended(finish) => (how(finish.end), vec![text(format!("ended: {}", ended(finish)))]),
            What::Plain(words) => (How::Open, vec![self.words(words)]),
        })
    }

    fn progress(&self, progress: &Progress) -> Option<(How, Said)> {
        Some(match progress {
            Progress::StepStarted { name, attempt, .. } => {
                let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                (How::Open, vec![text("step "), self.code(name), text(format!(" begins{again}"))])
            }
            Progress::StepFinished { name, status, failure, .. } => {
                let (how, words) = match status {
                    StepStatus::Ok => (How::Done, "is done"),
                    StepStatus::Skipped => (How::Skipped, "is not needed: its `when` is false"),
                    StepStatus::AlreadyDone => (How::AlreadyDone, "was done already"),
                    StepStatus::Failed => (How::Failed, "failed"),
                    StepStatus::Cancelled => (How::Cancelled, "was cancelled"),
                };
                let mut said = vec![text("step "), self.code(name), text(format!(" {words}"))];
                said.extend(failure.iter().flat_map(|failure| self.failure(failure)));
                (how, said)
            }
            Progress::Retrying { name, attempt, failure, .. } => {
                let mut said =
                    vec![text("step "), self.code(name), text(format!(" failed, attempt {attempt} follows"))];
                said.extend(self.failure(failure));
                (How::Failed, said)
            }
            Progress::Caught { .. } => (
                How::Waited,
                vec![text("the "), self.code("else"), text(" of its "), self.code("try"), text(" follows")],
            ),
            Progress::ActionStarted { text: called, effect: Effect::Write | Effect::Notify, .. } => {
                (How::Open, vec![self.code(called)])
            }
            Progress::Condition { kind, label, verdict: Verdict::Error { failure }, .. } => {
                let name = self.words(&format!("{} {label} cannot be judged: {}", kind_words(*kind), failure.message));
                (How::Failed, vec![name])
            }
            Progress::Asked { text: asked, .. } => (How::Waited, vec![text("asked: "), self.words(asked)]),
            Progress::Answered { text: asked, answer, who, .. } => {
                let answer = match answer.as_str() {
                    "true" => "yes",
                    "false" => "no",
                    other => other,
                };
                (How::Waited, vec![self.words(asked), self.words(&format!(" → {answer}, says {who}"))])
            }
            Progress::Stopping => (How::Cancelled, vec![text("a signal asked it to stop")]),
            Progress::Unwinding { .. } => (How::Undone, vec![text("going back: what was done is undone, last first")]),
            Progress::RollbackFinished { name, failure: None, .. } => {
                (How::Undone, vec![text("undone: "), self.code(name)])
            }
            Progress::RollbackFinished { name, failure: Some(failure), .. } => {
                let mut said = vec![text("not undone: "), self.code(name)];
                said.extend(self.failure(failure));
                (How::Failed, said)
            }
            Progress::AsideFinished { name, kind, failure: Some(failure), .. } => {
                let mut said = vec![self.words(&format!("{} {name} failed", kind.name()))];
                said.extend(self.failure(failure));
                (How::Failed, said)
            }
            Progress::Committed { why, .. } => (How::Done, vec![self.words(&format!("final: {why}"))]),
            Progress::Log { text, .. } => (How::Open, vec![self.words(text)]),
            Progress::Note { key, value, .. } => {
                (How::Open, vec![self.words(&format!("note {key}: ")), self.code(&self.past.shown(value))])
            }
            Progress::Warning { text, .. } => (How::InDoubt, vec![self.words(&format!("warning: {text}"))]),
            Progress::Waiting { what, span, limit, .. } => {
                let limit = time::limit(*limit);
                if what.is_empty() {
                    return Some((How::Waited, vec![text(format!("waits {limit}"))]));
                }
                let what = self.code(&place::awaited(&self.past.sources, what, *span));
                (How::Waited, vec![text("waits "), what, text(format!(", {limit} at most"))])
            }
            Progress::RunStarted { .. }
            | Progress::ActionStarted { .. }
            | Progress::ActionFinished { .. }
            | Progress::Condition { .. }
            | Progress::Shown { .. }
            | Progress::RollbackStarted { .. }
            | Progress::AsideStarted { .. }
            | Progress::AsideFinished { failure: None, .. } => return None,
        })
    }

    /// `: message (book.rbk:14)`
    fn failure(&self, failure: &Failure) -> Said {
        let mut said = vec![self.words(&format!(": {}", failure.message))];
        if let Some(place) = place::of(&self.past.sources, failure.span) {
            said.extend([text(" ("), self.code(&place.to_string()), text(")")]);
        }
        said
    }

    fn cause(&self) -> Vec<Said> {
        let mut lines = Vec::new();
        if let Some(failed) = self.past.cause() {
            let step = if failed.step.is_empty() { "the runbook" } else { &failed.step };
            let mut said = vec![text("failed first: "), self.code(step)];
            said.extend(self.failure(&failed.failure));
            lines.push(said);
            lines.extend(failed.failure.notes.iter().map(|note| vec![self.code(note)]));
        }
        lines.push(vec![Part::Gap("why it came to that")]);
        lines
    }

    /// A step that was undone and done later is done.
    fn resolution(&self, bars: &[Bar]) -> Vec<Said> {
        let mut came: BTreeMap<&Path, (usize, &Bar)> = BTreeMap::new();
        for (at, bar) in bars.iter().enumerate() {
            let is = match (bar.kind, bar.how) {
                (Kind::Step, How::Done | How::AlreadyDone) | (Kind::Undo, How::Done) => true,
                (
                    Kind::Step | Kind::Undo | Kind::Aside | Kind::Action | Kind::Wait | Kind::Question | Kind::Away,
                    _,
                ) => false,
            };
            if is {
                came.insert(&bar.path, (at, bar));
            }
        }
        let done = came.values().filter(|(_, bar)| bar.kind == Kind::Step).count();
        let step = |path: &Path| bars.iter().any(|bar| bar.kind == Kind::Step && is_in(path, &bar.path));
        let bare: Vec<&SmolStr> =
            self.past.stays.iter().filter(|(path, _)| !step(path)).map(|(_, name)| name).collect();
        let mut undone: Vec<(usize, &Bar)> = came.into_values().filter(|(_, bar)| bar.kind == Kind::Undo).collect();
        undone.sort_by_key(|(at, _)| *at);
        let (steps, are) = if done == 1 { ("step is", "stays") } else { ("steps are", "stay") };
        let is = if undone.len() == 1 { "is" } else { "are" };
        let outside = match bare.len() {
            0 => String::new(),
            1 => "; 1 write outside a step is done and stays".to_owned(),
            count => format!("; {count} writes outside a step are done and stay"),
        };
        let steps = format!("{done} {steps} done and {are}, {} {is} undone{outside}", undone.len());
        let mut lines = vec![vec![text(steps)]];
        lines.extend(undone.into_iter().map(|(_, bar)| vec![text("undone: "), self.code(&bar.name)]));
        lines.extend(bare.into_iter().map(|name| vec![text("outside a step: "), self.code(name)]));
        lines.push(vec![Part::Gap("what else was done")]);
        lines
    }

    fn left(&self, finish: &Finish) -> Vec<Said> {
        finish.left.iter().map(|left| self.left_in_place(left, finish.end)).collect()
    }

    /// Of a run that is not over.
    fn in_place(&self) -> Vec<Said> {
        self.past.in_place.iter().map(|(_, step)| vec![self.code(step), text(": not undone")]).collect()
    }

    /// Commands stand in backticks.
    fn marked(&self, words: &str) -> Said {
        let parts = words.split('`').enumerate();
        parts.map(|(i, part)| if i % 2 == 1 { self.code(part) } else { self.words(part) }).collect()
    }

    fn left_in_place(&self, left: &Left, end: End) -> Said {
        let step = if left.step.is_empty() { "the runbook" } else { &left.step };
        let why = match &left.why {
            LeftWhy::Failed(failure) => format!("its rollback failed: {}", failure.message),
            LeftWhy::Interrupted(failure) => failure.message.clone(),
            LeftWhy::NotReached if end == End::Stopped => "not undone: the run was stopped".to_owned(),
            LeftWhy::NotReached => "not undone: unwinding stopped before it".to_owned(),
            LeftWhy::Manual(what) => format!("by hand: {what}"),
            LeftWhy::Irreversible(why) => format!("cannot be undone: {why}"),
            LeftWhy::Running(what) => format!("not undone, because it may still be running: {what}"),
            LeftWhy::Finally(failure) => format!("its `finally` failed: {}", failure.message),
            LeftWhy::Kept => "its undo was not asked for".to_owned(),
            LeftWhy::Changed(why, _) => format!("not undone, because it was changed since: {why}"),
            LeftWhy::FinallyOpen => "its `finally` did not run to its end".to_owned(),
        };
        let mut said = vec![self.code(step), self.words(&format!(": {why}"))];
        if let Some(place) = place::of(&self.past.sources, left.span) {
            said.extend([text(" ("), self.code(&place.to_string()), text(")")]);
        }
        said
    }

    fn actions(&self, finish: Option<&Finish>, left: &[Said]) -> Vec<Said> {
        let mut lines: Vec<Said> = left.to_vec();
        let run = &self.past.head.run;
        let standing = self.past.standing();
        for awaits in &self.past.awaits {
            if !matches!(awaits, Awaits::Step { .. }) {
                lines.push(vec![self.words(&human::words(awaits))]);
            }
        }
        let ways = match (standing, finish) {
            ("interrupted" | "stopped", _) => Some(ways_on(run)),
            ("closed" | "damaged", _) | (_, None) => None,
            (_, Some(finish)) => ways_out(finish, run),
        };
        lines.extend(ways.map(|words| self.marked(&words)));
        for warning in finish.iter().flat_map(|finish| &finish.warnings) {
            lines.push(vec![self.words(&format!("look at the warning: {warning}"))]);
        }
        lines.push(vec![Part::Gap("what is to be done so that it does not happen again")]);
        lines
    }
}

fn ended(finish: &Finish) -> &'static str {
    match finish.end {
        End::Undone if finish.taken_back => "succeeded, then undone, because a person asked for it",
        End::UndoneInPart if finish.taken_back => {
            "succeeded, then undone in part, because a person asked for it; the rest stays in place"
        }
        End::Incomplete if finish.taken_back => {
            "succeeded, then a person asked for its undo, and not everything is undone: a person is needed"
        }
        End::Succeeded => "succeeded",
        End::RolledBack => "failed, and everything that was done is undone",
        End::Undone => "undone, because a person asked for it",
        End::UndoneInPart => "undone in part, because a person asked for it; the rest stays in place",
        End::Failed => "ended with an error; what had worked before it stays in place",
        End::Refused => "refused before its first action: nothing was done",
        End::Incomplete => "failed, and not everything is undone: a person is needed",
        End::Stopped => "stopped; it can go on",
    }
}

fn how(end: End) -> How {
    match end {
        End::Succeeded => How::Done,
        End::RolledBack | End::Undone | End::UndoneInPart => How::Undone,
        End::Failed | End::Refused | End::Incomplete => How::Failed,
        End::Stopped => How::Cancelled,
    }
}

fn kind_words(kind: crate::engine::event::ConditionKind) -> &'static str {
    use crate::engine::event::ConditionKind as K;
    match kind {
        K::Guard => "guard",
        K::Warn => "warn",
        K::Watch => "watch",
        K::Invariant => "invariant",
        K::Until => "until",
        K::Unless => "unless",
        K::DoneWhen => "done when",
        K::When => "when",
    }
}
