//! One look right behind a restart: it is not up yet, or still the old one.
use std::sync::LazyLock;

use crate::check::shell::ran::Kinds;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Role, Script};
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::SingleProbe, severity: Severity::Warning, look: Look::Script(look) };

static RESTARTS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "systemctl restart",
        "systemctl start",
        "service * restart",
        "supervisorctl restart",
        "docker restart",
        "docker compose up ![--wait]",
        "docker compose restart",
        "docker-compose up ![--wait]",
        "docker-compose restart",
        "kubectl rollout restart",
    ])
});

/// They wait until it is so.
static WAITS: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(&["kubectl rollout status", "kubectl wait", "sleep"]));

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut restarted: Option<(Option<usize>, Span)> = None;
    for ran in script.commands.iter().filter(|ran| ran.place.role != Role::Rollback) {
        if ran.it.is(&RESTARTS) {
            restarted = Some((ran.place.step, ran.it.span));
        } else if ran.it.is(&WAITS) || ran.place.role == Role::Until {
            restarted = None;
        } else if let Some((step, since)) = restarted
            && step == ran.place.step
            && step.is_some()
            && ran.it.name == "curl"
            && !["--retry-connrefused", "--retry-all-errors"].iter().any(|option| ran.it.has(option))
        {
            found.push(
                RULE.found(
                    "one look right behind a restart",
                    ran.it.span,
                    "it is not up yet, or this is still the old one",
                )
                .label(since, "restarted here")
                .help("`wait up to 1m every 1s until http.get(\"…/health/\")`"),
            );
            restarted = None;
        }
    }
    found
}
