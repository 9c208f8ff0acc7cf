//! Where entries are kept. A store blocks until the disk has said yes.
use std::time::Duration;

use super::{Entry, Head, Holder, Trouble};
use crate::engine::CallId;
use crate::engine::event::End;
use crate::value::redact::Redactor;
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// Where entries found their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Room {
    Enough,
    /// The disk is full: they stand in what was kept back for unwinding. Nothing forward may start any more.
    Reserve,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not ended: a process drives it, or it was interrupted (nobody holds its lease).
    Open,
    /// How; a run that was stopped goes on.
    Ended(End),
    /// `rbk close`.
    Closed,
}

impl State {
    /// Whether it can go on forward.
    #[must_use]
    pub fn goes_on(self) -> bool {
        match self {
            State::Open | State::Ended(End::Stopped) => true,
            State::Ended(
                End::Failed
                | End::Succeeded
                | End::RolledBack
                | End::Undone
                | End::UndoneInPart
                | End::Refused
                | End::Incomplete,
            )
            | State::Closed => false,
        }
    }

    /// How a run that is over ended, in one word; nothing of one that is not.
    #[must_use]
    pub fn outcome(self) -> Option<&'static str> {
        match self {
            State::Open | State::Ended(End::Stopped) => None,
            State::Ended(End::Succeeded) => Some("succeeded"),
            State::Ended(End::RolledBack | End::Undone) => Some("undone"),
            State::Ended(End::Incomplete | End::UndoneInPart) => Some("incomplete"),
            State::Ended(End::Failed) => Some("failed"),
            State::Ended(End::Refused) => Some("refused"),
            State::Closed => Some("closed"),
        }
    }
}

/// How a run stands from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    /// A write of it may have had an effect.
    pub wrote: bool,
    pub wall: Timestamp,
}

/// A run in a list. Of one that cannot be read the texts are empty, and the times the epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub run: SmolStr,
    pub book: String,
    /// The runbook's file, as it was named.
    pub file: String,
    pub host_name: String,
    pub user: String,
    pub started: Timestamp,
    /// When its last entry was written.
    pub last: Timestamp,
    pub state: State,
    /// A write of it may have had an effect.
    pub wrote: bool,
    /// Who drives it now.
    pub held: Option<Holder>,
    pub locks: Vec<String>,
    /// It had come further than what is left of it, or cannot be read: it is neither resumed nor rolled back.
    pub damaged: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this one.
    pub run: Option<SmolStr>,
    pub book: Option<String>,
    /// One of these; all of them when there is none.
    pub states: Vec<State>,
    pub since: Option<Timestamp>,
    /// Only so many: those that were written last.
    pub limit: Option<usize>,
}

/// A process that may still drive a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lapse {
    pub holder: Holder,
    /// It has the run no more after this, if it says nothing meanwhile.
    pub within: Duration,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq)]
pub struct Lock {
    pub name: String,
    pub run: SmolStr,
    pub since: Timestamp,
}

/// That another run wants a lock of a run that a process drives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub lock: String,
    /// The other run, and its user.
    pub by: SmolStr,
    pub who: String,
}

/// A run as far as it is whole.
#[derive(Clone, Debug)]
pub struct Kept {
    pub head: Head,
    pub entries: Vec<Entry>,
    /// Why it does not go on to its end.
    pub broken: Option<Trouble>,
    /// Why its secrets are not known.
    pub sealed: Option<Trouble>,
}

impl Kept {
    /// All of it.
    ///
    /// # Errors
    /// It is broken, or sealed.
    pub fn whole(self) -> Result<(Head, Vec<Entry>), Trouble> {
        self.broken.or(self.sealed).map_or(Ok((self.head, self.entries)), Err)
    }
}

/// What the hashes of a run say.
#[derive(Clone, Debug)]
pub struct Verified {
    /// How many follow its head and are what was written, up to the first that is not.
    pub entries: usize,
    /// How many were written; nothing when that cannot be read.
    pub written: Option<usize>,
    pub started: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// The first thing that is not what was written.
    pub broken: Option<Trouble>,
}

/// Keeps runs. Every method that writes returns once it is durable.
pub trait Store {
    /// Where it is, for people: a file, or `host:port/database`.
    fn place(&self) -> String;

    /// Keep a new run with its first entries, in which there is no secret, and let this process drive it.
    ///
    /// # Errors
    /// The store cannot be written; nothing of the run is kept.
    fn begin(&mut self, head: &Head, holder: &Holder, first: &[Entry], wall: Timestamp) -> Result<(), Trouble>;

    /// Who may still drive a run, where the kernel does not know it at once: [`Store::take`] waits for it.
    ///
    /// # Errors
    /// The store cannot be read.
    fn lapse(&mut self, _run: &str) -> Result<Option<Lapse>, Trouble> {
        Ok(None)
    }

    /// Take a run that nobody drives.
    ///
    /// # Errors
    /// There is no such run, or it is driven: by whom.
    fn take(&mut self, run: &str, holder: &Holder) -> Result<(), Trouble>;

    /// Whether something may be started now for the run that this process drives: it is still this process's, and for long
    /// enough. Asked between the keeping of an intent and its call.
    ///
    /// # Errors
    /// It may not, and why.
    fn ready(&mut self, _run: &str) -> Result<(), Trouble> {
        Ok(())
    }

    /// That the run that this process drives is another one's by now, as far as is known here; nobody is asked.
    fn taken(&self, _run: &str) -> Option<Trouble> {
        None
    }

    /// The run that this process drives goes on, and has so much running time behind it. Told a few times a second: it is not
    /// kept for ever, and need not survive a power cut.
    fn lives(&mut self, _run: &str, _at: Nanos) {}

    /// After a take: how much running time was behind the run when the process that died with it was last seen alive; nothing
    /// when none died, or that is not known.
    fn lived(&self, _run: &str) -> Option<Nanos> {
        None
    }

    /// All at once or nothing, in this order, of the run that this process drives, and how it stands with them: as before
    /// when that is not said. The locks of one that succeeded, is undone, refused or closed are free then. `secrets`: what
    /// may not be written in the clear.
    ///
    /// # Errors
    /// They are not known to be kept, or this process does not drive the run. They may be given once more, with others
    /// behind them: none is kept twice. [`Kind::Full`](super::Kind): also the reserve is used up.
    fn append(
        &mut self,
        run: &str,
        entries: &[Entry],
        secrets: &Redactor,
        standing: Option<Standing>,
    ) -> Result<Room, Trouble>;

    /// Drive it no more.
    fn release(&mut self, run: &str);

    /// The run from its start. Where a secret was not kept stands a [`super::lost`] word.
    ///
    /// # Errors
    /// There is no such run, an entry is damaged, a newer rbk wrote it, or it holds something sealed that cannot be opened.
    fn load(&mut self, run: &str) -> Result<(Head, Vec<Entry>), Trouble>;

    /// The run from its start as far as it is whole, to be looked at: nobody goes on with one that is broken or sealed. What
    /// cannot be opened is a [`super::lost`] word too.
    ///
    /// # Errors
    /// There is no such run, or its head cannot be read.
    fn look(&mut self, run: &str) -> Result<Kept, Trouble>;

    /// Whether all that is kept of a run, its texts too, is what was written. It opens no secret, and reads entries of any rbk.
    ///
    /// # Errors
    /// There is no such run.
    fn verify(&mut self, run: &str) -> Result<Verified, Trouble>;

    /// After a load: whether this is the secret that the call gave when it was recorded, by a print of 16 bits. For the
    /// calls whose whole outcome is a secret (`env`, `prompt`); nothing when the journal has no print of it.
    fn same(&self, run: &str, call: CallId, value: &Value) -> Option<bool>;

    /// Whether it keeps secrets at all, sealed: whoever opened it has a key.
    fn keeps_secrets(&self) -> bool;

    /// Newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    fn runs(&mut self, filter: &Filter) -> Result<Vec<Row>, Trouble>;

    /// Whether a new run can trust the journal: how each run stands is what was written last, and none is gone.
    ///
    /// # Errors
    /// It is damaged, and where.
    fn whole(&mut self) -> Result<(), Trouble>;

    /// Runs that were begun here and are not there any more, and what to say of each: it is damaged, or an older copy.
    ///
    /// # Errors
    /// The store cannot be read.
    fn gone(&mut self) -> Result<Vec<(SmolStr, Trouble)>, Trouble>;

    /// Nobody misses a run that is gone any more.
    fn give_up(&mut self, run: &str);

    /// Close a run that cannot be taken because it is damaged: what is there of it stays, and its locks are free.
    ///
    /// # Errors
    /// There is no such run, a process drives it, or this cannot be kept.
    fn put_down(&mut self, run: &str, holder: &Holder, closed: &Entry, wall: Timestamp) -> Result<(), Trouble>;

    /// Give the run that this process drives a lock, until it succeeded, is undone or closed; from whom it was taken when
    /// `takeover`.
    ///
    /// # Errors
    /// Another run holds it.
    fn lock(&mut self, name: &str, run: &str, takeover: bool, wall: Timestamp) -> Result<Option<Lock>, Trouble>;

    /// Take a lock back from the run that this process drives; nothing when that has it not.
    ///
    /// # Errors
    /// The store cannot be written, or this process does not drive the run.
    fn unlock(&mut self, name: &str, run: &str) -> Result<(), Trouble>;

    /// Ask the run that has a lock, where a process on another machine drives it, to be cancelled and undone: the lock, and who
    /// drives it. Nothing when nobody does: [`Store::lock`] gives it. May be asked again and again.
    ///
    /// # Errors
    /// The store cannot be used.
    fn ask_for(&mut self, _lock: &str, _run: &str, _who: &str) -> Result<Option<(Lock, Holder)>, Trouble> {
        Ok(None)
    }

    /// What [`Store::ask_for`] asks of the run that this process drives, as far as is known here; nobody is asked.
    fn wanted(&self, _run: &str) -> Option<Wanted> {
        None
    }

    /// Forget runs that were last written before then and leave nothing to do: they succeeded, are undone, were refused or
    /// closed, and nobody drives them; how many.
    ///
    /// # Errors
    /// The store cannot be written.
    fn prune(&mut self, before: Timestamp) -> Result<usize, Trouble>;
}
