//! What Postgres cannot read, as its grammar in `squawk-parser` sees it.
use squawk_parser::{EntryPoint, LexedStr, StrStep};

use super::{Fault, token};

/// Beyond these the parser's own stack would not do.
const LENGTH: usize = 1 << 16;
const DEPTH: usize = 64;
const CHAIN: usize = 64;

/// What is wrong with one or more statements, if a server would refuse them before it looks at its tables.
#[must_use]
pub fn fault(text: &str) -> Option<Fault> {
    if !within_limits(text) {
        return None;
    }
    let (from, message) = first_error(text)?;
    if is_let_through(text, from, &message) {
        return None;
    }
    let rest = text.get(from..)?;
    let from = from + (rest.len() - rest.trim_start().len());
    let at = token(text, from);
    let opens = text.get(..from).is_none_or(|before| matches!(before.trim_end().chars().next_back(), None | Some(';')));
    let (message, label) = said(&message, text.get(at.clone()).unwrap_or(""), opens);
    Some(Fault { at, message, label, help: None })
}

/// The place and what was expected there.
fn first_error(text: &str) -> Option<(usize, String)> {
    let lexed = LexedStr::new(text);
    if let Some((range, message)) = lexed.errors().next() {
        return Some((range.start as usize, message.to_owned()));
    }
    let parsed = EntryPoint::SourceFile.parse(&lexed.to_input());
    let mut first = None;
    lexed.intersperse_trivia(&parsed, &mut |step| {
        if let StrStep::Error { msg, pos } = step {
            first.get_or_insert_with(|| (pos, msg.to_owned()));
        }
    });
    first
}

pub(super) fn within_limits(text: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    text.len() <= LENGTH && deepest <= DEPTH && chained(text) <= CHAIN
}

/// Words that a statement, or an expression, can open with again and again.
fn chained(text: &str) -> usize {
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    words.filter(|w| ["explain", "prepare", "rule", "case", "cursor"].iter().any(|c| w.eq_ignore_ascii_case(c))).count()
}

/// Whether the server reads what the parser stopped at.
pub(super) fn is_let_through(text: &str, from: usize, message: &str) -> bool {
    let rest = text.get(from..).unwrap_or_default();
    let_through(text, from + (rest.len() - rest.trim_start().len()), message)
}

/// What the server reads and the parser does not: options of `EXPLAIN` and `REINDEX` of any name, keywords as names of
/// settings and savepoints, arguments of triggers, digits that are looked at later.
fn let_through(text: &str, from: usize, message: &str) -> bool {
    if message.contains("digit") {
        return true;
    }
    let before = text.get(..from).unwrap_or("");
    let statement = before.rsplit(';').next().unwrap_or("").to_ascii_lowercase();
    let mut words = statement.split_whitespace();
    match words.next().unwrap_or("") {
        "reset" | "rollback" | "fetch" | "move" => true,
        "explain" | "reindex" | "explain(" | "reindex(" => !statement.contains(')'),
        "create" => statement.contains("trigger") && statement.contains("execute"),
        _ => false,
    }
}

/// In the words of a reader of the script: the message and what stands at the place.
fn said(message: &str, found: &str, opens: bool) -> (String, String) {
    if opens && message.starts_with("expected command") {
        return ("no statement of Postgres is written like this".to_owned(), "not understood".to_owned());
    }
    let wanted = message.split(", found").next().unwrap_or(message).split(", got").next().unwrap_or(message);
    if wanted == "expected command" {
        return (format!("Postgres cannot read this: `{found}` has no place here"), "not understood".to_owned());
    }
    let said: Vec<String> = wanted.split(' ').map(sign).collect();
    let mut said = said.join(" ");
    if let Some(first) = said.get(..1).map(str::to_ascii_lowercase) {
        said.replace_range(..1, &first);
    }
    let label = if found.is_empty() { "the statement ends here" } else { "not here" };
    (format!("Postgres cannot read this: {said}"), label.to_owned())
}

/// The parser's own names of tokens.
fn sign(word: &str) -> String {
    let text = match word {
        "L_PAREN" => "(",
        "R_PAREN" => ")",
        "L_BRACK" => "[",
        "R_BRACK" => "]",
        "COMMA" => ",",
        "EQ" => "=",
        "SEMICOLON" => ";",
        _ => match word.strip_suffix("_KW") {
            Some(keyword) => keyword,
            None => return word.to_owned(),
        },
    };
    format!("`{text}`")
}
