//! What the reference of the language says about one of its words.
use super::{Entry, Module};

const REFERENCE: &str = include_str!("../../../docs/language.md");
/// A line of its own in the page: from there on it is for programs that read what a run prints.
const FOR_PROGRAMS: &str = "<!-- rbk docs: up to here -->";

/// The rows of its tables and, where there are none, its paragraphs that are about the word.
pub(super) fn word(name: &str) -> Option<Module> {
    let mut entries: Vec<Entry> = lines().filter_map(|line| row(line, name)).collect();
    if entries.is_empty() {
        let about = paragraphs().filter(|text| spans(text).any(|span| opens(span, name)));
        entries.extend(about.map(|text| entry("", &text)));
    }
    let about = "More stands in the reference: `rbk docs language`.".to_owned();
    (!entries.is_empty()).then(|| Module { name: format!("the language: {name}"), about, entries })
}

/// The whole of it.
pub(super) fn whole() -> Module {
    let text = REFERENCE.trim_end().replace(&format!("{FOR_PROGRAMS}\n\n"), "");
    Module { name: "language".to_owned(), about: text, entries: Vec::new() }
}

/// The words that can be asked for: what the tables explain.
pub(super) fn words<'a>() -> impl Iterator<Item = &'a str> {
    lines().filter_map(cells).flat_map(|(first, _)| spans(first)).filter_map(|span| tokens(span).next())
}

/// Outside of programs.
fn lines() -> impl Iterator<Item = &'static str> {
    let mut program = false;
    REFERENCE.lines().take_while(|line| *line != FOR_PROGRAMS).filter(move |line| {
        let fence = line.starts_with("```");
        program ^= fence;
        !program && !fence
    })
}

fn paragraphs() -> impl Iterator<Item = String> {
    let text: Vec<&str> = lines().map(|line| if line.starts_with(['#', '|']) { "" } else { line }).collect();
    let parts: Vec<String> = text.split(|line| line.is_empty()).map(|lines| lines.join("\n")).collect();
    parts.into_iter().filter(|part| !part.is_empty())
}

/// A row of two cells.
fn cells(line: &'static str) -> Option<(&'static str, &'static str)> {
    line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")
}

fn row(line: &'static str, name: &str) -> Option<Entry> {
    let (first, second) = cells(line)?;
    let method = || spans(second).any(|span| span.split_whitespace().any(|call| is_method(call, name)));
    let about = spans(first).any(|span| tokens(span).any(|token| token == name));
    (about || method()).then(|| entry(&first.replace('`', ""), second))
}

fn entry(signature: &str, doc: &str) -> Entry {
    Entry { name: signature.to_owned(), signature: signature.to_owned(), doc: doc.to_owned() }
}

/// `.lines()` of `lines`.
fn is_method(call: &str, name: &str) -> bool {
    call.strip_prefix('.').and_then(|call| call.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
}

/// A code span that is about a word begins with it.
fn opens(span: &str, name: &str) -> bool {
    tokens(span).next() == Some(name)
}

fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The words of a code span that are not inside quotes.
fn tokens(span: &str) -> impl Iterator<Item = &str> {
    let outside = span.split('"').step_by(2);
    outside.flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_')).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_for_programs_is_marked_and_left_out() {
        assert_eq!(REFERENCE.lines().filter(|line| *line == FOR_PROGRAMS).count(), 1);
        assert!(lines().count() * 10 > REFERENCE.lines().count());
        assert!(lines().last().is_some_and(|line| line != REFERENCE.lines().last().unwrap_or_default()));
        assert!(!whole().about.contains("<!--"));
    }
}
