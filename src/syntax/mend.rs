//! A `}` too few or too many: found by indentation, reported once, and mended so that the rest is read as it was meant.
use super::grammar::Rule;
use super::tree::{Node, Tree};
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// How many braces are mended before the rest is taken as it is.
pub(super) const LIMIT: usize = 8;

/// How many bytes are read again for that: a mistake is told without it, only what follows is read less well.
const BUDGET: usize = 1 << 18;

/// Whether the text is read once more.
pub(super) fn again(round: usize, text: &str) -> bool {
    round < LIMIT && (round + 1).saturating_mul(text.len()) <= BUDGET
}

/// A text with braces put in (and others blanked out): places in it are places in the text as written.
#[derive(Default)]
pub(super) struct Inserted {
    /// Where in the mended text, in order, and how many bytes.
    places: Vec<(usize, usize)>,
}

impl Inserted {
    pub fn origin(&self, at: usize) -> usize {
        let shift = |(place, length): &(usize, usize)| at.saturating_sub(*place).min(*length);
        at - self.places.iter().map(shift).sum::<usize>()
    }

    /// Where a place of the text as written is in the mended one.
    fn mended(&self, at: usize) -> usize {
        self.places.iter().fold(at, |at, (place, length)| if *place <= at { at + length } else { at })
    }

    fn insert(&mut self, at: usize, length: usize) {
        for (place, _) in self.places.iter_mut().filter(|(p, _)| *p >= at) {
            *place += length;
        }
        self.places.push((at, length));
        self.places.sort_unstable();
    }
}

struct Braces {
    open: usize,
    close: Option<usize>,
}

/// The mended text, and what to say; `told` is what the text as it is gives.
pub(super) fn mend(
    file: FileId,
    tree: &Tree<'_>,
    inserted: &mut Inserted,
    told: &[Diagnostic],
) -> Option<(String, Option<Diagnostic>)> {
    let all: Vec<Braces> = tree.all(Rule::block).map(braces).collect();
    match all.iter().rev().find(|b| b.close.is_none()) {
        Some(innermost) => Some(missing(file, tree.text, &all, innermost, inserted)),
        None => surplus(file, tree, &all, inserted, told),
    }
}

fn braces(node: Node<'_>) -> Braces {
    let closed = node.kids().all(|k| k.rule() != Rule::unclosed);
    Braces { open: node.start(), close: closed.then(|| node.end().saturating_sub(1)) }
}

/// A block that ends less indented than it starts took the `}` of the one around it.
fn missing(
    file: FileId,
    text: &str,
    all: &[Braces],
    innermost: &Braces,
    inserted: &mut Inserted,
) -> (String, Option<Diagnostic>) {
    let robber = |b: &&Braces| b.close.is_some_and(|c| opens_line(text, c) && indent(text, c) < indent(text, b.open));
    let culprit = all.iter().rev().find(robber);
    let open = culprit.unwrap_or(innermost).open;
    let (at, added) = match culprit {
        Some(b) => {
            let closing = format!("{}}}\n", " ".repeat(indent(text, b.open)));
            (line_that_leaves(text, b.open).unwrap_or(text.len()), closing)
        }
        None => match line_that_leaves(text, open).filter(|at| is_item(text, *at)) {
            Some(at) => (at, "}\n".to_owned()),
            None => (text.len(), format!("\n{}", "}".repeat(all.iter().filter(|b| b.close.is_none()).count()))),
        },
    };
    let span = Span::new(file, inserted.origin(open), inserted.origin(open + 1));
    let mut message = Diagnostic::error(Code::Syntax, "this block is not closed", span, "opened here");
    if let Some(close) = culprit.and_then(|b| b.close) {
        if line_start(text, close) != at {
            let first = at + indent(text, at);
            let above = Span::new(file, inserted.origin(first), inserted.origin(line_end(text, at)));
            message = message.label(above, "by its indentation this stands outside: it should close above");
        }
        let end = Span::new(file, inserted.origin(close), inserted.origin(close + 1));
        message = message.label(end, "closes it, though it stands under a block outside");
    }
    let message = message.help("add the `}` that closes it");
    let (front, back) = text.split_at_checked(at).unwrap_or((text, ""));
    let mended = format!("{front}{added}{back}");
    inserted.insert(at, added.len());
    (mended, Some(message))
}

/// A block that ends more indented than it starts was closed by a `}` too many; else the stray one itself is.
fn surplus(
    file: FileId,
    tree: &Tree<'_>,
    all: &[Braces],
    inserted: &mut Inserted,
    told: &[Diagnostic],
) -> Option<(String, Option<Diagnostic>)> {
    let text = tree.text;
    let stray = tree.kids().find(|k| k.rule() == Rule::stray)?.start();
    let early = |b: &Braces| b.close.filter(|c| opens_line(text, *c) && indent(text, *c) > indent(text, b.open));
    let culprit = all.iter().filter_map(early).filter(|c| *c < stray).min();
    let at = culprit.unwrap_or(stray);
    let span = Span::new(file, inserted.origin(at), inserted.origin(at + 1));
    if span.start == span.end {
        // One that was put in: the text is beyond mending.
        return None;
    }
    if let Some(moved) = brace_below(file, text, inserted, told) {
        return Some(moved);
    }
    if let Some(head) = told.iter().find(|d| opens(text, inserted.mended(d.span().start as usize), at)) {
        // Its block is there, only the bracket is not; else what opened it could not be read.
        let end = line_end(text, inserted.mended(head.span().start as usize));
        let (front, back) = text.split_at_checked(if needs_brace(head) { end } else { at })?;
        if needs_brace(head) {
            inserted.insert(end, 2);
            return Some((format!("{front} {{{back}"), Some(head.clone())));
        }
        return Some((format!("{front} {}", back.get(1..).unwrap_or("")), Some(head.clone())));
    }
    let label = if culprit.is_some() { "closes the block around it too early" } else { "nothing is open here" };
    let message = Diagnostic::error(Code::Syntax, "this `}` is one too many", span, label).help("remove it");
    let (front, back) = text.split_at_checked(at)?;
    Some((format!("{front} {}", back.get(1..).unwrap_or("")), Some(message)))
}

/// A `{` on a line of its own, below what it belongs to.
fn brace_below(
    file: FileId,
    text: &str,
    inserted: &mut Inserted,
    told: &[Diagnostic],
) -> Option<(String, Option<Diagnostic>)> {
    let heads =
        told.iter().filter(|d| needs_brace(d)).map(|d| line_end(text, inserted.mended(d.span().start as usize)));
    let below = |end: usize| text.get(end..).is_some_and(|rest| rest.trim_start().starts_with('{')).then_some(end);
    let end = heads.filter_map(below).next()?;
    let brace = end + text.get(end..)?.find('{')?;
    let span = Span::new(file, inserted.origin(brace), inserted.origin(brace + 1));
    let message =
        Diagnostic::error(Code::Syntax, "a block opens on the line of its statement", span, "on a line of its own")
            .help("write the `{` at the end of the line above");
    let mended = format!("{} {{{} {}", text.get(..end)?, text.get(end..brace)?, text.get(brace + 1..)?);
    inserted.insert(end, 2);
    Some((mended, Some(message)))
}

/// Whether the `}` at `close` ends what the line of `at` opens: all lines between are deeper than both.
fn opens(text: &str, at: usize, close: usize) -> bool {
    at < close
        && indent(text, at) == indent(text, close)
        && opens_line(text, close)
        && line_that_leaves(text, at) == Some(line_start(text, close))
}

fn needs_brace(told: &Diagnostic) -> bool {
    told.message.starts_with("expected `{`") && told.message.ends_with("found the end of the line")
}

/// Whether two places of a text start on one line.
pub(super) fn same_line(text: &str, a: Span, b: Span) -> bool {
    let (first, last) = (a.start.min(b.start) as usize, a.start.max(b.start) as usize);
    text.get(first..last).is_some_and(|between| !between.contains('\n'))
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|t| t.find('\n')).map_or(text.len(), |n| at + n)
}

fn opens_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or("").trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with('\n')
}

fn indent(text: &str, at: usize) -> usize {
    let line = text.get(line_start(text, at)..).unwrap_or("");
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The start of the first line below that is not deeper than the line of `open`.
fn line_that_leaves(text: &str, open: usize) -> Option<usize> {
    let limit = indent(text, open);
    let mut at = line_end(text, open) + 1;
    while at < text.len() {
        let line = text.get(at..line_end(text, at))?;
        if !line.trim().is_empty() && indent(text, at) <= limit {
            return Some(at);
        }
        at += line.len() + 1;
    }
    None
}

/// Whether a line opens an item: the block above it cannot go on there.
fn is_item(text: &str, at: usize) -> bool {
    let line = text.get(at..).unwrap_or("");
    ["runbook ", "action ", "extern ", "context ", "use "].iter().any(|word| line.starts_with(word))
}
