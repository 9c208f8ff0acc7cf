//! Names that are not set on every way (B6): set in a step with `when`, below its `done when`, or in a block that is a scope
//! (`if`, `for`, `parallel`, `try`, an option) they may be unset after it. And in `on failure`, which runs wherever the way forward ended, every name of the body may be.
use std::collections::BTreeMap;

use crate::check::program::{Block, Body, Expr, ExprKind, NameId, Program, Step, StmtKind, Undo};
use crate::check::walk;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Why a name may be unset, and where that is said.
#[derive(Clone, Copy, Debug)]
struct Why {
    span: Span,
    label: &'static str,
    help: &'static str,
}

/// The names that may be unset from here on.
#[derive(Clone, Debug, Default)]
pub struct Unset(BTreeMap<NameId, Why>);

pub fn check(program: &Program, unset: &mut Unset, found: &mut Vec<Diagnostic>) {
    for action in &program.actions {
        let mut reader = Reader { program, maybe: BTreeMap::new(), found };
        reader.block(&action.body.block);
        reader.undo(&action.body);
    }
    let mut reader = Reader { program, maybe: std::mem::take(&mut unset.0), found };
    for entry in program.console.iter().flat_map(|console| &console.entries) {
        reader.block(&entry.body);
        entry.role.handlers().for_each(|block| reader.block(block));
    }
    let Some(book) = &program.book else {
        unset.0 = reader.maybe;
        return;
    };
    reader.block(&book.body);
    if let Some(block) = &book.on_success {
        reader.block(block);
    }
    if let Some(block) = &book.on_failure {
        let mut names = Vec::new();
        bound(&book.body, &mut names);
        for (name, span) in names {
            reader.maybe.insert(name, Why {
                span,
                label: "set here, where the run may not have come to",
                help: "a handler reads parameters, `failure` and `run`; use `note` in the step to put a value into the report",
            });
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
            if let StmtKind::Parallel(body) = &stmt.kind {
                self.parallel(body);
                continue;
            }
            for inner in walk::blocks(&stmt.kind) {
                self.block(inner);
                self.leave_scope(&stmt.kind, inner);
            }
            if let StmtKind::Step(step) = &stmt.kind {
                self.undo(&step.body);
                self.leave(step);
            }
        }
    }

    /// What one of them sets, the others do not see.
    fn parallel(&mut self, body: &Block) {
        for stmt in &body.stmts {
            let one = Block { stmts: vec![stmt.clone()], span: stmt.span };
            self.block(&one);
            self.leave_scope(&StmtKind::Parallel(Block::default()), &one);
        }
    }

    /// After a block that is a scope.
    fn leave_scope(&mut self, kind: &StmtKind, block: &Block) {
        let (label, help) = match kind {
            StmtKind::If { .. } => (
                "set only in this branch",
                "set it outside: `let name = if … then … else …`, or read it inside the branch",
            ),
            StmtKind::For { .. } => {
                ("set anew for each element", "read it inside the loop, or make a list of it with `.map(…)`")
            }
            StmtKind::Parallel(_) => ("set beside what reads it", "set it before the `parallel`"),
            StmtKind::Try { .. } => ("set in a block that may be undone", "set it before the `try`, or read it inside"),
            StmtKind::Choose { .. } => {
                ("set only in this option", "set it before the question, or read it inside the option")
            }
            StmtKind::Watch { .. } => ("set anew for each look", "read it inside the `watch`"),
            StmtKind::Finally(_) => ("set only at the end", "set it outside the `finally`"),
            _ => return,
        };
        let mut names = Vec::new();
        bound(block, &mut names);
        if let StmtKind::For { name, .. } = kind {
            names.push((*name, walk::opening(block.span, 1)));
        }
        for (name, span) in names {
            self.maybe.entry(name).or_insert(Why { span, label, help });
        }
    }

    fn undo(&mut self, body: &Body) {
        match &body.undo {
            Undo::Rollback { block, .. } => {
                // What the body itself may not have set is null in its rollback: `unset` looks whether that is handled.
                let mut own = Vec::new();
                bound(&body.block, &mut own);
                let before = self.maybe.clone();
                self.maybe.retain(|name, _| !own.iter().any(|(n, _)| n == name));
                self.block(block);
                self.maybe = before;
            }
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
            let help = "set it where every way here passes: above the `done when`, or outside the step";
            self.maybe.entry(name).or_insert(Why { span, label, help });
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
                    .help(why.help),
            );
        }
    }
}
