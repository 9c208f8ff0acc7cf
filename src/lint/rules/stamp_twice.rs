//! The time is asked twice for one name: over midnight it is two names.
use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::StampTwice, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<(Option<usize>, &str), Span> = BTreeMap::new();
    let mut found = Vec::new();
    for ran in script.commands.iter().filter(|ran| ran.it.substituted && ran.it.name == "date") {
        let Some(format) = ran.it.operands().map(|a| a.text.as_str()).find(|text| text.starts_with('+')) else {
            continue;
        };
        match seen.get(&(ran.place.step, format)) {
            None => {
                seen.insert((ran.place.step, format), ran.it.span);
            }
            Some(first) => found.push(
                RULE.found(
                    "the time is asked again: by now it may be another",
                    ran.it.span,
                    "a second later, a day later at midnight",
                )
                .label(*first, "asked here before")
                .help(
                    "ask once, and use the value: `let stamp = $ date +%Y%m%d-%H%M%S`; `run.id` is another in each run",
                ),
            ),
        }
    }
    found
}
