//! String literals: escapes resolved, common indent removed, holes as expressions.
use super::super::ast::{Name, Part, Str, StrKind};
use super::super::grammar::Rule;
use super::super::tree::{Kids, Node};
use super::{Build, bad};
use crate::value::SmolStr;

impl Build {
    pub(super) fn str_of(&mut self, kids: &mut Kids<'_>) -> Str {
        match kids.eat(Rule::str) {
            Some(node) => self.str(node),
            None => Str { kind: StrKind::Plain, parts: Vec::new(), span: self.at(0, 0) },
        }
    }

    pub(super) fn str(&mut self, node: Node<'_>) -> Str {
        let first = node.kids().next();
        match first.map(Node::rule) {
            Some(Rule::block_tail) => {
                let parts = first.map(|tail| self.block_parts(tail)).unwrap_or_default();
                Str { kind: StrKind::Block, parts, span: self.span(node) }
            }
            Some(Rule::raw) => self.raw(node),
            _ => self.plain(node),
        }
    }

    fn raw(&mut self, node: Node<'_>) -> Str {
        let closed = self.closed(node);
        let (start, end) = (node.start() + 2, node.end() - usize::from(closed));
        let text = node.text().get(2..end - node.start()).unwrap_or("");
        let mut parts = room(0);
        if !text.is_empty() {
            parts.push(Part::Text { text: text.into(), span: self.at(start, end) });
        }
        Str { kind: StrKind::Raw, parts, span: self.span(node) }
    }

    /// Report a string that its line does not close.
    fn closed(&mut self, node: Node<'_>) -> bool {
        if node.unclosed().is_none() {
            return true;
        }
        self.error(
            "this string is not closed",
            self.span(node),
            "the line ends inside it",
            "close it with `\"`; a text of several lines stands in `\"\"\"`",
        );
        false
    }

    fn plain(&mut self, node: Node<'_>) -> Str {
        let closed = self.closed(node);
        let end = node.end() - usize::from(closed);
        let mut at = node.start() + 1;
        let mut parts = room(node.kids().filter(|n| n.rule() == Rule::hole).count());
        for hole in node.kids().filter(|n| n.rule() == Rule::hole) {
            self.escaped(node, at, hole.start(), &mut parts);
            parts.push(self.hole(hole));
            at = hole.end();
        }
        self.escaped(node, at, end, &mut parts);
        Str { kind: StrKind::Plain, parts, span: self.span(node) }
    }

    /// `node`'s text between two places, escapes resolved.
    fn escaped(&mut self, node: Node<'_>, start: usize, end: usize, parts: &mut Vec<Part>) {
        if start >= end {
            return;
        }
        let written = node.text().get(start - node.start()..end - node.start()).unwrap_or("");
        let text = if written.contains('\\') { self.unescape(written, start) } else { written.into() };
        parts.push(Part::Text { text, span: self.at(start, end) });
    }

    fn unescape(&mut self, written: &str, start: usize) -> SmolStr {
        let mut text = String::with_capacity(written.len());
        let mut rest = written;
        while let Some(at) = rest.find('\\') {
            let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
            text.push_str(before);
            let place = start + (written.len() - tail.len());
            let (length, char) = escape(tail);
            match char {
                Some(c) => text.push(c),
                None => {
                    let wrong = tail.get(..length).unwrap_or(tail);
                    self.error(
                        format!("`{wrong}` is not an escape"),
                        self.at(place, place + length),
                        "unknown escape",
                        "there are `\\n`, `\\t`, `\\r`, `\\0`, `\\\\`, `\\\"`, `\\u{…}` and `\\#{`; `\\\\` is a backslash, and `r\"…\"` takes every character as it is",
                    );
                }
            }
            rest = tail.get(length..).unwrap_or("");
        }
        text.push_str(rest);
        text.into()
    }

    pub(super) fn hole(&mut self, node: Node<'_>) -> Part {
        let span = self.span(node);
        let expr = match node.kids().next() {
            Some(inner) if inner.rule() == Rule::inner => self.deeper(1, span, |b| b.expr(inner)).unwrap_or(bad(span)),
            Some(skipped) if skipped.rule() == Rule::skipped && !is_whole(skipped.text()) => bad(span),
            _ => self.bad_hole(node),
        };
        Part::Hole { expr, span }
    }

    /// A string that names something: no holes.
    pub(super) fn constant(&mut self, node: Node<'_>) -> Name {
        let Str { parts, span, .. } = self.str(node);
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text { text: t, .. } => text.push_str(&t),
                Part::Hole { span, .. } => self.error(
                    "a key takes no `#{ }`",
                    span,
                    "the keys of a record are fixed",
                    "write the key out, or use a list of records with `name` and `value`",
                ),
            }
        }
        Name { text: text.into(), span }
    }

    /// Three quotes that nothing closes.
    pub(super) fn open_text(&mut self, start: usize, end: usize) {
        self.incomplete = true;
        self.text_open = true;
        let help = "close it with `\"\"\"` on a line of its own";
        self.error("this text is not closed", self.at(start, end), "opened here", help);
    }

    /// The parts of a `"""` text; `tail` starts behind the opening quotes.
    pub(super) fn block_parts(&mut self, tail: Node<'_>) -> Vec<Part> {
        let mut end = tail.end();
        if tail.kids().any(|n| n.rule() == Rule::open) {
            self.open_text(tail.start() - 3, tail.start());
        } else {
            end -= 3;
        }
        let holes: Vec<Node<'_>> = tail.kids().filter(|n| n.rule() == Rule::hole).collect();
        let shape = Shape::of(tail, end, &holes);
        let mut parts = room(holes.len());
        let mut at = shape.start;
        for hole in holes {
            shape.text(tail, at, hole.start(), self, &mut parts);
            parts.push(self.hole(hole));
            at = hole.end();
        }
        shape.text(tail, at, shape.end, self, &mut parts);
        parts
    }
}

/// Whether what was skipped up to the next `}` is the whole hole for sure.
fn is_whole(skipped: &str) -> bool {
    skipped.ends_with('}') && !skipped.contains(['{', '"', '\''])
}

/// Room for the parts of a text with so many holes: mostly none, and then one part.
pub(super) fn room(holes: usize) -> Vec<Part> {
    Vec::with_capacity(2 * holes + 1)
}

/// The length of the escape at the start of a text, and what it means.
fn escape(tail: &str) -> (usize, Option<char>) {
    let Some(mark) = tail.chars().nth(1) else { return (tail.len(), None) };
    let simple = |c| (2, Some(c));
    match mark {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        '0' => simple('\0'),
        '\\' => simple('\\'),
        '"' => simple('"'),
        '#' if tail.get(2..3) == Some("{") => simple('#'),
        'u' if tail.get(2..3) == Some("{") => {
            let digits = tail.get(3..).and_then(|t| t.split_once('}')).map_or("", |(d, _)| d);
            let char = (!digits.is_empty() && digits.len() <= 6)
                .then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32))
                .flatten();
            if char.is_some() { (digits.len() + 4, char) } else { (3, None) }
        }
        other => (1 + other.len_utf8(), None),
    }
}

/// Where a `"""` text starts and ends, and the indent all its lines share.
struct Shape<'t> {
    start: usize,
    end: usize,
    indent: &'t str,
}

impl<'t> Shape<'t> {
    fn of(tail: Node<'t>, end: usize, holes: &[Node<'t>]) -> Shape<'t> {
        let base = tail.start();
        let whole = tail.text().get(..end - base).unwrap_or("");
        let blank = |s: &str| s.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r'));
        let start = whole.find('\n').filter(|at| blank(whole.get(..*at).unwrap_or("x"))).map_or(0, |at| at + 1);
        let last = whole.rfind('\n').filter(|at| blank(whole.get(at + 1..).unwrap_or("x")));
        let stop = last.map_or(whole.len(), |at| at - usize::from(whole.get(..at).is_some_and(|w| w.ends_with('\r'))));
        let in_hole = |at: usize| holes.iter().any(|h| h.start() < base + at && base + at < h.end());
        let mut indent: Option<&str> = None;
        let mut line_start = start;
        for line in whole.get(start..stop.max(start)).unwrap_or("").split('\n') {
            let here = line_start;
            line_start += line.len() + 1;
            if blank(line) || here == 0 || in_hole(here) {
                continue;
            }
            let own = line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or("");
            indent = Some(match indent {
                None => own,
                Some(shared) => {
                    let same = shared.bytes().zip(own.bytes()).take_while(|(a, b)| a == b).count();
                    shared.get(..same).unwrap_or("")
                }
            });
        }
        Shape { start: base + start, end: base + stop.max(start), indent: indent.unwrap_or("") }
    }

    /// The text between two places, without the indent of each line that starts there.
    fn text(&self, tail: Node<'_>, start: usize, end: usize, build: &Build, parts: &mut Vec<Part>) {
        let written = tail.text().get(start - tail.start()..end.max(start) - tail.start()).unwrap_or("");
        let mut text = String::with_capacity(written.len());
        for (i, line) in written.split('\n').enumerate() {
            if i > 0 {
                text.push('\n');
            }
            let at_margin = i > 0 || start == self.start && start > tail.start();
            let cut = if at_margin {
                line.strip_prefix(self.indent).unwrap_or(line.trim_start_matches([' ', '\t']))
            } else {
                line
            };
            text.push_str(cut.strip_suffix('\r').unwrap_or(cut));
        }
        if text.contains("\\#{") {
            text = text.replace("\\#{", "#{");
        }
        if !text.is_empty() {
            parts.push(Part::Text { text: text.into(), span: build.at(start, end) });
        }
    }
}
