//! `${name}` and `{{ name }}` of other languages: in a string they are text, and mostly not meant as text.
use super::elab::Elab;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

impl Elab<'_> {
    /// One warning for each that names something in reach; `span` is where the text stands.
    pub(super) fn foreign_holes(&mut self, span: Span) {
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
