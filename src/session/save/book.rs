//! A runbook as it was worked: what it declares, what ran of it, and what was typed, in the order in which that ran.
use std::collections::BTreeSet;
use std::ops::Range;

use super::About;
use super::pieces::{self, Piece, Place};
use crate::check::loaded::{is_declaration, units};
use crate::check::program::{Entry, Global};
use crate::session::book::{self, Book, Kind, Reached, State};
use crate::source::{FileId, Span};
use crate::syntax;
use crate::syntax::ast::{Ast, ItemKind, Runbook, Stmt, StmtKind};

/// As it was loaded.
pub struct Written<'a> {
    pub text: &'a str,
    ast: Ast,
    book: &'a Book,
    reached: &'a Reached,
}

impl<'a> Written<'a> {
    #[must_use]
    pub fn new(file: FileId, text: &'a str, book: &'a Book, reached: &'a Reached) -> Written<'a> {
        Written { text, ast: syntax::parse(file, text).ast, book, reached }
    }

    /// This input is the one that did this part. A `finally` is registered, whatever was undone since.
    #[must_use]
    pub fn stands(&self, unit: u32, number: u32) -> bool {
        let unit = unit as usize;
        self.reached.states.get(unit) == Some(&State::Done(number))
            || self.book.pieces.get(unit).is_some_and(|piece| piece.kind == Kind::Finally)
    }

    fn runbook(&self) -> Option<&Runbook> {
        self.ast.items.iter().find_map(|item| match &item.kind {
            ItemKind::Runbook(book) => Some(book),
            _ => None,
        })
    }

    pub fn declarations(&self, entry: &'a Entry, found: &mut Vec<Piece<'a>>) {
        let Some(book) = self.runbook() else { return };
        for stmt in book.body.stmts.iter().filter(|stmt| is_declaration(&stmt.kind)) {
            let place = match stmt.kind {
                StmtKind::OnSuccess(_) | StmtKind::OnFailure(_) => Place::Handler,
                _ => Place::Header,
            };
            let mut piece = pieces::piece(place, self.text, self.with_remarks(book, stmt));
            piece.global = entry.globals.iter().find(|global| stmt.span.contains(pieces::value(global).span));
            piece.binds = piece.global.map(Global::name);
            piece.stays = true;
            found.push(piece);
        }
    }

    pub fn part(&self, entry: &'a Entry, unit: u32, found: &mut Vec<Piece<'a>>) {
        let Some(book) = self.runbook() else { return };
        let Some(stmt) = units(book).get(unit as usize).copied() else { return };
        if found.iter().any(|piece| piece.part == Some(unit)) {
            return;
        }
        let mut piece = pieces::piece(Place::Body, self.text, self.with_remarks(book, stmt));
        piece.stmts = super::standing(entry, stmt.span);
        piece.stays = true;
        piece.part = Some(unit);
        found.push(piece);
    }

    /// A statement with the comments before it, and with one behind it on its line.
    fn with_remarks(&self, book: &Runbook, stmt: &Stmt) -> Span {
        let before = book.body.stmts.iter().take_while(|other| other.span != stmt.span).last();
        let begin = before.map_or(book.body.span.start + 1, |before| self.ended(before.span));
        let between = self.text.get(begin as usize..stmt.span.start as usize).unwrap_or_default();
        let rest = between.trim_start_matches([' ', '\t', ';']);
        // Of empty lines between them one stays.
        let rest = rest.strip_prefix('\n').unwrap_or(rest);
        let start = stmt.span.start - u32::try_from(rest.len()).unwrap_or_default();
        Span { start, end: self.ended(stmt.span), ..stmt.span }
    }

    /// Where a statement ends, with a comment that stands behind it.
    fn ended(&self, span: Span) -> u32 {
        let rest = self.text.get(span.end as usize..).unwrap_or_default().lines().next().unwrap_or_default();
        let remark = if rest.trim_start_matches([' ', '\t', ';']).starts_with('#') { rest.len() } else { 0 };
        span.end + u32::try_from(remark).unwrap_or_default()
    }

    /// The whole text, what is between its braces made of `pieces`; `text` gives that of each.
    pub fn whole(&self, pieces: &[Piece<'_>], about: &About<'_>, text: &dyn Fn(&Piece<'_>) -> String) -> String {
        let Some(book) = self.runbook() else { return String::new() };
        let of = |place: Place| pieces.iter().filter(move |piece| piece.place == place);
        let top = |is_use: bool| of(Place::Top).filter(move |piece| piece.alias.is_some() == is_use);
        let lines = |all: Vec<String>| all.join("\n");
        let last = book.body.stmts.last().map_or(book.body.span.start + 1, |stmt| self.ended(stmt.span));
        let (shebang, before) = match self.outside(0, book.body.span.start + 1, pieces) {
            text if text.starts_with("#!") => {
                let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
                (format!("{first}\n"), rest.to_owned())
            }
            text => (String::new(), text),
        };
        let after = self.outside(last, u32::try_from(self.text.len()).unwrap_or(u32::MAX), pieces);
        format!(
            "{shebang}# `{}` as it was worked at a console on {}, run {}.\n{}\n{before}\n{}\n\n{}\n\n{}\n{after}\n{}\n",
            self.book.name,
            about.day,
            about.run,
            lines(top(true).map(text).collect()),
            lines(of(Place::Header).map(text).collect()),
            self.body(pieces, text),
            lines(of(Place::Handler).map(text).collect()),
            lines(top(false).map(|piece| format!("\n{}", text(piece))).collect()),
        )
    }

    /// The statements in the order in which they ran; what is left out is named behind the part that it came after.
    fn body(&self, pieces: &[Piece<'_>], text: &dyn Fn(&Piece<'_>) -> String) -> String {
        let body: Vec<_> = pieces.iter().filter(|piece| piece.place == Place::Body).collect();
        let parts: BTreeSet<usize> = body.iter().filter_map(|piece| piece.part).map(|part| part as usize).collect();
        let next = |from: usize| parts.range(from..).next().copied().unwrap_or(self.book.pieces.len());
        let mut out = self.left_out(0..next(0));
        for (at, piece) in body.iter().enumerate() {
            out.push_str(&piece.wrapped(&text(piece)));
            out.push('\n');
            let goes_on = body.get(at + 1).is_some_and(|other| other.part == piece.part);
            if let Some(part) = piece.part.filter(|_| !goes_on) {
                let from = part as usize + 1;
                out.push_str(&self.left_out(from..next(from)));
            }
        }
        out
    }

    fn left_out(&self, which: Range<usize>) -> String {
        let parts = self.book.pieces.iter().zip(&self.reached.states).take(which.end).skip(which.start);
        let remark = |(part, state): (&book::Piece, &State)| {
            let why = match state {
                State::Done(_) => return None,
                State::Skipped => "skipped",
                State::Failed => "failed",
                State::NotYet => "not run",
            };
            Some(format!("\n# {why}: {}\n", part.name))
        };
        parts.filter_map(remark).collect()
    }

    /// What stands beside its statements, without the items that a person has typed anew.
    fn outside(&self, from: u32, to: u32, pieces: &[Piece<'_>]) -> String {
        let anew = |item: &&syntax::ast::Item| {
            let declared = pieces::declared(&item.kind).map(|(declared, _)| declared);
            declared.is_some() && pieces.iter().any(|piece| piece.declared == declared)
        };
        let (mut out, mut at) = (String::new(), from);
        let gone = self.ast.items.iter().filter(anew).filter(|item| item.span.start >= from && item.span.end <= to);
        for item in gone {
            out.push_str(self.text.get(at as usize..item.span.start as usize).unwrap_or_default());
            at = item.span.end;
        }
        out + self.text.get(at as usize..to as usize).unwrap_or_default()
    }
}
