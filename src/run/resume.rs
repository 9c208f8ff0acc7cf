//! A run as it was left: its engine brought to where the journal ends, and what was under way there.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::connected::Place;
use super::journal::Journal;
use super::lost::secrets;
use super::{Answers, Shown, Watcher};
use crate::effects::{Cancel, Effects, Output};
use crate::engine::call::Path;
use crate::engine::{
    Answer, Call, CallId, Command, Ending, Event, Extent, Input, Outcome, Progress, QuestionAsked, QuestionId,
    QuestionKind, Record, Replayed, What,
};
use crate::journal::{Entry, Trouble, lost};
use crate::value::lost::lost_in;
use crate::value::show::message;
use crate::value::{Connection, Nanos, SmolStr, Timestamp, Value, format_smolstr};

/// Where a process goes on.
pub struct Past {
    /// Running time that has been used.
    pub at: Nanos,
    /// When each of the recorded events came.
    pub walls: Vec<Timestamp>,
    /// Calls that an earlier process was about to start.
    pub intended: BTreeSet<CallId>,
    pub proofs: BTreeMap<CallId, Value>,
    /// Ends of calls that came when an earlier process had stopped.
    pub ends: BTreeMap<CallId, Outcome>,
    /// Those that the run holds, to be taken again by this process.
    pub locks: Vec<Arc<Call>>,
    /// Its connections, each with a call on it.
    pub connections: Vec<(Arc<Connection>, Arc<Call>)>,
    /// Where they led.
    pub places: Vec<Place>,
    /// The steps that were started, by name.
    pub steps: BTreeMap<Path, SmolStr>,
    /// The questions that were answered before, of those to which an answer is given once more: a line each.
    pub answered: Vec<String>,
    /// `rbk rollback`: why, and how much.
    pub rollback: Option<(String, Extent)>,
}

/// What becomes of a secret that cannot be read again, or is another one now, where nobody says which is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsure {
    /// The run does not go on.
    Refused,
    /// What needs it does not start, as where it was not kept.
    LeftOut,
}

/// Bring a fresh run to where the entries end. The watcher is told all of it again; secrets that are not kept are
/// read again.
///
/// # Errors
/// The entries and the program do not fit, or a secret is another one now.
pub async fn recall(
    run: &mut Replayed,
    entries: Vec<Entry>,
    effects: &dyn Effects,
    watcher: &mut dyn Watcher,
    answers: &mut dyn Answers,
    journal: &mut Journal,
    unsure: Unsure,
) -> Result<Past, Trouble> {
    let mut past = Past {
        at: Nanos(0),
        walls: Vec::new(),
        intended: BTreeSet::new(),
        proofs: BTreeMap::new(),
        ends: BTreeMap::new(),
        locks: Vec::new(),
        connections: Vec::new(),
        places: Vec::new(),
        steps: BTreeMap::new(),
        answered: Vec::new(),
        rollback: None,
    };
    // Of them, those that an input before the last has taken.
    let mut settled = 0;
    for entry in entries {
        match entry {
            Entry::Heard { mut input, wall } => {
                if let Event::Ended(id, outcome) = &mut input.event
                    && let Some(pending) = run.pending.calls.iter().find(|pending| pending.call.id == *id)
                {
                    let mut asked = Asked { watcher: &mut *watcher, answers: &mut *answers };
                    known_again(&pending.call, outcome, effects, journal, &mut asked, unsure).await?;
                    if let (What::Lock { .. }, Ending::Done) = (&pending.call.what, outcome.ending) {
                        past.locks.push(pending.call.clone());
                    }
                }
                if let Event::Answered(id, answer) = &input.event
                    && let Some(open) = run.pending.questions.iter().find(|open| open.id == *id)
                    && answers.gives(&open.asked)
                {
                    past.answered.push(already(&open.asked.source, answer));
                }
                past.at = input.at;
                let commands = run.hear(input).map_err(|misfit| unfit(&misfit.why))?;
                for command in &commands {
                    match command {
                        Command::Call(call) => {
                            for on in call.connections() {
                                if !past.connections.iter().any(|(known, _)| known == on) {
                                    past.connections.push((on.clone(), call.clone()));
                                }
                            }
                        }
                        Command::Tell(Progress::StepStarted { path, name, .. }) => {
                            past.steps.insert(path.clone(), name.clone());
                        }
                        // What an input has taken that failed was given back.
                        Command::Ready(reached) => {
                            past.locks.truncate(if reached.failure.is_some() { settled } else { past.locks.len() });
                            settled = past.locks.len();
                        }
                        _ => {}
                    }
                }
                past.walls.push(wall);
                commands.into_iter().for_each(|command| recalled(past.at, command, effects, watcher, journal));
            }
            Entry::Intent { call, .. } => drop(past.intended.insert(call)),
            Entry::Proof { call, proof } => drop(past.proofs.insert(call, proof)),
            Entry::Connected { name, address, server, .. } => {
                let (name, address, server) = (name.clone(), address.clone(), server.clone());
                past.places.push(Place { name, address, server });
            }
            Entry::Stopped { last, .. } => {
                // Whoever stops it has had the time until then; what ran out is looked at anew.
                if let Some(Input { at, event: Event::Kill | Event::Parked(..) }) = last.first() {
                    past.at = past.at.max(*at);
                }
                past.ends.extend(last.into_iter().filter_map(|input| match input.event {
                    Event::Ended(call, outcome) => Some((call, *outcome)),
                    _ => None,
                }));
            }
            Entry::Entered { .. }
            | Entry::Noted { .. }
            | Entry::Taken { .. }
            | Entry::LockTaken { .. }
            | Entry::LeftEnded { .. }
            | Entry::Closed { .. } => {}
        }
    }
    // A process that died may have waited since its last entry.
    past.at = past.at.max(journal.lived());
    past.answered.dedup();
    Ok(past)
}

/// That an answer on the command line comes too late.
fn already(question: &str, answer: &Answer) -> String {
    let with = match &answer.value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => message(other).unwrap_or_else(|_| "…".to_owned()),
    };
    format!("`{question}` was answered already, with `{with}` by {}: `--answer` does not change that", answer.who)
}

/// A run whose process died before its start was kept starts now; what it asks for is left as a dead process leaves it.
///
/// # Errors
/// The program does not start.
pub fn begin(
    run: &mut Replayed,
    past: &mut Past,
    effects: &dyn Effects,
    watcher: &mut dyn Watcher,
    journal: &mut Journal,
    wall: Timestamp,
) -> Result<(), Trouble> {
    let input = Input { at: past.at, event: Event::Start };
    let commands = run.hear(input.clone()).map_err(|misfit| unfit(&misfit.why))?;
    // Without its commands: nothing is about to start.
    journal.heard(input, &[], wall);
    past.walls.push(wall);
    commands.into_iter().for_each(|command| recalled(past.at, command, effects, watcher, journal));
    Ok(())
}

fn recalled(at: Nanos, command: Command, effects: &dyn Effects, watcher: &mut dyn Watcher, journal: &mut Journal) {
    match command {
        Command::Tell(progress) => watcher.tell(at, &progress),
        Command::Record(Record::Bound { value, .. }) => secrets(&value, &mut |secret| {
            watcher.secret(secret);
            effects.secret(secret);
            journal.hide(secret);
        }),
        _ => {}
    }
}

/// Take the run's locks for this process too, and for the run where it had let go of them.
///
/// # Errors
/// Another run has one by now.
pub async fn hold(
    locks: &[Arc<Call>],
    effects: &dyn Effects,
    journal: &mut Journal,
    wall: Timestamp,
) -> Result<(), Trouble> {
    for call in locks {
        // Who goes on takes nothing from anybody.
        let What::Lock { name, .. } = &call.what else { continue };
        let call = Arc::new(Call { what: What::Lock { name: name.clone(), takeover: false }, ..Call::clone(call) });
        let outcome = quietly(&call, effects).await;
        let outcome = if outcome.ending == Ending::Done { journal.lock(&call, outcome, wall) } else { outcome };
        if let Err(failure) = outcome.result {
            return Err(Trouble { help: failure.help, ..Trouble::new(failure.message) });
        }
    }
    Ok(())
}

/// A call that the engine does not hear of. What it would say goes nowhere.
pub(super) async fn quietly(call: &Arc<Call>, effects: &dyn Effects) -> Outcome {
    let (to, _quiet) = mpsc::channel(1);
    // It lives as long as the call.
    let (_canceller, cancel) = Cancel::new();
    effects.call(call.clone(), cancel, Output { call: call.id, to }).await
}

/// How `--answer` calls the question which of two secrets is right: this, and what gives it.
pub const CHANGED: &str = "changed: ";

/// What may be answered there; of a secret that was not kept, not the first.
pub const CHANGES: [&str; 3] = [OLD, NEW, NEITHER];

const OLD: &str = "the old one";
const NEW: &str = "the new one";
const NEITHER: &str = "neither: stop";

/// A secret from the environment or a person is read again, unless it is kept and a person would have to type it. When it
/// is another one by now, a person says which is right.
async fn known_again(
    call: &Arc<Call>,
    outcome: &mut Outcome,
    effects: &dyn Effects,
    journal: &Journal,
    asked: &mut Asked<'_>,
    unsure: Unsure,
) -> Result<(), Trouble> {
    let Ok(value) = &outcome.result else { return Ok(()) };
    let kept = lost_in(value).is_none();
    if !(is(call, "secret.env") || (is(call, "secret.prompt") && !kept)) {
        return Ok(());
    }
    let now = match quietly(call, effects).await.result {
        Ok(now) => now,
        Err(_) if kept || unsure == Unsure::LeftOut => return Ok(()),
        Err(failure) => {
            let message = format!("a secret cannot be read again: {}", failure.message);
            let help = if is(call, "secret.prompt") { Some(AT_TERMINAL.to_owned()) } else { failure.help };
            return Err(Trouble { help, ..Trouble::new(message) });
        }
    };
    let same = if kept { Some(*value.expose().0 == now) } else { journal.same(call.id, &now) };
    let new = match (same, kept) {
        (Some(false), _) => match asked.which(call, if kept { &CHANGES } else { &[NEW, NEITHER] }).await {
            Which::New => true,
            Which::Old => false,
            Which::Unsaid if unsure == Unsure::LeftOut => {
                if kept {
                    let name = value.expose().1.map_or_else(|| call.text.to_string(), ToString::to_string);
                    outcome.result = Ok(Value::str(lost(&name)));
                }
                return Ok(());
            }
            Which::Unfit(why) => return Err(Trouble::new(why)),
            Which::Neither | Which::Unsaid => return Err(changed(call)),
        },
        (Some(true) | None, kept) => !kept,
    };
    if new {
        outcome.result = Ok(now);
    }
    Ok(())
}

const AT_TERMINAL: &str = "go on with it at a terminal; a run that is started with `RBK_JOURNAL_KEY` keeps it";

/// Which of two secrets is right.
enum Which {
    Old,
    New,
    Neither,
    /// The command line says something else, and why that does not fit.
    Unfit(String),
    /// Nobody is there.
    Unsaid,
}

fn changed(call: &Call) -> Trouble {
    let source = format!("{CHANGED}{}", call.text);
    Trouble::new(format!("`{}` gives another secret now than when the run was started", call.text)).with_help(format!(
        "set it to what it was; or say `--answer '{source}={NEW}'`; or undo by hand what the run did, and `rbk close` it"
    ))
}

/// Who says it, while what is told is only remembered.
struct Asked<'a> {
    watcher: &'a mut dyn Watcher,
    answers: &'a mut dyn Answers,
}

impl Asked<'_> {
    async fn which(&mut self, call: &Call, options: &[&str]) -> Which {
        let question = QuestionAsked {
            path: call.path.clone(),
            source: format_smolstr!("{CHANGED}{}", call.text),
            text: format!("{}: which one is right?", changed(call).message),
            kind: QuestionKind::Choose(options.iter().map(|option| (*option).to_owned()).collect()),
            within: None,
        };
        let given = self.answers.gives(&question);
        self.watcher.show(Shown::Out);
        // No question of the engine has this number.
        self.answers.ask(QuestionId(0), &question);
        let (_, answer) = self.answers.poll().await;
        self.watcher.show(Shown::Remembered);
        match answer {
            Ok(Answer { value: Value::Str(text), .. }) if &*text == NEW => Which::New,
            Ok(Answer { value: Value::Str(text), .. }) if &*text == OLD => Which::Old,
            Ok(_) => Which::Neither,
            Err(why) if given => Which::Unfit(why),
            Err(_) => Which::Unsaid,
        }
    }
}

fn is(call: &Call, name: &str) -> bool {
    matches!(&call.what, What::Native { action, .. } if action == name)
}

fn unfit(why: &str) -> Trouble {
    Trouble::new(format!("the journal and the run do not fit: {why}"))
        .with_help("undo by hand what it did, then end it with `rbk close`")
}
