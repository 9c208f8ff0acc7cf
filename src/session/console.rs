//! A console: what was typed so far, checked input by input, and the run that it is.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::book::Book;
use super::disk::Disk;
use super::docs::{self, Module};
use super::recorded::Recorded;
use super::resume::{Left, Onward, go_on, unreadable};
use super::run::{self, Ready, Way};
use crate::check::Library;
use crate::check::console::{Checked, Typed, declares};
use crate::check::program::{Global, NameId, NameKind, Program};
use crate::diag::Diagnostic;
pub use crate::engine::Came;
use crate::engine::call::{Path, Segment};
use crate::engine::{Engine, Extent, Finish, Part, Stands, Undoable};
use crate::journal::{Entry, Head, Reason, Store, Text, Trouble};
use crate::print::pieces;
use crate::run::console::Input;
use crate::run::{Answers, OnQuestion, Operator, Turn, Watcher};
use crate::source::{FileId, Sources};
use crate::syntax;
use crate::syntax::ast::{self, Ast, ItemKind, Use};
use crate::value::Connection;
use crate::value::redact::Redactor;

pub use crate::check::console::is_incomplete;
pub use crate::print::pieces::{Kind, Piece};

/// What was typed, and what it means.
#[derive(Clone, Debug)]
pub struct Console {
    typed: Vec<Arc<Typed>>,
    /// The files that were used, as they were first read.
    texts: Vec<Text>,
    /// Its runbook, and the number of the input that loads it.
    book: Option<(u32, Arc<Book>)>,
    checked: Checked,
    /// Of what was found good.
    pub sources: Arc<Sources>,
    pub program: Arc<Program>,
}

/// What an input can name.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub names: Vec<String>,
    /// The name of each `use`, and what it names: `std/redis`, `lib.rbk`.
    pub uses: Vec<(String, String)>,
    /// Name and signature.
    pub actions: Vec<(String, String)>,
    /// Files that were used.
    pub libraries: Vec<Module>,
}

fn uses(ast: &Ast) -> Vec<(String, String)> {
    let used = ast.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Use(used) => Some(used),
        _ => None,
    });
    let named = |used: &Use| {
        let path: String = used
            .path
            .parts
            .iter()
            .map(|part| match part {
                ast::Part::Text { text, .. } => text.as_str(),
                ast::Part::Hole { .. } => "",
            })
            .collect();
        let last = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rbk").to_owned();
        let alias = used.alias.as_ref().map_or(last, |alias| alias.text.to_string());
        (alias, path.trim_start_matches("./").to_owned())
    };
    used.map(named).collect()
}

/// Why an input does not start.
pub enum Wrong {
    /// About its text, and the sources that they speak of.
    Found(Vec<Diagnostic>, Arc<Sources>),
    Trouble(Trouble),
}

impl Default for Console {
    fn default() -> Console {
        Console::of(Vec::new(), Vec::new(), None, Checked::new(&Disk))
    }
}

impl Console {
    fn of(typed: Vec<Arc<Typed>>, texts: Vec<Text>, book: Option<(u32, Arc<Book>)>, checked: Checked) -> Console {
        let (sources, program) = (checked.sources.clone(), checked.program().clone());
        Console { typed, texts, book, checked, sources, program }
    }

    /// As the journal has it.
    ///
    /// # Errors
    /// This rbk finds errors in it.
    pub(super) fn again(entries: &[Entry], head: &Head) -> Result<Console, Trouble> {
        let (mut typed, mut texts) = (Vec::new(), Vec::new());
        for entry in entries {
            if let Entry::Entered { text, part, gone, texts: first, .. } = entry {
                typed.push(Arc::new(Typed { text: text.clone(), part: part.clone(), gone: gone.clone() }));
                texts.extend(first.iter().cloned());
            }
        }
        let library = Recorded { texts: &texts, reads: &[] };
        let mut checked = Checked::new(&library);
        for typed in &typed {
            checked = checked.enter(typed, &library).checked.ok_or_else(|| unreadable(head))?;
        }
        let books = (0u32..).zip(&typed).filter_map(|(number, one)| Some((number, Arc::new(Book::of(&one.part)?))));
        let book = books.last();
        Ok(Console::of(typed, texts, book, checked))
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
            Part::Own | Part::Unit(_) | Part::Instead(_) | Part::Past(_) | Part::End | Part::Success => text,
        };
        if secrets.redact(written) != written {
            let trouble = Trouble::new("what was typed shows a secret, and would stand in the journal in the clear");
            return Err(Wrong::Trouble(trouble.with_help("write the secret's name")));
        }
        let typed = Typed { text: text.to_owned(), part: part.clone(), gone: gone.clone() };
        let known = |file: &str| self.texts.iter().any(|text| text.name == file);
        let entered = self.checked.enter(&typed, &Kept(Recorded { texts: &self.texts, reads: &[] }));
        let Some(checked) = entered.checked else { return Err(Wrong::Found(entered.diagnostics, entered.sources)) };
        let number = u32::try_from(self.typed.len()).unwrap_or(u32::MAX);
        let before = self.sources.iter().count();
        // The first of them is the input itself.
        let own = match part {
            Part::Own | Part::Instead(_) | Part::Book { .. } => 1,
            Part::Unit(_) | Part::Past(_) | Part::End | Part::Success => 0,
        };
        let files = checked.sources.iter().skip(before + own).map(|(_, file)| run::text(file));
        let texts: Vec<Text> = files.filter(|text| !known(&text.name)).collect();
        self.texts.extend(texts.iter().cloned());
        if let Some(book) = Book::of(&part) {
            self.book = Some((number, Arc::new(book)));
        }
        self.typed.push(Arc::new(typed));
        (self.sources, self.program) = (checked.sources.clone(), checked.program().clone());
        self.checked = checked;
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

    /// An action or a context that was typed, or that a library of this console's own has.
    #[must_use]
    pub fn documented(&self, name: &str) -> Option<Module> {
        let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
        let mut own: Vec<_> = self.sources.iter().filter(|(_, file)| !file.name.starts_with('<')).collect();
        own.reverse();
        own.into_iter().find_map(|(_, file)| docs::declared(&file.name, &file.text, last))
    }

    /// What the next input sees.
    #[must_use]
    pub fn scope(&self, gone: &[u32]) -> Scope {
        let entries = self.program.console.iter().flat_map(|console| (0u32..).zip(&console.entries));
        let seen: BTreeSet<FileId> =
            entries.filter(|(number, _)| !gone.contains(number)).map(|(_, entry)| entry.body.span.file).collect();
        let is_named = |kind| {
            matches!(kind, NameKind::Param | NameKind::Let | NameKind::Answer | NameKind::Secret | NameKind::Connect)
        };
        let failed: BTreeSet<FileId> = self
            .program
            .console
            .iter()
            .flat_map(|console| (0u32..).zip(&console.entries))
            .filter(|(number, _)| gone.contains(number))
            .map(|(_, entry)| entry.body.span.file)
            .collect();
        let names = self.program.names.iter().filter(|name| is_named(name.kind) && seen.contains(&name.span.file));
        let mut scope = Scope { names: names.map(|name| name.text.to_string()).collect(), ..Scope::default() };
        for (id, file) in self.sources.iter().filter(|(_, file)| !file.name.starts_with('<')) {
            if failed.contains(&id) && !seen.contains(&id) {
                continue;
            }
            if !seen.contains(&id) {
                scope.libraries.push(docs::module(&file.name, &file.text));
            } else if declares(&file.text) {
                scope.uses.extend(uses(&syntax::parse(FileId(0), &file.text).ast));
                let own = docs::module(&file.name, &file.text);
                scope.actions.extend(own.entries.into_iter().map(|entry| (entry.name, entry.signature)));
            }
        }
        scope
    }

    /// The connections of these inputs, those that were declared anew and those of `gone` left out.
    fn connects(&self, gone: &[u32]) -> Vec<NameId> {
        let Some(console) = &self.program.console else { return Vec::new() };
        let name = |id: NameId| self.program.names.get(id.0 as usize).map(|name| &name.text);
        let mut found: Vec<NameId> = Vec::new();
        for (_, entry) in (0u32..).zip(&console.entries).filter(|(number, _)| !gone.contains(number)) {
            for global in &entry.globals {
                if let Global::Connect { name: id, .. } = global {
                    found.retain(|other| name(*other) != name(*id));
                    found.push(*id);
                }
            }
        }
        found
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
    let done = |(number, came): (u32, Came)| (came == Came::Done).then_some(number);
    let done: BTreeSet<u32> = engine.entries().into_iter().filter_map(done).collect();
    let stands = |number: &u32| done.contains(number);
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
    Ready::new(console.program.clone(), Sources::clone(&console.sources), Vec::new())
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

/// The connections that the next input sees, in the order in which they were declared.
#[must_use]
pub fn connections(engine: &Engine, console: &Console, gone: &[u32]) -> Vec<Arc<Connection>> {
    let seen = console.connects(gone);
    let all = engine.connections();
    all.into_iter().filter(|(name, _)| seen.contains(name)).map(|(_, on)| on).collect()
}

/// What is typed, cut into what an eye tells apart.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    if declares(text) {
        return pieces::pieces(text, &syntax::parse(FileId(0), text).ast);
    }
    pieces::of_statements(text, &syntax::parse_statements(FileId(0), text).stmts)
}

/// The number of the input that a place stands in.
#[must_use]
pub fn number(path: &Path) -> Option<u32> {
    match path.0.first() {
        Some(Segment::At(number)) => Some(*number),
        _ => None,
    }
}
