//! What a journal has to keep so that a run can go on: made by the engine, in order, before what follows it is done.
use crate::engine::call::{CallId, Key, Path};
use crate::engine::event::Ending;
use crate::value::{SmolStr, Value};

#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A call that may have an effect is about to start; `unit` when it is the first write of its step.
    Intent {
        call: CallId,
        attempt: u32,
        key: Key,
        unit: Option<UnitKind>,
    },
    Outcome {
        call: CallId,
        ending: Ending,
    },
    /// A name was bound.
    Bound {
        path: Path,
        name: SmolStr,
        value: Value,
    },
    StepStarted {
        path: Path,
        attempt: u32,
    },
    StepEnded {
        path: Path,
        attempt: u32,
    },
    /// A loop's list, as it was when the loop started.
    Loop {
        path: Path,
        list: Value,
    },
    Answered {
        path: Path,
        text: String,
        value: Value,
        who: SmolStr,
    },
    /// A timer whose due time outlives the process (`wait D`).
    Wait {
        path: Path,
    },
    /// Nothing forward ever starts again.
    Back,
    Undoing {
        path: Path,
    },
    Undone {
        path: Path,
    },
    Committed {
        path: Path,
    },
    Finished {
        exit: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    Rollback,
    Manual,
    Wall,
}
