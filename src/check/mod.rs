//! Ast → [`Program`], with everything wrong beside it. Reads library texts through [`Library`], nothing else.
//!
//! `elab` carries the state; each construct has a file of its own. What needs the whole program (which names are set,
//! where writes stand, whether budgets add up) is looked at afterwards, on the program.
mod actions;
mod book;
pub mod budget;
mod calls;
mod captures;
mod code;
mod commands;
mod conditions;
pub mod conninfo;
pub mod console;
pub mod constant;
mod contexts;
pub mod echoes;
mod elab;
pub mod embedded;
mod exprs;
pub mod flow;
mod foreign;
pub mod loaded;
mod methods;
mod modules;
mod natives;
mod operators;
mod places;
pub mod program;
pub mod redis;
mod review;
mod scope;
pub mod shell;
pub mod sql;
mod statements;
pub mod stdlib;
mod steps;
mod swallowed;
mod types;
pub mod unkept;
mod verbatim;
pub mod walk;

pub use program::Program;
pub use review::overdue;

use crate::diag::{Diagnostic, Severity};
use crate::source::{FileId, Sources};
use crate::syntax::ast::{Ast, ItemKind};
use crate::value::SmolStr;
use elab::Elab;

/// Where `use` finds texts on the disk; `std/…` is embedded, and never asked for.
pub trait Library {
    /// The name to show and the text of `path` as used from the file called `from`; an error says why not.
    ///
    /// # Errors
    /// One line for a person, when nothing can be read there.
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String>;

    /// Commands that the project knows only to read, beside those of the standard library.
    fn reads(&self) -> &[SmolStr] {
        &[]
    }

    /// The name and the text of `std/…`, when there is one.
    fn standard(&self, path: &str) -> Option<(String, String)> {
        stdlib::read(path).map(|(name, text)| (name, text.to_owned()))
    }
}

/// What [`check`] returns. A program comes out only when no diagnostic is an error.
#[derive(Debug, Default)]
pub struct Checked {
    pub program: Option<Program>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Check a parsed file. Files it uses are read, added to `sources` and checked with it.
pub fn check(sources: &mut Sources, file: FileId, ast: &Ast, library: &dyn Library) -> Checked {
    let mut elab = Elab::new(sources, library);
    let main = elab.load(modules::Tree::Given(ast), file, &mut Vec::new());
    let book = ast.items.iter().find_map(|item| match &item.kind {
        ItemKind::Runbook(book) => Some((item, book)),
        _ => None,
    });
    if let Some((item, written)) = book {
        elab.enter_module(main);
        let book = elab.book(written, item.doc.clone(), item.span);
        elab.settle_unknown();
        elab.program.book = Some(book);
    }
    let Elab { program, mut diagnostics, unread, .. } = elab;
    diagnostics.extend(flow::check(&program, &unread));
    diagnostics.extend(budget::check(&program, &budget::defaults(&program)));
    echoes::drop_explained(&mut diagnostics);
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    diagnostics.sort_by_key(|d| (d.span(), d.code));
    diagnostics.dedup_by_key(|d| (d.span(), d.code));
    Checked { program: (!failed).then_some(program), diagnostics }
}
