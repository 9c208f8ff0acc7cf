//! The old code cannot undo the migrations of the new one: it does not have them.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::Script;
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::DowngradeAfterCheckout, severity: Severity::Error, look: Look::Script(look) };

static GOES_BACK: LazyLock<Kinds> =
    LazyLock::new(|| Kinds::new(&["git checkout", "git reset", "git switch", "git pull"]));

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut old: Option<(Option<usize>, Span)> = None;
    for ran in &script.commands {
        if ran.it.is(&GOES_BACK) {
            old = Some((ran.place.step, ran.it.span));
        } else if let Some((step, since)) = old
            && step == ran.place.step
            && downgrades(&ran.it)
        {
            found.push(
                RULE.found(
                    "the code that could undo these migrations is gone",
                    ran.it.span,
                    "the old code does not have them",
                )
                .label(since, "it is the old code from here on")
                .help("undo the migrations first, then go back to the old code"),
            );
        }
    }
    found
}

/// `manage.py migrate APP MIGRATION`, `alembic downgrade`, `rails db:rollback`
fn downgrades(ran: &Ran) -> bool {
    let words: Vec<&str> = ran.operands().map(|a| a.text.as_str()).collect();
    let manages =
        ran.name == "manage.py" || ran.name.starts_with("python") && words.iter().any(|w| w.ends_with("manage.py"));
    let target = words.iter().position(|w| *w == "migrate").is_some_and(|at| words.len() - at > 2);
    match ran.name.as_str() {
        "alembic" => words.contains(&"downgrade"),
        "rails" | "rake" => words.contains(&"db:rollback"),
        "migration-rollback.sh" => true,
        _ => manages && target,
    }
}
