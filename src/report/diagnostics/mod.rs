//! Diagnostics for people and programs. In: `Diagnostic`s and the `Sources` their spans point into. Out: text.
//! `human` is the one module that knows miette.
mod github;
mod human;
mod json;
mod sarif;
mod short;

pub use github::github;
pub use human::human;
pub use json::{Finding, Unread, findings, json};
pub use sarif::sarif;
pub use short::short;

use crate::diag::{Diagnostic, Severity};

/// By file as read, then by place; each once.
#[must_use]
pub fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.span().file, d.span().start, d.severity, d.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    diagnostics.dedup();
    diagnostics
}

/// Findings of one file that are drawn for a person; more are counted.
const MOST: usize = 50;

/// What a person is shown of them: errors before warnings when there are too many, in their order; and how many are not.
#[must_use]
pub fn shown(sorted: &[Diagnostic]) -> (Vec<&Diagnostic>, usize) {
    let (errors, _) = count(sorted);
    let (mut bad, mut other) = (errors.min(MOST), MOST.saturating_sub(errors));
    let room = |found: &&Diagnostic| {
        let left = if found.severity == Severity::Error { &mut bad } else { &mut other };
        std::mem::replace(left, left.saturating_sub(1)) > 0
    };
    let shown: Vec<&Diagnostic> = sorted.iter().filter(room).collect();
    let more = sorted.len() - shown.len();
    (shown, more)
}

/// How many errors and warnings there are.
#[must_use]
pub fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    (errors, diagnostics.len() - errors)
}

/// `2 errors and 1 warning`; empty when there are none.
#[must_use]
pub fn tally(errors: usize, warnings: usize) -> String {
    let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => String::new(),
        (e, 0) => many(e, "error"),
        (0, w) => many(w, "warning"),
        (e, w) => format!("{} and {}", many(e, "error"), many(w, "warning")),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
