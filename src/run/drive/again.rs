//! A process goes on with what an earlier one has left.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Driver, Seen, now};
use crate::effects::shell::Living;
use crate::engine::{
    Call, CallId, Command, Ending, Event, Failure, FailureKind, Outcome, Pending, PendingTimer, Progress, TimerClock,
    Wait,
};
use crate::journal::Entry;
use crate::run::resume::Past;
use crate::value::{Nanos, Timestamp};

impl Driver<'_> {
    /// Take up what an earlier process has left.
    pub(super) async fn go_on(&mut self, pending: Pending, past: Past) {
        let Past { walls, intended, proofs, mut ends, rollback, .. } = past;
        if rollback.is_none() && pending.finish.is_some() {
            // It died between its end and the word of it.
            self.finish = pending.finish;
            return;
        }
        let calls: Vec<CallId> = pending.calls.iter().map(|pending| pending.call.id).collect();
        let left = self.around.effects.end_left(None, &|call| calls.contains(&call)).await;
        let at_servers: Vec<Arc<Call>> = pending.calls.iter().map(|pending| pending.call.clone()).collect();
        let statements = self.around.effects.end_statements(&at_servers).await;
        let mut alive: BTreeMap<CallId, String> = left.alive.into_iter().collect();
        // What was never about to start has no effect, however long it takes.
        alive.extend(statements.alive.into_iter().filter(|(call, _)| intended.contains(call)));
        let (at, wall) = (self.clock.now(), now());
        let processes = left.ended.into_iter().filter_map(|Living { call, pid, .. }| {
            let of = at_servers.iter().find(|of| of.id == call)?;
            Some((call, format!("`{}` (pid {pid})", of.text)))
        });
        for (call, what) in processes.chain(statements.ended) {
            if let Some(of) = at_servers.iter().find(|of| of.id == call) {
                self.say_ended(of, what);
            }
        }
        for timer in &pending.timers {
            let due = due(timer, &walls, at, wall);
            self.timers.insert(timer.id, due);
            if let Some(Wait { path, until }) = &timer.wait {
                let limit = rest(due, at);
                let what = until.map(|_| "until".to_owned()).unwrap_or_default();
                let waiting = Progress::Waiting { path: path.clone(), what, span: *until, limit };
                self.around.watcher.tell(at, &waiting);
            }
        }
        for mut question in pending.questions {
            let timer = pending.timers.iter().find(|timer| timer.question == Some(question.id));
            if let Some(timer) = timer {
                question.asked.within = Some(rest(due(timer, &walls, at, wall), at));
            }
            self.asked.push_back((at, Command::Ask(question.id, Box::new(question.asked))));
        }
        self.hear(Event::Resumed { now: wall });
        match (rollback, pending.ready) {
            (Some((why, what)), _) => self.hear(Event::Rollback { why, what }),
            (None, Some(reached)) => self.asked.push_back((at, Command::Ready(Box::new(reached)))),
            (None, None) => {}
        }
        self.obey_all();
        for pending in pending.calls {
            let call = pending.call;
            let id = call.id;
            if let Some(alive) = alive.get(&id) {
                let outcome = Outcome { running: Some(alive.clone()), ..interrupted() };
                self.hear(Event::Ended(id, Box::new(outcome)));
            } else if !intended.contains(&id) {
                // A read, or a write that was never started.
                self.tell_again(&call, pending.cancelled);
                self.hear(Event::Unstarted(id));
            } else {
                let (effects, proof, end) = (self.around.effects, proofs.get(&id).cloned(), ends.remove(&id));
                self.running.push(Box::pin(async move {
                    if end.as_ref().is_some_and(|end| is_proof(end.ending)) {
                        return (id, Seen::Settled(end));
                    }
                    let became = effects.settle(&call, proof.as_ref()).await;
                    match (became, end) {
                        // What still ran then was ended before this.
                        (None, Some(end)) => (id, Seen::Failed(Outcome { running: None, ..end })),
                        (became, _) => (id, Seen::Settled(became)),
                    }
                }));
            }
        }
    }

    /// What an earlier process had left running was ended by this one.
    fn say_ended(&mut self, call: &Call, what: String) {
        let at = self.clock.now();
        let text = format!("{what} was still running, left by the process that died: it was ended");
        self.around.watcher.tell(at, &Progress::Warning { path: call.path.clone(), text });
        if let Some(journal) = &mut self.around.journal {
            journal.note(vec![Entry::LeftEnded { call: call.id, what, by: None, wall: now() }]);
        }
    }
}

/// Whether an end says what became of a call. One that failed half-way may be known better by its provider.
fn is_proof(ending: Ending) -> bool {
    match ending {
        Ending::Done | Ending::None => true,
        Ending::Some | Ending::Unknown => false,
    }
}

/// The end of a call of an earlier process that could not be ended.
fn interrupted() -> Outcome {
    let failure = Failure::new(FailureKind::Cancelled, "the process that ran it has died");
    Outcome::failed(Ending::Unknown, failure)
}

/// What is left of it, to the second: it is for people.
fn rest(due: Nanos, at: Nanos) -> Nanos {
    Nanos((due.0 - at.0).max(0).div_euclid(1_000_000_000).saturating_add(1) * 1_000_000_000)
}

/// When a timer of an earlier process fires: what counts running time goes on with what was left, a `wait` keeps its hour.
fn due(timer: &PendingTimer, walls: &[Timestamp], at: Nanos, wall: Timestamp) -> Nanos {
    match timer.clock {
        TimerClock::Running => Nanos(timer.set.0.saturating_add(timer.after.0)),
        TimerClock::Wall => {
            let set = walls.get(timer.input).copied().unwrap_or(wall);
            let passed = i64::try_from(wall.duration_since(set).as_nanos()).unwrap_or(i64::MAX).max(0);
            Nanos(at.0.saturating_add(timer.after.0.saturating_sub(passed).max(0)))
        }
    }
}
