//! Nodes → Ast, one file a noun. What the grammar takes but the language does not is reported here.
mod commands;
mod expect;
mod exprs;
mod habits;
mod items;
mod literals;
mod recover;
mod stmts;
mod strings;
mod types;
mod words;

use super::ast::{Block, Expr, ExprKind, Item, Name, Stmt};
use super::grammar::Rule;
use super::mend::Inserted;
use super::tree::{Kids, Node, Tree};
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use words::reserved;

/// How deep expressions and blocks may nest: what walks the tree later does so by recursion.
const DEPTH: usize = 200;

/// How many mistakes are told: nobody reads the hundredth closely.
pub(super) const MOST: usize = 100;

pub(super) struct Build {
    pub file: FileId,
    pub diagnostics: Vec<Diagnostic>,
    pub incomplete: bool,
    /// The first mistake that was one too many to tell.
    pub more: Option<Span>,
    /// Some `{` or `}` has no partner.
    pub unbalanced: bool,
    /// A `"""` goes on to the end of the file: what is missing behind it is no other mistake.
    pub text_open: bool,
    pub inserted: Inserted,
    /// Reserved words where a value is needed: dropped when what follows shows the real mistake.
    doubts: Vec<Diagnostic>,
    /// The statement just read has a diagnostic already.
    told: bool,
    place: Place,
    /// Where the text ends, blanks left out.
    end: usize,
    depth: usize,
    too_deep: bool,
}

/// What a text is read as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    File,
    Console,
}

/// The items of a whole file.
pub(super) fn file(file: FileId, tree: &Tree<'_>, inserted: Inserted) -> (Vec<Item>, Build) {
    let mut build = Build::new(file, tree, inserted, Place::File);
    let items = build.items(tree.kids());
    (items, build)
}

/// The statements of a text, as inside a runbook.
pub(super) fn stmts(file: FileId, tree: &Tree<'_>, inserted: Inserted) -> (Vec<Stmt>, Build) {
    let mut build = Build::new(file, tree, inserted, Place::Console);
    let stmts = build.stmts(tree.kids());
    (stmts, build)
}

pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(Code::Syntax, "nested too deeply", span, format!("more than {DEPTH} levels"))
        .help("name a part with `let`, or move it into an action")
}

pub(super) fn too_many(span: Span) -> Diagnostic {
    Diagnostic::error(Code::Syntax, "too many mistakes; the rest was not read", span, "given up here")
        .help("mend those above first")
}

impl Build {
    fn new(file: FileId, tree: &Tree<'_>, inserted: Inserted, place: Place) -> Build {
        Build {
            file,
            diagnostics: Vec::new(),
            incomplete: false,
            more: None,
            unbalanced: false,
            text_open: false,
            inserted,
            doubts: Vec::new(),
            told: false,
            place,
            end: tree.text.trim_end().len(),
            depth: 0,
            too_deep: false,
        }
    }

    fn span(&self, node: Node<'_>) -> Span {
        self.at(node.start(), node.end())
    }

    fn at(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.inserted.origin(start), self.inserted.origin(end))
    }

    fn text_ends(&self, at: usize) -> bool {
        at >= self.end
    }

    fn error(&mut self, message: impl Into<String>, span: Span, label: impl Into<String>, help: impl Into<String>) {
        if !self.full(span) {
            self.diagnostics.push(Diagnostic::error(Code::Syntax, message, span, label).help(help));
        }
    }

    /// Whether one more mistake, at `span`, is too many.
    fn full(&mut self, span: Span) -> bool {
        let full = self.diagnostics.len() >= MOST;
        if full {
            self.more.get_or_insert(span);
        }
        full
    }

    /// Run `inner` `levels` deeper; nothing, and one diagnostic a file, when that is too deep.
    fn deeper<T>(&mut self, levels: usize, span: Span, inner: impl FnOnce(&mut Build) -> T) -> Option<T> {
        if self.depth + levels > DEPTH {
            if !self.too_deep {
                self.too_deep = true;
                self.diagnostics.push(too_deep(span));
            }
            return None;
        }
        self.depth += levels;
        let result = inner(self);
        self.depth -= levels;
        Some(result)
    }

    /// A name where one is bound.
    fn name(&mut self, kids: &mut Kids<'_>) -> Name {
        let name = self.word(kids);
        if reserved(&name.text) {
            self.error(
                format!("`{}` is a reserved word", name.text),
                name.span,
                "a name is needed here",
                format!("call it `{}_` or something that says more", name.text),
            );
        }
        name
    }

    /// A name that may be any word: a field, an argument, an action.
    fn word(&mut self, kids: &mut Kids<'_>) -> Name {
        match kids.eat(Rule::name) {
            Some(node) => Name { text: node.text().into(), span: self.span(node) },
            None => Name { text: "".into(), span: self.at(0, 0) },
        }
    }

    fn block(&mut self, kids: &mut Kids<'_>) -> Block {
        match kids.eat(Rule::block) {
            Some(node) => self.block_at(node),
            None => Block { stmts: Vec::new(), span: self.at(0, 0) },
        }
    }

    fn block_at(&mut self, node: Node<'_>) -> Block {
        let span = self.span(node);
        let stmts = self.deeper(1, span, |b| b.stmts(node.kids())).unwrap_or_default();
        Block { stmts, span }
    }
}

fn bad(span: Span) -> Expr {
    Expr { kind: ExprKind::Bad, span }
}
