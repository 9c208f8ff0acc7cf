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
        let columns = tip::COLUMNS;
        let one = format!("SELECT run.id, run.head, {columns} FROM run JOIN tip ON tip.run = run.no WHERE run.no = ?1");
        let mut one = self.db.prepare_cached(&one).map_err(wrong)?;
        let mut numbers = all.query([]).map_err(wrong)?;
        while let Some(number) = numbers.next().map_err(wrong)? {
            let no: i64 = number.get(0).map_err(wrong)?;
            let mut rows = one.query([no]).map_err(wrong)?;
            // One that was pruned meanwhile is none.
            let Some(row) = rows.next().map_err(wrong)? else { continue };
            let id: String = row.get(0).map_err(wrong)?;
            let head = row.get_ref(1).map_err(wrong)?.as_blob().unwrap_or_default();
            let first = chain::first(head);
            let tip = tip::from_row(row, 2, &first).ok().flatten();
            let seen = witness::of(&self.dir, no).filter(|seen| seen.head == first);
            let beyond = seen.filter(|seen| tip.as_ref().is_some_and(|tip| seen.is_beyond(&first, tip)));
            if !more(Stands { no, id, head, tip, beyond }) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn check_all(&self) -> Result<(), Trouble> {
        let gone = self.each(&mut |Stands { id, tip, beyond, .. }| match (tip, beyond) {
            (None, _) => Err(damaged_run(&self.path, &id, &format!("how run {id} stands is not what was written"))),
            (Some(tip), Some(seen)) => Err(lost(&self.path, &id, &seen, &tip)),
            (Some(_), None) => Ok(()),
        })?;
        gone.first_key_value().map_or(Ok(()), |(_, seen)| Err(trouble::gone(&self.path, &seen.run)))
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
        let columns = tip::COLUMNS;
        let mut all = self
            .db
            .prepare_cached(&format!(
                "SELECT run.no, run.id, run.head, {columns} FROM run LEFT JOIN tip ON tip.run = run.no"
            ))
            .map_err(wrong)?;
        let mut rows = all.query([]).map_err(wrong)?;
        while let Some(row) = rows.next().map_err(wrong)? {
            let (no, id): (i64, String) = (row.get(0).map_err(wrong)?, row.get(1).map_err(wrong)?);
            let head = row.get_ref(2).map_err(wrong)?.as_blob().unwrap_or_default();
            let first = chain::first(head);
            let tip = tip::from_row(row, 3, &first).ok().flatten();
            let seen = match missed.remove(&no) {
                Some(other) if other.head != first && tip.is_some() => {
                    missed.insert(no, other);
                    None
                }
                seen => seen,
            };
            let beyond = seen.filter(|seen| tip.as_ref().is_some_and(|tip| seen.is_beyond(&first, tip)));
            stands(Stands { no, id, head, tip, beyond })?;
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
