//! A scripted outside world and a clock that jumps: for tests and rehearsals. Nothing real happens, and no time passes.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::check::program::{Effect, Want};
use crate::engine::event::{QuestionKind, TimerClock, TimerId};
use crate::engine::{
    Answer, Call, CallId, Command, Ending, Engine, Event, Extent, Failure, FailureKind, Finish, Input, Outcome,
    QuestionAsked, QuestionId, Record, What,
};
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// What the world answers. The first rule that fits a call and is not used up decides; without one it goes well at once.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub rules: Vec<Rule>,
    pub answers: Vec<Reply>,
    /// Signals, and when.
    pub signals: Vec<(Nanos, Signal)>,
    /// After this many events the process dies, in order.
    pub crashes: Vec<(usize, Crash)>,
    /// Each time that it is rolled back once it has ended: how much of it.
    pub rollbacks: Vec<Extent>,
    /// What a person does at a console, each when it is ready; then it ends, and all stays.
    pub turns: Vec<Event>,
}

/// A process dies, and another goes on with the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crash {
    /// How long nobody holds the run.
    pub down: Nanos,
    pub then: Then,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Then {
    #[default]
    Resume,
    Rollback(Extent),
}

#[derive(Clone, Debug)]
pub struct Rule {
    /// Of the call's text; `*` is any text.
    pub pattern: String,
    /// How often; none: always.
    pub times: Option<u32>,
    pub after: Nanos,
    /// None: it never ends by itself.
    pub outcome: Option<Outcome>,
    /// What a cancel makes of it, and how long that takes.
    pub cancel: (Outcome, Nanos),
    /// What its provider can prove of it after a crash.
    pub proof: Option<Proof>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Done,
    None,
}

#[derive(Clone, Debug)]
pub struct Reply {
    /// Of the question's text.
    pub pattern: String,
    pub times: Option<u32>,
    pub after: Nanos,
    /// None: nobody is there.
    pub value: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    Stop,
    Kill,
    Crash(Crash),
}

impl Rule {
    #[must_use]
    pub fn new(pattern: &str, outcome: Outcome) -> Rule {
        Rule {
            pattern: pattern.to_owned(),
            times: None,
            after: Nanos(0),
            outcome: Some(outcome),
            cancel: cancelled(),
            proof: None,
        }
    }
}

fn cancelled() -> (Outcome, Nanos) {
    (Outcome::failed(Ending::Some, Failure::new(FailureKind::Cancelled, "cancelled")), Nanos(0))
}

/// What happened in a run in such a world.
#[derive(Debug)]
pub struct Played {
    /// Every event, in the order the engine consumed it.
    pub inputs: Vec<Input>,
    /// What the engine asked for after each of them.
    pub commands: Vec<Vec<Command>>,
    /// None: it waits for ever.
    pub finish: Option<Finish>,
}

/// Run to the end. Events of the same instant come in the order they were caused.
pub fn play(engine: Engine, script: &Script) -> Played {
    play_in(engine, Fake::new(script))
}

/// As [`play`], in this world.
pub fn play_in(engine: Engine, mut world: Fake<'_>) -> Played {
    let mut played = Played { inputs: Vec::new(), commands: Vec::new(), finish: None };
    let mut engine = engine;
    while let Some(input) = world.happen() {
        let commands = engine.on(input.clone());
        let mut ended = false;
        for command in &commands {
            if let Command::Finish(finish) = command {
                played.finish = Some(Finish::clone(finish));
                ended = true;
            }
            world.take(command);
        }
        played.inputs.push(input);
        played.commands.push(commands);
        if ended && !world.rolls_back() {
            break;
        }
    }
    played
}

/// Decides each call, where rules are not enough.
pub type Decide<'d> = Box<dyn FnMut(&Call) -> Rule + 'd>;

/// The world itself, one event at a time.
pub struct Fake<'d> {
    decide: Option<Decide<'d>>,
    now: Nanos,
    /// What happens before everything else.
    first: VecDeque<Coming>,
    /// What is going to happen.
    due: BTreeMap<Due, Coming>,
    caused: u64,
    /// Events so far.
    count: usize,
    crashes: VecDeque<(usize, Crash)>,
    rollbacks: VecDeque<Extent>,
    turns: VecDeque<Event>,
    /// Calls that a journal has an intent of.
    intents: BTreeSet<CallId>,
    calls: BTreeMap<CallId, Pending>,
    /// Those that were under way when the process died, until the next one has seen to them.
    lost: Vec<Pending>,
    timers: BTreeMap<TimerId, (Due, TimerClock)>,
    questions: BTreeMap<QuestionId, Due>,
    rules: Vec<Rule>,
    answers: Vec<Reply>,
}

/// When, and as which of all that was ever caused.
type Due = (Nanos, u64);

enum Coming {
    Event(Event),
    Crash(Crash),
    /// The new process sees to the calls of the last one.
    Settle,
}

struct Pending {
    call: Arc<Call>,
    proof: Option<Proof>,
    end: Option<Due>,
    cancelled: bool,
    /// What a cancel makes of it; none: what it makes of any call.
    cancel: Option<Box<(Outcome, Nanos)>>,
}

impl<'d> Fake<'d> {
    #[must_use]
    pub fn new(script: &Script) -> Fake<'d> {
        let mut fake = Fake {
            decide: None,
            now: Nanos(0),
            first: VecDeque::new(),
            due: BTreeMap::new(),
            caused: 0,
            count: 0,
            crashes: script.crashes.iter().cloned().collect(),
            rollbacks: script.rollbacks.iter().cloned().collect(),
            turns: script.turns.iter().cloned().collect(),
            intents: BTreeSet::new(),
            calls: BTreeMap::new(),
            lost: Vec::new(),
            timers: BTreeMap::new(),
            questions: BTreeMap::new(),
            rules: script.rules.clone(),
            answers: script.answers.clone(),
        };
        fake.cause(Nanos(0), Event::Start);
        for (at, signal) in &script.signals {
            let coming = match signal {
                Signal::Stop => Coming::Event(Event::Stop),
                Signal::Kill => Coming::Event(Event::Kill),
                Signal::Crash(crash) => Coming::Crash(crash.clone()),
            };
            fake.come(*at, coming);
        }
        fake
    }

    /// A world that decides each call by itself.
    #[must_use]
    pub fn deciding(script: &Script, decide: impl FnMut(&Call) -> Rule + 'd) -> Fake<'d> {
        Fake { decide: Some(Box::new(decide)), ..Fake::new(script) }
    }

    fn cause(&mut self, after: Nanos, event: Event) -> Due {
        self.come(after, Coming::Event(event))
    }

    fn come(&mut self, after: Nanos, coming: Coming) -> Due {
        self.caused += 1;
        let due = (Nanos(self.now.0.saturating_add(after.0)), self.caused);
        self.due.insert(due, coming);
        due
    }

    /// What happens next; none: nothing will.
    pub fn happen(&mut self) -> Option<Input> {
        let event = loop {
            if let Some((_, crash)) = self.crashes.pop_front_if(|(after, _)| *after <= self.count) {
                self.crash(crash);
            }
            let coming = match self.first.pop_front() {
                Some(coming) => coming,
                None => {
                    let ((at, _), coming) = self.due.pop_first()?;
                    self.now = at;
                    coming
                }
            };
            match coming {
                Coming::Event(event) => break event,
                Coming::Crash(crash) => self.crash(crash),
                Coming::Settle => self.settle(),
            }
        };
        self.count += 1;
        match &event {
            Event::Ended(id, _) => drop(self.calls.remove(id)),
            Event::Fired(id) => drop(self.timers.remove(id)),
            Event::Answered(id, _) | Event::Unanswered(id, _) | Event::Parked(id, _) => drop(self.questions.remove(id)),
            Event::Doubted(id) | Event::Failed(id, _) | Event::Unstarted(id) => drop(self.calls.remove(id)),
            Event::Start
            | Event::Resumed { .. }
            | Event::Stop
            | Event::Rollback { .. }
            | Event::Enter(_)
            | Event::Undo { .. }
            | Event::Keep(_)
            | Event::Kill => {}
        }
        Some(Input { at: self.now, event })
    }

    /// The process dies with all that was under way, and the next one goes on.
    fn crash(&mut self, crash: Crash) {
        for (_, pending) in std::mem::take(&mut self.calls) {
            pending.end.map(|end| self.due.remove(&end));
            self.lost.push(pending);
        }
        // By the wall clock, time has passed.
        let walls = self.timers.values_mut().filter(|(_, clock)| *clock == TimerClock::Wall);
        for (due, _) in walls {
            if let Some(coming) = self.due.remove(due) {
                due.0 = Nanos(due.0.0 - crash.down.0).max(self.now);
                self.due.insert(*due, coming);
            }
        }
        self.first.push_back(Coming::Event(resumed(crash.down)));
        if let Then::Rollback(what) = crash.then {
            // Nobody works at the console any more.
            let is_turn = |coming: &Coming| {
                matches!(
                    coming,
                    Coming::Event(Event::Enter(_) | Event::Undo { .. } | Event::Keep(_) | Event::Rollback { .. })
                )
            };
            self.due.retain(|_, coming| !is_turn(coming));
            self.turns.clear();
            self.first.push_back(Coming::Event(rollback(what)));
        }
        self.first.push_back(Coming::Settle);
    }

    fn settle(&mut self) {
        for Pending { call, proof, cancelled, .. } in std::mem::take(&mut self.lost) {
            let id = call.id;
            let proof = proof.filter(|_| !matches!(call.what, What::Begin { .. }));
            let event = match (self.intents.contains(&id), proof) {
                (true, None) => Event::Doubted(id),
                (true, Some(Proof::Done)) => Event::Ended(id, Box::new(well(call.want))),
                (true, Some(Proof::None)) => Event::Unstarted(id),
                // Both are right for what only reads.
                (false, _) if cancelled || call.effect >= Effect::Notify || id.0 % 2 == 0 => Event::Unstarted(id),
                (false, _) => {
                    self.call(&call);
                    continue;
                }
            };
            self.first.push_back(Coming::Event(event));
        }
    }

    /// The run has ended: whether somebody wants it undone.
    fn rolls_back(&mut self) -> bool {
        let Some(what) = self.rollbacks.pop_front() else { return false };
        self.due.clear();
        self.first = VecDeque::from([resumed(Nanos(0)), rollback(what)].map(Coming::Event));
        true
    }

    /// Do what the engine asks for.
    pub fn take(&mut self, command: &Command) {
        match command {
            Command::Call(call) => self.call(call),
            Command::Cancel(id) => {
                if let Some(pending) = self.lost.iter_mut().find(|pending| pending.call.id == *id) {
                    pending.cancelled = true;
                } else if let Some(mut pending) = self.calls.remove(id) {
                    pending.end.map(|end| self.due.remove(&end));
                    let (outcome, after) = pending.cancel.take().map_or_else(cancelled, |cancel| *cancel);
                    pending.end = Some(self.cause(after, Event::Ended(*id, Box::new(outcome))));
                    pending.cancelled = true;
                    self.calls.insert(*id, pending);
                }
            }
            Command::Timer(id, after, clock) => {
                let due = self.cause(*after, Event::Fired(*id));
                self.timers.insert(*id, (due, *clock));
            }
            Command::Clear(id) => {
                if let Some((due, _)) = self.timers.remove(id) {
                    self.due.remove(&due);
                }
            }
            Command::Ask(id, asked) => self.ask(*id, asked),
            Command::Withdraw(id) => {
                if let Some(due) = self.questions.remove(id) {
                    self.due.remove(&due);
                }
            }
            Command::Record(Record::Intent { call, .. }) => drop(self.intents.insert(*call)),
            Command::Ready(_) => {
                let turn = self.turns.pop_front().unwrap_or(Event::Keep(None));
                self.cause(Nanos(0), turn);
            }
            Command::Record(_) | Command::Tell(_) | Command::Finish(_) => {}
        }
    }

    fn call(&mut self, call: &Arc<Call>) {
        if let Some(decide) = &mut self.decide {
            self.rules = vec![Rule { pattern: "*".to_owned(), ..decide(call) }];
        }
        let found = self.rules.iter_mut().find(|rule| rule.times != Some(0) && fits(&rule.pattern, &call.text));
        let (after, outcome, cancel, proof) = match found {
            Some(rule) => {
                rule.times = rule.times.map(|times| times - 1);
                (rule.after, rule.outcome.clone(), Some(Box::new(rule.cancel.clone())), rule.proof)
            }
            None => (Nanos(0), (call.want != Want::Runs).then(|| well(call.want)), None, None),
        };
        let end = outcome.map(|outcome| self.cause(after, Event::Ended(call.id, Box::new(outcome))));
        self.calls.insert(call.id, Pending { call: call.clone(), proof, end, cancelled: false, cancel });
    }

    fn ask(&mut self, id: QuestionId, asked: &QuestionAsked) {
        let found = self.answers.iter_mut().find(|reply| reply.times != Some(0) && fits(&reply.pattern, &asked.text));
        let (after, value) = match found {
            Some(reply) => {
                reply.times = reply.times.map(|times| times - 1);
                (reply.after, reply.value.clone())
            }
            None => match &asked.kind {
                QuestionKind::Doubt(words) => (Nanos(0), words.last().map(|word| Value::str(word.as_str()))),
                // Nobody answers.
                _ => return,
            },
        };
        let Some(value) = value else {
            let due = self.cause(after, Event::Unanswered(id, "nobody is there".to_owned()));
            self.questions.insert(id, due);
            return;
        };
        let value = match (&asked.kind, value) {
            (QuestionKind::Confirm | QuestionKind::Irreversible { .. }, Value::Str(text)) => {
                Value::Bool(&*text == "yes")
            }
            (_, value) => value,
        };
        let due = self.cause(after, Event::Answered(id, Answer { value, who: SmolStr::new_static("operator") }));
        self.questions.insert(id, due);
    }
}

fn resumed(down: Nanos) -> Event {
    let now = Timestamp::UNIX_EPOCH.checked_add(jiff::SignedDuration::from_nanos(down.0)).unwrap_or_default();
    Event::Resumed { now }
}

fn rollback(what: Extent) -> Event {
    Event::Rollback { why: "rolled back by operator".to_owned(), what }
}

/// What goes well, by what is wanted.
#[must_use]
pub fn well(want: Want) -> Outcome {
    Outcome::done(match want {
        Want::Nothing | Want::Runs => Value::Null,
        Want::Value => Value::str(""),
        Want::Result => Value::record([
            (SmolStr::new_static("code"), Value::Int(0)),
            (SmolStr::new_static("out"), Value::str("")),
            (SmolStr::new_static("err"), Value::str("")),
        ]),
        Want::Condition => Value::Bool(true),
    })
}

/// `*` is any text; everything else is itself.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            match rest.find(before) {
                Some(at) => rest = rest.get(at + before.len()..).unwrap_or_default(),
                None => return false,
            }
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

mod script;
