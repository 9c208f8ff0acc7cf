//! New code, and some of the services that run it are left with the old.
use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::check::shell::ran::{COMPUTED, Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Role, Script};
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::HalfRestarted, severity: Severity::Warning, look: Look::Script(look) };

static CHANGES: LazyLock<Kinds> =
    LazyLock::new(|| Kinds::new(&["git pull", "git checkout", "git reset", "git merge", "pip install", "npm ci"]));

const NAMES: [&str; 7] = ["status", "is-active", "stop", "start", "restart", "reload", "reload-or-restart"];
const BEGINS: [&str; 4] = ["start", "restart", "reload", "reload-or-restart"];

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let forward = |role| !matches!(role, Role::Rollback | Role::Finally | Role::Handler);
    let mut named = BTreeSet::new();
    let mut begun: Vec<(Vec<&str>, Span)> = Vec::new();
    let mut changed = false;
    for ran in script.commands.iter().filter(|ran| forward(ran.place.role)) {
        changed |= ran.it.is(&CHANGES);
        let Some((verb, units)) = units(&ran.it) else { continue };
        named.extend(units.iter().copied());
        if changed && BEGINS.contains(&verb) {
            begun.push((units, ran.it.span));
        }
    }
    let Some((_, last)) = begun.last() else { return Vec::new() };
    let done: BTreeSet<&str> = begun.iter().flat_map(|(units, _)| units.iter().copied()).collect();
    let left: Vec<&str> = named
        .into_iter()
        .filter(|unit| !done.contains(unit) && done.iter().any(|other| group(other) == group(unit)))
        .collect();
    if left.is_empty() {
        return Vec::new();
    }
    let (names, goes) = (left.join("`, `"), if left.len() == 1 { "goes" } else { "go" });
    let found = RULE.found(format!("`{names}` {goes} on with the old code"), *last, "not all of them begin again");
    vec![found.help("name them all where they begin again, once: an action of your own, or `for unit in units { systemd.restart(unit) }`")]
}

/// What a `systemctl` is asked about its units.
fn units(ran: &Ran) -> Option<(&str, Vec<&str>)> {
    if ran.name != "systemctl" {
        return None;
    }
    let mut words = ran.operands().map(|arg| arg.text.as_str());
    let verb = words.next().filter(|verb| NAMES.contains(verb))?;
    let unit = |name: &str| !name.contains(COMPUTED) && !name.ends_with(".timer") && !name.ends_with(".socket");
    let units = words.filter(|name| unit(name)).map(|name| name.strip_suffix(".service").unwrap_or(name));
    Some((verb, units.collect()))
}

/// `shop` of `shop-celery` and of `shop`.
fn group(unit: &str) -> &str {
    unit.split(['-', '_', '@']).next().unwrap_or(unit)
}
