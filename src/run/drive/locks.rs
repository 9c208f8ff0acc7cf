//! Locks of the run: whose they are, who is asked to end for one, and what becomes of a run that is asked.
use super::{Driver, now};
use crate::effects::{Chunk, Stream};
use crate::engine::call::Path;
use crate::engine::{Call, CallId, Ending, Event, Failure, FailureKind, Outcome, Progress};
use crate::journal::{Holder, Lock, Wanted};
use crate::run::journal::{failure, taken_from};
use crate::run::signals::Heard;
use tokio::time::Instant;

impl Driver<'_> {
    /// A lock that this process holds is the run's, unless a run that is not over has it. Nothing yet, when whoever drives that
    /// one was asked to end it.
    pub(super) fn locked(&mut self, id: CallId, outcome: Outcome) -> Option<Outcome> {
        let (Some(call), Some(journal)) = (self.locks.remove(&id), &mut self.around.journal) else {
            return Some(outcome);
        };
        if outcome.ending != Ending::Done {
            return Some(outcome);
        }
        match journal.ask_for(&call) {
            Ok(None) => Some(journal.lock(&call, outcome, now())),
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

    fn say_asked(&mut self, call: &Call, lock: &Lock, holder: &Holder) {
        let text = format!(
            "taking the lock `{}` over from run {} (pid {} on {}): waiting for its end\n",
            lock.name, lock.run, holder.pid, holder.host_name
        );
        self.show(&Chunk { call: call.id, stream: Stream::Err, bytes: text.into_bytes() });
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
        match self.around.operator {
            Some(_) => self.signalled(Heard::Stop, end),
            None => self.stop(),
        }
    }
}
