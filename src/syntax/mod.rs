//! Text → [`ast::Ast`]. Parsing never fails: what is wrong comes back beside the tree, good statements survive.
//! The only user of pest; its `Rule` never leaves this folder.
pub mod ast;
mod build;
mod depth;
mod grammar;
mod mend;
mod tree;

use pest::Parser;

use crate::diag::Diagnostic;
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
    build: fn(FileId, &Tree<'_>, mend::Inserted) -> (Vec<T>, build::Build),
) -> (Vec<T>, Vec<Diagnostic>, bool) {
    let mut mended: Option<String> = None;
    let mut inserted = mend::Inserted::default();
    let mut braces = Vec::new();
    let mut incomplete = None;
    for round in 0..=mend::LIMIT {
        let text = mended.as_deref().unwrap_or(text);
        // The grammar takes every text; only the depth of its nesting can stop it.
        let Ok(pairs) = Grammar::parse(Rule::file, text) else {
            let (start, end) = depth::deepest(text);
            let place = Span::new(file, inserted.origin(start), inserted.origin(end));
            return (Vec::new(), vec![build::too_deep(place)], false);
        };
        let tree = Tree::new(text, pairs);
        let (found, mut build) = build(file, &tree, std::mem::take(&mut inserted));
        let incomplete = *incomplete.get_or_insert(build.incomplete);
        inserted = std::mem::take(&mut build.inserted);
        if build.unbalanced
            && !build.text_open
            && round < mend::LIMIT
            && let Some((next, message)) = mend::mend(file, &tree, &mut inserted, &build.diagnostics)
        {
            braces.extend(message);
            mended = Some(next);
            continue;
        }
        braces.extend(build.diagnostics);
        braces.sort_by_key(|d| d.span().start);
        return (found, braces, incomplete);
    }
    (Vec::new(), braces, false)
}
