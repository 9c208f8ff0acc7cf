//! What fits where, what two types have in common, and what a type is called.
use crate::source::Span;
use crate::syntax::ast;
pub(super) use crate::value::read::name;
use crate::value::types::Place;
use crate::value::{ConnKind, SmolStr, Type};

use super::elab::Elab;
use crate::diag::{Code, Diagnostic, did_you_mean};

/// Whether a value of `given` can stand where `wanted` is needed. Secrecy is judged apart.
pub(super) fn fits(given: &Type, wanted: &Type) -> bool {
    match (given, wanted) {
        (Type::Unknown, _) | (_, Type::Unknown) => true,
        (Type::Secret(g), Type::Secret(w)) => fits(g, w),
        (Type::Secret(g), w) => fits(g, w),
        (g, Type::Secret(w)) => fits(g, w),
        (Type::Conn(g), Type::Conn(w)) => g == w,
        (Type::Conn(_) | Type::Nothing, _) | (_, Type::Conn(_)) => false,
        (Type::Any, _) | (_, Type::Any) => true,
        (_, Type::Nothing) => true,
        (Type::Null, Type::Optional(_) | Type::Null) => true,
        (Type::Optional(g), Type::Optional(w)) => fits(g, w),
        (g, Type::Optional(w)) => fits(g, w),
        (Type::Int | Type::Decimal, Type::Decimal) | (Type::Enum(_), Type::Str) => true,
        (Type::Enum(g), Type::Enum(w)) => g.iter().all(|one| w.contains(one)),
        (Type::List(g), Type::List(w)) => fits(g, w),
        (Type::Record(_) | Type::AnyRecord, Type::AnyRecord) | (Type::AnyRecord, Type::Record(_)) => true,
        (Type::Record(g), Type::Record(w)) => {
            g.len() == w.len() && w.iter().all(|(k, w)| g.iter().any(|(n, g)| n == k && fits(g, w)))
        }
        (g, w) => g == w,
    }
}

/// The least type that both fit; nothing when they have nothing in common.
pub(super) fn join(a: &Type, b: &Type) -> Option<Type> {
    Some(match (a, b) {
        (a, b) if a == b => a.clone(),
        (Type::Unknown, other) | (other, Type::Unknown) => other.clone(),
        (Type::Secret(a), Type::Secret(b)) => secret(join(a, b)?),
        (Type::Secret(s), other) | (other, Type::Secret(s)) => secret(join(s, other)?),
        (Type::Conn(_) | Type::Nothing, _) | (_, Type::Conn(_) | Type::Nothing) => return None,
        (Type::Any, _) | (_, Type::Any) => Type::Any,
        (Type::Null, other) | (other, Type::Null) => optional(other.clone()),
        (Type::Optional(o), other) | (other, Type::Optional(o)) => {
            optional(join(o, if let Type::Optional(other) = other { other } else { other })?)
        }
        (Type::Int, Type::Decimal) | (Type::Decimal, Type::Int) => Type::Decimal,
        (Type::Str, Type::Enum(_)) | (Type::Enum(_), Type::Str) => Type::Str,
        (Type::Enum(a), Type::Enum(b)) => {
            Type::Enum(a.iter().chain(b.iter().filter(|one| !a.contains(one))).cloned().collect())
        }
        (Type::List(a), Type::List(b)) => Type::List(Box::new(join(a, b)?)),
        (Type::Record(a), Type::Record(b)) => join_records(a, b).unwrap_or(Type::AnyRecord),
        (Type::Record(_) | Type::AnyRecord, Type::Record(_) | Type::AnyRecord) => Type::AnyRecord,
        _ => return None,
    })
}

fn join_records(a: &[(SmolStr, Type)], b: &[(SmolStr, Type)]) -> Option<Type> {
    if a.len() != b.len() {
        return None;
    }
    let field = |(key, a): &(SmolStr, Type)| {
        let (_, b) = b.iter().find(|(k, _)| k == key)?;
        Some((key.clone(), join(a, b).unwrap_or(Type::Any)))
    };
    a.iter().map(field).collect::<Option<Vec<_>>>().map(Type::Record)
}

pub(super) fn secret(ty: Type) -> Type {
    match ty {
        Type::Secret(_) | Type::Unknown => ty,
        ty => Type::Secret(Box::new(ty)),
    }
}

pub(super) fn optional(ty: Type) -> Type {
    match ty {
        Type::Optional(_) | Type::Any | Type::Unknown | Type::Null => ty,
        ty => Type::Optional(Box::new(ty)),
    }
}

/// The type without its own secrecy.
pub(super) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Secret(inner) => inner,
        other => other,
    }
}

/// Whether a secret is anywhere in a value of this type.
pub(super) fn holds_secret(ty: &Type) -> bool {
    match ty {
        Type::Secret(_) => true,
        Type::List(inner) | Type::Optional(inner) => holds_secret(inner),
        Type::Record(fields) => fields.iter().any(|(_, ty)| holds_secret(ty)),
        Type::Any
        | Type::Null
        | Type::Bool
        | Type::Int
        | Type::Decimal
        | Type::Str
        | Type::Bytes
        | Type::Duration
        | Type::Size
        | Type::Time
        | Type::AnyRecord
        | Type::Enum(_)
        | Type::Response
        | Type::Conn(_)
        | Type::Nothing
        | Type::Code(_)
        | Type::Unknown => false,
    }
}

pub(super) fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Decimal)
}

/// Types that carry a unit.
pub(super) fn has_unit(ty: &Type) -> bool {
    matches!(ty, Type::Duration | Type::Size | Type::Time)
}

/// How much there is of a type, up to a bound: records in records can grow without one.
pub(super) fn is_small(ty: &Type) -> bool {
    fn count(ty: &Type, left: usize) -> usize {
        if left == 0 {
            return 0;
        }
        let left = left - 1;
        match ty {
            Type::List(inner) | Type::Optional(inner) | Type::Secret(inner) => count(inner, left),
            Type::Record(fields) => fields.iter().fold(left, |left, (_, ty)| count(ty, left)),
            _ => left,
        }
    }
    count(ty, 1_000) > 0
}

const NAMED: [&str; 15] = [
    "bool", "int", "decimal", "string", "bytes", "duration", "size", "time", "list", "record", "any", "secret",
    "response", "nothing", "null",
];

impl Elab<'_> {
    /// A type as written. An unknown one is reported and fits everything.
    pub(super) fn type_of(&mut self, written: &ast::TypeExpr) -> Type {
        match &written.kind {
            ast::TypeKind::Optional(inner) => optional(self.type_of(inner)),
            ast::TypeKind::Record(fields) => {
                let mut known: Vec<(SmolStr, Type)> = Vec::with_capacity(fields.len());
                for (field, ty) in fields {
                    let ty = self.type_of(ty);
                    if known.iter().any(|(k, _)| *k == field.text) {
                        self.duplicate_key(field);
                    } else {
                        known.push((field.text.clone(), ty));
                    }
                }
                Type::Record(known)
            }
            ast::TypeKind::Enum(options) => Type::Enum(options.iter().map(|o| self.written(o)).collect()),
            ast::TypeKind::Named(name, args) => self.named_type(name, args, written.span),
        }
    }

    /// A type that a value can be given in as text: on the command line, by a person.
    pub(super) fn given_type(&mut self, written: &ast::TypeExpr, what: &str) -> Type {
        let ty = self.type_of(written);
        if matches!(&ty, Type::Secret(_)) || matches!(&ty, Type::Optional(inner) if matches!(**inner, Type::Secret(_)))
        {
            let found = Diagnostic::error(
                Code::TypeMismatch,
                format!("{what} cannot be a secret"),
                written.span,
                "what is given as text is seen: in the process list, in the environment of every command",
            );
            self.report(
                found.help(
                    "declare it as a secret of the runbook: `secret name = env(\"NAME\")`, `file(…)`, `prompt(…)`",
                ),
            );
            return Type::Unknown;
        }
        if matches!(plain(&ty), Type::Conn(_) | Type::Response | Type::Nothing | Type::Code(_)) {
            let found = Diagnostic::error(
                Code::TypeMismatch,
                format!("{what} cannot be `{}`", name(&ty)),
                written.span,
                "nobody can write one down",
            );
            self.report(found.help("ask for what it is made of, a `string` for instance"));
            return Type::Unknown;
        }
        ty
    }

    fn named_type(&mut self, name: &ast::Name, args: &[ast::TypeExpr], span: Span) -> Type {
        let inner = match (name.text.as_str(), args) {
            ("list" | "secret", [one]) => self.type_of(one),
            ("list", []) => Type::Any,
            ("secret", []) => Type::Str,
            (_, []) => Type::Unknown,
            _ if !is_type(&name.text) => return self.unknown_type(name),
            _ => {
                let takes = if matches!(name.text.as_str(), "list" | "secret") { "one type" } else { "none" };
                self.report(Diagnostic::error(
                    Code::WrongArguments,
                    format!("`{}` takes {takes} in `< >`", name.text),
                    span,
                    "too many",
                ));
                return Type::Unknown;
            }
        };
        match name.text.as_str() {
            "bool" => Type::Bool,
            "int" => Type::Int,
            "decimal" => Type::Decimal,
            "string" => Type::Str,
            "bytes" => Type::Bytes,
            "duration" => Type::Duration,
            "size" => Type::Size,
            "time" => Type::Time,
            "list" => Type::List(Box::new(inner)),
            "secret" => secret(inner),
            "record" => Type::AnyRecord,
            "any" => Type::Any,
            "null" => Type::Null,
            "response" => Type::Response,
            "nothing" => Type::Nothing,
            "sql" => Type::Code(Place::Sql),
            "url" => Type::Code(Place::Url),
            "promql" => Type::Code(Place::PromQl),
            other => match ConnKind::ALL.into_iter().find(|k| k.name() == other) {
                Some(kind) => Type::Conn(kind),
                None => self.unknown_type(name),
            },
        }
    }

    fn unknown_type(&mut self, name: &ast::Name) -> Type {
        let near = match name.text.as_str() {
            "str" | "text" | "String" => Some("string"),
            "float" | "number" | "double" | "percent" | "ratio" => Some("decimal"),
            "integer" => Some("int"),
            "boolean" => Some("bool"),
            "object" | "map" | "dict" => Some("record"),
            "array" => Some("list"),
            other => did_you_mean(other, NAMED.into_iter().chain(ConnKind::ALL.map(ConnKind::name))),
        };
        let found =
            Diagnostic::error(Code::UnknownName, format!("no type is called `{}`", name.text), name.span, "not a type");
        self.report(match near {
            Some(_) => self.suggest(found, name.span, near),
            None => found.help(
                "the types: `string`, `int`, `decimal`, `bool`, `duration`, `size`, `time`, `bytes`, `list<string>`, `record`, `{ name: string }`, `any`",
            ),
        });
        Type::Unknown
    }
}

fn is_type(name: &str) -> bool {
    NAMED.contains(&name) || ConnKind::ALL.into_iter().any(|kind| kind.name() == name)
}
