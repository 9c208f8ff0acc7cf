//! A runbook at a console: what it declares comes first, each statement of its way forward is an input of its own.
use std::rc::Rc;

use crate::source::Span;
use crate::syntax::{self, ast, ast::StmtKind as S};
use crate::value::{SmolStr, Value};

use super::console::{Known, Typed};
use super::elab::{Elab, Here};
use super::modules::{ModuleId, Tree};
use super::program::{Block, Opens, Role, Shell};
use super::steps::BodyOf;

/// What an input is to the runbook of its console.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Part {
    /// Nothing: a person's own.
    #[default]
    Own,
    /// The runbook itself: its name, its text, the values of its parameters.
    Book { name: String, text: String, params: Vec<(SmolStr, Value)> },
    /// The statement at this place of [`units`], as it is written.
    Unit(u32),
    /// What a person typed instead of it.
    Instead(u32),
    /// Nothing runs: the next statement is this one.
    Past(u32),
    /// The way forward is over.
    End,
    /// All of it is done: `on success`.
    Success,
}

/// The way forward of a runbook, statement by statement.
#[must_use]
pub fn units(book: &ast::Runbook) -> Vec<&ast::Stmt> {
    book.body.stmts.iter().filter(|stmt| !is_declaration(&stmt.kind)).collect()
}

/// What is known before anything runs, and what is not of the way forward.
#[must_use]
pub fn is_declaration(kind: &S) -> bool {
    matches!(
        kind,
        S::Header(_)
            | S::Param(_)
            | S::Secret(_)
            | S::Connect(_)
            | S::Reads(_)
            | S::OnSuccess(_)
            | S::OnFailure(_)
            | S::Bad
    )
}

/// The runbook of a console.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    units: Rc<[ast::Stmt]>,
    on_success: Option<ast::Stmt>,
    /// Those that were entered, each with the number of its input.
    invariants: Vec<(u32, ast::Stmt)>,
}

impl Loaded {
    pub(super) fn entered(&mut self, number: u32, part: &Part) {
        if let Part::Unit(unit) = part
            && let Some(stmt) = self.units.get(*unit as usize)
            && matches!(stmt.kind, S::Invariant { .. })
        {
            self.invariants.push((number, stmt.clone()));
        }
    }
}

impl Elab<'_> {
    /// What a runbook declares.
    pub(super) fn opens(
        &mut self,
        name: &str,
        text: &str,
        params: &[(SmolStr, Value)],
        typed: &Typed,
        known: &mut Known,
    ) -> (Block, Role) {
        let file = self.sources.add(name, text);
        let parsed = syntax::parse(file, text);
        self.diagnostics.extend(parsed.diagnostics);
        let (mut callable, mut values, mut book) = (Vec::new(), Vec::new(), None);
        for item in parsed.ast.items {
            match item.kind {
                ast::ItemKind::Runbook(written) => book = Some(written),
                ast::ItemKind::Let(_)
                | ast::ItemKind::Secret(_)
                | ast::ItemKind::Connect(_)
                | ast::ItemKind::Reads(_) => values.push(item),
                ast::ItemKind::Use(_)
                | ast::ItemKind::Action(_)
                | ast::ItemKind::Extern(_)
                | ast::ItemKind::Context(_) => callable.push(item),
            }
        }
        let at = Span::new(file, 0, text.len());
        let Some(mut book) = book else { return (Block { stmts: Vec::new(), span: at }, Role::Own) };
        let units = units(&book).into_iter().cloned().collect();
        let on_success = book.body.stmts.iter().find(|stmt| matches!(stmt.kind, S::OnSuccess(_))).cloned();
        // That one sees what the way forward has bound: it is read behind it.
        book.body.stmts.retain(|stmt| is_declaration(&stmt.kind) && !matches!(stmt.kind, S::OnSuccess(_)));
        let shell = self.shell_of(&book.body);
        self.with_name(name, |elab| elab.items(file, callable, known));
        self.shell(shell);
        let values = Tree::Read(Rc::new(ast::Ast { file, items: values }));
        self.module_values(ModuleId(0), &values);
        self.everything_in(ModuleId(0));
        self.enter_module(ModuleId(0));
        self.scopes.know(known.seen(typed));
        let parts = self.book_parts(&book, None);
        let mut header = parts.header;
        header.locks.append(&mut self.locks);
        let value = |name: &SmolStr| params.iter().find(|(param, _)| param == name).map(|(_, value)| value.clone());
        let text = |id| self.name_info(id).map(|info| info.text.clone()).unwrap_or_default();
        let params = parts.params.iter().filter_map(|param| Some((param.name, value(&text(param.name))?))).collect();
        known.loaded = Some(Loaded { units, on_success, invariants: Vec::new() });
        let opens = Opens { params, header, on_failure: parts.on_failure, failure: parts.failure };
        (Block { stmts: Vec::new(), span: at }, Role::Opens(Box::new(opens)))
    }

    /// `use` looks beside the runbook for what the runbook uses.
    fn with_name(&mut self, name: &str, act: impl FnOnce(&mut Self)) {
        let rename = |elab: &mut Self, name: String| {
            elab.modules.first_mut().map(|module| std::mem::replace(&mut module.name, name))
        };
        let own = rename(self, name.to_owned());
        act(self);
        own.and_then(|own| rename(self, own));
    }

    fn shell(&mut self, shell: Shell) {
        if let Some(module) = self.modules.first_mut() {
            module.shell = shell;
        }
    }

    /// One statement of the way forward, and the invariants that hold there.
    pub(super) fn part(&mut self, unit: u32, typed: &Typed, known: &Known) -> Block {
        let nothing = Block::default();
        let Some(loaded) = &known.loaded else { return nothing };
        let Some(stmt) = loaded.units.get(unit as usize) else { return nothing };
        let holds = loaded.invariants.iter().filter(|(number, _)| !typed.gone.contains(number));
        let stmts = holds.map(|(_, stmt)| stmt).chain([stmt]).cloned().collect();
        self.here = Here::at(ModuleId(0));
        self.block(&ast::Block { stmts, span: stmt.span }, BodyOf::Book)
    }

    /// What it does once all of it is done.
    pub(super) fn succeeds(&mut self, known: &Known) -> (Block, Role) {
        self.here = Here::at(ModuleId(0));
        let stmt = known.loaded.as_ref().and_then(|loaded| loaded.on_success.clone());
        let handler = stmt.and_then(|stmt| Some(self.handler(&[stmt], false)?.0)).unwrap_or_default();
        (Block { stmts: Vec::new(), span: handler.span }, Role::Succeeds(handler))
    }
}
