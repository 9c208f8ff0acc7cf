//! A finding with its piece of the source, drawn by miette.
use std::borrow::Cow;
use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use crate::diag::{Diagnostic, Severity};
use crate::report::outside::Look;
use crate::report::visible::{Colours, is_control, visible};
use crate::source::{Sources, Span};

/// Columns below which nothing can be drawn.
const NARROWEST: usize = 30;

/// A label over more lines than this is drawn at its first line only.
const LINES: usize = 4;

/// Characters of a message or a label; a name in it may be as long as a file.
const WORDS: usize = 600;

/// Of a line with more bytes than this the part around its first label is drawn.
const LONGEST: usize = 400;

/// Several lines, ending in an empty one. Control characters are shown.
#[must_use]
pub fn human(diagnostic: &Diagnostic, sources: &Sources, look: Look) -> String {
    let theme = if look.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.width.clamp(NARROWEST, 120))
        .with_links(false)
        .without_syntax_highlighting();
    let drawn = Drawn::new(diagnostic, sources);
    let mut out = String::new();
    match handler.render_report(&mut out, &drawn) {
        Ok(()) => out.push('\n'),
        // A span outside the text; the finding is told all the same.
        Err(fmt::Error) => out = super::short(diagnostic, sources),
    }
    out
}

/// One finding as miette wants it: everything in one file, the rest as notes.
struct Drawn {
    code: &'static str,
    severity: Severity,
    message: String,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
    source: Excerpt,
}

impl Drawn {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Drawn {
        let file = diagnostic.span().file;
        let safe = |text: &str| visible(text, Colours::Show).into_owned();
        let source = Excerpt::new(diagnostic, sources);
        let mut labels = Vec::new();
        let mut elsewhere = Vec::new();
        for (i, label) in diagnostic.labels.iter().enumerate() {
            if label.span.file != file {
                let (line, column) = sources.position(label.span);
                let name = sources.name(label.span.file);
                elsewhere.push(format!("see {name}:{line}:{column}: {}", label.text));
                continue;
            }
            let (start, length) = source.clipped(label.span);
            let text = (!label.text.is_empty()).then(|| safe(&cut(&label.text)));
            labels.push(if i == 0 {
                LabeledSpan::new_primary_with_span(text, (start, length))
            } else {
                LabeledSpan::new_with_span(text, (start, length))
            });
        }
        let help = elsewhere.into_iter().chain(diagnostic.help.clone()).collect::<Vec<_>>();
        let help = (!help.is_empty()).then(|| {
            let lines: Vec<String> = help.iter().flat_map(|text| text.lines()).map(safe).collect();
            lines.join("\n")
        });
        Drawn {
            code: diagnostic.code.name(),
            severity: diagnostic.severity,
            message: safe(&cut(&diagnostic.message)),
            labels,
            help,
            source,
        }
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl miette::Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.labels.is_empty()).then_some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// The file's text with its name.
struct Excerpt {
    name: String,
    text: String,
    kept: Vec<Kept>,
    /// Where the finding is in `text`, and its column in the file, from 0.
    at: (usize, usize),
}

/// A piece of the file that stands in the text.
struct Kept {
    from: usize,
    to: usize,
    /// Where it begins in the text.
    here: usize,
}

impl Excerpt {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Excerpt {
        let at = diagnostic.span();
        let whole = sources.get(at.file).map_or("", |f| &f.text);
        let labels = diagnostic.labels.iter().map(|label| label.span).filter(|span| span.file == at.file);
        let starts: Vec<usize> = labels.map(|span| span.start as usize).collect();
        let name = visible(sources.name(at.file), Colours::Show).into_owned();
        let mut found = Excerpt { name, text: String::with_capacity(whole.len()), kept: Vec::new(), at: (0, 0) };
        let mut from = 0;
        for line in whole.split_inclusive('\n') {
            let end = from + line.len();
            if line.len() <= LONGEST {
                found.keep(whole, from, end);
            } else {
                let focus = starts.iter().copied().filter(|start| (from..end).contains(start)).min().unwrap_or(from);
                let first = whole.floor_char_boundary(focus.saturating_sub(LONGEST / 4).max(from));
                let last = whole.floor_char_boundary(end.min(first + LONGEST));
                found.text.push_str(if first > from { "… " } else { "" });
                found.keep(whole, first, last);
                found.text.push_str(if last < end { " …\n" } else { "" });
            }
            from = end;
        }
        found.at = (found.place(at.start as usize), sources.position(at).1.saturating_sub(1));
        found
    }

    fn keep(&mut self, whole: &str, from: usize, to: usize) {
        match self.kept.last_mut() {
            Some(last) if last.to == from && last.here + (from - last.from) == self.text.len() => last.to = to,
            _ => self.kept.push(Kept { from, to, here: self.text.len() }),
        }
        self.text.extend(whole.get(from..to).unwrap_or_default().chars().map(harmless));
    }

    /// Where a place of the file stands in the text; what was left out stands at the end of what is before it.
    fn place(&self, offset: usize) -> usize {
        let before = self.kept.partition_point(|kept| kept.from <= offset);
        let kept = before.checked_sub(1).and_then(|last| self.kept.get(last));
        kept.map_or(0, |kept| kept.here + offset.min(kept.to) - kept.from)
    }

    /// Start and length of a span; one over many lines is its first line.
    fn clipped(&self, span: Span) -> (usize, usize) {
        let (start, end) = (self.place(span.start as usize), self.place(span.end as usize));
        let Some(covered) = self.text.get(start..end) else { return (start, 0) };
        let long = covered.bytes().filter(|b| *b == b'\n').count() > LINES;
        let first = covered.lines().next().unwrap_or_default();
        (start, if long { first.trim_end().len() } else { covered.len() })
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(WORDS) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Of the same length in bytes, so that every offset stays true.
fn harmless(c: char) -> char {
    match (is_control(c), c.len_utf8()) {
        (false, _) => c,
        (true, _) if c == '\n' || c == '\r' => c,
        (true, 1) => '?',
        (true, 2) => '¿',
        (true, _) => '\u{fffd}',
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text.read_span(span, before, after)?;
        let named = contents.column() > 0 && span.offset() == self.at.0;
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            if named { self.at.1 } else { contents.column() },
            contents.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;

    const LOOK: Look = Look { terminal: false, colour: false, moves: false, width: 80, height: 24 };

    #[test]
    fn a_finding_is_drawn_with_its_source() {
        let mut sources = Sources::default();
        let file = sources.add("deploy.rbk", "step \"x\" {\n  $ rm -rf \x1bbuild\n}\n");
        let found = Diagnostic::error(
            Code::MissingRollback,
            "the step `x` has no rollback",
            Span::new(file, 0, 8),
            "this writes",
        )
        .label(Span::new(file, 13, 28), "here")
        .help("add `rollback { … }`");
        insta::assert_snapshot!(human(&found, &sources, LOOK), @r#"
        missing-rollback

          × the step `x` has no rollback
           ╭─[deploy.rbk:1:1]
         1 │ step "x" {
           · ────┬───
           ·     ╰── this writes
         2 │   $ rm -rf ?build
           ·   ───────┬───────
           ·          ╰── here
         3 │ }
           ╰────
          help: add `rollback { … }`
        "#);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_finding_is_drawn() {
        let mut sources = Sources::default();
        let text = format!("let a = 1\nlet x = {} oops {}\n", "é".repeat(40_000), "b".repeat(90_000));
        let at = text.find("oops").unwrap();
        let file = sources.add("a.rbk", text);
        let found = Diagnostic::error(Code::Syntax, "unexpected", Span::new(file, at, at + 4), "here");
        let drawn = human(&found, &sources, LOOK);
        assert!(drawn.contains("[a.rbk:2:40010]") && drawn.contains("éé oops bb"), "{drawn}");
        assert!(drawn.contains(" 2 │ … é") && drawn.contains("b …\n") && drawn.len() < 2000, "{drawn}");
        let all =
            Diagnostic::error(Code::Syntax, format!("`{}`", "x".repeat(90_000)), Span::new(file, 10, at + 99), "here");
        assert!(human(&all, &sources, LOOK).len() < 4000);
    }

    #[test]
    fn a_span_beyond_the_text_is_told_all_the_same() {
        let mut sources = Sources::default();
        let file = sources.add("a.rbk", "x");
        let found = Diagnostic::error(Code::Syntax, "expected `}`", Span::new(file, 7, 9), "here");
        assert!(human(&found, &sources, LOOK).contains("expected `}`"));
    }
}
