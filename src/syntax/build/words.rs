//! The words of the language, each in one list.

/// Open a statement, and are no names.
const STATEMENTS: &[&str] = &[
    "let",
    "step",
    "guard",
    "warn",
    "invariant",
    "wait",
    "watch",
    "if",
    "for",
    "parallel",
    "transaction",
    "with",
    "confirm",
    "choose",
    "option",
    "try",
    "rollback",
    "irreversible",
    "commit",
    "finally",
    "on",
    "done",
    "fail",
    "log",
    "note",
    "return",
    "param",
    "secret",
    "connect",
];

/// Stand in expressions, and are no names.
const EXPRESSIONS: &[&str] = &["and", "or", "not", "in", "matches", "then", "else", "true", "false", "null"];

/// Open an item or a header line; elsewhere they are names like any other.
const ITEMS: &[&str] = &[
    "reads", "use", "runbook", "action", "extern", "context", "owner", "contact", "reviewed", "deadline", "lock",
    "shell", "timeout",
];

/// No value has such a name.
pub(super) fn reserved(word: &str) -> bool {
    STATEMENTS.contains(&word) || EXPRESSIONS.contains(&word)
}

/// Every word that can open a statement or an item.
pub(super) fn openers() -> impl Iterator<Item = &'static str> {
    STATEMENTS.iter().chain(ITEMS).copied()
}

/// Whether it is one of them.
pub(super) fn opens(word: &str) -> bool {
    STATEMENTS.contains(&word) || ITEMS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_lists_every_reserved_word() {
        let page = include_str!("../../../docs/language.md");
        let list = page.split_once("Reserved are").unwrap().1.split_once("; every other word").unwrap().0;
        let listed = list.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
        assert!(listed.eq(STATEMENTS.iter().chain(EXPRESSIONS).copied()), "{list}");
    }
}
