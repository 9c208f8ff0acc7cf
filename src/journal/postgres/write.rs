//! What changes a run: one statement each, which is durable when it is answered. One whose answer was lost is never made twice:
//! where the entries end tells what became of it.
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::clock::boot;
use super::lease::Watch;
use super::line::{Broken, Line, Value};
use crate::journal::chain::Hash;
use crate::journal::tip::{self, Tip};
use crate::journal::trouble::begun_already;
use crate::journal::written::Written;
use crate::journal::{Holder, Trouble};
use crate::value::SmolStr;

/// For the first statement of a run: nothing hangs on it yet.
const BEGINNING: Duration = Duration::from_secs(10);

const BEGIN: &str = "WITH texts AS (
        INSERT INTO rbk.text SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING
    ), made AS (
        INSERT INTO rbk.run (id, head) VALUES ($3, $4) RETURNING no
    ), ended AS (
        INSERT INTO rbk.tip SELECT made.no, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13, $14,
            clock_timestamp(), clock_timestamp() + make_interval(secs => $15) FROM made
    ), added AS (
        INSERT INTO rbk.entry SELECT made.no, e.* FROM made, unnest($16::bigint[], $17::bytea[], $18::bytea[]) AS e
    ) SELECT no FROM made";

/// And the lease is whole again.
pub const APPEND: (&str, &[Type]) = (
    "WITH mine AS (
        UPDATE rbk.tip SET count = $5, hash = $6, last = $7, state = $8, wrote = $9, sum = $10,
            lease = clock_timestamp() + make_interval(secs => $11)
        WHERE run = $1 AND epoch = $2 AND count = $3 AND hash = $4 RETURNING run, wanted
    ), added AS (
        INSERT INTO rbk.entry SELECT mine.run, e.* FROM mine, unnest($12::bigint[], $13::bytea[], $14::bytea[]) AS e
    ), freed AS (
        DELETE FROM rbk.lock USING mine WHERE lock.run = mine.run AND $15
    ) SELECT wanted FROM mine",
    &[
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::BYTEA,
        Type::INT8,
        Type::BYTEA,
        Type::INT8,
        Type::TEXT,
        Type::BOOL,
        Type::BYTEA,
        Type::FLOAT8,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
        Type::BYTEA_ARRAY,
        Type::BOOL,
    ],
);

/// Of a run that nobody drives, whatever stood where it ends.
const PUT_DOWN: &str = "WITH ended AS (
        INSERT INTO rbk.tip SELECT run.no, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $11, clock_timestamp(), NULL
            FROM rbk.run WHERE run.id = $1
        ON CONFLICT (run) DO UPDATE SET count = $2, hash = $3, last = $4, state = $5, wrote = $6, sum = $7,
            epoch = tip.epoch + 1, lease = NULL
            WHERE tip.lease IS NULL OR tip.lease <= clock_timestamp()
        RETURNING run
    ), added AS (
        INSERT INTO rbk.entry SELECT ended.run, e.* FROM ended, unnest($12::bigint[], $13::bytea[], $14::bytea[]) AS e
    ), freed AS (
        DELETE FROM rbk.lock USING ended WHERE lock.run = ended.run
    ) SELECT count(*) FROM ended";

/// A new run.
pub struct New {
    pub run: SmolStr,
    pub head: Vec<u8>,
    /// By their hashes.
    pub texts: Vec<(String, Vec<u8>)>,
    pub entries: Vec<Written>,
    pub tip: Tip,
    /// Of the tip, with the head.
    pub sum: [u8; 8],
    pub holder: Holder,
}

/// More of a run.
pub struct More {
    pub no: i64,
    /// Where its entries ended, as far as is known: after that, or after any of these.
    pub before: (i64, Hash),
    pub entries: Vec<Written>,
    pub tip: Tip,
    pub sum: [u8; 8],
    /// Its locks are free from now on.
    pub frees: bool,
}

impl Line {
    pub async fn begin(&mut self, new: New) -> Result<(i64, Watch), Trouble> {
        let sent = boot();
        let mut doubt = false;
        loop {
            let left = BEGINNING.saturating_sub(boot().saturating_sub(sent));
            self.reach(left).await?;
            let made = if doubt { self.made(&new, left).await } else { self.make(&new, left).await };
            match made {
                Ok(Some(no)) => return Ok((no, self.hold(no, new.run, 1, sent))),
                Ok(None) => doubt = false,
                Err(Broken::Refused(e)) if e.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                    return Err(begun_already(&new.run));
                }
                Err(Broken::Off(_)) if boot().saturating_sub(sent) < BEGINNING => doubt = true,
                Err(broken) => return Err(broken.trouble(&self.way)),
            }
        }
    }

    async fn make(&mut self, new: &New, patience: Duration) -> Result<Option<i64>, Broken> {
        let hashes: Vec<&str> = new.texts.iter().map(|(hash, _)| hash.as_str()).collect();
        let texts: Vec<&[u8]> = new.texts.iter().map(|(_, text)| text.as_slice()).collect();
        let entries = Columns::of(&new.entries);
        let (state, length, started) =
            (tip::name(new.tip.state), self.length.as_secs_f64(), new.holder.started.cast_signed());
        let given = [
            (&hashes as Value<'_>, Type::TEXT_ARRAY),
            (&texts, Type::BYTEA_ARRAY),
            (&new.run.as_str(), Type::TEXT),
            (&new.head, Type::BYTEA),
            (&new.tip.count, Type::INT8),
            (&new.tip.hash.as_slice(), Type::BYTEA),
            (&new.tip.last, Type::INT8),
            (&state, Type::TEXT),
            (&new.tip.wrote, Type::BOOL),
            (&new.sum.as_slice(), Type::BYTEA),
            (&new.holder.host_name, Type::TEXT),
            (&new.holder.user, Type::TEXT),
            (&new.holder.pid, Type::INT4),
            (&started, Type::INT8),
            (&length, Type::FLOAT8),
            (&entries.nos, Type::INT8_ARRAY),
            (&entries.hashes, Type::BYTEA_ARRAY),
            (&entries.bodies, Type::BYTEA_ARRAY),
        ];
        self.within(patience, async |session| {
            session.client().query_typed_one(BEGIN, &given).await?.try_get(0).map(Some)
        })
        .await
    }

    /// Whether it is there by now: no two heads are alike.
    async fn made(&mut self, new: &New, patience: Duration) -> Result<Option<i64>, Broken> {
        let given = [(&new.run.as_str() as Value<'_>, Type::TEXT), (&new.head, Type::BYTEA)];
        let sql = "SELECT no FROM rbk.run WHERE id = $1 AND head = $2";
        self.within(patience, async |session| {
            session.client().query_typed_opt(sql, &given).await?.map(|row| row.try_get(0)).transpose()
        })
        .await
    }

    /// Whether nobody drives it, so that it was done.
    pub async fn put_down(
        &mut self,
        run: &str,
        holder: &Holder,
        tip: &Tip,
        sum: [u8; 8],
        rows: &[Written],
    ) -> Result<bool, Trouble> {
        let entries = Columns::of(rows);
        let (state, started) = (tip::name(tip.state), holder.started.cast_signed());
        let given = [
            (&run as Value<'_>, Type::TEXT),
            (&tip.count, Type::INT8),
            (&tip.hash.as_slice(), Type::BYTEA),
            (&tip.last, Type::INT8),
            (&state, Type::TEXT),
            (&tip.wrote, Type::BOOL),
            (&sum.as_slice(), Type::BYTEA),
            (&holder.host_name, Type::TEXT),
            (&holder.user, Type::TEXT),
            (&holder.pid, Type::INT4),
            (&started, Type::INT8),
            (&entries.nos, Type::INT8_ARRAY),
            (&entries.hashes, Type::BYTEA_ARRAY),
            (&entries.bodies, Type::BYTEA_ARRAY),
        ];
        // Once: of a second one the entry would be there already.
        let done = self.within(BEGINNING, async |session| {
            session.client().query_typed_one(PUT_DOWN, &given).await?.try_get::<_, i64>(0)
        });
        done.await.map(|ended| ended == 1).map_err(|broken| broken.trouble(&self.way))
    }

    /// Kept, all of it, when it returns; what of it is there already is not written again. A server that is away is waited
    /// for once.
    pub async fn append(&mut self, more: &More) -> Result<(), Trouble> {
        let kept = self.append_within(more, self.patience(more.no)).await;
        self.hurried |= kept.is_err() && self.is_down();
        kept
    }

    async fn append_within(&mut self, more: &More, patience: Duration) -> Result<(), Trouble> {
        let until = boot().saturating_add(patience);
        let mut sure = self.lease(more.no).is_some_and(|lease| !lease.doubt);
        let mut there = 0;
        loop {
            let patience = until.saturating_sub(boot());
            self.reach(patience).await?;
            if !sure {
                there = match self.there(more, patience).await {
                    Ok(there) => there?,
                    Err(Broken::Off(trouble)) if boot() >= until => return Err(trouble),
                    Err(Broken::Off(_)) => continue,
                    Err(broken) => return Err(broken.trouble(&self.way)),
                };
            }
            let sent = boot();
            let done = self.send(more, there, patience).await;
            let Some(lease) = self.leases.iter_mut().find(|lease| lease.no == more.no) else { return Ok(()) };
            match done {
                Ok(Some(wanted)) => {
                    lease.doubt = false;
                    lease.watch.whole(sent.saturating_add(self.length), wanted);
                    return Ok(());
                }
                // Somebody else has the run, or an append that was given up has come through.
                Ok(None) if boot() < until => sure = false,
                Ok(None) => return Err(self.changed(more.no).await),
                Err(Broken::Off(trouble)) => {
                    lease.doubt = true;
                    sure = false;
                    if boot() >= until {
                        return Err(trouble);
                    }
                }
                Err(broken) => return Err(broken.trouble(&self.way)),
            }
        }
    }

    /// What another run wants of it, when it is kept; nothing when the run does not end there any more.
    async fn send(
        &mut self,
        more: &More,
        there: usize,
        patience: Duration,
    ) -> Result<Option<Option<Vec<String>>>, Broken> {
        let (count, hash) = match there.checked_sub(1).and_then(|last| more.entries.get(last)) {
            Some(last) => (last.no, last.hash),
            None => more.before,
        };
        let epoch = self.lease(more.no).map_or(0, |lease| lease.epoch);
        let entries = Columns::of(more.entries.get(there..).unwrap_or_default());
        let (state, length) = (tip::name(more.tip.state), self.length.as_secs_f64());
        self.within(patience, async |session| {
            let given: [Value<'_>; 15] = [
                &more.no,
                &epoch,
                &count,
                &hash.as_slice(),
                &more.tip.count,
                &more.tip.hash.as_slice(),
                &more.tip.last,
                &state,
                &more.tip.wrote,
                &more.sum.as_slice(),
                &length,
                &entries.nos,
                &entries.hashes,
                &entries.bodies,
                &more.frees,
            ];
            session.client().query_opt(&session.append, &given).await?.map(|row| row.try_get(0)).transpose()
        })
        .await
    }

    /// How many of the entries an earlier attempt has written.
    async fn there(&mut self, more: &More, patience: Duration) -> Result<Result<usize, Trouble>, Broken> {
        let given = [(&more.no as Value<'_>, Type::INT8)];
        let sql = "SELECT epoch, count, hash FROM rbk.tip WHERE run = $1";
        let found = self.within(patience, async |session| {
            let row = session.client().query_typed_opt(sql, &given).await?;
            row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).transpose()
        });
        let found: Option<(i64, i64, Vec<u8>)> = found.await?;
        let mine = self.lease(more.no).map(|lease| lease.epoch);
        let at = found.filter(|(epoch, ..)| Some(*epoch) == mine).and_then(|(_, count, hash)| {
            let ends = std::iter::once(more.before).chain(more.entries.iter().map(|entry| (entry.no, entry.hash)));
            ends.into_iter().position(|(no, of)| no == count && of.as_slice() == hash)
        });
        match at {
            Some(there) => Ok(Ok(there)),
            None => Ok(Err(self.changed(more.no).await)),
        }
    }
}

/// Entries as the columns of a table.
struct Columns<'a> {
    nos: Vec<i64>,
    hashes: Vec<&'a [u8]>,
    bodies: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(entries: &'a [Written]) -> Columns<'a> {
        Columns {
            nos: entries.iter().map(|entry| entry.no).collect(),
            hashes: entries.iter().map(|entry| entry.hash.as_slice()).collect(),
            bodies: entries.iter().map(|entry| entry.body.as_slice()).collect(),
        }
    }
}
