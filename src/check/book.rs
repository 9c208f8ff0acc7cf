//! A runbook: its header, its declarations (evaluated before the first action), its body and its handlers.
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, StmtKind as S};
use crate::value::{SmolStr, Type, Value};

use super::elab::{Elab, Stance, Zone};
use super::program::{
    Block, Book, Effect, Expr, ExprKind, Global, Header, Lock, NameId, NameKind, Param, Reviewed, Shell,
};
use super::steps::{BodyOf, first_line};
use super::types;

/// What a runbook is made of, as the started one or as an action.
pub(super) struct Parts {
    pub header: Header,
    pub params: Vec<Param>,
    pub body: Block,
    on_success: Option<Block>,
    pub on_failure: Option<Block>,
    pub failure: NameId,
}

impl Elab<'_> {
    pub(super) fn book(&mut self, written: &ast::Runbook, doc: Option<String>, span: Span) -> Book {
        let parts = self.book_parts(written, None);
        let mut header = parts.header;
        header.locks.append(&mut self.locks);
        self.used_budgets(&header);
        self.required(written, &header);
        Book {
            title: self.written(&written.title),
            doc,
            header,
            params: parts.params,
            body: parts.body,
            on_success: parts.on_success,
            on_failure: parts.on_failure,
            run: self.run,
            failure: parts.failure,
            span,
        }
    }

    /// `used` is where another file makes an action of it. Then secrets, connections and locks, which are evaluated
    /// before that file's first action, cannot read the parameters.
    pub(super) fn book_parts(&mut self, written: &ast::Runbook, used: Option<Span>) -> Parts {
        let stmts = &written.body.stmts;
        let mut header = Header::default();
        let mut params = Vec::new();
        if used.is_some() {
            self.declarations(stmts);
            self.locks_of(stmts, &mut header);
        }
        for stmt in stmts {
            match &stmt.kind {
                S::Param(param) => params.push(self.book_param(param)),
                S::Bad => self.bad_names(stmt),
                _ => {}
            }
        }
        if used.is_none() {
            self.declarations(stmts);
            self.locks_of(stmts, &mut header);
        }
        self.header(stmts, &mut header);
        let body = self.block(&written.body, BodyOf::Book);
        let on_success = self.handler(stmts, false).map(|(block, _)| block);
        let (on_failure, failure) = match self.handler(stmts, true) {
            Some((block, failure)) => (Some(block), failure),
            None => {
                self.scopes.enter();
                let failure = self.failure(written.title.span);
                self.scopes.leave();
                (None, failure)
            }
        };
        Parts { header, params, body, on_success, on_failure, failure }
    }

    fn book_param(&mut self, param: &ast::Param) -> Param {
        let ty = self.given_type(&param.ty, "a parameter of a runbook");
        let what = format!("the default of `{}`", param.name.text);
        let default = param.default.as_ref().map(|d| self.pure(&what, |elab| elab.expect(d, &ty, &what)));
        let name = self.bind(&param.name, ty.clone(), NameKind::Param);
        let condition = self.where_(param.condition.as_ref(), name);
        Param { name, doc: param.doc.clone(), ty, default, condition }
    }

    /// Secrets and connections, in the order written.
    pub(super) fn declarations(&mut self, stmts: &[ast::Stmt]) {
        for stmt in stmts {
            match &stmt.kind {
                S::Secret(secret) => {
                    let global = self.secret(secret);
                    self.program.globals.push(global);
                }
                S::Connect(connect) => {
                    let global = self.connect(connect);
                    self.program.globals.push(global);
                }
                S::Reads(patterns) => self.declare_reads(patterns),
                _ => {}
            }
        }
    }

    pub(super) fn secret(&mut self, written: &ast::Secret) -> Global {
        let stance = std::mem::replace(&mut self.here.stance, Stance::Reads);
        self.here.secret = true;
        let effect = std::mem::take(&mut self.effect);
        let value = self.data(&written.value, "a secret");
        self.here.secret = false;
        if self.effect > Effect::Read {
            let found = Diagnostic::error(
                Code::WriteOutsideStep,
                format!("making the secret `{}` writes", written.name.text),
                value.span,
                "this writes",
            );
            self.report(
                found.help("secrets are read before the first action: write in a step, and read the result here"),
            );
        }
        if let ExprKind::Value(_) = value.kind {
            let name = &written.name.text;
            let message = format!("the secret `{name}` is written into the file");
            let found = Diagnostic::error(Code::SecretInText, message, value.span, "whoever reads the file knows it");
            let variable = name.to_uppercase();
            self.report(found.help(format!(
                "take it from where it is kept: `env(\"{variable}\")`, `file(\"…\")`, `prompt(\"…\")` or a command"
            )));
        }
        self.effect = effect;
        self.here.stance = stance;
        self.here.wrote = false;
        let ty = types::secret(value.ty.clone());
        let name = self.bind(&written.name, ty, NameKind::Secret);
        Global::Secret { name, value, short: written.short, span: written.name.span }
    }

    pub(super) fn connect(&mut self, written: &ast::Connect) -> Global {
        let value = self.expr(&written.value);
        let value = self.named_connection(value, &written.name);
        let name = self.bind(&written.name, value.ty.clone(), NameKind::Connect);
        Global::Connect { name, value }
    }

    fn named_connection(&mut self, mut value: Expr, name: &ast::Name) -> Expr {
        match &mut value.kind {
            ExprKind::Connection(made) => made.name = name.text.clone(),
            _ if value.ty == Type::Unknown => {}
            _ => {
                let found = Diagnostic::error(
                    Code::TypeMismatch,
                    format!("`{}` is not made as a connection", name.text),
                    value.span,
                    format!("this is `{}`", types::name(&value.ty)),
                );
                self.report(found.help("make one: `postgres(url)`, `redis(url)`, `http(base)`, `prometheus(base)`"));
                return super::elab::wrong(value.span);
            }
        }
        value
    }

    fn locks_of(&mut self, stmts: &[ast::Stmt], header: &mut Header) {
        for stmt in stmts {
            if let S::Header(ast::Header::Lock { name, takeover }) = &stmt.kind {
                let name = self.pure("a lock's name", |elab| elab.label(name, "a lock's name"));
                header.locks.push(Lock { name, takeover: *takeover, span: stmt.span });
            }
        }
    }

    fn header(&mut self, stmts: &[ast::Stmt], header: &mut Header) {
        let mut seen: Vec<(&'static str, Span)> = Vec::new();
        for stmt in stmts {
            let S::Header(word) = &stmt.kind else { continue };
            let name = match word {
                ast::Header::Owner(text) => {
                    header.owner = Some(self.plain(text, "owner"));
                    "owner"
                }
                ast::Header::Contact(text) => {
                    header.contact = Some(self.plain(text, "contact"));
                    "contact"
                }
                ast::Header::Reviewed { date, every, .. } => {
                    let every = every.as_ref().map(|e| self.duration(e, "the time between two reviews"));
                    let every = match every.map(|e| e.kind) {
                        Some(ExprKind::Value(Value::Duration(every))) => Some(every),
                        _ => None,
                    };
                    header.reviewed = Some(Reviewed { on: *date, every, span: stmt.span });
                    "reviewed"
                }
                ast::Header::Deadline(time) => {
                    header.deadline = Some(self.pure("the deadline", |elab| elab.duration(time, "the deadline")));
                    "deadline"
                }
                ast::Header::RollbackWithin(time) => {
                    let what = "the budget of the rollback";
                    header.rollback_within = Some(self.pure(what, |elab| elab.duration(time, what)));
                    "rollback within"
                }
                ast::Header::Timeout(time) => {
                    header.timeout = Some(self.pure("a timeout", |elab| elab.duration(time, "a timeout")));
                    "timeout"
                }
                ast::Header::Shell(text) => {
                    self.plain(text, "shell");
                    "shell"
                }
                ast::Header::Lock { .. } => continue,
            };
            match seen.iter().find(|(n, _)| *n == name) {
                Some((_, first)) => {
                    let found = Diagnostic::error(
                        Code::DuplicateKey,
                        format!("`{name}` stands twice in the header"),
                        stmt.span,
                        "again here",
                    );
                    self.report(found.label(*first, "the first one").help("keep one of the two"));
                }
                None => seen.push((name, stmt.span)),
            }
        }
    }

    /// Text of the header without values: it is read without running anything.
    fn plain(&mut self, text: &ast::Str, word: &str) -> SmolStr {
        if let Some(ast::Part::Hole { span, .. }) = text.parts.iter().find(|p| matches!(p, ast::Part::Hole { .. })) {
            let found =
                Diagnostic::error(Code::TypeMismatch, format!("`{word}` holds no value"), *span, "not known here");
            self.report(found.help("write the text itself"));
        }
        self.written(text)
    }

    pub(super) fn shell_of(&self, body: &ast::Block) -> Shell {
        let named = body.stmts.iter().find_map(|s| match &s.kind {
            S::Header(ast::Header::Shell(name)) => Some(self.written(name)),
            _ => None,
        });
        match named {
            Some(name) if name != "bash" => Shell::Other(name),
            _ => Shell::Bash,
        }
    }

    pub(super) fn handler(&mut self, stmts: &[ast::Stmt], of_failure: bool) -> Option<(Block, NameId)> {
        let mut handlers = stmts.iter().filter_map(|s| match &s.kind {
            S::OnFailure(body) if of_failure => Some((s, body)),
            S::OnSuccess(body) if !of_failure => Some((s, body)),
            _ => None,
        });
        let (first, body) = handlers.next()?;
        for (again, _) in handlers {
            let word = if of_failure { "on failure" } else { "on success" };
            let (at, first) = (first_line(again, self), first_line(first, self));
            let found = Diagnostic::error(Code::MisplacedStatement, format!("`{word}` stands twice"), at, "again here");
            self.report(found.label(first, "the first one").help("put both into one"));
        }
        self.scopes.enter();
        let failure = if of_failure { self.failure(first.span) } else { NameId(0) };
        let block = self.zone(Zone::Handler, body);
        self.scopes.leave();
        Some((block, failure))
    }

    /// What a used runbook needs for its way back must fit into the caller's (E17).
    fn used_budgets(&mut self, header: &Header) {
        let Some(ExprKind::Value(Value::Duration(own))) = header.rollback_within.as_ref().map(|e| &e.kind) else {
            return;
        };
        for (span, needs, at) in std::mem::take(&mut self.budgets) {
            if needs > *own {
                let found = Diagnostic::error(
                    Code::BudgetExceeded,
                    "the way back of a used runbook does not fit into this one's",
                    span,
                    "used here",
                )
                .label(at, "what it asks for")
                .label(header.rollback_within.as_ref().map_or(span, |e| e.span), "what there is");
                self.report(found.help("raise `rollback within`"));
            }
        }
    }

    fn required(&mut self, written: &ast::Runbook, header: &Header) {
        let at = written.title.span;
        let open = Span { start: written.body.span.start, end: written.body.span.start.saturating_add(1), ..at };
        let bad = written.body.stmts.iter().any(|s| matches!(s.kind, S::Bad));
        if header.deadline.is_none() && !bad {
            let found = Diagnostic::error(
                Code::MissingHeader,
                "the runbook has no `deadline`",
                at,
                "nothing limits the way forward",
            );
            let fix = vec![(open, "{\n  deadline 30m".to_owned())];
            self.report(found.help("say how long the way forward may take: `deadline 30m`").fix("add a deadline", fix));
        }
        if header.rollback_within.is_none() && self.undoes && !bad {
            let found = Diagnostic::error(
                Code::MissingHeader,
                "the runbook has no `rollback within`",
                at,
                "nothing limits the way back",
            );
            let fix = vec![(open, "{\n  rollback within 5m".to_owned())];
            self.report(
                found.help("say how long undoing everything may take: `rollback within 5m`").fix("add a budget", fix),
            );
        }
    }
}
