//! Text → [`ast::Ast`]. Parsing never fails: what is wrong comes back beside the tree, good statements survive.
//! The only user of pest; its `Rule` never leaves this folder.
pub mod ast;
mod build;
mod depth;
mod grammar;
mod mend;
mod tree;

use crate::diag::Diagnostic;
use crate::source::{FileId, Span};
use grammar::Rule;
use tree::Tree;

/// What [`parse`] returns for any text.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub ast: ast::Ast,
    pub diagnostics: Vec<Diagnostic>,
    /// The text ends inside something that could go on: a console reads another line.
    pub incomplete: bool,
    /// There were so many mistakes that the rest was not read: the tree is a part, or nothing.
    pub gave_up: bool,
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
    let Found { found: items, diagnostics, incomplete, gave_up } = read(file, text, build::file);
    Parsed { ast: ast::Ast { file, items }, diagnostics, incomplete, gave_up }
}

/// Parse statements as they stand inside a runbook: what is typed at a console.
#[must_use]
pub fn parse_statements(file: FileId, text: &str) -> ParsedStatements {
    let Found { found: stmts, diagnostics, incomplete, gave_up: _ } = read(file, text, build::stmts);
    ParsedStatements { stmts, diagnostics, incomplete }
}

/// The start of a long text that is read alone first: what is no script at all is given up there.
const HEAD: usize = 1 << 14;

/// What is so long that its start is read alone first.
const LONG: usize = 8 * HEAD;

struct Found<T> {
    found: Vec<T>,
    diagnostics: Vec<Diagnostic>,
    incomplete: bool,
    gave_up: bool,
}

type Builder<T> = fn(FileId, &Tree<'_>, mend::Inserted) -> (Vec<T>, build::Build);

fn read<T>(file: FileId, text: &str, build: Builder<T>) -> Found<T> {
    if text.len() > LONG {
        let head = text.get(..text.floor_char_boundary(HEAD)).unwrap_or("");
        let head = head.rfind('\n').and_then(|at| head.get(..at)).unwrap_or(head);
        let found = read_all(file, head, build);
        if found.gave_up {
            return found;
        }
    }
    read_all(file, text, build)
}

fn read_all<T>(file: FileId, text: &str, build: Builder<T>) -> Found<T> {
    let written = text;
    let mut mended: Option<String> = None;
    let mut inserted = mend::Inserted::default();
    let mut braces: Vec<Diagnostic> = Vec::new();
    let mut incomplete = None;
    let mut round = 0;
    loop {
        let text = mended.as_deref().unwrap_or(text);
        // The grammar takes every text; only the depth of its nesting can stop it.
        let Some(tree) = Tree::new(text) else {
            let (start, end) = depth::deepest(text);
            let place = Span::new(file, inserted.origin(start), inserted.origin(end));
            return Found {
                found: Vec::new(),
                diagnostics: vec![build::too_deep(place)],
                incomplete: false,
                gave_up: false,
            };
        };
        let (found, mut build) = build(file, &tree, std::mem::take(&mut inserted));
        let incomplete = *incomplete.get_or_insert(build.incomplete);
        inserted = std::mem::take(&mut build.inserted);
        let broken = build.unbalanced && !build.text_open;
        if broken
            && round < mend::LIMIT
            && let Some((next, message)) = mend::mend(file, &tree, &mut inserted, &build.diagnostics)
        {
            braces.extend(message.filter(|m| braces.iter().all(|told| told.span() != m.span())));
            if mend::again(round, &next) {
                mended = Some(next);
                round += 1;
                continue;
            }
        }
        // What is still wrong on the line of a brace has to do with it.
        braces.retain(|brace| build.diagnostics.iter().all(|d| !mend::same_line(written, brace.span(), d.span())));
        braces.extend(build.diagnostics);
        braces.sort_by_key(|d| d.span().start);
        let strays = tree.kids().filter(|n| n.rule() == Rule::stray);
        let stray =
            strays.map(|n| Span::new(file, inserted.origin(n.start()), inserted.origin(n.end()))).nth(build::MOST);
        let dropped = braces.get(build::MOST).map(Diagnostic::span);
        let more = [build.more, stray, dropped].into_iter().flatten().min_by_key(|s| s.start);
        braces.truncate(build::MOST);
        braces.extend(more.map(build::too_many));
        return Found { found, diagnostics: braces, incomplete, gave_up: more.is_some() };
    }
}
