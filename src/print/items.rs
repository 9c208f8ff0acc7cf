//! A file: its items, and comments under the last.
use super::stmts::Part;
use super::{Blank, Gap, Printer};
use crate::syntax::ast::{Action, Ast, Connect, Context, Extern, Item, ItemKind, Let, Secret};

impl Printer<'_> {
    pub fn file(&mut self, ast: &Ast) {
        for (at, item) in ast.items.iter().enumerate() {
            self.gap(Gap::Line(if at == 0 { Blank::Dropped } else { Blank::Kept }));
            self.item(item);
        }
        self.comments(Gap::Line(if ast.items.is_empty() { Blank::Dropped } else { Blank::Kept }));
    }

    fn item(&mut self, item: &Item) {
        let parts = match &item.kind {
            ItemKind::Use(_) => Vec::new(),
            ItemKind::Runbook(runbook) => vec![Part::Block(&runbook.body)],
            ItemKind::Action(Action { params, body, .. }) => vec![Part::Params(params), Part::Block(body)],
            ItemKind::Extern(Extern { params, returns, .. }) => {
                let mut parts = vec![Part::Params(params)];
                parts.extend(returns.as_ref().map(Part::Type));
                parts
            }
            ItemKind::Context(Context { params, argv, .. }) => vec![Part::Params(params), Part::Expr(argv)],
            ItemKind::Let(Let { value, fallback, .. }) => {
                let mut parts = vec![Part::Expr(value)];
                parts.extend(fallback.as_deref().map(Part::Expr));
                parts
            }
            ItemKind::Secret(Secret { value, .. }) | ItemKind::Connect(Connect { value, .. }) => {
                vec![Part::Expr(value)]
            }
            ItemKind::Reads(patterns) => return self.reads(patterns.len()),
        };
        self.sentence(&parts, item.span.end as usize);
    }
}
