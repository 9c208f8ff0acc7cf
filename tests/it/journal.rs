//! What a run leaves behind: what every store must do, how entries are written, and what one file survives.
mod made;
mod store;
