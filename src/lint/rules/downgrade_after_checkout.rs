//! The old code cannot undo the migrations of the new one: it does not have them.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Place, Placed, Role, Script};
use crate::lint::{Look, Rule};

use super::placeholder::line;

pub const RULE: Rule = Rule { code: Code::DowngradeAfterCheckout, severity: Severity::Error, look: Look::Script(look) };

static GOES_BACK: LazyLock<Kinds> =
    LazyLock::new(|| Kinds::new(&["git checkout", "git reset", "git switch", "git pull"]));

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut old: Option<&Placed<Ran>> = None;
    for ran in &script.commands {
        if ran.it.is(&GOES_BACK) {
            old = Some(ran);
        } else if let Some(since) = old
            && block(since.place) == block(ran.place)
            && (downgrades(&ran.it)
                || migrates_to(&ran.it)
                    && (ran.place.role == Role::Rollback || [since, ran].iter().any(|r| goes_back(script, &r.it))))
        {
            found.push(
                RULE.found(
                    "the code that could undo these migrations is gone",
                    ran.it.span,
                    "the old code does not have them",
                )
                .label(since.it.span, "it is the old code from here on")
                .help("undo the migrations first, then go back to the old code"),
            );
        }
    }
    found
}

/// What runs one after the other. Each step is undone in the code it ran in, since the last is undone first.
fn block(place: Place) -> (Option<usize>, Role) {
    let role = match place.role {
        Role::Doing | Role::Value | Role::Condition | Role::Until | Role::Beside => Role::Doing,
        Role::Rollback | Role::Finally | Role::Handler => place.role,
    };
    (place.step, role)
}

/// Its words say that they mean what was: `#{before}`, `HEAD~1`, `<previous-commit>`.
fn goes_back(script: &Script<'_>, ran: &Ran) -> bool {
    const SAYS: [&str; 6] = ["previous", "before", "zero", "head~", "head^", "@{"];
    let text = line(script, ran.span).to_lowercase();
    SAYS.iter().any(|word| text.contains(word))
}

/// `manage.py migrate APP MIGRATION`: forward or back, the number does not tell.
fn migrates_to(ran: &Ran) -> bool {
    let words: Vec<&str> = ran.operands().map(|a| a.text.as_str()).collect();
    let manages =
        ran.name == "manage.py" || ran.name.starts_with("python") && words.iter().any(|w| w.ends_with("manage.py"));
    manages && words.iter().position(|w| *w == "migrate").is_some_and(|at| words.len() - at > 2)
}

/// `alembic downgrade`, `rails db:rollback`
fn downgrades(ran: &Ran) -> bool {
    match ran.name.as_str() {
        "alembic" => ran.has("downgrade"),
        "rails" | "rake" => ran.has("db:rollback"),
        "migration-rollback.sh" => true,
        _ => false,
    }
}
