//! The parts of a literal as one text, and the way back from a place in it to the source.
use std::ops::Range;

use crate::check::verbatim;
use crate::source::{Sources, Span};
use crate::syntax::ast::{Part, StrKind};

pub struct Text<'a> {
    pub code: String,
    /// Where each part ends in `code`.
    parts: Vec<(usize, &'a Part)>,
    kind: StrKind,
}

impl<'a> Text<'a> {
    /// `instead` says what stands for each value, by its number from 0.
    pub fn new(parts: &'a [Part], kind: StrKind, mut instead: impl FnMut(usize) -> String) -> Text<'a> {
        let mut out = Text { code: String::new(), parts: Vec::with_capacity(parts.len()), kind };
        let mut values = 0;
        for part in parts {
            match part {
                Part::Text { text, .. } => out.code.push_str(text),
                Part::Hole { .. } => {
                    out.code.push_str(&instead(values));
                    values += 1;
                }
            }
            out.parts.push((out.code.len(), part));
        }
        out
    }

    /// Where `at` was written. The end of the text is its last character that is no blank.
    pub fn place(&self, at: &Range<usize>, sources: &Sources) -> Span {
        let last = self.code.trim_end().char_indices().next_back().map_or(0, |(i, _)| i);
        let start = at.start.min(last);
        let found = self.parts.iter().position(|(end, _)| start < *end);
        let Some((end, part)) = found.and_then(|i| self.parts.get(i)).or(self.parts.last()) else {
            return Span::default();
        };
        match part {
            Part::Hole { span, .. } => *span,
            Part::Text { text, span } => {
                let before = end - text.len();
                let inside = start - before..(at.end.max(start + 1) - before).min(text.len());
                written(&inside, &verbatim::pieces(text, sources.text(*span), self.kind, *span)).unwrap_or(*span)
            }
        }
    }
}

fn written(at: &Range<usize>, pieces: &[(std::sync::Arc<str>, Span)]) -> Option<Span> {
    let mut start = 0;
    for (piece, span) in pieces {
        let end = start + piece.len();
        if at.start < end {
            let from = span.start as usize;
            let exact = piece.len() == span.end as usize - from;
            let place = Span::new(span.file, from + at.start - start, from + at.end.min(end) - start);
            return Some(if exact { place } else { *span });
        }
        start = end;
    }
    None
}
