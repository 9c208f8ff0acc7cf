//! `{"v": 1, "diagnostics": […]}`: structs of their own, versioned; a field may be added, none changes its meaning.
use serde::Serialize;

use super::severity;
use crate::diag::{Diagnostic, Fix, Label};
use crate::source::{FileId, Sources};

#[derive(Serialize)]
struct Report<'a> {
    v: u32,
    diagnostics: Vec<Finding<'a>>,
    /// Absent when all was read.
    #[serde(skip_serializing_if = "<[Unread]>::is_empty")]
    unread: &'a [Unread],
}

/// A path that could not be looked at, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Unread {
    pub path: String,
    pub why: String,
}

/// One of them, also as a part of something larger.
#[derive(Serialize)]
pub struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    file: &'a str,
    labels: Vec<Place<'a>>,
    help: Option<&'a str>,
    fix: Option<Repair<'a>>,
}

/// Offsets are bytes, line and column count from 1; `file` only where it is not the finding's.
#[derive(Serialize)]
struct Place<'a> {
    start: u32,
    end: u32,
    line: usize,
    column: usize,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
}

#[derive(Serialize)]
struct Repair<'a> {
    title: &'a str,
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    file: &'a str,
    start: u32,
    end: u32,
    text: &'a str,
}

/// All findings of all files, as one object on one line.
#[must_use]
pub fn json<'a>(findings: impl IntoIterator<Item = (&'a Diagnostic, &'a Sources)>, unread: &'a [Unread]) -> String {
    let diagnostics = findings.into_iter().map(|(diagnostic, sources)| finding(diagnostic, sources)).collect();
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&Report { v: 1, diagnostics, unread }).unwrap_or_default() + "\n"
}

/// The findings of one file.
#[must_use]
pub fn findings<'a>(found: &'a [Diagnostic], sources: &'a Sources) -> Vec<Finding<'a>> {
    found.iter().map(|diagnostic| finding(diagnostic, sources)).collect()
}

fn finding<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Finding<'a> {
    let file = diagnostic.span().file;
    Finding {
        code: diagnostic.code.name(),
        severity: severity(diagnostic.severity),
        message: &diagnostic.message,
        file: sources.name(file),
        labels: diagnostic.labels.iter().map(|label| place(label, file, sources)).collect(),
        help: diagnostic.help.as_deref(),
        fix: diagnostic.fix.as_ref().map(|fix| repair(fix, sources)),
    }
}

fn place<'a>(label: &'a Label, file: FileId, sources: &'a Sources) -> Place<'a> {
    let (line, column) = sources.position(label.span);
    Place {
        start: label.span.start,
        end: label.span.end,
        line,
        column,
        text: &label.text,
        file: (label.span.file != file).then(|| sources.name(label.span.file)),
    }
}

fn repair<'a>(fix: &'a Fix, sources: &'a Sources) -> Repair<'a> {
    let edit = |(span, text): &'a (crate::source::Span, String)| Edit {
        file: sources.name(span.file),
        start: span.start,
        end: span.end,
        text,
    };
    Repair { title: &fix.title, edits: fix.edits.iter().map(edit).collect() }
}
