//! Runs in one SQLite file on a local disk. A commit is durable when it returns; a reader sees whole commits only. Beside
//! the file, in `FILE-runs/`: for each run a file that its driving process holds, room kept back for unwinding, and how far
//! it had come.
mod lease;
mod list;
mod locks;
mod place;
mod prune;
mod read;
mod reserve;
mod schema;
mod tip;
mod trouble;
mod witness;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::seal::Key;
use super::written::{Known, looked};
use super::{Entry, Filter, Head, Holder, Kept, Lock, Room, Row, Standing, Store, Trouble, Verified};
use crate::engine::CallId;
use crate::value::redact::Redactor;
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// What the name of the directory beside the file ends with.
const BESIDE: &str = "-runs";

/// An open journal, and the runs that this process drives.
pub struct Sqlite {
    db: Connection,
    path: PathBuf,
    /// Of the files beside it.
    dir: PathBuf,
    key: Option<Key>,
    driven: BTreeMap<SmolStr, write::Driven>,
    known: Known,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sqlite({})", self.path.display())
    }
}

impl Sqlite {
    /// The journal in this file, made when it is not there.
    ///
    /// # Errors
    /// Its place is not safe or on a network, it is no journal, it is damaged, or a newer rbk made it.
    pub fn open(path: &Path, key: Option<Key>) -> Result<Sqlite, Trouble> {
        let path = place::find(path)?;
        let db = schema::open(&path)?;
        let dir = schema::beside(&path, BESIDE);
        Ok(Sqlite { db, path, dir, key, driven: BTreeMap::new(), known: Known::new() })
    }
}

impl Store for Sqlite {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn begin(&mut self, head: &Head, holder: &Holder, first: &[Entry], wall: Timestamp) -> Result<(), Trouble> {
        self.insert(head, holder, first, wall)
    }

    fn take(&mut self, run: &str, holder: &Holder) -> Result<(), Trouble> {
        self.drive(run, holder)
    }

    fn lives(&mut self, run: &str, at: Nanos) {
        if let Some(driven) = self.driven.get_mut(run) {
            driven.lease.lives(at);
        }
    }

    fn lived(&self, run: &str) -> Option<Nanos> {
        self.driven.get(run)?.lease.lived
    }

    fn append(
        &mut self,
        run: &str,
        entries: &[Entry],
        secrets: &Redactor,
        standing: Option<Standing>,
    ) -> Result<Room, Trouble> {
        self.keep(run, entries, secrets, standing)
    }

    fn release(&mut self, run: &str) {
        self.driven.remove(run);
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
        self.check_latest()
    }

    fn gone(&mut self) -> Result<Vec<(SmolStr, Trouble)>, Trouble> {
        self.vanished()
    }

    fn give_up(&mut self, run: &str) {
        self.forget_vanished(run);
    }

    fn put_down(&mut self, run: &str, holder: &Holder, closed: &Entry, wall: Timestamp) -> Result<(), Trouble> {
        self.close_damaged(run, holder, closed, wall)
    }

    fn lock(&mut self, name: &str, run: &str, takeover: bool, wall: Timestamp) -> Result<Option<Lock>, Trouble> {
        self.give_lock(name, run, takeover, wall)
    }

    fn unlock(&mut self, name: &str, run: &str) -> Result<(), Trouble> {
        self.take_lock(name, run)
    }

    fn prune(&mut self, before: Timestamp) -> Result<usize, Trouble> {
        self.forget(before)
    }
}
