//! `with …`: where commands run.
use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{ConnKind, SmolStr, Type};

use super::elab::{Elab, Stance};
use super::modules::ModuleId;
use super::program::{Class, ContextUse, Effect, Expr, ExprKind, Running, StmtKind, Want};
use super::steps::BodyOf;
use super::types;

const BUILT_IN: [&str; 6] = ["dir", "env", "ssh", "sudo", "stdin", "running"];

impl Elab<'_> {
    pub(super) fn with(&mut self, contexts: &[ast::Expr], body: &ast::Block) -> StmtKind {
        let variables = self.here.env.len();
        let contexts = contexts.iter().filter_map(|c| self.context(c)).collect();
        let body = self.block(body, BodyOf::Inner);
        self.here.env.truncate(variables);
        StmtKind::With { contexts, body }
    }

    fn context(&mut self, written: &ast::Expr) -> Option<ContextUse> {
        if let ast::ExprKind::Call(callee, args) = &written.kind {
            match &callee.kind {
                ast::ExprKind::Name(name) => {
                    if let Some(index) = self.own_context(self.here.module, name) {
                        return self.user_context(self.here.module, index, name, args, written.span);
                    }
                    if BUILT_IN.contains(&name.as_str()) {
                        return self.built_in(name, args, written.span);
                    }
                    if !ConnKind::ALL.iter().any(|k| k.name() == name) {
                        self.unknown_context(name, callee.span);
                        self.args_alone(args);
                        return None;
                    }
                }
                ast::ExprKind::Field(of, method) => {
                    if let ast::ExprKind::Name(name) = &of.kind
                        && self.scopes.ever(name).is_none()
                        && let Some(alias) = self.alias(name)
                    {
                        let module = alias.module?;
                        if let Some(index) = self.own_context(module, &method.text) {
                            let shown = SmolStr::new(format!("{name}.{}", method.text));
                            return self.user_context(module, index, &shown, args, written.span);
                        }
                        self.unknown_context_of(module, name, method);
                        self.args_alone(args);
                        return None;
                    }
                }
                _ => {}
            }
        }
        let value = self.expr(written);
        match &value.ty {
            Type::Conn(ConnKind::Postgres) => Some(ContextUse::Connection(value)),
            Type::Unknown => None,
            ty => {
                let found = Diagnostic::error(
                    Code::TypeMismatch,
                    "this is not a context",
                    written.span,
                    format!("this is `{}`", types::name(ty)),
                );
                self.report(found.help(
                    "commands run in `dir(…)`, `env({ … })`, `ssh(…)`, `sudo(…)`, `stdin(…)`, `running($(…))`, a postgres connection, or a declared `context`",
                ));
                None
            }
        }
    }

    fn built_in(&mut self, name: &str, args: &[ast::Arg], span: Span) -> Option<ContextUse> {
        if name == "sudo" && args.is_empty() {
            return Some(ContextUse::Sudo(None));
        }
        if name == "running" {
            return self.running(args, span);
        }
        let parameter = match name {
            "dir" => "path",
            "env" => "variables",
            "ssh" => "host",
            "sudo" => "user",
            _ => "value",
        };
        let before = self.diagnostics.len();
        let given = self.matched(&[(SmolStr::new(parameter), true)], args, name, span);
        let given = given.first().copied().flatten();
        let given = given.filter(|_| self.diagnostics.len() == before)?;
        Some(match name {
            "dir" => ContextUse::Dir(self.visible(given, "the folder of `dir`")),
            "ssh" => ContextUse::Ssh(self.visible(given, "the host of `ssh`")),
            "sudo" => ContextUse::Sudo(Some(self.visible(given, "the user of `sudo`"))),
            "env" => ContextUse::Env(self.variables(given)),
            _ => {
                let value = self.data(given, "standard input");
                ContextUse::Stdin(match types::plain(&value.ty) {
                    Type::List(_) | Type::Record(_) | Type::AnyRecord | Type::Bytes => value,
                    _ => self.textual(value, "standard input"),
                })
            }
        })
    }

    /// `running($(command), ready: condition, within: duration)`.
    fn running(&mut self, args: &[ast::Arg], span: Span) -> Option<ContextUse> {
        let names = [("command", true), ("ready", false), ("within", false)];
        let before = self.diagnostics.len();
        let given = self.matched(&names.map(|(name, needed)| (SmolStr::new(name), needed)), args, "running", span);
        let [Some(command), ready, within] = given.as_slice() else { return None };
        if self.diagnostics.len() > before {
            return None;
        }
        let stance = std::mem::replace(&mut self.here.stance, Stance::Reads);
        let wrote = self.here.wrote;
        let mut command = self.any_expr(command);
        self.here.stance = stance;
        self.here.wrote = wrote;
        let at = command.span;
        match &mut command.kind {
            ExprKind::Command(inner) if inner.want != Want::Result => {
                inner.want = Want::Runs;
                if inner.class == Class::Write {
                    inner.effect = Effect::Read;
                    let found = Diagnostic::error(
                        Code::WriteInCondition,
                        "what runs beside a block is known to write: it would be started again for every undo",
                        at,
                        "this writes",
                    );
                    self.report(found.help("do it in a step that says how it is undone, before the block"));
                }
            }
            _ if command.ty == Type::Unknown => return None,
            _ => {
                let found = Diagnostic::error(Code::WrongArguments, "`running` takes a command", at, "not a command");
                self.report(found.help("write it as `running($(ssh -N -L 5433:db:5432 jump), ready: …)`"));
                return None;
            }
        }
        let ready = ready.map(|ready| self.condition(ready));
        let within = within.map(|within| self.duration(within, "the time to be ready"));
        Some(ContextUse::Running(Box::new(Running { command, ready, within })))
    }

    /// A string that stands in arguments of other programs.
    fn visible(&mut self, written: &ast::Expr, what: &str) -> Expr {
        let value = self.expect(written, &Type::Str, what);
        if types::holds_secret(&value.ty) {
            let found = Diagnostic::error(
                Code::SecretInArguments,
                format!("{what} would stand in the process list"),
                value.span,
                "a secret",
            );
            self.report(found.help("use something that everyone may read"));
        }
        value
    }

    /// `env({ NAME: value })`.
    fn variables(&mut self, written: &ast::Expr) -> Expr {
        let value = self.expect(written, &Type::AnyRecord, "the variables of `env`");
        let ExprKind::Record(fields) = &value.kind else { return value };
        let mut wrong = Vec::new();
        let mut seen = Vec::new();
        for (key, field) in fields {
            seen.push((key.clone(), types::holds_secret(&field.ty)));
            let text = !matches!(
                types::plain(&field.ty),
                Type::Null | Type::Optional(_) | Type::List(_) | Type::Record(_) | Type::AnyRecord | Type::Response
            );
            if !text {
                wrong.push(field.clone());
            }
        }
        for field in wrong {
            self.textual(field, "a variable");
        }
        self.here.env.extend(seen);
        value
    }

    fn user_context(
        &mut self,
        module: ModuleId,
        index: usize,
        shown: &SmolStr,
        args: &[ast::Arg],
        span: Span,
    ) -> Option<ContextUse> {
        let context = self.context_at(module, index)?;
        let params: Vec<_> = self
            .program
            .contexts
            .get(context.0 as usize)?
            .params
            .iter()
            .map(|p| (p.name, p.ty.clone(), p.default.clone()))
            .collect();
        let names: Vec<(SmolStr, bool)> = params
            .iter()
            .map(|(id, _, default)| {
                (self.name_info(*id).map(|i| i.text.clone()).unwrap_or_default(), default.is_none())
            })
            .collect();
        let given = self.matched(&names, args, shown, span);
        let mut filled = Vec::with_capacity(params.len());
        for (((id, ty, default), given), (name, _)) in params.into_iter().zip(given).zip(&names) {
            let value = match (given, default) {
                (Some(given), _) => {
                    let value = self.expect(given, &ty, &format!("`{name}` of `{shown}`"));
                    if types::holds_secret(&value.ty) {
                        let found = Diagnostic::error(
                            Code::SecretInArguments,
                            "the words of a context stand in the process list",
                            value.span,
                            "a secret",
                        );
                        self.report(found.help("give it on standard input: `with stdin(x) { … }`"));
                    }
                    value
                }
                (None, Some(default)) => default,
                (None, None) => return None,
            };
            filled.push((id, value));
        }
        Some(ContextUse::User { context, args: filled })
    }

    pub(super) fn own_context(&self, id: ModuleId, name: &str) -> Option<usize> {
        self.module(id)?.contexts.iter().position(|c| c.name.text == name)
    }

    fn unknown_context(&mut self, name: &SmolStr, at: Span) {
        let own: Vec<SmolStr> = self
            .module(self.here.module)
            .map(|m| m.contexts.iter().map(|c| c.name.text.clone()).collect())
            .unwrap_or_default();
        let near = did_you_mean(
            name,
            own.iter().map(SmolStr::as_str).chain(BUILT_IN).chain(ConnKind::ALL.map(ConnKind::name)),
        )
        .map(str::to_owned);
        let found =
            Diagnostic::error(Code::UnknownAction, format!("no context is called `{name}`"), at, "not a context");
        let found = match &near {
            Some(_) => self.suggest(found, at, near.as_deref()),
            None => found.help(format!("declare it: `context {name}(…) = [\"…\"]`")),
        };
        self.report(found);
    }

    fn unknown_context_of(&mut self, module: ModuleId, alias: &str, name: &ast::Name) {
        let own: Vec<SmolStr> =
            self.module(module).map(|m| m.contexts.iter().map(|c| c.name.text.clone()).collect()).unwrap_or_default();
        let found = Diagnostic::error(
            Code::UnknownAction,
            format!("`{alias}` has no context `{}`", name.text),
            name.span,
            "not in this library",
        );
        let near = did_you_mean(&name.text, own.iter().map(SmolStr::as_str));
        self.report(self.suggest(found, name.span, near));
    }
}
