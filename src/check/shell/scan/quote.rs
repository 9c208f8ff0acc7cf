//! Inside one word: quotes, escapes, `$…`.
use crate::check::program::How;
use crate::check::shell::text::Symbol;
use crate::check::shell::tree::{Piece, Script, Word};
use crate::source::Span;

use super::{End, Scan};

impl Scan {
    pub(super) fn word(&mut self) -> Word {
        let start = self.pos;
        let mut word = Word::default();
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Hole(i) => {
                    let piece = self.hole(i, How::Bare);
                    word.pieces.push(piece);
                }
                Symbol::Char(' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')') => break,
                Symbol::Char('<' | '>') => {
                    if self.peek_at(1) != Some(Symbol::Char('(')) {
                        break;
                    }
                    self.pos += 2;
                    let inner = self.nested(End::Paren);
                    word.pieces.push(Piece::Substitution(inner));
                }
                Symbol::Char('\'') => self.single(&mut word),
                Symbol::Char('"') => self.double(&mut word),
                Symbol::Char('\\') => self.escape(&mut word, false),
                Symbol::Char('$') => self.dollar(&mut word, false),
                Symbol::Char('`') => {
                    if self.backticks > 0 {
                        break;
                    }
                    self.backtick(&mut word);
                }
                Symbol::Char(c) => {
                    self.pos += 1;
                    push(&mut word, c, false);
                }
            }
        }
        word.span = self.since(start);
        word
    }

    pub(super) fn nested(&mut self, end: End) -> Script {
        // A here-document opened outside starts after the line that ends outside.
        let outer = std::mem::take(&mut self.pending);
        let script = self.script(end);
        self.unparsed |= !self.pending.is_empty();
        self.pending = outer;
        script
    }

    pub(super) fn single(&mut self, word: &mut Word) {
        self.pos += 1;
        word.quoted = true;
        word.pieces.push(Piece::Quoted(String::new()));
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Char('\'') => {
                    self.pos += 1;
                    return;
                }
                Symbol::Char(c) => {
                    self.pos += 1;
                    push(word, c, true);
                }
                Symbol::Hole(i) => {
                    let piece = self.hole(i, How::InSingle);
                    word.pieces.push(piece);
                }
            }
        }
        self.unparsed = true;
    }

    pub(super) fn double(&mut self, word: &mut Word) {
        self.pos += 1;
        word.quoted = true;
        word.pieces.push(Piece::Quoted(String::new()));
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Char('"') => {
                    self.pos += 1;
                    return;
                }
                Symbol::Char('\\') => self.escape(word, true),
                Symbol::Char('$') => self.dollar(word, true),
                Symbol::Char('`') => self.backtick(word),
                Symbol::Char(c) => {
                    self.pos += 1;
                    push(word, c, true);
                }
                Symbol::Hole(i) => {
                    let piece = self.hole(i, How::InDouble);
                    word.pieces.push(piece);
                }
            }
        }
        self.unparsed = true;
    }

    /// `in_quotes`: in `"…"` and here-documents a backslash escapes only a few characters.
    pub(super) fn escape(&mut self, word: &mut Word, in_quotes: bool) {
        self.pos += 1;
        match self.peek() {
            Some(Symbol::Char('\n')) => self.pos += 1,
            Some(Symbol::Char(c)) => {
                self.pos += 1;
                if in_quotes && !matches!(c, '$' | '`' | '"' | '\\') {
                    push(word, '\\', true);
                }
                word.quoted = true;
                push(word, c, true);
            }
            Some(Symbol::Hole(_)) => {
                self.refuse(
                    "a backslash before a value would undo its quoting",
                    "write `\\\\` for a literal backslash, or take it away",
                );
            }
            None => self.unparsed = true,
        }
    }

    pub(super) fn backtick(&mut self, word: &mut Word) {
        self.pos += 1;
        self.backticks += 1;
        let inner = self.nested(End::Backtick);
        self.backticks -= 1;
        word.pieces.push(Piece::Substitution(inner));
    }

    pub(super) fn dollar(&mut self, word: &mut Word, in_quotes: bool) {
        self.deeper(|scan| scan.after_dollar(word, in_quotes));
    }

    fn after_dollar(&mut self, word: &mut Word, in_quotes: bool) {
        let start = self.span();
        self.pos += 1;
        match self.peek() {
            Some(Symbol::Hole(_)) => {
                self.refuse("a `$` before a value would make it a variable", "write `\\$` for a literal dollar sign")
            }
            Some(Symbol::Char('(')) if self.at_text("((") => {
                self.pos += 2;
                self.arithmetic_to_end();
                word.pieces.push(Piece::Opaque);
            }
            Some(Symbol::Char('(')) => {
                self.pos += 1;
                let outer = std::mem::take(&mut self.backticks);
                let inner = self.nested(End::Paren);
                self.backticks = outer;
                word.pieces.push(Piece::Substitution(inner));
            }
            Some(Symbol::Char('{')) => self.expansion(word, start),
            Some(Symbol::Char('\'')) if !in_quotes => self.ansi(word),
            Some(Symbol::Char('"')) if !in_quotes => self.double(word),
            Some(Symbol::Char(c)) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                let mut span = start;
                while let Some(Symbol::Char(c)) = self.peek() {
                    if !c.is_ascii_alphanumeric() && c != '_' {
                        break;
                    }
                    span = span.to(self.span());
                    name.push(c);
                    self.pos += 1;
                }
                word.pieces.push(Piece::Variable(name, span));
            }
            Some(Symbol::Char(c)) if c.is_ascii_digit() || "?!$#@*-".contains(c) => {
                self.pos += 1;
                word.pieces.push(Piece::Variable(c.to_string(), start));
            }
            Some(Symbol::Char(_)) | None => push(word, '$', in_quotes),
        }
    }

    /// `${…}`
    pub(super) fn expansion(&mut self, word: &mut Word, start: Span) {
        self.pos += 1;
        let mut name = String::new();
        if self.at('#') || self.at('!') {
            self.pos += 1;
        }
        while let Some(Symbol::Char(c)) = self.peek() {
            if !c.is_ascii_alphanumeric() && c != '_' {
                break;
            }
            name.push(c);
            self.pos += 1;
        }
        let mut rest = Word::default();
        loop {
            let span = start.to(self.span());
            match self.peek() {
                None => {
                    self.unparsed = true;
                    return;
                }
                Some(Symbol::Char('}')) => {
                    self.pos += 1;
                    word.pieces.push(Piece::Variable(name, span));
                    let inner = rest
                        .pieces
                        .into_iter()
                        .filter(|p| matches!(p, Piece::Substitution(_) | Piece::Variable(..) | Piece::Hole(_)));
                    word.pieces.extend(inner);
                    return;
                }
                Some(Symbol::Hole(i)) => {
                    self.refuse(
                        "a value cannot be quoted inside `${…}`",
                        "bind it with `with env({ NAME: … })`, or choose with `if … then … else` outside the command",
                    );
                    let piece = self.hole(i, How::InDouble);
                    rest.pieces.push(piece);
                }
                Some(Symbol::Char('\\')) => self.escape(&mut rest, true),
                Some(Symbol::Char('$')) => self.dollar(&mut rest, true),
                Some(Symbol::Char('"')) => self.double(&mut rest),
                Some(Symbol::Char('`')) => self.backtick(&mut rest),
                Some(Symbol::Char(_)) => self.pos += 1,
            }
        }
    }

    /// `$'…'`
    pub(super) fn ansi(&mut self, word: &mut Word) {
        self.pos += 1;
        word.quoted = true;
        word.pieces.push(Piece::Opaque);
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Char('\'') => {
                    self.pos += 1;
                    return;
                }
                Symbol::Char('\\') => {
                    self.pos += 1;
                    if matches!(self.peek(), Some(Symbol::Char(_))) {
                        self.pos += 1;
                    }
                }
                Symbol::Char(_) => self.pos += 1,
                Symbol::Hole(i) => {
                    self.refuse("a value cannot be quoted inside `$'…'`", "put it outside the quotes");
                    let piece = self.hole(i, How::InSingle);
                    word.pieces.push(piece);
                }
            }
        }
        self.unparsed = true;
    }

    /// After `((` up to `))`: the shell evaluates what stands in it, array indexes with commands included.
    pub(super) fn arithmetic_to_end(&mut self) {
        let mut depth = 0u32;
        let mut inside = Word::default();
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Char(')') if depth == 0 && self.at_text("))") => {
                    self.pos += 2;
                    return;
                }
                Symbol::Char('(') => {
                    depth += 1;
                    self.pos += 1;
                }
                Symbol::Char(')') => {
                    depth = depth.saturating_sub(1);
                    self.pos += 1;
                }
                Symbol::Char('$') => {
                    self.dollar(&mut inside, true);
                    // A command in it could do anything.
                    self.unparsed |= inside.pieces.iter().any(|p| matches!(p, Piece::Substitution(_)));
                }
                Symbol::Char(_) => self.pos += 1,
                Symbol::Hole(i) => {
                    self.hole(i, How::InDouble);
                    self.arithmetic.push(i);
                }
            }
        }
        self.unparsed = true;
    }
}

pub(super) fn push(word: &mut Word, c: char, quoted: bool) {
    match (word.pieces.last_mut(), quoted) {
        (Some(Piece::Quoted(t)), true) | (Some(Piece::Text(t)), false) => t.push(c),
        (_, true) => word.pieces.push(Piece::Quoted(c.to_string())),
        (_, false) => word.pieces.push(Piece::Text(c.to_string())),
    }
}
