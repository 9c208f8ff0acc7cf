//! What is only a consequence of a text that could not be read: one mistake shows once.
use crate::diag::{Code, Diagnostic, Severity};
use crate::source::{Sources, Span};

/// Leave out what stands on a line that did not parse, and what such a line may have declared. Syntax errors stay.
pub fn drop(diagnostics: &mut Vec<Diagnostic>, sources: &Sources) {
    drop_explained(diagnostics);
    drop_placeholders(diagnostics, sources);
    let broken: Vec<(Span, &str)> = diagnostics
        .iter()
        .filter(|d| d.code == Code::Syntax && d.severity == Severity::Error)
        .filter_map(|d| line(d.span(), sources))
        .collect();
    if broken.is_empty() {
        return;
    }
    diagnostics.retain(|found| {
        let at = found.span();
        let on_line =
            broken.iter().any(|(line, _)| line.file == at.file && line.start <= at.start && at.start <= line.end);
        found.code == Code::Syntax || !on_line && !is_echo(found, &broken, sources)
    });
}

/// Leave out the doubts that something surer explains.
pub(super) fn drop_explained(diagnostics: &mut Vec<Diagnostic>) {
    // What is wrong may be the very write that an undo is about.
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    diagnostics.retain(|found| !failed || found.code != Code::IdleUndo);
    let idle = diagnostics.iter().filter(|d| d.code == Code::IdleUndo);
    let told: Vec<Span> = idle.flat_map(|d| d.labels.iter().map(|label| label.span)).collect();
    diagnostics.retain(|found| found.code != Code::UnsureCapture || !told.contains(&found.span()));
}

/// A `<name>` that is still to be filled in is no broken redirection besides.
fn drop_placeholders(found: &mut Vec<Diagnostic>, sources: &Sources) {
    let open: Vec<String> = found.iter().filter(|d| d.code == Code::Placeholder).map(|d| d.message.clone()).collect();
    found.retain(|d| {
        let written = sources.text(d.span());
        let is_one = written.starts_with('<') && written.ends_with('>');
        let told = is_one && open.iter().any(|message| message.starts_with(&format!("`{written}`")));
        d.code != Code::ShellSyntax || !told
    });
}

/// Whether a mistake can come from what a broken line did not say.
fn is_echo(found: &Diagnostic, broken: &[(Span, &str)], sources: &Sources) -> bool {
    let named = |name: &str| broken.iter().any(|(_, text)| words(text).any(|word| word == name));
    match found.code {
        // Given in a block whose statement may not have been read.
        Code::UnknownName if sources.text(found.span()) == "failure" => {
            broken.iter().any(|(_, text)| text.contains(['{', '}']))
        }
        Code::UnknownName | Code::UnknownAction | Code::MaybeUnset | Code::UnsetInRollback => {
            words(sources.text(found.span())).next().is_some_and(named)
        }
        // A bracket that is missing or too many moves everything below it.
        Code::MisplacedStatement => {
            let below = |line: &Span| line.file == found.span().file && line.start < found.span().start;
            broken.iter().any(|(line, text)| below(line) && text.contains(['{', '}']))
        }
        Code::MissingHeader => broken.iter().any(|(line, _)| line.file == found.span().file),
        _ => false,
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty())
}

/// The line where a span starts.
fn line(span: Span, sources: &Sources) -> Option<(Span, &str)> {
    let text = &sources.get(span.file)?.text;
    let at = (span.start as usize).min(text.len());
    let start = text.get(..at)?.rfind('\n').map_or(0, |n| n + 1);
    let end = text.get(at..)?.find('\n').map_or(text.len(), |n| at + n);
    Some((Span::new(span.file, start, end), text.get(start..end)?))
}
