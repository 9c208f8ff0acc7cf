//! A finding with its piece of the source, drawn by miette.
use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use crate::diag::{Diagnostic, Severity};
use crate::report::outside::Look;
use crate::report::visible::{Colours, is_control, visible};
use crate::source::{FileId, Sources, Span};

/// Columns below which nothing can be drawn.
const NARROWEST: usize = 30;

/// A label over more lines than this is drawn at its first line only.
const LINES: usize = 4;

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
        let source = Excerpt::new(file, sources);
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
            let text = (!label.text.is_empty()).then(|| safe(&label.text));
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
            message: safe(&diagnostic.message),
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
}

impl Excerpt {
    fn new(file: FileId, sources: &Sources) -> Excerpt {
        let text = sources.get(file).map_or("", |f| &f.text);
        let name = visible(sources.name(file), Colours::Show).into_owned();
        Excerpt { name, text: text.chars().map(harmless).collect() }
    }
}

impl Excerpt {
    /// Start and length of a span; one over many lines is its first line.
    fn clipped(&self, span: Span) -> (usize, usize) {
        let start = (span.start as usize).min(self.text.len());
        let end = (span.end as usize).clamp(start, self.text.len());
        let Some(covered) = self.text.get(start..end) else { return (start, 0) };
        let long = covered.bytes().filter(|b| *b == b'\n').count() > LINES;
        let first = covered.lines().next().unwrap_or_default();
        (start, if long { first.trim_end().len() } else { covered.len() })
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
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
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
    fn a_span_beyond_the_text_is_told_all_the_same() {
        let mut sources = Sources::default();
        let file = sources.add("a.rbk", "x");
        let found = Diagnostic::error(Code::Syntax, "expected `}`", Span::new(file, 7, 9), "here");
        assert!(human(&found, &sources, LOOK).contains("expected `}`"));
    }
}
