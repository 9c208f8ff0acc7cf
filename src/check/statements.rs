//! Statements, one by one; guards that stand together become one.
use crate::syntax::ast;
use crate::value::Type;

use super::elab::{Elab, Stance, Zone};
use super::modules::list;
use super::program::{
    Block, ChoiceOption, Expr, ExprKind, Guard, NameId, NameKind, Question, Stmt, StmtKind, Tolerate, Want,
};
use super::steps::{BodyOf, is_undo};
use super::{captures, conditions, places, swallowed, types, walk};
use crate::diag::{Code, Diagnostic};

impl Elab<'_> {
    pub(super) fn block(&mut self, written: &ast::Block, of: BodyOf) -> Block {
        let mut stmts: Vec<Stmt> = Vec::with_capacity(written.stmts.len());
        let mut after_guard = false;
        let known = self.here.known.clone();
        let around = self.calls;
        self.same_names(written);
        for (pos, stmt) in (0u32..).zip(&written.stmts) {
            let last = pos as usize + 1 == written.stmts.len();
            if let Some(refused) = places::refused(stmt, self.here.zone, of, last) {
                self.report(refused);
                self.bad_names(stmt);
                after_guard = false;
                continue;
            }
            if is_undo(&stmt.kind) {
                after_guard = false;
                continue;
            }
            let is_guard = matches!(stmt.kind, ast::StmtKind::Guard(_));
            if let ast::StmtKind::Guard(guard) = &stmt.kind
                && after_guard
                && let Some(Stmt { kind: StmtKind::Guards(group), span, .. }) = stmts.last_mut()
            {
                *span = span.to(stmt.span);
                let mut taken = std::mem::take(group);
                taken.push(self.guard(guard, stmt));
                if let Some(Stmt { kind: StmtKind::Guards(group), .. }) = stmts.last_mut() {
                    *group = taken;
                }
                continue;
            }
            after_guard = is_guard;
            self.calls = 0;
            let kind = match &stmt.kind {
                ast::StmtKind::Expr(value) if of == BodyOf::Console => Some(self.bare(value)),
                _ => self.stmt(stmt),
            };
            let kind = if of == BodyOf::Console { kind.map(|kind| self.standing(kind, stmt)) } else { kind };
            if let Some(mut kind) = kind {
                alone(&mut kind);
                stmts.push(Stmt { pos, kind, span: stmt.span });
            }
        }
        self.here.known = known;
        self.calls = around;
        Block { stmts, span: written.span }
    }

    /// What a statement that did not parse, or does not belong here, would have bound: known from here on, so that
    /// its readers are not reported as well.
    pub(super) fn bad_names(&mut self, stmt: &ast::Stmt) {
        let text = self.sources.text(stmt.span).to_owned();
        let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
        while let Some(word) = words.next() {
            if !matches!(word, "let" | "secret" | "param" | "connect" | "for") {
                continue;
            }
            let name = match words.next() {
                Some("short") => words.next(),
                name => name,
            };
            if let Some(name) = name
                && self.scopes.visible(name).is_none()
            {
                let id = self.new_name(name, stmt.span, Type::Unknown, NameKind::Let);
                self.scopes.bind(name.into(), id);
            }
        }
    }

    fn guard(&mut self, guard: &ast::Guard, stmt: &ast::Stmt) -> Guard {
        let label = self.text(&guard.label);
        let tolerate = self.tolerate(guard.tolerate.as_ref());
        let cond = self.condition(&guard.cond);
        // What stands below is reached only when it holds.
        if tolerate.is_none() && self.here.zone != Zone::Watch {
            self.here.known.extend(conditions::not_null(&cond, true));
        }
        Guard { label, tolerate, cond, span: stmt.span }
    }

    fn tolerate(&mut self, tolerate: Option<&ast::Tolerate>) -> Option<Tolerate> {
        let tolerate = tolerate?;
        let times = self.expect(&tolerate.times, &Type::Int, "how many may fail");
        Some(Tolerate { times: Box::new(times), consecutive: tolerate.consecutive })
    }

    fn stmt(&mut self, stmt: &ast::Stmt) -> Option<StmtKind> {
        use ast::StmtKind as S;
        Some(match &stmt.kind {
            S::Step(step) => StmtKind::Step(Box::new(self.step(step))),
            S::Let(written) => self.let_(written),
            S::Ask { name, question, ty } => {
                let question = Box::new(self.question(question));
                let ty = ty.as_ref().map_or(Type::Str, |ty| self.given_type(ty, "an answer"));
                let name = self.bind(name, ty.clone(), NameKind::Answer);
                StmtKind::Ask { name, question, ty }
            }
            S::ChooseFrom { name, question, from } => {
                let question = Box::new(self.question(question));
                let (from, ty) = self.elements(from, "what to choose from");
                self.no_secret(&from, "what to choose from");
                let name = self.bind(name, ty, NameKind::Answer);
                StmtKind::ChooseFrom { name, question, from: Box::new(from) }
            }
            S::DoneWhen(cond) => StmtKind::DoneWhen(self.condition(cond)),
            S::Guard(guard) => StmtKind::Guards(vec![self.guard(guard, stmt)]),
            S::Warn(guard) => {
                let known = self.here.known.clone();
                let warn = self.guard(guard, stmt);
                self.here.known = known;
                StmtKind::Warn(Box::new(warn))
            }
            S::Invariant { label, every, tolerate, cond } => StmtKind::Invariant {
                label: Box::new(self.text(label)),
                every: Box::new(self.duration(every, "the time between two samples")),
                tolerate: self.tolerate(tolerate.as_ref()),
                cond: Box::new(self.condition(cond)),
            },
            S::Wait(time) => StmtKind::Wait(self.duration(time, "a wait")),
            S::WaitUntil { limit, every, until, unless } => {
                if unless.is_none() {
                    swallowed::unless(self.sources, until.span).into_iter().for_each(|found| self.report(found));
                }
                StmtKind::WaitUntil {
                    limit: Box::new(self.duration(limit, "a wait")),
                    every: every.as_ref().map(|d| Box::new(self.duration(d, "the time between two looks"))),
                    until: Box::new(self.condition(until)),
                    unless: unless.as_ref().map(|c| Box::new(self.condition(c))),
                }
            }
            S::Watch { label, window, every, tolerate, body } => StmtKind::Watch {
                label: Box::new(self.text(label)),
                window: Box::new(self.duration(window, "the window")),
                every: Box::new(self.duration(every, "the time between two samples")),
                tolerate: self.tolerate(tolerate.as_ref()),
                body: self.zone(Zone::Watch, body),
            },
            S::If { cond, then, otherwise } => self.if_(cond, then, otherwise.as_ref()),
            S::For { name, list, parallel, body } => self.for_(name, list, parallel.as_deref(), body),
            S::Parallel(body) => StmtKind::Parallel(self.parallel(body)),
            S::Transaction { on, body } => self.transaction(on, body),
            S::With { contexts, body } => {
                if contexts.is_empty() {
                    self.unread.push(stmt.span);
                }
                self.with(contexts, body)
            }
            S::Confirm { question, within } => StmtKind::Confirm {
                question: Box::new(self.question(question)),
                within: within.as_ref().map(|d| Box::new(self.duration(d, "the time to answer"))),
            },
            S::Choose { question, options } => self.choose(question, options),
            S::Try { body, otherwise } => self.try_(body, otherwise),
            S::Commit(why) => StmtKind::Commit(self.text(why)),
            S::Finally(body) => {
                self.undoes = true;
                StmtKind::Finally(self.zone(Zone::Finally, body))
            }
            S::Fail(message) => StmtKind::Fail(self.shown(message, "the message")),
            S::Log(message) => StmtKind::Log(self.shown(message, "what is logged")),
            S::Note { key, value } => StmtKind::Note {
                key: Box::new(self.label(key, "a note's key")),
                value: Box::new(self.data(value, "a note")),
            },
            S::Return(value) => StmtKind::Return(self.data(value, "a result")),
            S::Expr(value) => StmtKind::Eval(self.effect_only(value)),
            S::Bad => {
                self.unread.push(stmt.span);
                self.bad_names(stmt);
                return None;
            }
            // Taken out before, or refused where they do not belong.
            S::Header(_)
            | S::Param(_)
            | S::Secret(_)
            | S::Connect(_)
            | S::Reads(_)
            | S::OnSuccess(_)
            | S::OnFailure(_)
            | S::Rollback { .. }
            | S::RollbackNone(_)
            | S::RollbackManual(_)
            | S::Irreversible(_) => return None,
        })
    }

    fn let_(&mut self, written: &ast::Let) -> StmtKind {
        let stance = self.here.stance;
        let capture = !self.here.wrote && self.here.zone == Zone::Forward && self.here.in_body;
        if capture || self.here.zone == Zone::Watch {
            self.here.stance = Stance::Reads;
        }
        let value = self.data(&written.value, "a name's value");
        self.here.stance = stance;
        if capture && self.here.undone {
            captures::unsure(&written.value, &value).into_iter().for_each(|found| self.report(found));
        }
        let fallback = written.fallback.as_ref().map(|f| self.data(f, "a name's value"));
        let ty = match &fallback {
            None => value.ty.clone(),
            Some(other) => types::join(&value.ty, &other.ty).unwrap_or_else(|| {
                self.mismatch(other, &value.ty, "the fallback");
                Type::Unknown
            }),
        };
        let name = self.bind(&written.name, ty, NameKind::Let);
        StmtKind::Let { name, value, fallback: fallback.map(Box::new) }
    }

    /// A call or a command for what it does; a plain value does nothing.
    fn effect_only(&mut self, value: &ast::Expr) -> Expr {
        let mut value = self.any_expr(value);
        if !conditions::set_want(&mut value, Want::Nothing) && value.ty != Type::Unknown {
            let found = Diagnostic::error(
                Code::MisplacedStatement,
                "this value goes nowhere",
                value.span,
                "computed, then lost",
            );
            self.report(found.help("give it a name with `let`, show it with `log`, or test it with `guard`"));
        }
        value
    }

    fn if_(&mut self, cond: &ast::Expr, then: &ast::Block, otherwise: Option<&ast::Otherwise>) -> StmtKind {
        let cond = self.condition(cond);
        let known = self.here.known.clone();
        self.here.known.extend(conditions::not_null(&cond, true));
        let then = self.scoped(then);
        self.here.known.clone_from(&known);
        self.here.known.extend(conditions::not_null(&cond, false));
        let otherwise = otherwise.map(|o| match o {
            ast::Otherwise::Block(block) => self.scoped(block),
            ast::Otherwise::If(stmt) => {
                self.scopes.enter();
                let around = std::mem::take(&mut self.calls);
                let kind = self.stmt(stmt);
                self.calls = around;
                self.scopes.leave();
                let stmts = kind.map(|kind| Stmt { pos: 0, kind, span: stmt.span }).into_iter().collect();
                Block { stmts, span: stmt.span }
            }
        });
        self.here.known = known;
        if then.stmts.last().is_some_and(|s| matches!(s.kind, StmtKind::Fail(_))) {
            self.here.known.extend(conditions::not_null(&cond, false));
        }
        StmtKind::If { cond: Box::new(cond), then, otherwise }
    }

    /// A block inside the current body, as a scope of its own.
    fn scoped(&mut self, body: &ast::Block) -> Block {
        self.scopes.enter();
        let block = self.block(body, BodyOf::Inner);
        self.scopes.leave();
        block
    }

    fn for_(
        &mut self,
        name: &ast::Name,
        list: &ast::Expr,
        parallel: Option<&ast::Expr>,
        body: &ast::Block,
    ) -> StmtKind {
        let (list, ty) = self.elements(list, "a loop's list");
        self.no_secret(&list, "a loop's list");
        let parallel = parallel.map(|n| self.expect(n, &Type::Int, "how many at once"));
        self.scopes.enter();
        let name = self.bind(name, ty, NameKind::Loop);
        let body = self.block(body, BodyOf::Inner);
        self.scopes.leave();
        StmtKind::For { name, list: Box::new(list), parallel: parallel.map(Box::new), body }
    }

    /// What one binds in a parallel block is invisible to the others.
    fn parallel(&mut self, body: &ast::Block) -> Block {
        self.same_names(body);
        let mut stmts = Vec::with_capacity(body.stmts.len());
        let wrote = self.here.wrote;
        let mut any = wrote;
        for (pos, stmt) in (0u32..).zip(&body.stmts) {
            self.here.wrote = wrote;
            if let ast::StmtKind::Invariant { .. } = &stmt.kind {
                let at = walk::opening(stmt.span, u32::try_from("invariant".len()).unwrap_or(9));
                let message = "an invariant has no block to watch here";
                let found =
                    Diagnostic::error(Code::MisplacedStatement, message, at, "ends at once: nothing is below it");
                self.report(
                    found.help(
                        "put it above the `parallel`, in a block with it: it is then watched as long as that runs",
                    ),
                );
                continue;
            }
            let one = ast::Block { stmts: vec![stmt.clone()], span: stmt.span };
            let block = self.scoped(&one);
            stmts.extend(block.stmts.into_iter().map(|s| Stmt { pos, ..s }));
            any |= self.here.wrote;
        }
        self.here.wrote = any;
        Block { stmts, span: body.span }
    }

    fn choose(&mut self, question: &ast::Str, options: &[ast::ChoiceOption]) -> StmtKind {
        let question = Box::new(self.question(question));
        let mut seen: Vec<&ast::ChoiceOption> = Vec::new();
        let mut made = Vec::with_capacity(options.len());
        for option in options {
            let source = self.written(&option.label);
            if let Some(first) = seen.iter().find(|o| self.written(&o.label) == source) {
                let found = Diagnostic::error(
                    Code::DuplicateName,
                    format!("two options are called \"{source}\""),
                    option.label.span,
                    "again here",
                )
                .label(first.label.span, "the first one")
                .help("an answer names an option: give them different labels");
                self.report(found);
            }
            seen.push(option);
            let label = self.label(&option.label, "an option's label");
            made.push(ChoiceOption { label, source, body: self.scoped(&option.body) });
        }
        StmtKind::Choose { question, options: made }
    }

    fn try_(&mut self, body: &ast::Block, otherwise: &ast::Block) -> StmtKind {
        let body = self.scoped(body);
        self.scopes.enter();
        let failure = self.failure(otherwise.span);
        let otherwise = self.block(otherwise, BodyOf::Inner);
        self.scopes.leave();
        StmtKind::Try { body, otherwise, failure }
    }

    /// `failure`, bound in the current scope.
    pub(super) fn failure(&mut self, span: crate::source::Span) -> NameId {
        let fields = ["step", "path", "message", "kind"].map(|f| (f.into(), Type::Str));
        let id = self.new_name("failure", span, Type::Record(fields.into()), NameKind::Given);
        self.scopes.bind("failure".into(), id);
        id
    }

    fn transaction(&mut self, on: &ast::Expr, body: &ast::Block) -> StmtKind {
        let on = self.expect(on, &Type::Conn(crate::value::ConnKind::Postgres), "a transaction");
        let before = self.here.clone();
        self.here.transaction = if let ExprKind::Name(id) = on.kind { Some(id) } else { None };
        self.here.zone = Zone::Transaction;
        let body = self.block(body, BodyOf::Inner);
        self.here = super::elab::Here { wrote: self.here.wrote, ..before };
        StmtKind::Transaction { on: Box::new(on), body }
    }

    fn question(&mut self, text: &ast::Str) -> Question {
        Question { text: self.label(text, "a question"), source: self.written(text) }
    }

    /// Two steps of one block whose names are written alike (E9).
    fn same_names(&mut self, block: &ast::Block) {
        let steps = block.stmts.iter().filter_map(|s| match &s.kind {
            ast::StmtKind::Step(step) => Some(step),
            _ => None,
        });
        let mut seen: Vec<(crate::value::SmolStr, &ast::Step)> = Vec::new();
        for step in steps {
            let source = self.written(&step.name);
            if let Some((_, first)) = seen.iter().find(|(s, _)| *s == source) {
                let found = Diagnostic::error(
                    Code::DuplicateStep,
                    format!("two steps of one block are called \"{source}\""),
                    step.name.span,
                    "again here",
                )
                .label(first.name.span, "the first one")
                .help("a step is known by its name: give them different ones");
                self.report(found);
            } else {
                seen.push((source, step));
            }
        }
    }

    /// A list and the type of its elements.
    fn elements(&mut self, written: &ast::Expr, what: &str) -> (Expr, Type) {
        let value = self.expr(written);
        let element = match types::plain(&value.ty) {
            Type::List(element) => (**element).clone(),
            Type::Any => Type::Any,
            Type::Unknown => Type::Unknown,
            Type::Record(_) | Type::AnyRecord => {
                let found = Diagnostic::error(
                    Code::TypeMismatch,
                    format!("{what} is a record"),
                    value.span,
                    format!("this is {}", list(&[types::name(&value.ty)])),
                );
                self.report(found.help("go over its names with `.keys()`"));
                Type::Unknown
            }
            _ => {
                self.mismatch(&value, &Type::List(Box::new(Type::Any)), what);
                Type::Unknown
            }
        };
        (value, element)
    }
}

/// An action that is called as the whole statement, or as all that one binds, has its path to itself.
fn alone(kind: &mut StmtKind) {
    if let StmtKind::Eval(value) | StmtKind::Show(value) | StmtKind::Return(value) | StmtKind::Let { value, .. } = kind
        && let ExprKind::Action(call) = &mut value.kind
    {
        call.branch = None;
    }
}
