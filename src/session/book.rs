//! The runbook of a console: the statements of its way forward, and how far it is.
use super::console::Console;
use crate::check::Program;
use crate::check::loaded::units;
use crate::check::program::NameId;
use crate::engine::{Came, Part, Undoable};
use crate::source::Sources;
use crate::syntax;
use crate::syntax::ast::{ItemKind, StmtKind};
use crate::value::{SmolStr, Value};

/// As it was loaded.
#[derive(Clone, Debug)]
pub struct Book {
    /// The file's name.
    pub name: String,
    pub title: SmolStr,
    pub pieces: Vec<Piece>,
    pub on_success: bool,
}

/// One statement of its way forward.
#[derive(Clone, Debug)]
pub struct Piece {
    /// A step's name as written; of another statement its first line.
    pub name: SmolStr,
    /// As it is written, its first line not further in than the others.
    pub text: String,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Step,
    Finally,
    Other,
}

/// How a piece stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    NotYet,
    Failed,
    /// By the input of this number.
    Done(u32),
    Skipped,
}

/// How far a runbook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub states: Vec<State>,
    /// Its `finally`s are still to run.
    pub open: bool,
    /// All of it is done, nothing was left out, and its `on success` has not run.
    pub due: bool,
    /// That has run.
    pub succeeded: bool,
}

impl Reached {
    /// Nothing is left of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.next().is_none() && !self.open && !self.due
    }

    /// The first piece that is to be done.
    #[must_use]
    pub fn next(&self) -> Option<usize> {
        self.states.iter().position(|state| matches!(state, State::NotYet | State::Failed))
    }
}

/// A runbook that was found good, with the values of its parameters.
///
/// None: there is no text.
#[must_use]
pub fn part(program: &Program, sources: &Sources, params: &[(NameId, Value)]) -> Option<Part> {
    let (_, file) = sources.iter().next()?;
    let name = |id: NameId| program.names.get(id.0 as usize).map(|name| name.text.clone()).unwrap_or_default();
    let params = params.iter().map(|(id, value)| (name(*id), value.clone())).collect();
    Some(Part::Book { name: file.name.clone(), text: file.text.to_string(), params })
}

impl Book {
    /// None: this part is no runbook.
    #[must_use]
    pub fn of(part: &Part) -> Option<Book> {
        let Part::Book { name, text, .. } = part else { return None };
        let parsed = syntax::parse(crate::source::FileId(0), text);
        let written = parsed.ast.items.iter().find_map(|item| match &item.kind {
            ItemKind::Runbook(written) => Some(written),
            _ => None,
        })?;
        let between = |span: crate::source::Span| text.get(span.start as usize..span.end as usize).unwrap_or_default();
        let inside = |quoted: &str| SmolStr::new(quoted.trim_matches('"'));
        let pieces = units(written).into_iter().map(|stmt| {
            let text = between(stmt.span);
            let (name, kind) = match &stmt.kind {
                StmtKind::Step(step) => (inside(between(step.name.span)), Kind::Step),
                StmtKind::Finally(_) => (SmolStr::new_static("finally"), Kind::Finally),
                _ => (SmolStr::new(text.lines().next().unwrap_or_default().trim_end_matches(['{', ' '])), Kind::Other),
            };
            Piece { name, text: further_out(text), kind }
        });
        Some(Book {
            name: name.clone(),
            title: inside(between(written.title.span)),
            pieces: pieces.collect(),
            on_success: written.body.stmts.iter().any(|stmt| matches!(stmt.kind, StmtKind::OnSuccess(_))),
        })
    }

    /// How far it is. `ended`: what became of the inputs, in their order; `stands`: what is in place.
    #[must_use]
    pub fn reached(&self, console: &Console, ended: &[(u32, Came)], stands: &[Undoable]) -> Reached {
        let first = console.book().map_or(0, |(number, _)| number);
        let ended: Vec<(u32, &Part, Came)> = ended
            .iter()
            .filter(|(number, _)| *number > first)
            .filter_map(|(number, came)| Some((*number, console.part(*number)?, *came)))
            .collect();
        let stand = |number: u32| stands.iter().any(|unit| super::console::number(&unit.path) == Some(number));
        // What it registered it has registered, whatever was undone since.
        let is_finally = |at: usize| self.pieces.get(at).is_some_and(|piece| piece.kind == Kind::Finally);
        let mut states = vec![State::NotYet; self.pieces.len()];
        let (mut over, mut succeeded) = (None, false);
        for (number, part, came) in &ended {
            match part {
                Part::Unit(piece) | Part::Instead(piece) => {
                    let Some(state) = states.get_mut(*piece as usize) else { continue };
                    *state = match came {
                        Came::Done if stand(*number) || is_finally(*piece as usize) || !is_stale(*number, &ended) => {
                            State::Done(*number)
                        }
                        Came::Done | Came::Undone => State::NotYet,
                        Came::Failed => State::Failed,
                    };
                }
                Part::Past(next) => {
                    for (at, state) in states.iter_mut().enumerate() {
                        match state {
                            State::NotYet | State::Failed if at < *next as usize => *state = State::Skipped,
                            State::Skipped if at >= *next as usize => *state = State::NotYet,
                            State::Done(number) if at >= *next as usize && !stand(*number) && !is_finally(at) => {
                                *state = State::NotYet;
                            }
                            State::NotYet | State::Failed | State::Skipped | State::Done(_) => {}
                        }
                    }
                }
                Part::End if *came == Came::Done => over = Some(*number),
                // Once, whatever became of it.
                Part::Success => succeeded = true,
                Part::End | Part::Own | Part::Book { .. } => {}
            }
        }
        let last = |piece: &(usize, &State)| matches!(piece.1, State::Done(number) if over < Some(*number));
        let open = states.iter().enumerate().filter(last).any(|(at, _)| is_finally(at));
        let mut reached = Reached { states, open, due: false, succeeded };
        if reached.next().is_some() && !open {
            // It goes on after its end: so do its `finally`s.
            for (at, state) in reached.states.iter_mut().enumerate() {
                if is_finally(at) && matches!(state, State::Done(_)) {
                    *state = State::NotYet;
                }
            }
        }
        let all = reached.states.iter().all(|state| matches!(state, State::Done(_)));
        reached.due = self.on_success && all && !succeeded;
        reached
    }
}

/// What it saw is not so any more: something before it was undone, and neither done again nor passed before this one ran.
fn is_stale(number: u32, ended: &[(u32, &Part, Came)]) -> bool {
    let before: Vec<_> = ended.iter().filter(|(other, ..)| *other < number).collect();
    before.iter().any(|(undone, part, came)| {
        let (Part::Unit(piece) | Part::Instead(piece), Came::Undone) = (part, came) else { return false };
        let settled = |other: &u32, part: &Part| match part {
            Part::Unit(again) | Part::Instead(again) => other > undone && again == piece,
            Part::Past(next) => other > undone && next > piece,
            Part::Own | Part::Book { .. } | Part::End | Part::Success => false,
        };
        !before.iter().any(|(other, part, _)| settled(other, part))
    })
}

/// A statement stands further in than its first line shows: the others are taken out as far as the least of them is in.
fn further_out(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let blank = |line: &str| line.len() - line.trim_start().len();
    let least = lines.clone().filter(|line| !line.trim().is_empty()).map(blank).min().unwrap_or(0);
    let rest = lines.map(|line| format!("\n{}", line.get(least..).unwrap_or_default()));
    std::iter::once(first.to_owned()).chain(rest).collect()
}
