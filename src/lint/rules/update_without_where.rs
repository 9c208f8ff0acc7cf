//! `UPDATE` without `WHERE`: every row.
use crate::check::embedded::deeds::What;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::UpdateWithoutWhere, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let all = script.deeds().iter().filter(|done| done.what == What::UpdatesAll);
    let found = all.map(|done| {
        RULE.found("this changes every row of the table", done.at, "no `WHERE`")
            .help("say which rows; when all are meant: `WHERE true`")
    });
    found.collect()
}
