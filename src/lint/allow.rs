//! `# rbk: allow(code) reason`: a finding that somebody has thought about. It covers the statement on its line, or, alone on
//! its line, the one below it. The reason is required; what allows nothing is a finding itself.
use crate::diag::{Code, Diagnostic, Severity, did_you_mean};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::Ast;

use super::rules;
use super::script::Script;

const MARK: &str = "rbk: allow";

/// What somebody may write who means it: after the signs of a comment, in small letters, up to the codes.
const MEANT: [&str; 3] = ["allow", "disable", "ignore"];

/// Take away what is allowed, and add what is wrong with the allowing.
#[must_use]
pub fn settle(mut found: Vec<Diagnostic>, sources: &Sources, ast: &Ast) -> Vec<Diagnostic> {
    let text = sources.get(ast.file).map_or("", |f| &f.text);
    let almost = almost(text);
    if !text.contains(MARK) && almost.is_empty() {
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
    for (start, end) in almost {
        let span = Span::new(ast.file, start, end);
        if !strings.iter().any(|string| string.contains(span)) {
            let bad = Diagnostic::error(Code::BadAllow, "this comment is no `allow`", span, "this allows nothing");
            found.push(bad.help("write `# rbk: allow(code) why it is right here`: one `#`, and a blank behind `rbk:`"));
        }
    }
    found
}

/// Comments that look like one of them, and are none: `# rbk:allow(…)`, `## rbk: allow(…)`, `# rbk: disable(…)`.
fn almost(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(':') {
        let Some(before) = text.get(..at).map(str::trim_end) else { continue };
        let Some(opening) = before
            .len()
            .checked_sub(3)
            .filter(|from| before.get(*from..).is_some_and(|word| word.eq_ignore_ascii_case("rbk")))
        else {
            continue;
        };
        let signs = text.get(..opening).unwrap_or_default().trim_end_matches([' ', '\t']);
        let start = signs.trim_end_matches('#').len();
        let behind = text.get(at + 1..).unwrap_or_default();
        let line = behind.split('\n').next().unwrap_or_default();
        let said = line.trim_start();
        let word = said.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
        let exact = signs.len() - start == 1 && text.get(opening..).is_some_and(|rest| rest.starts_with(MARK));
        if start < signs.len() && !exact && MEANT.contains(&word.as_str()) {
            found.push((start, at + 1 + line.trim_end().len()));
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
        if opening.ends_with('#') {
            return None;
        }
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
