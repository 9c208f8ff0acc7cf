//! Operators: equal types on both sides, units that go together.
use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{SmolStr, Type, ops};

use super::elab::{Elab, wrong};
use super::exprs::text_of;
use super::program::{BinaryOp, Expr, ExprKind};
use super::types::{self, has_unit, is_number, name, plain};

impl Elab<'_> {
    pub(super) fn unary(&mut self, op: ast::UnaryOp, of: &ast::Expr, span: Span) -> Expr {
        match op {
            ast::UnaryOp::Not => {
                let written = self.sources.text(of.span).into();
                let of = self.condition(of);
                let ty = if types::holds_secret(&of.ty) { types::secret(Type::Bool) } else { Type::Bool };
                Expr { kind: ExprKind::Not(Box::new(of), written), ty, span }
            }
            ast::UnaryOp::Neg => {
                let of = self.expr(of);
                match plain(&of.ty) {
                    Type::Int | Type::Decimal | Type::Duration | Type::Size | Type::Any | Type::Unknown => {
                        let ty = of.ty.clone();
                        Expr { kind: ExprKind::Neg(Box::new(of)), ty, span }
                    }
                    _ => {
                        self.mismatch(&of, &Type::Decimal, "what is negated");
                        wrong(span)
                    }
                }
            }
        }
    }

    pub(super) fn binary(
        &mut self,
        op: ast::BinaryOp,
        at: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Expr {
        let op = match op {
            ast::BinaryOp::And | ast::BinaryOp::Or => {
                let whole = ast::Expr {
                    kind: ast::ExprKind::Binary(op, at, Box::new(left.clone()), Box::new(right.clone())),
                    span,
                };
                return self.condition(&whole);
            }
            ast::BinaryOp::Eq => BinaryOp::Eq,
            ast::BinaryOp::Ne => BinaryOp::Ne,
            ast::BinaryOp::Lt => BinaryOp::Lt,
            ast::BinaryOp::Le => BinaryOp::Le,
            ast::BinaryOp::Gt => BinaryOp::Gt,
            ast::BinaryOp::Ge => BinaryOp::Ge,
            ast::BinaryOp::In => BinaryOp::In,
            ast::BinaryOp::Matches => BinaryOp::Matches,
            ast::BinaryOp::Add => BinaryOp::Add,
            ast::BinaryOp::Sub => BinaryOp::Sub,
            ast::BinaryOp::Mul => BinaryOp::Mul,
            ast::BinaryOp::Div => BinaryOp::Div,
        };
        let left = self.expr(left);
        let right = self.expr(right);
        if left.ty == Type::Unknown || right.ty == Type::Unknown {
            return wrong(span);
        }
        let hidden = matches!(left.ty, Type::Secret(_)) || matches!(right.ty, Type::Secret(_));
        let ty = match op {
            BinaryOp::Eq | BinaryOp::Ne => {
                self.comparable(op, &left, &right, at);
                Type::Bool
            }
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                self.ordered(op, &left, &right, at);
                hide(Type::Bool, hidden)
            }
            BinaryOp::In => {
                self.contained(&left, &right);
                hide(Type::Bool, hidden)
            }
            BinaryOp::Matches => {
                self.pattern(&left, &right);
                hide(Type::Bool, hidden)
            }
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => {
                match arithmetic(op, plain(&left.ty), plain(&right.ty)) {
                    Some(ty) => hide(ty, hidden),
                    None => {
                        self.disagree(op, &left, &right, at);
                        return wrong(span);
                    }
                }
            }
        };
        Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), ty, span }
    }

    /// `==` needs one type on both sides; `== null` takes all (I3).
    fn comparable(&mut self, op: BinaryOp, left: &Expr, right: &Expr, at: Span) {
        let (a, b) = (plain(&left.ty), plain(&right.ty));
        if *a == Type::Null || *b == Type::Null {
            return;
        }
        if !same_kind(a, b) {
            return self.disagree(op, left, right, at);
        }
        for (value, other) in [(left, b), (right, a)] {
            let Type::Enum(options) = unwrapped(other) else { continue };
            let Some(text) = text_of(value) else { continue };
            if options.iter().any(|o| o == text) {
                continue;
            }
            let found = Diagnostic::error(
                Code::TypeMismatch,
                format!("this is never \"{text}\""),
                value.span,
                format!("the other side is `{}`", name(other)),
            );
            let near = did_you_mean(text, options.iter().map(SmolStr::as_str)).map(|near| format!("\"{near}\""));
            self.report(match near {
                Some(near) => {
                    found.help(format!("did you mean {near}?")).fix(format!("write {near}"), vec![(value.span, near)])
                }
                None => found.help("compare it with one of these"),
            });
        }
    }

    fn ordered(&mut self, op: BinaryOp, left: &Expr, right: &Expr, at: Span) {
        let (a, b) = (plain(&left.ty), plain(&right.ty));
        let has_order = |ty: &Type| {
            is_number(ty) || has_unit(ty) || matches!(ty, Type::Str | Type::Enum(_) | Type::Any | Type::Unknown)
        };
        for (value, ty) in [(left, a), (right, b)] {
            if matches!(ty, Type::Null | Type::Optional(_)) {
                let found = Diagnostic::error(
                    Code::TypeMismatch,
                    format!("`{}` with a value that may be null", op.sign()),
                    value.span,
                    format!("this is `{}`", name(ty)),
                );
                return self.report(found.help("test it first: `x != null and x < …`"));
            }
        }
        if !has_order(a) || !has_order(b) || !same_kind(a, b) {
            self.disagree(op, left, right, at);
        }
    }

    fn contained(&mut self, left: &Expr, right: &Expr) {
        let item = plain(&left.ty);
        let fits = match plain(&right.ty) {
            Type::List(element) => *item == Type::Null || same_kind(item, plain(element)),
            Type::Str | Type::Enum(_) | Type::Record(_) | Type::AnyRecord => {
                matches!(item, Type::Str | Type::Enum(_) | Type::Any)
            }
            Type::Any | Type::Unknown => true,
            _ => {
                return self.mismatch(right, &Type::List(Box::new(left.ty.clone())), "the right side of `in`");
            }
        };
        if !fits {
            let wanted = if let Type::List(element) = plain(&right.ty) { (**element).clone() } else { Type::Str };
            self.mismatch(left, &wanted, "the left side of `in`");
        }
    }

    fn pattern(&mut self, left: &Expr, right: &Expr) {
        for (value, what) in [(left, "the left side of `matches`"), (right, "a pattern")] {
            if !matches!(plain(&value.ty), Type::Str | Type::Enum(_) | Type::Any | Type::Unknown) {
                return self.mismatch(value, &Type::Str, what);
            }
        }
        if let Some(pattern) = text_of(right)
            && let Err(why) = ops::whole_regex(pattern)
        {
            let inside = ops::regex_fault(pattern).and_then(|(from, to)| {
                let start = right.span.start as usize + self.sources.text(right.span).find(pattern)?;
                Some(Span::new(right.span.file, start + from, start + to))
            });
            let at = inside.unwrap_or(right.span);
            let found = Diagnostic::error(Code::TypeMismatch, why, at, "not a regular expression");
            self.report(found.help("a pattern matches the whole string; write it raw: `r\"\\d+\"`"));
        }
    }

    /// Two sides that do not go together.
    fn disagree(&mut self, op: BinaryOp, left: &Expr, right: &Expr, at: Span) {
        let (a, b) = (plain(&left.ty), plain(&right.ty));
        let unit = has_unit(a) && (is_number(b) || has_unit(b)) || is_number(a) && has_unit(b);
        let code = if unit { Code::UnitMismatch } else { Code::TypeMismatch };
        let verb = match op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => "does not go with",
            _ => "does not compare",
        };
        let found = Diagnostic::error(
            code,
            format!("`{}` {verb} `{}` and `{}`", op.sign(), name(a), name(b)),
            at,
            "these two sides differ",
        )
        .label(left.span, format!("this is `{}`", name(&left.ty)))
        .label(right.span, format!("this is `{}`", name(&right.ty)));
        let with_unit = |number: &Expr, unit: &str| {
            let text = self.sources.text(number.span);
            if text.parse::<i64>().is_ok() { format!("`{text}{unit}`") } else { format!("`({text}) * 1{unit}`") }
        };
        let found = match (a, b) {
            (Type::Duration, Type::Int | Type::Decimal) => {
                found.help(format!("write the unit: {}", with_unit(right, "s")))
            }
            (Type::Int | Type::Decimal, Type::Duration) => {
                found.help(format!("write the unit: {}", with_unit(left, "s")))
            }
            (Type::Size, Type::Int | Type::Decimal) => {
                found.help(format!("write the unit: {}", with_unit(right, "MB")))
            }
            (Type::Int | Type::Decimal, Type::Size) => found.help(format!("write the unit: {}", with_unit(left, "MB"))),
            (Type::Str, Type::Int) | (Type::Int, Type::Str) => {
                found.help("read the number in the string with `.int()`, or write the number as a string")
            }
            (Type::Response, _) | (_, Type::Response) => {
                found.help("ask for a part of the response: `.status`, `.text`")
            }
            (Type::Optional(_), _) | (_, Type::Optional(_)) => {
                found.help("one side may be null: test it first (`x != null and …`)")
            }
            _ => found.help("make both sides the same type"),
        };
        self.report(found);
    }
}

fn hide(ty: Type, hidden: bool) -> Type {
    if hidden { types::secret(ty) } else { ty }
}

fn unwrapped(ty: &Type) -> &Type {
    if let Type::Optional(inner) = ty { inner } else { ty }
}

/// Types whose values can be compared with each other.
fn same_kind(a: &Type, b: &Type) -> bool {
    match (unwrapped(plain(a)), unwrapped(plain(b))) {
        (Type::Conn(_) | Type::Response | Type::Nothing, _) | (_, Type::Conn(_) | Type::Response | Type::Nothing) => {
            false
        }
        (Type::Any | Type::Unknown, _) | (_, Type::Any | Type::Unknown) => true,
        (Type::Int | Type::Decimal, Type::Int | Type::Decimal) => true,
        (Type::Str | Type::Enum(_), Type::Str | Type::Enum(_)) => true,
        (Type::List(a), Type::List(b)) => same_kind(a, b),
        (Type::Record(_) | Type::AnyRecord, Type::Record(_) | Type::AnyRecord) => true,
        (a, b) => a == b,
    }
}

/// The type of `+ - * /`.
fn arithmetic(op: BinaryOp, a: &Type, b: &Type) -> Option<Type> {
    use BinaryOp::{Add, Div, Mul, Sub};
    Some(match (op, a, b) {
        (_, Type::Null | Type::Optional(_), _) | (_, _, Type::Null | Type::Optional(_)) => return None,
        (_, Type::Any | Type::Unknown, other) | (_, other, Type::Any | Type::Unknown) => {
            let goes = is_number(other) || has_unit(other) || matches!(other, Type::Any | Type::Unknown);
            let joins = op == Add && matches!(other, Type::Str | Type::Enum(_) | Type::List(_));
            if !goes && !joins {
                return None;
            }
            Type::Any
        }
        (Div, a, b) if is_number(a) && is_number(b) => Type::Decimal,
        (Add | Sub | Mul, Type::Int, Type::Int) => Type::Int,
        (Add | Sub | Mul, a, b) if is_number(a) && is_number(b) => Type::Decimal,
        (Add | Sub, Type::Duration, Type::Duration) => Type::Duration,
        (Add | Sub, Type::Size, Type::Size) => Type::Size,
        (Add, Type::Time, Type::Duration) | (Add, Type::Duration, Type::Time) | (Sub, Type::Time, Type::Duration) => {
            Type::Time
        }
        (Sub, Type::Time, Type::Time) => Type::Duration,
        (Mul | Div, Type::Duration, n) if is_number(n) => Type::Duration,
        (Mul, n, Type::Duration) if is_number(n) => Type::Duration,
        (Mul | Div, Type::Size, n) if is_number(n) => Type::Size,
        (Mul, n, Type::Size) if is_number(n) => Type::Size,
        (Div, Type::Duration, Type::Duration) | (Div, Type::Size, Type::Size) => Type::Decimal,
        (Add, Type::Str | Type::Enum(_), Type::Str | Type::Enum(_)) => Type::Str,
        (Add, Type::List(a), Type::List(b)) => Type::List(Box::new(types::join(a, b).unwrap_or(Type::Any))),
        _ => return None,
    })
}
