//! A run from its start, and every run in one line.
use std::collections::{BTreeMap, HashMap};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::Postgres;
use super::lease::{HELD, Held, held};
use super::line::{Line, Value};
use super::trouble::damaged;
use crate::journal::seal::Key;
use crate::journal::store::{Kept, Verified};
use crate::journal::tip::{Tip, state};
use crate::journal::trouble::no_such_run;
use crate::journal::written::{Damaged, Found, Reading, Walk};
use crate::journal::{Filter, Trouble, chain, codec, listed};
use crate::value::SmolStr;

/// Of a tip, in the order that [`tip`] reads.
const TIP: &str = "tip.count, tip.hash, tip.last, tip.state, tip.wrote, tip.sum";
const RUN: &str = "FROM rbk.run LEFT JOIN rbk.tip ON tip.run = run.no";

/// Runs that are asked for at once where not all are wanted.
const PAGE: usize = 64;

/// What stands at the server of one run.
struct Stands {
    head: Vec<u8>,
    tip: Option<Tip>,
    entries: Vec<Row>,
    texts: HashMap<String, Vec<u8>>,
}

impl Stands {
    fn end(&self, damaged: Damaged<'_>) -> Result<Tip, Trouble> {
        self.tip.clone().ok_or_else(|| damaged("where a run ends cannot be read"))
    }

    fn entries(&self) -> impl Iterator<Item = Found<'_>> {
        self.entries.iter().map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?, row.try_get(2).ok()?)))
    }
}

impl Postgres {
    pub(super) fn read(&mut self, run: &str, key: Option<Key>) -> Result<Kept, Trouble> {
        let damaged = |how: &str| damaged(&self.place, run, how);
        let stands = self.stands(run)?;
        let walk = Walk::new(run, &stands.head, stands.end(&damaged), &damaged);
        let text = |hash: &str| Ok(stands.texts.get(hash).cloned());
        let mut reading = Reading::new(walk, &stands.head, key, text)?;
        let walked = stands.entries().try_for_each(|entry| reading.next(entry));
        let (kept, prints) = reading.end(walked);
        self.known.insert(run.into(), prints);
        Ok(kept)
    }

    pub(super) fn proved(&self, run: &str) -> Result<Verified, Trouble> {
        let damaged = |how: &str| damaged(&self.place, run, how);
        let stands = self.stands(run)?;
        let mut walk = Walk::new(run, &stands.head, stands.end(&damaged), &damaged);
        let walked = stands.entries().try_for_each(|entry| walk.next(entry).map(drop));
        Ok(walk.verified(walked, &stands.head, |hash| Ok(stands.texts.get(hash).cloned())))
    }

    pub(super) fn head(&self, run: &str) -> Result<Vec<u8>, Trouble> {
        self.stands(run).map(|stands| stands.head)
    }

    fn stands(&self, run: &str) -> Result<Stands, Trouble> {
        let id = SmolStr::from(run);
        self.worker.ask(async move |line| line.stands(&id).await)?.ok_or_else(|| no_such_run(run))
    }

    /// The head of a run that this process drives, and where it ends.
    pub(super) fn end_of(&self, run: &str, no: i64) -> Result<(Vec<u8>, Tip), Trouble> {
        let found = self.worker.ask(async move |line| {
            let found = line.read(async |session| {
                let sql = format!("SELECT {TIP}, run.head {RUN} WHERE run.no = $1");
                let row = session.client().query_typed_one(&sql, &[(&no, Type::INT8)]).await?;
                let head: Vec<u8> = row.try_get(6)?;
                let tip = tip(&row, 0, &head)?;
                Ok((head, tip))
            });
            found.await
        });
        let (head, tip) = found?;
        Ok((head, tip.ok_or_else(|| damaged(&self.place, run, "where a run ends cannot be read"))?))
    }

    pub(super) fn list(&self, filter: &Filter) -> Result<Vec<crate::journal::Row>, Trouble> {
        let mut found = Vec::new();
        let mut put = |all: Vec<One>| {
            for One { id, head, tip, held, locks } in all {
                let holder = || held.filter(|held| held.left.is_some()).map(|held| held.holder);
                found.extend(listed::row(&id, &head, tip, holder, locks, filter));
            }
            found.len()
        };
        match filter.limit {
            None => {
                put(self.worker.ask(async |line| line.all("").await)?);
            }
            Some(limit) => {
                let mut from = 0;
                loop {
                    let part = format!("ORDER BY tip.last DESC, run.no DESC LIMIT {PAGE} OFFSET {from}");
                    let all = self.worker.ask(async move |line| line.all(&part).await)?;
                    from += all.len();
                    let last = all.len() < PAGE;
                    if put(all) >= limit || last {
                        break;
                    }
                }
            }
        }
        found.truncate(filter.limit.unwrap_or(usize::MAX));
        listed::sort(&mut found);
        Ok(found)
    }

    /// One that keeps a new run from starting; however many there are, not all are looked at.
    pub(super) fn damaged_one(&self) -> Result<Option<SmolStr>, Trouble> {
        let all = self.worker.ask(async |line| line.all(NOT_OVER).await)?.into_iter();
        let mut rows =
            all.filter_map(|one| listed::row(&one.id, &one.head, one.tip, || None, one.locks, &Filter::default()));
        Ok(rows.find(|row| row.damaged).map(|row| row.run))
    }

    /// The newest of those that nobody drives and that can go on.
    pub(super) fn left(&self) -> Result<Vec<SmolStr>, Trouble> {
        let all = self.worker.ask(async |line| line.all(LEFT).await)?;
        Ok(all.into_iter().map(|one| one.id.into()).collect())
    }
}

/// Of so many each entry is looked at before a new run starts.
const LEFT: &str = "WHERE tip.state IN ('open', 'stopped') AND (tip.lease IS NULL OR tip.lease <= clock_timestamp())
    ORDER BY run.no DESC LIMIT 10";

/// Those that leave something to do, and the newest.
const NOT_OVER: &str = "WHERE tip.run IS NULL OR tip.state NOT IN ('succeeded', 'rolled_back', 'refused', 'closed')
    OR run.no > (SELECT max(no) FROM rbk.run) - 64";

/// A run in the list.
struct One {
    id: String,
    head: Vec<u8>,
    tip: Option<Tip>,
    /// Nothing where the tip is gone.
    held: Option<Held>,
    locks: Vec<String>,
}

impl Line {
    /// The number and the hash of the last entry that is there.
    pub async fn last(&mut self, run: &str) -> Result<Option<(i64, Vec<u8>)>, Trouble> {
        let sql = "SELECT entry.no, entry.hash FROM rbk.entry JOIN rbk.run ON run.no = entry.run WHERE run.id = $1
            ORDER BY entry.no DESC LIMIT 1";
        self.read(async |session| {
            let row = session.client().query_typed_opt(sql, &[(&run, Type::TEXT)]).await?;
            row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
        })
        .await
    }

    async fn stands(&mut self, run: &str) -> Result<Option<Stands>, Trouble> {
        self.read(async |session| {
            let client = session.client();
            // One moment of the journal, also while another process goes on writing.
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
            let found = whole(client, run).await?;
            client.batch_execute("COMMIT").await?;
            Ok(found)
        })
        .await
    }

    /// `part`: in which order, and how many of them.
    async fn all(&mut self, part: &str) -> Result<Vec<One>, Trouble> {
        self.read(async |session| {
            let client = session.client();
            let sql = format!("SELECT {TIP}, {HELD}, run.id, run.head, run.no {RUN} {part}");
            let (rows, locks) = tokio::join!(
                client.query_typed(&sql, &[]),
                client.query_typed("SELECT run, name FROM rbk.lock ORDER BY name", &[]),
            );
            let mut by_run: BTreeMap<i64, Vec<String>> = BTreeMap::new();
            for row in &locks? {
                by_run.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
            }
            let one = |row: &Row| {
                let head: Vec<u8> = row.try_get(15)?;
                let tip = tip(row, 0, &head)?;
                let locks = by_run.get(&row.try_get(16)?).cloned().unwrap_or_default();
                let held = tip.is_some().then(|| held(row, 6)).transpose()?;
                Ok(One { id: row.try_get(14)?, head, tip, held, locks })
            };
            rows?.iter().map(one).collect()
        })
        .await
    }
}

async fn whole(client: &Client, run: &str) -> Result<Option<Stands>, Error> {
    let sql = format!("SELECT {TIP}, run.head, run.no {RUN} WHERE run.id = $1");
    let Some(row) = client.query_typed_opt(&sql, &[(&run, Type::TEXT)]).await? else { return Ok(None) };
    let (head, no): (Vec<u8>, i64) = (row.try_get(6)?, row.try_get(7)?);
    let tip = tip(&row, 0, &head)?;
    // A head that cannot be read is told later.
    let hashes = codec::read_head(&head).map(|head| head.texts).unwrap_or_default();
    let hashes: Vec<String> = hashes.into_iter().map(|text| text.sha256).collect();
    let (no, hashes) = ([(&no as Value<'_>, Type::INT8)], [(&hashes as Value<'_>, Type::TEXT_ARRAY)]);
    let (entries, texts) = tokio::join!(
        client.query_typed("SELECT no, hash, body FROM rbk.entry WHERE run = $1 ORDER BY no", &no),
        client.query_typed("SELECT sha256, text FROM rbk.text WHERE sha256 = ANY ($1)", &hashes),
    );
    let texts = texts?.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, Error>>()?;
    Ok(Some(Stands { head, tip, entries: entries?, texts }))
}

/// From this column on; nothing when it is damaged.
pub fn tip(row: &Row, at: usize, head: &[u8]) -> Result<Option<Tip>, Error> {
    let Some(count) = row.try_get(at)? else { return Ok(None) };
    let (hash, sum): (Vec<u8>, Vec<u8>) = (row.try_get(at + 1)?, row.try_get(at + 5)?);
    let (Ok(hash), Some(state)) = (hash.try_into(), state(row.try_get(at + 3)?)) else { return Ok(None) };
    let (last, wrote) = (row.try_get(at + 2)?, row.try_get(at + 4)?);
    let tip = Tip { count, hash, last, state, wrote };
    Ok((tip.sum(&chain::first(head)).as_slice() == sum).then_some(tip))
}
