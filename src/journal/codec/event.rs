//! What the engine consumed. A new kind of event is one line in each of the three matches.
use serde::{Deserialize, Serialize};

use super::Sealed;
use super::entry;
use super::leaf::{Hide, Leaf, Show};
use super::outcome::WireOutcome;
use super::value::{Wire, time};
use crate::engine::call::Path;
use crate::engine::{Answer, CallId, Event, Extent, Outcome, QuestionId, TimerId, Walls};
use crate::journal::Trouble;
use crate::journal::seal::Print;
use crate::value::Value;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WireEvent {
    Start,
    Resumed(String),
    Ended(u64, Box<WireOutcome>),
    Doubted(u64),
    Failed(u64, Box<WireOutcome>),
    Unstarted(u64),
    Fired(u64),
    Answered(u64, Wire, Leaf),
    Unanswered(u64, Leaf),
    Parked(u64, Leaf),
    Stop,
    Rollback(Leaf),
    RollbackFrom(Leaf, String),
    RollbackOnly(Leaf, String),
    Enter(u32),
    Undo(WireExtent),
    UndoPast(WireExtent),
    Keep,
    KeepFailed(Leaf),
    Kill,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WireExtent {
    All,
    From(String),
    Only(String),
}

impl Hide<'_> {
    pub fn event(&self, event: &Event) -> Result<WireEvent, Trouble> {
        Ok(match event {
            Event::Start => WireEvent::Start,
            Event::Resumed { now } => WireEvent::Resumed(now.to_string()),
            Event::Doubted(call) => WireEvent::Doubted(call.0),
            Event::Failed(call, outcome) => WireEvent::Failed(call.0, Box::new(self.outcome(outcome)?)),
            Event::Unstarted(call) => WireEvent::Unstarted(call.0),
            Event::Rollback { why, what: Extent::All } => WireEvent::Rollback(self.said(why)?),
            Event::Rollback { why, what: Extent::From(path) } => {
                WireEvent::RollbackFrom(self.said(why)?, path.to_string())
            }
            Event::Rollback { why, what: Extent::Only(path) } => {
                WireEvent::RollbackOnly(self.said(why)?, path.to_string())
            }
            Event::Ended(call, outcome) => WireEvent::Ended(call.0, Box::new(self.ended(outcome)?)),
            Event::Fired(timer) => WireEvent::Fired(timer.0),
            Event::Answered(question, answer) => {
                WireEvent::Answered(question.0, self.value(&answer.value)?, self.text(&answer.who)?)
            }
            Event::Unanswered(question, why) => WireEvent::Unanswered(question.0, self.said(why)?),
            Event::Parked(question, why) => WireEvent::Parked(question.0, self.said(why)?),
            Event::Stop => WireEvent::Stop,
            Event::Enter(number) => WireEvent::Enter(*number),
            Event::Undo { what, walls: Walls::Stop } => WireEvent::Undo(wire(what)),
            Event::Undo { what, walls: Walls::Pass } => WireEvent::UndoPast(wire(what)),
            Event::Keep(None) => WireEvent::Keep,
            Event::Keep(Some(why)) => WireEvent::KeepFailed(self.said(why)?),
            Event::Kill => WireEvent::Kill,
        })
    }

    /// A secret that is all that a call gave, also a short one, has its print beside it: when it is read again, a change
    /// is seen.
    fn ended(&self, outcome: &Outcome) -> Result<WireOutcome, Trouble> {
        let mut wire = self.outcome(outcome)?;
        let Ok(value) = &outcome.result else { return Ok(wire) };
        let (Value::Str(text), hidden) = value.expose() else { return Ok(wire) };
        if hidden.is_none()
            && let Some(name) = self.secrets.is(text)
        {
            wire.result = Ok(Wire::Str(Leaf::Hidden(self.hidden(&name, text.as_bytes())?)));
        }
        if let Ok(Wire::Str(Leaf::Hidden(hidden)) | Wire::Secret(hidden)) = &mut wire.result {
            hidden.print = Some(self.print(text).0);
        }
        Ok(wire)
    }
}

fn wire(extent: &Extent) -> WireExtent {
    match extent {
        Extent::All => WireExtent::All,
        Extent::From(path) => WireExtent::From(path.to_string()),
        Extent::Only(path) => WireExtent::Only(path.to_string()),
    }
}

fn extent(wire: WireExtent) -> Result<Extent, Trouble> {
    Ok(match wire {
        WireExtent::All => Extent::All,
        WireExtent::From(at) => Extent::From(path(&at)?),
        WireExtent::Only(at) => Extent::Only(path(&at)?),
    })
}

fn path(text: &str) -> Result<Path, Trouble> {
    Path::read(text).ok_or_else(|| Trouble::new(format!("`{text}` is no place of a run")))
}

/// The call whose whole outcome is a secret, and its print.
#[must_use]
pub fn printed(entry: &Sealed) -> Option<(CallId, Print)> {
    let entry::Wire::Heard { event: WireEvent::Ended(call, outcome), .. } = &entry.0 else { return None };
    match &outcome.result {
        Ok(Wire::Str(Leaf::Hidden(hidden)) | Wire::Secret(hidden)) => Some((CallId(*call), Print(hidden.print?))),
        _ => None,
    }
}

impl Show<'_> {
    pub fn event(&self, wire: WireEvent) -> Result<Event, Trouble> {
        Ok(match wire {
            WireEvent::Start => Event::Start,
            WireEvent::Resumed(now) => Event::Resumed { now: time(&now)? },
            WireEvent::Doubted(call) => Event::Doubted(CallId(call)),
            WireEvent::Failed(call, outcome) => Event::Failed(CallId(call), Box::new(self.outcome(*outcome)?)),
            WireEvent::Unstarted(call) => Event::Unstarted(CallId(call)),
            WireEvent::Rollback(why) => Event::Rollback { why: self.text(why)?, what: Extent::All },
            WireEvent::RollbackFrom(why, at) => {
                Event::Rollback { why: self.text(why)?, what: Extent::From(path(&at)?) }
            }
            WireEvent::RollbackOnly(why, at) => {
                Event::Rollback { why: self.text(why)?, what: Extent::Only(path(&at)?) }
            }
            WireEvent::Ended(call, outcome) => Event::Ended(CallId(call), Box::new(self.outcome(*outcome)?)),
            WireEvent::Fired(timer) => Event::Fired(TimerId(timer)),
            WireEvent::Answered(question, value, who) => {
                Event::Answered(QuestionId(question), Answer { value: self.value(value)?, who: self.word(who)? })
            }
            WireEvent::Unanswered(question, why) => Event::Unanswered(QuestionId(question), self.text(why)?),
            WireEvent::Parked(question, why) => Event::Parked(QuestionId(question), self.text(why)?),
            WireEvent::Stop => Event::Stop,
            WireEvent::Enter(number) => Event::Enter(number),
            WireEvent::Undo(what) => Event::Undo { what: extent(what)?, walls: Walls::Stop },
            WireEvent::UndoPast(what) => Event::Undo { what: extent(what)?, walls: Walls::Pass },
            WireEvent::Keep => Event::Keep(None),
            WireEvent::KeepFailed(why) => Event::Keep(Some(self.text(why)?)),
            WireEvent::Kill => Event::Kill,
        })
    }
}
