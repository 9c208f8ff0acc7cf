//! Which stretches of a string's text stand in the source just as they are, so that a place in the one is a place in the other.
use std::sync::Arc;

use crate::source::Span;
use crate::syntax::ast::StrKind;

/// The text in pieces, each with its place. What an escape means is a piece of its own; so is what follows an indent that
/// was taken out. `written`: what stands at `span`.
pub(super) fn pieces(text: &str, written: &str, kind: StrKind, span: Span) -> Vec<(Arc<str>, Span)> {
    if text == written {
        return vec![(Arc::from(text), span)];
    }
    let mut out: Vec<(String, usize, usize)> = Vec::new();
    let mut at = 0;
    let mut exact = false;
    for c in text.chars() {
        loop {
            let rest = written.get(at..).unwrap_or("");
            let escape = escape(rest, kind);
            let length = match rest.chars().next() {
                // More text than was written: it belongs to the end.
                None => 0,
                Some(_) if escape > 0 => escape,
                Some(w) if w == c => w.len_utf8(),
                Some(w) => {
                    at += w.len_utf8();
                    exact = false;
                    continue;
                }
            };
            let same = escape == 0 && length > 0;
            match out.last_mut() {
                Some((piece, _, end)) if exact && same && *end == at => {
                    piece.push(c);
                    *end = at + length;
                }
                _ => out.push((c.to_string(), at, at + length)),
            }
            exact = same;
            at += length;
            break;
        }
    }
    let start = span.start as usize;
    out.into_iter().map(|(piece, from, to)| (piece.into(), Span::new(span.file, start + from, start + to))).collect()
}

/// The length of the escape that a text begins with; 0 when it begins with none.
fn escape(text: &str, kind: StrKind) -> usize {
    let plain = matches!(kind, StrKind::Plain);
    match text.strip_prefix('\\').and_then(|rest| rest.chars().next()) {
        Some('#') if text.starts_with("\\#{") => 2,
        Some('u') if plain => text.find('}').map_or(2, |end| end + 1),
        Some(c) if plain => 1 + c.len_utf8(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn shown(text: &str, written: &str, kind: StrKind) -> Vec<(String, String)> {
        let found = pieces(text, written, kind, Span::new(FileId(0), 100, 100 + written.len()));
        assert_eq!(found.iter().map(|(piece, _)| &**piece).collect::<String>(), text);
        let place = |span: Span| written[span.start as usize - 100..span.end as usize - 100].to_owned();
        found.iter().map(|(piece, span)| (piece.to_string(), place(*span))).collect()
    }

    #[test]
    fn escapes_and_indents_are_left_out_and_all_else_is_found() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(shown("é x", "é x", StrKind::Plain), [pair("é x", "é x")]);
        assert_eq!(
            shown("a \"b\" \u{e9}c", r#"a \"b\" \u{e9}c"#, StrKind::Plain),
            [
                pair("a ", "a "),
                pair("\"", "\\\""),
                pair("b", "b"),
                pair("\"", "\\\""),
                pair(" ", " "),
                pair("é", "\\u{e9}"),
                pair("c", "c")
            ]
        );
        assert_eq!(
            shown("SELECT a,\n  b\nFROM t", "    SELECT a,\r\n      b\n    FROM t", StrKind::Block),
            [pair("SELECT a,", "SELECT a,"), pair("\n  ", "\n  "), pair("b\n", "b\n"), pair("FROM t", "FROM t")]
        );
        assert_eq!(
            shown("x #{y}", "x \\#{y}", StrKind::Block),
            [pair("x ", "x "), pair("#", "\\#"), pair("{y}", "{y}")]
        );
    }
}
