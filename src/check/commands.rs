//! `$ …`: every value gets its place, and the place of the command decides whether it writes (G1, G2).
use std::sync::Arc;

use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{SmolStr, Type, Value};

use super::elab::{Elab, Stance, wrong};
use super::embedded::{self, text::Text};
use super::program::{Class, CodePart, Command, Effect, Expr, ExprKind, How, Shell, Want};
use super::shell::{self, HoleUse};
use super::types;

impl Elab<'_> {
    pub(super) fn declare_reads(&mut self, patterns: &[ast::Str]) {
        for pattern in patterns {
            if let Some(ast::Part::Hole { span, .. }) =
                pattern.parts.iter().find(|p| matches!(p, ast::Part::Hole { .. }))
            {
                let found = Diagnostic::error(
                    Code::TypeMismatch,
                    "what a command is known to do holds no value",
                    *span,
                    "a value",
                );
                self.report(found.help("write `*` for what differs"));
                continue;
            }
            let line = self.written(pattern);
            self.reads.add(line);
        }
    }

    pub(super) fn command(&mut self, written: &ast::Command, want: Want) -> Expr {
        let span = written.span;
        let shell = self.module(self.here.module).map_or(Shell::Bash, |m| m.shell.clone());
        let placed = shell::lines(&written.parts, self.sources);
        let placed = placed.as_deref().unwrap_or(&written.parts);
        let analysis = shell::analyse(placed, &shell, &self.reads);
        let judged = shell == Shell::Bash && !analysis.direct && analysis.problems.is_empty();
        for found in analysis.problems {
            self.report(found);
        }
        for (name, at) in &analysis.variables {
            self.secret_variable(name, *at);
        }
        self.foreign_variables(&analysis.inherited);
        let mut code = Vec::with_capacity(written.parts.len());
        let mut holes = analysis.holes.into_iter();
        for part in &written.parts {
            match part {
                ast::Part::Text { text, span } => {
                    code.push(CodePart::Text { text: Arc::from(text.as_str()), span: *span });
                }
                ast::Part::Hole { expr, span } => {
                    let place = holes.next().unwrap_or(HoleUse { how: How::Bare, inner: None, argument: true });
                    code.push(self.word(expr, *span, &place));
                }
            }
        }
        if judged {
            self.shell_syntax(&written.parts, &code, &analysis.aimless);
            self.given_sql(placed);
        }
        let effect = self.effect_of(analysis.class);
        self.in_transaction(None, span);
        self.effect = self.effect.max(effect);
        self.here.wrote |= effect == Effect::Write;
        let command = Command {
            code,
            direct: analysis.direct,
            shell,
            class: analysis.class,
            effect,
            want,
            source: self.command_text(written),
        };
        Expr { kind: ExprKind::Command(Box::new(command)), ty: Type::Str, span }
    }

    /// A text that bash would refuse is refused before the run. What is raw nobody knows.
    fn shell_syntax(&mut self, parts: &[ast::Part], code: &[CodePart], aimless: &[Span]) {
        if code.iter().any(|part| matches!(part, CodePart::Value { how: How::Raw, .. })) {
            return;
        }
        if let Some(at) = aimless.first() {
            let written = self.sources.text(*at);
            let help = match written.strip_prefix('<').and_then(|w| w.strip_suffix('>')) {
                Some(name) if !name.is_empty() => {
                    format!("`<{name}>` is two redirections for a shell: for a value write `#{{…}}`")
                }
                _ => "write what it reads or writes behind it".to_owned(),
            };
            let found = Diagnostic::error(
                Code::ShellSyntax,
                "this redirection does not say from or to where",
                *at,
                "nothing follows",
            );
            self.report(found.help(help));
            return;
        }
        let text = Text::new(parts, ast::StrKind::Block, |_| "x".to_owned());
        if let Some(fault) = embedded::shell::fault(&text.code) {
            let at = text.place(&fault.at, self.sources);
            self.report(fault.found(Code::ShellSyntax, at));
        }
    }

    /// SQL that is given to `psql`: what its own commands and variables make of it only psql knows.
    fn given_sql(&mut self, parts: &[ast::Part]) {
        if !parts.iter().any(|part| matches!(part, ast::Part::Text { text, .. } if text.contains("psql"))) {
            return;
        }
        for code in shell::ran::ran(parts).into_iter().flat_map(|ran| ran.code) {
            let text = ["--command=", "-c"].iter().find_map(|o| code.text.strip_prefix(o)).unwrap_or(&code.text);
            if code.tool != "psql" || text.contains(shell::ran::COMPUTED) || psql_only(text) {
                continue;
            }
            let Some(fault) = embedded::sql::fault(text) else { continue };
            let end = text.trim_end().len();
            let last = text.get(..end).and_then(|t| t.char_indices().next_back()).map_or(0, |(i, _)| i);
            let (from, to) = (fault.at.start.min(last), fault.at.end.max(fault.at.start + 1).min(end.max(1)));
            let inside = self.sources.text(code.span).find(text).map(|at| code.span.start as usize + at);
            let at =
                inside.map_or(code.span, |start| Span::new(code.span.file, start + from, start + to.max(from + 1)));
            self.report(fault.found(Code::SqlSyntax, at));
        }
    }

    fn effect_of(&self, class: Class) -> Effect {
        match class {
            Class::Read => Effect::Read,
            Class::Write => Effect::Write,
            Class::Unknown if self.here.readonly || self.here.stance == Stance::Reads => Effect::Read,
            Class::Unknown => Effect::Write,
        }
    }

    /// As written, for people.
    fn command_text(&self, written: &ast::Command) -> SmolStr {
        let part = |p: &ast::Part| match p {
            ast::Part::Text { span, .. } | ast::Part::Hole { span, .. } => *span,
        };
        let (Some(first), Some(last)) = (written.parts.first(), written.parts.last()) else {
            return SmolStr::default();
        };
        SmolStr::new(self.sources.text(part(first).to(part(last))).trim())
    }

    /// A value in a command.
    fn word(&mut self, written: &ast::Expr, span: Span, place: &HoleUse) -> CodePart {
        let (value, how) = self.hole(written, false);
        let how = how.unwrap_or(place.how);
        let value = match types::plain(&value.ty) {
            Type::Null | Type::Optional(_) => {
                self.null_in(&value, "a command");
                wrong(value.span)
            }
            Type::Response | Type::Conn(_) | Type::Bytes => self.textual(value, "a command"),
            _ => value,
        };
        if types::holds_secret(&value.ty) {
            if place.argument {
                self.secret_argument(&value, span);
            }
        } else if let Some(tool) = &place.inner
            && how != How::Raw
            && !self.is_harmless(&value)
        {
            let found = Diagnostic::warning(
                Code::ValueInCode,
                format!("this value lands in code that `{tool}` interprets"),
                span,
                "quoted for the shell only",
            );
            self.report(found.help(
                "limit it (`param x: string where x matches r\"[a-z0-9_]+\"`), or pass it beside the code: an argument, a variable, standard input",
            ));
        }
        CodePart::Value { expr: value, how }
    }

    fn secret_argument(&mut self, value: &Expr, span: Span) {
        let name = self.sources.text(value.span).to_owned();
        let found = Diagnostic::error(
            Code::SecretInArguments,
            "a secret would stand in the process list",
            span,
            "an argument is visible to everyone on the machine",
        );
        self.report(found.help(format!(
            "give it on standard input (`with stdin({name}) {{ … }}`) or in the environment (`with env({{ NAME: {name} }}) {{ … }}`), and let the program read it from there"
        )));
    }

    /// `"$NAME"` of a secret variable is as visible as the secret itself.
    fn secret_variable(&mut self, name: &SmolStr, span: Span) {
        if self.here.env.iter().rev().find(|(n, _)| n == name).is_some_and(|(_, secret)| *secret) {
            let found = Diagnostic::error(
                Code::SecretInArguments,
                format!("`${name}` holds a secret, and would stand in the process list"),
                span,
                "the shell puts its value here",
            );
            self.report(
                found.help(
                    "let the program read the variable itself, or give it on standard input: `with stdin(x) { … }`",
                ),
            );
        }
    }

    /// `readonly $ …`: the author's word that it reads.
    pub(super) fn readonly(&mut self, inner: &ast::Expr, span: Span) -> Expr {
        let stance = std::mem::replace(&mut self.here.stance, Stance::Reads);
        let wrote = self.here.wrote;
        let mut value = self.any_expr(inner);
        self.here.stance = stance;
        self.here.wrote = wrote;
        if let ExprKind::Command(command) = &mut value.kind
            && command.class == Class::Write
        {
            // Said here, once.
            command.effect = Effect::Read;
            let found = Diagnostic::error(
                Code::WriteInReadonly,
                "this command is known to write",
                value.span,
                "not `readonly`",
            );
            self.report(found.help("write it in a step that says how it is undone"));
        }
        Expr { span, ..value }
    }

    /// A value whose type or whose `where` leaves nothing that other code could take for its own.
    fn is_harmless(&self, value: &Expr) -> bool {
        if let ExprKind::Name(id) = value.kind
            && self.harmless.contains(&id)
        {
            return true;
        }
        match (&value.kind, types::plain(&value.ty)) {
            (ExprKind::Value(Value::Str(text)), _) => plain_word(text),
            (_, Type::Enum(options)) => options.iter().all(|o| plain_word(o)),
            (_, Type::Bool | Type::Int | Type::Decimal | Type::Duration | Type::Size | Type::Time | Type::Unknown) => {
                true
            }
            (
                _,
                Type::Any
                | Type::Null
                | Type::Str
                | Type::Bytes
                | Type::List(_)
                | Type::Record(_)
                | Type::AnyRecord
                | Type::Optional(_)
                | Type::Secret(_)
                | Type::Response
                | Type::Conn(_)
                | Type::Nothing
                | Type::Code(_),
            ) => false,
        }
    }

    /// Whether a `where` limits its parameter to harmless words.
    pub(super) fn limits(&self, cond: &Expr, name: super::program::NameId) -> bool {
        use super::program::BinaryOp;
        match &cond.kind {
            ExprKind::And(left, right) => self.limits(left, name) || self.limits(right, name),
            ExprKind::Or(left, right) => self.limits(left, name) && self.limits(right, name),
            ExprKind::Binary(op, left, right) if matches!(left.kind, ExprKind::Name(id) if id == name) => {
                match (op, &right.kind) {
                    (BinaryOp::Matches, ExprKind::Value(Value::Str(pattern))) => plain_pattern(pattern),
                    (BinaryOp::In, ExprKind::List(items)) => {
                        items.iter().all(|i| matches!(&i.kind, ExprKind::Value(Value::Str(text)) if plain_word(text)))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

/// `\d`, `:name`, `:'name'`
fn psql_only(text: &str) -> bool {
    let variable = |at: usize| {
        let before = text.get(..at).is_some_and(|t| t.ends_with(':'));
        let after = text.get(at + 1..).and_then(|t| t.chars().next());
        !before && after.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '\'' | '"'))
    };
    text.contains('\\') || text.match_indices(':').any(|(at, _)| variable(at))
}

/// Characters that no language gives a meaning of their own inside a word.
fn plain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/' | '@' | '%' | '+' | ',')
}

fn plain_word(text: &str) -> bool {
    text.chars().all(plain_char)
}

/// Whether everything that a pattern lets through is a plain word. What is not understood is not.
fn plain_pattern(pattern: &str) -> bool {
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match (c, in_class) {
            ('\\', _) => match chars.next() {
                Some('d' | 'w' | 'b' | 'A' | 'z') => {}
                Some(escaped) if plain_char(escaped) && !escaped.is_ascii_alphabetic() => {}
                _ => return false,
            },
            ('[', false) => {
                if chars.peek() == Some(&'^') {
                    return false;
                }
                in_class = true;
            }
            ('[' | '&' | '~', true) => return false,
            (']', true) => in_class = false,
            ('.', false) => return false,
            ('(', false) if chars.peek() == Some(&'?') => {
                chars.next();
                if chars.next() != Some(':') {
                    return false;
                }
            }
            ('^' | '$' | '(' | ')' | '|' | '?' | '*' | '+', false) => {}
            ('{', false) => {
                for c in chars.by_ref() {
                    match c {
                        '}' => break,
                        '0'..='9' | ',' => {}
                        _ => return false,
                    }
                }
            }
            (c, false) if !plain_char(c) => return false,
            (c, true) if !plain_char(c) => return false,
            _ => {}
        }
    }
    plain_ranges(pattern)
}

/// A range must not reach over what lies between digits and letters: `[+-z]`.
fn plain_ranges(pattern: &str) -> bool {
    let same = |a: u8, b: u8| {
        a.is_ascii_digit() && b.is_ascii_digit()
            || a.is_ascii_lowercase() && b.is_ascii_lowercase()
            || a.is_ascii_uppercase() && b.is_ascii_uppercase()
    };
    pattern.as_bytes().windows(3).all(|w| match w {
        [a, b'-', b] if a.is_ascii() && b.is_ascii() => same(*a, *b) || matches!(b, b']' | b'\\') || *a == b'[',
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::plain_pattern;

    #[test]
    fn patterns_that_let_only_plain_words_through() {
        for pattern in
            [r"^v\d+\.\d+\.\d+$", r"[a-z_]+", r"^[a-z0-9-]{1,40}$", r"(blue|green)", r"[\w.]+", r"v\d+", r"[.\w-]+"]
        {
            assert!(plain_pattern(pattern), "{pattern}");
        }
        for pattern in [r".*", r"[^;]+", r"\S+", r"[a-z ]+", r"a;b", r"[!-~]+", r"[+-z]+", r"(?s:.)", r"'?[a-z]+"] {
            assert!(!plain_pattern(pattern), "{pattern}");
        }
    }
}
