//! Types as written, and the parameters that carry them.
use super::super::ast::{Param, TypeExpr, TypeKind};
use super::super::grammar::Rule;
use super::super::tree::{Kids, Node};
use super::Build;

impl Build {
    pub(super) fn params(&mut self, kids: &mut Kids<'_>) -> Vec<Param> {
        let Some(node) = kids.eat(Rule::params) else { return Vec::new() };
        node.kids().filter(|n| n.rule() == Rule::formal).map(|n| self.param(n)).collect()
    }

    pub(super) fn param(&mut self, node: Node<'_>) -> Param {
        let mut kids = node.kids();
        let mut docs = Vec::new();
        while let Some(doc) = kids.eat(Rule::doc) {
            docs.push(doc.text());
        }
        let name = self.name(&mut kids);
        let ty = self.type_of(&mut kids);
        let mut param =
            Param { doc: super::items::doc(&docs), name, ty, default: None, condition: None, span: self.span(node) };
        while let Some(kid) = kids.next() {
            match kid.rule() {
                Rule::where_ => param.condition = kids.next().map(|n| self.expr(n)),
                _ => param.default = Some(self.expr(kid)),
            }
        }
        param
    }

    pub(super) fn type_of(&mut self, kids: &mut Kids<'_>) -> TypeExpr {
        match kids.eat(Rule::type_) {
            Some(node) => self.type_expr(node),
            None => TypeExpr { kind: TypeKind::Record(Vec::new()), span: self.at(0, 0) },
        }
    }

    fn type_expr(&mut self, node: Node<'_>) -> TypeExpr {
        let span = self.span(node);
        self.deeper(1, span, |b| b.type_inner(node)).unwrap_or(TypeExpr { kind: TypeKind::Record(Vec::new()), span })
    }

    fn type_inner(&mut self, node: Node<'_>) -> TypeExpr {
        let mut kids = node.kids();
        let mut kind = match kids.peek().map(Node::rule) {
            Some(Rule::str) => {
                let mut cases = Vec::new();
                while let Some(case) = kids.eat(Rule::str) {
                    cases.push(self.str(case));
                }
                TypeKind::Enum(cases)
            }
            Some(Rule::record_type) => {
                let fields = kids.next().into_iter().flat_map(Node::kids);
                TypeKind::Record(
                    fields
                        .map(|field| {
                            let mut kids = field.kids();
                            (self.word(&mut kids), self.type_of(&mut kids))
                        })
                        .collect(),
                )
            }
            _ => {
                let name = self.word(&mut kids);
                let args = kids.eat(Rule::type_args);
                TypeKind::Named(name, args.into_iter().flat_map(Node::kids).map(|n| self.type_expr(n)).collect())
            }
        };
        let span = self.span(node);
        if let Some(mark) = kids.eat(Rule::optional) {
            let inner = TypeExpr { kind, span: self.at(node.start(), mark.start()) };
            kind = TypeKind::Optional(Box::new(inner));
        }
        TypeExpr { kind, span }
    }
}
