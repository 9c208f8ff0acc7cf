//! Every run in one line.
use std::collections::BTreeMap;

use super::tip::{self, from_nanos};
use super::trouble::{damaged, of};
use super::{Sqlite, chain, lease};
use crate::journal::codec::{self, time};
use crate::journal::{Filter, Row, Trouble};

impl Sqlite {
    pub(super) fn list(&self, filter: &Filter) -> Result<Vec<Row>, Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let mut locks = self.locks_by_run()?;
        let columns = tip::COLUMNS;
        let mut all = self
            .db
            .prepare_cached(&format!(
                "SELECT run.no, run.id, run.head, {columns} FROM run LEFT JOIN tip ON tip.run = run.no"
            ))
            .map_err(wrong)?;
        let mut rows = all.query([]).map_err(wrong)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(wrong)? {
            let (no, id): (i64, String) = (row.get(0).map_err(wrong)?, row.get(1).map_err(wrong)?);
            let broken = || damaged(&self.path, &format!("how run {id} stands is not what was written"));
            let body = row.get_ref(2).map_err(wrong)?.as_blob().map_err(|_| broken())?;
            let tip = tip::from_row(row, 3, &chain::first(body)).ok().flatten().ok_or_else(broken)?;
            let head = codec::read_head(body)?;
            if head.run != id {
                return Err(broken());
            }
            let started = time(&head.started)?;
            let wanted = filter.book.as_ref().is_none_or(|book| *book == head.book)
                && filter.state.is_none_or(|state| state == tip.state)
                && filter.since.is_none_or(|since| started >= since);
            if !wanted {
                continue;
            }
            found.push(Row {
                book: head.book,
                file: head.texts.into_iter().next().map(|text| text.name).unwrap_or_default(),
                host_name: head.place.host_name,
                user: head.place.user,
                started,
                last: from_nanos(tip.last),
                state: tip.state,
                wrote: tip.wrote,
                held: lease::holder(&self.dir, &id),
                locks: locks.remove(&no).unwrap_or_default(),
                run: id.into(),
            });
        }
        found.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| b.run.cmp(&a.run)));
        Ok(found)
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
