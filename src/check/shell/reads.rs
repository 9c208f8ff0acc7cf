//! Commands known only to read: those of the standard library and what scripts declare with `reads "…"`.
use crate::check::stdlib::COMMANDS;
use crate::value::SmolStr;

use super::pattern::{self, Pattern};
use super::table::{Table, count, quoted};
use super::tree::Word;

static STANDARD: Table<{ count(COMMANDS) }> =
    Table::new(quoted(COMMANDS), |line| Pattern::new(SmolStr::new_static(line)));

/// What scripts declare, beside the standard ones.
#[derive(Clone, Debug, Default)]
pub struct Reads {
    patterns: Vec<Pattern>,
}

impl Reads {
    /// `kubectl get`, `aws * describe-*` (the notation is in `pattern`).
    pub fn add(&mut self, line: SmolStr) {
        let text = line.trim();
        if text.len() < line.len() {
            return self.add(SmolStr::new(text));
        }
        if !text.is_empty() {
            self.patterns.push(Pattern::new(line));
        }
    }

    pub(super) fn knows(&self, words: &[Word]) -> bool {
        STANDARD.knows(words) || pattern::any(&self.patterns, words)
    }
}
