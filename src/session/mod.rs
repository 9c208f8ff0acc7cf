//! The narrow waist: what every door can do. Open a file, check it, format it, take its inputs, plan it, run it, read its
//! documentation; work at a console.
//! In: paths and words of a person. Out: plain data and diagnostics; nothing is printed here.
pub mod advice;
pub mod book;
pub mod console;
mod disk;
pub mod docs;
pub mod environment;
pub mod format;
pub mod history;
pub mod inputs;
pub mod journal;
pub mod later;
pub mod names;
pub mod output;
pub mod part;
pub mod past;
pub mod place;
mod project;
mod recorded;
pub mod resume;
pub mod run;
pub mod save;

use std::io::Read;
use std::sync::Arc;

pub use crate::check::overdue;
pub use disk::Disk;

use crate::check::{self, Library, Program};
use crate::diag::{Code, Diagnostic, Severity};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, ast::Ast};
use crate::value::Timestamp;

/// A text, parsed and checked.
#[derive(Debug)]
pub struct Opened {
    pub sources: Sources,
    pub file: FileId,
    /// None when a diagnostic is an error.
    pub program: Option<Arc<Program>>,
    /// As far as it could be read.
    pub ast: Ast,
    pub diagnostics: Vec<Diagnostic>,
}

/// Read, parse and check a file; `-` is standard input.
///
/// # Errors
/// One line for a person, when it or its `rbk.toml` cannot be read.
pub fn open(path: &str) -> Result<Opened, String> {
    let text = source(path)?;
    Ok(open_text(name(path), &text, &project::of(path)?))
}

/// The text of a file; `-` is standard input.
fn source(path: &str) -> Result<String, String> {
    let bytes = if path == "-" { standard_input() } else { disk::bytes(path) };
    let bytes = bytes.map_err(|error| format!("cannot read `{path}`: {}", reason(&error)))?;
    disk::text(path, bytes)
}

/// What a person calls it.
fn name(path: &str) -> &str {
    if path == "-" { "<stdin>" } else { path }
}

/// Parse and check a text.
#[must_use]
pub fn open_text(name: &str, text: &str, library: &dyn Library) -> Opened {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let syntax::Parsed { ast, mut diagnostics, incomplete: _, gave_up } = syntax::parse(file, text);
    if gave_up {
        return Opened { sources, file, program: None, ast, diagnostics };
    }
    if ast.items.is_empty() && diagnostics.is_empty() {
        let nothing =
            Diagnostic::error(Code::Syntax, "there is nothing in this file", Span::new(file, 0, 0), "no runbook");
        diagnostics.push(nothing.help(SKETCH));
    }
    let checked = check::check(&mut sources, file, &ast, library);
    diagnostics.extend(checked.diagnostics);
    check::echoes::drop(&mut diagnostics, &sources);
    let sound = diagnostics.iter().all(|d| d.severity != Severity::Error);
    let program = checked.program.filter(|_| sound).map(Arc::new);
    Opened { sources, file, program, ast, diagnostics }
}

const SKETCH: &str = "a runbook looks like this
  runbook \"Deploy\" {
    deadline 30m
    rollback within 10m
    step \"Copy\" {
      $ cp new.conf app.conf
      rollback { $ cp old.conf app.conf }
    }
  }";

fn standard_input() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a file cannot be read, in a person's words.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

/// The wall clock.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the waist reads the clock for its doors, once")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
