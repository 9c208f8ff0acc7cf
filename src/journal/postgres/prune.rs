//! Forgetting runs that leave nothing to do.
use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::line::{Line, Value};
use super::read::tip;
use super::trouble::damaged;
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
        let pruned = self.read(async |session| pruned(session.client(), before).await).await?;
        pruned.map_err(|how| damaged(&self.place(), &how))
    }
}

async fn pruned(client: &Client, before: i64) -> Result<Result<usize, String>, Error> {
    client.batch_execute(ALONE).await?;
    let heads = client.query_typed("SELECT no, head FROM rbk.run", &[]).await?;
    let old = client.query_typed(OLD, &[(&before, Type::INT8)]).await?;
    let old: HashMap<i64, &Row> = old.iter().map(|row| Ok((row.try_get(6)?, row))).collect::<Result<_, Error>>()?;
    let mut gone = BTreeSet::new();
    let mut used = BTreeSet::new();
    for row in &heads {
        let (no, head): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        if let Some(row) = old.get(&no) {
            match tip(row, 0, head)? {
                Some(tip) if leaves_nothing(tip.state) => drop(gone.insert(no)),
                Some(_) => {}
                None => return abandoned(client, "where a run ends cannot be read").await,
            }
        }
        if !gone.contains(&no) {
            match read_head(head) {
                Ok(head) => used.extend(head.texts.into_iter().map(|text| text.sha256)),
                Err(why) => return abandoned(client, &why.message).await,
            }
        }
    }
    let (gone, used): (Vec<i64>, Vec<String>) = (gone.into_iter().collect(), used.into_iter().collect());
    for delete in FORGET {
        client.execute_typed(delete, &[(&gone as Value<'_>, Type::INT8_ARRAY)]).await?;
    }
    let texts = "DELETE FROM rbk.text WHERE sha256 <> ALL ($1)";
    client.execute_typed(texts, &[(&used as Value<'_>, Type::TEXT_ARRAY)]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(Ok(gone.len()))
}

/// Nothing is forgotten where something cannot be read.
async fn abandoned(client: &Client, how: &str) -> Result<Result<usize, String>, Error> {
    client.batch_execute("ROLLBACK").await?;
    Ok(Err(how.to_owned()))
}
