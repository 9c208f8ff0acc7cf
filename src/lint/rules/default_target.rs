//! A database program that goes wherever the machine's defaults lead.
use crate::check::shell::ran::{COMPUTED, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::DefaultTarget, severity: Severity::Warning, look: Look::Command(look) };

const PROGRAMS: [&str; 8] =
    ["psql", "pg_dump", "pg_dumpall", "pg_restore", "dropdb", "createdb", "reindexdb", "vacuumdb"];

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let (place, ran) = (ran.place, &ran.it);
    if !PROGRAMS.contains(&ran.name.as_str())
        || place.connected
        || ran.option("version", 'V')
        || ran.option("list", 'l')
    {
        return None;
    }
    let url =
        ran.args.iter().any(|a| a.text.contains("://") || a.text.contains("host=") || a.text.contains("service="));
    let told = ran.option("host", 'h') || ran.option("dbname", 'd') || url;
    // Its code is its one operand, when there is an option that takes it.
    let named = ran.operands().next().is_some_and(|a| a.text.contains(COMPUTED)) && ran.code.is_empty();
    let environment = ran.assignments.iter().any(|a| a.text.starts_with("PG"));
    let scratch = ran.name == "pg_restore" && (ran.option("file", 'f') || ran.operands().count() == 1);
    if told || named || environment || scratch || !ran.inside.is_empty() {
        return None;
    }
    let found = RULE.found(
        format!("`{}` goes to whatever server the machine's defaults lead to", ran.name),
        ran.span,
        "no host, no database",
    );
    Some(found.help("name it once and use it: `connect db = postgres(env(\"DATABASE_URL\"))`, then `db.value(…)`, or `with db { $ pg_dump … }`"))
}
