//! A console: what is typed, input by input, each checked behind those before it. The names, actions and inputs of a program
//! come first in every program that has more inputs: what an earlier one was given goes on to mean the same.
use std::rc::Rc;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Severity};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, ast};
use crate::value::{SmolStr, Type, Value};

use super::elab::{Elab, Here, Lasting, literal};
use super::flow::Unset;
use super::loaded::{Loaded, Part};
use super::modules::{Declared, Module, ModuleId, State, Tree, alias as alias_of};
use super::program::{Ask, Block, Body, Console, Entry, ExprKind, Global, NameId, Program, Role, Shell, Step, Stmt};
use super::program::{StmtKind, Undo, Want};
use super::shell::Reads;
use super::steps::BodyOf;
use super::{Library, conditions, echoes, flow};

/// One input at a console.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Typed {
    pub text: String,
    pub part: Part,
    /// Those before it, from 0, whose names are gone: they failed, or were undone.
    pub gone: Vec<u32>,
}

/// What [`Checked::enter`] returns.
#[derive(Debug)]
pub struct Entered {
    /// With this input; none when a finding is an error.
    pub checked: Option<Checked>,
    /// Every text, what was typed as `entry 1`, `entry 2` …, a runbook by its name.
    pub sources: Arc<Sources>,
    /// About this input and what it uses.
    pub diagnostics: Vec<Diagnostic>,
}

/// A console so far: what its inputs were found to mean.
#[derive(Clone, Debug)]
pub struct Checked {
    pub sources: Arc<Sources>,
    lasting: Lasting,
    known: Known,
    unset: Unset,
}

/// The file that what is typed stands in, as `use` sees it.
pub const NAME: &str = "<console>";

/// Why a write of which nobody said how it is undone cannot be undone.
const UNKNOWN: &str = "no undo is known for it";

impl Checked {
    /// Nothing was typed yet.
    #[must_use]
    pub fn new(library: &dyn Library) -> Checked {
        let mut sources = Sources::default();
        let mut elab = Elab::new(&mut sources, library);
        let run = elab.run;
        elab.program.console = Some(Console { run, entries: Vec::new() });
        elab.modules.push(Module {
            name: NAME.to_owned(),
            tree: Tree::Read(Rc::new(ast::Ast { file: FileId(0), items: Vec::new() })),
            values: Vec::new(),
            aliases: Vec::new(),
            actions: Vec::new(),
            contexts: Vec::new(),
            book: None,
            shell: Shell::Bash,
        });
        let (lasting, ..) = elab.lasting();
        Checked { sources: Arc::new(sources), lasting, known: Known::default(), unset: Unset::default() }
    }

    /// With every input.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.lasting.program
    }

    /// Check one more input behind the others, which are not looked at again.
    #[must_use]
    pub fn enter(&self, typed: &Typed, library: &dyn Library) -> Entered {
        let Checked { sources, mut known, mut unset, mut lasting } = self.clone();
        known.goes_back(typed, &mut lasting);
        let mut sources = Sources::clone(&sources);
        let last = sources.iter().count();
        let mut elab = Elab::behind(&lasting, &mut sources, library);
        let before = elab.program.console.take().map_or_else(Vec::new, |console| console.entries);
        let number = u32::try_from(before.len()).unwrap_or(u32::MAX);
        if let (Part::Book { .. }, Some(own)) = (&typed.part, lasting.modules.first()) {
            let (own, reads, items) = (own.clone(), lasting.reads.clone(), known.items.clone());
            known.before = Some(Rc::new(Before { loads: number, own, reads, items }));
        }
        let entry = Arc::new(elab.entry(number, typed, &mut known));
        let own = entry.body.span;
        let console = |entries| Some(Console { run: lasting.run, entries });
        elab.program.console = console(vec![entry.clone()]);
        let mut diagnostics = flow::behind(&elab.program, &elab.unread, &mut unset);
        elab.program.console = console(before.into_iter().chain([entry]).collect());
        let (lasting, found) = elab.lasting();
        let sources = Arc::new(sources);
        diagnostics.splice(0..0, found);
        let is_last = |at: Span| {
            at.file.0 as usize >= last || (at.file == own.file && at.start >= own.start && at.end <= own.end)
        };
        diagnostics.retain(|found| is_last(found.span()));
        echoes::drop_explained(&mut diagnostics);
        echoes::drop(&mut diagnostics, &sources);
        diagnostics.sort_by_key(|d| (d.span(), d.code));
        diagnostics.dedup_by_key(|d| (d.span(), d.code));
        let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
        let checked = (!failed).then(|| Checked { sources: sources.clone(), lasting, known, unset });
        Entered { checked, sources, diagnostics }
    }
}

/// Whether a text ends inside something that goes on: another line belongs to it.
#[must_use]
pub fn is_incomplete(text: &str) -> bool {
    if declares(text) {
        return syntax::parse(FileId(0), text).incomplete;
    }
    syntax::parse_statements(FileId(0), text).incomplete
}

/// What stands at the top of a file, by its first word.
#[must_use]
pub fn declares(text: &str) -> bool {
    let line = text.lines().map(str::trim_start).find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = line.unwrap_or_default().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    matches!(word, "use" | "action" | "context" | "runbook" | "extern")
}

/// What inputs have bound, each with the number of its own; the latest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// What actions can see too: secrets and connections.
    values: Vec<(u32, SmolStr, NameId)>,
    pub lets: Vec<(u32, SmolStr, NameId)>,
    items: Rc<Vec<ast::Item>>,
    /// Evaluated before the statements of each.
    globals: Vec<(u32, Global)>,
    pub loaded: Option<Loaded>,
    /// What was known when the runbook was to be loaded.
    before: Option<Rc<Before>>,
}

/// What an input may change for all that come after it, also where it comes to nothing.
#[derive(Debug)]
struct Before {
    /// The input that loads the runbook.
    loads: u32,
    own: Module<'static>,
    reads: Reads,
    items: Rc<Vec<ast::Item>>,
}

impl Known {
    /// A runbook that could not be loaded has declared nothing.
    fn goes_back(&mut self, typed: &Typed, lasting: &mut Lasting) {
        let Some(before) = self.before.take_if(|before| typed.gone.contains(&before.loads)) else { return };
        if let Some(own) = lasting.modules.first_mut() {
            *own = before.own.clone();
        }
        lasting.reads = before.reads.clone();
        self.items = before.items.clone();
        self.loaded = None;
    }

    /// Those that an input sees, beside what actions see.
    pub fn seen(&self, typed: &Typed) -> Vec<(SmolStr, NameId)> {
        visible(&self.lets, typed)
    }
}

fn visible(names: &[(u32, SmolStr, NameId)], typed: &Typed) -> Vec<(SmolStr, NameId)> {
    names.iter().filter(|(of, ..)| !typed.gone.contains(of)).map(|(_, name, id)| (name.clone(), *id)).collect()
}

impl Elab<'_> {
    fn entry(&mut self, number: u32, typed: &Typed, known: &mut Known) -> Entry {
        let run = (SmolStr::new_static("run"), self.run);
        let values: Vec<_> = std::iter::once(run).chain(visible(&known.values, typed)).collect();
        let declared = values.len();
        if let Some(module) = self.modules.first_mut() {
            module.values = values;
        }
        self.earlier = u32::try_from(self.program.names.len()).unwrap_or(u32::MAX);
        self.enter_module(ModuleId(0));
        self.scopes.know(known.seen(typed));
        let (body, role) = match &typed.part {
            Part::Own => (self.own(number, typed, known), Role::Own),
            Part::Instead(unit) => (self.own(number, typed, known), Role::Instead(*unit)),
            Part::Book { name, text, params } => self.opens(name, text, params, typed, known),
            Part::Unit(unit) => (self.part(*unit, typed, known), Role::Part(*unit)),
            Part::Past(unit) => (Block::default(), Role::Past(*unit)),
            Part::End => (Block::default(), Role::Ends),
            Part::Success => self.succeeds(known),
        };
        let globals = std::mem::take(&mut self.program.globals);
        let globals = match typed.part {
            Part::Own | Part::Instead(_) | Part::Book { .. } => {
                self.with_unread(body.span.file, globals, &typed.gone, known)
            }
            Part::Unit(_) | Part::Past(_) | Part::End | Part::Success => globals,
        };
        known.globals.extend(globals.iter().map(|global| (number, global.clone())));
        let names = globals.iter().filter_map(|global| match global {
            Global::Secret { name, .. } | Global::Connect { name, .. } => Some(*name),
            Global::Let { .. } => None,
        });
        let own: Vec<NameId> = names.collect();
        for (name, id) in self.scopes.bound() {
            let list = if own.contains(&id) { &mut known.values } else { &mut known.lets };
            list.push((number, name, id));
        }
        let values = self.modules.first().map(|module| module.values.clone()).unwrap_or_default();
        known.values.extend(values.into_iter().skip(declared).map(|(name, id)| (number, name, id)));
        if let Some(loaded) = &mut known.loaded {
            loaded.entered(number, &typed.part);
        }
        for lock in std::mem::take(&mut self.locks) {
            let found = Diagnostic::error(
                Code::MisplacedStatement,
                "a runbook with a lock cannot be used at a console",
                lock.span,
                "taken at the start of a run",
            );
            self.report(found.help("run it by itself: `rbk run FILE`"));
        }
        self.budgets.clear();
        self.settle_unknown();
        Entry { globals, body, role }
    }

    fn own(&mut self, number: u32, typed: &Typed, known: &mut Known) -> Block {
        let file = self.sources.add(format!("entry {}", number + 1), typed.text.as_str());
        if !declares(&typed.text) {
            return self.statements(file, &typed.text);
        }
        let parsed = syntax::parse(file, &typed.text);
        self.diagnostics.extend(parsed.diagnostics);
        self.items(file, parsed.ast.items, known);
        self.everything_in(ModuleId(0));
        Block { stmts: Vec::new(), span: Span::new(file, 0, typed.text.len()) }
    }

    /// And what the libraries used here declare, where the input that used them first came to nothing.
    fn with_unread(&self, file: FileId, globals: Vec<Global>, gone: &[u32], known: &Known) -> Vec<Global> {
        let mut reached: Vec<ModuleId> = Vec::new();
        let aliases = |id: ModuleId| self.modules.get(id.0).map(|module| &module.aliases).into_iter().flatten();
        let mut ahead: Vec<ModuleId> =
            aliases(ModuleId(0)).filter(|alias| alias.span.file == file).filter_map(|alias| alias.module).collect();
        while let Some(id) = ahead.pop() {
            if !reached.contains(&id) {
                reached.push(id);
                ahead.extend(aliases(id).filter_map(|alias| alias.module));
            }
        }
        let values = reached.iter().filter_map(|id| self.modules.get(id.0)).flat_map(|module| &module.values);
        let names: Vec<NameId> = values.map(|(_, name)| *name).collect();
        let mut again: Vec<Global> = Vec::new();
        for (of, global) in &known.globals {
            let new = again.iter().all(|other| other.name() != global.name());
            if new && gone.contains(of) && names.contains(&global.name()) {
                again.push(global.clone());
            }
        }
        again.extend(globals);
        again
    }

    /// `use`, `action`, `context`: known from here on. One of the same name is hidden by it.
    pub(super) fn items(&mut self, file: FileId, items: Vec<ast::Item>, known: &mut Known) {
        let first = known.items.len();
        Rc::make_mut(&mut known.items).extend(items.iter().cloned());
        let tree = Tree::Read(Rc::new(ast::Ast { file, items: known.items.to_vec() }));
        if let Some(module) = self.modules.first_mut() {
            module.tree = tree;
        }
        for (item, declared) in (first..).zip(&items) {
            let Some(module) = self.modules.first_mut() else { return };
            match &declared.kind {
                ast::ItemKind::Action(action) => {
                    module.actions.retain(|other| other.name.text != action.name.text);
                    module.actions.push(Declared { name: action.name.clone(), item, state: State::Fresh });
                }
                ast::ItemKind::Context(context) => {
                    module.contexts.retain(|other| other.name.text != context.name.text);
                    module.contexts.push(Declared { name: context.name.clone(), item, state: State::Fresh });
                }
                ast::ItemKind::Use(used) => {
                    let alias = used.alias.as_ref().map(|alias| alias.text.clone());
                    let alias = alias.unwrap_or_else(|| alias_of(&self.written(&used.path)));
                    if let Some(module) = self.modules.first_mut() {
                        module.aliases.retain(|other| other.name != alias);
                    }
                    let name = self.modules.first().map(|module| module.name.clone()).unwrap_or_default();
                    self.use_module(ModuleId(0), used, &mut vec![name]);
                    self.enter_module(ModuleId(0));
                }
                ast::ItemKind::Runbook(_) | ast::ItemKind::Extern(_) => {
                    let at = super::walk::opening(declared.span, 7);
                    let found = Diagnostic::error(
                        Code::MisplacedStatement,
                        "a runbook stands in a file",
                        at,
                        "not at a console",
                    );
                    self.report(found.help("type its statements; or run the file: `rbk run FILE`"));
                }
                ast::ItemKind::Let(_)
                | ast::ItemKind::Secret(_)
                | ast::ItemKind::Connect(_)
                | ast::ItemKind::Reads(_) => {
                    let found = Diagnostic::error(
                        Code::MisplacedStatement,
                        "a declaration of a library stands with others like it",
                        declared.span,
                        "not after `use` or an action",
                    );
                    self.report(found.help("type it by itself"));
                }
            }
        }
    }

    fn statements(&mut self, file: FileId, text: &str) -> Block {
        let parsed = syntax::parse_statements(file, text);
        self.diagnostics.extend(parsed.diagnostics);
        self.here = Here::at(ModuleId(0));
        self.declarations(&parsed.stmts);
        let written = ast::Block { stmts: parsed.stmts, span: Span::new(file, 0, text.len()) };
        self.block(&written, BodyOf::Console)
    }

    /// An expression that stands alone shows its value; what has none, and a command, is done.
    pub(super) fn bare(&mut self, written: &ast::Expr) -> StmtKind {
        let mut value = self.any_expr(written);
        let done = value.ty == Type::Nothing || matches!(value.kind, ExprKind::Command(_));
        if done && conditions::set_want(&mut value, Want::Nothing) {
            return StmtKind::Eval(value);
        }
        if let Type::Conn(kind) = &value.ty {
            let found = Diagnostic::error(
                Code::TypeMismatch,
                "a connection has no value to show",
                value.span,
                format!("a {} connection", kind.name()),
            );
            self.report(found.help("call something on it; `:docs` says what there is"));
        }
        StmtKind::Show(value)
    }

    /// A write that stands in no step is one: nobody knows how it is undone.
    pub(super) fn standing(&self, kind: StmtKind, stmt: &ast::Stmt) -> StmtKind {
        let span = stmt.span;
        let block = Block { stmts: vec![Stmt { pos: 0, kind, span }], span };
        let own = flow::own(&self.program, &block);
        if own.writes.is_empty() || !own.holds.is_empty() {
            return block.stmts.into_iter().next().map_or(StmtKind::Parallel(Block::default()), |stmt| stmt.kind);
        }
        let source = name(self.sources.text(span));
        let text = |text: &str| literal(Value::str(text), Type::Str, span);
        let undo = Undo::Irreversible { why: Box::new(text(UNKNOWN)), span, ask: Ask::YesOrNo };
        StmtKind::Step(Box::new(Step {
            name: text(&source),
            source,
            readonly: false,
            when: None,
            timeout: None,
            retry: None,
            body: Body { block, undo },
            head: span,
        }))
    }
}

/// How many letters of a statement name its step.
const WIDTH: usize = 72;

/// A statement in one line.
fn name(text: &str) -> SmolStr {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => SmolStr::from_iter([line.get(..end).unwrap_or_default(), "…"]),
        None => SmolStr::new(line),
    }
}
