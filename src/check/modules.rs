//! Files and what they declare: `use`, the names and actions of a library, cycles.
use std::ops::Deref;
use std::rc::Rc;

use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::{FileId, Span};
use crate::syntax::{self, ast};
use crate::value::SmolStr;

use super::elab::{Elab, Here, Stance};
use super::program::{ActionId, ContextId, Effect, Global, NameId, NameKind, Shell};
use super::scope::Scopes;
use super::stdlib;

/// Index into [`Elab::modules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ModuleId(pub usize);

#[derive(Clone, Debug)]
pub(super) struct Module<'a> {
    /// The shown name of the file.
    pub name: String,
    pub tree: Tree<'a>,
    /// Its own lets, secrets and connections so far.
    pub values: Vec<(SmolStr, NameId)>,
    pub aliases: Vec<Alias>,
    pub actions: Vec<Declared<ActionId>>,
    pub contexts: Vec<Declared<ContextId>>,
    pub book: Option<Declared<ActionId>>,
    pub shell: Shell,
}

#[derive(Clone, Debug)]
pub(super) struct Alias {
    pub name: SmolStr,
    pub span: Span,
    /// Absent when it could not be read: what is asked of it is not reported again.
    pub module: Option<ModuleId>,
}

/// Something that is elaborated when it is first needed.
#[derive(Clone, Debug)]
pub(super) struct Declared<T> {
    pub name: ast::Name,
    pub item: usize,
    pub state: State<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State<T> {
    Fresh,
    Running,
    Done(T),
}

impl<T: Copy> State<T> {
    /// Begin it.
    ///
    /// # Errors
    /// It was begun already: what has come of it, nothing while it is under way.
    pub(super) fn begin(&mut self) -> Result<(), Option<T>> {
        match self {
            State::Fresh => {
                *self = State::Running;
                Ok(())
            }
            State::Running => Err(None),
            State::Done(done) => Err(Some(*done)),
        }
    }
}

/// The tree of a file: the caller's, or one that was read here.
#[derive(Clone, Debug)]
pub(super) enum Tree<'a> {
    Given(&'a ast::Ast),
    Read(Rc<ast::Ast>),
}

impl Module<'_> {
    /// With a tree of its own.
    pub(super) fn kept(self) -> Module<'static> {
        let Module { name, tree, values, aliases, actions, contexts, book, shell } = self;
        let tree = match tree {
            Tree::Given(tree) => Tree::Read(Rc::new(tree.clone())),
            Tree::Read(tree) => Tree::Read(tree),
        };
        Module { name, tree, values, aliases, actions, contexts, book, shell }
    }
}

impl Deref for Tree<'_> {
    type Target = ast::Ast;

    fn deref(&self) -> &ast::Ast {
        match self {
            Tree::Given(tree) => tree,
            Tree::Read(tree) => tree,
        }
    }
}

impl<'a> Elab<'a> {
    pub(super) fn module(&self, id: ModuleId) -> Option<&Module<'a>> {
        self.modules.get(id.0)
    }

    pub(super) fn alias(&self, name: &str) -> Option<Alias> {
        self.module(self.here.module)?.aliases.iter().find(|a| a.name == name).cloned()
    }

    /// What the libraries of the current file are called in it.
    pub(super) fn aliases(&self) -> Vec<SmolStr> {
        self.module(self.here.module).map(|m| m.aliases.iter().map(|a| a.name.clone()).collect()).unwrap_or_default()
    }

    /// Whether the current file uses something that could not be found.
    pub(super) fn lost_alias(&self) -> bool {
        self.module(self.here.module).is_some_and(|m| m.aliases.iter().any(|a| a.module.is_none()))
    }

    /// Elaborate a file: what it uses, then its values, then (for one that a person wrote) its actions.
    /// Its runbook is left to the caller.
    pub(super) fn load(&mut self, tree: Tree<'a>, file: FileId, using: &mut Vec<String>) -> ModuleId {
        let id = ModuleId(self.modules.len());
        let name = self.sources.name(file).to_owned();
        let embedded =
            name.starts_with("<std>/") || self.sources.get(file).is_some_and(|read| stdlib::declares(&read.text));
        self.modules.push(Module {
            name: name.clone(),
            tree: tree.clone(),
            values: vec![(SmolStr::new("run"), self.run)],
            aliases: Vec::new(),
            actions: Vec::new(),
            contexts: Vec::new(),
            book: None,
            shell: Shell::Bash,
        });
        using.push(name);
        self.declare(id, &tree, embedded);
        for item in &tree.items {
            if let ast::ItemKind::Use(used) = &item.kind {
                self.use_module(id, used, using);
            }
        }
        self.module_values(id, &tree);
        using.pop();
        if !embedded {
            self.everything_in(id);
        }
        id
    }

    /// Names of actions and contexts, so that they can be called from above their declaration.
    fn declare(&mut self, id: ModuleId, tree: &Tree<'a>, embedded: bool) {
        let mut seen: Vec<ast::Name> = Vec::new();
        let mut shell = Shell::Bash;
        let (mut actions, mut contexts, mut book) = (Vec::new(), Vec::new(), None);
        for (item, declared) in tree.items.iter().enumerate() {
            match &declared.kind {
                ast::ItemKind::Action(action) => {
                    self.callable(&action.name, &mut seen);
                    actions.push(Declared { name: action.name.clone(), item, state: State::Fresh });
                }
                ast::ItemKind::Context(context) => {
                    self.callable(&context.name, &mut seen);
                    contexts.push(Declared { name: context.name.clone(), item, state: State::Fresh });
                }
                ast::ItemKind::Extern(action) if !embedded => {
                    self.report(
                        Diagnostic::error(
                            Code::MisplacedStatement,
                            format!("`extern action {}` stands outside the embedded library", action.name.text),
                            action.name.span,
                            "declared here",
                        )
                        .help("write an `action` with a body, around `$` or what the library has"),
                    );
                }
                ast::ItemKind::Runbook(runbook) if book.is_some() => {
                    self.report(
                        Diagnostic::error(
                            Code::MisplacedStatement,
                            "a file has one runbook",
                            runbook.title.span,
                            "a second one",
                        )
                        .help("put it into a file of its own; `use` makes it an action"),
                    );
                }
                ast::ItemKind::Runbook(runbook) => {
                    let name = ast::Name { text: self.written(&runbook.title), span: runbook.title.span };
                    book = Some(Declared { name, item, state: State::Fresh });
                    shell = self.shell_of(&runbook.body);
                }
                ast::ItemKind::Extern(_)
                | ast::ItemKind::Use(_)
                | ast::ItemKind::Let(_)
                | ast::ItemKind::Secret(_)
                | ast::ItemKind::Connect(_)
                | ast::ItemKind::Reads(_) => {}
            }
        }
        if let Some(module) = self.modules.get_mut(id.0) {
            module.actions = actions;
            module.contexts = contexts;
            module.book = book;
            module.shell = shell;
        }
    }

    fn callable(&mut self, name: &ast::Name, seen: &mut Vec<ast::Name>) {
        if let Some(first) = seen.iter().find(|n| n.text == name.text) {
            let found = Diagnostic::error(
                Code::DuplicateName,
                format!("`{}` is declared twice", name.text),
                name.span,
                "declared again here",
            )
            .label(first.span, "first declared here")
            .help("actions and contexts of a file need different names");
            self.report(found);
        } else {
            seen.push(name.clone());
        }
    }

    pub(super) fn use_module(&mut self, id: ModuleId, used: &ast::Use, using: &mut Vec<String>) {
        let path = self.written(&used.path);
        let module = self.find_module(id, used, &path, using);
        let alias = used.alias.clone().unwrap_or_else(|| ast::Name { text: alias(&path), span: used.path.span });
        let Some(user) = self.modules.get_mut(id.0) else { return };
        let first = user.aliases.iter().find(|a| a.name == alias.text).map(|a| a.span);
        user.aliases.push(Alias { name: alias.text.clone(), span: alias.span, module });
        if let Some(first) = first {
            self.report(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("two libraries are called `{}`", alias.text),
                    alias.span,
                    "used again here",
                )
                .label(first, "first used here")
                .help("give one another name: `use \"…\" as other`"),
            );
        }
    }

    fn find_module(&mut self, id: ModuleId, used: &ast::Use, path: &str, using: &mut Vec<String>) -> Option<ModuleId> {
        let span = used.path.span;
        let read = match self.library.standard(path) {
            Some(found) => Ok(found),
            None if path.starts_with("std/") => {
                let short = path.trim_start_matches("std/");
                let near = did_you_mean(short, stdlib::LIBRARIES.iter().map(|(n, _)| *n));
                let all: Vec<&str> = stdlib::LIBRARIES.iter().map(|(n, _)| *n).collect();
                let found = Diagnostic::error(
                    Code::UnknownModule,
                    format!("there is no library `{path}`"),
                    span,
                    "not in the standard library",
                );
                let found = match near {
                    Some(near) => suggest_library(found, span, near),
                    None => found.help(format!("the standard library has {}", list(&all))),
                };
                self.report(found);
                return None;
            }
            None => {
                let from = self.module(id).map(|m| m.name.clone()).unwrap_or_default();
                self.library.read(&from, path)
            }
        };
        let (name, text) = match read {
            Ok(read) => read,
            Err(why) => {
                let message = format!("`{path}` cannot be read: {why}");
                let found = Diagnostic::error(Code::UnknownModule, message, span, "used here");
                self.report(match standard(path) {
                    Some(near) => suggest_library(found, span, near),
                    None => found.help("a path starts at this file: `use \"./inventory.rbk\"`; the library is `std/…`"),
                });
                return None;
            }
        };
        if using.contains(&name) {
            self.report(
                Diagnostic::error(Code::Recursion, format!("`{name}` uses itself"), span, "used again here")
                    .help("move what both need into a third file"),
            );
            return None;
        }
        if let Some(known) = self.modules.iter().position(|m| m.name == name) {
            return Some(ModuleId(known));
        }
        let file = self.sources.add(name, text.as_str());
        let parsed = syntax::parse(file, &text);
        self.diagnostics.extend(parsed.diagnostics);
        Some(self.load(Tree::Read(Rc::new(parsed.ast)), file, using))
    }

    /// `let`, `secret`, `connect`, `reads` of a file, in the order written.
    pub(super) fn module_values(&mut self, id: ModuleId, tree: &Tree<'a>) {
        self.enter_module(id);
        for item in &tree.items {
            match &item.kind {
                ast::ItemKind::Let(written) => self.global_let(id, written),
                ast::ItemKind::Secret(written) => {
                    let global = self.secret(written);
                    self.global(id, &written.name, global);
                }
                ast::ItemKind::Connect(written) => {
                    let global = self.connect(written);
                    self.global(id, &written.name, global);
                }
                ast::ItemKind::Reads(patterns) => self.declare_reads(patterns),
                ast::ItemKind::Use(_)
                | ast::ItemKind::Runbook(_)
                | ast::ItemKind::Action(_)
                | ast::ItemKind::Extern(_)
                | ast::ItemKind::Context(_) => {}
            }
        }
        self.settle_unknown();
    }

    /// Stand at the top level of a file.
    pub(super) fn enter_module(&mut self, id: ModuleId) {
        let values = self.module(id).map(|m| m.values.clone()).unwrap_or_default();
        self.scopes = Scopes::with(values);
        self.here = Here::at(id);
    }

    fn global_let(&mut self, id: ModuleId, written: &ast::Let) {
        self.effect = Effect::Pure;
        self.here.stance = Stance::Reads;
        let value = self.data(&written.value, "a name's value");
        if let Some(fallback) = &written.fallback {
            let found = Diagnostic::error(
                Code::MisplacedStatement,
                format!("`{}` of a library has a fallback", written.name.text),
                fallback.span,
                "nothing can fail here",
            );
            self.report(found.help("a library's `let` is pure: write the value alone"));
        }
        self.here.stance = Stance::Plain;
        if self.effect != Effect::Pure {
            self.report(
                Diagnostic::error(
                    Code::MisplacedStatement,
                    format!("`{}` of a library reads the outside", written.name.text),
                    value.span,
                    "not a plain value",
                )
                .help("a library's `let` is pure: read it in an action, or in the runbook"),
            );
        }
        let ty = value.ty.clone();
        let name = self.bind(&written.name, ty, NameKind::Let);
        self.global(id, &written.name, Global::Let { name, value });
    }

    fn global(&mut self, id: ModuleId, written: &ast::Name, global: Global) {
        let name = match &global {
            Global::Let { name, .. } | Global::Secret { name, .. } | Global::Connect { name, .. } => *name,
        };
        if let Some(module) = self.modules.get_mut(id.0) {
            module.values.push((written.text.clone(), name));
        }
        self.program.globals.push(global);
    }

    /// Every action and context of a file, called or not.
    pub(super) fn everything_in(&mut self, id: ModuleId) {
        let (actions, contexts) = self.module(id).map_or((0, 0), |m| (m.actions.len(), m.contexts.len()));
        for index in 0..contexts {
            self.context_at(id, index);
        }
        for index in 0..actions {
            self.action_at(id, index);
        }
    }
}

/// What a library is called by whoever uses it.
pub(super) fn alias(path: &str) -> SmolStr {
    let last = path.rsplit('/').next().unwrap_or(path);
    SmolStr::new(last.strip_suffix(".rbk").unwrap_or(last).replace(['-', '.'], "_"))
}

/// `a`, `b` and `c`, in backticks.
pub(super) fn list<S: AsRef<str>>(names: &[S]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("`{}`", one.as_ref()),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|n| format!("`{}`", n.as_ref())).collect();
            format!("{} and `{}`", first.join(", "), last.as_ref())
        }
    }
}

/// The standard library that a path outside it means: `nginx`, `stdlib/ngnix`.
fn standard(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().filter(|_| !path.starts_with('.'))?;
    let mut all = stdlib::LIBRARIES.iter().map(|(name, _)| *name);
    all.clone().find(|known| *known == name).or_else(|| did_you_mean(name, &mut all))
}

fn suggest_library(found: Diagnostic, span: Span, near: &str) -> Diagnostic {
    found
        .help(format!("did you mean `std/{near}`?"))
        .fix(format!("use `std/{near}`"), vec![(span, format!("\"std/{near}\""))])
}
