//! A console: what it runs is told as any run is, values as a person reads them; while it waits nothing moves.
use std::cell::RefCell;
use std::rc::Rc;

use crate::effects::{Chunk, Stream};
use crate::engine::Finish;
use crate::engine::event::{Progress, Reached};
use crate::report::live;
use crate::report::screen::Screen;
use crate::report::story::{Say, Story};
use crate::report::style::{Line, Tone};
use crate::report::summary;
use crate::report::time;
use crate::report::value;
use crate::run::{Shown, Watcher};
use crate::source::Sources;
use crate::value::{Nanos, Value};

pub struct Console {
    screen: Rc<RefCell<Screen>>,
    story: Story,
    busy: Busy,
}

/// Whether something runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    No,
    /// Nothing was told of it yet.
    Starts,
    Since(Nanos),
}

impl Console {
    #[must_use]
    pub fn new(screen: Rc<RefCell<Screen>>, say: Say) -> Console {
        let story = Story::new(say, Sources::default()).knowing(screen.borrow_mut().outside().known());
        Console { screen, story, busy: Busy::No }
    }

    /// Something starts. `sources`: with what was typed.
    pub fn starts(&mut self, sources: &Sources) {
        self.story.sources = sources.clone();
        self.busy = Busy::Starts;
    }

    /// Nothing runs any more.
    pub fn waits(&mut self) {
        self.busy = Busy::No;
        self.screen.borrow_mut().region(&[]);
    }

    pub fn lines(&mut self, lines: &[Line]) {
        self.screen.borrow_mut().permanent(lines);
    }

    /// What has failed, and what of it is still in place.
    pub fn reached(&mut self, reached: &Reached) {
        let mut lines = Vec::new();
        if let Some(failed) = &reached.failure {
            lines.extend(summary::failed(failed, &self.story.sources));
            if reached.left.is_empty() && !reached.undone.is_empty() {
                lines.push(Line::new(1).put(Tone::Good, "everything it did is undone"));
            }
        }
        if !reached.left.is_empty() {
            lines.push(Line::new(1).put(Tone::Bad, "left in place:"));
            lines.extend(summary::left(&reached.left, &self.story.sources));
        }
        self.lines(&lines);
    }

    fn show(&mut self, at: Nanos, lines: &[Line]) {
        if self.busy == Busy::Starts {
            self.busy = Busy::Since(at);
        }
        let mut screen = self.screen.borrow_mut();
        screen.permanent(lines);
        if self.story.asks_a_secret() {
            screen.region(&[]);
            return screen.outside().settle();
        }
        if let (Busy::Since(since), true) = (self.busy, screen.outside().look.moves) {
            // What is over at once does not flicker.
            let spent = Nanos(at.0 - since.0);
            if spent.0 >= live::BLINK.0 {
                let clock = format!("── running {}, Ctrl-C cancels it", time::length(spent));
                let mut region = vec![Line::new(0).put(Tone::Dim, clock)];
                region.extend(live::steps(at, &self.story));
                screen.region(&region);
            }
        }
    }
}

/// How far a note of several lines may stand in, at most.
const INDENT: usize = 8;

/// A handle on it, for the run that is watched.
pub struct Watching(pub Rc<RefCell<Console>>);

impl Watcher for Watching {
    fn tell(&mut self, at: Nanos, progress: &Progress) {
        let console = &mut *self.0.borrow_mut();
        let lines = match progress {
            Progress::RunStarted { .. } => Vec::new(),
            // The prompt of a question says it all.
            Progress::Asked { .. } if console.screen.borrow_mut().outside().look.terminal => Vec::new(),
            Progress::Shown { value, .. } => {
                let width = console.screen.borrow().width();
                value::lines(value, width)
            }
            Progress::Note { path, key, value } if value::is_long(value, console.screen.borrow().width()) => {
                let width = console.screen.borrow().width().saturating_sub(INDENT);
                console.story.noted(path, key, value::lines(value, width))
            }
            progress => console.story.tell(at, progress),
        };
        console.show(at, &lines);
    }

    fn output(&mut self, at: Nanos, chunk: &Chunk) {
        let console = &mut *self.0.borrow_mut();
        let lines = console.story.output(chunk);
        let moves = console.screen.borrow_mut().outside().look.moves;
        match chunk.stream {
            Stream::Out | Stream::Err if !moves => {
                let mut screen = console.screen.borrow_mut();
                lines.iter().for_each(|line| screen.outside().stream(line));
            }
            Stream::Out | Stream::Err | Stream::Kept => console.show(at, &lines),
        }
    }

    fn tick(&mut self, at: Nanos) {
        let console = &mut *self.0.borrow_mut();
        if console.busy != Busy::No {
            console.show(at, &[]);
        }
    }

    fn finished(&mut self, _at: Nanos, _finish: &Finish) {
        let console = &mut *self.0.borrow_mut();
        console.screen.borrow_mut().close();
        console.waits();
    }

    fn show(&mut self, shown: Shown) {
        self.0.borrow_mut().screen.borrow_mut().outside().muted = shown == Shown::Remembered;
    }

    fn secret(&mut self, value: &Value) {
        self.0.borrow_mut().screen.borrow_mut().outside().hide(value);
    }
}
