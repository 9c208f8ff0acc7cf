//! A runbook at the console: how it goes on by itself, what comes next, and what a person wants with it.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Asks, Begins, Desk, Who};
use crate::engine::Part;
use crate::journal::Trouble;
use crate::report::style::{Line, Tone};
use crate::run::Turn;
use crate::session::book::{Book, Kind, Piece, Reached, State};
use crate::session::console::{self, Came};

/// How the runbook goes on by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Going {
    #[default]
    No,
    /// To its end.
    Rest,
    /// A person is asked at each part.
    Step,
}

/// What a person, or `rbk run`, wants with the runbook.
#[derive(Default)]
pub struct Course {
    pub going: Going,
    pub breaks: BTreeSet<usize>,
    /// The breakpoint that it stands at: it does not hold it again.
    pub at: Option<usize>,
    /// Its end is the end of the console: `rbk run --on-failure ask`.
    pub alone: bool,
    /// What becomes of a failure is asked: the same, also once it has become a console.
    pub asks: bool,
}

impl Course {
    /// Of `rbk run --on-failure ask`.
    #[must_use]
    pub fn alone() -> Course {
        Course { going: Going::Rest, alone: true, asks: true, ..Course::default() }
    }
}

/// The answers to what comes next.
pub const NEXT: &str = "run, skip, edit, undo, console or abort? ";
pub const AGAIN: &str = "retry, skip, edit, undo, console or abort? ";
pub const FAILED: &str = "retry, skip, edit, console, undo or stop? ";

impl Desk {
    /// It is loaded, and how far it is.
    pub(super) fn book(&self) -> Option<(Arc<Book>, Reached)> {
        let (number, book) = self.console.book()?;
        self.ended.contains(&(number, Came::Done)).then_some(())?;
        let book = book.clone();
        let reached = book.reached(&self.console, &self.ended, &self.stands);
        Some((book, reached))
    }

    pub(super) fn loaded(&self) -> Result<(Arc<Book>, Reached), Trouble> {
        self.book().ok_or_else(|| Trouble::new("no runbook is loaded").with_help("`:load FILE` loads one"))
    }

    pub(super) fn dim(&self, text: String) {
        self.say(&[Line::new(0).put(Tone::Dim, text)]);
    }

    pub(super) fn nothing_left(&mut self) -> Option<Turn> {
        self.course.going = Going::No;
        self.dim("nothing is left of the runbook: `:goto STEP` goes back".to_owned());
        None
    }

    pub(super) fn stands_in_place(&self, reached: &Reached, at: usize) -> bool {
        let Some(State::Done(number)) = reached.states.get(at) else { return false };
        self.stands.iter().any(|unit| console::number(&unit.path) == Some(*number))
    }

    /// This piece runs now.
    pub(super) fn piece(&mut self, at: usize) -> Option<Turn> {
        let (book, _) = self.book()?;
        let text = book.pieces.get(at).map(|piece| piece.text.clone())?;
        self.enter_as(&text, Part::Unit(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// The next one is this; what that leaves out is told.
    pub(super) fn past(&mut self, at: usize) -> Option<Turn> {
        let (book, reached) = self.book()?;
        let open = |state: &State| matches!(state, State::NotYet | State::Failed);
        let left_out = reached.states.iter().zip(&book.pieces).take(at).filter(|(state, _)| open(state));
        let names: Vec<String> = left_out.map(|(_, piece)| format!("`{}`", piece.name)).collect();
        if !names.is_empty() {
            self.dim(format!("skipped: {}", names.join(", ")));
        }
        let text = book.pieces.get(at).map_or_else(|| ":skip".to_owned(), |piece| format!(":goto {}", piece.name));
        self.enter_as(&text, Part::Past(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// It could not begin with its runbook.
    pub fn is_refused(&self) -> bool {
        matches!(self.begins, Begins::Begun) && self.book().is_none()
    }

    /// What the runbook does by itself now; nothing while a person is to say what.
    pub(super) fn goes_on(&mut self) -> Option<Turn> {
        match std::mem::take(&mut self.begins) {
            Begins::Empty => {}
            Begins::Begun => self.begins = Begins::Begun,
            Begins::With(part) => {
                self.begins = Begins::Begun;
                if let Some(turn) = self.begin(part) {
                    return Some(turn);
                }
            }
        }
        if self.is_refused() || self.ending {
            return Some(self.keep());
        }
        if self.course.going == Going::No || self.asks != Asks::Nothing {
            return None;
        }
        let (book, reached) = self.book()?;
        let Some(at) = reached.next() else {
            if let Some(turn) = self.last_of_it(&reached) {
                return Some(turn);
            }
            return self.came_to_its_end(&book, &reached);
        };
        match self.course.going {
            Going::No => None,
            Going::Rest if self.course.breaks.contains(&at) && self.course.at != Some(at) => {
                self.course.going = Going::No;
                let name = book.pieces.get(at).map(|piece| piece.name.clone()).unwrap_or_default();
                self.dim(format!("breakpoint: `{name}` is next; `:run` and `:step` go on"));
                None
            }
            Going::Rest => {
                self.course.at = None;
                let turn = self.piece(at);
                if turn.is_none() {
                    self.stays(at);
                }
                turn
            }
            Going::Step => self.step(at, &book, &reached),
        }
    }

    /// What it does when all its parts are over.
    pub(super) fn last_of_it(&mut self, reached: &Reached) -> Option<Turn> {
        if reached.open {
            return self.enter_as("finally", Part::End);
        }
        reached.due.then(|| self.enter_as("on success", Part::Success))?
    }

    /// One part of it: shown, and a person asked. A script is not asked.
    fn step(&mut self, at: usize, book: &Book, reached: &Reached) -> Option<Turn> {
        if self.who == Who::Script {
            self.course.going = Going::No;
            return self.piece(at);
        }
        let piece = book.pieces.get(at)?;
        self.say(&piece.text.lines().map(|line| Line::new(1).put(Tone::Plain, line)).collect::<Vec<_>>());
        let failed = reached.states.get(at) == Some(&State::Failed);
        self.asks = if failed { Asks::Again(at) } else { Asks::Next(at) };
        None
    }

    /// It does not go on by itself at this piece.
    fn stays(&mut self, at: usize) {
        self.course.going = Going::No;
        if self.course.asks {
            self.asks = Asks::Failed(at);
        }
    }

    /// Something was typed at a failure, and has run: the question is about what is next by now.
    pub(super) fn still_asks(&mut self) {
        if let (Asks::Failed(_), Some((_, reached))) = (&self.asks, self.book()) {
            self.asks = reached.next().map_or(Asks::Nothing, Asks::Failed);
        }
    }

    fn came_to_its_end(&mut self, book: &Book, reached: &Reached) -> Option<Turn> {
        self.course.going = Going::No;
        let skipped = reached.states.iter().filter(|state| **state == State::Skipped).count();
        let but = if skipped == 0 { String::new() } else { format!("; {skipped} of its parts skipped") };
        self.dim(format!("`{}` is at its end{but}", book.title));
        self.course.alone.then(|| self.keep())
    }

    /// A part of it has failed: what comes now is a person's to say.
    pub(super) fn failed(&mut self) {
        if self.course.going != Going::Rest {
            return;
        }
        let Some((book, reached)) = self.book() else {
            self.course.going = Going::No;
            return;
        };
        let Some(at) = reached.next() else { return };
        self.stays(at);
        if !self.course.asks && self.who == Who::Person {
            let name = book.pieces.get(at).map(|piece| piece.name.clone()).unwrap_or_default();
            let help =
                format!("`:run` tries `{name}` again, `:step` asks what to do with it, `:goto` goes on elsewhere");
            self.say(&[Line::new(1).put(Tone::Doing, format!("help: {help}"))]);
        }
    }

    /// An answer to what becomes of this piece. None of the words: it is typed as at any prompt.
    pub(super) fn answered(&mut self, at: usize, text: &str) -> Option<Turn> {
        let asked = std::mem::take(&mut self.asks);
        let alone = matches!(asked, Asks::Failed(_));
        if alone {
            self.course.going = Going::Rest;
        }
        let going = self.course.going;
        match text.trim() {
            "run" | "retry" | "r" => self.piece(at),
            "skip" | "s" => self.past(at + 1),
            "edit" | "e" => {
                let (book, _) = self.book()?;
                let text = book.pieces.get(at).map(|piece| piece.text.clone())?;
                self.keyboard.offer(&text);
                self.asks = Asks::Edit(at);
                None
            }
            "console" | "c" => {
                self.course.going = Going::No;
                self.course.alone = false;
                self.dim("`:step` asks again, `:run` goes on".to_owned());
                None
            }
            "undo" | "u" if alone => {
                let why = self.why.take().unwrap_or_default();
                self.start(Turn::Rollback(why))
            }
            "stop" if alone => Some(Turn::Leave),
            "undo" | "u" => self.typed(":undo"),
            "abort" | "a" => {
                self.course.going = Going::No;
                self.over()
            }
            "" => {
                self.asks = asked;
                None
            }
            _ => {
                self.course.going = Going::No;
                let turn = self.typed(text);
                if self.course.going != Going::No {
                    // `:run`, `:step`: that is an answer.
                    return turn;
                }
                self.course.going = going;
                // It is asked again, now or once that has run.
                if self.asks == Asks::Nothing && (alone || turn.is_none()) {
                    self.asks = asked;
                }
                turn
            }
        }
    }

    /// Its text stays: what becomes of it is asked again.
    pub(super) fn not_edited(&mut self, at: usize) -> Option<Turn> {
        self.asks = match self.course.going {
            Going::Rest => Asks::Failed(at),
            Going::No | Going::Step => Asks::Nothing,
        };
        None
    }

    /// What a person made of this piece.
    pub(super) fn edited(&mut self, at: usize, text: &str) -> Option<Turn> {
        if text.trim().is_empty() {
            return self.not_edited(at);
        }
        self.asks = Asks::Nothing;
        let turn = self.enter_as(text, Part::Instead(u32::try_from(at).unwrap_or(u32::MAX)));
        if turn.is_none() {
            self.keyboard.offer(text);
            self.asks = Asks::Edit(at);
        }
        turn
    }

    /// The console was left and goes on: where its runbook is.
    pub(super) fn goes_on_with(&self) {
        let Some((book, reached)) = self.book() else { return };
        let next = reached.next().and_then(|at| book.pieces.get(at));
        let next = match next {
            Some(piece) => format!("`{}` is next", piece.name),
            None if reached.open => "its `finally` is left: `:run` runs it".to_owned(),
            None if reached.due => "its `on success` is left: `:run` runs it".to_owned(),
            None => "nothing is left of it".to_owned(),
        };
        let line = Line::new(0).put(Tone::Strong, book.title.as_str());
        self.say(&[line.put(Tone::Dim, format!("  {next}; `:steps` lists its steps"))]);
    }

    /// The parts of the runbook, how each stands.
    pub(super) fn course_lines(&self) -> Vec<Line> {
        let Some((book, reached)) = self.book() else { return Vec::new() };
        let next = reached.next();
        let title = Line::new(0).put(Tone::Strong, book.title.as_str()).put(Tone::Dim, format!("  {}", book.name));
        let one = |(at, (piece, state)): (usize, (&Piece, &State))| {
            let (mark, tone, word) = match state {
                State::Done(_) if piece.kind == Kind::Finally && reached.open => ("·", Tone::Dim, "at the end"),
                State::Done(_) => ("✓", Tone::Good, "done"),
                State::Skipped => ("-", Tone::Dim, "skipped"),
                State::Failed => ("✗", Tone::Bad, "failed"),
                State::NotYet if next == Some(at) => ("▸", Tone::Doing, "next"),
                State::NotYet => ("·", Tone::Dim, "not yet"),
            };
            let line = Line::new(0).put(tone, format!("{mark} ")).put(Tone::Plain, piece.name.as_str());
            let line = line.put(Tone::Dim, format!("  {word}"));
            if self.course.breaks.contains(&at) { line.put(Tone::Warn, "  breakpoint") } else { line }
        };
        let (mark, tone, word) =
            if !reached.succeeded { ("·", Tone::Dim, "once all of it is done") } else { ("✓", Tone::Good, "done") };
        let on_success = Line::new(0).put(tone, format!("{mark} ")).put(Tone::Plain, "on success");
        let on_success = book.on_success.then(|| on_success.put(Tone::Dim, format!("  {word}")));
        let pieces = book.pieces.iter().zip(&reached.states).enumerate().map(one);
        std::iter::once(title).chain(pieces).chain(on_success).collect()
    }
}
