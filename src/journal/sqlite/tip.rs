//! Where a run ends, as a row of its table.
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::trouble::{damaged_run, of};
use crate::journal::Trouble;
use crate::journal::chain::Hash;
use crate::journal::tip::{Tip, name, state};

/// Columns of a tip, in the order that [`from_row`] reads.
pub const COLUMNS: &str = "tip.count, tip.hash, tip.last, tip.state, tip.wrote, tip.sum";

pub fn insert(db: &Connection, run: i64, head: &Hash, tip: &Tip) -> rusqlite::Result<()> {
    let mut add = db.prepare_cached("INSERT INTO tip VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    add.execute(params![run, tip.count, tip.hash, tip.last, name(tip.state), tip.wrote, tip.sum(head)])?;
    Ok(())
}

/// Whatever stood there.
pub fn replace(db: &Connection, run: i64, head: &Hash, tip: &Tip) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM tip WHERE run = ?1")?.execute([run])?;
    insert(db, run, head, tip)
}

/// No row when the run has gone on behind our back.
pub fn update(db: &Connection, run: i64, head: &Hash, before: &Tip, tip: &Tip) -> rusqlite::Result<()> {
    let mut change = db.prepare_cached(
        "UPDATE tip SET count = ?2, hash = ?3, last = ?4, state = ?5, wrote = ?6, sum = ?7
         WHERE run = ?1 AND count = ?8 AND hash = ?9",
    )?;
    let (state, sum) = (name(tip.state), tip.sum(head));
    let values = params![run, tip.count, tip.hash, tip.last, state, tip.wrote, sum, before.count, before.hash];
    if change.execute(values)? == 1 { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
}

/// Of the run with this id and number.
pub fn read(path: &Path, db: &Connection, (id, run): (&str, i64), head: &Hash) -> Result<Tip, Trouble> {
    let mut find = db.prepare_cached(&format!("SELECT {COLUMNS} FROM tip WHERE run = ?1")).map_err(|e| of(path, &e))?;
    let found = find.query_row([run], |row| from_row(row, 0, head)).optional().map_err(|e| of(path, &e))?;
    found.flatten().ok_or_else(|| damaged_run(path, id, "where a run ends cannot be read"))
}

/// From this column on; nothing when it is damaged.
pub fn from_row(row: &Row<'_>, at: usize, head: &Hash) -> rusqlite::Result<Option<Tip>> {
    let Some(state) = state(row.get_ref(at + 3)?.as_str().unwrap_or_default()) else { return Ok(None) };
    let (Ok(count), Ok(hash), Ok(last), Ok(wrote), Ok(sum)) =
        (row.get(at), row.get(at + 1), row.get(at + 2), row.get(at + 4), row.get::<_, [u8; 8]>(at + 5))
    else {
        return Ok(None);
    };
    let tip = Tip { count, hash, last, state, wrote };
    Ok((tip.sum(head) == sum).then_some(tip))
}
