//! Pieces → the SQL that is sent, its parameters, and the way back from a position in it to the source.
use std::ops::Range;

use super::scan::Scanner;
use crate::check::program::How;
use crate::check::sql::{Copies, TAKES_PARAMETERS};
use crate::engine::Piece;
use crate::source::Span;
use crate::value::encode::sql;
use crate::value::{Value, show};

/// A statement ready to be sent.
#[derive(Debug)]
pub struct Statement {
    pub sql: String,
    /// In the order of `$1`, `$2`, …
    pub params: Vec<(Value, Span)>,
    /// Byte ranges of `sql` and where each comes from.
    places: Vec<(Range<usize>, Source)>,
    /// Whether it begins, ends or marks a transaction itself.
    pub controls_transaction: bool,
    /// Whether it does what no transaction takes back.
    pub acts: bool,
    /// The first word of each statement in it.
    words: Vec<String>,
}

/// What these words open can be sent alone in a read-only session: none of them ends a transaction or runs a procedure.
const PLAIN: [&str; 6] = ["select", "with", "values", "table", "show", "explain"];

#[derive(Clone, Copy, Debug)]
enum Source {
    Text(Span),
    Value(Span),
}

const TRANSACTION_WORDS: [&str; 9] =
    ["begin", "commit", "end", "rollback", "abort", "savepoint", "release", "start", "prepare"];

impl Statement {
    /// # Errors
    /// A value where none can stand (inside quotes or a comment), a secret that would have to be a literal,
    /// a value that has no literal; and where.
    pub fn new(pieces: &[Piece]) -> Result<Statement, (String, Span)> {
        let mut first = Scanner::default();
        for piece in pieces {
            if let Piece::Text { text, .. } = piece {
                first.read(text);
            }
        }
        let binds = first.words.first().is_some_and(|word| TAKES_PARAMETERS.contains(&word.as_str()));
        let mut out = Statement {
            sql: String::new(),
            params: Vec::new(),
            places: Vec::new(),
            controls_transaction: false,
            acts: false,
            words: Vec::new(),
        };
        let mut scanner = Scanner::default();
        for piece in pieces {
            let start = out.sql.len();
            match piece {
                Piece::Text { text, span } => {
                    scanner.read(text);
                    out.sql.push_str(text);
                    out.places.push((start..out.sql.len(), Source::Text(*span)));
                }
                Piece::Value { value, how, span } => {
                    let wrong = |e: String| (e, *span);
                    if *how == How::Raw {
                        let text = show::text(value).map_err(wrong)?;
                        scanner.read(&text);
                        out.sql.push_str(&text);
                    } else if let Some(inside) = scanner.inside() {
                        return Err(wrong(format!(
                            "a value cannot stand inside {inside}: there it would be text, not a value"
                        )));
                    } else {
                        let code = if *how == How::Ident {
                            sql::identifier(value).map_err(wrong)?
                        } else if binds {
                            out.params.push((value.clone(), *span));
                            format!("${}", out.params.len())
                        } else if let Value::Secret(secret) = value {
                            return Err(wrong(format!(
                                "the secret `{}` would stand in the statement's text, where the server logs it: this statement takes no parameters",
                                secret.name
                            )));
                        } else {
                            sql::literal(value).map_err(wrong)?
                        };
                        // Apart from its neighbours: `a$1` would be a name, `--5` a comment.
                        out.sql.push(' ');
                        out.sql.push_str(&code);
                        out.sql.push(' ');
                        scanner.read_value();
                    }
                    out.places.push((start..out.sql.len(), Source::Value(*span)));
                }
            }
        }
        out.controls_transaction = scanner.words.iter().any(|word| TRANSACTION_WORDS.contains(&word.as_str()));
        out.acts = crate::check::sql::acts(&out.sql);
        out.words = scanner.words;
        Ok(out)
    }

    /// One statement that asks and does nothing else; what it calls may do anything that a read-only transaction allows.
    #[must_use]
    pub fn is_plain_query(&self) -> bool {
        matches!(self.words.as_slice(), [word] if PLAIN.contains(&word.as_str())) && !self.acts && !self.sets()
    }

    /// One that no transaction takes, as far as its first words tell: CREATE DATABASE, VACUUM, CREATE INDEX CONCURRENTLY.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        if self.words.len() != 1 || !self.params.is_empty() {
            return false;
        }
        let mut words = self.sql.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut next = || words.next().unwrap_or_default().to_ascii_lowercase();
        let (first, second, third, fourth) = (next(), next(), next(), next());
        match (first.as_str(), second.as_str()) {
            ("vacuum", _) | ("create" | "drop", "database" | "tablespace") | ("alter", "system") => true,
            ("create" | "drop", "index") => third == "concurrently",
            ("create", "unique") => third == "index" && fourth == "concurrently",
            ("reindex", "database" | "system") => true,
            ("reindex", _) => third == "concurrently",
            _ => false,
        }
    }

    /// A setting that outlives its statement goes with its transaction.
    fn sets(&self) -> bool {
        self.sql.to_ascii_lowercase().contains("set_config")
    }

    /// Whether it copies from or to its client.
    #[must_use]
    pub fn copies(&self) -> bool {
        self.words.iter().any(|word| word == "copy") && (self.copy().is_some() || self.words.len() > 1 && !self.acts)
    }

    /// Which way it copies, when it does nothing else.
    #[must_use]
    pub fn copy(&self) -> Option<Copies> {
        crate::check::sql::copies(&self.sql)
    }

    /// The place in the source of a character (from 1) of the statement.
    #[must_use]
    pub fn place(&self, position: u32) -> Option<Span> {
        let nth = usize::try_from(position).ok()?.checked_sub(1)?;
        let byte = self.sql.char_indices().nth(nth).map_or(self.sql.len(), |(i, _)| i);
        // An error at the end of the text belongs to its last piece.
        let found = self.places.iter().find(|(range, _)| range.contains(&byte)).or(self.places.last());
        let (range, source) = found?;
        match source {
            Source::Value(span) => Some(*span),
            Source::Text(span) => {
                let length = (span.end - span.start) as usize;
                if length != range.len() {
                    // Escapes or indentation were taken out: the whole piece is as near as it gets.
                    return Some(*span);
                }
                let rest = self.sql.get(byte..range.end).unwrap_or("");
                let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let start = span.start as usize + (byte - range.start).min(length);
                Some(Span::new(span.file, start, start + word.max(1).min(rest.len())))
            }
        }
    }
}
