//! What a run leaves behind so that it can go on: who started what and where, every event that the engine has consumed, and
//! each effect that was about to start. In: entries, in the one order in which the engine consumed them. Out: the same
//! entries, after any crash a prefix of them that ends where the disk last said yes. Two stores: one file ([`sqlite`]), and a
//! database of a team ([`postgres`]). It never shows a secret, never holds one in the clear, and never guesses: what cannot
//! be read is an error.
//!
//! A secret without `RBK_JOURNAL_KEY` comes back as a [`lost()`] word, inside its [`crate::value::Value::Secret`] or in place
//! of the text that held it. What may not stand in the clear is what the [`Redactor`](crate::value::redact::Redactor) knows
//! at that append: it learns a secret before the outcome that brought it is written. Where one came from `env` or `prompt`
//! it is read again, and [`Store::same`] tells whether it is still the one that the run had.
pub mod behind;
mod chain;
pub mod codec;
pub mod entry;
mod listed;
mod open;
pub mod postgres;
pub mod seal;
pub mod sqlite;
pub mod store;
mod tip;
pub mod trouble;
mod written;

pub use entry::{CONSOLE, Door, Entry, Head, Holder, Place, Reason, Text};
pub use open::{Which, open, which};
pub use store::{Filter, Kept, Lapse, Lock, Room, Row, Standing, State, Store, Verified, Wanted};
pub use trouble::{Kind, Trouble};

pub use crate::value::lost::{LOST, is_lost, lost};
