//! A dump of unknown age is put in the place of the data.
use crate::check::shell::ran::{Arg, COMPUTED, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::UnprovenRestore, severity: Severity::Warning, look: Look::Command(look) };

fn look(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let restores = matches!(ran.it.name.as_str(), "psql" | "pg_restore" | "mysql" | "mariadb" | "mongorestore");
    if !restores || ran.it.option("list", 'l') || ran.place.role != Role::Doing || script.guarded(ran.place) {
        return None;
    }
    let fed = ran.it.redirects.iter().find(|(op, _)| op == "<").map(|(_, target)| target);
    let dump = |a: &&Arg| [".sql", ".dump", ".gz", ".backup", ".bak"].iter().any(|end| a.text.ends_with(end));
    let file = fed.or_else(|| ran.it.operands().filter(dump).last()).filter(|a| !a.text.contains(COMPUTED))?;
    let found =
        RULE.found(format!("nobody knows how old `{}` is", file.text), file.span, "whatever has that name is restored");
    Some(found.help(
        "let it be given (`param dump: string`) and look at it first: `guard \"of today\": now() - file.modified(dump) < 1d`, `guard \"whole\": postgres.whole(dump)`",
    ))
}
