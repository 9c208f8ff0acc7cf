//! The parts of a command as one stream of symbols, each with its place.
use crate::source::{Sources, Span};
use crate::syntax::ast::{Expr, ExprKind, Part};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    Char(char),
    /// The index of a hole, in order.
    Hole(usize),
}

#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub symbol: Symbol,
    pub span: Span,
}

pub fn symbols(parts: &[Part]) -> Vec<Placed> {
    let length = |part: &Part| match part {
        Part::Text { text, .. } => text.len(),
        Part::Hole { .. } => 1,
    };
    let mut out = Vec::with_capacity(parts.iter().map(length).sum());
    let mut holes = 0;
    for part in parts {
        match part {
            Part::Hole { span, .. } => {
                out.push(Placed { symbol: Symbol::Hole(holes), span: *span });
                holes += 1;
            }
            Part::Text { text, span } => {
                // `\#{` and a removed indent make the text shorter than its place: then only the whole is known.
                let exact = text.len() == (span.end - span.start) as usize;
                for (at, c) in text.char_indices() {
                    let here = if exact {
                        let start = span.start as usize + at;
                        Span::new(span.file, start, start + c.len_utf8())
                    } else {
                        *span
                    };
                    out.push(Placed { symbol: Symbol::Char(c), span: here });
                }
            }
        }
    }
    out
}

/// A text whose margin was removed, as one part a line: then each character has its own place again.
#[must_use]
pub fn lines(parts: &[Part], sources: &Sources) -> Option<Vec<Part>> {
    let exact = |part: &Part| match part {
        Part::Text { text, span } => text.len() == (span.end - span.start) as usize,
        Part::Hole { .. } => true,
    };
    if parts.iter().all(exact) {
        return None;
    }
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Hole { span, .. } => {
                out.push(Part::Hole { expr: Expr { kind: ExprKind::Null, span: *span }, span: *span });
            }
            Part::Text { text, span } if exact(part) => out.push(Part::Text { text: text.clone(), span: *span }),
            Part::Text { text, span } => {
                let mut at = span.start as usize;
                for (line, written) in text.split_inclusive('\n').zip(sources.text(*span).split_inclusive('\n')) {
                    let start = at + written.len().saturating_sub(line.len());
                    at += written.len();
                    out.push(Part::Text { text: line.into(), span: Span::new(span.file, start, at) });
                }
            }
        }
    }
    Some(out)
}
