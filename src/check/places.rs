//! Which statement may stand where (B4, B13–B15, E6); what moves needs no effects to be decided.
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast::{self, StmtKind as S};

use super::elab::Zone;
use super::steps::BodyOf;

/// Why a statement does not belong where it stands.
pub(super) fn refused(stmt: &ast::Stmt, zone: Zone, of: BodyOf, last: bool) -> Option<Diagnostic> {
    let what = word(&stmt.kind);
    let (message, help) = match zone {
        Zone::Forward => forward(&stmt.kind, of, last)?,
        Zone::Rollback | Zone::Finally | Zone::Handler => back(&stmt.kind, zone)?,
        Zone::Watch => match &stmt.kind {
            S::Let(_) | S::Guard(_) | S::Warn(_) | S::Bad => return None,
            _ => ("cannot stand in a `watch`", "a watch holds `let`, `guard` and `warn`: it only looks"),
        },
        Zone::Transaction => match &stmt.kind {
            S::Let(_)
            | S::Guard(_)
            | S::Warn(_)
            | S::If { .. }
            | S::For { parallel: None, .. }
            | S::Fail(_)
            | S::Log(_)
            | S::Note { .. }
            | S::Expr(_)
            | S::Bad => return None,
            _ => (
                "cannot stand in a `transaction`",
                "a transaction holds statements on its connection and what is computed from them; put the rest before or after it",
            ),
        },
    };
    let span = crate::source::Span {
        end: stmt.span.start.saturating_add(u32::try_from(what.len()).unwrap_or(0)).min(stmt.span.end),
        ..stmt.span
    };
    let found = Diagnostic::error(Code::MisplacedStatement, format!("{} {message}", shown(what)), span, "not here");
    Some(found.help(help))
}

fn shown(what: &str) -> String {
    if what.is_empty() { "this".to_owned() } else { format!("`{what}`") }
}

type Reason = (&'static str, &'static str);

fn forward(kind: &S, of: BodyOf, last: bool) -> Option<Reason> {
    let in_unit = matches!(of, BodyOf::Step | BodyOf::Action);
    match kind {
        S::Secret(_) | S::Connect(_) | S::Reads(_) if of == BodyOf::Console => None,
        S::Header(_) | S::Param(_) | S::OnSuccess(_) | S::OnFailure(_) if of == BodyOf::Console => {
            Some(("belongs to a runbook", "leave it out: a console has no header, no parameters and no handlers"))
        }
        S::Header(_) | S::Param(_) | S::Secret(_) | S::Connect(_) | S::Reads(_) | S::OnSuccess(_) | S::OnFailure(_)
            if of != BodyOf::Book =>
        {
            Some(("stands in the runbook only", "move it out, directly under `runbook \"…\" {`"))
        }
        S::Rollback { .. } | S::RollbackNone(_) | S::RollbackManual(_) | S::Irreversible(_) if !in_unit => Some((
            "stands directly in a step or an action only",
            "write it in the body of the `step` whose writes it is about, not deeper and not outside",
        )),
        S::DoneWhen(_) if !in_unit => Some((
            "stands directly in a step or an action only",
            "it is a step's goal: write it in the body of the `step`, above what it does",
        )),
        S::Return(_) if of != BodyOf::Action || !last => Some((
            "is the last statement of an action",
            "end the action with it; for two ways out use `if … then … else …` in the value",
        )),
        _ => None,
    }
}

fn back(kind: &S, zone: Zone) -> Option<Reason> {
    let place = match zone {
        Zone::Rollback => "cannot stand in a `rollback`",
        Zone::Finally => "cannot stand in a `finally`",
        Zone::Forward | Zone::Handler | Zone::Watch | Zone::Transaction => "cannot stand in a handler",
    };
    let help = match kind {
        S::Step(_) | S::Try { .. } => "nothing registers an undo here: write the statements themselves",
        S::DoneWhen(_) | S::Invariant { .. } | S::Commit(_) => "it is about the way forward: write it in the step",
        S::Rollback { .. } | S::RollbackNone(_) | S::RollbackManual(_) | S::Irreversible(_) => {
            "what runs here is not undone itself"
        }
        S::Fail(_) | S::Return(_) => "what runs here runs to its end: use `log` or `note` to say something",
        S::Confirm { .. } if zone == Zone::Rollback => return None,
        S::Confirm { .. } | S::Ask { .. } | S::ChooseFrom { .. } | S::Choose { .. } => {
            "nobody can be asked here: ask before, on the way forward"
        }
        S::Finally(_) => "write the statements themselves, last",
        S::Header(_) | S::Param(_) | S::Secret(_) | S::Connect(_) | S::Reads(_) | S::OnSuccess(_) | S::OnFailure(_) => {
            "move it out, directly under `runbook \"…\" {`"
        }
        S::Let(_)
        | S::Guard(_)
        | S::Warn(_)
        | S::Wait(_)
        | S::WaitUntil { .. }
        | S::Watch { .. }
        | S::If { .. }
        | S::For { .. }
        | S::Parallel(_)
        | S::Transaction { .. }
        | S::With { .. }
        | S::Log(_)
        | S::Note { .. }
        | S::Expr(_)
        | S::Bad => return None,
    };
    Some((place, help))
}

/// The word a statement opens with.
fn word(kind: &S) -> &'static str {
    match kind {
        S::Header(header) => match header {
            ast::Header::Owner(_) => "owner",
            ast::Header::Contact(_) => "contact",
            ast::Header::Reviewed { .. } => "reviewed",
            ast::Header::Deadline(_) => "deadline",
            ast::Header::RollbackWithin(_) => "rollback within",
            ast::Header::Lock { .. } => "lock",
            ast::Header::Shell(_) => "shell",
            ast::Header::Timeout(_) => "timeout",
        },
        S::Param(_) => "param",
        S::Secret(_) => "secret",
        S::Connect(_) => "connect",
        S::Reads(_) => "reads",
        S::OnSuccess(_) => "on success",
        S::OnFailure(_) => "on failure",
        S::Step(_) => "step",
        S::Let(_) | S::Ask { .. } | S::ChooseFrom { .. } => "let",
        S::DoneWhen(_) => "done when",
        S::Guard(_) => "guard",
        S::Warn(_) => "warn",
        S::Invariant { .. } => "invariant",
        S::Wait(_) => "wait",
        S::WaitUntil { .. } => "wait up to",
        S::Watch { .. } => "watch",
        S::If { .. } => "if",
        S::For { .. } => "for",
        S::Parallel(_) => "parallel",
        S::Transaction { .. } => "transaction",
        S::With { .. } => "with",
        S::Confirm { .. } => "confirm",
        S::Choose { .. } => "choose",
        S::Try { .. } => "try",
        S::Rollback { .. } => "rollback",
        S::RollbackNone(_) => "rollback none",
        S::RollbackManual(_) => "rollback manual",
        S::Irreversible(_) => "irreversible",
        S::Commit(_) => "commit",
        S::Finally(_) => "finally",
        S::Fail(_) => "fail",
        S::Log(_) => "log",
        S::Note { .. } => "note",
        S::Return(_) => "return",
        S::Expr(_) | S::Bad => "",
    }
}
