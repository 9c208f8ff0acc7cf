//! Texts of other languages in a script, read by grammars of those languages: is this a text of it at all?
//!
//! In: the text with something harmless in place of each value. Out: at most one [`Fault`], with its place in that text.
//! What a text does is decided elsewhere (`shell`, `sql`). A fault must be one for the real shell or server too: what a
//! grammar here is known to refuse wrongly, and what it would need too long for, is let through.
pub mod deeds;
pub mod shell;
pub mod sql;
pub mod text;

use std::ops::Range;

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Why a text is none of its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the text; empty at its end.
    pub at: Range<usize>,
    pub message: String,
    pub label: String,
    pub help: Option<&'static str>,
}

impl Fault {
    #[must_use]
    pub fn found(self, code: Code, at: Span) -> Diagnostic {
        let found = Diagnostic::error(code, self.message, at, self.label);
        match self.help {
            Some(help) => found.help(help),
            None => found,
        }
    }
}

/// The word or sign that stands at `from`.
fn token(text: &str, from: usize) -> Range<usize> {
    let rest = text.get(from..).unwrap_or("");
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let length = match rest.chars().next() {
        Some(first) if word(first) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
        Some(first) => first.len_utf8(),
        None => 0,
    };
    from..from + length
}
