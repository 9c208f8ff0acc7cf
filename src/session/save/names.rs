//! Which names a statement uses, and where in its text they stand.
use crate::check::program::{Block, Expr, ExprKind, NameId, Stmt, StmtKind, Undo};
use crate::check::walk;
use crate::source::Span;

pub fn of_expr(expr: &Expr, each: &mut dyn FnMut(NameId, Span)) {
    walk::deep(expr, &mut |inner| {
        if let ExprKind::Name(name) = inner.kind {
            each(name, inner.span);
        }
    });
}

pub fn of_block(block: &Block, each: &mut dyn FnMut(NameId, Span)) {
    block.stmts.iter().for_each(|stmt| of_stmt(stmt, each));
}

/// Of all that stands in it, its rollbacks too.
pub fn of_stmt(stmt: &Stmt, each: &mut dyn FnMut(NameId, Span)) {
    walk::expressions(&stmt.kind, &mut |expr| of_expr(expr, each));
    if let StmtKind::Step(step) = &stmt.kind {
        walk::head(step, &mut |expr| of_expr(expr, each));
        of_undo(&step.body.undo, each);
    }
    walk::blocks(&stmt.kind).for_each(|block| of_block(block, each));
}

pub fn of_undo(undo: &Undo, each: &mut dyn FnMut(NameId, Span)) {
    match undo {
        Undo::Nothing => {}
        Undo::Rollback { block, timeout, .. } => {
            timeout.iter().for_each(|expr| of_expr(expr, each));
            of_block(block, each);
        }
        Undo::None { why, .. } | Undo::Manual { what: why, .. } | Undo::Irreversible { why, .. } => of_expr(why, each),
    }
}
