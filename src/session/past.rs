//! A run that is only looked at: nobody takes it, nothing of it goes on.
use std::collections::{BTreeMap, BTreeSet};

use super::journal::find;
use super::place;
use super::resume::script;
use crate::effects::shell::living;
use crate::engine::{CallId, Inputs};
use crate::journal::entry::{SEMANTICS, driven_on};
use crate::journal::{Kept, Row, Store, Trouble};
use crate::report::past::{Awaits, Past, Script, Stands, retell};
use crate::value::SmolStr;

/// Everything that the journal knows of the run that a person means.
///
/// # Errors
/// There is none, several, or its head cannot be read.
pub fn look(store: &mut dyn Store, word: &str) -> Result<Past, Trouble> {
    let row = find(store, word)?;
    look_at(store, row)
}

/// Everything that the journal knows of a run.
///
/// # Errors
/// Its head cannot be read.
pub fn look_at(store: &mut dyn Store, row: Row) -> Result<Past, Trouble> {
    Ok(past(store.look(&row.run)?, row))
}

/// So many runs are looked at for a list.
const LOOKED_AT: usize = 10;

/// Where the newest of those runs that are not over stand, by their ids. One of them that turns out to be damaged is listed so.
pub fn stands(store: &mut dyn Store, rows: &mut [Row]) -> BTreeMap<SmolStr, Stands> {
    let open = rows.iter_mut().filter(|row| row.state.goes_on()).take(LOOKED_AT);
    open.filter_map(|row| {
        let kept = store.look(&row.run).ok()?;
        row.damaged |= kept.broken.is_some();
        Some((row.run.clone(), past(kept, row.clone()).stands()?))
    })
    .collect()
}

fn past(kept: Kept, row: Row) -> Past {
    let script = script_of(&kept);
    let here = driven_on(&kept.entries).is_some_and(|host| host == place::holder().host_name);
    let mut past = retell(kept, row, script);
    if here && past.row.held.is_none() {
        seek(&past.head.run, &mut past.awaits);
    }
    past
}

/// What of it is still running on this machine.
fn seek(run: &str, awaits: &mut [Awaits]) {
    let open: BTreeSet<CallId> = awaits.iter().filter_map(call_of).collect();
    if open.is_empty() {
        return;
    }
    for found in living(run, &|call| open.contains(&call)) {
        for awaits in awaits.iter_mut() {
            if let Awaits::End { call, alive, .. } = awaits
                && *call == found.call
            {
                *alive = Some(found.pid);
            }
        }
    }
}

fn call_of(awaits: &Awaits) -> Option<CallId> {
    match awaits {
        Awaits::End { call, .. } => Some(*call),
        Awaits::Answer { .. }
        | Awaits::Hour { .. }
        | Awaits::Until { .. }
        | Awaits::Mended { .. }
        | Awaits::Step { .. } => None,
    }
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
