//! Where the cursor stands.
use crate::session::console::{Kind, Piece, pieces};

pub struct Place<'a> {
    /// Of the word before the cursor, in bytes.
    pub start: usize,
    pub what: What<'a>,
}

/// What may stand there.
#[derive(Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// `:undo`
    Order,
    /// Of a finding.
    Code,
    /// What `help` tells of.
    Module,
    /// Behind `use`.
    Library,
    File,
    /// Behind `db.`.
    Member(&'a str),
    /// In a text that a call on this takes: `db.value("…`.
    Inside(&'a str),
    /// A name or a word; the call that it stands in.
    Word(Option<&'a str>),
}

/// Of the end of this text.
pub fn place(text: &str) -> Place<'_> {
    let word = |is: fn(char) -> bool| text.rfind(|c| !is(c)).map_or(0, |at| at + text.get(at..).map_or(1, first));
    let plain = word(|c| c.is_alphanumeric() || c == '_');
    let at_blank = word(|c| !c.is_whitespace());
    if text.starts_with(':') || text.starts_with("help ") {
        let what = match text.split_whitespace().next().unwrap_or_default() {
            _ if !text.contains(char::is_whitespace) => What::Order,
            ":explain" => What::Code,
            ":docs" | "help" => What::Module,
            _ => What::File,
        };
        return Place { start: at_blank, what };
    }
    let all = pieces(text);
    let Some(last) = all.last().filter(|last| last.range.end == text.len()) else {
        return Place { start: text.len(), what: What::Word(call(text).map(|(callee, _)| callee)) };
    };
    let inner = text.get(last.range.clone()).unwrap_or_default();
    let in_hole = inner.rfind("#{").is_some_and(|at| !inner.get(at..).unwrap_or_default().contains('}'));
    match last.kind {
        Kind::Comment | Kind::Number => Place { start: text.len(), what: What::Word(None) },
        Kind::Text | Kind::Command if in_hole => Place { start: plain, what: What::Word(None) },
        Kind::Text if is_open(inner) => in_text(text, last, &all),
        Kind::Command => Place { start: at_blank, what: What::File },
        Kind::Text | Kind::Word | Kind::Mark => match text.get(..plain).and_then(|before| before.strip_suffix('.')) {
            Some(before) => {
                let from = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
                Place { start: plain, what: What::Member(before.get(from..).unwrap_or_default()) }
            }
            None => Place { start: plain, what: What::Word(call(text).map(|(callee, _)| callee)) },
        },
    }
}

fn first(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

/// A string whose closing quote is missing.
fn is_open(text: &str) -> bool {
    let body = text.trim_start_matches('r').trim_start_matches('"');
    !body.ends_with('"') && text != "\"\""
}

fn in_text<'a>(text: &'a str, last: &Piece, all: &[Piece]) -> Place<'a> {
    let opens = text.get(last.range.clone()).unwrap_or_default();
    let quotes = opens.len() - opens.trim_start_matches('"').len();
    let begins = last.range.start + quotes;
    let before = all.iter().rev().nth(1).and_then(|piece| text.get(piece.range.clone()));
    if before == Some("use") {
        return Place { start: begins, what: What::Library };
    }
    let inside = text.get(begins..).unwrap_or_default();
    let word = inside.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.')));
    let start = begins + word.map_or(0, |at| at + inside.get(at..).map_or(1, first));
    let on = call(text.get(..last.range.start).unwrap_or_default()).and_then(|(callee, _)| callee.split_once('.'));
    match on {
        Some((on, _)) => Place { start, what: What::Inside(on) },
        None => Place { start: begins, what: What::File },
    }
}

/// The call whose brackets are open at the end: what is called, and how many commas stand in it so far. None inside a text.
pub fn call(text: &str) -> Option<(&str, usize)> {
    let all = pieces(text);
    if all.last().is_some_and(|last| {
        matches!(last.kind, Kind::Comment | Kind::Command)
            || last.kind == Kind::Text && text.get(last.range.clone()).is_some_and(is_open)
    }) {
        return None;
    }
    let (mut depth, mut commas) = (0, 0);
    for (number, piece) in all.iter().enumerate().rev().filter(|(_, piece)| piece.kind == Kind::Mark) {
        match text.get(piece.range.clone()).unwrap_or_default() {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" if depth > 0 => depth -= 1,
            "(" => {
                let name = all.get(number.checked_sub(1)?)?;
                let mut start = name.range.start;
                for pair in all.get(..number - 1)?.rchunks_exact(2) {
                    let [of, dot] = pair else { break };
                    if text.get(dot.range.clone()) != Some(".") || of.kind != Kind::Word || dot.range.end != start {
                        break;
                    }
                    start = of.range.start;
                }
                return (name.kind == Kind::Word)
                    .then(|| text.get(start..name.range.end))
                    .flatten()
                    .map(|name| (name, commas));
            }
            "[" | "{" => return None,
            "," if depth == 0 => commas += 1,
            _ => {}
        }
    }
    None
}

/// Up to the bracket that closes, at its commas.
pub fn split(text: &str) -> Vec<String> {
    let (mut found, mut depth, mut quoted, mut one) = (Vec::new(), 0_usize, false, String::new());
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' | '<' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(one.split_whitespace().collect::<Vec<_>>().join(" "));
                one.clear();
                continue;
            }
            _ => {}
        }
        one.push(c);
    }
    found.push(one.split_whitespace().collect::<Vec<_>>().join(" "));
    found.retain(|one| !one.is_empty());
    found
}
