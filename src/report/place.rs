//! Where in the script something is: `deploy.rbk:14`, and that line.
use unicode_width::UnicodeWidthStr;

use crate::engine::event::Failure;
use crate::report::style::{Line, Tone};
use crate::source::{Sources, Span};

/// Characters of a line of the script that are shown.
const LONGEST: usize = 90;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'s> {
    pub file: &'s str,
    /// From 1.
    pub line: usize,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// None for a span that is not of these sources.
#[must_use]
pub fn of(sources: &Sources, span: Option<Span>) -> Option<Place<'_>> {
    let span = span?;
    let file = sources.get(span.file)?;
    Some(Place { file: &file.name, line: sources.position(span).0 })
}

/// The place and its line of the script: `at deploy.rbk:14: guard "room": …`.
#[must_use]
pub fn line(indent: usize, word: &str, sources: &Sources, span: Option<Span>) -> Option<Line> {
    let place = of(sources, span)?;
    let start = span.map_or(0, |span| span.start as usize);
    let text = sources.get(span?.file).map_or("", |file| &file.text);
    let from = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let written = text.get(from..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
    let short: String = written.chars().take(LONGEST).collect();
    let dots = if short.len() < written.len() { "…" } else { "" };
    Some(Line::new(indent).put(Tone::Doing, format!("{word} {place}")).put(Tone::Dim, format!(": {short}{dots}")))
}

/// What a wait waits for, as it is written: `until $ test -e ready`. `what`: the word before it.
#[must_use]
pub fn awaited(sources: &Sources, what: &str, span: Option<Span>) -> String {
    let written = span.map(|span| sources.text(span)).unwrap_or_default();
    let words: Vec<&str> =
        [what].into_iter().chain(written.split_whitespace()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The very place: its column, its line, and a mark under it. `at deploy.rbk:14:31: SELECT colum FROM t`.
fn marked(indent: usize, sources: &Sources, span: Span) -> Option<[Line; 2]> {
    let text = &sources.get(span.file)?.text;
    let (start, end) = (span.start as usize, span.end as usize);
    let (before, marked) = (text.get(..start)?, text.get(start..end)?.lines().next().unwrap_or(""));
    let head = before.get(before.rfind('\n').map_or(0, |at| at + 1)..)?.trim_start();
    let tail = text.get(start..)?.lines().next().unwrap_or("").trim_end();
    // Of a long line as much as leaves the place in sight.
    let skipped = head.chars().count().saturating_sub(LONGEST / 2);
    let head: String = head.chars().skip(skipped).collect();
    let tail: String = tail.chars().take(LONGEST / 2).collect();
    let (line, column) = sources.position(span);
    let place = format!("at {}:{line}:{column}", sources.name(span.file));
    let dots = if skipped > 0 { "…" } else { "" };
    let shown = format!(": {dots}{head}{tail}");
    let under = " ".repeat(place.width() + 2 + dots.width() + head.width());
    let mark = "^".repeat(marked.width().clamp(1, LONGEST / 2));
    Some([
        Line::new(indent).put(Tone::Doing, place).put(Tone::Dim, shown.replace('\t', " ")),
        Line::new(indent).put(Tone::Bad, format!("{under}{mark}")),
    ])
}

/// Where it failed, and who called what is written there.
#[must_use]
pub fn lines(indent: usize, sources: &Sources, failure: &Failure) -> Vec<Line> {
    let called = failure.called.filter(|called| Some(*called) != failure.span);
    let at: Vec<Line> = match failure.span.filter(|_| failure.inside).and_then(|span| marked(indent, sources, span)) {
        Some(lines) => lines.into(),
        None => line(indent, "at", sources, failure.span).into_iter().collect(),
    };
    at.into_iter().chain(line(indent, "called at", sources, called)).collect()
}
