//! Words of the language that a `$` has taken into its command: it goes to the end of its line.
use crate::diag::{Code, Diagnostic};
use crate::source::{Sources, Span};

/// `until $ test -e x unless $(…)`: the command has `unless` and what follows among its words.
pub(super) fn unless(sources: &Sources, until: Span) -> Option<Diagnostic> {
    const WORD: &str = " unless ";
    let text = sources.text(until);
    let at = text.find("$ ").map(|at| at + 2).filter(|at| !text.get(..*at).unwrap_or_default().contains("$("))?;
    let command = text.get(at..)?.lines().next()?;
    let open = |before: &str, quote: char| before.matches(quote).count() % 2 == 1;
    let mut all = command.match_indices(WORD);
    let (inside, _) = all.find(|(at, _)| {
        let before = command.get(..*at).unwrap_or_default();
        !open(before, '"') && !open(before, '\'')
    })?;
    let start = until.start as usize + at + inside + 1;
    let span = Span::new(until.file, start, start + "unless".len());
    let condition = command.get(..inside).unwrap_or_default().trim();
    let found =
        Diagnostic::error(Code::Syntax, "`unless` is part of this command", span, "a `$` goes to the end of its line");
    Some(found.help(format!("write the command so that it ends: `until $({condition}) unless …`")))
}
