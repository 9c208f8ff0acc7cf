//! The first lines of a run: what runs, under which name, within which limits.
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::value::{Nanos, SmolStr, Timestamp};

#[derive(Clone, Debug)]
pub struct Opening {
    pub run: SmolStr,
    pub started: Timestamp,
    pub deadline: Option<Nanos>,
    pub rollback_within: Option<Nanos>,
    /// What is said of it beside that.
    pub again: Option<String>,
}

impl Opening {
    #[must_use]
    pub fn lines(&self, title: &str) -> Vec<Line> {
        let mut about = format!("run {}", self.run);
        if let Some(deadline) = self.deadline {
            about.push_str(&format!(", deadline {}", time::limit(deadline)));
        }
        if let Some(within) = self.rollback_within {
            about.push_str(&format!(", rollback within {}", time::limit(within)));
        }
        let started = self.started.strftime("%F %T UTC").to_string();
        let mut lines = vec![
            Line::new(0).put(Tone::Strong, title),
            Line::new(0).put(Tone::Dim, format!("{about}, started {started}")),
        ];
        lines.extend(self.again.as_ref().map(|again| Line::new(0).put(Tone::Dim, again)));
        lines.push(Line::new(0));
        lines
    }
}
