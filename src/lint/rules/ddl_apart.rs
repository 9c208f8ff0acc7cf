//! Definitions that belong together, each in a transaction of its own.
use crate::check::embedded::deeds::What;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Role, Script};
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::DdlApart, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    // Of each step and connection the first definition, and whether it was told.
    let mut first: Vec<(Option<usize>, &str, usize, Span, bool)> = Vec::new();
    let mut found = Vec::new();
    for done in script.deeds().iter().filter(|done| done.what == What::Defines) {
        let place = done.place;
        if place.transaction || place.role != Role::Doing || place.step.is_none() {
            continue;
        }
        match first.iter_mut().find(|(step, on, ..)| *step == place.step && *on == done.on) {
            None => first.push((place.step, done.on, place.order, done.at, false)),
            // Statements of one text are one transaction.
            Some((_, _, order, ..)) if *order == place.order => {}
            Some((_, on, _, at, told)) if !*told => {
                *told = true;
                let both = if *on == "psql" {
                    "one `psql -1` with a `-c` for each".to_owned()
                } else {
                    format!("`transaction {on} {{ … }}`")
                };
                found.push(
                    RULE.found(
                        "this definition does not stand or fall with the one above",
                        done.at,
                        "when it fails, the other one stays",
                    )
                    .label(*at, "this one is there by then")
                    .help(format!(
                        "put them into {both}; what cannot stand in one (`CONCURRENTLY`) gets a step of its own"
                    )),
                );
            }
            Some(_) => {}
        }
    }
    found
}
