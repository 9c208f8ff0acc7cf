//! The traffic is on the new version, and its migrations come later.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::order::{migrates, switches};
use crate::lint::script::{Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::MigrateAfterSwitch, severity: Severity::Error, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let Some((switched, since)) = switches(script).next() else { return Vec::new() };
    let late = script.commands.iter().filter(|ran| ran.place.role == Role::Doing && migrates(&ran.it));
    let found = late.filter(|ran| ran.place.order > switched.order).map(|ran| {
        RULE.found("this migration runs after the traffic has moved", ran.it.span, "the new version has asked for it already")
            .label(since, "the traffic goes to the new version here")
            .help("migrate above the switch, and let a guard say so: `guard \"the schema is there\": db.value(\"SELECT version_num FROM alembic_version\") == revision`")
    });
    found.collect()
}
