//! Points of no return (B8): refused where something else may have to be undone at the same time, or the same thing again.
use crate::check::program::{ActionId, Block, Program, Stmt, StmtKind, Undo};
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
    for block in top_blocks(program) {
        walls(program, block, None, found);
    }
    rollbacks(program, &mut |_, block, span| {
        walls(program, block, Some(Inside { what: "a `rollback`", span: walk::opening(span, 8) }), found);
    });
    let handlers = program.book.iter().flat_map(|b| b.on_success.iter().chain(&b.on_failure));
    for block in handlers {
        walls(program, block, Some(Inside { what: "a handler", span: walk::opening(block.span, 1) }), found);
    }
}

fn walls(program: &Program, block: &Block, inside: Option<Inside>, found: &mut Vec<Diagnostic>) {
    for stmt in &block.stmts {
        statement(program, stmt, inside, found);
    }
}

fn statement(program: &Program, stmt: &Stmt, inside: Option<Inside>, found: &mut Vec<Diagnostic>) {
    if let Some(around) = inside {
        walk::expressions(&stmt.kind, &mut |e| {
            walk::doings(e, &mut |doing, span| {
                if let Doing::Action(call) = doing
                    && let Some((wall, name)) = wall_in(program, call.action)
                {
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
            walls(program, &step.body.block, inside, found);
        }
        StmtKind::Parallel(body) => walls(program, body, here("`parallel`", 8), found),
        StmtKind::For { body, parallel: Some(_), .. } => walls(program, body, here("a `for … parallel`", 3), found),
        StmtKind::Try { body, otherwise, .. } => {
            walls(program, body, here("a `try`", 3), found);
            walls(program, otherwise, here("a `try`", 3), found);
        }
        StmtKind::Finally(body) => walls(program, body, here("a `finally`", 7), found),
        kind => {
            for inner in walk::blocks(kind) {
                walls(program, inner, inside, found);
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

/// A point of no return anywhere in an action, and the action's name.
fn wall_in(program: &Program, id: ActionId) -> Option<(Span, String)> {
    let action = program.actions.get(id.0 as usize)?;
    if let Undo::Irreversible { span, .. } = &action.body.undo {
        return Some((*span, action.name.to_string()));
    }
    let mut wall = None;
    walk::statements(&action.body.block, &mut |stmt| {
        if wall.is_some() {
            return;
        }
        if let StmtKind::Step(step) = &stmt.kind
            && let Undo::Irreversible { span, .. } = &step.body.undo
        {
            wall = Some((*span, action.name.to_string()));
            return;
        }
        walk::expressions(&stmt.kind, &mut |e| {
            walk::doings(e, &mut |doing, _| {
                if let (Doing::Action(call), None) = (doing, &wall) {
                    wall = wall_in(program, call.action).map(|(span, _)| (span, action.name.to_string()));
                }
            });
        });
    });
    wall
}
