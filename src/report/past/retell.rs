//! Entries → what happened: they go through a fresh engine, and what it tells is kept with its hour. Where there is none, or
//! it does not fit, the entries speak for themselves.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::doubts::{Doubts, is_in};
use super::{Awaits, Moment, Past, What};
use crate::check::Program;
use crate::check::program::Want;
use crate::engine::call::{CallId, Path};
use crate::engine::event::{ASKED_FOR, FailureKind, Progress};
use crate::engine::{Command, Engine, Event, Extent, Input, Inputs, Part, Record, Replayed, Stands, Wait, replay};
use crate::journal::store::Kept;
use crate::journal::{Door, Entry, Row, State};
use crate::report::outside::Known;
use crate::report::place;
use crate::run::secrets;
use crate::source::Sources;
use crate::value::{Nanos, SmolStr, Timestamp, Value, show};

/// What a run ran.
pub struct Script {
    pub program: Arc<Program>,
    pub inputs: Inputs,
    pub sources: Sources,
    pub deadline: Option<Nanos>,
    pub rollback_within: Option<Nanos>,
}

/// `script`: why there is none, in one line.
#[must_use]
pub fn retell(kept: Kept, row: Row, script: Result<Script, String>) -> Past {
    let mut teller = Teller::default();
    let Kept { head, entries, broken, sealed } = kept;
    let (deadline, rollback_within) = match script {
        Ok(Script { program, inputs, sources, deadline, rollback_within }) => {
            teller.sources = sources;
            teller.run = Some(Replayed::new(Engine::new(program.clone(), inputs.clone())));
            teller.begun = Some((program, inputs));
            (deadline, rollback_within)
        }
        Err(why) => {
            teller.gaps.push(format!("{why}: only what the journal's entries say by themselves is told"));
            (None, None)
        }
    };
    for (_, value) in &head.params {
        teller.learn(value);
    }
    teller.wall = head.started;
    entries.into_iter().for_each(|entry| teller.entry(entry));
    let held = row.held.is_some();
    if row.state == State::Open && !held && broken.is_none() {
        teller.died();
    }
    let stood = teller.stood.take();
    let mut stays = stood.as_ref().map_or_else(|| teller.in_place(), |(_, in_place)| in_place.clone());
    stays.reverse();
    let (awaits, in_place) = match stood {
        Some(stood) => stood,
        None if row.state.goes_on() => (teller.awaits(held), teller.in_place()),
        None => Default::default(),
    };
    let Teller { sources, moments, mut gaps, known, .. } = teller;
    gaps.extend(sealed.map(|trouble| trouble.message));
    let damage = broken.as_ref().map(|trouble| trouble.message.clone());
    gaps.extend(damage.map(|message| format!("{message}; what is told ends there")));
    Past {
        head,
        row,
        sources,
        deadline,
        rollback_within,
        moments,
        awaits,
        in_place,
        stays,
        gaps,
        broken: broken.is_some(),
        known,
    }
}

/// What a run waits for, and what it has in place, the last first.
type Stood = (Vec<Awaits>, Vec<(Path, SmolStr)>);

#[derive(Default)]
struct Teller {
    /// None: it cannot be replayed, or no further.
    run: Option<Replayed>,
    sources: Sources,
    /// What it began with, and what it has heard since; of a stop nothing.
    begun: Option<(Arc<Program>, Inputs)>,
    heard: Vec<Input>,
    /// What it waited for and had in place when it stopped, until it goes on.
    stood: Option<Stood>,
    /// Steps that its stop has told the end of: they are under way again when it goes on.
    cut: Vec<Progress>,
    intended: BTreeSet<CallId>,
    doubts: Doubts,
    /// When each input came.
    walls: Vec<Timestamp>,
    /// Steps, and undos of them, that are under way.
    steps: Vec<(Path, SmolStr, bool)>,
    names: BTreeMap<Path, SmolStr>,
    /// A process drives it, as far as the entries go.
    driven: bool,
    wall: Timestamp,
    at: Nanos,
    moments: Vec<Moment>,
    gaps: Vec<String>,
    known: Known,
}

impl Teller {
    fn push(&mut self, what: What) {
        self.moments.push(Moment { wall: self.wall, at: self.at, what });
    }

    fn learn(&mut self, value: &Value) {
        secrets(value, &mut |secret| {
            if let Value::Secret(secret) = secret {
                self.known.borrow_mut().learn(&secret.name, secret.expose());
            }
        });
    }

    /// The last process left no word.
    fn died(&mut self) {
        if std::mem::replace(&mut self.driven, false) {
            let only_taken = matches!(self.moments.last(), Some(Moment { what: What::Taken { .. }, .. }));
            self.push(if only_taken { What::NoFurther } else { What::Died });
        }
    }

    fn entry(&mut self, entry: Entry) {
        match entry {
            Entry::Taken { door, holder, wall, reasons } => {
                self.died();
                (self.wall, self.driven) = (wall, true);
                self.push(What::Taken { door, holder, reasons });
            }
            Entry::Heard { input, wall } => {
                (self.wall, self.at) = (wall, input.at);
                self.goes_on();
                match self.run.take() {
                    Some(run) => {
                        self.heard.push(input.clone());
                        self.heard(run, input);
                    }
                    None => self.plain(&input.event),
                }
            }
            Entry::Intent { call, key } => {
                self.intended.insert(call);
                if self.run.is_none() {
                    self.push(What::Plain(format!("call {} may start: {key}", call.0)));
                }
            }
            Entry::Proof { .. } => {}
            Entry::Entered { text, part, wall, .. } => {
                self.wall = wall;
                self.push(What::Plain(entered(&part, &text)));
            }
            Entry::Noted { who, text, wall } => {
                self.wall = wall;
                self.push(What::Noted { who, text });
            }
            Entry::Connected { name, address, server, wall } => {
                self.wall = wall;
                self.push(What::Connected { name, address, server });
            }
            Entry::LockTaken { lock, by, who, wall } => {
                self.died();
                self.wall = wall;
                self.push(What::LockTaken { lock, by, who });
            }
            Entry::LeftEnded { what, by, wall, .. } => {
                // Who goes on with it does so itself, and has taken it.
                if by.is_some() {
                    self.died();
                }
                self.wall = wall;
                self.push(What::LeftEnded { what, by });
            }
            Entry::Stopped { why, last, wall } => {
                (self.wall, self.driven) = (wall, false);
                if !self.stopped(last) {
                    self.push(What::Stopped { why });
                }
            }
            Entry::Closed { who, reason, wall } => {
                self.died();
                self.wall = wall;
                if self.stood.is_none() {
                    self.stood = Some((self.awaits(false), self.in_place()));
                }
                self.push(What::Closed { who, reason });
            }
        }
    }

    /// What it heard as it stopped: told, whoever goes on has not heard it. Whether that tells the stop.
    fn stopped(&mut self, last: Vec<Input>) -> bool {
        let is_console = self.begun.as_ref().is_some_and(|(program, _)| program.console.is_some());
        if last.is_empty() || is_console || self.run.is_none() {
            return false;
        }
        let came: BTreeSet<CallId> = last.iter().filter_map(|input| ended(&input.event)).collect();
        self.doubts.seen(came.iter().copied());
        let mut awaits = self.awaits(false);
        awaits.retain(|awaits| !matches!(awaits, Awaits::End { call, .. } if came.contains(call)));
        if awaits.is_empty() {
            awaits.extend(self.stands_in());
        }
        let in_place = self.in_place();
        let (steps, walls) = (self.steps.clone(), self.walls.len());
        for input in last {
            self.at = input.at;
            if let Some(run) = self.run.take() {
                self.heard(run, input);
            }
        }
        let failed = match self.moments.last() {
            Some(Moment { what: What::Ended(finish), .. }) => finish.failure.as_ref(),
            _ => None,
        };
        let failed = failed.filter(|failed| failed.failure.kind != FailureKind::Cancelled).map(|failed| {
            Awaits::Mended { path: failed.path.clone(), step: failed.step.clone(), why: failed.failure.message.clone() }
        });
        if failed.is_some() {
            awaits.retain(|awaits| !matches!(awaits, Awaits::Step { .. }));
        }
        awaits.splice(0..0, failed);
        self.stood = Some((awaits, in_place));
        let closed = steps.iter().filter(|open| !self.steps.contains(open));
        self.cut = closed.filter_map(|open| self.begun_again(open)).collect();
        self.steps = steps;
        self.walls.truncate(walls);
        true
    }

    /// How the start of a step, or of an undo, was told.
    fn begun_again(&self, (path, name, undo): &(Path, SmolStr, bool)) -> Option<Progress> {
        if *undo {
            return Some(Progress::RollbackStarted { path: path.clone(), name: name.clone() });
        }
        self.moments.iter().rev().find_map(|moment| match &moment.what {
            What::Told(started @ Progress::StepStarted { path: at, .. }) if at == path => Some(started.clone()),
            _ => None,
        })
    }

    /// From where it was before it stopped.
    fn goes_on(&mut self) {
        if self.stood.take().is_none() {
            return;
        }
        if let Some((program, inputs)) = &self.begun {
            // What it has heard it has heard before.
            self.run = replay(program.clone(), inputs.clone(), self.heard.iter().cloned()).ok();
        }
        for started in std::mem::take(&mut self.cut) {
            self.push(What::Told(started));
        }
    }

    fn heard(&mut self, mut run: Replayed, input: Input) {
        let mut found = Vec::new();
        self.doubts.heard(&input.event, &run.pending, &self.intended, &mut found);
        match &input.event {
            Event::Ended(id, outcome) => found.extend(gave(&run, *id, outcome.result.as_ref().ok())),
            Event::Unanswered(id, why) | Event::Parked(id, why) => {
                let asked = run.pending.questions.iter().find(|asked| asked.id == *id).map(|asked| &asked.asked);
                found.extend(asked.map(|asked| What::Unanswered {
                    path: asked.path.clone(),
                    text: asked.text.clone(),
                    why: why.clone(),
                }));
            }
            Event::Fired(id) => {
                let timer = run.pending.timers.iter().find(|timer| timer.id == *id);
                let hour = timer.and_then(|timer| timer.wait.clone()).filter(|wait| wait.until.is_none());
                found.extend(hour.map(|wait| What::Waited { path: wait.path }));
            }
            Event::Rollback { why, what } => {
                found.push(What::AskedBack { why: why.clone(), part: self.part(what) });
            }
            Event::Start
            | Event::Resumed { .. }
            | Event::Doubted(_)
            | Event::Failed(..)
            | Event::Unstarted(_)
            | Event::Answered(..)
            | Event::Stop
            | Event::Enter(_)
            | Event::Keep(_)
            | Event::Kill => {}
            Event::Undo { what, .. } => {
                found.push(What::AskedBack { why: ASKED_FOR.to_owned(), part: self.part(what) })
            }
        }
        // To be told by itself, where it does not fit.
        let event = input.event.clone();
        let commands = match run.hear(input) {
            Ok(commands) => commands,
            Err(misfit) => {
                let why = format!("its entries and its text do not fit ({})", misfit.why);
                self.gaps.push(format!("{why}: from there on only the entries are told"));
                return self.plain(&event);
            }
        };
        self.run = Some(run);
        self.doubts.before(&commands, &mut found);
        found.into_iter().for_each(|what| self.push(what));
        for command in commands {
            match command {
                Command::Tell(progress) => {
                    self.follow(&progress);
                    self.push(What::Told(progress));
                }
                Command::Record(Record::Bound { value, .. }) => self.learn(&value),
                Command::Finish(finish) => {
                    self.driven = false;
                    self.push(What::Ended(finish));
                }
                _ => {}
            }
        }
        self.walls.push(self.wall);
    }

    fn follow(&mut self, progress: &Progress) {
        match progress {
            Progress::StepStarted { path, name, .. } => {
                self.names.insert(path.clone(), name.clone());
                // Also one that is tried again.
                self.steps.retain(|open| (&open.0, open.2) != (path, false));
                self.steps.push((path.clone(), name.clone(), false));
            }
            Progress::RollbackStarted { path, name } => self.steps.push((path.clone(), name.clone(), true)),
            Progress::StepFinished { path, .. } => self.steps.retain(|open| (&open.0, open.2) != (path, false)),
            Progress::RollbackFinished { path, .. } => self.steps.retain(|open| (&open.0, open.2) != (path, true)),
            _ => {}
        }
    }

    /// How much was asked back, in words; nothing when it is all of it.
    fn part(&self, what: &Extent) -> Option<String> {
        let named = |path: &Path| self.names.get(path).map_or_else(|| path.to_string(), |name| format!("`{name}`"));
        match what {
            Extent::All => None,
            Extent::From(path) => Some(format!("from {} on", named(path))),
            Extent::Only(path) => Some(format!("only {}", named(path))),
        }
    }

    /// The innermost step that is under way there.
    fn step_of(&self, path: &Path) -> Option<SmolStr> {
        let around = self.steps.iter().filter(|(open, ..)| is_in(path, open));
        around.max_by_key(|(open, ..)| open.0.len()).map(|(_, name, _)| name.clone())
    }

    fn in_place(&self) -> Vec<(Path, SmolStr)> {
        let all = self.run.iter().flat_map(|run| run.engine.undoable(&Extent::All));
        all.filter(|unit| unit.stands != Stands::Undone).map(|unit| (unit.path, unit.step)).collect()
    }

    /// What a run that is not over waits for: a person, an hour, a call; else the step that it stands in.
    fn awaits(&self, held: bool) -> Vec<Awaits> {
        let Some(Replayed { pending, .. }) = self.run.as_ref().filter(|run| run.pending.finish.is_none()) else {
            return Vec::new();
        };
        let mut found: Vec<Awaits> = Vec::new();
        found.extend(
            pending
                .questions
                .iter()
                .map(|pending| Awaits::Answer { path: pending.asked.path.clone(), text: pending.asked.text.clone() }),
        );
        for timer in &pending.timers {
            let (Some(Wait { path, until }), Some(since)) = (&timer.wait, self.walls.get(timer.input)) else {
                continue;
            };
            let (path, step) = (path.clone(), self.step_of(path));
            let after = |from: &Timestamp, time: Nanos| from.checked_add(jiff::SignedDuration::from_nanos(time.0)).ok();
            found.extend(match until {
                None => after(since, timer.after).map(|due| Awaits::Hour { path, due, step }),
                Some(until) => {
                    let left = Nanos((timer.set.0 + timer.after.0 - self.at.0).max(0));
                    let text = place::awaited(&self.sources, "until", Some(*until));
                    let due = after(&self.wall, left).filter(|_| held);
                    Some(Awaits::Until { path, text, since: *since, left, due, step })
                }
            });
        }
        found.extend(pending.calls.iter().map(|pending| Awaits::End {
            call: pending.call.id,
            path: pending.call.path.clone(),
            text: pending.call.text.clone(),
            doubt: !held && self.intended.contains(&pending.call.id),
            step: self.step_of(&pending.call.path),
            alive: None,
        }));
        if found.is_empty() {
            found.extend(self.stands_in());
        }
        found
    }

    /// The step that was begun last and has not ended.
    fn stands_in(&self) -> Option<Awaits> {
        let (path, name, undo) = self.steps.last()?;
        Some(Awaits::Step { path: path.clone(), name: name.clone(), undo: *undo })
    }

    fn plain(&mut self, event: &Event) {
        let text = match event {
            Event::Start => "it started".to_owned(),
            Event::Resumed { .. } => "it went on".to_owned(),
            Event::Ended(call, outcome) => match &outcome.result {
                Ok(Value::Null) => format!("call {} is done", call.0),
                Ok(value) => {
                    self.learn(value);
                    format!("call {} is done: {}", call.0, show::show(value))
                }
                Err(failure) => format!("call {} failed: {}", call.0, failure.message),
            },
            Event::Doubted(call) => format!("call {} was under way when its process died", call.0),
            Event::Failed(call, _) => format!("call {} failed when the run was stopped", call.0),
            Event::Unstarted(call) => format!("call {} had no effect", call.0),
            // One of its own clocks.
            Event::Fired(_) => return,
            Event::Answered(_, answer) => {
                format!("a question was answered: {} ({})", show::show(&answer.value), answer.who)
            }
            Event::Unanswered(_, why) | Event::Parked(_, why) => format!("a question was not answered: {why}"),
            Event::Stop => "a signal asked it to stop".to_owned(),
            Event::Rollback { why, what } => asked_back(why, self.part(what).as_deref()),
            Event::Enter(number) => format!("entry {} started", number + 1),
            Event::Undo { what, .. } => asked_back(ASKED_FOR, self.part(what).as_deref()),
            Event::Keep(None) => "it was ended, and what is in place stays".to_owned(),
            Event::Keep(Some(why)) => format!("it ended with an error, and what is in place stays: {why}"),
            Event::Kill => "a second signal ended it".to_owned(),
        };
        self.push(What::Plain(text));
    }
}

fn ended(event: &Event) -> Option<CallId> {
    match event {
        Event::Ended(call, _) => Some(*call),
        _ => None,
    }
}

fn gave(run: &Replayed, id: CallId, value: Option<&Value>) -> Option<What> {
    let call = &run.pending.calls.iter().find(|pending| pending.call.id == id)?.call;
    let value = value.filter(|value| **value != Value::Null && call.want != Want::Condition)?.clone();
    let (path, text) = (call.path.clone(), call.text.clone());
    Some(What::Gave { call: id, path, text, effect: call.effect, want: call.want, value })
}

/// A person wants it undone.
#[must_use]
pub fn asked_back(why: &str, part: Option<&str>) -> String {
    let part = part.map(|part| format!(", {part}")).unwrap_or_default();
    let why = if why == ASKED_FOR { String::new() } else { format!(": {why}") };
    format!("its undo is asked for{part}{why}")
}

#[must_use]
pub fn connected(name: &str, address: &str, server: Option<&str>) -> String {
    let server = server.map(|server| format!(" (server {server})")).unwrap_or_default();
    format!("connection `{name}` leads to {address}{server}")
}

#[must_use]
pub fn lock_taken(lock: &str, by: &str, who: &str) -> String {
    format!("{who} has taken the lock `{lock}` from it for run {by}")
}

#[must_use]
pub fn left_ended(what: &str, by: Option<&str>) -> String {
    let by = by.map(|by| format!(" for run {by}, which takes a lock from it")).unwrap_or_default();
    format!("its process had died and left {what} running: it was ended{by}")
}

/// Of its process nothing more is known.
pub const DIED: &str = "its process died, or was cut off from the journal: this is the last it wrote";

/// What was typed at a console, or run of its runbook.
fn entered(part: &Part, text: &str) -> String {
    match part {
        Part::Own | Part::Book { .. } | Part::Past(_) => format!("typed: {text}"),
        Part::Unit(_) => format!("run as written: {}", text.lines().next().unwrap_or_default()),
        Part::Instead(_) => format!("run as edited: {text}"),
        Part::End => "the runbook is at its end".to_owned(),
        Part::Success => "all of the runbook is done: its `on success`".to_owned(),
    }
}

/// By which command.
#[must_use]
pub fn door(door: Door) -> &'static str {
    match door {
        Door::Run => "started",
        Door::Resume => "resumed",
        Door::Rollback => "taken back",
    }
}
