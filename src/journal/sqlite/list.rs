//! Every run in one line.
use std::collections::BTreeMap;

use super::trouble::{self, damaged_run, lost, of};
use super::witness::{self, Seen, Witness};
use super::{Sqlite, lease, tip};
use crate::journal::tip::Tip;
use crate::journal::{Filter, Row, Trouble, chain, listed};
use crate::value::SmolStr;

/// How one run stands.
struct Stands<'a> {
    no: i64,
    id: String,
    /// The head as it was written.
    head: &'a [u8],
    /// Nothing when it cannot be read.
    tip: Option<Tip>,
    /// It had come further: so far.
    beyond: Option<Seen>,
}

/// So many of the runs that were written last are looked at before a new one starts.
const LATEST: u32 = 64;
/// And of so many that were left each entry.
const READ: u32 = 10;

/// Of every run, in the order that [`stood`] reads.
fn all() -> String {
    format!("SELECT run.no, run.id, run.head, {} FROM run LEFT JOIN tip ON tip.run = run.no", tip::COLUMNS)
}

fn one() -> String {
    all() + " WHERE run.no = ?1"
}

/// How a run stands, `seen` as its witness says; and that when it is of another run, which is not there any more.
fn stood<'a>(row: &'a rusqlite::Row<'_>, seen: Option<Seen>) -> rusqlite::Result<(Stands<'a>, Option<Seen>)> {
    let (no, id) = (row.get(0)?, row.get(1)?);
    let head = row.get_ref(2)?.as_blob().unwrap_or_default();
    let first = chain::first(head);
    let tip = tip::from_row(row, 3, &first).ok().flatten();
    let (seen, other) = match seen {
        Some(other) if other.head != first && tip.is_some() => (None, Some(other)),
        seen => (seen, None),
    };
    let beyond = seen.filter(|seen| tip.as_ref().is_some_and(|tip| seen.is_beyond(&first, tip)));
    Ok((Stands { no, id, head, tip, beyond }, other))
}

impl Sqlite {
    pub(super) fn list(&self, filter: &Filter) -> Result<Vec<Row>, Trouble> {
        let mut locks = self.locks_by_run()?;
        let mut found = Vec::new();
        let mut row = |Stands { no, id, head, tip, beyond }: Stands<'_>| {
            let (held, locks) = (|| lease::holder(&self.dir, &id), locks.remove(&no).unwrap_or_default());
            let row = listed::row(&id, head, tip, held, locks, filter);
            found.extend(row.map(|row| Row { damaged: row.damaged || beyond.is_some(), ..row }));
            found.len()
        };
        match filter.limit {
            None => {
                self.each(&mut |stands| {
                    row(stands);
                    Ok(())
                })?;
            }
            Some(limit) => self.latest(&mut |stands| row(stands) < limit)?,
        }
        listed::sort(&mut found);
        Ok(found)
    }

    /// Each run, the one that was written last first, as long as more are wanted.
    fn latest(&self, more: &mut dyn FnMut(Stands<'_>) -> bool) -> Result<(), Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut all = self.db.prepare_cached("SELECT run FROM tip ORDER BY last DESC").map_err(wrong)?;
        let mut one = self.db.prepare_cached(&one()).map_err(wrong)?;
        let mut numbers = all.query([]).map_err(wrong)?;
        while let Some(number) = numbers.next().map_err(wrong)? {
            let no: i64 = number.get(0).map_err(wrong)?;
            let seen = witness::of(&self.dir, no);
            let mut rows = one.query([no]).map_err(wrong)?;
            // One that was pruned meanwhile is none.
            let Some(row) = rows.next().map_err(wrong)? else { continue };
            let (stands, _) = stood(row, seen).map_err(wrong)?;
            if !more(stands) {
                break;
            }
        }
        Ok(())
    }

    /// However many runs there are, only those are looked at that were written last, because a log or a copy that ends too soon lacks
    /// some of them, and those that leave something to do.
    pub(super) fn check_latest(&self) -> Result<(), Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut looked_at: BTreeMap<i64, Option<Seen>> =
            witness::latest(&self.dir, LATEST as usize).into_iter().map(|(no, seen)| (no, Some(seen))).collect();
        for no in self.not_over().map_err(wrong)? {
            looked_at.entry(no).or_insert_with(|| witness::of(&self.dir, no));
        }
        let mut one = self.db.prepare_cached(&one()).map_err(wrong)?;
        for (no, seen) in looked_at {
            let mut rows = one.query([no]).map_err(wrong)?;
            let missed = match rows.next().map_err(wrong)? {
                Some(row) => {
                    let (stands, missed) = stood(row, seen).map_err(wrong)?;
                    self.check(stands)?;
                    missed
                }
                None => seen,
            };
            if let Some(missed) = missed.filter(|missed| witness::of(&self.dir, no).as_ref() == Some(missed)) {
                return Err(trouble::gone(&self.path, &missed.run));
            }
        }
        self.check_entries()
    }

    /// Of the newest of those that nobody drives and that can go on.
    fn check_entries(&self) -> Result<(), Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut left = self
            .db
            .prepare_cached(
                "SELECT run.id FROM run JOIN tip ON tip.run = run.no WHERE tip.state IN ('open', 'stopped')
                     ORDER BY run.no DESC LIMIT ?1",
            )
            .map_err(wrong)?;
        let ids = left.query_map([READ], |row| row.get::<_, String>(0)).map_err(wrong)?;
        for id in ids {
            let id = id.map_err(wrong)?;
            if lease::holder(&self.dir, &id).is_none()
                && let Some(broken) = self.proved(&id)?.broken
            {
                return Err(broken);
            }
        }
        Ok(())
    }

    fn check(&self, Stands { id, tip, beyond, .. }: Stands<'_>) -> Result<(), Trouble> {
        match (tip, beyond) {
            (None, _) => Err(damaged_run(&self.path, &id, &format!("how run {id} stands is not what was written"))),
            (Some(tip), Some(seen)) => Err(lost(&self.path, &id, &seen, &tip)),
            (Some(_), None) => Ok(()),
        }
    }

    /// The newest runs, and all that leave something to do.
    fn not_over(&self) -> rusqlite::Result<Vec<i64>> {
        let mut all = self.db.prepare_cached(
            "SELECT run.no FROM run LEFT JOIN tip ON tip.run = run.no WHERE tip.run IS NULL
                 OR tip.state NOT IN ('succeeded', 'rolled_back', 'refused', 'closed')
             UNION SELECT no FROM (SELECT no FROM run ORDER BY no DESC LIMIT ?1)",
        )?;
        let rows = all.query_map([LATEST], |row| row.get(0))?;
        rows.collect()
    }

    pub(super) fn vanished(&self) -> Result<Vec<(SmolStr, Trouble)>, Trouble> {
        let gone = self.each(&mut |_| Ok(()))?.into_values();
        Ok(gone.map(|seen| (seen.run.clone(), trouble::gone(&self.path, &seen.run))).collect())
    }

    pub(super) fn forget_vanished(&self, run: &str) {
        for (no, _) in witness::all(&self.dir).into_iter().filter(|(_, seen)| seen.run == run) {
            Witness::open(&self.dir).forget(no);
        }
    }

    /// Every run; those that are not there any more come back.
    fn each(&self, stands: &mut dyn FnMut(Stands<'_>) -> Result<(), Trouble>) -> Result<BTreeMap<i64, Seen>, Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut missed: BTreeMap<i64, Seen> = witness::all(&self.dir).into_iter().collect();
        let mut all = self.db.prepare_cached(&all()).map_err(wrong)?;
        let mut rows = all.query([]).map_err(wrong)?;
        while let Some(row) = rows.next().map_err(wrong)? {
            let no: i64 = row.get(0).map_err(wrong)?;
            let (one, other) = stood(row, missed.remove(&no)).map_err(wrong)?;
            missed.extend(other.map(|other| (no, other)));
            stands(one)?;
        }
        // One that was pruned meanwhile has no witness either.
        missed.retain(|no, seen| witness::of(&self.dir, *no).as_ref() == Some(seen));
        Ok(missed)
    }

    fn locks_by_run(&self) -> Result<BTreeMap<i64, Vec<String>>, Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut all = self.db.prepare_cached("SELECT run, name FROM lock ORDER BY name").map_err(wrong)?;
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(wrong)?;
        let mut found: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for row in rows {
            let (run, name) = row.map_err(wrong)?;
            found.entry(run).or_default().push(name);
        }
        Ok(found)
    }
}
