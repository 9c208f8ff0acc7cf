//! Commands known only to read: those of the standard library and what scripts declare with `reads "…"`.
use super::pattern::Pattern;
use super::tree::Word;

#[derive(Clone, Debug, Default)]
pub struct Reads {
    patterns: Vec<Pattern>,
}

impl Reads {
    /// One pattern each: `kubectl get`, `aws * describe-*` (the notation is in `pattern`).
    #[must_use]
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> Reads {
        let mut reads = Reads::default();
        for line in lines {
            reads.add(line);
        }
        reads
    }

    pub fn add(&mut self, line: &str) {
        if !line.trim().is_empty() {
            self.patterns.push(Pattern::parse(line));
        }
    }

    pub(super) fn knows(&self, words: &[Word]) -> bool {
        self.patterns.iter().any(|p| p.matches(words))
    }
}
