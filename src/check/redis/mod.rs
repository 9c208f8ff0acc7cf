//! `cache.command("LPUSH", key, value)`: any command, its effect from the server's own table.
pub mod table;

use crate::diag::{Code, Diagnostic, did_you_mean};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::encode::redis::endless;
use crate::value::{SmolStr, Type, Value};

use self::table::{Known, Verdict};
use super::elab::{Elab, wrong};
use super::modules::list;
use super::program::{Arg, Call, Effect, Expr, ExprKind, Want};
use super::types;

const SHAPE: &str =
    "write it as `cache.command(\"LPUSH\", key, value)`: the name is a literal, each argument stands by itself";

impl Elab<'_> {
    pub(super) fn redis_command(&mut self, source: SmolStr, on: Option<Expr>, args: &[ast::Arg], span: Span) -> Expr {
        let Some((known, named)) = self.named_command(args, span) else {
            for arg in args.iter().skip(1) {
                self.any_expr(&arg.value);
            }
            return wrong(span);
        };
        let effect = match known.verdict {
            Verdict::Does(effect) => effect,
            Verdict::Refused { why, help } => {
                let at = args.first().map_or(span, |first| first.value.span);
                let name = shown(known.name);
                let found = Diagnostic::error(Code::RefusedCommand, format!("`{name}` {why}"), at, "not in a runbook");
                self.report(found.help(help));
                Effect::Read
            }
        };
        let values: Vec<Expr> = args.iter().map(|arg| self.redis_word(&arg.value)).collect();
        self.number_of_words(known, named, &values, span);
        if endless(&literals(&values)) {
            let name = shown(known.name);
            let found = Diagnostic::error(Code::OutOfRange, format!("`{name}` would wait for ever"), span, "no limit");
            self.report(found.help("say how long it may wait, in the unit of the command: 0 is no limit"));
        }
        self.in_transaction(on.as_ref(), span);
        self.effect = self.effect.max(effect);
        self.here.wrote |= effect == Effect::Write;
        let args = values.into_iter().map(|value| (SmolStr::new_static("word"), Arg::Value(value))).collect();
        let action = SmolStr::new_static("redis.command");
        let call = Call { action, source, on, args, effect, idempotent: false, want: Want::Value };
        Expr { kind: ExprKind::Call(Box::new(call)), ty: Type::Any, span }
    }

    /// The command that is meant, and how many arguments name it.
    fn named_command(&mut self, args: &[ast::Arg], span: Span) -> Option<(Known, usize)> {
        if let Some(name) = args.iter().find_map(|arg| arg.name.as_ref()) {
            let found = Diagnostic::error(
                Code::WrongArguments,
                "the arguments of a Redis command have no names",
                name.span,
                "a name",
            );
            self.report(found.help(SHAPE));
            return None;
        }
        let Some(first) = args.first() else {
            self.report(Diagnostic::error(Code::WrongArguments, "no command is named", span, "empty").help(SHAPE));
            return None;
        };
        let text = self.literal_word(&first.value)?.to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, sub) = match words.as_slice() {
            [name] => (*name, None),
            [name, sub] if table::subcommands(name).next().is_some() => (*name, Some((*sub).to_owned())),
            _ => {
                let found = Diagnostic::error(
                    Code::WrongArguments,
                    "this is not the name of a Redis command",
                    first.value.span,
                    if words.is_empty() { "empty" } else { "more than a name" },
                );
                self.report(found.help(SHAPE));
                return None;
            }
        };
        if table::subcommands(name).next().is_none() {
            return Some((self.known(name, name, table::all().map(|k| k.name), first.value.span)?, 1));
        }
        let (sub, at, named) = match (sub, args.get(1)) {
            (Some(sub), _) => (sub, first.value.span, 1),
            // `COMMAND` alone is one.
            (None, None) if name == "command" => return Some((table::find(name)?, 1)),
            (None, Some(second)) => (self.literal_word(&second.value)?.to_lowercase(), second.value.span, 2),
            (None, None) => {
                let subs: Vec<String> = table::subcommands(name).map(str::to_uppercase).collect();
                let message = format!("`{}` needs to be told what", shown(name));
                let found = Diagnostic::error(Code::WrongArguments, message, span, "its subcommand is missing");
                self.report(found.help(format!("it has {}", list(&subs))));
                return None;
            }
        };
        Some((self.known(&format!("{name}|{sub}"), &sub, table::subcommands(name), at)?, named))
    }

    /// `wanted` among `names`, of which the first is the whole name.
    fn known(
        &mut self,
        whole: &str,
        wanted: &str,
        names: impl Iterator<Item = &'static str>,
        at: Span,
    ) -> Option<Known> {
        if let Some(known) = table::find(whole) {
            return Some(known);
        }
        let message = format!("Redis has no command `{}`", shown(whole));
        let found = Diagnostic::error(Code::UnknownAction, message, at, "not a command of Redis 7.0");
        let near = did_you_mean(wanted, names).map(|near| match whole.split_once('|') {
            Some((command, _)) => format!("did you mean `{}`? ", shown(&format!("{command}|{near}"))),
            None => format!("did you mean `{}`? ", shown(near)),
        });
        let newer = "what a module or a newer server adds is run by `$ redis-cli …`";
        self.report(found.help(format!("{}{newer}", near.unwrap_or_default())));
        None
    }

    /// A word that decides what is done: it stands in the script itself.
    fn literal_word(&mut self, written: &ast::Expr) -> Option<SmolStr> {
        if let ast::ExprKind::Str(text) = &written.kind
            && text.parts.iter().all(|part| matches!(part, ast::Part::Text { .. }))
        {
            return Some(self.written(text));
        }
        if self.any_expr(written).ty != Type::Unknown {
            let found = Diagnostic::error(
                Code::BuiltCode,
                "the name of a Redis command is written as a literal where it is used",
                written.span,
                "built elsewhere",
            );
            self.report(found.help(SHAPE));
        }
        None
    }

    /// One word, or one each of a list.
    fn redis_word(&mut self, written: &ast::Expr) -> Expr {
        let value = self.expr(written);
        let each = match types::plain(&value.ty) {
            Type::List(of) => types::plain(of).clone(),
            other => other.clone(),
        };
        match each {
            Type::Duration | Type::Time => {
                let found = Diagnostic::error(
                    Code::UnitMismatch,
                    "Redis counts seconds in some commands and milliseconds in others",
                    value.span,
                    format!("this is `{}`", types::name(&value.ty)),
                );
                self.report(found.help("write the number in the unit of the command; `.expire(key, ttl)` and `.set(key, value, ttl: 5s)` take a duration"));
                wrong(value.span)
            }
            Type::Bytes => value,
            _ if matches!(types::plain(&value.ty), Type::List(of) if !matches!(types::plain(of), Type::List(_) | Type::Record(_) | Type::AnyRecord | Type::Null | Type::Optional(_))) => {
                value
            }
            _ => self.textual(value, "a Redis command"),
        }
    }

    fn number_of_words(&mut self, known: Known, named: usize, values: &[Expr], span: Span) {
        if values.iter().any(|v| matches!(types::plain(&v.ty), Type::List(_) | Type::Any | Type::Unknown)) {
            return;
        }
        let own = known.name.split('|').count();
        let given = i64::try_from(values.len() - named + own).unwrap_or(i64::MAX);
        let fits = if known.arity < 0 { given >= -known.arity } else { given == known.arity };
        if fits {
            return;
        }
        let wanted = known.arity.abs() - i64::try_from(own).unwrap_or(0);
        let least = if known.arity < 0 { "at least " } else { "" };
        let s = if wanted == 1 { "" } else { "s" };
        let message = format!("`{}` takes {least}{wanted} argument{s}", shown(known.name));
        let found = Diagnostic::error(Code::WrongArguments, message, span, "another number is given");
        self.report(found.help(SHAPE));
    }
}

fn shown(name: &str) -> String {
    name.to_uppercase().replace('|', " ")
}

/// What of the words is known before the run.
fn literals(values: &[Expr]) -> Vec<Option<&[u8]>> {
    values.iter().map(|value| literal(&value.kind)).collect()
}

fn literal(value: &ExprKind) -> Option<&[u8]> {
    match value {
        ExprKind::Value(Value::Str(text)) => Some(text.as_bytes()),
        ExprKind::Value(Value::Int(0)) => Some(b"0"),
        _ => None,
    }
}
