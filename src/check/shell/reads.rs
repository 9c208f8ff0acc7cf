//! Commands known only to read: those of the standard library and what scripts declare with `reads "…"`.
use crate::value::SmolStr;

use super::pattern::{self, Pattern};
use super::tree::Word;

#[derive(Clone, Debug, Default)]
pub struct Reads {
    patterns: Vec<Pattern>,
}

impl Reads {
    /// One pattern each: `kubectl get`, `aws * describe-*` (the notation is in `pattern`).
    #[must_use]
    pub fn new(lines: impl IntoIterator<Item = SmolStr>) -> Reads {
        let mut reads = Reads::default();
        for line in lines {
            reads.add(line);
        }
        reads
    }

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
        pattern::any(&self.patterns, words)
    }
}
