//! The events of a run for programs: what each is called and what it holds. Texts are raw: whoever prints one hides its
//! secrets.
use serde::Serialize;

use crate::check::program::Effect;
use crate::engine::call::Path;
use crate::engine::event::{Aside, ConditionKind, Ending, Failure, Finish, LeftWhy, Progress, StepStatus, Verdict};
use crate::report::diagnostics::Finding;
use crate::report::place;
use crate::source::{Sources, Span};
use crate::value::Nanos;
use crate::value::show::is_hostile;

/// What every event has.
#[derive(Serialize)]
pub struct Line<'a> {
    pub v: u32,
    pub event: &'static str,
    pub run: &'a str,
    pub path: String,
    /// RFC 3339, in UTC.
    pub at: String,
    #[serde(flatten)]
    pub fields: Fields<'a>,
}

/// What each event has of its own. Times are seconds.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Fields<'a> {
    RunStarted {
        title: &'a str,
    },
    StepStarted {
        step: &'a str,
        attempt: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<f64>,
    },
    StepFinished {
        step: &'a str,
        status: &'static str,
        failure: Option<Broken<'a>>,
    },
    Retry {
        step: &'a str,
        attempt: u32,
        delay: f64,
        failure: Broken<'a>,
    },
    Caught {
        failure: Broken<'a>,
    },
    ActionStarted {
        call: u64,
        text: &'a str,
        effect: &'static str,
    },
    ActionFinished {
        call: u64,
        ending: &'static str,
        failure: Option<Broken<'a>>,
    },
    Output {
        call: u64,
        stream: &'static str,
        text: &'a str,
    },
    LeftOut {
        lines: u64,
    },
    Condition {
        kind: &'static str,
        label: &'a str,
        verdict: &'static str,
        reason: Option<&'a str>,
    },
    Wait {
        what: &'a str,
        limit: f64,
    },
    Question {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<&'a str>,
    },
    Answer {
        text: &'a str,
        answer: &'a str,
        who: &'a str,
    },
    Unwinding {
        failure: Option<Broken<'a>>,
        within: Option<f64>,
    },
    RollbackStarted {
        step: &'a str,
    },
    RollbackFinished {
        step: &'a str,
        failure: Option<Broken<'a>>,
    },
    Aside {
        kind: &'static str,
        step: &'a str,
    },
    AsideFinished {
        kind: &'static str,
        step: &'a str,
        failure: Option<Broken<'a>>,
    },
    Commit {
        why: &'a str,
    },
    Text {
        text: &'a str,
    },
    Note {
        key: &'a str,
        value: serde_json::Value,
    },
    Shown {
        value: serde_json::Value,
    },
    RunFinished(Box<Ended<'a>>),
    RunRefused(Refusal<'a>),
}

#[derive(Serialize)]
pub struct Broken<'a> {
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<At<'a>>,
    /// The statement that called the action it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    called: Option<At<'a>>,
}

/// Where in the script.
#[derive(Serialize)]
pub struct At<'a> {
    file: &'a str,
    line: usize,
    /// In characters from 1, where a server has told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

#[derive(Serialize)]
pub struct Ended<'a> {
    pub outcome: &'static str,
    pub exit: u8,
    pub failure: Option<Failed<'a>>,
    pub undone: Vec<Undone<'a>>,
    pub left: Vec<InPlace<'a>>,
    pub notes: Vec<Noted<'a>>,
    pub warnings: &'a [String],
}

/// Nothing was run, and why.
#[derive(Serialize)]
pub struct Refusal<'a> {
    pub outcome: &'static str,
    pub exit: u8,
    pub reasons: Vec<Why<'a>>,
    pub diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
pub struct Why<'a> {
    pub message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<&'a str>,
}

#[derive(Serialize)]
pub struct Failed<'a> {
    step: &'a str,
    path: String,
    #[serde(flatten)]
    failure: Broken<'a>,
}

#[derive(Serialize)]
pub struct Undone<'a> {
    path: String,
    step: &'a str,
}

#[derive(Serialize)]
pub struct InPlace<'a> {
    path: String,
    step: &'a str,
    why: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<At<'a>>,
}

#[derive(Serialize)]
pub struct Noted<'a> {
    key: &'a str,
    value: serde_json::Value,
}

/// Secrets are hidden in the strings, not in the encoded line: an encoded form of one would be found there too late.
pub fn hidden(json: serde_json::Value, clean: &dyn Fn(&str) -> String) -> serde_json::Value {
    use serde_json::Value as J;
    match json {
        J::String(text) => J::String(clean(&text)),
        J::Array(items) => J::Array(items.into_iter().map(|item| hidden(item, clean)).collect()),
        J::Object(fields) => {
            J::Object(fields.into_iter().map(|(key, value)| (clean(&key), hidden(value, clean))).collect())
        }
        J::Null | J::Bool(_) | J::Number(_) => json,
    }
}

/// JSON that no terminal obeys: what changes the direction of writing is escaped too.
#[must_use]
pub fn encoded(json: &serde_json::Value) -> String {
    let text = json.to_string();
    if !text.chars().any(is_hostile) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// Where it happened, its name, and what it has of its own.
pub fn told<'a>(progress: &'a Progress, sources: &'a Sources) -> (Path, &'static str, Fields<'a>) {
    let root = &Path::default();
    let broken = |failure| broken(failure, sources);
    let (path, event, fields) = match progress {
        Progress::RunStarted { title } => (root, "run.started", Fields::RunStarted { title }),
        Progress::StepStarted { path, name, attempt, limit, span: _ } => {
            let limit = limit.map(seconds);
            (path, "step.started", Fields::StepStarted { step: name, attempt: *attempt, limit })
        }
        Progress::StepFinished { path, name, status, failure } => {
            let (status, failure) = (status_name(*status), failure.as_deref().map(broken));
            (path, "step.finished", Fields::StepFinished { step: name, status, failure })
        }
        Progress::Retrying { path, name, attempt, delay, failure } => {
            let (delay, failure) = (seconds(*delay), broken(failure));
            (path, "retry", Fields::Retry { step: name, attempt: *attempt, delay, failure })
        }
        Progress::Caught { path, failure } => (path, "caught", Fields::Caught { failure: broken(failure) }),
        Progress::ActionStarted { call, path, text, effect, want: _, asks: _ } => {
            let effect = effect_name(*effect);
            (path, "action.started", Fields::ActionStarted { call: call.0, text, effect })
        }
        Progress::ActionFinished { call, path, ending, failure } => {
            let (ending, failure) = (ending_name(*ending), failure.as_deref().map(broken));
            (path, "action.finished", Fields::ActionFinished { call: call.0, ending, failure })
        }
        Progress::Condition { path, kind, label, verdict } => {
            let (verdict, reason) = match verdict {
                Verdict::Holds => ("holds", None),
                Verdict::Not { reason } => ("not", Some(reason.as_str())),
                Verdict::Error { failure } => ("error", Some(failure.message.as_str())),
            };
            let fields = Fields::Condition { kind: kind_name(*kind), label, verdict, reason };
            (path, "condition", fields)
        }
        Progress::Waiting { path, what, span: _, limit } => {
            (path, "wait", Fields::Wait { what, limit: seconds(*limit) })
        }
        Progress::Asked { path, text, label } => (path, "question", Fields::Question { text, label: label.as_deref() }),
        Progress::Answered { path, text, answer, who } => (path, "answer", Fields::Answer { text, answer, who }),
        Progress::Stopping => {
            let text = "what runs is stopped, then what was done is undone; a second signal leaves things in place";
            (root, "stopping", Fields::Text { text })
        }
        Progress::Unwinding { failure, budget, what: _ } => {
            let fields = Fields::Unwinding { failure: failure.as_deref().map(broken), within: budget.map(seconds) };
            (root, "unwinding", fields)
        }
        Progress::RollbackStarted { path, name } => (path, "rollback.started", Fields::RollbackStarted { step: name }),
        Progress::RollbackFinished { path, name, failure } => {
            let fields = Fields::RollbackFinished { step: name, failure: failure.as_deref().map(broken) };
            (path, "rollback.finished", fields)
        }
        Progress::AsideStarted { path, name, kind } => {
            (path, "aside.started", Fields::Aside { kind: aside_name(*kind), step: name })
        }
        Progress::AsideFinished { path, name, kind, failure } => {
            let (kind, failure) = (aside_name(*kind), failure.as_deref().map(broken));
            (path, "aside.finished", Fields::AsideFinished { kind, step: name, failure })
        }
        Progress::Committed { path, why } => (path, "commit", Fields::Commit { why }),
        Progress::Log { path, text } => (path, "log", Fields::Text { text }),
        Progress::Note { path, key, value } => {
            (path, "note", Fields::Note { key, value: crate::value::json::to_json(value) })
        }
        Progress::Shown { path, value } => (path, "shown", Fields::Shown { value: crate::value::json::to_json(value) }),
        Progress::Warning { path, text } => (path, "warning", Fields::Text { text }),
    };
    (path.clone(), event, fields)
}

pub fn ended<'a>(finish: &'a Finish, sources: &'a Sources) -> Ended<'a> {
    let failure = finish.failure.as_ref().map(|failed| Failed {
        step: &failed.step,
        path: failed.path.to_string(),
        failure: broken(&failed.failure, sources),
    });
    let left = finish.left.iter().map(|left| {
        let (why, text) = match &left.why {
            LeftWhy::Failed(failure) => ("failed", failure.message.as_str()),
            LeftWhy::Interrupted(failure) => ("interrupted", failure.message.as_str()),
            LeftWhy::NotReached => ("not_reached", ""),
            LeftWhy::Manual(what) => ("manual", what.as_str()),
            LeftWhy::Irreversible(why) => ("irreversible", why.as_str()),
            LeftWhy::Running(what) => ("running", what.as_str()),
            LeftWhy::Finally(failure) => ("finally", failure.message.as_str()),
            LeftWhy::Changed(why, _) => ("changed", why.as_str()),
            LeftWhy::Kept => ("kept", ""),
            LeftWhy::FinallyOpen => ("finally_open", ""),
        };
        let span = match &left.why {
            LeftWhy::Failed(failure) | LeftWhy::Interrupted(failure) | LeftWhy::Finally(failure) => {
                failure.span.or(left.span)
            }
            LeftWhy::NotReached
            | LeftWhy::Manual(_)
            | LeftWhy::Irreversible(_)
            | LeftWhy::Running(_)
            | LeftWhy::Changed(..)
            | LeftWhy::Kept
            | LeftWhy::FinallyOpen => left.span,
        };
        InPlace { path: left.path.to_string(), step: &left.step, why, text, place: at(sources, span) }
    });
    let undone = finish.undone.iter().map(|(path, step)| Undone { path: path.to_string(), step });
    let notes = finish.notes.iter().map(|(key, value)| Noted { key, value: crate::value::json::to_json(value) });
    Ended {
        outcome: finish.end.name(),
        exit: finish.end.exit_code(),
        failure,
        undone: undone.collect(),
        left: left.collect(),
        notes: notes.collect(),
        warnings: &finish.warnings,
    }
}

pub fn broken<'a>(failure: &'a Failure, sources: &'a Sources) -> Broken<'a> {
    let Failure { kind, message, notes, span, inside, called, help } = failure;
    let column = span.filter(|_| *inside).map(|span| sources.position(span).1);
    let place = at(sources, *span).map(|place| At { column, ..place });
    let called = at(sources, *called);
    Broken { kind: kind.name(), message, notes, help: help.as_deref(), place, called }
}

pub fn at(sources: &Sources, span: Option<Span>) -> Option<At<'_>> {
    place::of(sources, span).map(|place| At { file: place.file, line: place.line, column: None })
}

/// To the millisecond.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of any run fit")]
pub fn seconds(time: Nanos) -> f64 {
    (time.0 / 1_000_000) as f64 / 1000.0
}

fn status_name(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Ok => "ok",
        StepStatus::Skipped => "skipped",
        StepStatus::AlreadyDone => "already_done",
        StepStatus::Failed => "failed",
        StepStatus::Cancelled => "cancelled",
    }
}

pub fn ending_name(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::None => "none",
        Ending::Some => "some",
        Ending::Unknown => "unknown",
    }
}

pub fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Pure => "pure",
        Effect::Read => "read",
        Effect::Notify => "notify",
        Effect::Write => "write",
    }
}

fn aside_name(kind: Aside) -> &'static str {
    match kind {
        Aside::Finally => "finally",
        Aside::OnSuccess => "on_success",
        Aside::OnFailure => "on_failure",
    }
}

fn kind_name(kind: ConditionKind) -> &'static str {
    match kind {
        ConditionKind::Guard => "guard",
        ConditionKind::Warn => "warn",
        ConditionKind::Watch => "watch",
        ConditionKind::Invariant => "invariant",
        ConditionKind::Until => "until",
        ConditionKind::Unless => "unless",
        ConditionKind::DoneWhen => "done_when",
        ConditionKind::When => "when",
    }
}
