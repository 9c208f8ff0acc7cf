//! A run at a terminal: the lines of `plain` scroll, and under them stands what is happening right now.
use std::cell::RefCell;
use std::rc::Rc;

use crate::effects::Chunk;
use crate::engine::Finish;
use crate::engine::event::Progress;
use crate::report::opening::Opening;
use crate::report::screen::Screen;
use crate::report::story::{Open, Say, Story, Waiting};
use crate::report::style::{Line, Tone};
use crate::report::summary::summary;
use crate::report::time;
use crate::run::{Shown, Watcher};
use crate::source::Sources;
use crate::value::{Nanos, Value};

/// Steps shown at once; more are counted.
const STEPS: usize = 6;

/// What is over sooner is not shown outside of steps.
pub(super) const BLINK: Nanos = Nanos(500_000_000);

pub struct Live {
    screen: Rc<RefCell<Screen>>,
    story: Story,
    opening: Opening,
}

impl Live {
    #[must_use]
    pub fn new(screen: Rc<RefCell<Screen>>, say: Say, opening: Opening, sources: Sources) -> Live {
        let story = Story::new(say, sources).knowing(screen.borrow_mut().outside().known());
        Live { screen, story, opening }
    }

    fn show(&mut self, at: Nanos, lines: &[Line]) {
        let mut screen = self.screen.borrow_mut();
        screen.permanent(lines);
        if self.story.asks_a_secret() {
            screen.region(&[]);
            return screen.outside().settle();
        }
        screen.region(&region(at, &self.story, &self.opening));
    }
}

impl Watcher for Live {
    fn tell(&mut self, at: Nanos, progress: &Progress) {
        let mut lines = match progress {
            Progress::RunStarted { title } => self.opening.lines(title),
            _ => Vec::new(),
        };
        // The prompt of a question says it all; see `Screen::ask`.
        if !matches!(progress, Progress::Asked { .. }) {
            lines.extend(self.story.tell(at, progress));
        }
        self.show(at, &lines);
    }

    fn output(&mut self, at: Nanos, chunk: &Chunk) {
        let lines = self.story.output(chunk);
        self.show(at, &lines);
    }

    fn tick(&mut self, at: Nanos) {
        self.show(at, &[]);
    }

    fn finished(&mut self, at: Nanos, finish: &Finish) {
        let mut screen = self.screen.borrow_mut();
        screen.close();
        screen.region(&[]);
        screen.permanent(&summary(at, finish, &self.story.sources));
    }

    fn show(&mut self, shown: Shown) {
        self.screen.borrow_mut().outside().muted = shown == Shown::Remembered;
    }

    fn secret(&mut self, value: &Value) {
        self.screen.borrow_mut().outside().hide(value);
    }
}

fn region(at: Nanos, story: &Story, opening: &Opening) -> Vec<Line> {
    let clock = Line::new(0).put(Tone::Dim, clock(at, story, opening));
    std::iter::once(clock).chain(steps(at, story)).collect()
}

/// What is under way.
pub(super) fn steps(at: Nanos, story: &Story) -> Vec<Line> {
    let mut lines = Vec::new();
    let steps = story.innermost();
    for open in steps.iter().take(STEPS) {
        lines.extend(step(at, open, steps.len() == 1));
    }
    for (text, since) in story.homeless().filter(|(_, since)| at.0 - since.0 >= BLINK.0).take(STEPS) {
        let took = time::length(Nanos(at.0 - since.0));
        lines.push(Line::new(1).put(Tone::Dim, format!("{}  {took}", text.replace('\n', " "))));
    }
    if steps.len() > STEPS {
        lines.push(Line::new(1).put(Tone::Dim, format!("and {} more", steps.len() - STEPS)));
    }
    lines
}

/// How long it has run, and what is left of its budget.
fn clock(at: Nanos, story: &Story, opening: &Opening) -> String {
    let (word, since, budget) = match story.unwinding() {
        Some((since, budget)) => ("going back", since, budget),
        None => ("running", Nanos(0), opening.deadline),
    };
    let spent = Nanos(at.0 - since.0);
    format!("── {word} {}{}", time::length(spent), remaining(spent, budget))
}

fn remaining(spent: Nanos, limit: Option<Nanos>) -> String {
    limit.map(|limit| format!(", {} left", time::length(Nanos(limit.0 - spent.0)))).unwrap_or_default()
}

fn step(at: Nanos, open: &Open, alone: bool) -> Vec<Line> {
    let spent = Nanos(at.0 - open.since.0);
    let (mark, tone) = if open.undo { ("↩ ", Tone::Warn) } else { ("▸ ", Tone::Doing) };
    let mut head = Line::new(0).put(tone, mark).put(Tone::Strong, open.name.as_str());
    head = head.put(Tone::Dim, format!("  {}{}", time::length(spent), remaining(spent, open.limit)));
    if open.attempt > 1 {
        head = head.put(Tone::Warn, format!("  attempt {}", open.attempt));
    }
    let doing = match (&open.doing, &open.waiting) {
        (Some(doing), None) => Some(doing.clone()),
        (_, Some(Waiting { what, since, limit, .. })) => {
            let spent = Nanos(at.0 - since.0);
            Some(format!("… {what}  {}{}", time::length(spent), remaining(spent, Some(*limit))))
        }
        (None, None) => None,
    };
    let doing = doing.map(|text| Line::new(1).put(Tone::Dim, text.replace('\n', " ")));
    // The lines above are the output; with several at once each shows its own last one.
    let last = open.last.as_ref().filter(|_| !alone).map(|text| Line::new(2).put(Tone::Dim, text).streamed());
    std::iter::once(head).chain(doing).chain(last).collect()
}
