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

    /// What runs outside every step, and since when.
    pub fn homeless(&self) -> impl Iterator<Item = (&str, Nanos)> {
        let outside = self.running.values().filter(|running| self.home(&running.path).is_none());
        outside.map(|running| (running.text.as_str(), running.since))
    }
}

fn is_slow(at: Nanos, running: &Running) -> bool {
    !running.told && at.0 - running.since.0 >= SLOW.0
}
