//! A run as JUnit XML, for what collects test results: a suite with one case a step, its path as the class. A step's last attempt
//! counts; an undo that failed and a run that is not over are cases of their own.
use std::collections::BTreeMap;
use std::fmt::Write;

use super::bars::{Bar, How, Kind};
use super::incident::cleaned;
use super::markup::escape;
use super::{Past, human};
use crate::engine::call::Path;
use crate::engine::event::{End, Failure};
use crate::report::place;
use crate::value::Nanos;

struct Case<'a> {
    name: String,
    path: String,
    took: Nanos,
    is: Is<'a>,
}

enum Is<'a> {
    Passed,
    Skipped(&'static str),
    Failed(Option<&'a Failure>),
    Error(String, Option<&'a Failure>),
}

#[must_use]
pub fn junit(past: &Past) -> String {
    let bars = past.bars();
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut seen: BTreeMap<&Path, usize> = BTreeMap::new();
    for bar in bars.iter().filter(|bar| bar.kind == Kind::Step) {
        let before = seen.get(&bar.path).and_then(|at| cases.get_mut(*at));
        match before {
            Some(case) => {
                case.took = Nanos(case.took.0 + bar.took.0);
                // One that was stopped there, or cancelled later, has failed.
                if !matches!((&case.is, bar.how), (Is::Failed(_), How::Open | How::Cancelled)) {
                    case.is = came_to(bar);
                }
            }
            None => {
                seen.insert(&bar.path, cases.len());
                cases.push(Case {
                    name: cleaned(past, &bar.name),
                    path: path(&bar.path),
                    took: bar.took,
                    is: came_to(bar),
                });
            }
        }
    }
    // Not one that was done later.
    let undos = || bars.iter().filter(|bar| bar.kind == Kind::Undo);
    let stays = |bar: &Bar| undos().filter(|other| other.path == bar.path).all(|other| other.how != How::Done);
    for bar in undos().filter(|bar| bar.how == How::Failed && stays(bar)) {
        let is = Is::Error("it is not undone".to_owned(), bar.failure.as_ref());
        cases.push(Case {
            name: format!("undo of {}", cleaned(past, &bar.name)),
            path: path(&bar.path),
            took: bar.took,
            is,
        });
    }
    for bar in bars.iter().filter(|bar| bar.kind == Kind::Aside && bar.how == How::Failed) {
        let (name, path) = (cleaned(past, &bar.name), path(&bar.path));
        cases.push(Case { name, path, took: bar.took, is: Is::Error("it failed".to_owned(), bar.failure.as_ref()) });
    }
    cases.extend(whole(past, &cases));
    written(past, &cases)
}

fn came_to(bar: &Bar) -> Is<'_> {
    match bar.how {
        How::Undone => Is::Skipped("undone"),
        How::Done | How::AlreadyDone | How::Waited => Is::Passed,
        How::Skipped => Is::Skipped("its `when` is false"),
        How::Cancelled => Is::Skipped("cancelled"),
        How::Open => Is::Skipped("not ended"),
        How::Failed | How::InDoubt if bar.caught => Is::Skipped("it failed, and the `else` of its `try` followed"),
        How::Failed | How::InDoubt => Is::Failed(bar.failure.as_ref()),
    }
}

/// What no step tells: a failure outside every one, and a run that is not over.
fn whole<'a>(past: &'a Past, cases: &[Case<'_>]) -> Option<Case<'a>> {
    let standing = past.standing();
    let finish = past.finish();
    let told = cases.iter().any(|case| matches!(case.is, Is::Failed(_) | Is::Error(..)));
    let failure = finish.and_then(|finish| finish.failure.as_ref()).map(|failed| &failed.failure);
    let open = matches!(standing, "interrupted" | "running" | "stopped" | "closed" | "damaged");
    let is = match finish.map(|finish| finish.end) {
        _ if open => {
            let why = past.awaits.first().map(|awaits| format!(": {}", human::words(awaits))).unwrap_or_default();
            Is::Error(format!("{standing}{why}"), None)
        }
        Some(End::Incomplete) => Is::Error("not everything is undone: a person is needed".to_owned(), None),
        Some(End::UndoneInPart) => Is::Error("undone in part: the rest stays in place".to_owned(), None),
        Some(End::Succeeded) | None => return None,
        Some(End::RolledBack | End::Undone | End::Failed | End::Refused | End::Stopped)
            if told || failure.is_none() =>
        {
            return None;
        }
        Some(End::RolledBack | End::Undone | End::Failed | End::Refused | End::Stopped) => Is::Failed(failure),
    };
    Some(Case { name: cleaned(past, &past.head.book), path: "run".to_owned(), took: Nanos(0), is })
}

fn path(path: &Path) -> String {
    if path.0.is_empty() { "run".to_owned() } else { path.to_string() }
}

fn written(past: &Past, cases: &[Case<'_>]) -> String {
    let head = &past.head;
    let count = |is: fn(&Is<'_>) -> bool| cases.iter().filter(|case| is(&case.is)).count();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        cases.len(),
        count(|is| matches!(is, Is::Failed(_))),
        count(|is| matches!(is, Is::Error(..))),
        count(|is| matches!(is, Is::Skipped(_))),
        seconds(past.ran())
    );
    let book = cleaned(past, &head.book);
    let name = escape(&book);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\" {counts}>\n<testsuite id=\"0\" name=\"{name}\" package=\"rbk\" {counts} timestamp=\"{}\" hostname=\"{}\">\n<properties>\n",
        head.started.strftime("%FT%T"),
        escape(&cleaned(past, &head.place.host_name)),
    );
    let mut property = |name: &str, value: &str| {
        let (name, value) = (cleaned(past, name), cleaned(past, value));
        let _ = writeln!(out, "<property name=\"{}\" value=\"{}\"/>", escape(&name), escape(&value));
    };
    property("run", &head.run);
    property("state", past.standing());
    property("runbook", head.texts.first().map_or("", |text| text.name.as_str()));
    property("user", &head.place.user);
    property("dir", &head.place.dir);
    property("rbk", &head.version);
    for (name, value) in &head.params {
        property(&format!("param {name}"), &past.shown(value));
    }
    out.push_str("</properties>\n");
    for case in cases {
        let _ = write!(
            out,
            "<testcase name=\"{}\" classname=\"{}\" time=\"{}\"",
            escape(&case.name),
            escape(&case.path),
            seconds(case.took)
        );
        match &case.is {
            Is::Passed => out.push_str("/>\n"),
            Is::Skipped(why) => {
                let _ = writeln!(out, "><skipped message=\"{}\"/></testcase>", escape(why));
            }
            Is::Failed(failure) => wrong(past, "failure", "it failed", *failure, &mut out),
            Is::Error(what, failure) => wrong(past, "error", what, *failure, &mut out),
        }
    }
    let gaps = past.gaps.iter().map(|gap| cleaned(past, gap)).collect::<Vec<_>>().join("\n");
    let _ = writeln!(out, "<system-out></system-out>\n<system-err>{}</system-err>", escape(&gaps));
    out.push_str("</testsuite>\n</testsuites>\n");
    out
}

fn wrong(past: &Past, tag: &str, what: &str, failure: Option<&Failure>, out: &mut String) {
    let message = cleaned(past, failure.map_or(what, |failure| failure.message.as_str()));
    let kind = failure.map_or("run", |failure| failure.kind.name());
    let place = failure.and_then(|failure| place::of(&past.sources, failure.span)).map(|place| format!("at {place}"));
    let notes = failure.iter().flat_map(|failure| &failure.notes).flat_map(|note| note.lines());
    let more = std::iter::once(what).chain(place.as_deref()).chain(notes).map(|line| cleaned(past, line));
    let more = more.collect::<Vec<_>>().join("\n");
    let _ =
        writeln!(out, "><{tag} message=\"{}\" type=\"{kind}\">{}</{tag}></testcase>", escape(&message), escape(&more));
}

/// To the millisecond.
fn seconds(time: Nanos) -> String {
    let millis = time.0.max(0) / 1_000_000;
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
