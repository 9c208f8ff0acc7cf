//! What the statements of a file do to whole tables, each at its place.
use crate::check::embedded::deeds::{self, What};
use crate::check::embedded::text::Text;
use crate::check::shell::ran::COMPUTED;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Part};

use super::script::{Place, Script};

/// One of them.
#[derive(Debug)]
pub struct Done<'a> {
    pub what: What,
    pub at: Span,
    pub place: Place,
    /// The connection that it is asked of, or the program.
    pub on: &'a str,
}

/// In the order of calls, then of commands.
#[must_use]
pub fn deeds<'a>(script: &Script<'a>) -> Vec<Done<'a>> {
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for call in &script.calls {
        let Some(text) = call.it.text().filter(|t| script.sql.iter().any(|sql| sql.it.span == t.span)) else {
            continue;
        };
        seen.push(text.span);
        let values: Vec<&str> = text.parts.iter().filter_map(value).collect();
        if values.contains(&"raw") {
            continue;
        }
        let whole = Text::new(&text.parts, text.kind, |i| match values.get(i) {
            Some(&"ident") => " \"x\" ".to_owned(),
            _ => " $1 ".to_owned(),
        });
        found.extend(deeds::deeds(&whole.code).into_iter().map(|d| Done {
            what: d.what,
            at: whole.place(&d.at, script.sources),
            place: call.place,
            on: call.it.on.unwrap_or_default(),
        }));
    }
    // Given to a program: its lines are one there, so that a comment has no end.
    for sql in script.sql.iter().filter(|sql| !seen.contains(&sql.it.span) && !sql.it.text.contains("--")) {
        let code = sql.it.text.replace(COMPUTED, "1");
        let done = deeds::deeds(&code).into_iter();
        found.extend(done.map(|d| Done { what: d.what, at: sql.it.span, place: sql.place, on: "psql" }));
    }
    found
}

/// How a value says that it is meant: `ident`, `raw`, or nothing.
fn value(part: &Part) -> Option<&str> {
    let Part::Hole { expr: Expr { kind, .. }, .. } = part else { return None };
    match kind {
        ExprKind::Call(callee, _) => match &callee.kind {
            ExprKind::Name(name) => Some(name.as_str()),
            _ => Some(""),
        },
        _ => Some(""),
    }
}
