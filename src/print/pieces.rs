//! A text cut into what an eye tells apart.
use std::ops::Range;

use super::said::Said;
use super::tokens::Tokens;
use crate::syntax::ast::{Ast, Stmt};

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Comment,
    /// A string with its quotes and holes.
    Text,
    /// A `$` command with its sign and holes.
    Command,
    Word,
    Number,
    Mark,
}

/// A piece, in bytes of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub kind: Kind,
    pub range: Range<usize>,
}

/// The pieces of a text, in its order; between them stand only blanks, line breaks and `;`. Any text has some: what was not
/// understood comes as words and marks.
#[must_use]
pub fn pieces(text: &str, ast: &Ast) -> Vec<Piece> {
    cut(text, &Said::of(ast))
}

/// The same, of a text of statements alone.
#[must_use]
pub fn of_statements(text: &str, stmts: &[Stmt]) -> Vec<Piece> {
    cut(text, &Said::of_statements(stmts))
}

fn cut(text: &str, said: &Said<'_>) -> Vec<Piece> {
    let tokens = Tokens::read(text, &said.atoms);
    let mut pieces: Vec<Piece> =
        tokens.places().map(|(start, token)| Piece { kind: kind(token), range: start..start + token.len() }).collect();
    pieces.extend(tokens.comment_places().map(|range| Piece { kind: Kind::Comment, range }));
    pieces.sort_by_key(|piece| piece.range.start);
    open(text, &mut pieces);
    pieces
}

/// A string that nothing closes goes up to the end of its line; of several lines, to that of the text.
fn open(text: &str, pieces: &mut Vec<Piece>) {
    let first = pieces.iter().position(|piece| text.get(piece.range.clone()).is_some_and(|token| token == "\""));
    let Some((at, start)) = first.and_then(|at| Some((at, pieces.get(at)?.range.start))) else { return };
    let rest = text.get(start..).unwrap_or_default();
    let end = match rest.find('\n') {
        Some(line) if !rest.starts_with("\"\"\"") => start + line,
        _ => text.len(),
    };
    let end = start + text.get(start..end).unwrap_or_default().trim_end().len();
    let last = pieces.iter().position(|piece| piece.range.start >= end).unwrap_or(pieces.len());
    pieces.splice(at..last, [Piece { kind: Kind::Text, range: start..end }]);
}

fn kind(token: &str) -> Kind {
    match token.as_bytes() {
        [b'"', ..] | [b'r', b'"', ..] => Kind::Text,
        [b'$', _, ..] => Kind::Command,
        [b'0'..=b'9', ..] => Kind::Number,
        [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => Kind::Word,
        _ => Kind::Mark,
    }
}
