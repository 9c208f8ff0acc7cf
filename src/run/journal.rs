//! A run's end of its journal: what the engine has consumed is kept before anything is done that follows from it.
use std::collections::BTreeSet;

use super::crash;
use crate::effects::shell::Living;
use crate::engine::event::{Account, End, Event, Finish, Input, Outcome};
use crate::engine::{Call, CallId, Command, Ending, Failure, FailureKind, Record, What};
use crate::journal::behind;
use crate::journal::entry::{driven_on, unfinished};
use crate::journal::{Entry, Filter, Holder, Lock, Room, Row, Standing, State, Store, Trouble, Wanted};
use crate::value::redact::Redactor;
use crate::value::{Nanos, SmolStr, Timestamp, Value};

pub struct Journal {
    store: Box<dyn Store>,
    run: SmolStr,
    /// This process.
    holder: Holder,
    secrets: Redactor,
    /// In the order in which they happened; not kept yet.
    waiting: Vec<Entry>,
    /// Calls whose intent is kept, or waits to be.
    intended: BTreeSet<CallId>,
    /// Where the last of them found their place.
    room: Room,
    /// From there on it is, to whoever goes on, as if the process had died.
    stop: Option<Stop>,
    /// The end of a call that may have had an effect waits to be kept: without it, it would be in doubt.
    owes: bool,
    /// Another process has the run.
    lost: bool,
    /// Something was undone that is not kept.
    behind: bool,
}

/// A run that has a lock, and that nobody drives.
pub struct LeftHolder {
    pub run: SmolStr,
    pub lock: String,
    /// Calls that may have left something running.
    pub open: BTreeSet<CallId>,
}

/// A run that stops before its end.
struct Stop {
    why: String,
    wall: Timestamp,
    /// What its engine has consumed since.
    last: Vec<Input>,
}

impl Journal {
    /// Of a run that this process drives; `intended`: what earlier processes were about to start.
    #[must_use]
    pub fn new(store: Box<dyn Store>, run: SmolStr, holder: Holder, intended: BTreeSet<CallId>) -> Journal {
        Journal {
            store,
            run,
            holder,
            secrets: Redactor::default(),
            waiting: Vec::new(),
            intended,
            room: Room::Enough,
            stop: None,
            owes: false,
            lost: false,
            behind: false,
        }
    }

    /// From now on it is not written in the clear.
    pub fn hide(&mut self, secret: &Value) {
        if let Value::Secret(secret) = secret {
            self.secrets.learn(&secret.name, secret.expose());
        }
    }

    /// The engine has consumed this, and asked for that. What ends a run as stopped is kept apart: to whoever resumes it, it has
    /// not happened.
    pub fn heard(&mut self, mut input: Input, commands: &[Command], wall: Timestamp) {
        if self.lost {
            return;
        }
        if let Event::Ended(_, outcome) = &mut input.event {
            mark(outcome, commands);
        }
        if let Some(stop) = &mut self.stop {
            return stop.last.push(input);
        }
        if let Some(why) = stops(&input.event, commands) {
            self.stop = Some(Stop { why, wall, last: vec![input] });
            return;
        }
        if let Event::Ended(call, _) = &input.event {
            self.owes |= self.intended.contains(call);
        }
        self.waiting.push(Entry::Heard { input, wall });
        for command in commands {
            if let Command::Record(Record::Intent { call, key, .. }) = command
                && self.intended.insert(*call)
            {
                self.waiting.push(Entry::Intent { call: *call, key: key.to_string() });
            }
        }
    }

    /// Whether what waits should not wait long.
    #[must_use]
    pub fn owes(&self) -> bool {
        self.owes
    }

    /// Keep what waits.
    ///
    /// # Errors
    /// It could not be kept: nothing that follows from it may start.
    pub fn flush(&mut self) -> Result<Room, Trouble> {
        if self.waiting.is_empty() { Ok(self.room) } else { self.append(None) }
    }

    fn append(&mut self, standing: Option<Standing>) -> Result<Room, Trouble> {
        crash::point();
        self.room = self.store.append(&self.run, &self.waiting, &self.secrets, standing)?;
        crash::point();
        self.waiting.clear();
        self.owes = false;
        if std::mem::take(&mut self.behind) {
            behind::forget(&self.run);
        }
        Ok(self.room)
    }

    /// Whether something may be started now.
    ///
    /// # Errors
    /// It may not, and why.
    pub fn ready(&mut self) -> Result<(), Trouble> {
        self.store.ready(&self.run)
    }

    /// That another process has the run, as far as is known.
    #[must_use]
    pub fn taken(&self) -> Option<Trouble> {
        self.store.taken(&self.run)
    }

    /// The run is another process's: nothing of it is kept any more.
    pub fn let_go(&mut self) {
        self.lost = true;
        self.owes = false;
        self.waiting.clear();
    }

    /// Something is undone now, whatever is kept of it.
    pub fn goes_back(&mut self) {
        if !self.waiting.is_empty() && !std::mem::replace(&mut self.behind, true) {
            behind::keep(&self.run, &self.store.place());
        }
    }

    /// What is known there of the end of the run.
    #[must_use]
    pub fn account(&self) -> Account {
        match (self.lost && self.taken().is_some(), self.behind) {
            (true, _) => Account::Elsewhere,
            (false, true) => Account::Behind,
            (false, false) => Account::Whole,
        }
    }

    /// One entry of the driver's own, at once.
    ///
    /// # Errors
    /// It could not be kept.
    pub fn keep(&mut self, entry: Entry) -> Result<(), Trouble> {
        self.waiting.push(entry);
        self.flush().map(|_| ())
    }

    /// Whether a secret that was read again is the one that the run had; nothing when that is not known.
    #[must_use]
    pub fn same(&self, call: CallId, value: &Value) -> Option<bool> {
        self.store.same(&self.run, call, value)
    }

    /// The run of a runbook that was written last, of those that stand like this.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn last_of(&mut self, book: &str, states: Vec<State>) -> Result<Option<Row>, Trouble> {
        let filter = Filter { book: Some(book.to_owned()), states, limit: Some(1), ..Filter::default() };
        Ok(self.store.runs(&filter)?.pop())
    }

    /// The run goes on, and has so much running time behind it.
    pub fn lives(&mut self, at: Nanos) {
        if !self.lost {
            self.store.lives(&self.run, at);
        }
    }

    /// How much running time was behind the run when a process died with it, as far as is known.
    #[must_use]
    pub fn lived(&self) -> Nanos {
        self.store.lived(&self.run).unwrap_or_default()
    }

    /// Beside what happens: kept with the next entries.
    pub fn note(&mut self, entries: Vec<Entry>) {
        self.waiting.extend(entries);
    }

    /// Another run wants a lock of this one, as far as is known.
    #[must_use]
    pub fn wanted(&self) -> Option<Wanted> {
        self.store.wanted(&self.run)
    }

    /// Ask whoever drives the run that has a lock to end it; nothing when the lock can be had.
    ///
    /// # Errors
    /// The journal cannot be used.
    pub fn ask_for(&mut self, call: &Call) -> Result<Option<(Lock, Holder)>, Trouble> {
        match &call.what {
            What::Lock { name, takeover: true } => self.store.ask_for(name, &self.run, &self.holder.user),
            _ => Ok(None),
        }
    }

    /// Who has a lock that is taken over, where nobody drives that run.
    ///
    /// # Errors
    /// The journal cannot be read; or that run was driven on another machine, and what it may have left running there is not
    /// seen from here.
    pub fn left_holder(&mut self, call: &Call) -> Result<Option<LeftHolder>, Trouble> {
        let What::Lock { name, takeover: true } = &call.what else { return Ok(None) };
        let rows = self.store.runs(&Filter::default())?;
        let has = |row: &Row| row.run != self.run && row.held.is_none() && row.locks.contains(name);
        let Some(Row { run, .. }) = rows.into_iter().find(has) else { return Ok(None) };
        // Of one that is damaged, as far as it can be read.
        let entries = self.store.look(&run).map(|kept| kept.entries).unwrap_or_default();
        let open = unfinished(&entries);
        match driven_on(&entries) {
            Some(host) if !open.is_empty() && host != self.holder.host_name => {
                let message = format!(
                    "run {run} has the lock `{name}` and was left on {host} while a command ran: whether that still runs is not seen from here"
                );
                let help = format!(
                    "on {host} `rbk rollback {run}` ends and undoes it; or look there, and `rbk close {run} --reason …`"
                );
                Err(Trouble::new(message).with_help(help))
            }
            Some(_) | None => Ok(Some(LeftHolder { run, lock: name.clone(), open })),
        }
    }

    /// What a run had left running was ended for this one: in the journal of that run.
    pub fn tell_ended(&mut self, run: &str, ended: &[Living], wall: Timestamp) {
        if ended.is_empty() || self.store.take(run, &self.holder).is_err() {
            return;
        }
        let told: Vec<Entry> = ended
            .iter()
            .map(|left| Entry::LeftEnded { call: left.call, what: left.to_string(), by: Some(self.run.clone()), wall })
            .collect();
        // What cannot be kept there was shown.
        let _ = self.store.append(run, &told, &self.secrets, None);
        self.store.release(run);
    }

    /// Give the run a lock for as long as it is open. `outcome`: how this process came to it. Whose it was is in what comes
    /// back, and who has it now in the journal of that run.
    pub fn lock(&mut self, call: &Call, outcome: Outcome, wall: Timestamp) -> Outcome {
        let What::Lock { name, takeover } = &call.what else { return outcome };
        let open = match self.store.lock(name, &self.run, *takeover, wall) {
            Ok(from) => from.map(|lock| lock.run),
            Err(trouble) => return Outcome::failed(Ending::None, failure(&trouble)),
        };
        let stopped = match &outcome.result {
            Ok(Value::Record(record)) => record.get("taken_from").and_then(|run| match run {
                Value::Str(run) => Some(SmolStr::from(&**run)),
                _ => None,
            }),
            _ => None,
        };
        let Some(from) = open.or(stopped) else { return outcome };
        self.tell_loser(&from, name, wall);
        match outcome.result {
            Ok(Value::Null) => taken_from(&from),
            _ => outcome,
        }
    }

    /// The run has this lock no more.
    pub fn unlock(&mut self, lock: &str) {
        // Where that cannot be kept it is free at the end of the run.
        let _ = self.store.unlock(lock, &self.run);
    }

    /// A run that somebody drives at this instant, or of another journal, is not told.
    fn tell_loser(&mut self, from: &str, lock: &str, wall: Timestamp) {
        if self.store.take(from, &self.holder).is_err() {
            return;
        }
        let (by, who) = (self.run.clone(), self.holder.user.clone());
        let taken = Entry::LockTaken { lock: lock.to_owned(), by, who, wall };
        // What cannot be kept there stands in this run.
        let _ = self.store.append(from, &[taken], &self.secrets, None);
        self.store.release(from);
    }

    /// A process has taken the run, which stands so from here on.
    ///
    /// # Errors
    /// It could not be kept.
    pub fn take_up(&mut self, taken: Entry, standing: Option<Standing>) -> Result<(), Trouble> {
        self.waiting.push(taken);
        self.append(standing).map(|_| ())
    }

    /// It does not go on after all, and stands as it did before it was taken up.
    pub fn turn_back(&mut self, why: &str, standing: Standing) {
        self.waiting.push(Entry::Stopped { why: why.to_owned(), last: Vec::new(), wall: standing.wall });
        // Where that cannot be kept it stands as interrupted.
        let _ = self.append(Some(standing));
        self.store.release(&self.run);
    }

    /// Keep what waits and how the run ended, and let go of it.
    ///
    /// # Errors
    /// It could not be kept.
    pub fn end(&mut self, finish: Option<&Finish>, wall: Timestamp) -> Result<(), Trouble> {
        if self.lost {
            return Ok(());
        }
        let state = match finish.map(|finish| finish.end) {
            None => State::Open,
            Some(End::Undone) => State::Ended(End::RolledBack),
            Some(End::UndoneInPart) => State::Ended(End::Incomplete),
            Some(
                end @ (End::Succeeded | End::RolledBack | End::Failed | End::Refused | End::Incomplete | End::Stopped),
            ) => State::Ended(end),
        };
        if let Some(Stop { why, wall, last }) = self.stop.take() {
            self.waiting.push(Entry::Stopped { why, last, wall });
        }
        let wrote = finish.is_none_or(|finish| finish.wrote || finish.end == End::Stopped && !self.intended.is_empty());
        let kept = self.append(Some(Standing { state, wrote, wall })).map(|_| behind::forget(&self.run));
        self.store.release(&self.run);
        kept
    }
}

/// Why a run stops with this event.
fn stops(event: &Event, commands: &[Command]) -> Option<String> {
    let finish = commands.iter().find_map(|command| match command {
        Command::Finish(finish) if finish.end == End::Stopped => Some(finish),
        _ => None,
    });
    match (event, finish.map(|finish| &finish.failure)) {
        (Event::Parked(_, why), _) => Some(why.clone()),
        (Event::Kill, _) | (_, Some(None)) => Some("a second signal".to_owned()),
        (_, Some(Some(failed))) => Some(failed.failure.message.clone()),
        (_, None) => None,
    }
}

/// A lock that another run had.
pub fn taken_from(run: &str) -> Outcome {
    Outcome::done(Value::record([("taken_from".into(), Value::str(run))]))
}

/// As a failed call.
pub fn failure(trouble: &Trouble) -> Failure {
    let failure = Failure::new(FailureKind::Failed, trouble.message.clone());
    match &trouble.help {
        Some(help) => failure.with_help(help.clone()),
        None => failure,
    }
}

/// Its value is the secret that the engine has made of it: short ones are found by nothing else.
fn mark(outcome: &mut Outcome, commands: &[Command]) {
    let Ok(value) = &mut outcome.result else { return };
    let made = commands.iter().find_map(|command| match command {
        Command::Record(Record::Bound { value: secret @ Value::Secret(_), .. }) if secret.expose().0 == value => {
            Some(secret)
        }
        _ => None,
    });
    if let Some(secret) = made {
        *value = secret.clone();
    }
}
