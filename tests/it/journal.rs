//! What a run leaves behind: what every store must do, how entries are written, and what one file survives.
mod anything;
mod child;
mod codec;
mod full;
pub mod made;
mod place;
mod secrets;
mod store;
mod together;
mod torn;
