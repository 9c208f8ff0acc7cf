//! The turns of a console: what an operator wants next, and what a signal means there.
use super::{Driver, LAST, far};
use crate::check::program::Effect;
use crate::effects::Canceller;
use crate::engine::{Call, Event, Extent, Progress, Reached};
use crate::run::signals::Heard;
use crate::run::{Operator, Turn};
use tokio::time::Instant;

/// How a console waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Waits {
    /// Something runs, or it is no console.
    #[default]
    No,
    ForTurn,
    /// Something runs, and after it the process lets go of the run.
    ToLeave,
}

/// The next turn; for ever none where nobody is asked.
pub(super) async fn next(operator: &mut Option<&mut dyn Operator>) -> Turn {
    match operator {
        Some(operator) => operator.poll().await,
        None => std::future::pending().await,
    }
}

impl Driver<'_> {
    pub(super) fn is_ready(&mut self, reached: &Reached) {
        let taken = std::mem::take(&mut self.taken);
        if reached.failure.is_some() {
            self.give_back(&taken);
        }
        match (self.waits, &mut self.around.operator) {
            (Waits::ToLeave, _) => self.hear(Event::Kill),
            (Waits::No | Waits::ForTurn, Some(operator)) => {
                self.waits = Waits::ForTurn;
                // Whoever looks at the run meanwhile sees all of it. What cannot be kept is said by the next intent.
                let _ = self.around.journal.as_mut().map(|journal| journal.flush());
                operator.ready(&self.engine, reached);
            }
            // Its end was asked for: nobody works at it.
            (Waits::No | Waits::ForTurn, None) => {}
        }
    }

    /// What only reads and was under way is asked again: whoever works at a console waits for it.
    pub(super) fn tell_again(&mut self, call: &Call, cancelled: bool) {
        if self.around.operator.is_none() || cancelled || call.effect >= Effect::Notify {
            return;
        }
        let text = format!("`{}` was interrupted, and is asked again", call.text);
        let at = self.clock.now();
        self.around.watcher.tell(at, &Progress::Log { path: call.path.clone(), text });
    }

    pub(super) fn turn(&mut self, turn: Turn) {
        self.waits = Waits::No;
        match turn {
            Turn::Enter(input) => {
                self.engine.go_on_with(input.program);
                if let Some(journal) = &mut self.around.journal {
                    journal.note(vec![input.kept]);
                }
                self.hear(Event::Enter(input.number));
                // What cannot be kept is said by the first intent.
                let _ = self.around.journal.as_mut().map(|journal| journal.flush());
            }
            Turn::Note(entry) => {
                let kept = self.around.journal.as_mut().map_or(Ok(()), |journal| journal.keep(entry));
                self.waits = Waits::ForTurn;
                if let Some(operator) = &mut self.around.operator {
                    operator.noted(kept);
                }
            }
            Turn::Undo(what, walls) => self.hear(Event::Undo { what, walls }),
            Turn::Keep(failed) => self.hear(Event::Keep(failed)),
            Turn::Rollback(why) => self.hear(Event::Rollback { why, what: Extent::All }),
            Turn::Leave => self.hear(Event::Kill),
        }
    }

    /// A signal at a console ends what runs, never the console; only one that is meant for the process ends that too.
    pub(super) fn signalled(&mut self, heard: Heard, end: &mut Option<Instant>) {
        match (heard, self.waits) {
            (Heard::Child | Heard::Suspend, _) => {}
            (Heard::Interrupt, Waits::ForTurn) => {
                if let Some(operator) = &mut self.around.operator {
                    operator.interrupted();
                }
            }
            (Heard::Interrupt, Waits::No | Waits::ToLeave) => self.hear(Event::Stop),
            (Heard::Stop | Heard::Hangup, Waits::ForTurn) => {
                self.waits = Waits::No;
                self.hear(Event::Kill);
            }
            (Heard::Stop | Heard::Hangup, Waits::No) => {
                self.waits = Waits::ToLeave;
                self.hear(Event::Stop);
            }
            (Heard::Hangup, Waits::ToLeave) => {}
            (Heard::Stop, Waits::ToLeave) => {
                self.hear(Event::Kill);
                self.cancellers.values().for_each(Canceller::kill);
                end.get_or_insert_with(|| far(LAST));
            }
        }
    }
}
