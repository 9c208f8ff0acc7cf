//! Conditions (D1, D2): a whole call is judged by its type, a whole command by its exit code.
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast;
use crate::value::{Type, Value};

use super::elab::{Elab, Stance};
use super::program::{BinaryOp, Expr, ExprKind, NameId, Want};
use super::types;

impl Elab<'_> {
    pub(super) fn condition(&mut self, written: &ast::Expr) -> Expr {
        let stance = std::mem::replace(&mut self.here.stance, Stance::Reads);
        let cond = self.operand(written);
        self.here.stance = stance;
        cond
    }

    /// A whole condition, or a whole operand of `and`, `or`, `not` in one.
    fn operand(&mut self, written: &ast::Expr) -> Expr {
        let span = written.span;
        let kind = match &written.kind {
            ast::ExprKind::Unary(ast::UnaryOp::Not, inner) => {
                ExprKind::Not(Box::new(self.operand(inner)), self.sources.text(inner.span).into())
            }
            ast::ExprKind::Binary(ast::BinaryOp::And, _, left, right) => {
                let left = self.operand(left);
                let known = self.here.known.clone();
                self.here.known.extend(not_null(&left, true));
                let right = self.operand(right);
                self.here.known = known;
                ExprKind::And(Box::new(left), Box::new(right))
            }
            ast::ExprKind::Binary(ast::BinaryOp::Or, _, left, right) => {
                let left = self.operand(left);
                let known = self.here.known.clone();
                self.here.known.extend(not_null(&left, false));
                let right = self.operand(right);
                self.here.known = known;
                ExprKind::Or(Box::new(left), Box::new(right))
            }
            _ => return self.judged(written),
        };
        Expr { kind, ty: Type::Bool, span }
    }

    fn judged(&mut self, written: &ast::Expr) -> Expr {
        let mut value = self.any_expr(written);
        let span = value.span;
        let whole = matches!(value.kind, ExprKind::Command(_) | ExprKind::Call(_) | ExprKind::Action(_));
        match (&value.kind, types::plain(&value.ty)) {
            (_, Type::Bool | Type::Any | Type::Unknown) if !matches!(value.kind, ExprKind::Command(_)) => value,
            (ExprKind::Command(command), _) if command.want != Want::Result => {
                set_want(&mut value, Want::Condition);
                Expr { ty: Type::Bool, ..value }
            }
            (_, Type::Response | Type::Nothing) if whole => {
                set_want(&mut value, Want::Condition);
                Expr { kind: ExprKind::Judge(Box::new(value)), ty: Type::Bool, span }
            }
            (kind, ty) => {
                let is_call = whole || matches!(kind, ExprKind::Method(..) | ExprKind::Each(..));
                let ty = types::name(ty);
                let found = if is_call {
                    Diagnostic::error(
                        Code::NotACondition,
                        "this call has no answer that is true or false",
                        span,
                        format!("gives `{ty}`"),
                    )
                } else {
                    Diagnostic::error(
                        Code::TypeMismatch,
                        format!("a condition is `bool`, not `{ty}`"),
                        span,
                        format!("this is `{ty}`"),
                    )
                };
                self.report(found.help(way_out(value.ty)));
                super::elab::wrong(span)
            }
        }
    }
}

fn way_out(ty: Type) -> &'static str {
    match types::plain(&ty) {
        Type::Int | Type::Decimal => "compare it: `… > 0`",
        Type::Str | Type::Enum(_) => "compare it: `… == \"…\"`, or `… matches r\"…\"`",
        Type::List(_) => "ask about its elements: `.any(…)`, `.all(…)`, `.len() > 0`",
        Type::Optional(_) | Type::Null => "compare it: `… != null`",
        Type::Response => "ask for a part of it: `.status == 200`, `.json().ready`",
        _ => "compare it with something",
    }
}

/// What the caller does with a call's end; false when the expression is no call.
pub(super) fn set_want(value: &mut Expr, want: Want) -> bool {
    match &mut value.kind {
        ExprKind::Command(command) => {
            if command.want != Want::Result {
                command.want = want;
            }
            true
        }
        ExprKind::Call(call) => {
            call.want = want;
            true
        }
        ExprKind::Action(call) => {
            call.want = want;
            true
        }
        _ => false,
    }
}

/// Names that are not null when the condition is true (or, for `holds` false, when it is false).
pub(super) fn not_null(cond: &Expr, holds: bool) -> Vec<NameId> {
    match &cond.kind {
        ExprKind::Binary(op, left, right) if *op == if holds { BinaryOp::Ne } else { BinaryOp::Eq } => {
            match (&left.kind, &right.kind) {
                (ExprKind::Name(name), ExprKind::Value(Value::Null))
                | (ExprKind::Value(Value::Null), ExprKind::Name(name)) => vec![*name],
                _ => Vec::new(),
            }
        }
        ExprKind::Not(inner, _) => not_null(inner, !holds),
        ExprKind::And(left, right) if holds => [not_null(left, true), not_null(right, true)].concat(),
        ExprKind::Or(left, right) if !holds => [not_null(left, false), not_null(right, false)].concat(),
        _ => Vec::new(),
    }
}
