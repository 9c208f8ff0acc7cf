//! Whether somebody has looked at a runbook lately.
use crate::diag::{Code, Diagnostic};
use crate::value::Timestamp;

use super::Program;

/// The warning that a runbook's review is overdue on a day.
#[must_use]
pub fn overdue(program: &Program, today: Timestamp) -> Option<Diagnostic> {
    let reviewed = program.book.as_ref()?.header.reviewed.as_ref()?;
    let due = reviewed.on.checked_add(jiff::SignedDuration::from_nanos(reviewed.every?.0)).ok()?;
    if today <= due {
        return None;
    }
    let days = today.duration_since(due).as_hours() / 24;
    let since = match days {
        0 => "since today".to_owned(),
        1 => "for a day".to_owned(),
        n => format!("for {n} days"),
    };
    Some(
        Diagnostic::warning(
            Code::ReviewOverdue,
            format!("the review of this runbook has been due {since}"),
            reviewed.span,
            format!("due on {}", due.strftime("%F")),
        )
        .help("read it, try it, and write the new date"),
    )
}
