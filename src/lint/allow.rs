//! `# rbk: allow(code) reason`: a finding that somebody has thought about. It covers the statement on its line, or, alone on
//! its line, the one below it. The reason is required; what allows nothing is a finding itself.
use crate::diag::{Code, Diagnostic, Severity, did_you_mean};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::Ast;

use super::rules;
use super::script::Script;

const MARK: &str = "rbk: allow";

/// Take away what is allowed, and add what is wrong with the allowing.
#[must_use]
pub fn settle(mut found: Vec<Diagnostic>, sources: &Sources, ast: &Ast) -> Vec<Diagnostic> {
    let text = sources.get(ast.file).map_or("", |f| &f.text);
    if !text.contains(MARK) {
        return found;
    }
    let script = Script::read(sources, ast);
    let strings: Vec<Span> = script.texts.iter().map(|t| t.it.span).collect();
    for (at, _) in text.match_indices(MARK) {
        let inside = Span::new(ast.file, at, at + MARK.len());
        if strings.iter().any(|span| span.contains(inside)) {
            continue;
        }
        if let Some(allow) = Comment::at(text, ast.file, at) {
            allow.apply(&covered(text, &allow, &script.extents), &mut found);
        }
    }
    found
}

/// One of them, as written.
struct Comment<'t> {
    /// From the `#` to the end of the line.
    span: Span,
    /// All that goes with it: its line, or what stands behind the statement.
    whole: Span,
    /// What stands behind `allow`.
    rest: &'t str,
    /// There is nothing else on its line.
    alone: bool,
}

impl<'t> Comment<'t> {
    fn at(text: &'t str, file: FileId, at: usize) -> Option<Comment<'t>> {
        let before = text.get(..at)?;
        let opening = before.trim_end_matches([' ', '\t']).strip_suffix('#')?;
        let line = opening.rfind('\n').map_or(0, |n| n + 1);
        let end = text.get(at..)?.find('\n').map_or(text.len(), |n| at + n);
        let alone = opening.get(line..)?.trim().is_empty();
        let whole = if alone {
            Span::new(file, line, (end + 1).min(text.len()))
        } else {
            Span::new(file, opening.trim_end_matches([' ', '\t']).len(), end)
        };
        let rest = text.get(at + MARK.len()..end)?.trim();
        Some(Comment { span: Span::new(file, opening.len(), end), whole, rest, alone })
    }

    fn apply(&self, covered: &[Span], found: &mut Vec<Diagnostic>) {
        let Some((codes, reason)) = self.rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
            found.push(self.bad("what is allowed stands in brackets"));
            return;
        };
        // One finding is enough: what it is about is not told beside it.
        let reason = !reason.trim_matches([' ', '\t', ':', '-', '–', '—']).is_empty();
        for name in codes.split(',').map(str::trim) {
            let Some(code) = Code::find(name) else {
                let bad = self.bad(format!("no finding is called `{name}`"));
                found.push(match did_you_mean(name, Code::ALL.iter().map(|c| c.name())) {
                    Some(near) => bad.help(format!("did you mean `{near}`?")),
                    None => bad,
                });
                continue;
            };
            let here = |d: &Diagnostic| d.code == code && covered.iter().any(|c| begins_in(d.span(), *c));
            if found.iter().any(|d| here(d) && d.severity == Severity::Error && !rules::has(code)) {
                found.push(self.bad(format!("`{name}` cannot be allowed: the script would not run")));
                continue;
            }
            let before = found.len();
            found.retain(|d| !here(d));
            if found.len() == before {
                found.push(self.unused(name, codes));
            }
        }
        if !reason {
            found.push(self.bad("an `allow` needs its reason"));
        }
    }

    fn bad(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(Code::BadAllow, message, self.span, "this allows nothing")
            .help("write `# rbk: allow(code) why it is right here`")
    }

    fn unused(&self, name: &str, codes: &str) -> Diagnostic {
        let found = Diagnostic::warning(
            Code::UnusedAllow,
            format!("there is no `{name}` here to allow"),
            self.span,
            "this allows nothing",
        );
        let found =
            found.help("take it away; it covers the statement on its line, or, alone on its line, the one below");
        if codes.contains(',') { found } else { found.fix("take it away", vec![(self.whole, String::new())]) }
    }
}

fn begins_in(span: Span, covered: Span) -> bool {
    span.file == covered.file && covered.start <= span.start && span.start <= covered.end
}

/// The line that a comment is about, and the statements that begin on it.
fn covered(text: &str, comment: &Comment<'_>, extents: &[Span]) -> Vec<Span> {
    let end = comment.span.end as usize;
    let line = if comment.alone {
        let below = text.get(end..).unwrap_or_default().split_inclusive('\n').skip(1);
        let mut at = end + 1;
        let mut found = None;
        for line in below {
            let said = line.trim_start();
            if !said.is_empty() && !said.starts_with('#') {
                found = Some((at, at + line.trim_end().len()));
                break;
            }
            at += line.len();
        }
        found
    } else {
        let start = text.get(..end).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
        Some((start, end))
    };
    let Some((start, stop)) = line else { return Vec::new() };
    let line = Span::new(comment.span.file, start, stop);
    let begun = extents.iter().copied().filter(|e| begins_in(*e, line) && e.end >= line.start);
    std::iter::once(line).chain(begun).collect()
}
