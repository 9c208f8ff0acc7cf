//! A run from its start, each entry checked against the one before.
use rusqlite::{Connection, OptionalExtension};

use super::trouble::{damaged, lost, of};
use super::write::find;
use super::{Sqlite, tip, witness};
use crate::journal::written::Reading;
use crate::journal::{Entry, Head, Trouble, chain};
use crate::value::SmolStr;

impl Sqlite {
    pub(super) fn read(&mut self, run: &str) -> Result<(Head, Vec<Entry>), Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let damaged = |how: &str| damaged(&self.path, how);
        let seen = witness::of(&self.dir, find(&self.path, &self.db, run)?.0);
        // One moment of the journal, also while another process goes on writing.
        let moment = self.db.unchecked_transaction().map_err(wrong)?;
        let (no, body) = find(&self.path, &moment, run)?;
        let first = chain::first(&body);
        let tip = tip::read(&self.path, &moment, no, &first)?;
        if let Some(seen) = seen.filter(|seen| seen.is_beyond(&first, &tip)) {
            return Err(lost(&self.path, run, &seen, &tip));
        }
        let text = |hash: &str| text(&moment, hash).map_err(wrong);
        let mut reading = Reading::new(run, &body, self.key.clone(), text, &damaged)?;
        {
            let mut all =
                moment.prepare_cached("SELECT no, hash, body FROM entry WHERE run = ?1 ORDER BY no").map_err(wrong)?;
            let mut rows = all.query([no]).map_err(wrong)?;
            while let Some(row) = rows.next().map_err(wrong)? {
                let blob = |at: usize| row.get_ref(at).and_then(|value| Ok(value.as_blob()?));
                let (Ok(no), Ok(hash), Ok(body)) = (row.get(0), blob(1), blob(2)) else {
                    return Err(reading.broken());
                };
                reading.next(no, hash, body)?;
            }
        }
        let (head, entries, prints) = reading.end(&tip)?;
        drop(moment);
        self.known.insert(SmolStr::from(run), prints);
        Ok((head, entries))
    }
}

fn text(db: &Connection, hash: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut find = db.prepare_cached("SELECT text FROM text WHERE sha256 = ?1")?;
    find.query_row([hash], |row| row.get::<_, String>(0)).optional().map(|text| text.map(String::into_bytes))
}
