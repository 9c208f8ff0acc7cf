//! Shell words, the same for bash and dash. A word is always quoted: `5` before `>` would be a file descriptor, `if` a keyword.
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{How, Part, without_nul};
use crate::value::{Value, json, show};

/// Expands to nothing in every shell and under `set -u`: no line that starts with it is a here-document's last one.
const NOTHING: &str = "${IFS:+}";

/// The words a value stands for: one, or one for each element of a list; not quoted, for an argument vector.
///
/// # Errors
/// Null, a NUL, a list in a list.
pub fn words(value: &Value) -> Result<Vec<String>, String> {
    match value.expose().0 {
        Value::List(items) => items.iter().map(|item| word(item).map_err(|e| format!("in a list: {e}"))).collect(),
        one => Ok(vec![word(one)?]),
    }
}

fn word(value: &Value) -> Result<String, String> {
    let text = match value.expose().0 {
        record @ Value::Record(_) => json::to_json_exposed(record).to_string(),
        Value::List(_) => {
            return Err("a list is not one word: write it outside quotes, or use `.join(\" \")`".to_owned());
        }
        other => super::plain(other)?,
    };
    without_nul(text, "a command")
}

/// One value where it stands. A list only where [`How::Bare`].
///
/// # Errors
/// As [`words`]; a place that is not the shell's.
pub fn encode(value: &Value, how: How) -> Result<String, String> {
    match how {
        How::Bare => Ok(words(value)?.iter().map(|w| single(w)).collect::<Vec<_>>().join(" ")),
        How::InDouble => Ok(backslashed(&word(value)?, &['\\', '"', '$', '`'])),
        How::InSingle => Ok(word(value)?.replace('\'', r"'\''")),
        How::InHeredoc => {
            let text = backslashed(&word(value)?, &['\\', '$', '`']);
            Ok(format!("{NOTHING}{}", text.replace('\n', &format!("\n{NOTHING}"))))
        }
        How::InRawHeredoc | How::Raw => word(value),
        How::Param | How::Ident | How::Whole | How::Authority | How::Segment | How::Query | How::Label => {
            Err("this value is not encoded for a command".to_owned())
        }
    }
}

/// `'…'`, for a script.
#[must_use]
pub fn single(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn backslashed(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A whole script, each value encoded for its place.
///
/// # Errors
/// As [`words`]; a list that is not a word of its own; a value that would end the here-document it stands in.
pub fn script(parts: &[Part<'_>]) -> Result<String, String> {
    let mut out = String::new();
    let mut raw: Vec<Range<usize>> = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value(value, how) => {
                let is_list = matches!(value.expose().0, Value::List(_));
                if is_list && *how == How::Bare && !(opens_word(&out) && ends_word(parts.get(i + 1))) {
                    return Err(
                        "a list stands for several words: write it apart from other text, or use `.join(\",\")`"
                            .to_owned(),
                    );
                }
                let start = out.len();
                out.push_str(&encode(value, *how)?);
                if *how == How::InRawHeredoc {
                    raw.push(start..out.len());
                }
            }
        }
    }
    if !raw.is_empty() {
        keep_heredocs(parts, &out, &raw)?;
    }
    Ok(out)
}

/// Whether a word begins behind this text.
#[must_use]
pub fn opens_word(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '('))
}

fn ends_word(next: Option<&Part<'_>>) -> bool {
    match next {
        None => true,
        Some(Part::Value(..)) => false,
        Some(Part::Text(text)) => {
            text.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, ';' | '|' | '&' | ')' | '<' | '>'))
        }
    }
}

/// In a quoted here-document nothing can be escaped: no line that a value touches may be its last one.
fn keep_heredocs(parts: &[Part<'_>], script: &str, raw: &[Range<usize>]) -> Result<(), String> {
    let ends = heredoc_words(parts);
    for range in raw {
        let start = script.get(..range.start).and_then(|s| s.rfind('\n')).map_or(0, |i| i + 1);
        let end = script.get(range.end..).and_then(|s| s.find('\n')).map_or(script.len(), |i| range.end + i);
        for line in script.get(start..end).unwrap_or(script).split('\n') {
            if ends.is_empty() || ends.iter().any(|word| line.trim_start_matches('\t') == word) {
                return Err(format!(
                    "the value would end the here-document: its line `{}` cannot be told from the last one",
                    show::brief(line)
                ));
            }
        }
    }
    Ok(())
}

/// Every word after a `<<`, unquoted: more than there are here-documents, never fewer.
fn heredoc_words(parts: &[Part<'_>]) -> Vec<String> {
    static WORD: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"<<-?[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;|&<>()'"\\])+)"#).ok());
    let Some(regex) = &*WORD else { return Vec::new() };
    let texts = parts.iter().filter_map(|p| match p {
        Part::Text(t) => Some(*t),
        Part::Value(..) => None,
    });
    texts
        .flat_map(|t| regex.captures_iter(t))
        .filter_map(|c| c.get(1))
        .map(|word| word.as_str().chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect())
        .collect()
}
