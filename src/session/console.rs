//! A console: what was typed so far, checked input by input, and the run that it is.
use std::sync::Arc;

use super::book::Book;
use super::disk::Disk;
use super::recorded::Recorded;
use super::resume::{Left, Onward, go_on, unreadable};
use super::run::{self, Ready, Way};
use crate::check::Library;
use crate::check::console::{self, Entered, Typed};
use crate::check::program::Program;
use crate::diag::Diagnostic;
pub use crate::engine::Came;
use crate::engine::call::{Path, Segment};
use crate::engine::{Engine, Extent, Finish, Part, Stands, Undoable};
use crate::journal::{Entry, Head, Reason, Store, Text, Trouble};
use crate::run::console::Input;
use crate::run::{Answers, OnQuestion, Operator, Turn, Watcher};
use crate::source::Sources;
use crate::value::redact::Redactor;

pub use crate::check::console::is_incomplete;

/// What was typed, and what it means.
#[derive(Clone, Debug)]
pub struct Console {
    typed: Vec<Typed>,
    /// The files that were used, as they were first read.
    texts: Vec<Text>,
    /// Its runbook, and the number of the input that loads it.
    book: Option<(u32, Arc<Book>)>,
    pub sources: Sources,
    pub program: Arc<Program>,
}

/// Why an input does not start.
pub enum Wrong {
    /// About its text, and the sources that they speak of.
    Found(Vec<Diagnostic>, Sources),
    Trouble(Trouble),
}

impl Default for Console {
    fn default() -> Console {
        let Entered { sources, program, .. } = console::console(&[], &Disk);
        let program = Arc::new(program.unwrap_or_default());
        Console { typed: Vec::new(), texts: Vec::new(), book: None, sources, program }
    }
}

impl Console {
    /// As the journal has it.
    ///
    /// # Errors
    /// This rbk finds errors in it.
    pub(super) fn again(entries: &[Entry], head: &Head) -> Result<Console, Trouble> {
        let (mut typed, mut texts) = (Vec::new(), Vec::new());
        for entry in entries {
            if let Entry::Entered { text, part, gone, texts: first, .. } = entry {
                typed.push(Typed { text: text.clone(), part: part.clone(), gone: gone.clone() });
                texts.extend(first.iter().cloned());
            }
        }
        let Entered { sources, program, .. } = console::console(&typed, &Recorded { texts: &texts, reads: &[] });
        let program = Arc::new(program.ok_or_else(|| unreadable(head))?);
        let books = (0u32..).zip(&typed).filter_map(|(number, one)| Some((number, Arc::new(Book::of(&one.part)?))));
        let book = books.last();
        Ok(Console { typed, texts, book, sources, program })
    }

    /// Check one more input. `gone`: those before it whose names it does not see; `secrets`: what it may not show. Nothing
    /// changes when it is wrong.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn enter(
        &mut self,
        text: &str,
        part: Part,
        gone: Vec<u32>,
        secrets: &Redactor,
    ) -> Result<(Turn, Vec<Diagnostic>), Wrong> {
        let written = match &part {
            Part::Book { text, .. } => text,
            Part::Own | Part::Unit(_) | Part::Instead(_) | Part::Past(_) | Part::End => text,
        };
        if secrets.redact(written) != written {
            let trouble = Trouble::new("what was typed shows a secret, and would stand in the journal in the clear");
            return Err(Wrong::Trouble(trouble.with_help("write the secret's name")));
        }
        let mut typed = self.typed.clone();
        typed.push(Typed { text: text.to_owned(), part: part.clone(), gone: gone.clone() });
        let known = |file: &str| self.texts.iter().any(|text| text.name == file);
        let entered = console::console(&typed, &Kept(Recorded { texts: &self.texts, reads: &[] }));
        let Some(program) = entered.program else { return Err(Wrong::Found(entered.diagnostics, entered.sources)) };
        let number = u32::try_from(self.typed.len()).unwrap_or(u32::MAX);
        let before = self.sources.iter().count();
        // The first of them is the input itself.
        let own = match part {
            Part::Own | Part::Instead(_) | Part::Book { .. } => 1,
            Part::Unit(_) | Part::Past(_) | Part::End => 0,
        };
        let files = entered.sources.iter().skip(before + own).map(|(_, file)| run::text(file));
        let texts: Vec<Text> = files.filter(|text| !known(&text.name)).collect();
        self.texts.extend(texts.iter().cloned());
        if let Some(book) = Book::of(&part) {
            self.book = Some((number, Arc::new(book)));
        }
        self.typed = typed;
        self.sources = entered.sources;
        self.program = Arc::new(program);
        let kept = Entry::Entered { number, text: text.to_owned(), part, gone, texts, wall: super::now() };
        let input = Input { program: self.program.clone(), number, kept };
        Ok((Turn::Enter(Box::new(input)), entered.diagnostics))
    }

    /// What was typed as this input.
    #[must_use]
    pub fn text(&self, number: u32) -> Option<&str> {
        self.typed.get(number as usize).map(|typed| typed.text.as_str())
    }

    /// What was typed as this input is to the runbook.
    pub(super) fn part(&self, number: u32) -> Option<&Part> {
        self.typed.get(number as usize).map(|typed| &typed.part)
    }

    /// The runbook that was loaded last, and by which input.
    #[must_use]
    pub fn book(&self) -> Option<(u32, &Arc<Book>)> {
        self.book.as_ref().map(|(number, book)| (*number, book))
    }

    /// How many inputs there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.typed.len()
    }

    /// What must still be done after a crash needs no secret that is gone then.
    ///
    /// # Errors
    /// It needs one, and which.
    pub fn keeps(&self) -> Result<(), Trouble> {
        run::lost(&self.program, &self.sources)
    }
}

/// Those before the next input whose names it does not see.
#[must_use]
pub fn gone(engine: &Engine, count: usize) -> Vec<u32> {
    let ended = engine.entries();
    let stands = |number: &u32| ended.iter().any(|(of, came)| of == number && *came == Came::Done);
    (0..u32::try_from(count).unwrap_or(u32::MAX)).filter(|number| !stands(number)).collect()
}

/// A file that was used once goes on to say the same.
struct Kept<'a>(Recorded<'a>);

impl Library for Kept<'_> {
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String> {
        self.0.read(from, path).or_else(|_| Disk.read(from, path))
    }

    fn standard(&self, path: &str) -> Option<(String, String)> {
        self.0.standard(path).or_else(|| Disk.standard(path))
    }
}

/// A new console.
#[must_use]
pub fn ready(console: &Console) -> Ready {
    Ready::new(console.program.clone(), console.sources.clone(), Vec::new())
}

/// Work at a new console to its end. `begins`: the runbook that it begins with. None when it waits for nothing and has not ended: a bug.
///
/// # Errors
/// When it could not be started.
pub fn start(
    ready: Ready,
    begins: Option<&Part>,
    store: Option<Box<dyn Store>>,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
    operator: &mut dyn Operator,
) -> Result<Option<Finish>, Trouble> {
    let title = begins.and_then(Book::of).map(|book| book.title.to_string());
    run::begin(ready, Way { store, title, ..Way::default() }, watcher, answers, Some(operator))
}

/// Go on at one that was left.
///
/// # Errors
/// When it could not go on.
pub fn resume(
    left: Left,
    reasons: Vec<Reason>,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
    operator: &mut dyn Operator,
) -> Result<Option<Finish>, Trouble> {
    go_on(left, Onward::Console(operator), reasons, OnQuestion::Refuse, watcher, answers)
}

/// What is in place, first to last, as an undo knows it.
#[must_use]
pub fn in_place(engine: &Engine) -> Vec<Undoable> {
    let all = engine.undoable(&Extent::All);
    all.into_iter().rev().filter(|unit| unit.stands != Stands::Undone).collect()
}

/// The number of the input that a place stands in.
#[must_use]
pub fn number(path: &Path) -> Option<u32> {
    match path.0.first() {
        Some(Segment::At(number)) => Some(*number),
        _ => None,
    }
}
