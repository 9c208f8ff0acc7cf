//! Locks of the run: whose they are, who is asked to end for one, and what becomes of a run that is asked.
use std::sync::Arc;

use super::{Driver, Seen, now};
use crate::effects::shell::living;
use crate::effects::{Chunk, Left, Stream};
use crate::engine::call::Path;
use crate::engine::{Call, CallId, Ending, Event, Failure, FailureKind, Outcome, Progress, What};
use crate::journal::{Holder, Lock, Wanted};
use crate::run::journal::{LeftHolder, failure, taken_from};
use crate::run::signals::Heard;
use crate::value::SmolStr;
use tokio::time::Instant;

/// What a run that nobody drives and that has a lock had left running, after it was asked to end.
pub(super) struct Freed {
    call: Arc<Call>,
    outcome: Outcome,
    run: SmolStr,
    left: Left,
}

impl Driver<'_> {
    /// A lock that this process holds is the run's, unless a run that is not over has it. Nothing yet, when whoever drives that
    /// one was asked to end it.
    pub(super) fn locked(&mut self, id: CallId, outcome: Outcome) -> Option<Outcome> {
        let Some(call) = self.locks.remove(&id) else { return Some(outcome) };
        if outcome.ending != Ending::Done {
            return Some(outcome);
        }
        self.taken.push(call.clone());
        let Some(journal) = &mut self.around.journal else { return Some(outcome) };
        match journal.ask_for(&call) {
            Ok(None) => match journal.left_holder(&call) {
                Ok(None) => Some(journal.lock(&call, outcome, now())),
                Ok(Some(left)) => self.free(call, outcome, left),
                Err(trouble) => Some(Outcome::failed(Ending::None, failure(&trouble))),
            },
            Ok(Some((lock, holder))) => {
                let taken = taken_from(&lock.run);
                if outcome != taken {
                    self.say_asked(&call, &lock, &holder);
                }
                self.asked_for.insert(id, (call, taken));
                None
            }
            Err(trouble) => Some(Outcome::failed(Ending::None, failure(&trouble))),
        }
    }

    /// What the last input took is free again: nothing of that one stands.
    pub(super) fn give_back(&mut self, taken: &[Arc<Call>]) {
        for call in taken {
            let What::Lock { name, .. } = &call.what else { continue };
            if let Some(journal) = &mut self.around.journal {
                journal.unlock(name);
            }
            self.around.effects.unlock(name);
        }
    }

    /// A run that nobody drives has the lock. What it has left running is ended before it is taken.
    fn free(&mut self, call: Arc<Call>, outcome: Outcome, left: LeftHolder) -> Option<Outcome> {
        let LeftHolder { run, lock, open } = left;
        let open = move |call: CallId| open.contains(&call);
        let running = living(&run, &open).into_iter().next();
        let then = match &running {
            Some(first) => format!("ending {first}, which it left running"),
            None => "what it has in place stays".to_owned(),
        };
        self.say(&call, &format!("taking the lock `{lock}` over from run {run}, which nobody drives: {then}"));
        if running.is_none() {
            return self.around.journal.as_mut().map(|journal| journal.lock(&call, outcome, now()));
        }
        let (id, effects) = (call.id, self.around.effects);
        self.running.push(Box::pin(async move {
            let left = effects.end_left(Some(&run), &open).await;
            (id, Seen::Freed(Box::new(Freed { call, outcome, run, left })))
        }));
        None
    }

    pub(super) fn freed(&mut self, freed: Freed) -> Option<Outcome> {
        let Freed { call, outcome, run, left } = freed;
        let journal = self.around.journal.as_mut()?;
        journal.tell_ended(&run, &left.ended, now());
        if let Some((_, what)) = left.alive.first() {
            let message = format!(
                "run {run} has the lock and is driven by nobody, and what it left running cannot be ended: {what}"
            );
            return Some(Outcome::failed(Ending::None, Failure::new(FailureKind::Failed, message)));
        }
        Some(journal.lock(&call, outcome, now()))
    }

    fn say_asked(&mut self, call: &Call, lock: &Lock, holder: &Holder) {
        let text = format!(
            "taking the lock `{}` over from run {} (pid {} on {}): waiting for its end",
            lock.name, lock.run, holder.pid, holder.host_name
        );
        self.say(call, &text);
    }

    fn say(&mut self, call: &Call, text: &str) {
        self.show(&Chunk { call: call.id, stream: Stream::Err, bytes: format!("{text}\n").into_bytes() });
    }

    /// Whether they have ended by now.
    pub(super) fn ask_again(&mut self) {
        for (id, (call, taken)) in std::mem::take(&mut self.asked_for) {
            self.locks.insert(id, call);
            if let Some(outcome) = self.locked(id, taken) {
                self.hear(Event::Ended(id, Box::new(outcome)));
            }
        }
    }

    /// Nobody waits for the lock any more. Whoever was asked to end does so all the same.
    pub(super) fn ask_no_more(&mut self, id: CallId) {
        if self.asked_for.remove(&id).is_none() {
            return;
        }
        let failure = Failure::new(FailureKind::Cancelled, "cancelled while the end of another run was waited for");
        self.hear(Event::Ended(id, Box::new(Outcome::failed(Ending::None, failure))));
    }

    /// Who takes a lock from this run, where this signal says so.
    pub(super) fn claimed(&self, heard: &Heard) -> Option<Wanted> {
        match heard {
            Heard::Stop => {
                let claim = self.around.effects.claimed()?;
                Some(Wanted { lock: claim.lock, by: claim.run.into(), who: claim.user })
            }
            Heard::Interrupt | Heard::Hangup | Heard::Child | Heard::Suspend => None,
        }
    }

    /// As a first signal.
    pub(super) fn stop(&mut self) {
        let at = self.clock.now();
        self.around.watcher.tell(at, &Progress::Stopping);
        self.hear(Event::Stop);
    }

    /// Another run takes a lock from this one, which ends for it.
    pub(super) fn give_way(&mut self, wanted: &Wanted, end: &mut Option<Instant>) {
        let Wanted { lock, by, who } = wanted;
        let text = format!(
            "{who} takes the lock `{lock}` from this run for run {by}: it is stopped, and what it did is undone"
        );
        let at = self.clock.now();
        self.around.watcher.tell(at, &Progress::Warning { path: Path::default(), text });
        self.gave_way = Some(format!("stopped for run {by}, with which {who} took the lock `{lock}`"));
        match self.around.operator {
            Some(_) => self.signalled(Heard::Stop, end),
            None => self.stop(),
        }
    }
}
