//! A run for programs: one JSON object a line, versioned structs of their own. A field may be added; a reader passes
//! over events and fields that it does not know.
use std::rc::Rc;

use crate::effects::{Chunk, Stream};
use crate::engine::call::{CallId, Path};
use crate::engine::event::{End, Finish, Progress};
use crate::report::diagnostics::Finding;
use crate::report::events::{Fields, Line, Refusal, Why, ended, hidden, told};
use crate::report::outside::Outside;
use crate::report::streamed::Streamed;
use crate::run::{Shown, Watcher};
use crate::source::Sources;
use crate::value::{Nanos, SmolStr, Timestamp, Value};

pub struct Json {
    out: Outside,
    run: SmolStr,
    started: Timestamp,
    sources: Rc<Sources>,
    streamed: Streamed,
    /// Lines of output since the last event that a slow reader does not get.
    left_out: u64,
    /// Where each running call stands.
    paths: std::collections::BTreeMap<CallId, Path>,
}

impl Json {
    #[must_use]
    pub fn new(out: Outside, run: SmolStr, started: Timestamp, sources: Sources) -> Json {
        let (sources, streamed) = (Rc::new(sources), Streamed::new(out.known()));
        Json { out, run, started, sources, streamed, left_out: 0, paths: std::collections::BTreeMap::new() }
    }

    fn event(&mut self, at: Nanos, path: &Path, event: &'static str, fields: Fields<'_>) {
        let lines = std::mem::take(&mut self.left_out);
        if lines > 0 {
            self.event(at, &Path::default(), "output.left_out", Fields::LeftOut { lines });
        }
        let at = self.started.checked_add(jiff::SignedDuration::from_nanos(at.0)).unwrap_or(self.started);
        let at = format!("{at:.3}");
        let line = Line { v: 1, event, run: &self.run, path: path.to_string(), at, fields };
        // Strings, numbers and lists of them: this cannot fail.
        let Ok(json) = serde_json::to_value(&line) else { return };
        let mut text = hidden(json, &|text| self.out.redacted(text)).to_string();
        text.push('\n');
        self.out.raw(text);
    }

    fn output_line(&mut self, at: Nanos, call: CallId, stream: Stream, text: &str) {
        if stream != Stream::Kept && self.out.is_behind() {
            self.left_out += 1;
            return;
        }
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

impl Watcher for Json {
    fn tell(&mut self, at: Nanos, progress: &Progress) {
        match progress {
            Progress::ActionStarted { call, path, .. } => drop(self.paths.insert(*call, path.clone())),
            Progress::ActionFinished { call, .. } => {
                for (stream, line) in self.streamed.end(*call) {
                    self.output_line(at, *call, stream, &line);
                }
                self.paths.remove(call);
            }
            _ => {}
        }
        let sources = self.sources.clone();
        let (path, event, fields) = told(progress, &sources);
        self.event(at, &path, event, fields);
        if matches!(progress, Progress::ActionStarted { asks: true, .. }) {
            self.out.settle();
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
