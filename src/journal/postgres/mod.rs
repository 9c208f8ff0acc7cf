//! Runs in a PostgreSQL database, for a team: each process that reaches it sees, resumes and rolls back each run. A commit is
//! durable when it is answered. Who drives a run is a lease there: it ends by the server's clock, is renewed by a thread
//! beside the run, and each taking has a number (its epoch) that every write must know. A server that is away is waited for
//! as long as half of the lease allows; nothing is written twice when it comes back.
mod clock;
mod drive;
mod lease;
mod line;
mod locks;
mod prune;
mod read;
mod schema;
mod trouble;
mod worker;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use self::line::Line;
use self::worker::Worker;
use super::seal::Key;
use super::tip::to_nanos;
use super::trouble::not_driven;
use super::written::{Known, looked};
use super::{Entry, Filter, Head, Holder, Kept, Lapse, Lock, Room, Row, Standing, Store, Trouble, Verified, Wanted};
use crate::effects::postgres::reach::Way;
use crate::engine::CallId;
use crate::value::redact::Redactor;
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// How long a process may be silent before another one can have its run.
pub const LEASE: Duration = Duration::from_secs(30);

/// An open journal, and the runs that this process drives.
pub struct Postgres {
    worker: Worker,
    /// `host:port/database`.
    place: String,
    length: Duration,
    key: Option<Key>,
    driven: BTreeMap<SmolStr, drive::Driven>,
    known: Known,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Postgres({})", self.place)
    }
}

impl Postgres {
    /// The journal in this database, made when it is not there. `lease`: how long one lasts that is not renewed.
    ///
    /// # Errors
    /// The server cannot be reached or takes no writes, the role may not make or use the tables, or a newer rbk made them.
    pub fn open(url: &str, key: Option<Key>, lease: Duration) -> Result<Postgres, Trouble> {
        let way = Way::new(url, "journal", "rbk-journal");
        let way = way.map_err(|e| Trouble::new(e).with_help("write it as `postgres://USER@HOST/DATABASE`"))?;
        let place = way.place();
        let worker = Worker::start(move || Line::new(way, lease))?;
        worker.ask(async |line| line.open().await)?;
        Ok(Postgres { worker, place, length: lease, key, driven: BTreeMap::new(), known: Known::new() })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let driven: Vec<SmolStr> = self.driven.keys().cloned().collect();
        driven.iter().for_each(|run| self.release(run));
    }
}

impl Store for Postgres {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn begin(&mut self, head: &Head, holder: &Holder, first: &[Entry], wall: Timestamp) -> Result<(), Trouble> {
        self.insert(head, holder, first, wall)
    }

    fn lapse(&mut self, run: &str) -> Result<Option<Lapse>, Trouble> {
        self.held_by(run)
    }

    fn take(&mut self, run: &str, holder: &Holder) -> Result<(), Trouble> {
        self.drive(run, holder)
    }

    fn ready(&mut self, run: &str) -> Result<(), Trouble> {
        self.for_long_enough(run)
    }

    fn taken(&self, run: &str) -> Option<Trouble> {
        self.driven.get(run)?.watch.lock().lost.clone()
    }

    fn lives(&mut self, run: &str, at: Nanos) {
        if let Some(driven) = self.driven.get(run) {
            driven.watch.lock().at = at.0;
        }
    }

    fn lived(&self, run: &str) -> Option<Nanos> {
        self.driven.get(run)?.lived
    }

    fn append(
        &mut self,
        run: &str,
        entries: &[Entry],
        secrets: &Redactor,
        standing: Option<Standing>,
    ) -> Result<Room, Trouble> {
        self.keep(run, entries, secrets, standing).map(|()| Room::Enough)
    }

    fn release(&mut self, run: &str) {
        let Some(driven) = self.driven.remove(run) else { return };
        // One that cannot be given back runs out.
        let _ = self.worker.ask(async move |line| line.release(driven.no).await);
    }

    fn load(&mut self, run: &str) -> Result<(Head, Vec<Entry>), Trouble> {
        self.read(run, self.key.clone())?.whole()
    }

    fn look(&mut self, run: &str) -> Result<Kept, Trouble> {
        looked(self.key.clone(), |key| self.read(run, key))
    }

    fn verify(&mut self, run: &str) -> Result<Verified, Trouble> {
        self.proved(run)
    }

    fn same(&self, run: &str, call: CallId, value: &Value) -> Option<bool> {
        self.known.get(run)?.same(call, value)
    }

    fn keeps_secrets(&self) -> bool {
        self.key.is_some()
    }

    fn runs(&mut self, filter: &Filter) -> Result<Vec<Row>, Trouble> {
        self.list(filter)
    }

    fn whole(&mut self) -> Result<(), Trouble> {
        if let Some(run) = self.damaged_one()? {
            return Err(trouble::damaged(&self.place, &run, &format!("how run {run} stands is not what was written")));
        }
        // And each entry of those that were left, as a resume would read them.
        self.left()?
            .iter()
            .find_map(|run| self.proved(run).map(|proved| proved.broken).transpose())
            .map_or(Ok(()), |found| found.and_then(Err))
    }

    /// Nothing outside of the database knows what was in it.
    fn gone(&mut self) -> Result<Vec<(SmolStr, Trouble)>, Trouble> {
        Ok(Vec::new())
    }

    fn give_up(&mut self, _run: &str) {}

    fn put_down(&mut self, run: &str, holder: &Holder, closed: &Entry, wall: Timestamp) -> Result<(), Trouble> {
        self.close_damaged(run, holder, closed, wall)
    }

    fn lock(&mut self, name: &str, run: &str, takeover: bool, wall: Timestamp) -> Result<Option<Lock>, Trouble> {
        let no = self.driven.get(run).ok_or_else(|| not_driven(run))?.no;
        let wanted = locks::Wanted { no, name: name.to_owned(), takeover, wall: to_nanos(wall) };
        self.worker.ask(async move |line| line.give(&wanted).await)
    }

    fn unlock(&mut self, name: &str, run: &str) -> Result<(), Trouble> {
        let no = self.driven.get(run).ok_or_else(|| not_driven(run))?.no;
        let name = name.to_owned();
        self.worker.ask(async move |line| line.take_back(no, &name).await)
    }

    fn ask_for(&mut self, lock: &str, run: &str, who: &str) -> Result<Option<(Lock, Holder)>, Trouble> {
        let no = self.driven.get(run).ok_or_else(|| not_driven(run))?.no;
        let wanted = Wanted { lock: lock.to_owned(), by: run.into(), who: who.to_owned() };
        self.worker.ask(async move |line| line.ask_for(no, &wanted).await)
    }

    fn wanted(&self, run: &str) -> Option<Wanted> {
        self.driven.get(run)?.watch.lock().wanted.clone()
    }

    fn prune(&mut self, before: Timestamp) -> Result<usize, Trouble> {
        let before = to_nanos(before);
        self.worker.ask(async move |line| line.forget(before).await)
    }
}
