//! Forgetting runs that leave nothing to do.
use std::collections::BTreeSet;

use rusqlite::TransactionBehavior;

use super::tip::{self, to_nanos};
use super::trouble::of;
use super::write::leaves_nothing;
use super::{Sqlite, chain, lease, reserve};
use crate::journal::codec::read_head;
use crate::journal::{Holder, Trouble};
use crate::value::Timestamp;

impl Sqlite {
    pub(super) fn forget(&mut self, before: Timestamp) -> Result<usize, Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let change = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrong)?;
        let all: Vec<(i64, String, Vec<u8>)> = {
            let mut all = change.prepare("SELECT no, id, head FROM run").map_err(wrong)?;
            let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(wrong)?;
            rows.collect::<Result<_, _>>().map_err(wrong)?
        };
        let mut gone = Vec::new();
        let mut used = BTreeSet::new();
        for (no, id, head) in &all {
            let tip = tip::read(&self.path, &change, *no, &chain::first(head))?;
            // Held while it goes: nobody takes a run that is being forgotten.
            let old = leaves_nothing(tip.state) && tip.last < to_nanos(before);
            match old.then(|| lease::take(&self.dir, id, &nobody())) {
                Some(Ok(lease)) => gone.push((*no, id, lease)),
                Some(Err(_)) | None => used.extend(read_head(head)?.texts.into_iter().map(|text| text.sha256)),
            }
        }
        for (no, _, _) in &gone {
            for table in
                ["DELETE FROM entry WHERE run = ?1", "DELETE FROM tip WHERE run = ?1", "DELETE FROM run WHERE no = ?1"]
            {
                change.prepare_cached(table).and_then(|mut delete| delete.execute([no])).map_err(wrong)?;
            }
        }
        let texts: Vec<String> = {
            let mut all = change.prepare("SELECT sha256 FROM text").map_err(wrong)?;
            let rows = all.query_map([], |row| row.get(0)).map_err(wrong)?;
            rows.collect::<Result<_, _>>().map_err(wrong)?
        };
        for text in texts.iter().filter(|text| !used.contains(*text)) {
            change.execute("DELETE FROM text WHERE sha256 = ?1", [text]).map_err(wrong)?;
        }
        change.commit().map_err(wrong)?;
        for (_, id, _) in &gone {
            let _ = std::fs::remove_file(self.dir.join(reserve::file_name(id)));
        }
        Ok(gone.len())
    }
}

/// Who holds a run that is being forgotten.
fn nobody() -> Holder {
    Holder { host_name: String::new(), user: String::new(), pid: 0, started: 0 }
}
