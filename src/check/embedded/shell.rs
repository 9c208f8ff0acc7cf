//! What bash cannot read, as its grammar in `rable` sees it.
use std::ops::Range;

use super::{Fault, token};

/// Beyond these `rable` needs time that grows without measure, and no one writes them by hand.
const LENGTH: usize = 1 << 16;
const DEPTH: usize = 16;
const BACKTICKS: usize = 64;
const BLOCKS: usize = 64;

/// What is wrong with a text, if bash would refuse it before it runs anything.
#[must_use]
pub fn fault(text: &str) -> Option<Fault> {
    if plain(text) || !within_limits(text) {
        return None;
    }
    let error = rable::parse(text, false).err()?;
    let from = text.char_indices().nth(error.pos()).map_or(text.len(), |(i, _)| i);
    // It knows less of `[[ … ]]` than bash: line breaks and patterns in it.
    let before = text.get(..from).unwrap_or(text);
    let condition = before.rfind("[[").and_then(|i| before.get(i..)).is_some_and(|c| !c.contains([']', ';']));
    if condition || error.message().contains("]]") {
        return None;
    }
    let blank = text.get(from..).is_none_or(|rest| rest.trim_start_matches([' ', '\t', '\n']).is_empty());
    let at = if blank { text.len()..text.len() } else { token(text, from) };
    let (message, label) = said(error.message(), text, &at);
    Some(Fault { at, message, label, help: None })
}

/// One line of words: nothing in it that a shell gives a meaning to.
fn plain(text: &str) -> bool {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b" \t-_./:,@%+=*?[]^~$#".contains(&b) || !b.is_ascii();
    let opens = text.split_ascii_whitespace().next().unwrap_or("");
    text.bytes().all(harmless) && !RESERVED.contains(&opens) && opens != "[["
}

const RESERVED: [&str; 17] = [
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "select",
    "function", "coproc", "time",
];

fn within_limits(text: &str) -> bool {
    let (mut brackets, mut deepest, mut backticks) = (0_usize, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'{' => brackets += 1,
            b')' | b'}' => brackets = brackets.saturating_sub(1),
            b'`' => backticks += 1,
            _ => {}
        }
        deepest = deepest.max(brackets);
    }
    text.len() <= LENGTH && deepest <= DEPTH && backticks <= BACKTICKS && blocks(text) <= BLOCKS
}

/// How deep its `if`s, loops and functions may stand in each other.
fn blocks(text: &str) -> usize {
    let (mut depth, mut deepest) = (text.matches("()").count(), 0);
    for word in text.split(|c: char| !c.is_ascii_alphabetic()) {
        match word {
            "if" | "for" | "while" | "until" | "case" | "select" | "function" | "coproc" | "time" => depth += 1,
            "fi" | "done" | "esac" => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// In the words of a reader of the script: the message and what stands at the place.
fn said(message: &str, text: &str, at: &Range<usize>) -> (String, String) {
    let found = text.get(at.clone()).unwrap_or("");
    let before = if at.is_empty() { "the command ends before it" } else { "it is missing before this" };
    if let Some(what) = message.strip_prefix("unterminated ") {
        return (format!("bash finds no end of this {what}"), "the command ends inside it".to_owned());
    }
    if let Some((wanted, _)) = message.strip_prefix("expected ").and_then(|m| m.split_once(", got")) {
        let wanted = if wanted == "RightParen" { ")".to_owned() } else { wanted.to_lowercase() };
        return (format!("bash misses `{wanted}` in this command"), before.to_owned());
    }
    if at.is_empty() {
        return ("bash misses the rest of this command".to_owned(), "it ends here".to_owned());
    }
    (format!("bash cannot read this: `{found}` has no place here"), "not understood".to_owned())
}
