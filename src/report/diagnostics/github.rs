//! Annotations for the pages of GitHub: one workflow command a finding. What a name or a message holds cannot end one.
use crate::diag::{Diagnostic, Severity};
use crate::report::visible::{Colours, visible};
use crate::source::Sources;

#[must_use]
pub fn github(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let span = diagnostic.span();
    let ((line, column), (end_line, end_column)) = (sources.position(span), sources.position(span.after()));
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // A column is of one line only.
    let columns = if line == end_line { format!(",col={column},endColumn={end_column}") } else { String::new() };
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    format!(
        "::{command} file={},line={line},endLine={end_line}{columns},title={}::{}\n",
        property(sources.name(span.file)),
        diagnostic.code.name(),
        data(&format!("{}{help}", diagnostic.message)),
    )
}

fn data(text: &str) -> String {
    let one_line = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    visible(&one_line, Colours::Show).into_owned()
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;
    use crate::source::Span;

    #[test]
    fn a_name_or_a_message_cannot_end_the_command() {
        let mut sources = Sources::default();
        let file = sources.add("a,b::c\n%.rbk", "x\n");
        let found = Diagnostic::error(Code::Syntax, "expected `}`\n::set-output", Span::new(file, 0, 1), "here");
        assert_eq!(
            github(&found, &sources),
            "::error file=a%2Cb%3A%3Ac%0A%25.rbk,line=1,endLine=1,col=1,endColumn=2,title=syntax::expected `}`%0A::set-output\n"
        );
    }
    #[test]
    fn control_characters_are_shown() {
        let mut sources = Sources::default();
        let file = sources.add("a\x1b[2J.rbk", "x\n");
        let found = Diagnostic::error(Code::Syntax, "no `\x1b]0;a`\r", Span::new(file, 0, 1), "here");
        assert_eq!(
            github(&found, &sources),
            "::error file=a\\e[2J.rbk,line=1,endLine=1,col=1,endColumn=2,title=syntax::no `\\e]0;a`%0D\n"
        );
    }
}
