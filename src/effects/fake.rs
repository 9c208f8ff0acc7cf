//! A scripted outside world and a clock that jumps: for tests and rehearsals. Nothing real happens, and no time passes.
use std::collections::BTreeMap;

use crate::check::program::Want;
use crate::engine::event::{QuestionKind, TimerId};
use crate::engine::{
    Answer, Call, CallId, Command, Ending, Engine, Event, Failure, FailureKind, Finish, Input, Outcome, QuestionAsked,
    QuestionId,
};
use crate::value::{Nanos, SmolStr, Value};

/// What the world answers. The first rule that fits a call and is not used up decides; without one it goes well at once.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub rules: Vec<Rule>,
    pub answers: Vec<Reply>,
    /// Signals, and when.
    pub signals: Vec<(Nanos, Signal)>,
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
}

#[derive(Clone, Debug)]
pub struct Reply {
    /// Of the question's text.
    pub pattern: String,
    pub times: Option<u32>,
    pub after: Nanos,
    pub value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Stop,
    Kill,
}

impl Rule {
    #[must_use]
    pub fn new(pattern: &str, outcome: Outcome) -> Rule {
        Rule { pattern: pattern.to_owned(), times: None, after: Nanos(0), outcome: Some(outcome), cancel: cancelled() }
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
        for command in &commands {
            if let Command::Finish(finish) = command {
                played.finish = Some(Finish::clone(finish));
            }
            world.take(command);
        }
        played.inputs.push(input);
        played.commands.push(commands);
        if played.finish.is_some() {
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
    /// What is going to happen.
    due: BTreeMap<Due, Event>,
    caused: u64,
    calls: BTreeMap<CallId, Pending>,
    timers: BTreeMap<TimerId, Due>,
    questions: BTreeMap<QuestionId, Due>,
    rules: Vec<Rule>,
    answers: Vec<Reply>,
}

/// When, and as which of all that was ever caused.
type Due = (Nanos, u64);

struct Pending {
    end: Option<Due>,
    /// What a cancel makes of it; none: what it makes of any call.
    cancel: Option<Box<(Outcome, Nanos)>>,
}

impl<'d> Fake<'d> {
    #[must_use]
    pub fn new(script: &Script) -> Fake<'d> {
        let mut fake = Fake {
            decide: None,
            now: Nanos(0),
            due: BTreeMap::new(),
            caused: 0,
            calls: BTreeMap::new(),
            timers: BTreeMap::new(),
            questions: BTreeMap::new(),
            rules: script.rules.clone(),
            answers: script.answers.clone(),
        };
        fake.cause(Nanos(0), Event::Start);
        for (at, signal) in &script.signals {
            let event = match signal {
                Signal::Stop => Event::Stop,
                Signal::Kill => Event::Kill,
            };
            fake.cause(*at, event);
        }
        fake
    }

    /// A world that decides each call by itself.
    #[must_use]
    pub fn deciding(script: &Script, decide: impl FnMut(&Call) -> Rule + 'd) -> Fake<'d> {
        Fake { decide: Some(Box::new(decide)), ..Fake::new(script) }
    }

    fn cause(&mut self, after: Nanos, event: Event) -> Due {
        self.caused += 1;
        let due = (Nanos(self.now.0.saturating_add(after.0)), self.caused);
        self.due.insert(due, event);
        due
    }

    /// What happens next; none: nothing will.
    pub fn happen(&mut self) -> Option<Input> {
        let ((at, _), event) = self.due.pop_first()?;
        self.now = at;
        match &event {
            Event::Ended(id, _) => drop(self.calls.remove(id)),
            Event::Fired(id) => drop(self.timers.remove(id)),
            Event::Answered(id, _) | Event::Unanswered(id, _) => drop(self.questions.remove(id)),
            Event::Doubted(id) | Event::Unstarted(id) => drop(self.calls.remove(id)),
            Event::Start | Event::Resumed { .. } | Event::Stop | Event::Rollback { .. } | Event::Kill => {}
        }
        Some(Input { at, event })
    }

    /// Do what the engine asks for.
    pub fn take(&mut self, command: &Command) {
        match command {
            Command::Call(call) => self.call(call),
            Command::Cancel(id) => {
                if let Some(Pending { end, cancel }) = self.calls.remove(id) {
                    end.map(|end| self.due.remove(&end));
                    let (outcome, after) = cancel.map_or_else(cancelled, |cancel| *cancel);
                    self.cause(after, Event::Ended(*id, Box::new(outcome)));
                }
            }
            Command::Timer(id, after, _) => {
                let due = self.cause(*after, Event::Fired(*id));
                self.timers.insert(*id, due);
            }
            Command::Clear(id) => {
                if let Some(due) = self.timers.remove(id) {
                    self.due.remove(&due);
                }
            }
            Command::Ask(id, asked) => self.ask(*id, asked),
            Command::Withdraw(id) => {
                if let Some(due) = self.questions.remove(id) {
                    self.due.remove(&due);
                }
            }
            Command::Record(_) | Command::Tell(_) | Command::Finish(_) => {}
        }
    }

    fn call(&mut self, call: &Call) {
        if let Some(decide) = &mut self.decide {
            self.rules = vec![Rule { pattern: "*".to_owned(), ..decide(call) }];
        }
        let found = self.rules.iter_mut().find(|rule| rule.times != Some(0) && fits(&rule.pattern, &call.text));
        let (after, outcome, cancel) = match found {
            Some(rule) => {
                rule.times = rule.times.map(|times| times - 1);
                (rule.after, rule.outcome.clone(), Some(Box::new(rule.cancel.clone())))
            }
            None => (Nanos(0), (call.want != Want::Runs).then(|| well(call.want)), None),
        };
        let end = outcome.map(|outcome| self.cause(after, Event::Ended(call.id, Box::new(outcome))));
        self.calls.insert(call.id, Pending { end, cancel });
    }

    fn ask(&mut self, id: QuestionId, asked: &QuestionAsked) {
        let found = self.answers.iter_mut().find(|reply| reply.times != Some(0) && fits(&reply.pattern, &asked.text));
        let (after, value) = match found {
            Some(reply) => {
                reply.times = reply.times.map(|times| times - 1);
                (reply.after, reply.value.clone())
            }
            // Nobody answers.
            None => return,
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
