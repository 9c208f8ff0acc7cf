//! Expressions: literals, names, fields, and what is asked of a value where it is needed.
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::BigDecimal;

use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{Nanos, SmolStr, Type, Value};

use super::conditions;
use super::elab::{Elab, Zone, literal, wrong};
use super::modules::{ModuleId, list};
use super::natives::NAMESPACES;
use super::program::{Expr, ExprKind, NameId, TextPart};
use super::{stdlib, types};

impl Elab<'_> {
    /// A value; a call without a result is reported.
    pub(super) fn expr(&mut self, written: &ast::Expr) -> Expr {
        let value = self.any_expr(written);
        if value.ty == Type::Nothing {
            self.report(
                Diagnostic::error(Code::TypeMismatch, "this call has no result", value.span, "nothing comes back")
                    .help("write it as a statement of its own"),
            );
            return wrong(value.span);
        }
        value
    }

    /// A value that can be kept: a connection is a recipe, not a value (E11).
    pub(super) fn data(&mut self, written: &ast::Expr, what: &str) -> Expr {
        let value = self.expr(written);
        if let Type::Conn(kind) = &value.ty {
            let found = Diagnostic::error(
                Code::TypeMismatch,
                format!("{what} cannot be a connection"),
                value.span,
                format!("a {} connection", kind.name()),
            );
            self.report(found.help(format!("declare it: `connect name = {}(…)`", kind.name())));
            return wrong(value.span);
        }
        value
    }

    /// A value of a type; `what` is said when it is another.
    pub(super) fn expect(&mut self, written: &ast::Expr, wanted: &Type, what: &str) -> Expr {
        let value = self.expr(written);
        self.fit(value, wanted, what)
    }

    pub(super) fn fit(&mut self, value: Expr, wanted: &Type, what: &str) -> Expr {
        if literal_fits(&value, wanted) || types::fits(&value.ty, wanted) && !literal_misses(&value, wanted) {
            return value;
        }
        self.mismatch(&value, wanted, what);
        wrong(value.span)
    }

    pub(super) fn duration(&mut self, written: &ast::Expr, what: &str) -> Expr {
        self.expect(written, &Type::Duration, what)
    }

    /// The value is of another type than the one that is needed.
    pub(super) fn mismatch(&mut self, value: &Expr, wanted: &Type, what: &str) {
        let given = types::plain(&value.ty);
        let needed = match types::plain(wanted) {
            Type::Optional(inner) => inner,
            other => other,
        };
        let label = format!("this is `{}`", types::name(&value.ty));
        let unit = types::has_unit(needed) && (types::is_number(given) || types::has_unit(given))
            || types::has_unit(given) && types::is_number(needed);
        let code = if unit { Code::UnitMismatch } else { Code::TypeMismatch };
        let message = format!("{what} is `{}`, not `{}`", types::name(wanted), types::name(&value.ty));
        let found = Diagnostic::error(code, message, value.span, label);
        let text = self.sources.text(value.span).to_owned();
        let found = match (needed, given) {
            (Type::Duration, Type::Int) if is_literal(value) => {
                found.help(format!("write the unit: `{text}s`")).fix("seconds", vec![(value.span, format!("{text}s"))])
            }
            (Type::Size, Type::Int) if is_literal(value) => {
                found.help(format!("write the unit: `{text}MB`, `{text}KiB`"))
            }
            (Type::Duration, Type::Int | Type::Decimal) => found.help("give it a unit: `… * 1s`"),
            (Type::Size, Type::Int | Type::Decimal) => found.help("give it a unit: `… * 1MB`"),
            (Type::Int | Type::Decimal, Type::Duration) => found.help("divide it by a unit: `… / 1s`"),
            (Type::Int | Type::Decimal, Type::Size) => found.help("divide it by a unit: `… / 1MB`"),
            (needed, Type::Optional(inner)) if types::fits(inner, needed) => found
                .help("it may be null: test it first (`if x != null { … }`), or choose: `if x == null then … else x`"),
            (Type::Int, Type::Str) => match numeric(value) {
                Some(number) => {
                    found.help("write it without quotes").fix("remove the quotes", vec![(value.span, number)])
                }
                None => found.help("read the number in it: `.int()`"),
            },
            (Type::Decimal, Type::Str) => found.help("read the number in it: `.decimal()`"),
            (Type::Duration, Type::Str) => found.help("write it without quotes (`5s`), or read it: `.duration()`"),
            (Type::Bool, Type::Str) => found.help("write `true` or `false` without quotes, or compare it"),
            (Type::Str, Type::Int | Type::Decimal | Type::Bool | Type::Duration | Type::Size | Type::Time) => {
                found.help("write it in a string: `\"#{…}\"`")
            }
            (Type::Str, Type::Response) => found.help("ask for its text: `.text`"),
            (Type::List(_), Type::Str) => found.help("split it: `.lines()`, `.split(\",\")`"),
            (Type::Enum(options), _) => {
                let near = text_of(value).and_then(|t| did_you_mean(t, options.iter().map(SmolStr::as_str)));
                match near {
                    Some(near) => found
                        .help(format!("did you mean \"{near}\"?"))
                        .fix(format!("write \"{near}\""), vec![(value.span, format!("\"{near}\""))]),
                    None => found.help(format!("it is one of {}", list(options))),
                }
            }
            (Type::Conn(kind), _) => {
                found.help(format!("declare one: `connect name = {}(…)`, and pass its name", kind.name()))
            }
            (_, Type::Unknown) => found,
            (needed, _) => found.help(format!("give it a `{}`", types::name(needed))),
        };
        self.report(found);
    }

    /// A value, a call without a result included.
    pub(super) fn any_expr(&mut self, written: &ast::Expr) -> Expr {
        let span = written.span;
        match &written.kind {
            ast::ExprKind::Null => literal(Value::Null, Type::Null, span),
            ast::ExprKind::Bool(b) => literal(Value::Bool(*b), Type::Bool, span),
            ast::ExprKind::Int(n) => literal(Value::Int(*n), Type::Int, span),
            ast::ExprKind::Decimal(digits) => match BigDecimal::from_str(digits) {
                Ok(n) => literal(Value::Decimal(Arc::new(n)), Type::Decimal, span),
                Err(_) => wrong(span),
            },
            ast::ExprKind::Duration(n) => literal(Value::Duration(Nanos(*n)), Type::Duration, span),
            ast::ExprKind::Size(n) => literal(Value::Size(*n), Type::Size, span),
            ast::ExprKind::Time(t) => literal(Value::Time(*t), Type::Time, span),
            ast::ExprKind::Str(text) => self.text(text),
            ast::ExprKind::List(items) => self.list(items, span),
            ast::ExprKind::Record(fields) => self.record(fields, span),
            ast::ExprKind::Name(name) => self.name(name, span),
            ast::ExprKind::Field(of, field) => self.field(of, field, span),
            ast::ExprKind::Index(of, at) => self.index(of, at, span),
            ast::ExprKind::Call(callee, args) => self.call(callee, args, span),
            ast::ExprKind::Unary(op, of) => self.unary(*op, of, span),
            ast::ExprKind::Binary(op, at, left, right) => self.binary(*op, *at, left, right, span),
            ast::ExprKind::If(parts) => {
                let (cond, then, otherwise) = &**parts;
                self.if_else(cond, then, otherwise, span)
            }
            ast::ExprKind::Command(command) => self.command(command, super::program::Want::Value),
            ast::ExprKind::Readonly(inner) => self.readonly(inner, span),
            ast::ExprKind::Bad => wrong(span),
        }
    }

    /// A string as text; what stands in it is text, and a secret in it makes all of it one.
    pub(super) fn text(&mut self, written: &ast::Str) -> Expr {
        self.foreign_holes(written);
        let span = written.span;
        let mut hidden = false;
        let mut parts = Vec::with_capacity(written.parts.len());
        for part in &written.parts {
            match part {
                ast::Part::Text { text, .. } => parts.push(TextPart::Text(text.clone())),
                ast::Part::Hole { expr, .. } => {
                    let value = self.expr(expr);
                    hidden |= types::holds_secret(&value.ty);
                    parts.push(TextPart::Value(self.textual(value, "a string")));
                }
            }
        }
        let ty = if hidden { types::secret(Type::Str) } else { Type::Str };
        match parts.as_slice() {
            [] => literal(Value::str(""), ty, span),
            [TextPart::Text(text)] => literal(Value::str(text.as_str()), ty, span),
            _ => Expr { kind: ExprKind::Text(parts), ty, span },
        }
    }

    /// A value that has a text (I1).
    pub(super) fn textual(&mut self, value: Expr, place: &str) -> Expr {
        match types::plain(&value.ty) {
            Type::Null | Type::Optional(_) => {
                self.null_in(&value, place);
                wrong(value.span)
            }
            Type::List(_) | Type::Record(_) | Type::AnyRecord => {
                let found = Diagnostic::error(
                    Code::TypeMismatch,
                    format!("`{}` has no text of its own in {place}", types::name(&value.ty)),
                    value.span,
                    "a list or a record",
                );
                self.report(found.help("say how: `.join(\", \")`, `.text()` for JSON, or one of its fields"));
                wrong(value.span)
            }
            Type::Response | Type::Conn(_) | Type::Bytes => {
                let found = Diagnostic::error(
                    Code::TypeMismatch,
                    format!("`{}` has no text in {place}", types::name(&value.ty)),
                    value.span,
                    "this has no text",
                );
                self.report(found.help("ask for a part of it: `.text`, `.status`"));
                wrong(value.span)
            }
            _ => value,
        }
    }

    /// `null` where text is needed.
    pub(super) fn null_in(&mut self, value: &Expr, place: &str) {
        if let Some(name) = self.unset_in_rollback(value) {
            let found = Diagnostic::error(
                Code::UnsetInRollback,
                format!("`{name}` may not be set when this rollback runs"),
                value.span,
                "null when its block did not run",
            )
            .help(format!("handle that case: `if {name} != null {{ … }}`, or set `{name}` on every way"));
            self.report(found);
            return;
        }
        let found = Diagnostic::error(
            Code::NullInCode,
            format!("this may be null, which has no text in {place}"),
            value.span,
            format!("this is `{}`", types::name(&value.ty)),
        );
        self.report(found.help("test it first (`if x != null { … }`), or choose: `if x == null then \"…\" else x`"));
    }

    /// Text for people: a message, a log line.
    pub(super) fn shown(&mut self, written: &ast::Expr, what: &str) -> Expr {
        let value = self.data(written, what);
        self.textual(value, "a message")
    }

    /// Text that is shown and is a key: no secret may be in it (J3).
    pub(super) fn label(&mut self, written: &ast::Str, what: &str) -> Expr {
        let text = self.text(written);
        self.no_secret(&text, what);
        text
    }

    pub(super) fn no_secret(&mut self, value: &Expr, what: &str) {
        if types::holds_secret(&value.ty) {
            let found = Diagnostic::error(
                Code::SecretInName,
                format!("{what} holds a secret"),
                value.span,
                "a secret stands in here",
            );
            self.report(found.help("names are shown and are keys: use something that everyone may read"));
        }
    }

    fn list(&mut self, items: &[ast::Expr], span: Span) -> Expr {
        let items: Vec<Expr> = items.iter().map(|item| self.data(item, "an element")).collect();
        let mut element = None;
        for item in &items {
            element = Some(match element {
                None => item.ty.clone(),
                Some(ty) => types::join(&ty, &item.ty).unwrap_or(Type::Any),
            });
        }
        let ty = Type::List(Box::new(element.unwrap_or(Type::Any)));
        Expr { kind: ExprKind::List(items), ty, span }
    }

    fn record(&mut self, written: &[(ast::Name, ast::Expr)], span: Span) -> Expr {
        let mut fields: Vec<(SmolStr, Expr)> = Vec::with_capacity(written.len());
        for (key, value) in written {
            let value = self.data(value, "a field");
            if fields.iter().any(|(k, _)| *k == key.text) {
                self.duplicate_key(key);
            } else {
                fields.push((key.text.clone(), value));
            }
        }
        let mut ty = Type::Record(fields.iter().map(|(k, v)| (k.clone(), v.ty.clone())).collect());
        if !types::is_small(&ty) {
            ty = if types::holds_secret(&ty) { types::secret(Type::AnyRecord) } else { Type::AnyRecord };
        }
        Expr { kind: ExprKind::Record(fields), ty, span }
    }

    pub(super) fn name_expr(&self, id: NameId, span: Span) -> Expr {
        let ty = match self.type_of_name(id) {
            Type::Optional(inner) if self.here.known.contains(&id) => *inner,
            ty => ty,
        };
        Expr { kind: ExprKind::Name(id), ty, span }
    }

    /// Set in a scope that was left: in a rollback it may be null (B7); elsewhere the flow pass says so.
    fn hidden_name(&self, id: NameId, span: Span) -> Expr {
        let value = self.name_expr(id, span);
        if self.here.zone == Zone::Rollback {
            let ty = if self.here.known.contains(&id) { value.ty } else { types::optional(value.ty) };
            return Expr { ty, ..value };
        }
        value
    }

    /// A name that a rollback reads, and that its step sets on some ways only.
    fn unset_in_rollback(&self, value: &Expr) -> Option<&SmolStr> {
        let ExprKind::Name(id) = value.kind else { return None };
        let info = self.name_info(id)?;
        let late = self.here.zone == Zone::Rollback && !matches!(info.ty, Type::Optional(_) | Type::Null);
        (late && matches!(value.ty, Type::Optional(_))).then_some(&info.text)
    }

    fn name(&mut self, name: &SmolStr, span: Span) -> Expr {
        if let Some(id) = self.scopes.visible(name) {
            return self.name_expr(id, span);
        }
        if let Some(id) = self.scopes.hidden(name) {
            return self.hidden_name(id, span);
        }
        let found = Diagnostic::error(Code::UnknownName, format!("nothing is called `{name}`"), span, "not known here");
        if let Some(alias) = self.alias(name) {
            if alias.module.is_some() {
                self.report(
                    Diagnostic::error(
                        Code::UnknownName,
                        format!("`{name}` is a library, not a value"),
                        span,
                        "not a value",
                    )
                    .help(format!("name something of it: `{name}.…`")),
                );
            }
            return wrong(span);
        }
        let found = match name.as_str() {
            "it" => found.help("`it` is the element in `.where(…)`, `.all(…)`, `.any(…)`, `.map(…)`, `.sort_by(…)`"),
            "failure" => found.help("`failure` is given in `on failure { … }` and in the `else` of `try`"),
            _ if self.is_callable(name) => found.help(format!("`{name}` is called: `{name}(…)`")),
            _ if stdlib::LIBRARIES.iter().any(|(library, _)| library == name) => {
                if self.lost_alias() {
                    return wrong(span);
                }
                found.help(format!("it is a library: write `use \"std/{name}\"` at the top of the file"))
            }
            "time" | "date" | "datetime" => found.help("the time is `now()`, as text `now().format(\"%Y-%m-%d\")`"),
            "ENV" | "environ" | "os" => found.help("a variable of the environment is `env(\"NAME\")`"),
            "True" | "TRUE" | "yes" => self.suggest(found, span, Some("true")),
            "False" | "FALSE" | "no" => self.suggest(found, span, Some("false")),
            "None" | "NULL" | "nil" | "undefined" => self.suggest(found, span, Some("null")),
            _ => {
                let aliases: Vec<SmolStr> = self.aliases();
                let known = ["true", "false", "null"].into_iter().chain(NAMESPACES);
                let near =
                    did_you_mean(name, self.scopes.names().chain(aliases.iter().map(SmolStr::as_str)).chain(known));
                let near = near.map(str::to_owned);
                self.suggest(found, span, near.as_deref())
            }
        };
        self.unknown.push((name.clone(), found));
        wrong(span)
    }

    fn field(&mut self, of: &ast::Expr, field: &ast::Name, span: Span) -> Expr {
        if let ast::ExprKind::Name(name) = &of.kind
            && self.scopes.ever(name).is_none()
        {
            if let Some(alias) = self.alias(name) {
                return match alias.module {
                    Some(module) => self.module_value(module, name, field, span),
                    None => wrong(span),
                };
            }
            if NAMESPACES.contains(&name.as_str()) {
                let found = Diagnostic::error(
                    Code::UnknownField,
                    format!("`{name}` has actions, not fields"),
                    span,
                    "not a value",
                );
                self.report(found.help(format!("call one: `{name}.{}(…)`", field.text)));
                return wrong(span);
            }
        }
        let value = self.expr(of);
        let ty = self.field_type(&value, field);
        if ty == Type::Unknown {
            return wrong(span);
        }
        let hidden = matches!(value.ty, Type::Secret(_));
        let ty = if hidden { types::secret(ty) } else { ty };
        Expr { kind: ExprKind::Field(Box::new(value), field.text.clone()), ty, span }
    }

    fn module_value(&mut self, module: ModuleId, name: &str, field: &ast::Name, span: Span) -> Expr {
        let values = self.module(module).map(|m| m.values.clone()).unwrap_or_default();
        if let Some((_, id)) = values.iter().skip(1).find(|(n, _)| *n == field.text) {
            return self.name_expr(*id, span);
        }
        let found = Diagnostic::error(
            Code::UnknownName,
            format!("`{name}` has no `{}`", field.text),
            field.span,
            "not in this library",
        );
        let found = if self.module_has_action(module, &field.text) {
            found.help(format!("it is called: `{name}.{}(…)`", field.text))
        } else {
            let near = did_you_mean(&field.text, values.iter().skip(1).map(|(n, _)| n.as_str()));
            self.suggest(found, field.span, near)
        };
        self.report(found);
        wrong(span)
    }

    /// The type of a field; unknown ones are reported.
    fn field_type(&mut self, value: &Expr, field: &ast::Name) -> Type {
        let known: Vec<(SmolStr, Type)> = match types::plain(&value.ty) {
            Type::Any | Type::AnyRecord => return Type::Any,
            Type::Unknown => return Type::Unknown,
            Type::Record(fields) => fields.clone(),
            Type::Response => response_fields(),
            Type::Optional(inner) => {
                let wanted = (**inner).clone();
                self.mismatch(value, &wanted, &format!("what `.{}` is read of", field.text));
                return Type::Unknown;
            }
            _ => Vec::new(),
        };
        if let Some((_, ty)) = known.iter().find(|(k, _)| *k == field.text) {
            return ty.clone();
        }
        let of = types::name(&value.ty);
        let found = Diagnostic::error(
            Code::UnknownField,
            format!("`{of}` has no field `{}`", field.text),
            field.span,
            "no such field",
        );
        let found = if super::methods::exists(&field.text) {
            let edit = vec![(field.span, format!("{}()", field.text))];
            found.help(format!("a method has parentheses: `.{}()`", field.text)).fix("call it", edit)
        } else if let Type::List(_) = types::plain(&value.ty) {
            found.help(format!("ask its elements: `.map(it.{})`, or take one: `.first()`, `[0]`", field.text))
        } else {
            match did_you_mean(&field.text, known.iter().map(|(k, _)| k.as_str())) {
                Some(near) => self.suggest(found, field.span, Some(near)),
                None if known.is_empty() => found,
                None => {
                    found.help(format!("it has {}", list(&known.iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>())))
                }
            }
        };
        self.report(found);
        Type::Unknown
    }

    fn index(&mut self, of: &ast::Expr, at: &ast::Expr, span: Span) -> Expr {
        let value = self.expr(of);
        let hidden = matches!(value.ty, Type::Secret(_));
        let (at, ty) = match types::plain(&value.ty).clone() {
            Type::List(element) => (self.expect(at, &Type::Int, "an index"), *element),
            Type::AnyRecord => (self.expect(at, &Type::Str, "a key"), Type::Any),
            Type::Record(fields) => {
                let at = self.expect(at, &Type::Str, "a key");
                let known = text_of(&at).and_then(|key| fields.iter().find(|(k, _)| k == key));
                let ty = known.map_or(Type::Any, |(_, ty)| ty.clone());
                (at, ty)
            }
            Type::Any => (self.expr(at), Type::Any),
            Type::Unknown => {
                self.expr(at);
                return wrong(span);
            }
            other => {
                self.expr(at);
                self.mismatch(&value, &Type::List(Box::new(Type::Any)), "what is indexed");
                let _ = other;
                return wrong(span);
            }
        };
        let ty = if hidden { types::secret(ty) } else { ty };
        Expr { kind: ExprKind::Index(Box::new(value), Box::new(at)), ty, span }
    }

    fn if_else(&mut self, cond: &ast::Expr, then: &ast::Expr, otherwise: &ast::Expr, span: Span) -> Expr {
        let cond = self.condition(cond);
        let known = self.here.known.clone();
        self.here.known.extend(conditions::not_null(&cond, true));
        let then = self.data(then, "a value");
        self.here.known.clone_from(&known);
        self.here.known.extend(conditions::not_null(&cond, false));
        let otherwise = self.data(otherwise, "a value");
        self.here.known = known;
        let Some(ty) = types::join(&then.ty, &otherwise.ty) else {
            let wanted = then.ty.clone();
            self.mismatch(&otherwise, &wanted, "the value after `else`");
            return wrong(span);
        };
        let ty = if types::holds_secret(&cond.ty) { types::secret(ty) } else { ty };
        Expr { kind: ExprKind::If(Box::new((cond, then, otherwise))), ty, span }
    }
}

pub(super) fn response_fields() -> Vec<(SmolStr, Type)> {
    vec![
        ("status".into(), Type::Int),
        ("headers".into(), Type::AnyRecord),
        ("text".into(), Type::Str),
        ("url".into(), Type::Str),
        ("method".into(), Type::Str),
        ("duration".into(), Type::Duration),
    ]
}

/// The text of a string literal.
pub(super) fn text_of(value: &Expr) -> Option<&str> {
    match &value.kind {
        ExprKind::Value(Value::Str(text)) => Some(text),
        _ => None,
    }
}

fn is_literal(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Value(_))
}

fn numeric(value: &Expr) -> Option<String> {
    let text = text_of(value)?;
    text.parse::<i64>().ok().map(|n| n.to_string())
}

/// A string literal that is one of an enum's, also inside a list.
fn literal_fits(value: &Expr, wanted: &Type) -> bool {
    match (types::plain(wanted), &value.kind) {
        (Type::Optional(inner), _) => literal_fits(value, inner),
        (Type::Enum(options), ExprKind::Value(_)) => {
            text_of(value).is_some_and(|text| options.iter().any(|o| o == text))
        }
        (Type::List(inner), ExprKind::List(items)) => {
            items.iter().all(|item| literal_fits(item, inner) || types::fits(&item.ty, inner))
        }
        (Type::Record(wanted), ExprKind::Record(fields)) => {
            wanted.len() == fields.len()
                && wanted.iter().all(|(key, ty)| {
                    fields.iter().any(|(k, v)| k == key && (literal_fits(v, ty) || types::fits(&v.ty, ty)))
                })
        }
        (Type::Enum(options), ExprKind::If(parts)) => {
            let wanted = Type::Enum(options.clone());
            [&parts.1, &parts.2].into_iter().all(|v| literal_fits(v, &wanted) || types::fits(&v.ty, &wanted))
        }
        _ => false,
    }
}

/// A string that is known not to be one of an enum's.
fn literal_misses(value: &Expr, wanted: &Type) -> bool {
    match types::plain(wanted) {
        Type::Enum(_) => text_of(value).is_some() && value.ty != Type::Unknown,
        _ => false,
    }
}
