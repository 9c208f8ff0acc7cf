//! Conditions only read (G1), and so does everything that runs before the first step.
use crate::check::program::{Block, Effect, Expr, Global, Program, StmtKind, Undo};
use crate::check::walk::{self, Doing};
use crate::diag::{Code, Diagnostic};

use super::{top_blocks, units};

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    for block in top_blocks(program) {
        in_block(program, block, found);
    }
    units(program, &mut |unit| {
        if let Undo::Rollback { block, .. } = unit.undo {
            in_block(program, block, found);
        }
    });
    for global in &program.globals {
        let (what, value) = match global {
            Global::Let { value, .. } => ("a library's `let`", value),
            // Looked at where it is elaborated.
            Global::Secret { .. } => continue,
            Global::Connect { value, .. } => ("a connection", value),
        };
        reads_only(program, what, value, found);
    }
    let params = program.book.iter().flat_map(|b| &b.params).chain(program.actions.iter().flat_map(|a| &a.params));
    for param in params {
        param.default.iter().for_each(|e| reads_only(program, "a default", e, found));
        param.condition.iter().for_each(|e| reads_only(program, "`where`", e, found));
    }
}

fn in_block(program: &Program, block: &Block, found: &mut Vec<Diagnostic>) {
    walk::statements(block, &mut |stmt| {
        walk::conditions(&stmt.kind, &mut |what, cond| reads_only(program, what, cond, found));
        match &stmt.kind {
            StmtKind::Step(step) => {
                // `when` is a condition and already looked at.
                walk::head(step, &mut |e| {
                    if step.when.as_deref().is_none_or(|w| !std::ptr::eq(w, e)) {
                        reads_only(program, "a step's head", e, found);
                    }
                });
            }
            StmtKind::Watch { body, .. } => {
                for stmt in &body.stmts {
                    if let StmtKind::Let { value, fallback, .. } = &stmt.kind {
                        [value]
                            .into_iter()
                            .chain(fallback.as_deref())
                            .for_each(|e| reads_only(program, "a watch", e, found));
                    }
                }
            }
            _ => {}
        }
    });
}

fn reads_only(program: &Program, what: &str, expr: &Expr, found: &mut Vec<Diagnostic>) {
    walk::doings(expr, &mut |doing, span| {
        let (message, label) = match doing.effect(program) {
            Effect::Pure | Effect::Read => return,
            Effect::Notify => {
                (format!("`{}` sends a message in a place that only reads", doing.name(program)), "this sends")
            }
            Effect::Write => (format!("`{}` writes in a place that only reads", doing.name(program)), "this writes"),
        };
        let label = format!("{label}, and {what} only reads");
        let help = match doing {
            Doing::Command(_) => "put the command into a step that says how it is undone, and test here what it left",
            Doing::Call(_) | Doing::Action(_) => {
                "call it in a step that says how it is undone, and test its result here"
            }
        };
        found.push(Diagnostic::error(Code::WriteInCondition, message, span, label).help(help));
    });
}
