//! A command in the container of before, above the line that brings the new one.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::ExecBeforeUp, severity: Severity::Warning, look: Look::Script(look) };

static EXECS: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(&["docker compose exec", "docker-compose exec"]));

static UPS: LazyLock<Kinds> = LazyLock::new(|| Kinds::new(&["docker compose up", "docker-compose up"]));

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (i, ran) in script.commands.iter().enumerate().filter(|(_, ran)| ran.it.is(&EXECS)) {
        let here = |other: &&Placed<Ran>| other.place.step == ran.place.step && other.it.is(&UPS);
        let up = script.commands.get(i + 1..).unwrap_or_default().iter().find(here);
        let migrates = ran.it.args.iter().any(|a| matches!(a.text.as_str(), "upgrade" | "migrate" | "db:migrate"));
        if let Some(up) = up.filter(|_| migrates) {
            found.push(
                RULE.found("this runs in the container of before", ran.it.span, "the old image knows the old migrations alone")
                    .label(up.it.span, "the new one comes here")
                    .help("run it in the new image: `docker compose run --rm api alembic upgrade REVISION`, and guard that it is there: `$(docker compose exec -T api alembic current) == REVISION`"),
            );
        }
    }
    found
}
