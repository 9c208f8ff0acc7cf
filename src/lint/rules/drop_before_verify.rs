//! A database goes before anybody has seen that what replaces it can be read.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::order::Deed;
use crate::lint::script::Script;
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::DropBeforeVerify, severity: Severity::Error, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let deeds = script.dumps();
    let mut found = Vec::new();
    for (i, (deed, _, span)) in deeds.iter().enumerate() {
        let (before, after) = (deeds.get(..i).unwrap_or_default(), deeds.get(i + 1..).unwrap_or_default());
        let restored = after.iter().any(|(deed, ..)| *deed == Deed::Restore);
        let proved = before.iter().any(|(deed, ..)| *deed == Deed::Prove);
        if *deed == Deed::Drop && restored && !proved {
            found.push(
                RULE.found("the database goes before its dump has been read once", *span, "if the dump is broken, nothing is left")
                    .help("`postgres.replace(url, database: …, from: …)` restores beside it and then changes the names; or prove the dump above: `postgres.restore_test(…)`"),
            );
        }
    }
    found
}
