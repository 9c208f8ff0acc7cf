//! Whether a command needs no shell at all: plain words and values, and a program that the shell would not run itself.
use crate::check::program::Shell;

use super::text::{Placed, Symbol};
use super::tree::{Piece, Script};

/// Builtins and keywords of bash and of POSIX shells: a program of that name may behave differently or not exist.
const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "[[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "whence",
    "while",
];

#[must_use]
pub fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name)
}

/// Every symbol is a value, a blank or a character that no shell gives a meaning to, in one line of words.
pub fn direct(symbols: &[Placed], script: &Script, shell: &Shell) -> bool {
    let plain = symbols.iter().all(|s| match s.symbol {
        Symbol::Hole(_) => true,
        Symbol::Char(c) => c.is_ascii_alphanumeric() || " \t-_./:,@%+=".contains(c),
    });
    let [command] = script.commands.as_slice() else { return false };
    let known_shell = match shell {
        Shell::Bash => true,
        Shell::Other(name) => matches!(name.as_str(), "sh" | "dash" | "ash" | "ksh" | "zsh" | "bash"),
    };
    let first = command.words.first().and_then(|w| match w.pieces.as_slice() {
        [Piece::Text(text)] => Some(text.as_str()),
        _ => None,
    });
    plain
        && known_shell
        && !script.compound
        && !script.unparsed
        && command.assignments.is_empty()
        && command.redirects.is_empty()
        && first.is_some_and(|name| !is_builtin(name) && !name.contains('='))
}
