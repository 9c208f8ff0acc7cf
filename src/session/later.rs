//! Whether a later run may stand on what one did.
use std::collections::BTreeSet;

use super::past::script_of;
use crate::engine::event::End;
use crate::engine::{Command, Engine, Replayed, What};
use crate::journal::{CONSOLE, Entry, Row, State, Store};

/// The newest run that came after this one, belongs to its runbook or has taken a lock that this one had, and has changed something
/// that is not undone, or may do so now. `rows`: all runs.
pub fn later(store: &mut dyn Store, rows: &[Row], row: &Row) -> Option<Row> {
    let gone = |other: &Row| matches!(other.state, State::Ended(End::RolledBack | End::Refused));
    let mut others: Vec<&Row> = rows.iter().collect();
    others.retain(|other| {
        other.run != row.run && other.started > row.started && !gone(other) && (other.wrote || other.held.is_some())
    });
    if others.is_empty() {
        return None;
    }
    let locks = locks(store, row);
    let found = others.into_iter().find(|other| {
        // Two consoles have nothing to do with each other.
        let same = other.book == row.book && row.file != CONSOLE;
        same || !locks.is_empty() && !self::locks(store, other).is_disjoint(&locks)
    });
    found.cloned()
}

/// Those that it has taken, also when it has ended and has none any more.
fn locks(store: &mut dyn Store, row: &Row) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = row.locks.iter().cloned().collect();
    let Ok(kept) = store.look(&row.run) else { return found };
    let Ok(script) = script_of(&kept) else { return found };
    let mut run = Replayed::new(Engine::new(script.program, script.inputs));
    for entry in kept.entries {
        match entry {
            Entry::Heard { input, .. } => {
                let Ok(commands) = run.hear(input) else { return found };
                found.extend(commands.into_iter().filter_map(|command| match command {
                    Command::Call(call) => match &call.what {
                        What::Lock { name, .. } => Some(name.clone()),
                        _ => None,
                    },
                    _ => None,
                }));
            }
            // They are taken before anything is done.
            Entry::Intent { .. } => return found,
            _ => {}
        }
    }
    found
}
