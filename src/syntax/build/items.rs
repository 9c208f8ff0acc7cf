//! What stands at the top of a file, and the doc comments above it.
use super::super::ast::{
    Action, Block, Connect, Context, Extern, Item, ItemKind, Let, Name, Runbook, Secret, Str, Use,
};
use super::super::grammar::Rule;
use super::super::tree::{Kids, Node};
use super::Build;

/// `##` lines without their marks, one line each.
pub(super) fn doc(lines: &[&str]) -> Option<String> {
    let line = |l: &&str| {
        let l = l.trim_start_matches('#');
        l.strip_prefix(' ').unwrap_or(l).to_owned()
    };
    (!lines.is_empty()).then(|| lines.iter().map(line).collect::<Vec<_>>().join("\n"))
}

impl Build {
    pub(super) fn items(&mut self, mut kids: Kids<'_>) -> Vec<Item> {
        let mut items = Vec::with_capacity(kids.size_hint().0);
        let mut docs = Vec::new();
        let mut last = None;
        // Of statements that stand outside in a row only the first is reported.
        let mut outside = false;
        while let Some(node) = kids.next() {
            if node.rule() == Rule::doc {
                docs.push(node.text());
                continue;
            }
            let before = self.diagnostics.len();
            match self.item(node) {
                Some(kind) => {
                    if kids.peek().is_some_and(|n| n.rule() == Rule::junk) {
                        self.doubts.clear();
                        self.told = self.diagnostics.len() > before;
                    }
                    self.diagnostics.append(&mut self.doubts);
                    items.push(Item { doc: doc(&docs), kind, span: self.span(node) });
                    outside = false;
                }
                None => match node.rule() {
                    Rule::stray => self.unbalanced = true,
                    Rule::junk => {
                        self.junk(last, node);
                    }
                    Rule::bad => {
                        self.bad(node);
                    }
                    Rule::expr_stmt if kids.peek().is_some_and(|n| n.rule() == Rule::junk) => {
                        self.settled(node, kids.peek());
                    }
                    _ => {
                        if !outside {
                            self.outside(node);
                        }
                        outside = true;
                        self.settled(node, kids.peek());
                    }
                },
            }
            last = Some(node);
            docs.clear();
        }
        items
    }

    fn item(&mut self, node: Node<'_>) -> Option<ItemKind> {
        let mut kids = node.kids();
        let kids = &mut kids;
        Some(match node.rule() {
            Rule::use_ => {
                let path = self.str_of(kids);
                let alias = kids.eat(Rule::as_).map(|_| self.name(kids));
                ItemKind::Use(Use { path, alias })
            }
            Rule::runbook => ItemKind::Runbook(Runbook { title: self.str_of(kids), body: self.block(kids) }),
            Rule::action => {
                ItemKind::Action(Action { name: self.word(kids), params: self.params(kids), body: self.block(kids) })
            }
            Rule::extern_ => ItemKind::Extern(self.extern_(kids)),
            Rule::context => ItemKind::Context(self.context(kids)),
            Rule::let_ => ItemKind::Let(self.library_let(node)?),
            Rule::secret => ItemKind::Secret(self.secret(kids)),
            Rule::connect => ItemKind::Connect(self.connect(kids)),
            Rule::reads => ItemKind::Reads(self.reads(kids)),
            _ => return None,
        })
    }

    fn extern_(&mut self, kids: &mut Kids<'_>) -> Extern {
        kids.eat(Rule::action_);
        let name = self.word(kids);
        let params = self.params(kids);
        let returns = kids.peek().filter(|n| n.rule() == Rule::type_).map(|_| self.type_of(kids));
        kids.eat(Rule::effect_);
        let effect = self.word(kids);
        if !matches!(effect.text.as_str(), "read" | "write" | "notify") {
            self.error(
                format!("expected an effect, found `{}`", effect.text),
                effect.span,
                "not an effect",
                "an effect is `read`, `write` or `notify`",
            );
        }
        Extern { name, params, returns, effect, idempotent: kids.eat(Rule::idempotent_).is_some() }
    }

    fn context(&mut self, kids: &mut Kids<'_>) -> Context {
        let name = self.word(kids);
        let params = self.params(kids);
        let reparses = kids.eat(Rule::reparses_).is_some();
        let carries_env = kids.eat(Rule::carries_).is_some();
        kids.eat(Rule::env_);
        Context { name, params, reparses, carries_env, argv: self.expr_of(kids) }
    }

    /// A `let` of a library: no question.
    fn library_let(&mut self, node: Node<'_>) -> Option<Let> {
        let mut kids = node.kids();
        let name = self.name(&mut kids);
        if let Some(question) = kids.peek().filter(|n| matches!(n.rule(), Rule::ask | Rule::choose_from)) {
            self.error(
                "a question stands in a runbook",
                self.span(question),
                "nobody is asked while a library is read",
                "move it into the runbook, or make it a parameter of an action",
            );
            return Some(Let { name, value: Box::new(super::bad(self.span(question))), fallback: None });
        }
        Some(self.let_value(name, &mut kids))
    }

    pub(super) fn let_value(&mut self, name: Name, kids: &mut Kids<'_>) -> Let {
        let value = Box::new(self.expr_of(kids));
        let fallback = kids.eat(Rule::fallback).map(|n| {
            let mut kids = n.kids();
            kids.eat(Rule::else_);
            Box::new(self.expr_of(&mut kids))
        });
        Let { name, value, fallback }
    }

    pub(super) fn secret(&mut self, kids: &mut Kids<'_>) -> Secret {
        let short = kids.eat(Rule::short_).is_some();
        Secret { short, name: self.name(kids), value: Box::new(self.expr_of(kids)) }
    }

    pub(super) fn connect(&mut self, kids: &mut Kids<'_>) -> Connect {
        Connect { name: self.name(kids), value: Box::new(self.expr_of(kids)) }
    }

    pub(super) fn reads(&mut self, kids: &mut Kids<'_>) -> Vec<Str> {
        let mut strs = Vec::new();
        while let Some(node) = kids.eat(Rule::str) {
            strs.push(self.str(node));
        }
        strs
    }

    /// A statement at the top of a file.
    fn outside(&mut self, node: Node<'_>) {
        let text = node.text();
        let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        let what = if word.is_empty() || text.starts_with('$') { "a command".to_owned() } else { format!("`{word}`") };
        let line = text.find('\n').map_or(node.end(), |at| node.start() + at);
        self.error(
            format!("{what} stands inside a runbook or an action"),
            self.at(node.start(), line),
            "not at the top of a file",
            "put it into `runbook \"title\" { … }`",
        );
    }

    pub(super) fn empty_block(&self, node: Node<'_>) -> Block {
        Block { stmts: Vec::new(), span: self.at(node.end(), node.end()) }
    }
}
