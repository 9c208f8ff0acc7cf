//! Text → [`ast::Ast`]. Parsing never fails: what is wrong comes back beside the tree, good statements survive.
//! The only user of pest; its `Rule` never leaves this folder.
pub mod ast;
mod build;
mod grammar;
mod tree;

use pest::Parser;

use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};
use grammar::{Grammar, Rule};
use tree::Tree;

/// What [`parse`] returns for any text.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub ast: ast::Ast,
    pub diagnostics: Vec<Diagnostic>,
    /// The text ends inside something that could go on: a console reads another line.
    pub incomplete: bool,
}

/// What [`parse_statements`] returns for any text.
#[derive(Clone, Debug)]
pub struct ParsedStatements {
    pub stmts: Vec<ast::Stmt>,
    pub diagnostics: Vec<Diagnostic>,
    pub incomplete: bool,
}

/// Parse a whole file. Never panics, whatever the text.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parsed {
    let (items, diagnostics, incomplete) = read(file, text, build::file);
    Parsed { ast: ast::Ast { file, items }, diagnostics, incomplete }
}

/// Parse statements as they stand inside a runbook: what is typed at a console.
#[must_use]
pub fn parse_statements(file: FileId, text: &str) -> ParsedStatements {
    let (stmts, diagnostics, incomplete) = read(file, text, build::stmts);
    ParsedStatements { stmts, diagnostics, incomplete }
}

fn read<T>(
    file: FileId,
    text: &str,
    build: fn(FileId, &Tree<'_>) -> (Vec<T>, build::Build),
) -> (Vec<T>, Vec<Diagnostic>, bool) {
    match Grammar::parse(Rule::file, text) {
        Ok(pairs) => {
            let tree = Tree::new(text, pairs);
            let (found, build) = build(file, &tree);
            (found, build.diagnostics, build.incomplete)
        }
        // The grammar takes every text; only the depth of its nesting can stop it.
        Err(_) => {
            let message =
                Diagnostic::error(Code::Syntax, "nested too deeply", Span::new(file, 0, text.len()), "in here")
                    .help("name a part with `let`, or move it into an action");
            (Vec::new(), vec![message], false)
        }
    }
}
