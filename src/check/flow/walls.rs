//! Points of no return (B8): refused where something else may have to be undone at the same time, or the same thing again.
use crate::check::program::{Block, Program, Stmt, StmtKind, Undo};
use crate::check::walk::{self, Doing};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

use super::units::{idempotent, own};
use super::{rollbacks, top_blocks};

/// The nearest thing around in which nothing irreversible may stand.
#[derive(Clone, Copy)]
struct Inside {
    what: &'static str,
    span: Span,
}

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    let known = walls_of(program);
    let known = known.as_slice();
    for block in top_blocks(program) {
        walls(program, known, block, None, found);
    }
    rollbacks(program, &mut |_, block, span| {
        walls(program, known, block, Some(Inside { what: "a `rollback`", span: walk::opening(span, 8) }), found);
    });
    let handlers = program.book.iter().flat_map(|b| b.on_success.iter().chain(&b.on_failure));
    for block in handlers {
        walls(program, known, block, Some(Inside { what: "a handler", span: walk::opening(block.span, 1) }), found);
    }
}

fn walls(
    program: &Program,
    known: &[Option<Span>],
    block: &Block,
    inside: Option<Inside>,
    found: &mut Vec<Diagnostic>,
) {
    for stmt in &block.stmts {
        statement(program, known, stmt, inside, found);
    }
}

fn statement(
    program: &Program,
    known: &[Option<Span>],
    stmt: &Stmt,
    inside: Option<Inside>,
    found: &mut Vec<Diagnostic>,
) {
    if let Some(around) = inside {
        walk::expressions(&stmt.kind, &mut |e| {
            walk::doings(e, &mut |doing, span| {
                if let Doing::Action(call) = doing
                    && let Some(wall) = known.get(call.action.0 as usize).copied().flatten()
                {
                    let name = program.actions.get(call.action.0 as usize).map_or("", |a| a.name.as_str());
                    found.push(refused(&format!("`{name}`"), span, around).label(wall, "declared irreversible here"));
                }
            });
        });
    }
    let here = |what: &'static str, width: u32| Some(Inside { what, span: walk::opening(stmt.span, width) });
    match &stmt.kind {
        StmtKind::Step(step) => {
            let repeats = step.retry.is_some();
            let inside = if repeats { Some(Inside { what: "a step with `retry`", span: step.head }) } else { inside };
            if let (Undo::Irreversible { span, .. }, Some(around)) = (&step.body.undo, inside) {
                let writes = own(program, &step.body.block).writes;
                if !(repeats && !writes.is_empty() && writes.iter().all(|(d, _)| idempotent(d))) {
                    found.push(refused(&format!("step \"{}\"", step.source), *span, around));
                }
            }
            walls(program, known, &step.body.block, inside, found);
        }
        StmtKind::Parallel(body) => walls(program, known, body, here("`parallel`", 8), found),
        StmtKind::For { body, parallel: Some(_), .. } => {
            walls(program, known, body, here("a `for … parallel`", 3), found)
        }
        StmtKind::Try { body, otherwise, .. } => {
            walls(program, known, body, here("a `try`", 3), found);
            walls(program, known, otherwise, here("a `try`", 3), found);
        }
        StmtKind::Finally(body) => walls(program, known, body, here("a `finally`", 7), found),
        kind => {
            for inner in walk::blocks(kind) {
                walls(program, known, inner, inside, found);
            }
        }
    }
}

fn refused(what: &str, span: Span, around: Inside) -> Diagnostic {
    let help = match around.what {
        "a step with `retry`" => "take `retry` away: what cannot be undone is not tried twice",
        "a `rollback`" | "a `finally`" | "a handler" => {
            "nobody can be asked here: do it on the way forward, or write what runs here so that it can be repeated"
        }
        _ => "move it out, before or after: only in a sequence is it clear what can still be undone",
    };
    Diagnostic::error(
        Code::MisplacedIrreversible,
        format!("{what} is a point of no return inside {}", around.what),
        span,
        "cannot be undone",
    )
    .label(around.span, "inside this")
    .help(help)
}

/// For each action, a point of no return anywhere in it. What an action calls comes before it in the program.
fn walls_of(program: &Program) -> Vec<Option<Span>> {
    let mut known: Vec<Option<Span>> = Vec::with_capacity(program.actions.len());
    for action in &program.actions {
        let mut wall = match &action.body.undo {
            Undo::Irreversible { span, .. } => Some(*span),
            Undo::Nothing | Undo::Rollback { .. } | Undo::None { .. } | Undo::Manual { .. } => None,
        };
        walk::statements(&action.body.block, &mut |stmt| {
            if let StmtKind::Step(step) = &stmt.kind
                && let Undo::Irreversible { span, .. } = &step.body.undo
            {
                wall = wall.or(Some(*span));
            }
            walk::expressions(&stmt.kind, &mut |e| {
                walk::doings(e, &mut |doing, _| {
                    if let Doing::Action(call) = doing {
                        wall = wall.or(known.get(call.action.0 as usize).copied().flatten());
                    }
                });
            });
        });
        known.push(wall);
    }
    known
}
