//! Calls that were under way when a process died, until it is known what was made of them.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Decision, What};
use crate::check::program::Effect;
use crate::engine::call::{Call, CallId, Path};
use crate::engine::event::{Event, Progress, QuestionId, QuestionKind};
use crate::engine::{Command, Pending};
use crate::value::show;

/// Who answers when nobody is there.
const NOBODY: &str = "nobody";

#[derive(Default)]
pub struct Doubts {
    /// That one process left to the next.
    left: BTreeMap<CallId, Arc<Call>>,
    /// Of those, the ones that nobody could prove anything of.
    open: Vec<Arc<Call>>,
    asked: BTreeMap<QuestionId, CallId>,
    /// Their ends were seen as a process stopped: there is no doubt.
    seen: BTreeSet<CallId>,
}

impl Doubts {
    pub fn seen(&mut self, calls: impl IntoIterator<Item = CallId>) {
        self.seen.extend(calls);
    }

    /// The next input, before the engine hears of it.
    pub fn heard(&mut self, event: &Event, pending: &Pending, intended: &BTreeSet<CallId>, found: &mut Vec<What>) {
        match event {
            Event::Resumed { .. } => {
                let calls = pending.calls.iter().map(|pending| &pending.call);
                self.left = calls
                    .filter(|call| intended.contains(&call.id) && !self.seen.contains(&call.id))
                    .map(|call| (call.id, call.clone()))
                    .collect();
                let in_doubt = |call: &Arc<Call>| What::InDoubt {
                    call: call.id,
                    path: call.path.clone(),
                    text: call.text.clone(),
                };
                found.extend(self.left.values().map(in_doubt));
            }
            Event::Ended(id, outcome) => {
                if let Some(call) = self.left.remove(id) {
                    let proved = Decision::Proved(outcome.ending);
                    found.push(decided(&call, outcome.running.clone().map_or(proved, Decision::StillRuns)));
                }
            }
            Event::Unstarted(id) => {
                if let Some(call) = self.left.remove(id) {
                    found.push(decided(&call, Decision::Proved(crate::engine::Ending::None)));
                }
            }
            Event::Failed(id, _) => drop(self.left.remove(id)),
            Event::Doubted(id) => match self.left.remove(id) {
                Some(call) if call.effect == Effect::Notify => found.push(decided(&call, Decision::Message)),
                Some(call) => self.open.push(call),
                None => {}
            },
            Event::Answered(id, answer) => {
                let how = match answer.who.as_str() {
                    NOBODY => Decision::HalfDone,
                    _ => Decision::Answered { answer: show::show(&answer.value), who: answer.who.clone() },
                };
                self.answered(*id, how, found);
            }
            Event::Unanswered(id, _) => self.answered(*id, Decision::HalfDone, found),
            // It is asked again.
            Event::Parked(..) => {}
            Event::Start
            | Event::Fired(_)
            | Event::Stop
            | Event::Rollback { .. }
            | Event::Enter(_)
            | Event::Undo { .. }
            | Event::Keep(_)
            | Event::Kill => {}
        }
    }

    fn answered(&mut self, question: QuestionId, how: Decision, found: &mut Vec<What>) {
        let Some(asked) = self.asked.remove(&question) else { return };
        self.close(|call| call.id == asked, &how, found);
    }

    /// What the engine asks for after it: what follows from a doubt stands behind what was made of it.
    pub fn before(&mut self, commands: &[Command], found: &mut Vec<What>) {
        for command in commands {
            match command {
                Command::Call(again) => self.close(|call| call.key == again.key, &Decision::Again, found),
                Command::Ask(id, question) if matches!(question.kind, QuestionKind::Doubt(_)) => {
                    let about = self.open.iter().find(|call| call.path == question.path);
                    self.asked.extend(about.map(|call| (*id, call.id)));
                }
                Command::Tell(Progress::Log { path, text }) => {
                    let reached = |call: &Call| {
                        call.path == *path && text.starts_with(&format!("`{}` was interrupted, and ", call.text))
                    };
                    self.close(reached, &Decision::GoalReached, found);
                }
                Command::Tell(Progress::StepFinished { path, .. } | Progress::RollbackStarted { path, .. }) => {
                    self.close(|call| is_in(&call.path, path), &Decision::HalfDone, found);
                }
                Command::Finish(_) => self.close(|_| true, &Decision::HalfDone, found),
                _ => {}
            }
        }
    }

    fn close(&mut self, which: impl Fn(&Call) -> bool, how: &Decision, found: &mut Vec<What>) {
        self.open.retain(|call| {
            let closed = which(call);
            if closed {
                found.push(decided(call, how.clone()));
            }
            !closed
        });
    }
}

fn decided(call: &Call, how: Decision) -> What {
    What::Decided { call: call.id, path: call.path.clone(), text: call.text.clone(), how }
}

pub fn is_in(path: &Path, around: &Path) -> bool {
    path.0.starts_with(&around.0)
}
