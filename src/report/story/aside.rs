//! What stands beside the steps: a `finally`, `on success`, `on failure`.
use super::{Open, Say, Story, took};
use crate::engine::call::Path;
use crate::engine::event::{Aside, Failure};
use crate::report::place;
use crate::report::style::{Line, Tone};
use crate::value::{Nanos, SmolStr, format_smolstr};

impl Story {
    pub(super) fn aside_started(&mut self, at: Nanos, path: &Path, step: &str, kind: Aside, lines: &mut Vec<Line>) {
        let title = title(kind, step);
        let line = Line::new(self.depth(path, false)).put(Tone::Doing, "▸ ").put(Tone::Strong, title.as_str());
        self.open.insert((path.clone(), false), Open::new(title, at));
        if self.say >= Say::Normal {
            lines.push(line);
        }
    }

    pub(super) fn aside_finished(
        &mut self,
        at: Nanos,
        path: &Path,
        step: &str,
        kind: Aside,
        failure: Option<&Failure>,
        lines: &mut Vec<Line>,
    ) {
        let open = self.open.remove(&(path.clone(), false));
        let (since, warned) = open.map_or((at, false), |open| (open.since, open.warned));
        let (line, title) = (Line::new(self.depth(path, false)), title(kind, step));
        let Some(failure) = failure else {
            if self.say >= Say::Normal {
                let line = if warned { line.put(Tone::Warn, "! ") } else { line.put(Tone::Good, "✓ ") };
                let line = line.put(Tone::Strong, title);
                lines.push(line.put(Tone::Dim, took(at, since)));
            }
            return;
        };
        let line = line.put(Tone::Bad, "✗ ").put(Tone::Strong, title).put(Tone::Bad, " failed");
        let told = self.told(&failure.message);
        lines.push(if told { line } else { line.put(Tone::Plain, format!(": {}", failure.message)) });
        lines.extend(place::lines(self.depth(path, false) + 2, &self.sources, failure));
        if !told {
            self.detail(path, failure, lines);
        }
    }
}

/// `finally: Deploy`, `on failure`.
fn title(kind: Aside, step: &str) -> SmolStr {
    if step.is_empty() { kind.name().into() } else { format_smolstr!("{}: {step}", kind.name()) }
}
