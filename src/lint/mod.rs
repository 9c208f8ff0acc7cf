//! Advice about a script that could run: what went wrong in other people's runbooks. One rule a file in `rules`, looked at in one
//! walk; a rule sees the tree as written, so that a script with errors gets its advice too.
//!
//! In: a tree. Out: findings with the severity of their rules. `settle` takes away what `# rbk: allow(code) reason` allows.
mod allow;
mod order;
pub mod rules;
pub mod script;
pub mod settings;
mod walk;
mod whole;

pub use allow::settle;

use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::source::{Sources, Span};
use crate::syntax::ast::Ast;
use script::{Placed, Script};

/// One piece of advice. Its documentation is the page of its code.
#[derive(Debug)]
pub struct Rule {
    pub code: Code,
    /// An error cannot do what was meant; a warning can go wrong.
    pub severity: Severity,
    pub look: Look,
}

/// What a rule looks at, each once.
#[derive(Debug)]
pub enum Look {
    Command(fn(&Script<'_>, &Placed<Ran>) -> Option<Diagnostic>),
    Script(fn(&Script<'_>) -> Vec<Diagnostic>),
}

impl Rule {
    /// A finding of it.
    #[must_use]
    pub fn found(&self, message: impl Into<String>, span: Span, label: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: self.severity, ..Diagnostic::error(self.code, message, span, label) }
    }
}

/// What every rule says of a file; not of those that it uses.
#[must_use]
pub fn lint(sources: &Sources, ast: &Ast) -> Vec<Diagnostic> {
    let script = Script::read(sources, ast);
    let mut found = Vec::new();
    for rule in rules::ALL {
        match rule.look {
            Look::Command(look) => found.extend(script.commands.iter().filter_map(|ran| look(&script, ran))),
            Look::Script(look) => found.extend(look(&script)),
        }
    }
    found
}
