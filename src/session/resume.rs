//! A run that was left: what the journal knows of it, whether it may go on here, and going on.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::console::Console;
use super::part::Part;
use super::recorded::Recorded;
use super::run::{Ready, driven};
use super::{Opened, open_text, place};
use crate::effects::world::World;
use crate::engine::call::Path;
use crate::engine::{
    Engine, Event, Finish, Input, Inputs, OnFailure, Progress, QuestionAsked, Replayed, TimerClock, replay,
};
use crate::journal::entry::SEMANTICS;
use crate::journal::{CONSOLE, Door, Entry, Filter, Head, Reason, Row, Standing, State, Store, Trouble, behind};
use crate::run::connected;
use crate::run::journal::Journal;
use crate::run::resume::Unsure;
use crate::run::{Answers, Around, OnQuestion, Operator, Shown, Watcher, drive, process, resume};
use crate::value::{SmolStr, Timestamp};

/// The option by which a person says that another place is right.
pub const HERE: &str = "--here";

/// A run of the journal, taken by this process.
pub struct Left {
    /// What it runs, as recorded.
    pub ready: Ready,
    head: Head,
    entries: Vec<Entry>,
    store: Box<dyn Store>,
    /// As it stood when it was taken.
    pub row: Row,
    /// The runbook's file has another text now.
    pub changed: Vec<String>,
    /// Where this is another place than the run's, a line each.
    pub elsewhere: Vec<String>,
}

impl Left {
    /// Take a run and read it.
    ///
    /// # Errors
    /// There is none, another process drives it, or this rbk cannot go on with it.
    pub fn take(mut store: Box<dyn Store>, row: &Row) -> Result<Left, Trouble> {
        store.take(&row.run, &place::holder())?;
        // Another process may have gone on with it until it was ours.
        let only = Filter { run: Some(row.run.clone()), ..Filter::default() };
        let row = store.runs(&only)?.pop().unwrap_or_else(|| row.clone());
        let (head, entries) = store.load(&row.run)?;
        if head.semantics != SEMANTICS {
            let message = format!("the run was started by rbk {}, which ran some things differently", head.version);
            return Err(Trouble::new(message).with_help(format!("go on with it by rbk {}", head.version)));
        }
        let ready = script(&head, &entries)?;
        let changed = head.texts.iter().filter_map(|text| other_now(&head, &text.name, &text.text)).collect();
        let elsewhere = elsewhere(&head);
        Ok(Left { ready, head, entries, store, row, changed, elsewhere })
    }

    /// What was typed, when it is a console's.
    ///
    /// # Errors
    /// This rbk finds errors in it.
    pub fn console(&self) -> Result<Option<Console>, Trouble> {
        if is_console(&self.head) { Console::again(&self.entries, &self.head).map(Some) } else { Ok(None) }
    }

    /// Whether its journal keeps secrets.
    #[must_use]
    pub fn keeps_secrets(&self) -> bool {
        self.store.keeps_secrets()
    }

    /// When its last entry was written.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        let wall = |entry: &Entry| match entry {
            Entry::Taken { wall, .. }
            | Entry::Heard { wall, .. }
            | Entry::Entered { wall, .. }
            | Entry::Noted { wall, .. }
            | Entry::Connected { wall, .. }
            | Entry::Stopped { wall, .. }
            | Entry::Closed { wall, .. } => Some(*wall),
            Entry::Intent { .. } | Entry::Proof { .. } | Entry::LockTaken { .. } | Entry::LeftEnded { .. } => None,
        };
        self.entries.iter().rev().find_map(wall).unwrap_or(self.head.started)
    }
}

impl Left {
    /// What whoever goes on should know, a line each: that its `PATH` is the one of its start, who took its locks from it.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let path = self.head.place.path.is_some() && self.head.place.path != place::here().path;
        let path = path.then(|| {
            "`PATH` is another one here: commands are looked for where they were at the run's start".to_owned()
        });
        path.into_iter().chain(self.entries.iter().filter_map(|entry| match entry {
            Entry::LockTaken { lock, by, who, wall } => {
                let at = wall.strftime("%F %T UTC");
                Some(format!("{who} has taken the lock `{lock}` from this run for run {by}, {at}"))
            }
            _ => None,
        }))
    }

    /// What it waits for, when there is nothing else to do: a person, whose answer is not `given`, or its hour.
    #[must_use]
    pub fn waits(&self, given: impl Fn(&QuestionAsked) -> bool) -> Option<String> {
        if is_console(&self.head) {
            return Some(at_a_console(&self.ready.id));
        }
        if let Some(why) = self.failed() {
            return Some(format!("it failed and was stopped there, somebody has to look: {why}"));
        }
        let heard = self.entries.iter().filter_map(|entry| match entry {
            Entry::Heard { input, wall } => Some((input.clone(), *wall)),
            _ => None,
        });
        let (events, walls): (Vec<Input>, Vec<Timestamp>) = heard.unzip();
        let Ready { program, id, started, params, .. } = self.ready.clone();
        let inputs = Inputs { run: id, started, params, on_failure: self.head.on_failure };
        // What cannot be read off is found when it goes on.
        let pending = replay(program, inputs, events.iter().cloned()).ok()?.pending;
        if events.is_empty() || pending.finish.is_some() || !pending.calls.is_empty() {
            return None;
        }
        let hours = pending.timers.iter().filter(|timer| timer.clock == TimerClock::Wall);
        let first = hours.filter_map(|timer| walls.get(timer.input)?.checked_add(timer.after.std()).ok()).min();
        if first.is_some_and(|hour| hour <= super::now()) {
            return None;
        }
        if let Some(open) = pending.questions.iter().find(|open| !given(&open.asked)) {
            return Some(format!("it waits for an answer to `{}`", open.asked.source));
        }
        first.map(|hour| format!("it waits until {}", hour.strftime("%F %T UTC")))
    }
}

impl Left {
    /// The failure that it was stopped by, when it has not gone on since.
    fn failed(&self) -> Option<&str> {
        let mut back = self.entries.iter().rev().filter_map(|entry| match entry {
            Entry::Heard { .. } => Some(None),
            Entry::Stopped { last, .. } if last.is_empty() => None,
            Entry::Stopped { why, last, .. } => Some(Some((why, last))),
            Entry::Entered { .. }
            | Entry::Taken { .. }
            | Entry::Intent { .. }
            | Entry::Proof { .. }
            | Entry::Connected { .. }
            | Entry::LockTaken { .. }
            | Entry::Noted { .. }
            | Entry::LeftEnded { .. }
            | Entry::Closed { .. } => None,
        });
        let (why, last) = back.next()??;
        let asked = |input: &Input| matches!(input.event, Event::Kill | Event::Parked(..));
        (!last.iter().any(asked)).then_some(why)
    }
}

/// Whether its journal knows all that was done to it from this machine.
///
/// # Errors
/// Something was undone that it does not know.
pub fn is_known(run: &str) -> Result<(), Trouble> {
    let Some(place) = behind::kept(run) else { return Ok(()) };
    let journal = if place.is_empty() { "the journal".to_owned() } else { format!("the journal at `{place}`") };
    let message = format!("{journal} does not know what was undone of run {run}: it was away then");
    Err(Trouble::new(message).with_help(format!(
        "look at what is in place, and end it: `rbk close {run} --reason …`; or undo all of it once more, and say why \
         that is right: `rbk rollback {run} --reason …`"
    )))
}

/// Before a process that may still drive the run is waited for: where this is another place than the run's, a line each.
///
/// # Errors
/// The journal cannot be read.
pub fn elsewhere_of(store: &mut dyn Store, run: &str) -> Result<Vec<String>, Trouble> {
    if store.lapse(run)?.is_none() {
        return Ok(Vec::new());
    }
    store.look(run).map(|kept| elsewhere(&kept.head))
}

/// In the run's directory from now on.
fn elsewhere(head: &Head) -> Vec<String> {
    let mut found = place::differences(&head.place, &place::here());
    if let Err(error) = go_to(&head.place.dir) {
        found.push(format!("directory `{}`: {}", head.place.dir, super::reason(&error)));
    }
    found
}

/// In which direction it goes on.
pub enum Onward<'a> {
    Resume,
    /// A console, and who works at it now.
    Console(&'a mut dyn Operator),
    /// Why, and how much.
    Rollback(String, Part),
}

/// Go on with a run to its end. None when it waits for nothing and has not ended: a bug.
///
/// # Errors
/// When it could not go on.
pub fn go_on(
    left: Left,
    onward: Onward<'_>,
    reasons: Vec<Reason>,
    on_question: OnQuestion,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
) -> Result<Option<Finish>, Trouble> {
    let Left { ready, head, entries, store, row, .. } = left;
    let door = match &onward {
        Onward::Resume | Onward::Console(_) => Door::Resume,
        Onward::Rollback(..) => Door::Rollback,
    };
    let intended: BTreeSet<_> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Intent { call, .. } => Some(*call),
            _ => None,
        })
        .collect();
    let mut journal = Journal::new(store, ready.id.clone(), place::holder(), intended);
    process::prepare();
    let mut world = World::new(ready.id.clone()).map_err(Trouble::new)?;
    world.shell.path.clone_from(&head.place.path);
    let (on_failure, unsure) = match onward {
        Onward::Resume | Onward::Console(_) => (head.on_failure, Unsure::Refused),
        Onward::Rollback(..) => (OnFailure::Rollback, Unsure::LeftOut),
    };
    let Ready { program, sources: _, id, started, params } = ready;
    let inputs = Inputs { run: id, started, params, on_failure };
    let mut run = Replayed::new(Engine::new(program, inputs));
    driven(process::block_on(async {
        watcher.show(Shown::Remembered);
        let mut past = match resume::recall(&mut run, entries, &world, watcher, answers, &mut journal, unsure).await {
            Ok(past) => past,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let operator = match onward {
            Onward::Resume => None,
            Onward::Console(operator) => Some(operator),
            Onward::Rollback(why, part) => match part.of(&run.engine, &past.steps) {
                Ok(what) => {
                    past.rollback = Some((why, what));
                    None
                }
                Err(trouble) => return Ok(Err(trouble)),
            },
        };
        if !reasons.iter().any(|reason| reason.option == HERE) {
            let moved = connected::elsewhere(&past, &world).await;
            if !moved.is_empty() {
                return Ok(Err(place::elsewhere(&moved)));
            }
        }
        let wall = super::now();
        let taken = Entry::Taken { door, holder: place::holder(), wall, reasons };
        // Who dies from here on leaves it interrupted, whatever it was.
        let standing = Standing { state: row.state, wrote: row.wrote, wall };
        let open = (row.state != State::Open).then_some(Standing { state: State::Open, ..standing });
        if let Err(trouble) = journal.take_up(taken, open) {
            return Ok(Err(trouble));
        }
        if let Err(trouble) = resume::hold(&past.locks, &world, &mut journal, super::now()).await {
            journal.turn_back(&trouble.message, standing);
            return Ok(Err(trouble));
        }
        watcher.show(Shown::Out);
        if !past.walls.is_empty() {
            watcher.tell(past.at, &Progress::RunStarted { title: head.book.clone() });
            for text in std::mem::take(&mut past.answered) {
                watcher.tell(past.at, &Progress::Warning { path: Path::default(), text });
            }
        } else if let Err(trouble) = resume::begin(&mut run, &mut past, &world, watcher, &mut journal, super::now()) {
            return Ok(Err(trouble));
        }
        let around = Around {
            effects: &world,
            watcher,
            answers,
            on_question,
            journal: Some(&mut journal),
            operator: operator.map(|operator| -> &mut dyn Operator { operator }),
        };
        drive(run, around, Some(past)).await.map(Ok)
    }))?
}

/// Why only a person goes on with it.
#[must_use]
pub fn at_a_console(run: &str) -> String {
    format!("it is a console: `rbk repl --resume {run}` goes on with it")
}

fn is_console(head: &Head) -> bool {
    head.texts.first().is_some_and(|text| text.name == CONSOLE)
}

/// This rbk checks otherwise than the one that started the run.
pub(super) fn unreadable(head: &Head) -> Trouble {
    Trouble::new("this rbk finds errors in the run's own text")
        .with_help(format!("go on with it by rbk {}", head.version))
}

/// What the run's own texts say.
pub(super) fn script(head: &Head, entries: &[Entry]) -> Result<Ready, Trouble> {
    if is_console(head) {
        let Console { program, sources, .. } = Console::again(entries, head)?;
        return Ok(Ready {
            program,
            sources: Arc::unwrap_or_clone(sources),
            id: head.run.clone(),
            started: head.started,
            params: Vec::new(),
        });
    }
    let first = head.texts.first().ok_or_else(|| Trouble::new("the journal holds no text of the run"))?;
    let Opened { sources, program, .. } =
        open_text(&first.name, &first.text, &Recorded { texts: &head.texts, reads: &head.reads });
    let program = program.ok_or_else(|| unreadable(head))?;
    let mut params = Vec::new();
    for (name, value) in &head.params {
        let id = program.book.iter().flat_map(|book| &book.params).find(|param| named(&program, param.name) == *name);
        let id = id.ok_or_else(|| Trouble::new(format!("the run's text has no parameter `{name}`")))?;
        params.push((id.name, value.clone()));
    }
    Ok(Ready { program, sources, id: head.run.clone(), started: head.started, params })
}

fn named(program: &Arc<crate::check::Program>, id: crate::check::program::NameId) -> SmolStr {
    program.names.get(id.0 as usize).map(|name| name.text.clone()).unwrap_or_default()
}

/// What has become of a file that the run has read.
#[allow(clippy::disallowed_methods, reason = "the waist reads the files of a run")]
fn other_now(head: &Head, name: &str, text: &str) -> Option<String> {
    if name.starts_with('<') {
        return None;
    }
    let path = std::path::Path::new(&head.place.dir).join(name);
    let what = match std::fs::read(path) {
        Ok(now) if now == text.as_bytes() => return None,
        Ok(_) => "has changed since",
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "is not there any more",
        Err(_) => "cannot be read now",
    };
    Some(format!("`{name}` {what}: the run goes on with the text that it was started with"))
}

/// Be in this directory from now on.
///
/// # Errors
/// It is not there, or not for this user.
#[allow(clippy::disallowed_methods, reason = "commands run where the run was started")]
pub fn go_to(dir: &str) -> std::io::Result<()> {
    std::env::set_current_dir(dir)
}
