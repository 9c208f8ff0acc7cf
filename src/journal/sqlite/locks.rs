//! Locks: each belongs to one run, whoever drives that one.
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::Sqlite;
use super::trouble::of;
use crate::journal::tip::{from_nanos, to_nanos};
use crate::journal::trouble::{locked, not_driven};
use crate::journal::{Lock, Trouble};
use crate::value::{SmolStr, Timestamp};

impl Sqlite {
    pub(super) fn give_lock(
        &mut self,
        name: &str,
        run: &str,
        takeover: bool,
        wall: Timestamp,
    ) -> Result<Option<Lock>, Trouble> {
        let no = self.driven.get(run).ok_or_else(|| not_driven(run))?.no;
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let change = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrong)?;
        let held = holder(&change, name).map_err(wrong)?;
        match &held {
            Some((owner, _)) if *owner == no => return Ok(None),
            Some((_, lock)) if !takeover => return Err(locked(lock)),
            Some(_) | None => {}
        }
        let from = held.map(|(_, lock)| lock);
        change
            .execute(
                "INSERT INTO lock VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO UPDATE SET run = ?2, since = ?3, taken_from = ?4",
                params![name, no, to_nanos(wall), from.as_ref().map(|lock| lock.run.as_str())],
            )
            .map_err(wrong)?;
        change.commit().map_err(wrong)?;
        Ok(from)
    }

    pub(super) fn take_lock(&mut self, name: &str, run: &str) -> Result<(), Trouble> {
        let no = self.driven.get(run).ok_or_else(|| not_driven(run))?.no;
        let taken = self.db.execute("DELETE FROM lock WHERE name = ?1 AND run = ?2", params![name, no]);
        taken.map(drop).map_err(|e| of(&self.path, &e))
    }
}

/// The run's number, and the lock.
fn holder(db: &Connection, name: &str) -> rusqlite::Result<Option<(i64, Lock)>> {
    let mut find = db.prepare_cached(
        "SELECT lock.run, lock.since, run.id FROM lock LEFT JOIN run ON run.no = lock.run WHERE lock.name = ?1",
    )?;
    let held = find.query_row([name], |row| {
        let run: SmolStr = row.get::<_, String>(2)?.into();
        Ok((row.get(0)?, Lock { name: name.to_owned(), run, since: from_nanos(row.get(1)?) }))
    });
    held.optional()
}

pub fn free(db: &Connection, run: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM lock WHERE run = ?1")?.execute([run]).map(|_| ())
}
