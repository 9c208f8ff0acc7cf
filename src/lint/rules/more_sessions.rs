//! Too many sessions, and a remedy that holds more of them.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script, text};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::MoreSessions, severity: Severity::Warning, look: Look::Command(look) };

static GROWS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "kubectl scale ?[--replicas=]",
        "kubectl autoscale",
        "docker compose up ?[--scale=]",
        "docker-compose up ?[--scale=]",
        "docker service scale",
    ])
});

fn look(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let step = script.steps.get(ran.place.step?)?;
    let kept = ran.it.args.iter().find(|arg| arg.text.starts_with("CONN_MAX_AGE=") && !arg.text.ends_with("=0"));
    let grows = ran.it.is(&GROWS);
    if ran.place.role != Role::Doing || !grows && kept.is_none() {
        return None;
    }
    let about = text(&step.name.parts).to_lowercase();
    let sessions = ["connection", "session", "too many clients", "pool"].iter().any(|word| about.contains(word));
    let fewer = ran.it.value_of(&["--replicas"]).is_some_and(|n| matches!(n, "0" | "1"));
    if !sessions || script.guarded(ran.place) {
        return None;
    }
    (grows && !fewer || kept.is_some()).then(|| {
        RULE.found("this holds more sessions of the database, not fewer", ran.it.span, "each replica opens a pool of its own").help(
            "look first whether there is room: `guard \"room for them\": replicas * pool < db.value(\"SHOW max_connections\").int()`; end what is idle: `postgres.end_idle(…)`",
        )
    })
}
