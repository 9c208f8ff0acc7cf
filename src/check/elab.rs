//! What elaboration carries with it: the program so far, what is wrong, and where it stands.
use std::sync::Arc;

use crate::diag::{Code, Diagnostic};
use crate::source::{Sources, Span};
use crate::syntax::ast;
use crate::value::{Nanos, SmolStr, Type, Value, show};

use super::Library;
use super::modules::{Module, ModuleId};
use super::program::{Effect, Expr, ExprKind, Lock, NameId, NameInfo, NameKind, Program};
use super::scope::Scopes;
use super::shell::Reads;

pub(super) struct Elab<'a> {
    pub sources: &'a mut Sources,
    pub library: &'a dyn Library,
    pub program: Program,
    pub diagnostics: Vec<Diagnostic>,
    pub modules: Vec<Module<'a>>,
    pub reads: Reads,
    /// Parameters whose `where` leaves only plain words.
    pub harmless: Vec<NameId>,
    pub scopes: Scopes,
    pub here: Here,
    /// Names that nobody has bound yet; a later binding in the same body makes them `maybe-unset`.
    pub unknown: Vec<(SmolStr, Diagnostic)>,
    /// Statements that could not be read, and blocks whose statement could not: what they would do nobody knows.
    pub unread: Vec<Span>,
    /// The most that the current body does.
    pub effect: Effect,
    /// The current body has something to undo.
    pub undoes: bool,
    /// The same of each action.
    pub action_undoes: Vec<bool>,
    /// Of the runbooks that are used.
    pub locks: Vec<Lock>,
    /// `rollback within` of the runbooks that are used: the call, how much, where it is said.
    pub budgets: Vec<(Span, Nanos, Span)>,
    /// `run`, the same in every body.
    pub run: NameId,
    /// Actions called in the current statement so far.
    pub calls: u32,
    /// At a console: the first name of the current input. Those before it may be bound anew.
    pub earlier: u32,
}

/// What an input of a console leaves to the next.
#[derive(Clone, Debug)]
pub(super) struct Lasting {
    pub program: Arc<Program>,
    pub(super) modules: Vec<Module<'static>>,
    pub(super) reads: Reads,
    harmless: Vec<NameId>,
    action_undoes: Vec<bool>,
    pub run: NameId,
}

/// Where elaboration stands.
#[derive(Clone, Debug)]
pub(super) struct Here {
    pub module: ModuleId,
    pub zone: Zone,
    pub stance: Stance,
    pub readonly: bool,
    /// An own write of this step, action or block stands above.
    pub wrote: bool,
    /// Variables that enclosing `with env` set, and whether they are secret.
    pub env: Vec<(SmolStr, bool)>,
    /// Names that a condition around has shown not to be null.
    pub known: Vec<NameId>,
    /// The connection of the enclosing `transaction`.
    pub transaction: Option<NameId>,
    /// In the value of a `secret`.
    pub secret: bool,
    /// In the body of a step or an action.
    pub in_body: bool,
    /// And that body has an undo.
    pub undone: bool,
}

impl Here {
    pub(super) fn at(module: ModuleId) -> Here {
        Here {
            module,
            zone: Zone::Forward,
            stance: Stance::Plain,
            readonly: false,
            wrote: false,
            env: Vec::new(),
            known: Vec::new(),
            transaction: None,
            secret: false,
            in_body: false,
            undone: false,
        }
    }
}

/// Which statements make sense is decided by what runs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Forward,
    Rollback,
    Finally,
    Handler,
    Watch,
    Transaction,
}

/// What the place of an expression makes of a command nobody knows (G1, G2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stance {
    /// A write.
    Plain,
    /// The author's word that it reads: above the first write, in a condition, a secret, or after `readonly`.
    Reads,
}

impl<'a> Elab<'a> {
    pub(super) fn new(sources: &'a mut Sources, library: &'a dyn Library) -> Elab<'a> {
        let mut elab = Elab::empty(sources, library);
        elab.program.reads = library.reads().to_vec();
        library.reads().iter().for_each(|line| elab.reads.add(line.clone()));
        let run = Type::Record(vec![(SmolStr::new("id"), Type::Str)]);
        elab.run = elab.new_name("run", Span::default(), run, NameKind::Given);
        elab
    }

    fn empty(sources: &'a mut Sources, library: &'a dyn Library) -> Elab<'a> {
        Elab {
            sources,
            library,
            program: Program::default(),
            diagnostics: Vec::new(),
            modules: Vec::new(),
            reads: Reads::default(),
            harmless: Vec::new(),
            scopes: Scopes::default(),
            here: Here::at(ModuleId(0)),
            unknown: Vec::new(),
            unread: Vec::new(),
            effect: Effect::Pure,
            undoes: false,
            action_undoes: Vec::new(),
            locks: Vec::new(),
            budgets: Vec::new(),
            calls: 0,
            earlier: 0,
            run: NameId(0),
        }
    }

    /// It goes on behind an earlier input.
    pub(super) fn behind(lasting: &Lasting, sources: &'a mut Sources, library: &'a dyn Library) -> Elab<'a> {
        let Lasting { program, modules, reads, harmless, action_undoes, run } = lasting.clone();
        let program = Program::clone(&program);
        Elab { program, modules, reads, harmless, action_undoes, run, ..Elab::empty(sources, library) }
    }

    /// For the next input; and what was found.
    pub(super) fn lasting(self) -> (Lasting, Vec<Diagnostic>) {
        let Elab { program, modules, reads, harmless, action_undoes, run, diagnostics, .. } = self;
        let modules = modules.into_iter().map(Module::kept).collect();
        let program = Arc::new(program);
        (Lasting { program, modules, reads, harmless, action_undoes, run }, diagnostics)
    }

    pub(super) fn report(&mut self, found: Diagnostic) {
        self.diagnostics.push(found);
    }

    /// With "did you mean" and its fix, when there is something near.
    pub(super) fn suggest(&self, found: Diagnostic, span: Span, near: Option<&str>) -> Diagnostic {
        match near {
            Some(near) => found
                .help(format!("did you mean `{near}`?"))
                .fix(format!("write `{near}`"), vec![(span, near.to_owned())]),
            None => found,
        }
    }

    pub(super) fn new_name(&mut self, text: &str, span: Span, ty: Type, kind: NameKind) -> NameId {
        let id = NameId(u32::try_from(self.program.names.len()).unwrap_or(u32::MAX));
        self.program.names.push(Arc::new(NameInfo { text: SmolStr::new(text), span, ty, kind }));
        id
    }

    pub(super) fn name_info(&self, id: NameId) -> Option<&NameInfo> {
        self.program.names.get(id.0 as usize).map(|info| &**info)
    }

    pub(super) fn type_of_name(&self, id: NameId) -> Type {
        self.name_info(id).map_or(Type::Unknown, |info| info.ty.clone())
    }

    /// Bind a name in the current scope; a second binding of one that can be seen is reported.
    pub(super) fn bind(&mut self, name: &ast::Name, ty: Type, kind: NameKind) -> NameId {
        let id = self.new_name(&name.text, name.span, ty, kind);
        self.bind_to(name, id);
        id
    }

    fn bind_to(&mut self, name: &ast::Name, id: NameId) {
        let mine = |id: &NameId| id.0 >= self.earlier || *id == self.run;
        if let Some(before) = self.scopes.visible(&name.text).filter(mine) {
            let first = self.name_info(before).map_or(name.span, |info| info.span);
            let given = self.name_info(before).is_some_and(|info| info.kind == NameKind::Given);
            let found = Diagnostic::error(
                Code::DuplicateName,
                format!("`{}` is bound twice", name.text),
                name.span,
                "bound again here",
            );
            let found = if given { found } else { found.label(first, "first bound here") };
            let help = if given {
                format!("`{}` is given by rbk: choose another name", name.text)
            } else {
                "a name is bound once and never changes: choose another name".to_owned()
            };
            self.report(found.help(help));
        }
        self.scopes.bind(name.text.clone(), id);
    }

    /// A string literal as written between its quotes, `#{…}` included; in one line.
    pub(super) fn written(&self, text: &ast::Str) -> SmolStr {
        let parts = text.parts.iter().map(|part| match part {
            ast::Part::Text { text, .. } => text.as_str(),
            ast::Part::Hole { span, .. } => self.sources.text(*span),
        });
        SmolStr::new(show::in_one_line(&parts.collect::<String>()))
    }

    pub(super) fn duplicate_key(&mut self, key: &ast::Name) {
        self.report(
            Diagnostic::error(
                Code::DuplicateKey,
                format!("the key `{}` stands twice in one record", key.text),
                key.span,
                "again here",
            )
            .help("keep one of the two"),
        );
    }

    /// Elaborate something that is decided before the first action: it may read nothing outside.
    pub(super) fn pure(&mut self, what: &str, elaborate: impl FnOnce(&mut Self) -> Expr) -> Expr {
        let before = std::mem::take(&mut self.effect);
        let value = elaborate(self);
        if self.effect != Effect::Pure {
            let found = Diagnostic::error(
                Code::MisplacedStatement,
                format!("{what} is decided before anything is read"),
                value.span,
                "reads the outside",
            );
            self.report(found.help("use literals, parameters and what is computed from them; read the rest in a step"));
        }
        self.effect = before;
        value
    }

    /// What every unknown name of a finished body is: never bound, or bound too late.
    pub(super) fn settle_unknown(&mut self) {
        for (name, found) in std::mem::take(&mut self.unknown) {
            let Some(id) = self.scopes.ever(&name) else {
                let again = |d: &Diagnostic| d.code == Code::UnknownName && d.message == found.message;
                if found.help.is_some() || !self.diagnostics.iter().any(again) {
                    self.report(found);
                }
                continue;
            };
            let Some(info) = self.name_info(id) else { continue };
            let help = if info.kind == NameKind::Param {
                "the secrets, connections and locks of a used runbook, and defaults, are there before its parameters"
            } else {
                "set it above the first place that reads it"
            };
            let late = Diagnostic::error(
                Code::MaybeUnset,
                format!("`{name}` is read before it is set"),
                found.span(),
                "read here",
            )
            .label(info.span, "set only here")
            .help(help);
            self.report(late);
        }
    }
}

/// Stands for what was wrong and has been reported.
pub(super) fn wrong(span: Span) -> Expr {
    Expr { kind: ExprKind::Value(Value::Null), ty: Type::Unknown, span }
}

/// A literal.
pub(super) fn literal(value: Value, ty: Type, span: Span) -> Expr {
    Expr { kind: ExprKind::Value(value), ty, span }
}
