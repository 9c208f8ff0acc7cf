//! Expressions and types. Each function starts at the first token of what it prints: what leads there is its caller's.
use super::layout::{Id, Kind};
use super::{Blank, Gap, Printer};
use crate::syntax::ast::{Arg, BinaryOp, Expr, ExprKind, Param, TypeExpr, TypeKind};

/// Words that open an item when a blank follows: no value goes on in a line that starts with one.
const OPENERS: &[&str] = &["use", "runbook", "action", "extern"];

/// What an expression starts with, when that is one of its own.
fn first(value: &Expr) -> Option<&Expr> {
    match &value.kind {
        ExprKind::Field(inner, _) | ExprKind::Index(inner, _) | ExprKind::Call(inner, _) => Some(inner),
        ExprKind::Binary(_, _, left, _) => Some(left),
        _ => None,
    }
}

/// Whether parentheses stand around what starts with another expression.
fn in_parens(value: &Expr) -> bool {
    first(value).is_some_and(|f| f.span.start != value.span.start)
}

/// `and` or `or`.
pub(super) fn is_logic(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Binary(BinaryOp::And | BinaryOp::Or, ..)) && !in_parens(value)
}

impl Printer<'_> {
    pub fn expr(&mut self, value: &Expr) {
        if self.at_parens(value) {
            let group = self.layout.open(Kind::Together);
            self.take();
            self.layout.indent(group);
            self.gap(Gap::Soft("", Blank::Dropped));
            self.expr(value);
            return self.end_bracket(group, "");
        }
        match &value.kind {
            ExprKind::Field(..) | ExprKind::Index(..) | ExprKind::Call(..) => self.chain(value),
            ExprKind::List(items) => self.bracket(items, Kind::Together, "", |p, item, _| p.expr(item)),
            ExprKind::Record(entries) => self.bracket(entries, Kind::Together, " ", |p, (_, entry), _| {
                p.label();
                p.expr(entry);
            }),
            ExprKind::Binary(BinaryOp::And | BinaryOp::Or, ..) => {
                let group = self.layout.open(Kind::Together);
                self.logic(value, group, Depth::Deeper);
                self.layout.close();
            }
            ExprKind::Binary(_, op, left, right) => {
                self.expr(left);
                self.gap(Gap::Blank);
                self.take_up_to(op.end as usize);
                self.gap(Gap::Blank);
                self.expr(right);
            }
            ExprKind::Unary(_, operand) => {
                let gap = if self.tokens.text() == "-" { Gap::Nothing } else { Gap::Blank };
                self.take();
                self.gap(gap);
                self.expr(operand);
            }
            ExprKind::If(parts) => {
                let group = self.layout.open(Kind::Together);
                self.choice(parts, group);
                self.layout.dedent(group);
                self.layout.close();
            }
            ExprKind::Readonly(inner) => {
                self.take();
                self.gap(Gap::Blank);
                self.expr(inner);
            }
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Decimal(_)
            | ExprKind::Duration(_)
            | ExprKind::Size(_)
            | ExprKind::Time(_)
            | ExprKind::Str(_)
            | ExprKind::Name(_)
            | ExprKind::Command(_)
            | ExprKind::Bad => self.take(),
        }
    }

    /// Whether the next token is a `(` around the whole value.
    fn at_parens(&self, value: &Expr) -> bool {
        self.tokens.text() == "(" && first(value).is_none_or(|f| self.tokens.start() < f.span.start as usize)
    }

    /// A new line when the group is broken, where the value can stand in one.
    pub fn break_before_value(&self) -> Gap {
        if OPENERS.contains(&self.tokens.text()) { Gap::Blank } else { Gap::Soft(" ", Blank::Dropped) }
    }

    /// `a and b and c`: what is joined by one word breaks behind each of these.
    pub fn logic(&mut self, value: &Expr, group: Id, depth: Depth) {
        let ExprKind::Binary(op, ..) = &value.kind else { return };
        let mut operands = Vec::new();
        let mut left = value;
        while let ExprKind::Binary(same, _, inner, right) = &left.kind {
            if same != op || !operands.is_empty() && in_parens(left) {
                break;
            }
            operands.push(&**right);
            left = inner;
        }
        self.expr(left);
        if depth == Depth::Deeper {
            self.layout.indent(group);
        }
        for operand in operands.into_iter().rev() {
            self.next(Gap::Blank);
            self.gap(self.break_before_value());
            self.expr(operand);
        }
        if depth == Depth::Deeper {
            self.layout.dedent(group);
        }
    }

    /// `if c then a else if d then b else e`, without the dedent.
    fn choice(&mut self, (cond, then, otherwise): &(Expr, Expr, Expr), group: Id) {
        self.take();
        self.gap(Gap::Blank);
        self.expr(cond);
        self.layout.indent(group);
        self.next(Gap::Soft(" ", Blank::Dropped));
        self.gap(Gap::Blank);
        self.expr(then);
        self.next(Gap::Soft(" ", Blank::Dropped));
        self.gap(Gap::Blank);
        match &otherwise.kind {
            ExprKind::If(parts) if self.tokens.text() == "if" => {
                self.layout.dedent(group);
                self.choice(parts, group);
            }
            _ => self.expr(otherwise),
        }
    }

    /// A value, and the fields, calls and indexes behind it.
    fn chain(&mut self, value: &Expr) {
        let mut links = Vec::new();
        let mut base = value;
        while let Some(inner) = first(base).filter(|_| {
            matches!(base.kind, ExprKind::Field(..) | ExprKind::Index(..) | ExprKind::Call(..))
                && (links.is_empty() || !in_parens(base))
        }) {
            links.push(base);
            base = inner;
        }
        links.reverse();
        let called = |at: usize| links.get(at + 1).is_some_and(|next| matches!(next.kind, ExprKind::Call(..)));
        let broken = links.iter().enumerate().any(|(at, link)| match &link.kind {
            ExprKind::Field(inner, field) => called(at) && self.tokens.breaks_between(inner.span.end, field.span.start),
            _ => false,
        });
        let group = broken.then(|| self.layout.open(Kind::Together));
        self.expr(base);
        if let Some(group) = group {
            self.layout.indent(group);
        }
        for (at, link) in links.iter().enumerate() {
            match &link.kind {
                ExprKind::Call(_, args) => self.bracket(args, Kind::Call, "", |p, arg, last| p.arg(arg, args, last)),
                ExprKind::Index(_, index) => {
                    let group = self.layout.open(Kind::Together);
                    self.take();
                    self.layout.indent(group);
                    self.gap(Gap::Soft("", Blank::Dropped));
                    self.expr(index);
                    self.end_bracket(group, "");
                }
                _ => {
                    self.next(if group.is_some() && called(at) { Gap::Soft("", Blank::Dropped) } else { Gap::Nothing });
                    self.next(Gap::Nothing);
                }
            }
        }
        if let Some(group) = group {
            self.layout.dedent(group);
            self.layout.close();
        }
    }

    /// A record at the end of a call, or a list that is all of it, may break instead of the call.
    fn arg(&mut self, arg: &Arg, all: &[Arg], last: Option<Id>) {
        if arg.name.is_some() {
            self.label();
        }
        let opens = match &arg.value.kind {
            ExprKind::Record(entries) => !entries.is_empty(),
            ExprKind::List(items) => !items.is_empty() && all.len() == 1,
            _ => false,
        };
        if let Some(call) = last.filter(|_| opens && self.tokens.text() != "(") {
            self.layout.last_argument(call);
        }
        self.expr(&arg.value);
    }

    /// `name: `
    fn label(&mut self) {
        self.take();
        self.next(Gap::Nothing);
        self.gap(Gap::Blank);
    }

    /// A bracket and what is in it, one a line when it breaks. `item` gets the group when it is the last.
    pub fn bracket<T>(
        &mut self,
        items: &[T],
        kind: Kind,
        padding: &'static str,
        item: impl Fn(&mut Self, &T, Option<Id>),
    ) {
        let group = self.layout.open(kind);
        self.take();
        self.layout.indent(group);
        for (at, one) in items.iter().enumerate() {
            let is_last = at + 1 == items.len();
            self.gap(if at == 0 { Gap::Soft(padding, Blank::Dropped) } else { Gap::Soft(" ", Blank::Kept) });
            item(self, one, is_last.then_some(group));
            if self.tokens.text() == "," {
                self.tokens.skip();
                if is_last {
                    self.layout.hard();
                }
            }
            if is_last { self.layout.comma(group) } else { self.layout.text(",") }
        }
        self.end_bracket(group, if items.is_empty() { "" } else { padding });
    }

    fn end_bracket(&mut self, group: Id, padding: &'static str) {
        let gap = Gap::Soft("", Blank::Kept);
        self.comments(gap);
        self.layout.dedent(group);
        self.layout.soft(padding, false);
        self.take();
        self.layout.close();
    }

    pub fn ty(&mut self, ty: &TypeExpr) {
        match &ty.kind {
            TypeKind::Named(_, args) => {
                self.take();
                for (at, arg) in args.iter().enumerate() {
                    self.next(Gap::Nothing);
                    self.gap(if at == 0 { Gap::Nothing } else { Gap::Blank });
                    self.ty(arg);
                }
                if !args.is_empty() {
                    self.next(Gap::Nothing);
                }
            }
            TypeKind::Record(fields) => self.bracket(fields, Kind::Together, " ", |p, (_, ty), _| {
                p.label();
                p.ty(ty);
            }),
            TypeKind::Enum(cases) => {
                for at in 0..cases.len() {
                    if at > 0 {
                        self.next(Gap::Blank);
                        self.gap(Gap::Blank);
                    }
                    self.take();
                }
            }
            TypeKind::Optional(inner) => {
                self.ty(inner);
                self.next(Gap::Nothing);
            }
        }
    }

    /// `name: type = default where condition`
    pub fn param(&mut self, Param { ty, default, condition, .. }: &Param) {
        self.label();
        self.ty(ty);
        for value in [default, condition].into_iter().flatten() {
            self.next(Gap::Blank);
            self.gap(Gap::Blank);
            self.expr(value);
        }
    }
}

/// How operands stand in lines of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Same,
    Deeper,
}
