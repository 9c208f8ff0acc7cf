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
    let ways = [begun(script, forward, &mut named), begun(script, |role| role == Role::Rollback, &mut named)];
    ways.iter().filter_map(|begun| finding(begun, &named)).collect()
}

/// What begins again after the last change of the code, on the way forward or on the way back; all that is named is added.
fn begun<'s>(
    script: &'s Script<'_>,
    way: impl Fn(Role) -> bool,
    named: &mut BTreeSet<&'s str>,
) -> Vec<(Vec<&'s str>, Span)> {
    let mut begun = Vec::new();
    let mut changed = false;
    for ran in script.commands.iter().filter(|ran| way(ran.place.role)) {
        if ran.it.is(&CHANGES) {
            changed = true;
            begun.clear();
        }
        let Some((verb, units)) = units(&ran.it) else { continue };
        named.extend(units.iter().copied());
        if changed && BEGINS.contains(&verb) {
            begun.push((units, ran.it.span));
        }
    }
    begun
}

fn finding(begun: &[(Vec<&str>, Span)], named: &BTreeSet<&str>) -> Option<Diagnostic> {
    let (_, last) = begun.last()?;
    let done: BTreeSet<&str> = begun.iter().flat_map(|(units, _)| units.iter().copied()).collect();
    let is_left = |unit: &&str| !done.contains(unit) && done.iter().any(|other| group(other) == group(unit));
    let left: Vec<&str> = named.iter().copied().filter(is_left).collect();
    if left.is_empty() {
        return None;
    }
    let (names, goes) = (left.join("`, `"), if left.len() == 1 { "goes" } else { "go" });
    let found = RULE.found(format!("`{names}` {goes} on with the old code"), *last, "not all of them begin again");
    Some(found.help("name them all where they begin again, once: an action of your own, or `for unit in units { systemd.restart(unit) }`"))
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
