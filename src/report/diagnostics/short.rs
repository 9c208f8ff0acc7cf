//! One line a finding, for editors and `grep`: `file:line:column: code: message`.
use crate::diag::{Diagnostic, Severity};
use crate::report::visible::{Colours, visible};
use crate::source::Sources;

#[must_use]
pub fn short(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let span = diagnostic.span();
    let (line, column) = sources.position(span);
    let kind = match diagnostic.severity {
        Severity::Error => "",
        Severity::Warning => "warning: ",
    };
    let text = format!(
        "{}:{line}:{column}: {kind}{}: {}",
        sources.name(span.file),
        diagnostic.code.name(),
        diagnostic.message
    );
    visible(&text, Colours::Show).into_owned() + "\n"
}
