//! Where the entries of a run end and how it stands: what changes with each write, apart from what never does.
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::chain::Hash;
use super::trouble::{damaged, of};
use crate::engine::event::End;
use crate::journal::{State, Trouble};
use crate::value::Timestamp;

const ENDS: [End; 5] = [End::Succeeded, End::RolledBack, End::Refused, End::Incomplete, End::Stopped];

#[derive(Clone, Debug)]
pub struct Tip {
    pub count: i64,
    /// Of the last entry, or of the head.
    pub hash: Hash,
    pub last: i64,
    pub state: State,
    pub wrote: bool,
}

/// Columns of a tip, in the order that [`from_row`] reads.
pub const COLUMNS: &str = "tip.count, tip.hash, tip.last, tip.state, tip.wrote, tip.sum";

impl Tip {
    /// Over all of it and the run's head: a bit that flipped on the disk is seen.
    pub fn sum(&self, head: &Hash) -> [u8; 8] {
        let all = Sha256::new()
            .chain_update(head)
            .chain_update(self.count.to_le_bytes())
            .chain_update(self.hash)
            .chain_update(self.last.to_le_bytes())
            .chain_update(name(self.state))
            .chain_update([u8::from(self.wrote)])
            .finalize();
        all.first_chunk().copied().unwrap_or_default()
    }

    pub fn insert(&self, db: &Connection, run: i64, head: &Hash) -> rusqlite::Result<()> {
        let mut add = db.prepare_cached("INSERT INTO tip VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        let sum = self.sum(head);
        add.execute(params![run, self.count, self.hash, self.last, name(self.state), self.wrote, sum])?;
        Ok(())
    }

    /// No row when the run has gone on behind our back.
    pub fn update(&self, db: &Connection, run: i64, head: &Hash, before: &Tip) -> rusqlite::Result<()> {
        let mut change = db.prepare_cached(
            "UPDATE tip SET count = ?2, hash = ?3, last = ?4, state = ?5, wrote = ?6, sum = ?7
             WHERE run = ?1 AND count = ?8 AND hash = ?9",
        )?;
        let (state, sum) = (name(self.state), self.sum(head));
        let values = params![run, self.count, self.hash, self.last, state, self.wrote, sum, before.count, before.hash];
        if change.execute(values)? == 1 { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
    }
}

pub fn read(path: &Path, db: &Connection, run: i64, head: &Hash) -> Result<Tip, Trouble> {
    let mut find = db.prepare_cached(&format!("SELECT {COLUMNS} FROM tip WHERE run = ?1")).map_err(|e| of(path, &e))?;
    let found = find.query_row([run], |row| from_row(row, 0, head)).optional().map_err(|e| of(path, &e))?;
    found.flatten().ok_or_else(|| damaged(path, "where a run ends cannot be read"))
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

fn name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Ended(end) => end.name(),
        State::Closed => "closed",
    }
}

fn state(text: &str) -> Option<State> {
    match text {
        "open" => Some(State::Open),
        "closed" => Some(State::Closed),
        other => ENDS.into_iter().find(|end| end.name() == other).map(State::Ended),
    }
}

/// Nanoseconds, as far as they reach (the years 1678 to 2262).
pub fn to_nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

pub fn from_nanos(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}
