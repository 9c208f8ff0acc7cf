//! Methods of values: what each is asked of, what it takes, what it gives.
use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::Type;

use super::elab::{Elab, wrong};
use super::exprs::response_fields;
use super::program::{EachMethod, Expr, ExprKind, Method, NameKind};
use super::types::{self, name, plain};

/// Whether any value has a method of this name.
pub(super) fn exists(name: &str) -> bool {
    names().any(|n| n == name)
}

fn names() -> impl Iterator<Item = &'static str> {
    Method::ALL.into_iter().map(Method::name).chain(EachMethod::ALL.into_iter().map(EachMethod::name))
}

/// What a method of a type takes and gives; None when the type has no such method.
fn signature(method: Method, of: &Type) -> Option<(Vec<Type>, Type)> {
    use Method as M;
    let any = *of == Type::Any;
    let text = any || matches!(of, Type::Str | Type::Enum(_));
    let element = match of {
        Type::List(element) => Some((**element).clone()),
        Type::Any => Some(Type::Any),
        _ => None,
    };
    let none = Vec::new();
    let string = vec![Type::Str];
    let list = |ty: Type| Type::List(Box::new(ty));
    let record = any || matches!(of, Type::Record(_) | Type::AnyRecord);
    Some(match method {
        M::Json if text || record || element.is_some() || matches!(of, Type::Response | Type::Bytes) => {
            (none, Type::Any)
        }
        M::Int if text || types::is_number(of) => (none, Type::Int),
        M::Decimal if text || types::is_number(of) => (none, Type::Decimal),
        M::Duration if text || types::is_number(of) || *of == Type::Duration => (none, Type::Duration),
        M::Lines if text => (none, list(Type::Str)),
        M::Len if text || record || element.is_some() || *of == Type::Bytes => (none, Type::Int),
        M::Trim | M::Lower | M::Upper if text => (none, Type::Str),
        M::Split if text => (string, list(Type::Str)),
        M::Contains if any => (vec![Type::Any], Type::Bool),
        M::Contains if text || record => (string, Type::Bool),
        M::Contains => (vec![element?], Type::Bool),
        M::First | M::Last | M::Min | M::Max => (none, element?),
        M::Sum => (none, element?),
        M::Percentile => (vec![Type::Decimal], element?),
        M::Join => {
            let element = element?;
            (string, if types::holds_secret(&element) { types::secret(Type::Str) } else { Type::Str })
        }
        M::Format if any || *of == Type::Time => (string, Type::Str),
        M::Get if any => (vec![Type::Any], Type::Any),
        M::Get if record => (string, Type::Any),
        M::Get => (vec![Type::Int], types::optional(element?)),
        M::Bytes if *of == Type::Size => (none, Type::Int),
        M::Bytes if text || matches!(of, Type::Bytes | Type::Response) => (none, Type::Bytes),
        M::StartsWith | M::EndsWith if text => (string, Type::Bool),
        M::Replace if text => (vec![Type::Str, Type::Str], Type::Str),
        M::Keys if record => (none, list(Type::Str)),
        M::Text if !matches!(of, Type::Null | Type::Optional(_) | Type::Conn(_) | Type::Nothing) => {
            let ty = if types::holds_secret(of) { types::secret(Type::Str) } else { Type::Str };
            (none, ty)
        }
        _ => return None,
    })
}

impl Elab<'_> {
    /// `value.method(args…)` on what is not a connection.
    pub(super) fn method(&mut self, value: Expr, called: &ast::Name, args: &[ast::Arg], span: Span) -> Expr {
        if value.ty == Type::Unknown {
            self.scopes.enter();
            if EachMethod::ALL.into_iter().any(|m| m.name() == called.text) {
                let it = self.new_name("it", called.span, Type::Unknown, NameKind::It);
                self.scopes.bind("it".into(), it);
            }
            self.args_alone(args);
            self.scopes.leave();
            return wrong(span);
        }
        if let Some(each) = EachMethod::ALL.into_iter().find(|m| m.name() == called.text) {
            return self.each(value, each, called, args, span);
        }
        let Some(method) = Method::ALL.into_iter().find(|m| m.name() == called.text) else {
            self.unknown_method(&value, called);
            self.args_alone(args);
            return wrong(span);
        };
        let of = plain(&value.ty).clone();
        let Some((wanted, gives)) = signature(method, &of) else {
            self.no_such_method(&value, called);
            self.args_alone(args);
            return wrong(span);
        };
        if args.len() != wanted.len() || args.iter().any(|a| a.name.is_some()) {
            let takes = match wanted.len() {
                0 => "no argument".to_owned(),
                1 => "one argument".to_owned(),
                n => format!("{n} arguments"),
            };
            let found = Diagnostic::error(
                Code::WrongArguments,
                format!("`.{}()` takes {takes}", called.text),
                called.span,
                format!("given {}", args.len()),
            );
            self.report(found.help("a method's arguments have no names"));
            self.args_alone(args);
            return Expr { ty: gives, ..wrong(span) };
        }
        let mut hidden = matches!(value.ty, Type::Secret(_));
        let what = format!("what `.{}()` takes", called.text);
        let args: Vec<Expr> = args.iter().zip(&wanted).map(|(a, ty)| self.expect(&a.value, ty, &what)).collect();
        hidden |= args.iter().any(|a| matches!(a.ty, Type::Secret(_)));
        if method == Method::Sum {
            self.summable(&value);
        }
        let ty = if hidden { types::secret(gives) } else { gives };
        Expr { kind: ExprKind::Method(Box::new(value), method, args), ty, span }
    }

    fn summable(&mut self, value: &Expr) {
        if let Type::List(element) = plain(&value.ty)
            && !matches!(
                plain(element),
                Type::Int | Type::Decimal | Type::Duration | Type::Size | Type::Any | Type::Unknown
            )
        {
            self.mismatch(value, &Type::List(Box::new(Type::Decimal)), "what is summed");
        }
    }

    /// `.where(it.ready)`: the argument once for each element.
    fn each(&mut self, value: Expr, each: EachMethod, called: &ast::Name, args: &[ast::Arg], span: Span) -> Expr {
        let element = match plain(&value.ty) {
            Type::List(element) => (**element).clone(),
            Type::Any => Type::Any,
            _ => {
                self.no_such_method(&value, called);
                return wrong(span);
            }
        };
        let [arg] = args else {
            let found = Diagnostic::error(
                Code::WrongArguments,
                format!("`.{}()` takes one argument", called.text),
                called.span,
                format!("given {}", args.len()),
            );
            self.report(found.help(format!("say it of `it`, the element: `.{}(it.ready)`", called.text)));
            return wrong(span);
        };
        self.scopes.enter();
        let it = self.new_name("it", called.span, element.clone(), NameKind::It);
        self.scopes.bind("it".into(), it);
        let body = match each {
            EachMethod::Where | EachMethod::All | EachMethod::Any => self.condition(&arg.value),
            EachMethod::Map | EachMethod::SortBy => self.data(&arg.value, "an element"),
        };
        self.scopes.leave();
        let list = |ty| Type::List(Box::new(ty));
        let ty = match each {
            EachMethod::Where | EachMethod::SortBy => list(element),
            EachMethod::All | EachMethod::Any => Type::Bool,
            EachMethod::Map => list(body.ty.clone()),
        };
        let hidden = matches!(value.ty, Type::Secret(_));
        let ty = if hidden { types::secret(ty) } else { ty };
        Expr { kind: ExprKind::Each(Box::new(value), each, it, Box::new(body)), ty, span }
    }

    fn unknown_method(&mut self, value: &Expr, called: &ast::Name) {
        let of = name(&value.ty);
        let found = Diagnostic::error(
            Code::UnknownAction,
            format!("no value has a method `{}`", called.text),
            called.span,
            format!("asked of `{of}`"),
        );
        let is_field = match plain(&value.ty) {
            Type::Record(fields) => fields.iter().any(|(k, _)| *k == called.text),
            Type::Response => response_fields().iter().any(|(k, _)| *k == called.text),
            _ => false,
        };
        let found = if is_field {
            found.help(format!("it is a field, without parentheses: `.{}`", called.text))
        } else {
            let near = match called.text.as_str() {
                "length" | "size" | "count" => Some("len"),
                "to_int" | "as_int" | "toInt" => Some("int"),
                "filter" => Some("where"),
                "sort" => Some("sort_by"),
                "to_s" | "to_string" | "str" | "string" => Some("text"),
                "strip" => Some("trim"),
                other => did_you_mean(other, names()),
            };
            self.suggest(found, called.span, near)
        };
        self.report(found);
    }

    fn no_such_method(&mut self, value: &Expr, called: &ast::Name) {
        let of = name(&value.ty);
        let found = Diagnostic::error(
            Code::UnknownAction,
            format!("`{of}` has no method `{}`", called.text),
            called.span,
            format!("asked of `{of}`"),
        );
        let help = match (plain(&value.ty), called.text.as_str()) {
            (Type::Null | Type::Optional(_), _) => "it may be null: test it first (`if x != null { … }`)".to_owned(),
            (Type::Response, _) => "ask for its text (`.text`) or its JSON (`.json()`)".to_owned(),
            (ty, _) => {
                let has: Vec<String> = Method::ALL
                    .into_iter()
                    .filter(|m| signature(*m, ty).is_some())
                    .map(|m| format!(".{}()", m.name()))
                    .collect();
                if has.is_empty() { "it has none".to_owned() } else { format!("it has {}", super::modules::list(&has)) }
            }
        };
        self.report(found.help(help));
    }
}
