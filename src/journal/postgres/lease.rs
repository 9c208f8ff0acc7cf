//! Who drives a run, and until when: the server's clock decides, and each taking has a number of its own (its epoch), without
//! which nothing is written. Here a lease is counted from before it was asked for, so that it never seems longer than it is.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use super::clock::boot;
use super::line::{Line, PAUSE, Session, Value};
use super::trouble;
use crate::journal::{Holder, Trouble, Wanted};
use crate::value::SmolStr;

/// A lease is renewed when so much of it is gone: whoever waits for its end sees soon that its holder lives.
const RENEWED_AFTER: u32 = 6;
/// What a statement may take at the least, however short a lease.
const LEAST: Duration = Duration::from_secs(3);

/// What a process knows of its own hold on a run.
#[derive(Clone, Debug)]
pub struct Hold {
    /// By the boot clock.
    pub until: Duration,
    /// It is over: by whom.
    pub lost: Option<Trouble>,
    /// Another run wants a lock of this one.
    pub wanted: Option<Wanted>,
    /// The running time of the run, in nanoseconds, as it goes on here; zero before it does.
    pub at: i64,
}

/// Seen by the run, and kept up by the line.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Mutex<Hold>>);

impl Watch {
    fn new(until: Duration) -> Watch {
        Watch(Arc::new(Mutex::new(Hold { until, lost: None, wanted: None, at: 0 })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Hold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole lease again. `wanted`: what the server says beside it.
    pub fn whole(&self, until: Duration, wanted: Option<Vec<String>>) {
        let mut hold = self.lock();
        hold.until = until;
        if let Some([lock, by, who]) = wanted.and_then(|wanted| <[String; 3]>::try_from(wanted).ok()) {
            hold.wanted = Some(Wanted { lock, by: by.into(), who });
        }
    }
}

/// A run that this process drives.
pub struct Lease {
    pub no: i64,
    pub run: SmolStr,
    pub epoch: i64,
    pub watch: Watch,
    /// What became of the last append is not known.
    pub doubt: bool,
}

/// Who has a run, as the server says.
#[derive(Clone, Debug)]
pub struct Held {
    pub epoch: i64,
    pub holder: Holder,
    /// In UTC, for people.
    pub since: String,
    /// Of its lease; none when nobody holds it.
    pub left: Option<Duration>,
    /// It is another one after each renewal.
    mark: String,
}

impl Held {
    /// Whether its holder has said anything in between.
    pub fn lives(&self, before: &Held) -> bool {
        self.epoch != before.epoch || self.mark != before.mark
    }
}

/// Columns of [`held`].
pub const HELD: &str = "tip.epoch, tip.host, tip.\"user\", tip.pid, tip.started, \
     to_char(tip.since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), \
     extract(epoch FROM tip.lease - clock_timestamp())::float8, coalesce(tip.lease::text, '')";

/// From this column on.
pub fn held(row: &Row, at: usize) -> Result<Held, Error> {
    let left = row.try_get::<_, Option<f64>>(at + 6)?.filter(|left| *left > 0.0);
    Ok(Held {
        epoch: row.try_get(at)?,
        holder: Holder {
            host_name: row.try_get(at + 1)?,
            user: row.try_get(at + 2)?,
            pid: row.try_get(at + 3)?,
            started: row.try_get::<_, i64>(at + 4)?.cast_unsigned(),
        },
        since: row.try_get(at + 5)?,
        left: left.and_then(|left| Duration::try_from_secs_f64(left).ok()),
        mark: row.try_get(at + 7)?,
    })
}

/// A run that nobody holds is this process's from now on.
const TAKE: &str = "UPDATE rbk.tip SET epoch = tip.epoch + 1, host = $2, \"user\" = $3, pid = $4, started = $5, \
     since = clock_timestamp(), lease = clock_timestamp() + make_interval(secs => $6), wanted = NULL \
     FROM rbk.run WHERE run.id = $1 AND tip.run = run.no AND (tip.lease IS NULL OR tip.lease <= clock_timestamp()) \
     RETURNING run.no, tip.epoch, tip.lived";
const LOOK: &str = "FROM rbk.run JOIN rbk.tip ON tip.run = run.no WHERE run.id = $1";
const RENEW: &str = "UPDATE rbk.tip SET lease = clock_timestamp() + make_interval(secs => $3), \
     lived = greatest(lived, nullif($4, 0)) WHERE run = $1 AND epoch = $2 RETURNING wanted";
/// How far one that died had come stays known until another one has gone on.
const RELEASE: &str = "UPDATE rbk.tip SET lease = NULL, lived = CASE WHEN $3 THEN NULL ELSE lived END \
     WHERE run = $1 AND epoch = $2";
const HOLDER: &str = "FROM rbk.tip WHERE run = $1";

/// What comes of trying to take a run.
pub enum Taking {
    /// `lived`: how much running time was behind the run when the one who had it before was last heard of, in nanoseconds.
    Ours {
        no: i64,
        watch: Watch,
        lived: Option<i64>,
    },
    Held(Held),
    NoRun,
}

impl Line {
    /// Take it if nobody holds it.
    pub async fn try_take(&mut self, run: SmolStr, holder: &Holder) -> Result<Taking, Trouble> {
        let (length, sent) = (self.length.as_secs_f64(), boot());
        let took = self.read(async |session| {
            let given = [
                (&run.as_str() as Value<'_>, Type::TEXT),
                (&holder.host_name, Type::TEXT),
                (&holder.user, Type::TEXT),
                (&holder.pid, Type::INT4),
                (&holder.started.cast_signed(), Type::INT8),
                (&length, Type::FLOAT8),
            ];
            let Some(row) = session.client().query_typed_opt(TAKE, &given).await? else { return Ok(None) };
            Ok(Some((row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?, row.try_get::<_, Option<i64>>(2)?)))
        });
        if let Some((no, epoch, lived)) = took.await? {
            return Ok(Taking::Ours { no, watch: self.hold(no, run, epoch, sent), lived });
        }
        Ok(self.look(&run).await?.map_or(Taking::NoRun, Taking::Held))
    }

    /// Who has a run, or had it last.
    pub async fn look(&mut self, run: &str) -> Result<Option<Held>, Trouble> {
        let found = self.read(async |session| {
            let sql = format!("SELECT {HELD} {LOOK}");
            let row = session.client().query_typed_opt(&sql, &[(&run, Type::TEXT)]).await?;
            row.map(|row| held(&row, 0)).transpose()
        });
        found.await
    }

    /// From now on its lease is renewed.
    pub fn hold(&mut self, no: i64, run: SmolStr, epoch: i64, sent: Duration) -> Watch {
        let watch = Watch::new(sent.saturating_add(self.length));
        self.leases.push(Lease { no, run, epoch, watch: watch.clone(), doubt: false });
        watch
    }

    pub async fn release(&mut self, no: i64) -> Result<(), Trouble> {
        let Some(at) = self.leases.iter().position(|lease| lease.no == no) else { return Ok(()) };
        let lease = self.leases.swap_remove(at);
        if lease.watch.lock().lost.is_some() || self.is_down() {
            // It runs out.
            return Ok(());
        }
        let went_on = lease.watch.lock().at > 0;
        let given = [(&no as Value<'_>, Type::INT8), (&lease.epoch, Type::INT8), (&went_on, Type::BOOL)];
        let released = self.within(LEAST, async |session| session.client().execute_typed(RELEASE, &given).await);
        // As above.
        let _ = released.await;
        Ok(())
    }

    /// How long a statement for this run may take: until half of the lease is left, which is for the way back. With the
    /// server away, and that half begun, nothing is waited for; when the lease is over, nothing is lost by it.
    pub fn patience(&self, no: i64) -> Duration {
        let until = self.lease(no).map_or(Duration::ZERO, |lease| lease.watch.lock().until);
        let (left, half) = (until.saturating_sub(boot()), self.length / 2);
        let least = match (self.is_down(), left.is_zero()) {
            (false, _) => LEAST,
            (true, false) => PAUSE,
            (true, true) => half,
        };
        left.saturating_sub(half).max(least)
    }

    pub fn lease(&self, no: i64) -> Option<&Lease> {
        self.leases.iter().find(|lease| lease.no == no)
    }

    /// Have the whole of it again.
    pub async fn renew(&mut self, no: i64) -> Result<(), Trouble> {
        let Some((epoch, watch)) = self.lease(no).map(|lease| (lease.epoch, lease.watch.clone())) else {
            return Ok(());
        };
        let patience = self.patience(no);
        self.reach(patience).await?;
        let (length, sent, at) = (self.length.as_secs_f64(), boot(), watch.lock().at);
        let given = [(&no as Value<'_>, Type::INT8), (&epoch, Type::INT8), (&length, Type::FLOAT8), (&at, Type::INT8)];
        let renewed = self.within(patience, async |session| {
            session.client().query_typed_opt(RENEW, &given).await?.map(|row| row.try_get(0)).transpose()
        });
        match renewed.await {
            Ok(Some(wanted)) => {
                watch.whole(sent.saturating_add(self.length), wanted);
                Ok(())
            }
            Ok(None) => Err(self.changed(no).await),
            Err(broken) => Err(broken.trouble(&self.way)),
        }
    }

    /// Why the server does not have the run as this process left it: another one has taken it, which is remembered, or the
    /// server is no longer what it was.
    pub async fn changed(&mut self, no: i64) -> Trouble {
        let patience = self.patience(no);
        let found = self.within(patience, async |session: &Session| {
            let sql = format!("SELECT {HELD} {HOLDER}");
            let row = session.client().query_typed_opt(&sql, &[(&no, Type::INT8)]).await?;
            row.map(|row| held(&row, 0)).transpose()
        });
        let found = match found.await {
            Ok(found) => found,
            Err(broken) => return broken.trouble(&self.way),
        };
        let Some(lease) = self.lease(no) else { return Trouble::new("the run is not driven by this process") };
        match found {
            Some(held) if held.epoch != lease.epoch => {
                let trouble = trouble::taken(&lease.run, &held);
                lease.watch.lock().lost = Some(trouble.clone());
                trouble
            }
            Some(_) | None => trouble::other(&self.way.place(), &lease.run),
        }
    }

    /// Renew each lease in time, for ever. May be dropped at any point.
    pub async fn upkeep(&mut self) {
        loop {
            let living = self.leases.iter().filter(|lease| lease.watch.lock().lost.is_none());
            let next = living.map(|lease| (lease.watch.lock().until, lease.no)).min();
            let Some((until, no)) = next else { return std::future::pending().await };
            let due = until.saturating_sub(self.length - self.length / RENEWED_AFTER);
            sleep(due.saturating_sub(boot())).await;
            if self.renew(no).await.is_err() {
                sleep(PAUSE).await;
            }
        }
    }
}
