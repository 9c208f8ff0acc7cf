//! A backup that takes the place of the one before.
use std::sync::LazyLock;

use crate::check::shell::ran::{COMPUTED, Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::OverwriteArtefact, severity: Severity::Warning, look: Look::Script(look) };

static DUMPS: LazyLock<Kinds> =
    LazyLock::new(|| Kinds::new(&["pg_dump", "pg_dumpall", "mysqldump", "mongodump", "tar ?[-c --create]"]));

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let dumps = script.commands.iter().filter(|ran| ran.it.is(&DUMPS) && ran.place.role != Role::Rollback);
    dumps.filter_map(|ran| overwrites(script, ran)).collect()
}

fn overwrites(script: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let written = ran.it.redirects.iter().find(|(op, _)| op == ">").map(|(_, target)| target);
    let named = || {
        ran.it
            .value_of(&["-f", "--file", "-czf", "-cf", "-cjf", "-czvf"])
            .and_then(|v| ran.it.args.iter().find(|a| a.text == v))
    };
    let target = written.or_else(named).filter(|a| !a.text.starts_with('-') && !a.text.starts_with("/dev/"))?;
    let message = if !target.text.contains(COMPUTED) && target.variables.is_empty() {
        "the backup takes the place of the one before"
    } else if day_only(script, ran) {
        "a second backup on one day takes the place of the first"
    } else {
        return None;
    };
    let found = RULE.found(message, target.span, "if this one fails, none is left");
    Some(found.help("give each run a name of its own (`backup-#{run.id}.dump`); `postgres.dump(db, to: …)` never writes over a file"))
}

/// Its name has the day, and nothing finer.
fn day_only(script: &Script<'_>, ran: &Placed<Ran>) -> bool {
    let dates = script
        .commands
        .iter()
        .filter(|d| d.place.command == ran.place.command && d.it.name == "date" && d.it.substituted);
    let formats: Vec<&str> =
        dates.flat_map(|d| d.it.operands().map(|a| a.text.as_str()).find(|t| t.starts_with('+'))).collect();
    let fine =
        |format: &&str| ["%H", "%M", "%S", "%s", "%T", "%N", "%R", "%I", "%c"].iter().any(|part| format.contains(part));
    !formats.is_empty() && !formats.iter().any(fine)
}
