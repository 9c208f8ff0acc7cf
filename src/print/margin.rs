//! A `"""` text of several lines. What its lines share on the left is no part of it: they move with their statement, and the
//! text stays what it is.
use std::ops::Range;

use super::tokens::Token;

pub(super) struct Margin<'t> {
    /// `"""` or `$ """`, and what stands behind it.
    pub first: &'t str,
    /// The text starts behind the quotes: its first line break is its own.
    begins: bool,
    lines: Vec<Line<'t>>,
    /// What stands before the closing quotes' own line, if they have one.
    closing: Option<&'t str>,
}

enum Line<'t> {
    /// Without the margin; with its line break, if that is the text's.
    Moved(&'t str),
    /// It starts inside a hole.
    Kept(&'t str),
}

fn blank(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
}

impl<'t> Margin<'t> {
    /// Nothing when it is one line.
    pub fn of(token: &Token<'t>, holes: &[Range<usize>]) -> Option<Margin<'t>> {
        let text = token.text;
        let (head, body) = text.split_once('\n')?;
        let begins = !head.split_once("\"\"\"").is_some_and(|(_, behind)| blank(behind));
        let first = if begins { head } else { head.trim_end_matches([' ', '\t', '\r']) };
        let (body, closing) = match body.rsplit_once('\n') {
            Some((body, last)) if last.strip_suffix("\"\"\"").is_some_and(blank) => (Some(body), Some("\"\"\"")),
            None if body.strip_suffix("\"\"\"").is_some_and(blank) => (None, Some("\"\"\"")),
            _ => (Some(body), None),
        };
        let in_hole = |at: usize| holes.iter().any(|h| h.start < at && at < h.end);
        let mut lines = Vec::new();
        let mut at = token.start + head.len() + 1;
        for line in body.into_iter().flat_map(|b| b.split('\n')) {
            lines.push(if in_hole(at) { Line::Kept(line) } else { Line::Moved(line) });
            at += line.len() + 1;
        }
        let shared = shared(&lines);
        for line in &mut lines {
            *line = match (&*line, shared) {
                (Line::Moved(text), Some(shared)) => {
                    Line::Moved(text.strip_prefix(shared).unwrap_or(text.trim_start_matches([' ', '\t'])))
                }
                // Blanks alone share nothing: they are the text.
                (Line::Moved(text), None) | (Line::Kept(text), _) => Line::Kept(text),
            };
        }
        Some(Margin { first, begins, lines, closing })
    }

    /// All but the first line.
    pub fn write(&self, out: &mut String, nest: usize, step: usize, newline: &str) {
        let mut lines = self.lines.iter().peekable();
        out.push_str(if self.begins { "\n" } else { newline });
        while let Some(line) = lines.next() {
            match line {
                Line::Kept(text) => out.push_str(text),
                Line::Moved(text) => {
                    if !text.trim_end_matches('\r').is_empty() {
                        out.extend(std::iter::repeat_n(' ', nest + step));
                    }
                    out.push_str(text);
                }
            }
            if lines.peek().is_some() {
                out.push('\n');
            }
        }
        if let Some(quotes) = self.closing {
            if !self.lines.is_empty() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n(' ', nest));
            out.push_str(quotes);
        }
    }
}

/// The blanks that all lines start with; nothing when there is no line to tell by.
fn shared<'t>(lines: &[Line<'t>]) -> Option<&'t str> {
    let own = |line: &Line<'t>| match *line {
        Line::Moved(text) if !blank(text) => text.get(..text.len() - text.trim_start_matches([' ', '\t']).len()),
        Line::Moved(_) | Line::Kept(_) => None,
    };
    let both =
        |a: &'t str, b: &'t str| a.get(..a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()).unwrap_or("");
    lines.iter().filter_map(own).reduce(both)
}
