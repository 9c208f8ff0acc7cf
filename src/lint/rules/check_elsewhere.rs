//! A database was restored, and what is looked at is another one.
use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::order::Deed;
use crate::lint::script::Script;
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::CheckElsewhere, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let deeds = script.dumps();
    let mut found = Vec::new();
    for ran in script.commands.iter().filter(|ran| looks(&ran.it) && !ran.place.connected) {
        let mut before =
            deeds.iter().filter(|(deed, place, _)| *deed == Deed::Restore && place.order < ran.place.order);
        let Some((_, _, restored)) = before.next_back() else { continue };
        found.push(
            RULE.found("this looks at the database that the application is configured for", ran.it.span, "not at the one of above")
                .label(*restored, "restored here")
                .help("ask the connection that was restored to: `guard \"the orders are there\": db.value(\"SELECT count(*) FROM orders\") > 0`; `postgres.restore_test(…)` looks into each table"),
        );
    }
    found
}

/// `manage.py check` and the like, without a word about which database.
fn looks(ran: &Ran) -> bool {
    let manages = ran.name == "manage.py" || ran.operands().next().is_some_and(|arg| arg.text.ends_with("manage.py"));
    let asks = ["check", "showmigrations", "inspectdb", "dumpdata"].iter().any(|word| ran.has(word));
    let told = ran.value_of(&["--database"]).is_some() || ran.assignments.iter().any(|a| !a.text.starts_with("DJANGO"));
    manages && asks && !told
}
