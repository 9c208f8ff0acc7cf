//! The console door: what is typed comes in, by a person or from a pipe, and goes to the run as turns. What an input does is the
//! run's; here is what a line means, and what is said about it.
pub mod book;
mod colours;
pub mod completion;
mod habits;
pub mod keyboard;
mod load;
mod orders;
pub mod terminal;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::diag::Severity;
use crate::engine::event::{ASKED_FOR, Left, LeftWhy};
use crate::engine::{Call, Engine, FailureKind, Outcome, Part, Reached, Stands, Undoable};
use crate::journal::Trouble;
use crate::report::console::Console as View;
use crate::report::diagnostics;
use crate::report::outside::{Channel, Known, Outside};
use crate::report::style::{Line, Tone};
use crate::run::console::Next;
use crate::run::{Operator, Turn};
use crate::session::advice::shows_secret;
use crate::session::console::{self, Came, Console, Scope, Wrong};
use crate::session::environment::Environment;
use crate::value::{Connection, SmolStr};
use book::Course;
use completion::Completion;
use keyboard::{Heard, Keyboard, Prompt};

/// Who works at the console.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Person,
    /// It stops at the first error.
    Script,
}

/// Whether the journal can read again after a crash what an input needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    Everything,
    /// No secret: it has no key.
    NoSecrets,
}

/// Which run it is.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: SmolStr,
    /// As it was named; None: the user's own.
    pub journal: Option<String>,
}

/// How the last call on a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Talked {
    Answered,
    /// Refused, unreachable, broken.
    Silent,
}

/// The place where somebody works.
pub struct Desk {
    pub console: Console,
    pub view: Rc<RefCell<View>>,
    pub keyboard: Box<dyn Keyboard>,
    pub who: Who,
    pub keeps: Keeps,
    /// What is hidden from everybody.
    pub known: Known,
    pub out: Out,
    pub run: Run,
    pub environment: Option<Environment>,
    /// None where nobody sees what is offered.
    pub completion: Option<Completion>,
    /// As the run last was ready.
    stands: Vec<Undoable>,
    ended: Vec<(u32, Came)>,
    again: Again,
    gone: Vec<u32>,
    connections: Vec<Arc<Connection>>,
    talked: Vec<(Arc<Connection>, Talked)>,
    /// Of the first error.
    pub code: u8,
    /// And what it was.
    error: Option<String>,
    asks: Asks,
    pub course: Course,
    pub begins: Begins,
    /// What has failed last.
    why: Option<String>,
    /// Something was done here: what failed is not what an earlier process began.
    began: bool,
    /// The end was asked for: what the runbook does at a good one runs before.
    ending: bool,
}

/// What a console begins with.
#[derive(Debug, Default)]
pub enum Begins {
    #[default]
    Empty,
    /// A runbook, which is not loaded yet.
    With(Part),
    /// A runbook, without which it ends.
    Begun,
}

/// What a person was asked: the next line is the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Asks {
    #[default]
    Nothing,
    /// What becomes of what is in place.
    End,
    /// What becomes of this part of the runbook, which comes next, or has failed.
    Next(usize),
    Again(usize),
    /// The same, of `rbk run`.
    Failed(usize),
    /// The text to run instead of this part.
    Edit(usize),
    Param(load::Missing),
}

/// What can be typed again.
#[derive(Debug, Default)]
struct Again {
    /// Entries that were undone and are not done again, the last undone last.
    undone: Vec<u32>,
    /// The one that is being typed again.
    running: Option<u32>,
}

/// Where answers of the console itself go.
pub type Out = Rc<RefCell<crate::report::screen::Screen>>;

/// How long what was said may take before it is looked at again.
const MOMENT: Duration = Duration::from_millis(1);

/// Failed, and everything undone.
const UNDONE: u8 = 1;
/// Refused: nothing was done.
const REFUSED: u8 = 2;
/// Failed, and something is left.
const LEFT: u8 = 3;

impl Desk {
    pub fn new(
        console: Console,
        view: Rc<RefCell<View>>,
        out: Out,
        keyboard: Box<dyn Keyboard>,
        who: Who,
        keeps: Keeps,
        run: Run,
    ) -> Desk {
        let known = out.borrow_mut().outside().known();
        let (stands, ended, gone) = (Vec::new(), Vec::new(), Vec::new());
        Desk {
            console,
            view,
            keyboard,
            who,
            keeps,
            run,
            environment: None,
            completion: None,
            known,
            out,
            stands,
            ended,
            again: Again::default(),
            gone,
            connections: Vec::new(),
            talked: Vec::new(),
            code: 0,
            error: None,
            asks: Asks::Nothing,
            course: Course::default(),
            begins: Begins::Empty,
            why: None,
            began: false,
            ending: false,
        }
    }

    /// What is in place, first to last.
    pub fn in_place(&self) -> &[Undoable] {
        &self.stands
    }

    fn say(&self, lines: &[Line]) {
        self.view.borrow_mut().lines(lines);
    }

    /// What is wrong with what was typed; a script ends with it.
    fn wrong(&mut self, trouble: &Trouble) {
        self.is_refused_for(&trouble.message);
        let mut err = Outside::new(Channel::Err).knowing(self.known.clone());
        err.line(&Line::new(0).put(Tone::Bad, "error: ").put(Tone::Plain, &trouble.message));
        if let Some(help) = &trouble.help {
            err.line(&Line::new(1).put(Tone::Doing, "help: ").put(Tone::Plain, help));
        }
    }

    fn is_refused_for(&mut self, why: &str) {
        self.code = REFUSED;
        self.error = Some(why.to_owned());
    }

    /// The end. A person has seen what went wrong.
    fn keep(&mut self) -> Turn {
        let failed = self.who == Who::Script && self.code != 0 || self.is_refused();
        if let (false, Some((_, reached))) = (failed, self.book())
            && reached.due
            && let Some(turn) = self.last_of_it(&reached)
        {
            self.ending = true;
            return turn;
        }
        self.ending = false;
        Turn::Keep(self.error.clone().filter(|_| failed))
    }

    /// What a text means; nothing when there is nothing to run.
    fn typed(&mut self, text: &str) -> Option<Turn> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        let habit = self.habit(trimmed);
        let statement = orders::statement(trimmed);
        let shows = shows_secret(statement) || habit.is_some() && shows_secret(&format!("$ {statement}"));
        if self.known.borrow().redact(text) == text && !shows {
            self.keyboard.remember(trimmed);
        }
        match orders::obey(self, trimmed) {
            Some(Ok(turn)) => turn,
            Some(Err(trouble)) => {
                self.wrong(&trouble);
                None
            }
            None => {
                if let Some(dir) = habits::goes_nowhere(trimmed) {
                    let text =
                        "`cd` is over with its own command: the next one starts in the console's directory again";
                    self.say(&[
                        Line::new(0).put(Tone::Warn, format!("! {text}")),
                        Line::new(1).put(Tone::Doing, format!("help: {}", habits::in_dir(dir))),
                    ]);
                }
                self.enter(text)
            }
        }
    }

    /// What the line would be at another console, where it is none of this one.
    fn habit(&self, text: &str) -> Option<Trouble> {
        habits::habit(text, &self.connections, |word| {
            let Scope { names, uses, actions, libraries: _ } = self.console.scope(&self.gone);
            let first = word.split('.').next().unwrap_or(word);
            names.iter().any(|name| name == first) || uses.iter().chain(&actions).any(|(name, _)| name == first)
        })
    }

    fn enter(&mut self, text: &str) -> Option<Turn> {
        self.enter_as(text, Part::Own)
    }

    fn enter_as(&mut self, text: &str, part: Part) -> Option<Turn> {
        let mut console = self.console.clone();
        let turn = self.checked(&mut console, text, part)?;
        self.console = console;
        self.start(turn)
    }

    /// The text as an input behind those before it; what is wrong with it is told.
    fn checked(&mut self, console: &mut Console, text: &str, part: Part) -> Option<Turn> {
        let own = matches!(part, Part::Own | Part::Instead(_));
        let entered = console.enter(text, part, self.gone.clone(), &self.known.borrow());
        let (turn, found) = match entered {
            Ok(entered) => entered,
            Err(Wrong::Found(found, sources)) => {
                if let Some(trouble) = self.habit(text).filter(|_| own) {
                    self.wrong(&trouble);
                    return None;
                }
                let first = found.iter().find(|found| found.severity == Severity::Error);
                self.is_refused_for(first.map_or("it is refused", |found| &found.message));
                self.draw(&found, &sources);
                return None;
            }
            Err(Wrong::Trouble(trouble)) => {
                self.wrong(&trouble);
                return None;
            }
        };
        if self.keeps == Keeps::NoSecrets
            && let Err(trouble) = console.keeps()
        {
            self.wrong(&trouble);
            return None;
        }
        if own && shows_secret(text) {
            self.wrong(&self.written_out());
            return None;
        }
        // Those of a runbook were told when it was loaded.
        if own {
            self.draw(&found, &console.sources);
        }
        Some(turn)
    }

    /// A password stands in what was typed: the journal keeps each entry, and it would be read by whoever reads that.
    fn written_out(&self) -> Trouble {
        let from = match self.who {
            Who::Person => "prompt(\"The password\")",
            Who::Script => "env(\"PASSWORD\")",
        };
        Trouble::new("what was typed shows a secret, and would stand in the journal in the clear: it was not run").with_help(format!(
            "read it first, `secret password = {from}`, and write `#{{password}}` in its place; of an address take the whole: `secret url = {}`",
            from.replace("The password", "The address").replace("PASSWORD", "DATABASE_URL")
        ))
    }

    fn start(&mut self, turn: Turn) -> Option<Turn> {
        self.began = true;
        self.view.borrow_mut().starts(&self.console.sources);
        Some(turn)
    }

    fn draw(&self, found: &[crate::diag::Diagnostic], sources: &crate::source::Sources) {
        let mut err = Outside::new(Channel::Err).knowing(self.known.clone());
        for diagnostic in diagnostics::sorted(found.to_vec()) {
            let text = diagnostics::human(&diagnostic, sources, err.look);
            let text = err.redacted(&text);
            err.raw(text);
        }
    }

    /// The connections that have answered last.
    fn open(&self) -> Vec<Arc<Connection>> {
        let answered = self.talked.iter().filter(|(_, how)| *how == Talked::Answered);
        answered.map(|(on, _)| on.clone()).collect()
    }

    /// What may be typed next.
    fn offer(&self) {
        let Some(completion) = &self.completion else { return };
        let Scope { names, uses, actions, libraries } = self.console.scope(&self.gone);
        completion.know(completion::Known {
            names,
            uses,
            actions,
            libraries,
            connections: self.connections.clone(),
            open: self.open(),
            secrets: self.known.borrow().clone(),
        });
    }

    /// Nothing more is typed: a person says what becomes of what is in place.
    fn over(&mut self) -> Option<Turn> {
        if self.who == Who::Script || self.stands.is_empty() || self.asks == Asks::End {
            return Some(self.keep());
        }
        self.asks = Asks::End;
        self.say(&listed(&self.stands));
        None
    }

    /// `keep`, `undo` or `leave`; anything else is no end.
    fn end(&mut self, text: &str) -> Option<Turn> {
        self.asks = Asks::Nothing;
        match text.trim() {
            "keep" | "k" => Some(self.keep()),
            "undo" | "u" => self.start(Turn::Rollback(ASKED_FOR.to_owned())),
            "leave" | "l" => Some(Turn::Leave),
            _ => None,
        }
    }

    fn prompt(&self) -> Prompt {
        let text = match &self.asks {
            Asks::End => "this is in place: keep, undo or leave it? ",
            Asks::Next(_) => book::NEXT,
            Asks::Again(_) => book::AGAIN,
            Asks::Failed(_) => book::FAILED,
            Asks::Nothing | Asks::Edit(_) => "rbk> ",
            Asks::Param(missing) => &missing.prompt,
        };
        let text = text.to_owned();
        match (&self.asks, &self.environment) {
            (Asks::Nothing | Asks::Edit(_), Some(named)) => {
                let tone = if named.is_production() { Tone::Bad } else { Tone::Dim };
                Prompt { before: format!("{} ", named.0), tone, text }
            }
            _ => Prompt { before: String::new(), tone: Tone::Plain, text },
        }
    }

    /// What a line means: an answer, or an input.
    fn heard(&mut self, text: &str) -> Option<Turn> {
        match self.asks.clone() {
            Asks::Nothing => self.typed(text),
            Asks::End => self.end(text),
            Asks::Next(at) | Asks::Again(at) | Asks::Failed(at) => self.answered(at, text),
            Asks::Edit(at) => self.edited(at, text),
            Asks::Param(missing) => {
                self.asks = Asks::Nothing;
                self.given(missing, text)
            }
        }
    }

    /// A person has taken the line away: nothing that it was to be done with is done.
    fn called_off(&mut self) -> Option<Turn> {
        match self.asks {
            Asks::Edit(at) => self.not_edited(at),
            Asks::Param(_) => {
                self.asks = Asks::Nothing;
                None
            }
            Asks::Nothing | Asks::End | Asks::Next(_) | Asks::Again(_) | Asks::Failed(_) => None,
        }
    }

    /// No line comes any more, or a person wants the end.
    fn no_more(&mut self) -> Option<Turn> {
        match self.asks {
            Asks::Failed(_) => Some(Turn::Leave),
            Asks::Nothing | Asks::End => self.over(),
            Asks::Edit(at) => self.not_edited(at),
            Asks::Param(_) => {
                self.asks = Asks::Nothing;
                None
            }
            Asks::Next(_) | Asks::Again(_) => {
                self.asks = Asks::Nothing;
                self.course.going = book::Going::No;
                self.over()
            }
        }
    }
}

impl Again {
    /// What was undone since, and whether what was typed again is done. An undo begins with the last entry.
    fn ready(&mut self, before: &[(u32, Came)], now: &[(u32, Came)], entry: Option<u32>) {
        let again = self.running.take();
        if entry.is_some_and(|entry| now.contains(&(entry, Came::Done))) {
            self.undone.retain(|number| Some(*number) != again);
        }
        let undone = now.iter().rev().filter(|one| one.1 == Came::Undone && !before.contains(one));
        self.undone.extend(undone.map(|(number, _)| *number));
    }
}

impl Operator for Desk {
    fn ready(&mut self, engine: &Engine, reached: &Reached) {
        self.keyboard.ready();
        self.stands = console::in_place(engine);
        let ended = engine.entries();
        self.again.ready(&self.ended, &ended, reached.entry);
        self.ended = ended;
        self.gone = console::gone(engine, self.console.count());
        self.connections = console::connections(engine, &self.console, &self.gone);
        self.offer();
        let mut view = self.view.borrow_mut();
        view.waits();
        view.reached(reached);
        let wall = |left: &Left| matches!(left.why, LeftWhy::Irreversible(_));
        if reached.failure.is_none() && reached.left.iter().any(wall) {
            view.lines(&[Line::new(1).put(Tone::Doing, "help: `:undo past` goes on behind it")]);
        }
        drop(view);
        if let Some(entry) = reached.entry {
            self.is_loaded(entry);
        }
        if let Some(failed) = &reached.failure {
            self.why = Some(failed.failure.message.clone());
            self.error.clone_from(&self.why);
            self.failed();
        }
        self.still_asks();
        if !self.began {
            self.goes_on_with();
        }
        if self.began {
            self.code = match (&reached.failure, reached.left.is_empty()) {
                (None, true) => self.code,
                (Some(_), true) => UNDONE,
                (_, false) => LEFT,
            };
        }
    }

    fn poll(&mut self) -> Next<'_> {
        Box::pin(async move {
            loop {
                if self.who == Who::Script && self.code != 0 {
                    return self.keep();
                }
                if let Some(turn) = self.goes_on() {
                    return turn;
                }
                // The prompt stands below what was said.
                while !self.out.borrow_mut().outside().is_empty() {
                    tokio::time::sleep(MOMENT).await;
                }
                let prompt = self.prompt();
                let turn = match self.keyboard.next(&prompt).await {
                    Heard::Text(text) => self.heard(&text),
                    Heard::CalledOff => self.called_off(),
                    Heard::End => self.no_more(),
                };
                if let Some(turn) = turn {
                    return turn;
                }
            }
        })
    }

    fn ended(&mut self, call: &Call, outcome: &Outcome) {
        let how = match &outcome.result {
            Err(failure) if failure.kind == FailureKind::Connection => Talked::Silent,
            // It may have been silent all the time.
            Err(failure) if matches!(failure.kind, FailureKind::Timeout | FailureKind::Cancelled) => return,
            Ok(_) | Err(_) => Talked::Answered,
        };
        for on in call.connections() {
            self.talked.retain(|(other, _)| other != on);
            self.talked.push((on.clone(), how));
        }
    }

    fn noted(&mut self, kept: Result<(), Trouble>) {
        if let Err(trouble) = kept {
            self.wrong(&trouble);
        }
    }

    fn interrupted(&mut self) {
        self.keyboard.interrupted();
    }
}

/// One line for each thing that is in place, first to last.
fn listed(stands: &[Undoable]) -> Vec<Line> {
    let width = stands.len().to_string().len();
    let one = |(at, unit): (usize, &Undoable)| {
        let line = Line::new(0).put(Tone::Dim, format!("{:>width$}  ", at + 1)).put(Tone::Strong, unit.step.as_str());
        let entry = console::number(&unit.path).map(|number| format!("  entry {}", number + 1)).unwrap_or_default();
        let line = line.put(Tone::Dim, entry);
        match unit.stands {
            Stands::InPlace | Stands::Undone => line,
            Stands::Final => line.put(Tone::Warn, "  cannot be undone"),
        }
    };
    stands.iter().enumerate().map(one).collect()
}
