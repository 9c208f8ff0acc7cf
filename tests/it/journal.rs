//! What a run leaves behind: what every store must do, how entries are written, what one file survives, and what a database does.
mod anything;
mod away;
mod child;
mod codec;
mod full;
pub mod made;
mod place;
mod secrets;
mod store;
mod team;
mod together;
mod torn;
