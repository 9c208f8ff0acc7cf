//! The way back: it is asked for, it begins, and what it undoes.
use super::Story;
use crate::engine::call::Path;
use crate::engine::event::{ASKED_FOR, Extent, Failure};
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::value::Nanos;

impl Story {
    /// After a first signal: what is waited for, and what a second one does.
    pub(super) fn stopping(&self) -> Line {
        let names: Vec<String> = self.innermost().iter().map(|open| format!("\"{}\"", open.name)).collect();
        let what = match (self.unwinding, names.as_slice()) {
            (Some(_), _) => "already going back".to_owned(),
            (None, []) => "stopping, then undoing".to_owned(),
            (None, names) => format!("stopping {}, then undoing", names.join(", ")),
        };
        let text = format!("{what}; Ctrl-C again stops at once and leaves things in place");
        Line::new(0).put(Tone::Warn, "! ").put(Tone::Plain, text)
    }

    pub(super) fn undo_line(&self, path: &Path, name: &str) -> Line {
        let line = Line::new(self.depth(path, true)).put(Tone::Doing, "↩ ").put(Tone::Plain, "undo: ");
        line.put(Tone::Strong, name)
    }

    pub(super) fn unwinding_started(
        &mut self,
        at: Nanos,
        failure: Option<&Failure>,
        budget: Option<Nanos>,
        what: &Extent,
    ) {
        self.unwinding = Some((at, budget));
        let within = budget.map(|budget| format!(" within {}", time::limit(budget))).unwrap_or_default();
        let what = match what {
            Extent::All => "what was done",
            Extent::From(_) | Extent::Only(_) => "what was asked for",
        };
        let what = format!("{what} is undone{within}, last first");
        self.heading = vec![Line::new(0), Line::new(0).put(Tone::Warn, "Going back: ").put(Tone::Plain, what)];
        let why = failure.map(|failure| &failure.message).filter(|why| *why != ASKED_FOR && !self.told(why));
        if let Some(why) = why {
            self.heading.push(Line::new(1).put(Tone::Dim, "because ").put(Tone::Plain, why));
        }
    }
}
