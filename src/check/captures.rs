//! A capture is the author's word that its command reads (G2). Of one that is called like a write, that is asked again.
use super::program::{Class, Expr, ExprKind};
use crate::diag::{Code, Diagnostic};
use crate::syntax::ast;

/// Words that name what makes something.
const MAKES: &[&str] = &[
    "acquire",
    "add",
    "alloc",
    "allocate",
    "attach",
    "book",
    "clone",
    "create",
    "deploy",
    "insert",
    "issue",
    "launch",
    "mint",
    "provision",
    "publish",
    "register",
    "reserve",
    "spawn",
    "start",
    "submit",
    "upload",
];

/// `let id = $ ./create`, above the first write of a body with an undo.
pub(super) fn unsure(written: &ast::Expr, value: &Expr) -> Option<Diagnostic> {
    // `readonly $ …` has said it.
    let (ast::ExprKind::Command(_), ExprKind::Command(command)) = (&written.kind, &value.kind) else { return None };
    if command.class != Class::Unknown {
        return None;
    }
    let line = command.source.trim().lines().next().unwrap_or_default();
    // Options and values may be called as they like.
    let named = line.split(' ').take(3).filter(|word| !word.starts_with('-') && !word.contains('#'));
    let mut words = named.flat_map(|word| word.split(|c: char| !c.is_ascii_alphanumeric()));
    let word = words.find(|word| MAKES.contains(&word.to_ascii_lowercase().as_str()))?;
    let message = format!("this counts as a read, and it is called `{word}`");
    let found = Diagnostic::warning(Code::UnsureCapture, message, value.span, "above the first write only reads stand");
    let help = "if it only reads, write `readonly` before its `$`; if it writes, make it a statement (`$ … > file`) and \
                read the file";
    Some(found.help(help))
}
