//! Forgetting runs that leave nothing to do.
use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::line::{Line, Value};
use super::read::tip;
use crate::journal::Trouble;
use crate::journal::codec::read_head;
use crate::journal::tip::leaves_nothing;

/// No run begins meanwhile: it would count on a text that goes.
const ALONE: &str = "BEGIN; LOCK TABLE rbk.run IN SHARE ROW EXCLUSIVE MODE";
/// Whoever takes one of these now waits, and does not find it any more.
const OLD: &str = "SELECT count, hash, last, state, wrote, sum, run FROM rbk.tip
    WHERE last < $1 AND (lease IS NULL OR lease <= clock_timestamp()) FOR UPDATE SKIP LOCKED";
const FORGET: [&str; 4] = [
    "DELETE FROM rbk.entry WHERE run = ANY ($1)",
    "DELETE FROM rbk.lock WHERE run = ANY ($1)",
    "DELETE FROM rbk.tip WHERE run = ANY ($1)",
    "DELETE FROM rbk.run WHERE no = ANY ($1)",
];

impl Line {
    /// `before`: in nanoseconds.
    pub async fn forget(&mut self, before: i64) -> Result<usize, Trouble> {
        self.read(async |session| pruned(session.client(), before).await).await
    }
}

async fn pruned(client: &Client, before: i64) -> Result<usize, Error> {
    client.batch_execute(ALONE).await?;
    let heads = client.query_typed("SELECT no, head FROM rbk.run", &[]).await?;
    let old = client.query_typed(OLD, &[(&before, Type::INT8)]).await?;
    let old: HashMap<i64, &Row> = old.iter().map(|row| Ok((row.try_get(6)?, row))).collect::<Result<_, Error>>()?;
    let mut gone = BTreeSet::new();
    let mut used = BTreeSet::new();
    // Which texts it used is not known.
    let mut unread = false;
    for row in &heads {
        let (no, head): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        if let Some(row) = old.get(&no) {
            match tip(row, 0, head)? {
                Some(tip) if leaves_nothing(tip.state) => drop(gone.insert(no)),
                // One that is damaged stays.
                Some(_) | None => {}
            }
        }
        if !gone.contains(&no) {
            match read_head(head) {
                Ok(head) => used.extend(head.texts.into_iter().map(|text| text.sha256)),
                Err(_) => unread = true,
            }
        }
    }
    let (gone, used): (Vec<i64>, Vec<String>) = (gone.into_iter().collect(), used.into_iter().collect());
    for delete in FORGET {
        client.execute_typed(delete, &[(&gone as Value<'_>, Type::INT8_ARRAY)]).await?;
    }
    if !unread {
        let texts = "DELETE FROM rbk.text WHERE sha256 <> ALL ($1)";
        client.execute_typed(texts, &[(&used as Value<'_>, Type::TEXT_ARRAY)]).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(gone.len())
}
