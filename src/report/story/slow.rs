//! What is not told when it starts, told once it takes long.
use super::{Running, Say, Story, took};
use crate::report::style::{Line, Tone};
use crate::value::Nanos;

const SLOW: Nanos = Nanos(10_000_000_000);

impl Story {
    /// What runs without having been told, and has for a while: whatever it does, somebody waits for it.
    pub fn tick(&mut self, at: Nanos) -> Vec<Line> {
        if self.say < Say::Normal {
            return Vec::new();
        }
        let mut slow = Vec::new();
        for running in self.running.values_mut().filter(|running| is_slow(at, running)) {
            running.told = true;
            slow.push((running.path.clone(), running.text.clone(), running.since));
        }
        let mut lines = Vec::new();
        for (path, text, since) in slow {
            lines.extend(self.command(&path, &text));
            let after = took(at, since);
            lines.push(self.line(&path).put(Tone::Dim, format!("  … still running after {}", after.trim_start())));
        }
        lines
    }

    /// A person types a secret at the terminal, where nothing else may be written meanwhile.
    pub fn asks_a_secret(&self) -> bool {
        self.running.values().any(|running| running.asks)
    }

    /// What runs outside every step, and since when.
    pub fn homeless(&self) -> impl Iterator<Item = (&str, Nanos)> {
        let outside = self.running.values().filter(|running| self.home(&running.path).is_none());
        outside.map(|running| (running.text.as_str(), running.since))
    }
}

fn is_slow(at: Nanos, running: &Running) -> bool {
    !running.told && !running.asks && at.0 - running.since.0 >= SLOW.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::program::{Effect, Want};
    use crate::engine::call::{CallId, Path};
    use crate::engine::event::Progress;
    use crate::source::Sources;

    #[test]
    fn what_only_reads_is_told_once_when_it_takes_long() {
        let mut story = Story::new(Say::Normal, Sources::default());
        let reads = |number| Progress::ActionStarted {
            call: CallId(number),
            path: Path::default(),
            text: if number == 0 { "prompt(\"Token?\")".into() } else { format!("$ read {number}").into() },
            effect: Effect::Read,
            want: Want::Condition,
            asks: number == 0,
        };
        assert_eq!(story.tell(Nanos(0), &reads(0)), []);
        assert_eq!(story.tell(Nanos(0), &reads(1)), []);
        assert_eq!(story.tell(Nanos(9_000_000_000), &reads(2)), []);
        assert_eq!(
            story.homeless().map(|(text, _)| text).collect::<Vec<_>>(),
            ["prompt(\"Token?\")", "$ read 1", "$ read 2"]
        );
        assert_eq!(story.tick(Nanos(9_900_000_000)), []);
        let told = story.tick(Nanos(10_000_000_000));
        let text: Vec<&str> = told.iter().flat_map(|line| &line.pieces).map(|(_, text)| text.as_str()).collect();
        assert_eq!(text, ["$ read 1", "  … still running after 10s"]);
        assert_eq!(story.tick(Nanos(11_000_000_000)), []);
    }
}
