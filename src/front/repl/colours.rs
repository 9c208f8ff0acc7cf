//! What is typed, in colours: words of the language, texts, numbers, commands.
use crate::report::style::Tone;
use crate::session::console::{Kind, Piece, pieces};

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
    if let Some(order) = text.strip_prefix(':') {
        let (word, rest) = order.split_at(order.find(|c: char| !c.is_alphabetic()).unwrap_or(order.len()));
        return [&painted(&format!(":{word}"), Tone::Strong), rest].concat();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut at = 0;
    for Piece { kind, range } in pieces(text) {
        let (Some(before), Some(piece)) = (text.get(at..range.start), text.get(range.clone())) else { continue };
        out.push_str(before);
        out.push_str(&painted(piece, tone(kind, piece)));
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

pub fn painted(text: &str, tone: Tone) -> String {
    match tone.sequence() {
        "" => text.to_owned(),
        on => format!("{on}{text}\x1b[0m"),
    }
}

fn tone(kind: Kind, piece: &str) -> Tone {
    match kind {
        Kind::Comment => Tone::Dim,
        Kind::Text => Tone::Good,
        Kind::Command | Kind::Number => Tone::Warn,
        Kind::Word if WORDS.contains(&piece) => Tone::Doing,
        Kind::Word | Kind::Mark => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_are_added() {
        for text in [
            "step \"a \\\" b\" { $ ls # x }",
            "let é = 1.5GB",
            ":undo all",
            "\"open",
            "\"\"\"a\nb",
            "日本 \"語",
            "use \"std/x\" as ",
            "step \"a\" {\n  $ x",
        ] {
            let mut plain = coloured(text);
            for tone in [Tone::Good, Tone::Dim, Tone::Warn, Tone::Strong, Tone::Doing] {
                plain = plain.replace(tone.sequence(), "");
            }
            assert_eq!(plain.replace("\x1b[0m", ""), text);
        }
        assert!(coloured("let x").starts_with("\x1b[36mlet\x1b[0m x"));
        // What is still being typed.
        assert_eq!(coloured("log \"one # two"), "\x1b[36mlog\x1b[0m \x1b[32m\"one # two\x1b[0m");
        assert!(coloured("db.query(\"\"\"\n  SELECT 1").ends_with("\x1b[32m\"\"\"\n  SELECT 1\x1b[0m"));
        // No comment in a command, and one behind a statement.
        assert_eq!(coloured("$ echo # x"), "\x1b[33m$ echo # x\x1b[0m");
        assert!(coloured("f(1) # x").ends_with("\x1b[2m# x\x1b[0m"), "{:?}", coloured("f(1) # x"));
    }
}
