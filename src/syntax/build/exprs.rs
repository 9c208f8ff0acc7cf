//! Expressions: one flat ladder of operands and operators becomes a tree by precedence.
use super::super::ast::{Arg, BinaryOp, Expr, ExprKind, Name, UnaryOp};
use super::super::grammar::Rule;
use super::super::tree::{Kids, Node};
use super::{Build, bad};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// How tightly `not`, a comparison and `-x` bind, between `or` (1) and the rest.
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const NEGATE: u8 = 7;

fn operator(text: &str) -> (BinaryOp, u8) {
    match text {
        "or" => (BinaryOp::Or, 1),
        "and" => (BinaryOp::And, 2),
        "!=" => (BinaryOp::Ne, COMPARE),
        "<" => (BinaryOp::Lt, COMPARE),
        "<=" => (BinaryOp::Le, COMPARE),
        ">" => (BinaryOp::Gt, COMPARE),
        ">=" => (BinaryOp::Ge, COMPARE),
        "in" => (BinaryOp::In, COMPARE),
        "matches" => (BinaryOp::Matches, COMPARE),
        "+" => (BinaryOp::Add, 5),
        "-" => (BinaryOp::Sub, 5),
        "*" => (BinaryOp::Mul, 6),
        "/" => (BinaryOp::Div, 6),
        _ => (BinaryOp::Eq, COMPARE),
    }
}

impl Build {
    /// The next node as an expression.
    pub(super) fn expr_of(&mut self, kids: &mut Kids<'_>) -> Expr {
        match kids.next() {
            Some(node) => self.expr(node),
            None => bad(self.at(0, 0)),
        }
    }

    /// An expression that a block follows: a record there stands in parentheses.
    pub(super) fn head_of(&mut self, kids: &mut Kids<'_>) -> Expr {
        let mut parts = kids.peek().into_iter().flat_map(Node::kids);
        if let Some(record) = parts.find(|n| n.rule() == Rule::record) {
            self.error(
                "a record before a block stands in parentheses",
                self.span(record),
                "this could be read as the block",
                "write `({ … })`",
            );
        }
        self.expr_of(kids)
    }

    /// `expr`, `inner`, `command` or `readonly`.
    pub(super) fn expr(&mut self, node: Node<'_>) -> Expr {
        match node.rule() {
            Rule::command => self.command(node),
            Rule::readonly => {
                let mut kids = node.kids();
                kids.eat(Rule::readonly_);
                let value = self.expr_of(&mut kids);
                Expr { kind: ExprKind::Readonly(Box::new(value)), span: self.span(node) }
            }
            _ => {
                let span = self.span(node);
                let levels = node.kids().filter(|n| matches!(n.rule(), Rule::infix | Rule::prefix)).count();
                self.deeper(levels, span, |b| b.ladder(&mut node.kids(), 0)).unwrap_or(bad(span))
            }
        }
    }

    fn ladder(&mut self, kids: &mut Kids<'_>, min: u8) -> Expr {
        let mut left = match kids.next() {
            Some(mark) if mark.rule() == Rule::prefix => {
                let (op, level) = if mark.text() == "-" { (UnaryOp::Neg, NEGATE) } else { (UnaryOp::Not, NOT) };
                let operand = self.ladder(kids, level);
                let span = self.span(mark).to(operand.span);
                Expr { kind: ExprKind::Unary(op, Box::new(operand)), span }
            }
            Some(node) if matches!(node.rule(), Rule::if_line | Rule::if_inner) => self.if_expr(node),
            Some(node) => self.chain(node, kids),
            None => bad(self.at(0, 0)),
        };
        let mut compared = false;
        while let Some(mark) = kids.peek().filter(|n| n.rule() == Rule::infix) {
            let (op, level) = operator(mark.text());
            if level < min {
                break;
            }
            kids.next();
            let op_span = self.span(mark);
            if level == COMPARE && compared {
                self.error(
                    "comparisons do not chain",
                    op_span,
                    "a second comparison of the same value",
                    "say both with `and`: `a < b and b < c`",
                );
            }
            compared = level == COMPARE;
            let right = self.ladder(kids, level + 1);
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(op, op_span, Box::new(left), Box::new(right)), span };
        }
        left
    }

    fn if_expr(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        let built = self.deeper(1, span, |b| {
            let mut kids = node.kids();
            kids.eat(Rule::if_kw);
            let cond = b.expr_of(&mut kids);
            kids.eat(Rule::then_);
            let then = b.expr_of(&mut kids);
            kids.eat(Rule::else_);
            let otherwise = b.expr_of(&mut kids);
            Expr { kind: ExprKind::If(Box::new((cond, then, otherwise))), span }
        });
        built.unwrap_or(bad(span))
    }

    /// A primary, and the fields, calls and indexes behind it.
    fn chain(&mut self, first: Node<'_>, kids: &mut Kids<'_>) -> Expr {
        let behind = *kids;
        let count = behind.take_while(|n| matches!(n.rule(), Rule::name | Rule::args | Rule::index)).count();
        let Some(last) = count.checked_sub(1).and_then(|n| kids.nth(n)) else { return self.primary(first) };
        let span = self.at(first.start(), last.end());
        self.deeper(count, span, |b| b.postfixes(first, behind.take(count))).unwrap_or(bad(span))
    }

    fn postfixes<'t>(&mut self, first: Node<'t>, kids: impl Iterator<Item = Node<'t>>) -> Expr {
        let mut value = self.primary(first);
        for kid in kids {
            let span = self.at(first.start(), kid.end());
            let kind = match kid.rule() {
                Rule::name => {
                    let field = Name { text: kid.text().into(), span: self.span(kid) };
                    ExprKind::Field(Box::new(value), Box::new(field))
                }
                Rule::index => {
                    let index = self.expr_of(&mut kid.kids());
                    ExprKind::Index(Box::new(value), Box::new(index))
                }
                _ => {
                    let args = kid.kids().map(|arg| self.arg(arg)).collect();
                    ExprKind::Call(Box::new(value), args)
                }
            };
            value = Expr { kind, span };
        }
        value
    }

    fn arg(&mut self, node: Node<'_>) -> Arg {
        let mut kids = node.kids();
        let name = kids.peek().filter(|n| n.rule() == Rule::name).map(|_| self.word(&mut kids));
        Arg { name, value: self.expr_of(&mut kids) }
    }

    fn primary(&mut self, node: Node<'_>) -> Expr {
        let span = self.span(node);
        match node.rule() {
            Rule::name => self.value_name(node.text(), span),
            Rule::str => Expr { kind: ExprKind::Str(self.str(node)), span },
            Rule::number => self.number(node),
            Rule::paren => match self.deeper(1, span, |b| b.expr_of(&mut node.kids())) {
                Some(inner) => Expr { span, ..inner },
                None => bad(span),
            },
            Rule::list => {
                let items = self.deeper(1, span, |b| node.kids().map(|n| b.expr(n)).collect());
                Expr { kind: items.map_or(ExprKind::Bad, ExprKind::List), span }
            }
            Rule::record => {
                let entries = self.deeper(1, span, |b| node.kids().map(|n| b.entry(n)).collect());
                Expr { kind: entries.map_or(ExprKind::Bad, ExprKind::Record), span }
            }
            _ => self.substitution(node),
        }
    }

    fn value_name(&mut self, text: &str, span: Span) -> Expr {
        let kind = match text {
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" => ExprKind::Null,
            word if super::words::reserved(word) => {
                let message = format!("`{word}` is a reserved word");
                self.doubts.push(Diagnostic::error(Code::Syntax, message, span, "a value is needed here").help(
                    match super::expect::form(word) {
                        Some(form) => format!(
                            "as a statement it is `{form}`; a field or an argument may carry any word, a name may not"
                        ),
                        None => "a field or an argument may carry any word, a name may not".to_owned(),
                    },
                ));
                ExprKind::Bad
            }
            name => ExprKind::Name(name.into()),
        };
        Expr { kind, span }
    }

    fn entry(&mut self, node: Node<'_>) -> (Name, Expr) {
        let mut kids = node.kids();
        let key = match kids.eat(Rule::str) {
            Some(key) => self.constant(key),
            None => self.word(&mut kids),
        };
        (key, self.expr_of(&mut kids))
    }
}
