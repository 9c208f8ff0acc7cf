//! Names in a rollback (B7): one that is set only after the first statement that can write may be null there.
use std::collections::BTreeMap;

use crate::check::conditions::not_null;
use crate::check::program::{Arg, BinaryOp, Block, CodePart, Effect, Expr, ExprKind, NameId, Program, Stmt, StmtKind};
use crate::check::walk::{self, Doing};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::value::{Type, Value};

use super::rollbacks;

/// A name that may be null in the rollback: where it is set, and the write that comes before.
#[derive(Clone, Copy)]
struct Late {
    set: Span,
    write: Span,
}

pub fn check(program: &Program, found: &mut Vec<Diagnostic>) {
    rollbacks(program, &mut |unit, block, _| {
        let mut late = BTreeMap::new();
        let mut first = None;
        body(program, unit.block, &mut first, &mut late);
        if !late.is_empty() {
            Reader { program, late, known: Vec::new(), found }.block(block);
        }
    });
}

/// Names set in a block that is a scope cannot be seen in the rollback; what writes there still counts.
fn body(program: &Program, block: &Block, first: &mut Option<Span>, late: &mut BTreeMap<NameId, Late>) {
    for stmt in &block.stmts {
        if matches!(stmt.kind, StmtKind::Finally(_)) {
            continue;
        }
        walk::expressions(&stmt.kind, &mut |e| {
            walk::doings(e, &mut |doing: Doing<'_>, span| {
                if first.is_none() && doing.effect(program) == Effect::Write {
                    *first = Some(span);
                }
            });
        });
        if let (Some(name), Some(write)) = (walk::binds(&stmt.kind), *first) {
            late.insert(name, Late { set: stmt.span, write });
        }
        for inner in walk::blocks(&stmt.kind) {
            match &stmt.kind {
                StmtKind::With { .. } | StmtKind::Transaction { .. } | StmtKind::Step(_) => {
                    body(program, inner, first, late)
                }
                _ => body(program, inner, first, &mut BTreeMap::new()),
            }
        }
    }
}

struct Reader<'a> {
    program: &'a Program,
    late: BTreeMap<NameId, Late>,
    /// Names that a condition around has shown not to be null.
    known: Vec<NameId>,
    found: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn block(&mut self, block: &Block) {
        for stmt in &block.stmts {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        if let StmtKind::If { cond, then, otherwise } = &stmt.kind {
            self.expr(cond);
            self.within(&not_null(cond, true), |r| r.block(then));
            if let Some(otherwise) = otherwise {
                self.within(&not_null(cond, false), |r| r.block(otherwise));
            }
            return;
        }
        let mut all = Vec::new();
        walk::expressions(&stmt.kind, &mut |e| all.push(e));
        for e in all {
            self.expr(e);
        }
        for inner in walk::blocks(&stmt.kind) {
            self.block(inner);
        }
    }

    fn within(&mut self, names: &[NameId], run: impl FnOnce(&mut Self)) {
        let before = self.known.len();
        self.known.extend(names);
        run(self);
        self.known.truncate(before);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(name) => self.read(*name, expr.span),
            ExprKind::Binary(BinaryOp::Eq | BinaryOp::Ne, a, b) if is_null(a) || is_null(b) => {
                for side in [a, b] {
                    if !matches!(side.kind, ExprKind::Name(_)) {
                        self.expr(side);
                    }
                }
            }
            ExprKind::And(a, b) => {
                self.expr(a);
                self.within(&not_null(a, true), |r| r.expr(b));
            }
            ExprKind::Or(a, b) => {
                self.expr(a);
                self.within(&not_null(a, false), |r| r.expr(b));
            }
            ExprKind::If(three) => {
                self.expr(&three.0);
                self.within(&not_null(&three.0, true), |r| r.expr(&three.1));
                self.within(&not_null(&three.0, false), |r| r.expr(&three.2));
            }
            ExprKind::Action(call) => {
                let action = self.program.actions.get(call.action.0 as usize);
                for (param, value) in &call.args {
                    let takes_null = action
                        .and_then(|a| a.params.iter().find(|p| p.name == *param))
                        .is_some_and(|p| matches!(p.ty, Type::Optional(_) | Type::Any));
                    if !(takes_null && matches!(value.kind, ExprKind::Name(_))) {
                        self.expr(value);
                    }
                }
            }
            ExprKind::Call(call) => {
                if let Some(on) = &call.on {
                    self.expr(on);
                }
                for (_, arg) in &call.args {
                    match arg {
                        Arg::Value(value) => self.expr(value),
                        Arg::Code(parts) => self.code(parts),
                    }
                }
            }
            ExprKind::Command(command) => self.code(&command.code),
            _ => {
                let mut inner = Vec::new();
                walk::parts(expr, &mut |e| inner.push(e));
                for e in inner {
                    self.expr(e);
                }
            }
        }
    }

    fn code(&mut self, parts: &[CodePart]) {
        for part in parts {
            if let CodePart::Value { expr, .. } = part {
                self.expr(expr);
            }
        }
    }

    /// One finding a name: the first place that reads it.
    fn read(&mut self, name: NameId, span: Span) {
        if self.known.contains(&name) {
            return;
        }
        let Some(late) = self.late.remove(&name) else { return };
        let text = self.program.names.get(name.0 as usize).map_or("", |n| n.text.as_str());
        self.found.push(
            Diagnostic::error(
                Code::UnsetInRollback,
                format!("`{text}` may not be set when this rollback runs"),
                span,
                format!("null when the step failed before it set `{text}`"),
            )
            .label(walk::opening(late.set, 60), "set here")
            .label(late.write, "after this, which may write")
            .help(format!(
                "handle that case: `if {text} != null {{ … }}`, or set `{text}` above the step's first write"
            )),
        );
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Value(Value::Null))
}
