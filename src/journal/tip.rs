//! Where the entries of a run end and how it stands: what changes with each write, apart from what never does.
use sha2::{Digest, Sha256};

use super::State;
use super::chain::Hash;
use crate::engine::event::End;
use crate::value::Timestamp;

const ENDS: [End; 6] = [End::Succeeded, End::RolledBack, End::Failed, End::Refused, End::Incomplete, End::Stopped];

#[derive(Clone, Debug)]
pub struct Tip {
    pub count: i64,
    /// Of the last entry, or of the head.
    pub hash: Hash,
    pub last: i64,
    pub state: State,
    pub wrote: bool,
}

impl Tip {
    /// Over all of it and the run's head: a bit that flipped on the disk is seen.
    pub fn sum(&self, head: &Hash) -> [u8; 8] {
        let all = Sha256::new()
            .chain_update(head)
            .chain_update(self.count.to_le_bytes())
            .chain_update(self.hash)
            .chain_update(self.last.to_le_bytes())
            .chain_update(name(self.state))
            .chain_update([u8::from(self.wrote)])
            .finalize();
        all.first_chunk().copied().unwrap_or_default()
    }
}

/// Whether nobody has anything left to do for such a run.
pub fn leaves_nothing(state: State) -> bool {
    match state {
        State::Ended(End::Succeeded | End::RolledBack | End::Undone | End::Failed | End::Refused) | State::Closed => {
            true
        }
        State::Open | State::Ended(End::Incomplete | End::UndoneInPart | End::Stopped) => false,
    }
}

pub fn name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Ended(end) => end.name(),
        State::Closed => "closed",
    }
}

pub fn state(text: &str) -> Option<State> {
    match text {
        "open" => Some(State::Open),
        "closed" => Some(State::Closed),
        other => ENDS.into_iter().find(|end| end.name() == other).map(State::Ended),
    }
}

/// Nanoseconds, as far as they reach (the years 1678 to 2262).
pub fn to_nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

pub fn from_nanos(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}
