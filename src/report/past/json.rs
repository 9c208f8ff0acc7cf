//! A run as one JSON object: `{"v": 1, "run": …, "timeline": […]}`. Its timeline holds the events that the run told when it
//! ran, by the same names, and what only the journal knows. A field may be added.
use serde::Serialize;
use serde_json::{Value as J, json};

use super::bars::Bar;
use super::{Awaits, Moment, Past, What, retell};
use crate::engine::call::Path;
use crate::engine::event::End;
use crate::report::events::{self, At, Broken, Ended, Fields, seconds};
use crate::value::Timestamp;

#[derive(Serialize)]
struct Run<'a> {
    v: u32,
    run: &'a str,
    book: &'a str,
    file: &'a str,
    state: &'static str,
    /// How it ended last, as in `run.finished`; null when it has not.
    outcome: Option<&'static str>,
    exit: Option<u8>,
    started: String,
    last: String,
    /// Seconds that a process held it.
    ran: f64,
    host: &'a str,
    user: &'a str,
    dir: &'a str,
    rbk: &'a str,
    deadline: Option<f64>,
    rollback_within: Option<f64>,
    params: serde_json::Map<String, J>,
    pid: Option<i32>,
    locks: &'a [String],
    waits_for: Vec<J>,
    /// Of a run that is not over.
    in_place: Vec<J>,
    /// Why less is told than happened.
    gaps: &'a [String],
    steps: Vec<Step<'a>>,
    timeline: Vec<Told<'a>>,
    /// What `run.finished` holds.
    finished: Option<Ended<'a>>,
}

/// What took time.
#[derive(Serialize)]
struct Step<'a> {
    kind: &'static str,
    how: &'static str,
    name: &'a str,
    path: String,
    attempt: u32,
    start: String,
    end: String,
    took: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    died: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Broken<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<At<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    event: &'static str,
    path: String,
    at: String,
    #[serde(flatten)]
    fields: Own<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Own<'a> {
    Event(Fields<'a>),
    Ended(Box<Ended<'a>>),
    Other(J),
}

/// One object, secrets hidden.
#[must_use]
pub fn json(past: &Past) -> String {
    let head = &past.head;
    let finish = past.finish();
    let bars = past.bars();
    let run = Run {
        v: 1,
        run: &head.run,
        book: &head.book,
        file: head.texts.first().map_or("", |text| &text.name),
        state: past.standing(),
        outcome: finish.map(|finish| finish.end.name()),
        exit: finish.map(|finish| End::exit_code(finish.end)),
        started: hour(head.started),
        last: hour(past.last()),
        ran: seconds(past.ran()),
        host: &head.place.host_name,
        user: &head.place.user,
        dir: &head.place.dir,
        rbk: &head.version,
        deadline: past.deadline.map(seconds),
        rollback_within: past.rollback_within.map(seconds),
        params: head.params.iter().map(|(name, value)| (name.to_string(), past.data(value))).collect(),
        pid: past.row.held.as_ref().map(|held| held.pid),
        locks: &past.row.locks,
        waits_for: past.awaits.iter().map(awaits).collect(),
        in_place: past
            .in_place
            .iter()
            .map(|(path, step)| json!({"path": path.to_string(), "step": step.as_str()}))
            .collect(),
        gaps: &past.gaps,
        steps: bars.iter().map(|bar| step(past, bar)).collect(),
        timeline: past.moments.iter().map(|moment| told(past, moment)).collect(),
        finished: finish.map(|finish| events::ended(finish, &past.sources)),
    };
    // Strings, numbers and lists of them: this cannot fail.
    let json = serde_json::to_value(&run).unwrap_or_default();
    events::encoded(&events::hidden(json, &|text| past.clean(text))) + "\n"
}

/// RFC 3339, to the millisecond.
fn hour(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn step<'a>(past: &'a Past, bar: &'a Bar) -> Step<'a> {
    Step {
        kind: bar.kind.name(),
        how: bar.how.name(),
        name: &bar.name,
        path: bar.path.to_string(),
        attempt: bar.attempt,
        start: hour(bar.start),
        end: hour(bar.end),
        took: seconds(bar.took),
        died: bar.died,
        failure: bar.failure.as_ref().map(|failure| events::broken(failure, &past.sources)),
        place: events::at(&past.sources, bar.span),
    }
}

pub fn awaits(awaits: &Awaits) -> J {
    match awaits {
        Awaits::Answer { path, text } => json!({"kind": "answer", "path": path.to_string(), "text": text}),
        Awaits::Hour { path, due, step } => {
            json!({"kind": "wait", "path": path.to_string(), "due": hour(*due), "step": step.as_deref()})
        }
        Awaits::Until { path, text, since, left, due, step } => {
            let (path, since, due) = (path.to_string(), hour(*since), due.map(hour));
            json!({"kind": "until", "path": path, "text": text, "since": since, "left": seconds(*left), "due": due,
                "step": step.as_deref()})
        }
        Awaits::End { call: _, path, text, doubt, step, alive } => {
            let kind = if *doubt { "doubt" } else { "action" };
            let mut end =
                json!({"kind": kind, "path": path.to_string(), "text": text.as_str(), "step": step.as_deref()});
            if let (Some(pid), Some(fields)) = (alive, end.as_object_mut()) {
                fields.insert("pid".to_owned(), (*pid).into());
            }
            end
        }
        Awaits::Mended { path, step, why } => {
            json!({"kind": "failure", "path": path.to_string(), "text": why, "step": step.as_str()})
        }
        Awaits::Step { path, name, undo } => {
            let kind = if *undo { "undo" } else { "step" };
            json!({"kind": kind, "path": path.to_string(), "text": name.as_str()})
        }
    }
}

fn told<'a>(past: &'a Past, moment: &'a Moment) -> Told<'a> {
    let other = |path: &Path, event, fields| (path.clone(), event, Own::Other(fields));
    let root = Path::default();
    let (path, event, fields) = match &moment.what {
        What::Told(progress) => {
            let (path, event, fields) = events::told(progress, &past.sources);
            (path, event, Own::Event(fields))
        }
        What::Ended(finish) => (root, "run.finished", Own::Ended(Box::new(events::ended(finish, &past.sources)))),
        What::Taken { door, holder, reasons } => {
            let reasons: Vec<J> =
                reasons.iter().map(|reason| json!({"option": reason.option.as_str(), "text": reason.text})).collect();
            let by = json!({"how": retell::door(*door), "host": holder.host_name, "user": holder.user, "pid": holder.pid, "reasons": reasons});
            other(&root, "taken", by)
        }
        What::Gave { call, path, text, value, .. } => {
            other(path, "value", json!({"call": call.0, "text": text.as_str(), "value": past.data(value)}))
        }
        What::Waited { path } => other(path, "waited", json!({})),
        What::InDoubt { call, path, text } => other(path, "doubt", json!({"call": call.0, "text": text.as_str()})),
        What::Decided { call, path, text, how } => {
            let how = json!({"call": call.0, "text": text.as_str(), "how": how.name(), "words": how.words()});
            other(path, "doubt.decided", how)
        }
        What::Unanswered { path, text, why } => other(path, "unanswered", json!({"text": text, "why": why})),
        What::Connected { name, address, server } => {
            other(&root, "connected", json!({"name": name.as_str(), "address": address, "server": server}))
        }
        What::Noted { who, text } => other(&root, "noted", json!({"who": who, "text": text})),
        What::LockTaken { lock, by, who } => {
            other(&root, "lock.taken", json!({"lock": lock, "by": by.as_str(), "who": who}))
        }
        What::LeftEnded { what, by } => other(&root, "left.ended", json!({"text": what, "by": by.as_deref()})),
        What::AskedBack { why, part } => other(&root, "rollback.asked", json!({"why": why, "part": part})),
        What::Died => other(&root, "died", json!({})),
        What::NoFurther => other(&root, "no.further", json!({})),
        What::Stopped { why } => other(&root, "stopped", json!({"why": why})),
        What::Closed { who, reason } => other(&root, "closed", json!({"who": who, "reason": reason})),
        What::Plain(text) => other(&root, "entry", json!({"text": text})),
    };
    Told { event, path: path.to_string(), at: hour(moment.wall), fields }
}
