//! What changes a run: only the process that drives it.
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::lease::{self, Lease};
use super::reserve::Reserve;
use super::trouble::{is_full, of};
use super::witness::Witness;
use super::{Sqlite, locks, tip};
use crate::journal::chain::{self, Hash};
use crate::journal::codec::{self, Hide};
use crate::journal::seal::{self, Seal};
use crate::journal::tip::{Tip, leaves_nothing, to_nanos};
use crate::journal::trouble::{begun_already, no_such_run, not_driven};
use crate::journal::written::{Written, closing, written};
use crate::journal::{Entry, Head, Holder, Room, Standing, State, Trouble};
use crate::value::redact::Redactor;
use crate::value::{SmolStr, Timestamp};

/// A run that this process drives.
pub struct Driven {
    pub no: i64,
    head: Hash,
    tip: Tip,
    seal: Seal,
    reserve: Option<Reserve>,
    room: Room,
    witness: Witness,
    pub lease: Lease,
}

impl Drop for Driven {
    fn drop(&mut self) {
        if leaves_nothing(self.tip.state) {
            self.lease.lived = None;
            if let Some(reserve) = self.reserve.take() {
                reserve.give_back();
            }
        }
    }
}

impl Sqlite {
    pub(super) fn insert(
        &mut self,
        head: &Head,
        holder: &Holder,
        entries: &[Entry],
        wall: Timestamp,
    ) -> Result<(), Trouble> {
        let lease = lease::take(&self.dir, &head.run, holder)?;
        let reserve = Reserve::make(&self.dir, &head.run)?;
        let salt = seal::salt()?;
        let seal = Seal::new(&head.run, &salt, self.key.clone());
        let hashes: Vec<String> = head.texts.iter().map(|text| chain::of_text(&text.text)).collect();
        let body = codec::head(head, hashes.clone(), &salt, &seal)?;
        let first = chain::first(&body);
        let start = Tip { count: 0, hash: first, last: to_nanos(wall), state: State::Open, wrote: false };
        let (tip, rows) = written(start, entries, &Hide { secrets: &Redactor::default(), seal: &seal })?;
        let inserted = commit(&mut self.db, |change| {
            for (text, hash) in head.texts.iter().zip(&hashes) {
                change
                    .prepare_cached("INSERT INTO text VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                    .execute(params![hash, text.text])?;
            }
            change
                .prepare_cached("INSERT INTO run (id, head) VALUES (?1, ?2)")?
                .execute(params![head.run.as_str(), body])?;
            let no = change.last_insert_rowid();
            tip::insert(change, no, &first, &tip)?;
            add(change, no, &rows)?;
            Ok(no)
        });
        match inserted {
            Ok(no) => {
                let (reserve, room, witness) = (Some(reserve), Room::Enough, Witness::open(&self.dir));
                witness.keep(no, &head.run, &first, &tip);
                let driven = Driven { no, head: first, tip, seal, reserve, room, witness, lease };
                self.driven.insert(head.run.clone(), driven);
                Ok(())
            }
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
                Err(begun_already(&head.run))
            }
            Err(e) => {
                reserve.give_back();
                Err(of(&self.path, &e))
            }
        }
    }

    pub(super) fn drive(&mut self, run: &str, holder: &Holder) -> Result<(), Trouble> {
        find(&self.path, &self.db, run)?;
        let lease = lease::take(&self.dir, run, holder)?;
        // It may have been forgotten until it was ours.
        let (no, body) = find(&self.path, &self.db, run)?;
        let head = chain::first(&body);
        let tip = tip::read(&self.path, &self.db, (run, no), &head)?;
        let seal = codec::read_head(&body)?.seal(self.key.clone())?;
        // On a full disk the run can still be unwound as far as it goes.
        let reserve = Reserve::make(&self.dir, run).ok();
        let room = if reserve.is_some() { Room::Enough } else { Room::Reserve };
        let witness = Witness::open(&self.dir);
        let driven = Driven { no, head, tip, seal, reserve, room, witness, lease };
        self.driven.insert(SmolStr::from(run), driven);
        Ok(())
    }

    /// Where it ends is written anew, behind whatever is there of it.
    pub(super) fn close_damaged(
        &mut self,
        run: &str,
        holder: &Holder,
        closed: &Entry,
        wall: Timestamp,
    ) -> Result<(), Trouble> {
        let (no, body) = find(&self.path, &self.db, run)?;
        let mut lease = lease::take(&self.dir, run, holder)?;
        let head = chain::first(&body);
        let last = "SELECT no, hash FROM entry WHERE run = ?1 ORDER BY no DESC LIMIT 1";
        let last = self.db.query_row(last, [no], |row| Ok((row.get(0)?, row.get(1)?))).optional();
        let (tip, rows) = closing(run, &body, last.map_err(|e| of(&self.path, &e))?, closed, wall)?;
        let done = commit(&mut self.db, |change| {
            tip::replace(change, no, &head, &tip)?;
            add(change, no, &rows)?;
            locks::free(change, no)
        });
        done.map_err(|e| of(&self.path, &e))?;
        Witness::open(&self.dir).keep(no, run, &head, &tip);
        Reserve::of(&self.dir, run).give_back();
        lease.lived = None;
        Ok(())
    }

    pub(super) fn keep(
        &mut self,
        run: &str,
        entries: &[Entry],
        secrets: &Redactor,
        standing: Option<Standing>,
    ) -> Result<Room, Trouble> {
        let mine = self.driven.get_mut(run).ok_or_else(|| not_driven(run))?;
        let (mut tip, rows) = written(mine.tip.clone(), entries, &Hide { secrets, seal: &mine.seal })?;
        if let Some(Standing { state, wrote, wall }) = standing {
            tip = Tip { state, wrote, last: to_nanos(wall), ..tip };
        }
        change(&mut self.db, &self.path, run, mine, tip, |change, no| {
            add(change, no, &rows)?;
            match standing {
                Some(standing) if leaves_nothing(standing.state) => locks::free(change, no),
                Some(_) | None => Ok(()),
            }
        })?;
        Ok(mine.room)
    }
}

fn add(change: &Connection, no: i64, rows: &[Written]) -> rusqlite::Result<()> {
    let mut add = change.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4)")?;
    rows.iter().try_for_each(|row| add.execute(params![no, row.no, row.hash, row.body]).map(|_| ()))
}

/// The tip and what goes with it; on a full disk once more in the reserve.
fn change(
    db: &mut Connection,
    path: &Path,
    run: &str,
    mine: &mut Driven,
    tip: Tip,
    work: impl Fn(&Transaction<'_>, i64) -> rusqlite::Result<()>,
) -> Result<(), Trouble> {
    let (no, head, before) = (mine.no, mine.head, mine.tip.clone());
    let all = |change: &Transaction<'_>| {
        tip::update(change, no, &head, &before, &tip)?;
        work(change, no)
    };
    let mut done = commit(db, all);
    if let Err(e) = &done
        && is_full(e)
        && let Some(reserve) = mine.reserve.take()
    {
        reserve.give_back();
        mine.room = Room::Reserve;
        // From now on the log is kept short: what stands in the file takes a tenth of the room.
        let _ = db.execute_batch("PRAGMA wal_autocheckpoint=32; PRAGMA wal_checkpoint(TRUNCATE)");
        done = commit(db, all);
    }
    match done {
        Ok(()) => {
            mine.witness.keep(no, run, &head, &tip);
            mine.tip = tip;
            Ok(())
        }
        Err(rusqlite::Error::QueryReturnedNoRows) => Err(not_driven(run)),
        Err(e) => Err(of(path, &e)),
    }
}

fn commit<T>(db: &mut Connection, work: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&change)?;
    change.commit()?;
    Ok(done)
}

/// The run's number and head.
pub fn find(path: &Path, db: &Connection, run: &str) -> Result<(i64, Vec<u8>), Trouble> {
    let mut find = db.prepare_cached("SELECT no, head FROM run WHERE id = ?1").map_err(|e| of(path, &e))?;
    let found = find.query_row([run], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(|e| of(path, &e))?;
    found.ok_or_else(|| no_such_run(run))
}
