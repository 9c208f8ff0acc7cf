//! A process dies after any event, and the next one goes on: what must hold then of every program.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rbk::check::program::{Effect, Program};
use rbk::effects::fake::{Crash, Played, Script, Then, play};
use rbk::engine::call::{Path, Segment, TxId};
use rbk::engine::event::{ConditionKind, End, Progress, QuestionKind, StepStatus, Verdict};
use rbk::engine::record::UnitKind;
use rbk::engine::{Call, CallId, Command, Ending, Engine, Event, Extent, Inputs, QuestionId, Record, What};

/// A page that polls has thousands of events; most have less.
const MOST: usize = 40;

/// The program of a page once more, with a crash after each of its events.
pub fn everywhere(program: &Arc<Program>, inputs: &Inputs, script: &Script, straight: &Played) {
    for after in (1..=straight.inputs.len()).step_by(straight.inputs.len().div_ceil(MOST).max(1)) {
        for then in [Then::Resume, Then::Rollback(Extent::All)] {
            let crash = Crash { then: then.clone(), ..Crash::default() };
            let script = Script { crashes: vec![(after, crash)], ..script.clone() };
            let played = play(Engine::new(program.clone(), inputs.clone()), &script);
            let law = if played.finish.is_none() && straight.finish.is_none() { Ok(()) } else { broken(&played) };
            if let Err(law) = law {
                panic!("after event {after}, {then:?}: {law}\n{}", super::trace::trace(&played));
            }
            if after % 4 == 0 && played.inputs.len() <= MOST {
                super::check_replay(program, inputs, &played);
            }
        }
    }
}

#[derive(Default)]
struct Seen {
    calls: BTreeMap<CallId, Call>,
    /// Where rollbacks, `finally`s and handlers run.
    asides: Vec<Path>,
    /// Writes of the way forward that may have had their effect, by key.
    ran: BTreeSet<String>,
    /// Those in doubt about which nothing is decided yet.
    doubts: Vec<Call>,
    asked: BTreeMap<QuestionId, Path>,
    /// What has to be undone or named: the first write of each unit.
    units: BTreeMap<CallId, Path>,
    undone: Vec<Path>,
    committed: Vec<Path>,
    begun: BTreeMap<TxId, usize>,
    processes: usize,
    back: bool,
}

impl Seen {
    /// A write of the way forward that may not run twice.
    fn is_forward(&self, call: &Call) -> bool {
        let aside = self.asides.iter().any(|aside| call.path.0.starts_with(&aside.0));
        let repeats = matches!(call.what, What::Begin { .. } | What::Abort { .. }) || call.idempotent;
        call.effect == Effect::Write && tx(call).is_none() && !aside && !repeats
    }

    fn ended(&mut self, id: CallId, ending: Option<Ending>) -> Result<(), String> {
        let call = self.calls.remove(&id).ok_or("an end belongs to a call")?;
        if ending == Some(Ending::None) {
            self.units.remove(&id);
            return Ok(());
        }
        if self.is_forward(&call) {
            self.ran.insert(call.key.to_string());
            if ending.is_none() {
                self.doubts.push(call);
            }
        }
        Ok(())
    }

    fn started(&mut self, call: &Call) -> Result<(), String> {
        if let Some(tx) = tx(call).or(closed(call)) {
            if self.begun.get(&tx) != Some(&self.processes) {
                return Err(format!("`{}`: its transaction is not of this process", call.text));
            }
        } else if let What::Begin { tx, .. } = call.what {
            self.begun.insert(tx, self.processes);
            // It has no effect before its commit.
            self.units.remove(&call.id);
        }
        let forward = self.is_forward(call);
        if forward && self.back {
            return Err(format!("`{}` goes forward after the turn back", call.text));
        }
        if forward && self.ran.contains(&call.key.to_string()) {
            return Err(format!("`{}` runs twice", call.text));
        }
        self.calls.insert(call.id, call.clone());
        Ok(())
    }

    fn told(&mut self, progress: &Progress) -> Result<(), String> {
        match progress {
            Progress::RollbackStarted { path, .. } => self.asides.push(path.join(Segment::Branch(1))),
            Progress::AsideStarted { path, .. } => self.asides.push(path.clone()),
            Progress::Condition { kind: ConditionKind::DoneWhen, verdict: Verdict::Holds, path, .. } => {
                self.doubts.retain(|call| !call.path.0.starts_with(&path.0[..path.0.len() - 1]));
            }
            Progress::StepFinished { path, name, status: StepStatus::Ok, .. } => {
                if let Some(call) = self.doubts.iter().find(|call| call.path.0.starts_with(&path.0)) {
                    return Err(format!("`{name}` is ok, and `{}` is in doubt", call.text));
                }
            }
            Progress::StepFinished { path, .. } => self.doubts.retain(|call| !call.path.0.starts_with(&path.0)),
            _ => {}
        }
        Ok(())
    }

    fn answered(&mut self, id: QuestionId, said: &str) {
        let Some(path) = self.asked.remove(&id) else { return };
        if said.contains("it did not happen") {
            for call in self.doubts.iter().filter(|call| call.path == path) {
                self.ran.remove(&call.key.to_string());
                self.units.remove(&call.id);
            }
        }
        self.doubts.retain(|call| call.path != path);
    }
}

/// The transaction that it runs in.
fn tx(call: &Call) -> Option<TxId> {
    match call.what {
        What::Native { tx, .. } => tx,
        _ => None,
    }
}

/// The transaction that it ends.
fn closed(call: &Call) -> Option<TxId> {
    match call.what {
        What::Commit { tx, .. } | What::Abort { tx, .. } => Some(tx),
        _ => None,
    }
}

/// The first law of going on that this run breaks.
pub fn broken(played: &Played) -> Result<(), String> {
    let finish = played.finish.as_ref().ok_or("every run ends")?;
    let mut seen = Seen::default();
    let (mut killed, mut rolled, mut ended) = (false, false, false);
    // What a person wants undone of a run that had ended.
    let mut only = Extent::All;
    for (input, commands) in played.inputs.iter().zip(&played.commands) {
        match &input.event {
            Event::Ended(id, outcome) => seen.ended(*id, Some(outcome.ending))?,
            Event::Failed(id, outcome) => seen.ended(*id, Some(outcome.ending))?,
            Event::Doubted(id) => seen.ended(*id, None)?,
            Event::Unstarted(id) => seen.ended(*id, Some(Ending::None))?,
            Event::Answered(id, answer) => seen.answered(*id, &format!("{:?}", answer.value)),
            Event::Resumed { .. } => seen.processes += 1,
            Event::Rollback { what, .. } => {
                rolled = true;
                only = if std::mem::take(&mut ended) { what.clone() } else { Extent::All };
            }
            Event::Kill | Event::Parked(..) => killed = true,
            Event::Start
            | Event::Fired(_)
            | Event::Unanswered(..)
            | Event::Stop
            | Event::Enter(_)
            | Event::Undo { .. }
            | Event::Keep(_) => {}
        }
        for command in commands {
            match command {
                Command::Call(call) => {
                    seen.started(call)?;
                    if let Some(path) = seen.units.get_mut(&call.id) {
                        *path = call.path.clone();
                    }
                }
                Command::Record(Record::Intent { call, unit: Some(UnitKind::Rollback | UnitKind::Manual), .. }) => {
                    drop(seen.units.insert(*call, Path::default()))
                }
                Command::Record(Record::Back) => seen.back = true,
                Command::Record(Record::Undone { path }) => {
                    seen.doubts.retain(|call| !call.path.0.starts_with(&path.0));
                    seen.undone.push(path.clone());
                }
                Command::Record(Record::Committed { path }) => {
                    seen.committed.push(Path(path.0[..path.0.len() - 1].into()));
                }
                Command::Ask(id, asked) if matches!(asked.kind, QuestionKind::Doubt(_)) => {
                    drop(seen.asked.insert(*id, asked.path.clone()));
                }
                Command::Finish(_) => ended = true,
                Command::Tell(progress) => {
                    if let (Progress::RollbackStarted { path, .. }, Extent::Only(part)) = (progress, &only)
                        && !path.is_in(part)
                    {
                        return Err(format!("{path} is undone, and only {part} was asked for"));
                    }
                    seen.told(progress)?;
                }
                _ => {}
            }
        }
    }
    match finish.end {
        End::Stopped if !killed => return Err("only a second signal stops a run".to_owned()),
        End::Succeeded | End::Refused if rolled => return Err("a rollback ends undone or with what is left".to_owned()),
        End::Undone | End::UndoneInPart if !rolled => return Err("nobody asked for the undo".to_owned()),
        End::Succeeded
        | End::Failed
        | End::Refused
        | End::RolledBack
        | End::Undone
        | End::UndoneInPart
        | End::Incomplete
        | End::Stopped => {}
    }
    let told = finish.failure.is_some() || matches!(finish.end, End::Undone | End::UndoneInPart);
    // What a console keeps is no trouble.
    if !told || finish.end == End::Failed {
        return Ok(());
    }
    let left: Vec<Path> = finish.left.iter().map(|left| left.path.clone()).collect();
    for (id, path) in seen.units.iter().filter(|(id, _)| !seen.calls.contains_key(id)) {
        let known = [&seen.undone, &seen.committed, &left];
        if !known.iter().any(|paths| paths.iter().any(|known| path.0.starts_with(&known.0))) {
            return Err(format!("call {} at {path} is neither undone nor named as left", id.0));
        }
    }
    Ok(())
}
