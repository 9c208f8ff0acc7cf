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
    /// In a text that a call takes: `db.value("…`.
    Inside(Inside<'a>),
    /// A name or a word; the call that it stands in.
    Word(Option<&'a str>),
}

/// A text that is open at the end.
#[derive(Debug, PartialEq, Eq)]
pub struct Inside<'a> {
    pub call: Call<'a>,
    /// The parameter that it is for, where that is written: `key: "…`.
    pub named: Option<&'a str>,
    /// As far as it goes.
    pub text: &'a str,
}

/// A call whose bracket is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    pub callee: &'a str,
    /// So many stand in it so far.
    pub commas: usize,
    /// What stands behind the bracket.
    pub arguments: &'a str,
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
    if let Some(open) = strings(text, &all).open {
        let inner = text.get(open.0..).unwrap_or_default();
        return if in_hole(inner) { Place { start: plain, what: What::Word(None) } } else { in_text(text, open, &all) };
    }
    let Some(last) = all.last().filter(|last| last.range.end == text.len()) else {
        return Place { start: text.len(), what: What::Word(call(text).map(|call| call.callee)) };
    };
    let inner = text.get(last.range.clone()).unwrap_or_default();
    match last.kind {
        Kind::Comment | Kind::Number => Place { start: text.len(), what: What::Word(None) },
        Kind::Command if in_hole(inner) => Place { start: plain, what: What::Word(None) },
        Kind::Command => Place { start: at_blank, what: What::File },
        Kind::Text | Kind::Word | Kind::Mark => match text.get(..plain).and_then(|before| before.strip_suffix('.')) {
            Some(before) => {
                let from = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
                Place { start: plain, what: What::Member(before.get(from..).unwrap_or_default()) }
            }
            None => Place { start: plain, what: What::Word(call(text).map(|call| call.callee)) },
        },
    }
}

fn first(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

/// The last `#{` is still open.
fn in_hole(text: &str) -> bool {
    text.rfind("#{").is_some_and(|at| !text.get(at..).unwrap_or_default().contains('}'))
}

/// The strings of a text that may not be understood yet.
struct Strings {
    /// Brackets and commas that stand outside of them.
    marks: Vec<(usize, char)>,
    /// Of the one whose closing quote is missing: where it begins, and where its first letter does.
    open: Option<(usize, usize)>,
    /// The text ends in a comment or a command.
    said: bool,
}

fn strings(text: &str, all: &[Piece]) -> Strings {
    let (mut marks, mut at, mut said) = (Vec::new(), 0, false);
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let passed = |piece: &&Piece| piece.range.start == at && matches!(piece.kind, Kind::Comment | Kind::Command);
        if let Some(passed) = all.iter().find(passed) {
            at = passed.range.end.max(at + 1);
            said = at >= text.len();
            continue;
        }
        if c != '"' {
            if "()[]{},".contains(c) {
                marks.push((at, c));
            }
            at += c.len_utf8();
            continue;
        }
        let quotes = if text.get(at..).unwrap_or_default().starts_with(THREE) { THREE } else { "\"" };
        let begins = at + quotes.len();
        let Some(len) = string(text.get(begins..).unwrap_or_default(), quotes) else {
            return Strings { marks, open: Some((at, begins)), said };
        };
        at = begins + len;
    }
    Strings { marks, open: None, said }
}

const THREE: &str = "\"\"\"";

/// How long it is, with the quotes that end it.
fn string(body: &str, quotes: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(quotes) {
            return Some(at + quotes.len());
        }
        at += match rest.chars().next()? {
            '\\' => 1 + rest.chars().nth(1)?.len_utf8(),
            '#' if rest.starts_with("#{") => 2 + hole(rest.get(2..)?)?,
            c => c.len_utf8(),
        };
    }
}

/// How long it is, with its bracket.
fn hole(body: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += match body.get(at..)?.chars().next()? {
            '}' => return Some(at + 1),
            '{' => 1 + hole(body.get(at + 1..)?)?,
            '"' => 1 + string(body.get(at + 1..)?, "\"")?,
            c => c.len_utf8(),
        };
    }
}

/// `open`: where the string begins, and where its first letter does.
fn in_text<'a>(text: &'a str, (open, begins): (usize, usize), all: &[Piece]) -> Place<'a> {
    let before = all.iter().rev().filter(|piece| piece.range.end <= open);
    let mut before = before.filter_map(|piece| text.get(piece.range.clone()));
    let (last, named) = (before.next(), before.next());
    if last == Some("use") {
        return Place { start: begins, what: What::Library };
    }
    let Some(call) = call(text.get(..open).unwrap_or_default()) else {
        return Place { start: begins, what: What::File };
    };
    let named = named.filter(|_| last == Some(":"));
    let text = text.get(begins..).unwrap_or_default();
    Place { start: begins, what: What::Inside(Inside { call, named, text }) }
}

/// The call whose brackets are open at the end. None inside a text, a comment or a command.
pub fn call(text: &str) -> Option<Call<'_>> {
    let strings = strings(text, &pieces(text));
    if strings.open.is_some() || strings.said {
        return None;
    }
    let (mut depth, mut commas) = (0, 0);
    for (at, mark) in strings.marks.into_iter().rev() {
        match mark {
            ')' | ']' | '}' => depth += 1,
            '(' | '[' | '{' if depth > 0 => depth -= 1,
            '(' => {
                let before = text.get(..at)?;
                let callee = before.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')));
                let callee = before.get(callee.map_or(0, |at| at + before.get(at..).map_or(1, first))..)?;
                let arguments = text.get(at + 1..)?;
                return callee.starts_with(char::is_alphabetic).then_some(Call { callee, commas, arguments });
            }
            '[' | '{' => return None,
            ',' if depth == 0 => commas += 1,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_string_says_whose_it_is() {
        let inside = |text: &'static str| match place(text).what {
            What::Inside(Inside { call, named, text }) => (call.callee, call.commas, named, text),
            other => panic!("{other:?}"),
        };
        assert_eq!(inside("db.query(\"select 'a, # b' from t"), ("db.query", 0, None, "select 'a, # b' from t"));
        assert_eq!(inside("let x = f(1, \""), ("f", 1, None, ""));
        assert_eq!(inside("redis.set(cache, ttl: 1h, key: \"a:b"), ("redis.set", 2, Some("key"), "a:b"));
        assert_eq!(inside("step \"x\" {\n  db.exec(\"update t"), ("db.exec", 0, None, "update t"));
        assert_eq!(inside("db.exec(\"\"\""), ("db.exec", 0, None, ""));
        assert_eq!(inside("db.row(query: \"\"\"\n  select \"a\"."), ("db.row", 0, Some("query"), "\n  select \"a\"."));
        assert_eq!(inside("f(\"#{x} and "), ("f", 0, None, "#{x} and "));
        assert_eq!(place("let x = \"a").what, What::File);
        assert_eq!(place("log \"#{db.query(\"a").what, What::Word(None));
        assert_eq!(place("f(\"a\", b").what, What::Word(Some("f")));
        assert_eq!(inside("f(\"a, (\", \"#{g(\"}\")} \\\"\", \"x"), ("f", 2, None, "x"));
        assert_eq!(place("$ grep \"a").what, What::File);
        assert_eq!(call("f(\"a, b").map(|call| call.callee), None);
    }
}
