//! A dump of unknown age is put in the place of the data.
use crate::check::shell::ran::{Arg, COMPUTED, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::UnprovenRestore, severity: Severity::Warning, look: Look::Command(look) };

fn look(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    // What these two read is a dump; the others read any SQL: a migration too.
    let always = matches!(ran.it.name.as_str(), "pg_restore" | "mongorestore");
    if !always && !matches!(ran.it.name.as_str(), "psql" | "mysql" | "mariadb")
        || ran.it.option("list", 'l')
        || ran.place.role != Role::Doing
        || script.guarded(ran.place)
    {
        return None;
    }
    let fed = ran.it.redirects.iter().find(|(op, _)| op == "<").map(|(_, target)| target);
    let dump = |a: &&Arg| [".sql", ".dump", ".gz", ".backup", ".bak"].iter().any(|end| a.text.ends_with(end));
    let file = fed
        .or_else(|| ran.it.operands().filter(dump).last())
        .filter(|a| !a.text.contains(COMPUTED) && (always || named(&a.text)))?;
    let found =
        RULE.found(format!("nobody knows how old `{}` is", file.text), file.span, "whatever has that name is restored");
    Some(found.help(
        "let it be given (`param dump: string`) and look at it first: `guard \"of today\": now() - file.modified(dump) < 1d`, `guard \"whole\": postgres.whole(dump)`",
    ))
}

/// The name says that it is a dump.
fn named(file: &str) -> bool {
    let file = file.to_lowercase();
    ["dump", "backup", "restore", ".bak", ".sql.gz"].iter().any(|part| file.contains(part))
}
