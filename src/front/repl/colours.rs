//! What is typed, in colours: words of the language, texts, numbers, commands.
use crate::report::style::Tone;

/// Words that a statement opens with, and those that join what is in it.
const WORDS: &[&str] = &[
    "action",
    "and",
    "choose",
    "commit",
    "confirm",
    "connect",
    "context",
    "done",
    "else",
    "every",
    "fail",
    "false",
    "finally",
    "for",
    "guard",
    "if",
    "in",
    "invariant",
    "irreversible",
    "let",
    "log",
    "manual",
    "matches",
    "none",
    "not",
    "note",
    "null",
    "option",
    "or",
    "parallel",
    "readonly",
    "reads",
    "retry",
    "return",
    "rollback",
    "secret",
    "step",
    "then",
    "timeout",
    "transaction",
    "true",
    "try",
    "unless",
    "until",
    "up",
    "use",
    "wait",
    "warn",
    "watch",
    "when",
    "with",
    "within",
];

/// The text with colour sequences between its letters.
pub fn coloured(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (length, tone) = piece(rest, c);
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let on = tone.sequence();
        out.push_str(on);
        out.push_str(word);
        if !on.is_empty() {
            out.push_str("\x1b[0m");
        }
        rest = after;
    }
    out
}

/// How long the first piece is.
fn piece(text: &str, first: char) -> (usize, Tone) {
    let run = |is: fn(char) -> bool| text.find(|c: char| !is(c)).unwrap_or(text.len());
    match first {
        '"' => (string(text), Tone::Good),
        '#' => (text.find('\n').unwrap_or(text.len()), Tone::Dim),
        '$' => (1, Tone::Warn),
        ':' if text.len() > 1 && text.chars().nth(1).is_some_and(char::is_alphabetic) => (
            1 + text.get(1..).map_or(0, |rest| rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())),
            Tone::Strong,
        ),
        c if c.is_ascii_digit() => (run(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '%'), Tone::Warn),
        c if c.is_alphabetic() || c == '_' => {
            let length = run(|c| c.is_alphanumeric() || c == '_');
            let is_word = text.get(..length).is_some_and(|word| WORDS.contains(&word));
            (length, if is_word { Tone::Doing } else { Tone::Plain })
        }
        c => (c.len_utf8(), Tone::Plain),
    }
}

/// Up to its closing quote, or to the end.
fn string(text: &str) -> usize {
    if let Some(rest) = text.strip_prefix("\"\"\"") {
        return rest.find("\"\"\"").map_or(text.len(), |at| at + 6);
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_are_added() {
        for text in
            ["step \"a \\\" b\" { $ ls # x }", "let é = 1.5GB", ":undo all", "\"open", "\"\"\"a\nb", "日本 \"語"]
        {
            let mut plain = coloured(text);
            for tone in [Tone::Good, Tone::Dim, Tone::Warn, Tone::Strong, Tone::Doing] {
                plain = plain.replace(tone.sequence(), "");
            }
            assert_eq!(plain.replace("\x1b[0m", ""), text);
        }
        assert!(coloured("let x").starts_with("\x1b[36mlet\x1b[0m x"));
    }
}
