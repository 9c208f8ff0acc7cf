//! Names of a step that may be skipped (B6): set in a step with `when`, or below its `done when`, they may be unset after it.
//! And in `on failure`, which runs wherever the way forward ended, every name of the body may be.
use std::collections::BTreeMap;

use crate::check::program::{Block, Expr, ExprKind, NameId, Program, Step, StmtKind, Undo};
use crate::check::walk;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Why a name may be unset, and where that is said.
#[derive(Clone, Copy)]
struct Why {
    span: Span,
    label: &'static str,
}

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    for action in &program.actions {
        let mut reader = Reader { program, maybe: BTreeMap::new(), found };
        reader.block(&action.body.block);
        reader.undo(&action.body.undo);
    }
    let Some(book) = &program.book else { return };
    let mut reader = Reader { program, maybe: BTreeMap::new(), found };
    reader.block(&book.body);
    if let Some(block) = &book.on_success {
        reader.block(block);
    }
    if let Some(block) = &book.on_failure {
        let mut names = Vec::new();
        bound(&book.body, &mut names);
        for (name, span) in names {
            reader.maybe.insert(name, Why { span, label: "set here, where the run may not have come to" });
        }
        reader.block(block);
    }
}

fn bound(block: &Block, out: &mut Vec<(NameId, Span)>) {
    walk::statements(block, &mut |stmt| {
        out.extend(walk::binds(&stmt.kind).map(|name| (name, walk::opening(stmt.span, 60))));
    });
}

struct Reader<'a> {
    program: &'a Program,
    maybe: BTreeMap<NameId, Why>,
    found: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn block(&mut self, block: &Block) {
        for stmt in &block.stmts {
            let mut all = Vec::new();
            walk::expressions(&stmt.kind, &mut |e| all.push(e));
            if let StmtKind::Step(step) = &stmt.kind {
                walk::head(step, &mut |e| all.push(e));
            }
            for e in all {
                self.expr(e);
            }
            for inner in walk::blocks(&stmt.kind) {
                self.block(inner);
            }
            if let StmtKind::Step(step) = &stmt.kind {
                self.undo(&step.body.undo);
                self.leave(step);
            }
        }
    }

    fn undo(&mut self, undo: &Undo) {
        match undo {
            Undo::Rollback { block, .. } => self.block(block),
            Undo::None { why: text, .. } | Undo::Manual { what: text, .. } | Undo::Irreversible { why: text, .. } => {
                self.expr(text);
            }
            Undo::Nothing => {}
        }
    }

    /// After a step: what it may not have set.
    fn leave(&mut self, step: &Step) {
        let mut names = Vec::new();
        let (span, label) = match &step.when {
            Some(when) => {
                bound(&step.body.block, &mut names);
                (when.span, "when this is false the step is skipped")
            }
            None => {
                let goal = step.body.block.stmts.iter().position(|s| matches!(s.kind, StmtKind::DoneWhen(_)));
                let Some(goal) = goal else { return };
                let below = Block {
                    stmts: step.body.block.stmts.iter().skip(goal + 1).cloned().collect(),
                    span: Span::default(),
                };
                bound(&below, &mut names);
                let span = step.body.block.stmts.get(goal).map_or(step.head, |s| s.span);
                (span, "when this is already true the rest of the step is skipped")
            }
        };
        for (name, _) in names {
            self.maybe.entry(name).or_insert(Why { span, label });
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let mut names = Vec::new();
        walk::deep(expr, &mut |e| {
            if let ExprKind::Name(name) = e.kind {
                names.push((name, e.span));
            }
        });
        for (name, span) in names {
            // One finding a name.
            let Some(why) = self.maybe.remove(&name) else { continue };
            let text = self.program.names.get(name.0 as usize).map_or("", |n| n.text.as_str());
            self.found.push(
                Diagnostic::error(Code::MaybeUnset, format!("`{text}` may not be set here"), span, "read here")
                    .label(why.span, why.label)
                    .help(format!(
                        "set `{text}` where every way here passes: above the `done when`, or outside the step"
                    )),
            );
        }
    }
}
