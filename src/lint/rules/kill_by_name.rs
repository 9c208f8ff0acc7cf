//! Processes ended by their name: a stranger of that name ends too.
use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::KillByName, severity: Severity::Warning, look: Look::Command(look) };

fn look(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let name = ran.it.name.as_str();
    let looks_only = ran.it.has("-0") || ran.it.option("pidfile", 'F');
    let found_by_name = || {
        let here = |other: &&Placed<Ran>| other.place.command == ran.place.command;
        script.commands.iter().filter(here).any(|other| matches!(other.it.name.as_str(), "pgrep" | "pidof" | "ps"))
    };
    let by_name = match name {
        "pkill" | "killall" | "skill" => !looks_only,
        "kill" => !looks_only && found_by_name(),
        _ => false,
    };
    if !by_name {
        return None;
    }
    let found = RULE.found(
        format!("`{name}` ends whatever has that name"),
        ran.it.span,
        "none is an error, several are ended, and nobody waits for their end",
    );
    Some(found.help(
        "stop its unit (`systemd.stop(\"worker\")` waits, and starts it again on rollback), or end the process of a pid file and wait until it is gone",
    ))
}
