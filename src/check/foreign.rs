//! `${name}` and `{{ name }}` of other languages: in a string they are text, and mostly not meant as text; in a command the
//! shell looks for a variable of its own.
use super::elab::Elab;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::SmolStr;

impl Elab<'_> {
    /// One warning for each in a string that names something in reach.
    pub(super) fn foreign_holes(&mut self, written: &ast::Str) {
        if written.kind == ast::StrKind::Raw {
            return;
        }
        for part in &written.parts {
            if let ast::Part::Text { text, span } = part
                && text.contains(['$', '{'])
            {
                self.foreign_in(*span);
            }
        }
    }

    /// One warning for each variable of a command that is named like something in reach: the shell knows only its own.
    pub(super) fn foreign_variables(&mut self, inherited: &[(SmolStr, Span)]) {
        for (name, span) in inherited {
            let given = self.here.env.iter().any(|(variable, _)| variable == name);
            if given || self.scopes.visible(name).is_none() {
                continue;
            }
            let written = self.sources.text(*span);
            let whole = written == format!("${{{name}}}") || written == format!("${name}");
            let message = format!("`${name}` is a variable of the shell, not `{name}` of this file");
            let found = Diagnostic::warning(Code::Syntax, message, *span, "taken from the environment");
            let found = found.help(format!("for the value write `#{{{name}}}`"));
            let edit = vec![(*span, format!("#{{{name}}}"))];
            self.report(if whole { found.fix(format!("write `#{{{name}}}`"), edit) } else { found });
        }
    }

    fn foreign_in(&mut self, span: Span) {
        let written = self.sources.text(span).to_owned();
        for (at, whole, name) in holes(&written) {
            if self.scopes.visible(name).is_none() {
                continue;
            }
            let start = span.start as usize + at;
            let span = Span::new(span.file, start, start + whole.len());
            let found = Diagnostic::warning(Code::Syntax, format!("`{whole}` is text here"), span, "stays as it is");
            let edit = vec![(span, format!("#{{{name}}}"))];
            self.report(
                found.help(format!("for the value write `#{{{name}}}`")).fix(format!("write `#{{{name}}}`"), edit),
            );
        }
    }
}

/// Where each starts, the whole of it, and the name in it.
fn holes(text: &str) -> Vec<(usize, &str, &str)> {
    let mut out = Vec::new();
    for (open, close) in [("${", "}"), ("{{", "}}")] {
        for (at, _) in text.match_indices(open) {
            let inner = text.get(at + open.len()..).and_then(|rest| rest.split_once(close));
            let Some((inner, _)) = inner else { continue };
            let name = inner.trim();
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if is_name && let Some(whole) = text.get(at..at + open.len() + inner.len() + close.len()) {
                out.push((at, whole, name));
            }
        }
    }
    out
}
