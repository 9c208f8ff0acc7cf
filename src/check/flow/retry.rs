//! Retries (C3): a write that stays in place and is not idempotent could happen twice.
use crate::check::program::Program;
use crate::diag::{Code, Diagnostic};

use super::units::{counts_as, idempotent, keeps, own};
use super::{undo_span, units};

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    units(program, &mut |unit| {
        if unit.step.is_none_or(|s| s.retry.is_none()) || !keeps(unit.undo) {
            return;
        }
        let own = own(program, unit.block);
        let Some((doing, span)) = own.writes.iter().find(|(d, _)| !idempotent(d)) else { return };
        let Some((undo, word)) = undo_span(unit.undo) else { return };
        found.push(
            Diagnostic::warning(
                Code::UnsafeRetry,
                format!("{} is retried, and what a failed attempt did is still there", unit.what()),
                *span,
                counts_as(doing),
            )
            .label(undo, format!("`{word}`: nothing is put back between two attempts"))
            .help("write a `rollback` that puts things back, or take `retry` away; after a timeout there is no next attempt here"),
        );
    });
}
