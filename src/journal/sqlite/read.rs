//! A run from its start, each entry checked against the one before.
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::trouble::{damaged_run, lost, of};
use super::witness::Seen;
use super::write::find;
use super::{Sqlite, tip, witness};
use crate::journal::Trouble;
use crate::journal::chain::{self, Hash};
use crate::journal::seal::Key;
use crate::journal::store::{Kept, Verified};
use crate::journal::tip::Tip;
use crate::journal::written::{Found, Reading, Walk};
use crate::value::SmolStr;

/// A run at one moment of the journal, also while another process goes on writing.
struct Opened<'a> {
    moment: Transaction<'a>,
    no: i64,
    head: Vec<u8>,
    tip: Result<Tip, Trouble>,
    /// It had come further.
    less: Option<Trouble>,
}

impl Sqlite {
    fn opened(&self, run: &str) -> Result<Opened<'_>, Trouble> {
        let seen = self.seen(run)?;
        let moment = self.db.unchecked_transaction().map_err(|e| of(&self.path, &e))?;
        let (no, head) = find(&self.path, &moment, run)?;
        let first = chain::first(&head);
        let tip = tip::read(&self.path, &moment, (run, no), &first);
        let less = self.less(run, seen, &first, &tip);
        Ok(Opened { moment, no, head, tip, less })
    }

    pub(super) fn read(&mut self, run: &str, key: Option<Key>) -> Result<Kept, Trouble> {
        let damaged = |how: &str| damaged_run(&self.path, run, how);
        let Opened { moment, no, head, tip, less } = self.opened(run)?;
        let walk = Walk::new(run, &head, tip, &damaged);
        let mut reading = Reading::new(walk, &head, key, |hash| self.text(&moment, hash))?;
        let walked = self.each_entry(&moment, no, |found| reading.next(found));
        let (kept, prints) = reading.end(walked);
        drop(moment);
        self.known.insert(SmolStr::from(run), prints);
        Ok(Kept { broken: less.or(kept.broken), ..kept })
    }

    pub(super) fn proved(&self, run: &str) -> Result<Verified, Trouble> {
        let damaged = |how: &str| damaged_run(&self.path, run, how);
        let Opened { moment, no, head, tip, less } = self.opened(run)?;
        let mut walk = Walk::new(run, &head, tip, &damaged);
        let walked = self.each_entry(&moment, no, |found| walk.next(found).map(drop));
        let verified = walk.verified(walked, &head, |hash| self.text(&moment, hash));
        Ok(Verified { broken: verified.broken.or(less), ..verified })
    }

    fn text(&self, db: &Connection, hash: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut find = db.prepare_cached("SELECT text FROM text WHERE sha256 = ?1").map_err(wrong)?;
        let text = find.query_row([hash], |row| row.get::<_, String>(0)).optional().map_err(wrong)?;
        Ok(text.map(String::into_bytes))
    }

    /// To be read before the run is.
    fn seen(&self, run: &str) -> Result<Option<Seen>, Trouble> {
        Ok(witness::of(&self.dir, find(&self.path, &self.db, run)?.0))
    }

    fn less(&self, run: &str, seen: Option<Seen>, head: &Hash, tip: &Result<Tip, Trouble>) -> Option<Trouble> {
        let (seen, tip) = (seen?, tip.as_ref().ok()?);
        seen.is_beyond(head, tip).then(|| lost(&self.path, run, &seen, tip))
    }

    fn each_entry(
        &self,
        moment: &Connection,
        no: i64,
        mut each: impl FnMut(Found<'_>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut all =
            moment.prepare_cached("SELECT no, hash, body FROM entry WHERE run = ?1 ORDER BY no").map_err(wrong)?;
        let mut rows = all.query([no]).map_err(wrong)?;
        while let Some(row) = rows.next().map_err(wrong)? {
            let blob = |at: usize| row.get_ref(at).ok()?.as_blob().ok();
            each(row.get(0).ok().and_then(|no| Some((no, blob(1)?, blob(2)?))))?;
        }
        Ok(())
    }
}
