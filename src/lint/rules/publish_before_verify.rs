//! A backup is sent away before anybody has seen that it can be read.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::order::Deed;
use crate::lint::script::Script;
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::PublishBeforeVerify, severity: Severity::Error, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let deeds = script.dumps();
    let mut found = Vec::new();
    for (i, (deed, _, span)) in deeds.iter().enumerate() {
        let before = deeds.get(..i).unwrap_or_default();
        let last = |wanted: Deed| before.iter().rposition(|(deed, ..)| *deed == wanted);
        if *deed == Deed::Publish && last(Deed::Make).is_some() && last(Deed::Make) > last(Deed::Prove) {
            found.push(
                RULE.found("the backup is sent away before it has been read once", *span, "an empty one is sent as well").help(
                    "`postgres.dump(db, to: …)` reads the dump to its end before it gets its name; else look above: `guard \"whole\": postgres.whole(…)`, `sha256sum -c`, `gzip -t`",
                ),
            );
        }
    }
    found
}
