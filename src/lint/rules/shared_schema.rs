//! A database is migrated while the version of before goes on to use it.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::order::{migrates, switches};
use crate::lint::script::{Place, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::SharedSchema, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let Some((switched, later)) = switches(script).next() else { return Vec::new() };
    let before = script.commands.iter().filter(|ran| ran.place.role == Role::Doing && migrates(&ran.it));
    // Its step may look afterwards whether the version of before still works.
    let looked = |place: Place| {
        script.guarded(place)
            || place.step.is_some() && script.checks.iter().any(|check| check.place.step == place.step)
    };
    let open = before.filter(|ran| ran.place.order < switched.order && !looked(ran.place));
    let found = open.map(|ran| {
        RULE.found("the version of before goes on with what this migration leaves", ran.it.span, "both use one schema from here on")
            .label(later, "until the traffic moves here, and again on the way back")
            .help("let something say that the old version can read it: a guard on the list of migrations, or `confirm \"Does the running version read this schema?\"`")
    });
    found.collect()
}
