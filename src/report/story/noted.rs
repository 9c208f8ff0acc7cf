//! A note that is better read in lines of its own.
use super::{Say, Story};
use crate::engine::call::Path;
use crate::report::style::{Line, Tone};

impl Story {
    /// A note whose value was laid out in lines.
    #[must_use]
    pub fn noted(&self, path: &Path, key: &str, value: Vec<Line>) -> Vec<Line> {
        if self.say < Say::Normal {
            return Vec::new();
        }
        let line = self.line(path);
        let first = line.clone().put(Tone::Doing, format!("note {key}:"));
        let below = value.into_iter().map(|told| {
            let mut below = line.clone().put(Tone::Plain, "  ");
            below.pieces.extend(told.pieces);
            below
        });
        std::iter::once(first).chain(below).collect()
    }
}
