//! A run looked back at. In: what the journal holds of it, and its program where this rbk still reads it as it was meant. Out:
//! one value, made once: what happened, in order, each with its hour; and that value as a story, as JSON, as a report. Nothing is
//! run, asked or read again, and no clock is looked at. Texts in it are raw: whoever prints one takes it through [`Past::clean`].
pub mod bars;
mod doubts;
pub mod html;
pub mod human;
mod incident;
pub mod json;
pub mod junit;
pub mod markdown;
mod markup;
mod picture;
mod retell;

pub use retell::{Script, retell};

use crate::check::program::{Effect, Want};
use crate::engine::call::{CallId, Path};
use crate::engine::event::{ASKED_FOR, Ending, FailureKind, Finish, Progress, StepFailure};
use crate::journal::{Door, Head, Holder, Reason, Row, State};
use crate::report::events;
use crate::report::outside::Known;
use crate::source::Sources;
use crate::value::json::to_json;
use crate::value::{Nanos, SmolStr, Timestamp, Value, show};

pub struct Past {
    pub head: Head,
    pub row: Row,
    pub sources: Sources,
    pub deadline: Option<Nanos>,
    pub rollback_within: Option<Nanos>,
    pub moments: Vec<Moment>,
    /// What it waits for, when it is not over.
    pub awaits: Vec<Awaits>,
    /// What it has in place then, the last first.
    pub in_place: Vec<(Path, SmolStr)>,
    /// What has its effect at the end of what is known, first to last, also of a run that is over.
    pub stays: Vec<(Path, SmolStr)>,
    /// Why less is told than happened.
    pub gaps: Vec<String>,
    /// It is damaged: what is told ends where it is.
    pub broken: bool,
    known: Known,
}

/// Something that happened, or that somebody did.
pub struct Moment {
    pub wall: Timestamp,
    /// Running time: what no process held the run for does not count.
    pub at: Nanos,
    pub what: What,
}

pub enum What {
    /// A process took it.
    Taken {
        door: Door,
        holder: Holder,
        reasons: Vec<Reason>,
    },
    /// As the run itself told it.
    Told(Progress),
    /// What a call came back with.
    Gave {
        call: CallId,
        path: Path,
        text: SmolStr,
        effect: Effect,
        want: Want,
        value: Value,
    },
    /// A `wait` is over.
    Waited {
        path: Path,
    },
    /// It was under way when its process died.
    InDoubt {
        call: CallId,
        path: Path,
        text: SmolStr,
    },
    Decided {
        call: CallId,
        path: Path,
        text: SmolStr,
        how: Decision,
    },
    Unanswered {
        path: Path,
        text: String,
        why: String,
    },
    /// A connection leads there from now on; which server it is, once that is known.
    Connected {
        name: SmolStr,
        address: String,
        server: Option<String>,
    },
    /// A person wrote this beside it.
    Noted {
        who: String,
        text: String,
    },
    /// Another run has taken a lock from it.
    LockTaken {
        lock: String,
        by: SmolStr,
        who: String,
    },
    /// What its process had left running when it died was ended, by another run where one is named.
    LeftEnded {
        what: String,
        by: Option<SmolStr>,
    },
    /// A person wants it undone, or a part of it, in words.
    AskedBack {
        why: String,
        part: Option<String>,
    },
    /// Its process died, or was cut off from the journal: this is the last that is known of it.
    Died,
    /// Its process took it, and nothing happened.
    NoFurther,
    /// Its process let go of it.
    Stopped {
        why: String,
    },
    Closed {
        who: String,
        reason: String,
    },
    Ended(Box<Finish>),
    /// An entry of a run that cannot be replayed, in words.
    Plain(String),
}

/// What was made of a call in doubt.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Its provider knows what became of it.
    Proved(Ending),
    /// What an earlier process left running could not be ended.
    StillRuns(String),
    /// It may be repeated: it was started once more.
    Again,
    /// The `done when` of its step is true.
    GoalReached,
    Answered {
        answer: String,
        who: SmolStr,
    },
    /// Nobody could say: it counts as half done.
    HalfDone,
    /// A message: whether it arrived is not known, and changes nothing.
    Message,
}

impl Decision {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Decision::Proved(Ending::Done) => "it happened: its provider says so".to_owned(),
            Decision::Proved(Ending::None) => "it did not happen: its provider says so".to_owned(),
            Decision::Proved(Ending::Some) => "it failed: its provider says so".to_owned(),
            Decision::Proved(Ending::Unknown) => "its provider does not know either".to_owned(),
            Decision::StillRuns(what) => format!("it may still be running: {what}"),
            Decision::Again => "it may be repeated: started once more".to_owned(),
            Decision::GoalReached => "the `done when` of its step is true".to_owned(),
            Decision::Answered { answer, who } => format!("{answer}, says {who}"),
            Decision::HalfDone => "nobody can say: it counts as half done".to_owned(),
            Decision::Message => "whether the message arrived is not known; it is not sent again".to_owned(),
        }
    }

    /// For programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Decision::Proved(_) => "proved",
            Decision::StillRuns(_) => "still_runs",
            Decision::Again => "repeated",
            Decision::GoalReached => "goal_reached",
            Decision::Answered { .. } => "answered",
            Decision::HalfDone => "half_done",
            Decision::Message => "message",
        }
    }
}

/// What a run that is not over waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Awaits {
    Answer {
        path: Path,
        text: String,
    },
    /// `wait`: due by the clock on the wall.
    Hour {
        path: Path,
        due: Timestamp,
        step: Option<SmolStr>,
    },
    /// `wait up to`: a condition.
    Until {
        path: Path,
        /// As it is written.
        text: String,
        since: Timestamp,
        /// Running time, as far as the journal goes.
        left: Nanos,
        /// It gives up then, where a process drives the run.
        due: Option<Timestamp>,
        step: Option<SmolStr>,
    },
    /// A call without an end. `doubt`: it may have an effect, and nobody drives the run.
    End {
        call: CallId,
        path: Path,
        text: SmolStr,
        doubt: bool,
        /// The step that it stands in.
        step: Option<SmolStr>,
        /// Nobody drives the run, and this process of the call is still there.
        alive: Option<i32>,
    },
    /// It failed, and was stopped there: that somebody mends what is wrong.
    Mended {
        path: Path,
        step: SmolStr,
        why: String,
    },
    /// Nothing of the outside: it stands in this step, or in its undo.
    Step {
        path: Path,
        name: SmolStr,
        undo: bool,
    },
}

/// Where a run that is not over stands, for the list of runs.
pub struct Stands {
    /// A few words, of the first thing that it waits for.
    pub words: String,
    pub waits_for: Vec<serde_json::Value>,
}

impl Past {
    /// Nothing when it waits for nothing.
    #[must_use]
    pub fn stands(&self) -> Option<Stands> {
        let words = self.clean(&human::short(&self.awaits)?);
        let waits_for = self.awaits.iter().map(|awaits| events::hidden(json::awaits(awaits), &|text| self.clean(text)));
        Some(Stands { words, waits_for: waits_for.collect() })
    }

    /// A text without its secrets; one that was not kept is shown by its name as well.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.known.borrow().redact(text).replace(crate::journal::LOST, "\u{2039}")
    }

    /// A value for people, without its secrets.
    #[must_use]
    pub fn shown(&self, value: &Value) -> String {
        self.hidden(value).unwrap_or_else(|| self.clean(&show::show(value)))
    }

    /// The same for programs.
    #[must_use]
    pub fn data(&self, value: &Value) -> serde_json::Value {
        match value {
            Value::Bytes(_) => self.shown(value).into(),
            _ => self.hidden(value).map_or_else(|| to_json(value), Into::into),
        }
    }

    /// What stands for a value that is a secret, or holds one where no text of it would show that.
    fn hidden(&self, value: &Value) -> Option<String> {
        let known = self.known.borrow();
        let name = match value {
            Value::Str(text) if known.find(text).is_some() => None,
            Value::Str(text) => known.is(text),
            other => known.hides(other),
        }?;
        Some(format!("\u{2039}{name}\u{203a}"))
    }

    /// How it ended last; nothing of one that is not over, whatever it had come to before it was taken up again.
    #[must_use]
    pub fn finish(&self) -> Option<&Finish> {
        self.ends().last().filter(|_| self.row.state != State::Open)
    }

    /// What went wrong first, whatever became of it; that somebody stopped the run only where nothing else did.
    #[must_use]
    pub fn cause(&self) -> Option<&StepFailure> {
        let failed = || self.ends().filter_map(|finish| finish.failure.as_ref());
        let wrong = failed().find(|failed| failed.failure.kind != FailureKind::Cancelled);
        wrong.or_else(|| failed().find(|failed| failed.failure.message != ASKED_FOR))
    }

    fn ends(&self) -> impl Iterator<Item = &Finish> {
        self.moments.iter().filter_map(|moment| match &moment.what {
            What::Ended(finish) => Some(&**finish),
            _ => None,
        })
    }

    /// When the last thing happened that is known.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.moments.last().map_or(self.head.started, |moment| moment.wall)
    }

    /// Its process left no word: when it ended is not known.
    #[must_use]
    pub fn died(&self) -> bool {
        matches!(self.moments.last(), Some(Moment { what: What::Died | What::NoFurther, .. }))
    }

    /// How long processes held it.
    #[must_use]
    pub fn ran(&self) -> Nanos {
        self.moments.last().map_or(Nanos(0), |moment| moment.at)
    }

    /// How it stands, in one word.
    #[must_use]
    pub fn standing(&self) -> &'static str {
        if self.broken { "damaged" } else { super::runs::standing(&self.row) }
    }
}

/// So many characters of a line at the most, and how many more there are: never cut to save less than it takes to say so.
fn short(line: &str, longest: usize) -> String {
    let count = line.chars().count();
    let more = count.saturating_sub(longest);
    let notice = format!("… {more} more characters");
    if more < notice.chars().count() {
        return line.to_owned();
    }
    line.chars().take(longest).chain(notice.chars()).collect()
}

/// `… 1 more line`.
fn more_lines(more: usize) -> String {
    format!("… {more} more {}", if more == 1 { "line" } else { "lines" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_to_save_less_than_it_takes_to_say_so() {
        let line = "x".repeat(130);
        assert_eq!(short(&line, 130), line);
        assert_eq!(short(&line, 129), line);
        assert_eq!(short(&line, 105), format!("{}… 25 more characters", "x".repeat(105)));
        assert_eq!((more_lines(1), more_lines(2)), ("… 1 more line".to_owned(), "… 2 more lines".to_owned()));
    }
}
