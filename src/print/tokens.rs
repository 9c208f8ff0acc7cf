//! A text as tokens: words, marks, and whole strings and commands; comments beside the token they stand above.
use std::ops::Range;

use crate::source::Span;
use crate::syntax::ast::Part;

/// What is taken over as it stands: a string, a command, a key.
#[derive(Clone, Copy)]
pub(super) struct Atom<'a> {
    pub span: Span,
    /// Of a `"""` text, whose lines share a margin: its parts.
    pub margin: Option<&'a [Part]>,
}

pub(super) struct Token<'t> {
    pub text: &'t str,
    pub start: usize,
    /// An empty line stands above it.
    pub blank: bool,
    /// Of a `"""` text: the places of its holes.
    pub margin: Option<Vec<Range<usize>>>,
    comments: Range<usize>,
}

#[derive(Clone, Copy)]
pub(super) struct Comment<'t> {
    pub text: &'t str,
    pub start: usize,
    /// It stands on a line of its own.
    pub own: bool,
    pub blank: bool,
}

pub(super) struct Tokens<'t> {
    tokens: Vec<Token<'t>>,
    comments: Vec<Comment<'t>>,
    at: usize,
    source: &'t str,
}

impl<'t> Tokens<'t> {
    pub fn read(text: &'t str, atoms: &[Atom<'_>]) -> Tokens<'t> {
        let mut reader =
            Reader { text, at: 0, lines: 0, begun: false, first: 0, out: Vec::new(), comments: Vec::new() };
        if text.starts_with('\u{FEFF}') {
            reader.at = '\u{FEFF}'.len_utf8();
        }
        for atom in atoms {
            // One in a hole of another is part of it.
            if (atom.span.start as usize) < reader.at {
                continue;
            }
            reader.until(atom.span.start as usize);
            reader.atom(atom);
        }
        reader.until(text.len());
        reader.push(text.len(), text.len(), None);
        Tokens { tokens: reader.out, comments: reader.comments, at: 0, source: text }
    }

    /// The next token; behind the last there is none.
    pub fn text(&self) -> &'t str {
        self.tokens.get(self.at).map_or("", |t| t.text)
    }

    /// Where the next token starts.
    pub fn start(&self) -> usize {
        self.tokens.get(self.at).map_or(self.source.len(), |t| t.start)
    }

    /// Whether an empty line stands above the next token.
    pub fn blank(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|t| t.blank)
    }

    pub fn take(&mut self) -> Option<&Token<'t>> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    /// All up to a place, as one.
    pub fn take_up_to(&mut self, end: usize) -> &'t str {
        let text = self.source.get(self.start()..end).unwrap_or("");
        while self.start() < end {
            self.at += 1;
        }
        text
    }

    /// Whether two places stand on different lines.
    pub fn breaks_between(&self, start: u32, end: u32) -> bool {
        self.source.get(start as usize..end as usize).is_some_and(|text| text.contains('\n'))
    }

    /// Leave the next token out; its comments now stand above the one behind.
    pub fn skip(&mut self) {
        let first = self.tokens.get(self.at).map_or(0, |t| t.comments.start);
        self.at += 1;
        if let Some(next) = self.tokens.get_mut(self.at) {
            next.comments.start = first;
        }
    }

    /// The comments above the next token.
    pub fn comments(&self) -> Vec<Comment<'t>> {
        let range = self.tokens.get(self.at).map_or(0..0, |t| t.comments.clone());
        self.comments.get(range).unwrap_or_default().to_vec()
    }

    /// Every token and where it starts.
    pub fn places(&self) -> impl Iterator<Item = (usize, &'t str)> {
        self.tokens.iter().filter(|t| !t.text.is_empty()).map(|t| (t.start, t.text))
    }

    /// Where the comments are.
    pub fn comment_places(&self) -> impl Iterator<Item = Range<usize>> {
        self.comments.iter().map(|c| c.start..c.start + c.text.len())
    }

    pub fn comment_texts(&self) -> Vec<&'t str> {
        self.comments.iter().map(|c| c.text).collect()
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Line breaks since the last token or comment.
    lines: usize,
    /// A token was read.
    begun: bool,
    /// The first comment above the next token.
    first: usize,
    out: Vec<Token<'t>>,
    comments: Vec<Comment<'t>>,
}

impl<'t> Reader<'t> {
    fn until(&mut self, end: usize) {
        while self.at < end {
            let rest = self.text.get(self.at..end).unwrap_or("");
            let Some(first) = rest.bytes().next() else { break };
            match first {
                b'\n' => {
                    self.lines += 1;
                    self.at += 1;
                }
                b'\t'..=b'\r' | b' ' | b';' => self.at += 1,
                b'#' => {
                    let line = rest.split('\n').next().unwrap_or(rest);
                    let own = self.lines > 0 || !self.begun;
                    let text = line.trim_end_matches([' ', '\t', '\r']);
                    self.comments.push(Comment { text, start: self.at, own, blank: self.lines > 1 });
                    self.lines = 0;
                    self.begun = true;
                    self.at += line.len();
                }
                _ => self.push(self.at, self.at + length(rest), None),
            }
        }
    }

    fn atom(&mut self, atom: &Atom<'_>) {
        let hole = |part: &Part| match part {
            Part::Hole { span, .. } => Some(span.start as usize..span.end as usize),
            Part::Text { .. } => None,
        };
        let margin = atom.margin.map(|parts| parts.iter().filter_map(hole).collect());
        self.push(atom.span.start as usize, atom.span.end as usize, margin);
    }

    fn push(&mut self, start: usize, end: usize, margin: Option<Vec<Range<usize>>>) {
        let comments = self.first..self.comments.len();
        self.first = self.comments.len();
        let text = self.text.get(start..end).unwrap_or("");
        self.out.push(Token { text, start, blank: self.lines > 1, margin, comments });
        self.lines = 0;
        self.begun = true;
        self.at = end;
    }
}

/// How long the word, number or mark at the start of a text is. Of marks only `->` has two characters here.
fn length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let count = |from: usize, inside: fn(&u8) -> bool| {
        from + bytes.get(from..).unwrap_or_default().iter().take_while(|b| inside(b)).count()
    };
    match bytes {
        [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => count(0, |b| b.is_ascii_alphanumeric() || *b == b'_'),
        [b'0'..=b'9', ..] => match date(bytes) {
            0 => number(bytes),
            length => length,
        },
        [b'-', b'>', ..] => 2,
        _ => rest.chars().next().map_or(1, char::len_utf8),
    }
}

fn number(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match bytes.get(at..).unwrap_or_default() {
            [b, ..] if b.is_ascii_alphanumeric() || *b == b'_' => at += 1,
            [b'.', b, ..] if b.is_ascii_digit() => at += 2,
            [b'%', ..] => return at + 1,
            _ => return at,
        }
    }
}

/// `2026-11-01`, `2026-11-01T08:00:00+01:00`; 0 when it is none.
fn date(bytes: &[u8]) -> usize {
    let shape = b"0000-00-00";
    let fits = |(b, s): (&u8, &u8)| if *s == b'0' { b.is_ascii_digit() } else { b == s };
    if bytes.len() < shape.len() || !bytes.iter().zip(shape).all(fits) {
        return 0;
    }
    let mut at = shape.len();
    if bytes.get(at) != Some(&b'T') {
        return at;
    }
    at += 1;
    loop {
        match bytes.get(at..).unwrap_or_default() {
            [b, ..] if b.is_ascii_alphanumeric() || *b == b':' => at += 1,
            [b'.' | b'+' | b'-', b, ..] if b.is_ascii_digit() => at += 2,
            _ => return at,
        }
    }
}
