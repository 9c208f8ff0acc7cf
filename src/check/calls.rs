//! Calls: which callable a name means, and its arguments in the order of its parameters.
use std::rc::Rc;

use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::encode::{self, How};
use crate::value::types::Place;
use crate::value::{ConnKind, SmolStr, Type, Value};

use super::conninfo;
use super::elab::{Elab, Zone, wrong};
use super::modules::{ModuleId, list};
use super::natives::{BARE, NAMESPACES, Native};
use super::program::{ActionCall, ActionId, Arg, Call, ConnectionExpr, Effect, Expr, ExprKind, NameId, Want};
use super::types;

/// More names than this are no help.
const MANY: usize = 16;

/// Called by their bare names, beside the natives of `secret`.
const BUILT_IN: [&str; 4] = ["now", "result", "ident", "raw"];

impl Elab<'_> {
    pub(super) fn call(&mut self, callee: &ast::Expr, args: &[ast::Arg], span: Span) -> Expr {
        match &callee.kind {
            ast::ExprKind::Name(name) => self.bare_call(name, callee.span, args, span),
            ast::ExprKind::Field(of, method) => self.dotted_call(of, method, args, span),
            _ => {
                self.any_expr(callee);
                self.args_alone(args);
                let found =
                    Diagnostic::error(Code::UnknownAction, "this cannot be called", callee.span, "not an action");
                self.report(found.help("call an action by its name"));
                wrong(span)
            }
        }
    }

    fn bare_call(&mut self, name: &SmolStr, at: Span, args: &[ast::Arg], span: Span) -> Expr {
        if let Some(index) = self.own_action(self.here.module, name) {
            return self.action_call(self.here.module, index, name, args, span);
        }
        let kind = ConnKind::ALL.into_iter().find(|k| k.name() == name);
        if let Some(alias) = self.alias(name) {
            return match (alias.module, kind) {
                // `use "std/redis"` hides no `redis(url)`.
                (Some(module), Some(kind)) if !self.holds_book(module) => self.connection(kind, None, args, span),
                (Some(module), _) => self.book_call(module, name, at, args, span),
                (None, _) => wrong(span),
            };
        }
        if let Some(kind) = kind {
            return self.connection(kind, None, args, span);
        }
        match name.as_str() {
            "now" => {
                self.no_args(name, args, span);
                self.effect = self.effect.max(Effect::Read);
                return Expr { kind: ExprKind::Now, ty: Type::Time, span };
            }
            "result" => return self.result(args, span),
            "ident" | "raw" => {
                self.args_alone(args);
                let found = Diagnostic::error(
                    Code::BuiltCode,
                    format!("`{name}(…)` stands in a hole of code only"),
                    at,
                    "not in code here",
                );
                let example = if name == "ident" { "db.exec(\"… #{ident(x)} …\")" } else { "$ … #{raw(x)} …" };
                self.report(found.help(format!("write the code where it is used: `{example}`")));
                return wrong(span);
            }
            _ => {}
        }
        if let Some(native) = self.native(BARE, name) {
            if native.name == "prompt" && !self.here.secret {
                let found = Diagnostic::error(
                    Code::MisplacedStatement,
                    "`prompt(…)` stands in a `secret` only",
                    at,
                    "not a question of the run",
                );
                self.report(found.help("declare it: `secret name = prompt(\"…\")`; a question on the way is `ask`"));
            }
            return self.native_call(&native, BARE, name.clone(), None, args, span);
        }
        self.unknown_callable(name, at);
        self.args_alone(args);
        wrong(span)
    }

    fn unknown_callable(&mut self, name: &SmolStr, at: Span) {
        let found =
            Diagnostic::error(Code::UnknownAction, format!("no action is called `{name}`"), at, "not an action");
        if self.scopes.ever(name).is_some() {
            self.report(found.help(format!("`{name}` is a value: it is read, not called")));
            return;
        }
        if self.own_context(self.here.module, name).is_some()
            || matches!(name.as_str(), "dir" | "ssh" | "sudo" | "stdin" | "running")
        {
            self.report(found.help(format!("it is a context: `with {name}(…) {{ … }}`")));
            return;
        }
        if super::methods::exists(name) {
            self.report(found.help(format!("it is a method: `x.{name}(…)`")));
            return;
        }
        let own: Vec<SmolStr> = self
            .module(self.here.module)
            .map(|m| m.actions.iter().map(|a| a.name.text.clone()).collect())
            .unwrap_or_default();
        let bare: Vec<SmolStr> = self.natives(BARE).iter().map(|n| n.name.clone()).collect();
        let kinds = ConnKind::ALL.map(ConnKind::name);
        let all = own.iter().chain(&bare).map(SmolStr::as_str).chain(BUILT_IN).chain(kinds);
        let near = did_you_mean(name, all).map(str::to_owned);
        let found = match &near {
            Some(_) => self.suggest(found, at, near.as_deref()),
            None => found.help("declare it (`action NAME(…) { … }`), or `use` the library that has it"),
        };
        self.report(found);
    }

    pub(super) fn is_callable(&mut self, name: &str) -> bool {
        self.own_action(self.here.module, name).is_some()
            || BUILT_IN.contains(&name)
            || ConnKind::ALL.into_iter().any(|k| k.name() == name)
            || self.native(BARE, name).is_some()
    }

    fn holds_book(&self, id: ModuleId) -> bool {
        self.module(id).is_some_and(|m| m.book.is_some())
    }

    fn own_action(&self, id: ModuleId, name: &str) -> Option<usize> {
        self.module(id)?.actions.iter().position(|a| a.name.text == name)
    }

    pub(super) fn module_has_action(&self, id: ModuleId, name: &str) -> bool {
        self.own_action(id, name).is_some()
    }

    fn dotted_call(&mut self, of: &ast::Expr, method: &ast::Name, args: &[ast::Arg], span: Span) -> Expr {
        if let ast::ExprKind::Name(name) = &of.kind
            && self.scopes.ever(name).is_none()
        {
            if let Some(alias) = self.alias(name) {
                return match alias.module {
                    // `use "std/http"` leaves `http.get(url)` what it is.
                    Some(module)
                        if NAMESPACES.contains(&name.as_str())
                            && self.own_action(module, &method.text).is_none()
                            && *name != method.text
                            && let Some(native) = self.native(name, &method.text) =>
                    {
                        let source = SmolStr::new(format!("{name}.{}", method.text));
                        self.native_call(&native, name, source, None, args, span)
                    }
                    Some(module) => self.library_call(module, name, method, args, span),
                    None => wrong(span),
                };
            }
            if NAMESPACES.contains(&name.as_str()) {
                let source = SmolStr::new(format!("{name}.{}", method.text));
                // The first one of `http` makes a connection, it is not one of its actions.
                if *name != method.text
                    && let Some(native) = self.native(name, &method.text)
                {
                    return self.native_call(&native, name, source, None, args, span);
                }
                self.unknown_native(name, name, method);
                self.args_alone(args);
                return wrong(span);
            }
        }
        let value = self.expr(of);
        let Type::Conn(kind) = value.ty else {
            return self.method(value, method, args, span);
        };
        let shown = self.sources.text(of.span).to_owned();
        let source = SmolStr::new(format!("{shown}.{}", method.text));
        if kind.name() != method.text
            && let Some(native) = self.native(kind.name(), &method.text)
        {
            return self.native_call(&native, kind.name(), source, Some(value), args, span);
        }
        self.unknown_native(kind.name(), &shown, method);
        self.args_alone(args);
        wrong(span)
    }

    fn unknown_native(&mut self, provider: &str, shown: &str, method: &ast::Name) {
        let names: Vec<SmolStr> =
            self.natives(provider).iter().map(|n| n.name.clone()).filter(|n| n != provider).collect();
        let found = Diagnostic::error(
            Code::UnknownAction,
            format!("`{shown}` has no action `{}`", method.text),
            method.span,
            "no such action",
        );
        let found = match did_you_mean(&method.text, names.iter().map(SmolStr::as_str)) {
            Some(near) => self.suggest(found, method.span, Some(near)),
            None if names.len() > MANY => found.help(format!("`rbk docs {provider}` lists what it has")),
            None => found.help(format!("it has {}", list(&names))),
        };
        self.report(found);
    }

    /// An action of a used library.
    fn library_call(
        &mut self,
        module: ModuleId,
        alias: &SmolStr,
        method: &ast::Name,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        if let Some(index) = self.own_action(module, &method.text) {
            let shown = SmolStr::new(format!("{alias}.{}", method.text));
            return self.action_call(module, index, &shown, args, span);
        }
        let value = self
            .module(module)
            .and_then(|m| m.values.iter().skip(1).find(|(n, _)| *n == method.text).map(|(_, id)| *id));
        let found = Diagnostic::error(
            Code::UnknownAction,
            format!("`{alias}` has no action `{}`", method.text),
            method.span,
            "not in this library",
        );
        let names: Vec<SmolStr> =
            self.module(module).map(|m| m.actions.iter().map(|a| a.name.text.clone()).collect()).unwrap_or_default();
        let found = if value.is_some() {
            found.help(format!("it is a value: `{alias}.{}`", method.text))
        } else {
            match did_you_mean(&method.text, names.iter().map(SmolStr::as_str)) {
                Some(near) => self.suggest(found, method.span, Some(near)),
                None => found.help(format!("it has {}", list(&names))),
            }
        };
        self.report(found);
        self.args_alone(args);
        wrong(span)
    }

    fn book_call(&mut self, module: ModuleId, alias: &SmolStr, at: Span, args: &[ast::Arg], span: Span) -> Expr {
        if !self.holds_book(module) {
            let found = Diagnostic::error(
                Code::UnknownAction,
                format!("`{alias}` is a library, not an action"),
                at,
                "holds no runbook",
            );
            let names: Vec<SmolStr> = self
                .module(module)
                .map(|m| m.actions.iter().map(|a| SmolStr::new(format!("{alias}.{}", a.name.text))).collect())
                .unwrap_or_default();
            self.report(found.help(format!("call one of its actions: {}", list(&names))));
            self.args_alone(args);
            return wrong(span);
        }
        let action = self.book_action(module, at);
        self.call_of(action, alias, args, span)
    }

    fn action_call(&mut self, module: ModuleId, index: usize, shown: &SmolStr, args: &[ast::Arg], span: Span) -> Expr {
        let action = self.action_at(module, index);
        self.call_of(action, shown, args, span)
    }

    fn call_of(&mut self, action: Option<ActionId>, shown: &SmolStr, args: &[ast::Arg], span: Span) -> Expr {
        let Some(id) = action else {
            self.args_alone(args);
            let found =
                Diagnostic::error(Code::Recursion, format!("`{shown}` calls itself"), span, "called again here");
            self.report(found.help("every script ends: use `for` over a list, or `wait up to … until`"));
            return wrong(span);
        };
        let Some(action) = self.program.actions.get(id.0 as usize) else { return wrong(span) };
        let (returns, effect) = (action.returns.clone(), action.effect);
        let params: Vec<(NameId, Type, Option<Expr>)> =
            action.params.iter().map(|p| (p.name, p.ty.clone(), p.default.clone())).collect();
        let names: Vec<(SmolStr, bool)> = params
            .iter()
            .map(|(id, _, default)| {
                let text = self.name_info(*id).map(|i| i.text.clone()).unwrap_or_default();
                (text, default.is_none())
            })
            .collect();
        let given = self.matched(&names, args, shown, span);
        let mut filled = Vec::with_capacity(params.len());
        for (((id, ty, default), given), (name, _)) in params.into_iter().zip(given).zip(&names) {
            let value = match (given, default) {
                (Some(given), _) => self.argument(given, &ty, name, shown),
                (None, Some(default)) => default,
                (None, None) => wrong(span),
            };
            filled.push((id, value));
        }
        if effect != Effect::Pure {
            self.in_transaction(None, span);
        }
        self.effect = self.effect.max(effect);
        self.undoes |= self.action_undoes.get(id.0 as usize).copied().unwrap_or(false);
        let branch = Some(ActionCall::FIRST.saturating_add(self.calls));
        self.calls = self.calls.saturating_add(1);
        let call = ActionCall { action: id, branch, args: filled, want: Want::Value };
        Expr { kind: ExprKind::Action(Box::new(call)), ty: returns, span }
    }

    /// A secret goes only where one is expected: inside, nothing else would know that it is one.
    fn argument(&mut self, written: &ast::Expr, ty: &Type, name: &str, shown: &str) -> Expr {
        let value = self.expect(written, ty, &format!("`{name}` of `{shown}`"));
        if types::holds_secret(&value.ty) && !types::holds_secret(ty) {
            let found = Diagnostic::error(
                Code::TypeMismatch,
                format!("`{name}` of `{shown}` is not made for a secret"),
                value.span,
                format!("this is `{}`", types::name(&value.ty)),
            );
            self.report(found.help(format!("declare the parameter as `{name}: secret<{}>`", types::name(ty))));
        }
        value
    }

    pub(super) fn native_call(
        &mut self,
        native: &Rc<Native>,
        provider: &str,
        source: SmolStr,
        on: Option<Expr>,
        args: &[ast::Arg],
        span: Span,
    ) -> Expr {
        if provider == "redis" && native.name == "command" {
            return self.redis_command(source, on, args, span);
        }
        let args = self.native_args(native, on.as_ref(), &source, args, span);
        self.in_transaction(on.as_ref(), span);
        self.effect = self.effect.max(native.effect);
        self.here.wrote |= native.effect == Effect::Write;
        let call = Call {
            action: SmolStr::new(format!("{provider}.{}", native.name)),
            source,
            on,
            args,
            effect: native.effect,
            idempotent: native.idempotent,
            want: Want::Value,
        };
        Expr { kind: ExprKind::Call(Box::new(call)), ty: native.returns.clone(), span }
    }

    fn native_args(
        &mut self,
        native: &Native,
        on: Option<&Expr>,
        source: &str,
        args: &[ast::Arg],
        span: Span,
    ) -> Vec<(SmolStr, Arg)> {
        let names: Vec<(SmolStr, bool)> = native.params.iter().map(|p| (p.name.clone(), p.default.is_none())).collect();
        let given = self.matched(&names, args, source, span);
        let mut filled = Vec::with_capacity(native.params.len());
        for (param, given) in native.params.iter().zip(given) {
            let value = match (given, param.place(), &param.default) {
                (Some(given), Some(place), _) => {
                    if place == Place::Sql && native.effect == Effect::Read {
                        self.reading_sql(given);
                    }
                    Arg::Code(self.code(place, given, on.is_some()))
                }
                (Some(given), None, _) => {
                    let value = self.expr(given);
                    let value = one_of(value, &param.ty);
                    Arg::Value(self.fit(value, &param.ty, &format!("`{}` of `{source}`", param.name)))
                }
                (None, _, Some(default)) => Arg::Value(default.clone()),
                (None, _, None) => Arg::Value(wrong(span)),
            };
            filled.push((param.name.clone(), value));
        }
        filled
    }

    /// Only statements on its own connection are part of a transaction (E6).
    pub(super) fn in_transaction(&mut self, on: Option<&Expr>, span: Span) {
        if self.here.zone != Zone::Transaction {
            return;
        }
        let own = match (on.map(|e| &e.kind), self.here.transaction) {
            (Some(ExprKind::Name(id)), Some(tx)) => *id == tx,
            _ => false,
        };
        if !own {
            let found = Diagnostic::error(
                Code::MisplacedStatement,
                "this is not part of the transaction",
                span,
                "reaches something else",
            );
            self.report(found.help("a transaction holds statements on its connection; do this before or after it"));
        }
    }

    /// `postgres(url, database: name)`: a recipe.
    pub(super) fn connection(&mut self, kind: ConnKind, name: Option<&str>, args: &[ast::Arg], span: Span) -> Expr {
        let Some(native) = self.native(kind.name(), kind.name()) else { return wrong(span) };
        let args = self.native_args(&native, None, kind.name(), args, span);
        self.address(kind, &args);
        let args = args
            .into_iter()
            .filter_map(|(name, arg)| match arg {
                Arg::Value(value) => Some((name, value)),
                Arg::Code(_) => None,
            })
            .collect();
        let made = ConnectionExpr { kind, name: SmolStr::new(name.unwrap_or(kind.name())), args };
        Expr { kind: ExprKind::Connection(Box::new(made)), ty: Type::Conn(kind), span }
    }

    /// A literal address that nothing could be reached at.
    fn address(&mut self, kind: ConnKind, args: &[(SmolStr, Arg)]) {
        let wanted = if matches!(kind, ConnKind::Http | ConnKind::Prometheus) { "base" } else { "url" };
        let Some((_, Arg::Value(value))) = args.iter().find(|(name, _)| name == wanted) else { return };
        let ExprKind::Value(Value::Str(text)) = &value.kind else { return };
        let why = match kind {
            ConnKind::Http | ConnKind::Prometheus => match encode::url::encode(&Value::Str(text.clone()), How::Whole) {
                Err(why) => why,
                Ok(_) if text.contains(['?', '#']) => "a base has neither query nor fragment".to_owned(),
                Ok(_) => return,
            },
            ConnKind::Redis => match url::Url::parse(text) {
                Err(why) => format!("this is no URL: {why}"),
                Ok(_) => return,
            },
            ConnKind::Postgres => match conninfo::parse(text) {
                Err(why) => format!("this is not understood: {why}"),
                Ok(_) => return,
            },
        };
        let found = Diagnostic::error(Code::WrongArguments, why, value.span, "nothing can be reached there");
        self.report(found.help("write it whole: `http(\"https://shop.example\")`, `redis(\"redis://cache:6379\")`, `postgres(\"postgresql://db/shop\")`; or let it be given: `env(\"SITE_URL\")`"));
    }

    /// `result($( … ))`: what became of a command, whatever its code.
    fn result(&mut self, args: &[ast::Arg], span: Span) -> Expr {
        let fields = [("code", Type::Int), ("out", Type::Str), ("err", Type::Str)];
        let ty = Type::Record(fields.map(|(k, ty)| (SmolStr::new(k), ty)).into());
        let [ast::Arg { name: None, value }] = args else {
            self.args_alone(args);
            let found = Diagnostic::error(Code::WrongArguments, "`result` takes one command", span, "not one command");
            self.report(found.help("write it as `result($( … ))`"));
            return Expr { ty, ..wrong(span) };
        };
        let inner = self.any_expr(value);
        if inner.ty == Type::Unknown {
            return Expr { ty, ..wrong(span) };
        }
        let hidden = types::holds_secret(&inner.ty);
        let ExprKind::Command(mut command) = inner.kind else {
            let found =
                Diagnostic::error(Code::WrongArguments, "`result` takes a command", inner.span, "not a command");
            self.report(found.help("write it as `result($( … ))`; elsewhere use `let x = … else …`"));
            return Expr { ty, ..wrong(span) };
        };
        command.want = Want::Result;
        let ty = if hidden { types::secret(ty) } else { ty };
        Expr { kind: ExprKind::Command(command), ty, span }
    }

    fn no_args(&mut self, name: &str, args: &[ast::Arg], span: Span) {
        if !args.is_empty() {
            self.args_alone(args);
            let found =
                Diagnostic::error(Code::WrongArguments, format!("`{name}()` takes no argument"), span, "given some");
            self.report(found.help(format!("write `{name}()`")));
        }
    }

    /// Arguments of what could not be resolved: their own mistakes still show.
    pub(super) fn args_alone(&mut self, args: &[ast::Arg]) {
        for arg in args {
            self.any_expr(&arg.value);
        }
    }

    /// Each parameter's argument; what is missing, unknown or doubled is reported.
    pub(super) fn matched<'e>(
        &mut self,
        params: &[(SmolStr, bool)],
        args: &'e [ast::Arg],
        callee: &str,
        span: Span,
    ) -> Vec<Option<&'e ast::Expr>> {
        let mut given: Vec<Option<&ast::Expr>> = vec![None; params.len()];
        let mut next = 0;
        let mut wrong = false;
        for arg in args {
            let at = match &arg.name {
                Some(name) => match params.iter().position(|(p, _)| *p == name.text) {
                    Some(at) => at,
                    None => {
                        self.unknown_argument(params, name, callee);
                        self.any_expr(&arg.value);
                        wrong = true;
                        continue;
                    }
                },
                None => {
                    next += 1;
                    next - 1
                }
            };
            match given.get_mut(at) {
                Some(slot @ None) => *slot = Some(&arg.value),
                Some(Some(first)) => {
                    let first = first.span;
                    let (name, _) = params.get(at).cloned().unwrap_or_default();
                    let message = format!("`{name}` is given twice to `{callee}`");
                    let found = Diagnostic::error(Code::WrongArguments, message, arg.value.span, "again here");
                    self.report(found.label(first, "the first one").help("keep one of the two"));
                    wrong = true;
                }
                None => {
                    self.any_expr(&arg.value);
                    let message = format!("`{callee}` takes {}", takes(params));
                    let found = Diagnostic::error(Code::WrongArguments, message, arg.value.span, "one too many");
                    self.report(found.help(signature(callee, params)));
                    wrong = true;
                }
            }
        }
        let missing: Vec<&str> = params
            .iter()
            .zip(&given)
            .filter(|((_, required), given)| *required && given.is_none())
            .map(|((name, _), _)| name.as_str())
            .collect();
        if !missing.is_empty() && !wrong {
            let found = Diagnostic::error(
                Code::WrongArguments,
                format!("`{callee}` needs {}", list(&missing)),
                span,
                if missing.len() == 1 { "an argument is missing" } else { "arguments are missing" },
            );
            self.report(found.help(signature(callee, params)));
        }
        given
    }

    fn unknown_argument(&mut self, params: &[(SmolStr, bool)], name: &ast::Name, callee: &str) {
        let found = Diagnostic::error(
            Code::WrongArguments,
            format!("`{callee}` has no parameter `{}`", name.text),
            name.span,
            "no such parameter",
        );
        let found = match did_you_mean(&name.text, params.iter().map(|(p, _)| p.as_str())) {
            Some(near) => self.suggest(found, name.span, Some(near)),
            None => found.help(signature(callee, params)),
        };
        self.report(found);
    }
}

/// Where a native takes a list, one element is a list of it: `expect: 201`.
fn one_of(value: Expr, wanted: &Type) -> Expr {
    let list = if let Type::Optional(inner) = wanted { inner } else { wanted };
    let Type::List(element) = list else { return value };
    if matches!(value.ty, Type::Any | Type::Unknown | Type::Null) || !types::fits(&value.ty, element) {
        return value;
    }
    let (ty, span) = (Type::List(Box::new(value.ty.clone())), value.span);
    Expr { kind: ExprKind::List(vec![value]), ty, span }
}

fn takes(params: &[(SmolStr, bool)]) -> String {
    match params.len() {
        0 => "no argument".to_owned(),
        1 => "one argument".to_owned(),
        n => format!("{n} arguments at most"),
    }
}

fn signature(callee: &str, params: &[(SmolStr, bool)]) -> String {
    let params: Vec<String> =
        params.iter().map(|(name, required)| if *required { name.to_string() } else { format!("[{name}]") }).collect();
    format!("it is called as `{callee}({})`", params.join(", "))
}
