//! Locks: each belongs to one run, whoever drives that one, on whichever machine.
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use super::lease::{HELD, Held, held};
use super::line::{Line, Session, Value};
use super::trouble;
use crate::journal::tip::from_nanos;
use crate::journal::trouble::locked;
use crate::journal::{Holder, Lock, Trouble, store};

/// The row of the run is held too: it is still this process's when the lock is given.
const GIVE: &str = "INSERT INTO rbk.lock SELECT $1, mine.run, $4, NULL
    FROM (SELECT run FROM rbk.tip WHERE run = $2 AND epoch = $3 FOR SHARE) AS mine ON CONFLICT DO NOTHING";
const OWNER: &str =
    "FROM rbk.lock JOIN rbk.run ON run.no = lock.run JOIN rbk.tip ON tip.run = run.no WHERE lock.name = $1";
/// From a run that no process drives.
const TAKE_OVER: &str = "UPDATE rbk.lock SET run = mine.run, since = $4, taken_from = other.id
    FROM (SELECT run FROM rbk.tip WHERE run = $2 AND epoch = $3 FOR SHARE) AS mine, rbk.run AS other
        JOIN rbk.tip ON tip.run = other.no
    WHERE lock.name = $1 AND lock.run = $5 AND other.no = lock.run
        AND (tip.lease IS NULL OR tip.lease <= clock_timestamp())";
const TAKE_BACK: &str = "DELETE FROM rbk.lock USING rbk.tip
    WHERE lock.name = $1 AND lock.run = $2 AND tip.run = $2 AND tip.epoch = $3";
/// The run that has a lock, driven by another process, which sees this when it writes next or renews its lease.
const ASK: &str =
    "asked AS (UPDATE rbk.tip SET wanted = $3 FROM has WHERE tip.run = has.no AND tip.wanted IS DISTINCT FROM $3)
    SELECT * FROM has";
/// Locks come and go in between; not for ever.
const TRIES: usize = 10;

/// Who has a lock.
struct Owner {
    no: i64,
    lock: Lock,
    held: Held,
}

/// What a run wants.
pub struct Wanted {
    pub no: i64,
    pub name: String,
    /// Also from another run.
    pub takeover: bool,
    /// When, in nanoseconds.
    pub wall: i64,
}

impl Line {
    /// From whom it was taken.
    pub async fn give(&mut self, wanted: &Wanted) -> Result<Option<Lock>, Trouble> {
        let Some(epoch) = self.lease(wanted.no).map(|lease| lease.epoch) else {
            return Err(Trouble::new("the run is not driven by this process"));
        };
        for _ in 0..TRIES {
            if self.change(GIVE, wanted, epoch, None).await? == 1 {
                return Ok(None);
            }
            let Some(owner) = self.owner(&wanted.name).await? else {
                // It was given back in between, or the run is another process's.
                self.renew(wanted.no).await?;
                continue;
            };
            if owner.no == wanted.no {
                return Ok(None);
            }
            if !wanted.takeover {
                return Err(locked(&owner.lock));
            }
            if owner.held.left.is_some() {
                return Err(trouble::driven_lock(&owner.lock, &owner.held));
            }
            if self.change(TAKE_OVER, wanted, epoch, Some(owner.no)).await? == 1 {
                return Ok(Some(owner.lock));
            }
        }
        Err(Trouble::new(format!("the lock `{}` goes from run to run: it could not be had", wanted.name)))
    }

    /// It is nobody's.
    pub async fn take_back(&mut self, no: i64, name: &str) -> Result<(), Trouble> {
        let Some(epoch) = self.lease(no).map(|lease| lease.epoch) else {
            return Err(Trouble::new("the run is not driven by this process"));
        };
        self.read(async |session: &Session| {
            let given = [(&name as Value<'_>, Type::TEXT), (&no, Type::INT8), (&epoch, Type::INT8)];
            session.client().execute_typed(TAKE_BACK, &given).await
        })
        .await
        .map(drop)
    }

    /// Whose lock it is, and who drives that run.
    pub async fn ask_for(&mut self, no: i64, wanted: &store::Wanted) -> Result<Option<(Lock, Holder)>, Trouble> {
        let lock = wanted.lock.as_str();
        let words = [lock, wanted.by.as_str(), wanted.who.as_str()];
        let sql = format!(
            "WITH has AS (SELECT {HELD}, lock.run AS no, lock.since AS since, run.id {OWNER}
                AND lock.run <> $2 AND tip.lease > clock_timestamp()), {ASK}"
        );
        self.read(async |session| {
            let given = [(&lock as Value<'_>, Type::TEXT), (&no, Type::INT8), (&words.as_slice(), Type::TEXT_ARRAY)];
            let owner = session.client().query_typed_opt(&sql, &given).await?.map(|row| owner(&row, lock));
            Ok(owner.transpose()?.map(|owner| (owner.lock, owner.held.holder)))
        })
        .await
    }

    async fn change(&mut self, sql: &str, wanted: &Wanted, epoch: i64, from: Option<i64>) -> Result<u64, Trouble> {
        let (name, from) = (wanted.name.as_str(), from.as_ref());
        self.read(async |session: &Session| {
            let mut given = vec![
                (&name as Value<'_>, Type::TEXT),
                (&wanted.no, Type::INT8),
                (&epoch, Type::INT8),
                (&wanted.wall, Type::INT8),
            ];
            given.extend(from.map(|from| (from as Value<'_>, Type::INT8)));
            session.client().execute_typed(sql, &given).await
        })
        .await
    }

    async fn owner(&mut self, name: &str) -> Result<Option<Owner>, Trouble> {
        self.read(async |session| {
            let sql = format!("SELECT {HELD}, lock.run, lock.since, run.id {OWNER}");
            let found = session.client().query_typed_opt(&sql, &[(&name, Type::TEXT)]).await?;
            found.map(|row| owner(&row, name)).transpose()
        })
        .await
    }
}

fn owner(row: &Row, name: &str) -> Result<Owner, Error> {
    let lock =
        Lock { name: name.to_owned(), run: row.try_get::<_, &str>(10)?.into(), since: from_nanos(row.try_get(9)?) };
    Ok(Owner { no: row.try_get(8)?, lock, held: held(row, 0)? })
}
