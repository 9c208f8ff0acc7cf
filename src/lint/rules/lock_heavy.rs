//! Statements that read or write all of a table while everybody else waits for it.
use crate::check::embedded::deeds::What;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::LockHeavy, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let deeds = script.deeds();
    // A table of this very script is new: nobody waits for it yet.
    let new = |table: &str| deeds.iter().any(|done| matches!(&done.what, What::Makes(name) if name == table));
    let mut found = Vec::new();
    for done in deeds {
        if let What::Locks { table, why, instead } = &done.what
            && !table.as_deref().is_some_and(new)
        {
            let message = format!("this holds a lock for as long as the table is big: {why}");
            found.push(RULE.found(message, done.at, "all of the table at once").help(format!("write {instead}")));
        }
    }
    found
}
