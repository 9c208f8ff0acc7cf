//! `reviewed DATE every D`: whether the review is overdue.
use crate::check::Program;
use crate::diag::{Code, Diagnostic};
use crate::report::time;
use crate::value::{Nanos, Timestamp};

/// A warning when the day has come.
#[must_use]
pub fn overdue(program: &Program, today: Timestamp) -> Option<Diagnostic> {
    let reviewed = program.book.as_ref()?.header.reviewed.as_ref()?;
    let every = reviewed.every?;
    let due = reviewed.on.checked_add(jiff::SignedDuration::from_nanos(every.0)).ok()?;
    let late = today.duration_since(due);
    if late.is_negative() || late.is_zero() {
        return None;
    }
    let days = late.as_hours() / 24;
    let since = match days {
        0 => "since today".to_owned(),
        1 => "for a day".to_owned(),
        days => format!("for {days} days"),
    };
    let on = reviewed.on.strftime("%F");
    Some(
        Diagnostic::warning(
            Code::ReviewOverdue,
            format!("the review is overdue {since}"),
            reviewed.span,
            format!("reviewed {on}, to be repeated every {}", time::limit(Nanos(every.0))),
        )
        .help("read it again with someone who runs it, then write today's date here"),
    )
}
