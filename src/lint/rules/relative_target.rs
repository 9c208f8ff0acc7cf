//! Where it goes depends on where it is: run again, it goes on.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::RelativeTarget, severity: Severity::Warning, look: Look::Command(look) };

static RELATIVE: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "kubectl rollout undo ![--to-revision]",
        "alembic stamp head",
        "alembic stamp heads",
        "rake db:rollback",
        "rails db:rollback",
        "npx knex migrate:rollback",
        "knex migrate:rollback",
        "flyway undo ![-target]",
    ])
});

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let ran = &ran.it;
    let words: Vec<&str> = ran.args.iter().map(|a| a.text.as_str()).collect();
    let steps = |w: &&&str| {
        let digits = w.strip_prefix(['-', '+']).unwrap_or_default();
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    };
    let target = match ran.name.as_str() {
        "alembic" if words.iter().any(|w| matches!(*w, "downgrade" | "upgrade")) => words.iter().find(steps).copied(),
        "git" if words.iter().any(|w| matches!(*w, "checkout" | "reset" | "switch" | "revert")) => words
            .iter()
            .find(|w| (w.starts_with("HEAD~") || w.starts_with("HEAD^") || w.starts_with("@{")) && !ran.has("--"))
            .copied(),
        "helm" if words.first() == Some(&"rollback") => {
            let target = ran.operands().nth(2).map_or("0", |a| a.text.as_str());
            (target == "0").then_some("rollback")
        }
        _ => None,
    };
    let relative = target.map(str::to_owned).or_else(|| ran.shown(&RELATIVE))?;
    let stamp = ran.name == "alembic" && ran.has("stamp");
    let (message, label) = if stamp {
        (format!("`{relative}` marks as applied what is not"), "the schema stays as it is")
    } else {
        (format!("`{relative}` depends on where it is now"), "run again, it goes one further")
    };
    let found = RULE.found(message, ran.span, label);
    Some(found.help("name the target: read it above the change (`let before = $ …`) and go back to that"))
}
