//! Every event of a run has what the documentation says of it, names its place, and holds no secret.
use std::collections::BTreeSet;

use serde_json::Value;

use super::{Desk, book};

const SECRET: &str = "s3cret-token-123";

/// An event and the fields of its own.
const FIELDS: &[(&str, &[&str])] = &[
    ("run.started", &["title"]),
    ("run.refused", &["outcome", "exit", "reasons", "diagnostics"]),
    ("step.started", &["step", "attempt"]),
    ("step.finished", &["step", "status", "failure"]),
    ("retry", &["step", "attempt", "delay"]),
    ("action.started", &["call", "text", "effect"]),
    ("output", &["call", "stream", "text"]),
    ("action.finished", &["call", "ending", "failure"]),
    ("condition", &["kind", "label", "verdict", "reason"]),
    ("wait", &["what", "limit"]),
    ("commit", &["why"]),
    ("note", &["key", "value"]),
    ("log", &["text"]),
    ("warning", &["text"]),
    ("question", &["text"]),
    ("answer", &["text", "answer", "who"]),
    ("unwinding", &["failure", "within"]),
    ("rollback.started", &["step"]),
    ("rollback.finished", &["step", "failure"]),
    ("aside.started", &["kind", "step"]),
    ("aside.finished", &["kind", "step", "failure"]),
    ("run.finished", &["outcome", "exit", "failure", "undone", "left", "notes", "warnings"]),
];

fn has(what: &Value, fields: &[&str]) {
    for field in fields {
        assert!(what.get(field).is_some(), "no {field} in {what}");
    }
}

/// The events of a run; each is looked at.
fn events(body: &str, exit: i32, more: &[&str]) -> Vec<Value> {
    let desk = Desk::with(&book(&format!("  secret token = env(\"TOKEN\")\n{body}"))).variable("TOKEN", SECRET);
    let said = desk.rbk(&[&["run", "a.rbk", "--format", "json"], more].concat());
    said.exits(exit);
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "{}{}", said.out, said.err);
    let events: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut open = BTreeSet::new();
    for event in &events {
        let name = event["event"].as_str().unwrap();
        let (_, fields) = FIELDS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{event}"));
        has(event, &["v", "event", "run", "path", "at"]);
        has(event, fields);
        if event["failure"].is_object() {
            has(&event["failure"], &["kind", "message", "place"]);
            has(&event["failure"]["place"], &["file", "line"]);
        }
        for left in event["left"].as_array().into_iter().flatten() {
            has(left, &["step", "path", "place", "text", "why"]);
        }
        let subject = format!("{} {}", event["path"], event["call"]);
        match name.rsplit_once('.') {
            Some((what, "started")) => assert!(open.insert((what, subject)) || what == "step", "{event}"),
            Some((what, "finished")) => assert!(open.remove(&(what, subject)), "{event}"),
            Some(_) | None => {}
        }
    }
    assert!(open.is_empty(), "{open:?} is not finished");
    let last = events.last().unwrap();
    assert_eq!(last["exit"], exit, "{last}");
    events
}

#[test]
fn every_event_of_every_outcome_has_its_fields() {
    let runs = [
        events(
            r##"  step "A" { $ echo $TOKEN; touch a
    rollback { $ rm a } }
  note "kept": { s: token }
  log "t #{token}"
  warn "disk": "x" == token
  wait up to 5s until $ true
  commit "done"
  finally { $ echo end }
  on success { $ echo $TOKEN >&2; false }"##,
            0,
            &[],
        ),
        events("  step \"A\" retry 1 every 10ms { $ echo $TOKEN >&2; exit 3\n    rollback { $ rm -f a } }", 1, &[]),
        events("  step \"A\" { confirm \"Go?\"\n    $ touch a\n    rollback { $ rm a } }", 1, &["--answer", "Go?=no"]),
        events("  step \"A\" timeout 100ms { $ touch a; sleep 9\n    rollback { $ rm a } }", 1, &[]),
        events("  step \"A\" { $ touch a\n    rollback manual \"call #{token}\" }\n  fail \"x #{token}\"", 3, &[]),
        events("  step \"A\" { $ touch a\n    irreversible \"drops\" }\n  fail \"late\"", 3, &["--answer", "A=yes"]),
        events(
            "  finally { $ echo end }\n  on failure { $ echo #{failure.message} }\n  \
             for h in [\"a\", \"b\"] parallel 2 { step \"S #{h}\" { $ touch #{h}; test #{h} = a\n    rollback { $ rm #{h} } } }",
            1,
            &[],
        ),
        events("  step \"A\" { confirm \"Go?\"\n    $ touch a\n    rollback { $ rm a } }", 2, &[]),
    ];
    let seen: BTreeSet<&str> = runs.iter().flatten().map(|event| event["event"].as_str().unwrap()).collect();
    let known: BTreeSet<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(seen, known);
}
