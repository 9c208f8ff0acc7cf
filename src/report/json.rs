//! A run for programs: one JSON object a line, versioned structs of their own. A field may be added; a reader passes
//! over events and fields that it does not know.
use std::rc::Rc;

use serde::Serialize;

use crate::check::program::Effect;
use crate::effects::{Chunk, Stream};
use crate::engine::call::{CallId, Path};
use crate::engine::event::{
    Aside, ConditionKind, End, Ending, Failure, Finish, LeftWhy, Progress, StepStatus, Verdict,
};
use crate::report::diagnostics::Finding;
use crate::report::outside::Outside;
use crate::report::place;
use crate::report::streamed::Streamed;
use crate::run::{Shown, Watcher};
use crate::source::{Sources, Span};
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// What every event has.
#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    event: &'static str,
    run: &'a str,
    path: String,
    /// RFC 3339, in UTC.
    at: String,
    #[serde(flatten)]
    fields: Fields<'a>,
}

/// What each event has of its own. Times are seconds.
#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
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
    RunFinished(Box<Ended<'a>>),
    RunRefused(Refusal<'a>),
}

#[derive(Serialize)]
struct Broken<'a> {
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
struct At<'a> {
    file: &'a str,
    line: usize,
    /// In characters from 1, where a server has told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

#[derive(Serialize)]
struct Ended<'a> {
    outcome: &'static str,
    exit: u8,
    failure: Option<Failed<'a>>,
    undone: Vec<Undone<'a>>,
    left: Vec<InPlace<'a>>,
    notes: Vec<Noted<'a>>,
    warnings: &'a [String],
}

/// Nothing was run, and why.
#[derive(Serialize)]
struct Refusal<'a> {
    outcome: &'static str,
    exit: u8,
    reasons: Vec<Why<'a>>,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Why<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct Failed<'a> {
    step: &'a str,
    path: String,
    #[serde(flatten)]
    failure: Broken<'a>,
}

#[derive(Serialize)]
struct Undone<'a> {
    path: String,
    step: &'a str,
}

#[derive(Serialize)]
struct InPlace<'a> {
    path: String,
    step: &'a str,
    why: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<At<'a>>,
}

#[derive(Serialize)]
struct Noted<'a> {
    key: &'a str,
    value: serde_json::Value,
}

pub struct Json {
    out: Outside,
    run: SmolStr,
    started: Timestamp,
    sources: Rc<Sources>,
    streamed: Streamed,
    /// Where each running call stands.
    paths: std::collections::BTreeMap<CallId, Path>,
}

impl Json {
    #[must_use]
    pub fn new(out: Outside, run: SmolStr, started: Timestamp, sources: Sources) -> Json {
        let (sources, streamed) = (Rc::new(sources), Streamed::new(out.known()));
        Json { out, run, started, sources, streamed, paths: std::collections::BTreeMap::new() }
    }

    fn event(&mut self, at: Nanos, path: &Path, event: &'static str, fields: Fields<'_>) {
        let at = self.started.checked_add(jiff::SignedDuration::from_nanos(at.0)).unwrap_or(self.started);
        let at = format!("{at:.3}");
        let line = Line { v: 1, event, run: &self.run, path: path.to_string(), at, fields };
        // Strings, numbers and lists of them: this cannot fail.
        let Ok(json) = serde_json::to_value(&line) else { return };
        let mut text = hidden(json, &self.out).to_string();
        text.push('\n');
        self.out.raw(text);
    }

    fn output_line(&mut self, at: Nanos, call: CallId, stream: Stream, text: &str) {
        let path = self.paths.get(&call).cloned().unwrap_or_default();
        let stream = match stream {
            Stream::Out => "out",
            Stream::Err => "err",
            Stream::Kept => "kept",
        };
        self.event(at, &path, "output", Fields::Output { call: call.0, stream, text });
    }
}

/// `run.refused`, the only event of a run that never came to be: its `run` is empty.
pub fn refused(out: Outside, at: Timestamp, reasons: &[(String, Option<String>)], findings: Vec<Finding<'_>>) {
    let reasons = reasons.iter().map(|(message, help)| Why { message, help: help.as_deref() }).collect();
    let (outcome, exit) = (End::Refused.name(), End::Refused.exit_code());
    let fields = Fields::RunRefused(Refusal { outcome, exit, reasons, diagnostics: findings });
    Json::new(out, SmolStr::default(), at, Sources::default()).event(Nanos(0), &Path::default(), "run.refused", fields);
}

/// Secrets are hidden in the strings, not in the encoded line: an encoded form of one would be found there too late.
fn hidden(json: serde_json::Value, out: &Outside) -> serde_json::Value {
    use serde_json::Value as J;
    match json {
        J::String(text) => J::String(out.redacted(&text)),
        J::Array(items) => J::Array(items.into_iter().map(|item| hidden(item, out)).collect()),
        J::Object(fields) => J::Object(fields.into_iter().map(|(k, v)| (out.redacted(&k), hidden(v, out))).collect()),
        J::Null | J::Bool(_) | J::Number(_) => json,
    }
}

impl Watcher for Json {
    fn tell(&mut self, at: Nanos, progress: &Progress) {
        let root = Path::default();
        let sources = self.sources.clone();
        let broken = |failure| broken(failure, &sources);
        match progress {
            Progress::RunStarted { title } => self.event(at, &root, "run.started", Fields::RunStarted { title }),
            Progress::StepStarted { path, name, attempt, limit, span: _ } => {
                let limit = limit.map(seconds);
                self.event(at, path, "step.started", Fields::StepStarted { step: name, attempt: *attempt, limit });
            }
            Progress::StepFinished { path, name, status, failure } => {
                let (status, failure) = (status_name(*status), failure.as_deref().map(broken));
                self.event(at, path, "step.finished", Fields::StepFinished { step: name, status, failure });
            }
            Progress::Retrying { path, name, attempt, delay } => {
                let fields = Fields::Retry { step: name, attempt: *attempt, delay: seconds(*delay) };
                self.event(at, path, "retry", fields);
            }
            Progress::ActionStarted { call, path, text, effect, want: _ } => {
                self.paths.insert(*call, path.clone());
                let effect = effect_name(*effect);
                self.event(at, path, "action.started", Fields::ActionStarted { call: call.0, text, effect });
            }
            Progress::ActionFinished { call, path, ending, failure } => {
                for (stream, line) in self.streamed.end(*call) {
                    self.output_line(at, *call, stream, &line);
                }
                self.paths.remove(call);
                let (ending, failure) = (ending_name(*ending), failure.as_deref().map(broken));
                self.event(at, path, "action.finished", Fields::ActionFinished { call: call.0, ending, failure });
            }
            Progress::Condition { path, kind, label, verdict } => {
                let (verdict, reason) = match verdict {
                    Verdict::Holds => ("holds", None),
                    Verdict::Not { reason } => ("not", Some(reason.as_str())),
                    Verdict::Error { failure } => ("error", Some(failure.message.as_str())),
                };
                let fields = Fields::Condition { kind: kind_name(*kind), label, verdict, reason };
                self.event(at, path, "condition", fields);
            }
            Progress::Waiting { path, what, span: _, limit } => {
                self.event(at, path, "wait", Fields::Wait { what, limit: seconds(*limit) });
            }
            Progress::Asked { path, text, label } => {
                self.event(at, path, "question", Fields::Question { text, label: label.as_deref() });
            }
            Progress::Answered { path, text, answer, who } => {
                self.event(at, path, "answer", Fields::Answer { text, answer, who });
            }
            Progress::Stopping => {
                let text = "what runs is stopped, then what was done is undone; a second signal leaves things in place";
                self.event(at, &root, "stopping", Fields::Text { text });
            }
            Progress::Unwinding { failure, budget, what: _ } => {
                let fields = Fields::Unwinding { failure: failure.as_deref().map(broken), within: budget.map(seconds) };
                self.event(at, &root, "unwinding", fields);
            }
            Progress::RollbackStarted { path, name } => {
                self.event(at, path, "rollback.started", Fields::RollbackStarted { step: name });
            }
            Progress::RollbackFinished { path, name, failure } => {
                let fields = Fields::RollbackFinished { step: name, failure: failure.as_deref().map(broken) };
                self.event(at, path, "rollback.finished", fields);
            }
            Progress::AsideStarted { path, name, kind } => {
                self.event(at, path, "aside.started", Fields::Aside { kind: aside_name(*kind), step: name });
            }
            Progress::AsideFinished { path, name, kind, failure } => {
                let (kind, failure) = (aside_name(*kind), failure.as_deref().map(broken));
                self.event(at, path, "aside.finished", Fields::AsideFinished { kind, step: name, failure });
            }
            Progress::Committed { path, why } => self.event(at, path, "commit", Fields::Commit { why }),
            Progress::Log { path, text } => self.event(at, path, "log", Fields::Text { text }),
            Progress::Note { path, key, value } => {
                self.event(at, path, "note", Fields::Note { key, value: crate::value::json::to_json(value) });
            }
            Progress::Warning { path, text } => self.event(at, path, "warning", Fields::Text { text }),
        }
    }

    fn output(&mut self, at: Nanos, chunk: &Chunk) {
        if chunk.stream == Stream::Kept {
            let text = String::from_utf8_lossy(&chunk.bytes);
            return self.output_line(at, chunk.call, chunk.stream, &text);
        }
        for line in self.streamed.push(chunk) {
            self.output_line(at, chunk.call, chunk.stream, &line);
        }
    }

    fn tick(&mut self, _at: Nanos) {}

    fn finished(&mut self, at: Nanos, finish: &Finish) {
        let sources = self.sources.clone();
        let ended = ended(finish, &sources);
        self.event(at, &Path::default(), "run.finished", Fields::RunFinished(Box::new(ended)));
    }

    fn show(&mut self, shown: Shown) {
        self.out.muted = shown == Shown::Remembered;
    }

    fn secret(&mut self, value: &Value) {
        self.out.hide(value);
    }
}

fn ended<'a>(finish: &'a Finish, sources: &'a Sources) -> Ended<'a> {
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

fn broken<'a>(failure: &'a Failure, sources: &'a Sources) -> Broken<'a> {
    let Failure { kind, message, notes, span, inside, called, help } = failure;
    let column = span.filter(|_| *inside).map(|span| sources.position(span).1);
    let place = at(sources, *span).map(|place| At { column, ..place });
    let called = at(sources, *called);
    Broken { kind: kind.name(), message, notes, help: help.as_deref(), place, called }
}

fn at(sources: &Sources, span: Option<Span>) -> Option<At<'_>> {
    place::of(sources, span).map(|place| At { file: place.file, line: place.line, column: None })
}

/// To the millisecond.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of any run fit")]
fn seconds(time: Nanos) -> f64 {
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

fn ending_name(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::None => "none",
        Ending::Some => "some",
        Ending::Unknown => "unknown",
    }
}

fn effect_name(effect: Effect) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rehearsed::{LOOK, Written, opening, tell};

    #[test]
    fn a_run_is_told() {
        let written = Written::default();
        tell(&mut Json::new(written.outside(LOOK), opening().run, opening().started, Sources::default()));
        let events: Vec<serde_json::Value> =
            written.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for event in &events {
            for field in ["v", "event", "run", "path", "at"] {
                assert!(event.get(field).is_some(), "no {field} in {event}");
            }
        }
        let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(names.first(), Some(&"run.started"));
        assert_eq!(names.last(), Some(&"run.finished"));
        let told = |name: &str| events.iter().find(|event| event["event"] == name).unwrap();
        insta::assert_snapshot!(told("step.started"), @r#"{"v":1,"event":"step.started","run":"20261121-0300-k3f9","path":"0","at":"2026-11-21T03:00:07.001Z","step":"Deploy v2 to green","attempt":1,"limit":600.0}"#);
        insta::assert_snapshot!(told("action.started"), @r#"{"v":1,"event":"action.started","run":"20261121-0300-k3f9","path":"0/1","at":"2026-11-21T03:00:07.002Z","call":1,"text":"$ ./deploy.sh green v2","effect":"write"}"#);
        insta::assert_snapshot!(told("condition"), @r#"{"v":1,"event":"condition","run":"20261121-0300-k3f9","path":"2/0","at":"2026-11-21T03:00:08.500Z","kind":"until","label":"","verdict":"error","reason":"connection to green:8000 refused"}"#);
        insta::assert_snapshot!(told("rollback.finished"), @r#"{"v":1,"event":"rollback.finished","run":"20261121-0300-k3f9","path":"1","at":"2026-11-21T03:00:09.600Z","step":"Send traffic to green","failure":null}"#);
        insta::assert_snapshot!(told("run.finished"), @r#"{"v":1,"event":"run.finished","run":"20261121-0300-k3f9","path":"","at":"2026-11-21T03:00:16.800Z","outcome":"rollback_incomplete","exit":3,"failure":{"step":"Check","path":"2","kind":"guard","message":"`error rate` does not hold: 0.031 < 0.01"},"undone":[{"path":"1","step":"Send traffic to green"}],"left":[{"path":"0","step":"Deploy v2 to green","why":"failed","text":"`./deploy.sh green v1` ended with exit code 7"}],"notes":[{"key":"error rate","value":"0.031"}],"warnings":["`disk` does not hold: 91% < 90%"]}"#);
        assert!(!written.text().contains("s3cr3t"));
    }
}
