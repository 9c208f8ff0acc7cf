//! Forgetting runs that leave nothing to do.
use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::TransactionBehavior;

use super::trouble::of;
use super::witness::Witness;
use super::{Sqlite, lease, reserve, tip};
use crate::journal::codec::read_head;
use crate::journal::tip::{leaves_nothing, to_nanos};
use crate::journal::{Holder, Trouble, chain};
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
        let (mut used, mut reserves) = (BTreeSet::new(), BTreeSet::new());
        // Which texts it used is not known.
        let mut unread = false;
        for (no, id, head) in &all {
            // One that is damaged stays.
            let tip = tip::read(&self.path, &change, (id, *no), &chain::first(head)).ok();
            // Held while it goes: nobody takes a run that is being forgotten.
            let old = tip.is_some_and(|tip| leaves_nothing(tip.state) && tip.last < to_nanos(before));
            match old.then(|| lease::take(&self.dir, id, &pruning())) {
                Some(Ok(mut lease)) => {
                    lease.lived = None;
                    gone.push((*no, id, lease));
                }
                Some(Err(_)) | None => {
                    match read_head(head) {
                        Ok(head) => used.extend(head.texts.into_iter().map(|text| text.sha256)),
                        Err(_) => unread = true,
                    }
                    reserves.insert(reserve::file_name(id));
                }
            }
        }
        let witness = Witness::open(&self.dir);
        for (no, _, _) in &gone {
            witness.forget(*no);
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
        for text in texts.iter().filter(|text| !unread && !used.contains(*text)) {
            change.execute("DELETE FROM text WHERE sha256 = ?1", [text]).map_err(wrong)?;
        }
        change.commit().map_err(wrong)?;
        let count = gone.len();
        drop(gone);
        sweep(&self.dir, &reserves);
        Ok(count)
    }
}

/// Room that is kept for no run: it was forgotten, or its process died before it began.
fn sweep(dir: &Path, kept: &BTreeSet<String>) {
    for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = file.path();
        let stray = path.extension().is_some_and(|ending| ending == reserve::ENDING)
            && !kept.contains(&*file.file_name().to_string_lossy());
        let lease = path.with_extension(lease::ENDING);
        if stray && lease::locked(&lease).is_none() {
            let _ = std::fs::remove_file(path);
            let _ = std::fs::remove_file(lease);
        }
    }
}

/// Who holds a run that is being forgotten.
fn pruning() -> Holder {
    let pid = std::process::id().cast_signed();
    Holder { host_name: "this machine".to_owned(), user: "of the pruning".to_owned(), pid, started: 0 }
}
