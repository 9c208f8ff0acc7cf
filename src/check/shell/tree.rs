//! A shell text as far as the checker needs to know it: the simple commands, their words and redirections.
//! Loops, conditions and groups are flattened: what matters is what could run, not when.
use std::borrow::Cow;

use crate::source::Span;

#[derive(Clone, Debug, Default)]
pub struct Script {
    pub commands: Vec<Simple>,
    /// Something in it was not understood: nothing can be said about the whole.
    pub unparsed: bool,
    /// It has control flow, groups or more than one command.
    pub compound: bool,
}

/// One simple command: assignments, words, redirections.
#[derive(Clone, Debug, Default)]
pub struct Simple {
    pub assignments: Vec<Word>,
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
    /// The words are data (`for x in …`, `case x in`), not a command.
    pub data: bool,
    /// How the next command follows.
    pub then: Then,
    pub span: Span,
}

/// How the command that stands behind another one follows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// `;`, a new line, the end.
    #[default]
    Next,
    And,
    Or,
    /// It reads what this one writes.
    Pipe,
    /// At once: this one runs in the background.
    Background,
}

#[derive(Clone, Debug)]
pub struct Redirect {
    /// `<`, `>`, `>>`, `>&`, `&>`, `<<`, `<<<` …, without the descriptor.
    pub op: String,
    /// The target; of a here-document its body.
    pub target: Word,
}

#[derive(Clone, Debug, Default)]
pub struct Word {
    pub pieces: Vec<Piece>,
    pub quoted: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Piece {
    /// Outside quotes.
    Text(String),
    Quoted(String),
    /// The index of a hole.
    Hole(usize),
    Variable(String, Span),
    Substitution(Script),
    /// Arithmetic, `$'…'`: what it becomes is not looked at.
    Opaque,
}

impl Word {
    /// The word as the command gets it, when nothing in it is computed.
    #[must_use]
    pub fn literal(&self) -> Option<Cow<'_, str>> {
        if let [Piece::Text(t) | Piece::Quoted(t)] = self.pieces.as_slice() {
            return Some(Cow::Borrowed(t));
        }
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(t) | Piece::Quoted(t) => out.push_str(t),
                Piece::Hole(_) | Piece::Variable(..) | Piece::Substitution(_) | Piece::Opaque => return None,
            }
        }
        Some(Cow::Owned(out))
    }

    /// The literal text that opens the word, before anything computed.
    #[must_use]
    pub fn opening(&self) -> Cow<'_, str> {
        match self.pieces.as_slice() {
            [] => return Cow::Borrowed(""),
            [Piece::Text(t) | Piece::Quoted(t)] => return Cow::Borrowed(t),
            _ => {}
        }
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(t) | Piece::Quoted(t) => out.push_str(t),
                Piece::Hole(_) | Piece::Variable(..) | Piece::Substitution(_) | Piece::Opaque => break,
            }
        }
        Cow::Owned(out)
    }

    /// The literal text of the word, with a space for each computed piece.
    #[must_use]
    pub fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|p| match p {
                Piece::Text(t) | Piece::Quoted(t) => t.as_str(),
                Piece::Hole(_) | Piece::Variable(..) | Piece::Substitution(_) | Piece::Opaque => " ",
            })
            .collect()
    }

    /// The word is one unquoted literal, as keywords are.
    #[must_use]
    pub fn bare(&self) -> Option<&str> {
        match (self.quoted, self.pieces.as_slice()) {
            (false, [Piece::Text(t)]) => Some(t),
            _ => None,
        }
    }

    pub fn holes(&self) -> impl Iterator<Item = usize> + '_ {
        self.pieces.iter().filter_map(|p| match p {
            Piece::Hole(i) => Some(*i),
            _ => None,
        })
    }
}

impl Simple {
    /// Every word in it, redirections included.
    pub fn all_words(&self) -> impl Iterator<Item = &Word> {
        self.assignments.iter().chain(&self.words).chain(self.redirects.iter().map(|r| &r.target))
    }
}

impl Script {
    /// The commands of this text and of every substitution in it.
    pub fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Script)) {
        each(self);
        for word in self.commands.iter().flat_map(Simple::all_words) {
            for piece in &word.pieces {
                if let Piece::Substitution(inner) = piece {
                    inner.visit(each);
                }
            }
        }
    }
}
