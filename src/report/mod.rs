//! What people and programs see. In: diagnostics, progress, the end of a run. Out: lines of text, JSON.
//! Everything that leaves goes through [`outside::Outside`], which hides secrets and shows control characters.
//! Decides nothing and changes nothing about a run.
mod at_once;
pub mod console;
pub mod diagnostics;
mod events;
pub mod json;
pub mod live;
pub mod opening;
pub mod outside;
pub mod past;
mod place;
pub mod plain;
pub mod plan;
#[cfg(test)]
mod rehearsed;

pub mod runs;
pub mod screen;
pub mod story;
mod streamed;
pub mod style;
pub mod summary;
pub mod time;
pub mod value;
pub mod visible;
mod workflow;
pub mod wrap;
