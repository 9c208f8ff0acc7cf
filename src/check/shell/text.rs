//! The parts of a command as one stream of symbols, each with its place.
use crate::source::Span;
use crate::syntax::ast::Part;

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
    let mut out = Vec::new();
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
