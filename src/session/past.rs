//! A run that is only looked at: nobody takes it, nothing of it goes on.
use std::collections::BTreeMap;

use super::journal::find;
use super::resume::script;
use crate::engine::Inputs;
use crate::journal::entry::SEMANTICS;
use crate::journal::{Kept, Row, Store, Trouble};
use crate::report::past::{Past, Script, Stands, retell};
use crate::value::SmolStr;

/// Everything that the journal knows of the run that a person means.
///
/// # Errors
/// There is none, several, or its head cannot be read.
pub fn look(store: &mut dyn Store, word: &str) -> Result<Past, Trouble> {
    let row = find(store, word)?;
    Ok(past(store.look(&row.run)?, row))
}

/// So many runs are looked at for a list.
const LOOKED_AT: usize = 10;

/// Where the newest of those runs that are not over stand, by their ids.
pub fn stands(store: &mut dyn Store, rows: &[Row]) -> BTreeMap<SmolStr, Stands> {
    let open = rows.iter().filter(|row| row.state.goes_on()).take(LOOKED_AT);
    open.filter_map(|row| {
        let kept = store.look(&row.run).ok()?;
        Some((row.run.clone(), past(kept, row.clone()).stands()?))
    })
    .collect()
}

fn past(kept: Kept, row: Row) -> Past {
    let script = script_of(&kept);
    retell(kept, row, script)
}

pub(super) fn script_of(kept: &Kept) -> Result<Script, String> {
    let head = &kept.head;
    if head.semantics != SEMANTICS {
        return Err(format!("the run was made by rbk {}, which ran some things differently", head.version));
    }
    let ready = script(head, &kept.entries).map_err(|trouble| trouble.message)?;
    let (deadline, rollback_within) = ready.limits();
    let inputs = Inputs { run: ready.id, started: ready.started, params: ready.params, on_failure: head.on_failure };
    Ok(Script { program: ready.program, inputs, sources: ready.sources, deadline, rollback_within })
}
