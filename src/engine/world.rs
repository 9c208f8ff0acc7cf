//! What all parts of one run share: what time it is, what was asked for and not yet answered, what is said at the end.
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::check::program::{NameId, NameInfo, Program};
use crate::engine::Inputs;
use crate::engine::bug::Bug;
use crate::engine::call::{CallId, Path, TxId};
use crate::engine::console::Desk;
use crate::engine::doubt::End;
use crate::engine::event::{
    Answer, Command, Extent, Failure, Left, Progress, QuestionId, StepFailure, TimerClock, TimerId,
};
use crate::engine::executor::{Queue, Slot};
use crate::engine::gate::Gate;
use crate::engine::names::Names;
use crate::engine::record::Record;
use crate::engine::scope::Scope;
use crate::engine::tree::Seq;
use crate::value::redact::{Redactor, is_short};
use crate::value::{Nanos, Secret, SmolStr, Timestamp, Value};

pub(super) struct World<'p> {
    program: Cell<&'p Program>,
    pub inputs: &'p Inputs,
    bug: Option<Bug>,
    pub queue: Queue<'p>,
    pub now: Cell<Nanos>,
    /// The wall clock of the latest start, and its running time.
    pub clock: Cell<(Timestamp, Nanos)>,
    /// How many processes have gone on with the run.
    pub process: Cell<u32>,
    pub gate: Gate,
    /// Params and what all modules declare.
    pub globals: Rc<Names>,
    /// Of the way forward: the deadline and the first signal cancel it.
    pub forward: Rc<Scope>,
    /// Some cancel was asked for: until then nobody need look.
    pub disturbed: Cell<bool>,
    pub killed: Cell<bool>,
    /// The body ended well: what is undone after that may have been changed since.
    pub went_well: Cell<bool>,
    /// A person has asked for the way back; taken when it begins.
    pub asked_back: RefCell<Option<AskedBack>>,
    /// And has asked this process.
    pub wanted: Cell<bool>,
    /// Of `on success`, while it runs.
    pub celebrating: RefCell<Option<Rc<Scope>>>,
    /// Of the undo of the run, while it runs, and how much of it that is.
    pub undoing: RefCell<Option<(Rc<Scope>, Extent)>>,
    /// Why the run did not go well, once it has ended.
    pub failure: RefCell<Option<StepFailure>>,
    pub desk: Desk,
    /// What the run has to undo.
    pub tree: Rc<Seq<'p>>,
    /// A write may have had an effect.
    pub wrote: Cell<bool>,
    /// Nothing forward ever starts again.
    pub back: Cell<bool>,
    /// The default for steps.
    pub step_timeout: Cell<Option<Nanos>>,
    pub rollback_within: Cell<Option<Nanos>>,
    /// The innermost step that the first cancel has met.
    pub cut: RefCell<Option<(SmolStr, Path)>>,
    pub answers: RefCell<BTreeMap<(Path, String), Answer>>,
    pub notes: RefCell<Vec<(String, Value)>>,
    pub warnings: RefCell<Vec<String>>,
    pub undone: RefCell<Vec<(Path, SmolStr)>>,
    /// What is left whatever the tree says: failed `finally`s, what a person must do.
    pub left: RefCell<Vec<Left>>,
    secrets: RefCell<Redactor>,
    /// Secrets that a recorded event came without, and which process had heard it.
    lost: RefCell<BTreeMap<String, u32>>,
    /// One of them, when what a process did followed from it.
    pub missing: RefCell<Option<String>>,
    out: RefCell<Vec<Command>>,
    calls: RefCell<BTreeMap<CallId, Rc<Slot<End>>>>,
    timers: RefCell<BTreeMap<TimerId, Alarm>>,
    questions: RefCell<BTreeMap<QuestionId, Rc<Slot<Answered>>>>,
    ids: Cell<u64>,
}

pub(super) struct AskedBack {
    pub why: String,
    pub what: Extent,
}

pub(super) enum Alarm {
    Wake(Rc<Slot<()>>),
    Limit(Rc<Scope>),
}

/// `Err`: nobody can answer, and why.
pub(super) type Answered = Result<Answer, String>;

/// How many commands an event leads to, most of the time.
const TYPICAL: usize = 8;

impl<'p> World<'p> {
    pub fn new(program: &'p Program, inputs: &'p Inputs, bug: Option<Bug>) -> World<'p> {
        World {
            program: Cell::new(program),
            inputs,
            bug,
            queue: Queue::default(),
            now: Cell::default(),
            clock: Cell::new((inputs.started, Nanos(0))),
            process: Cell::default(),
            gate: Gate::default(),
            globals: Rc::default(),
            forward: Rc::default(),
            disturbed: Cell::default(),
            killed: Cell::default(),
            went_well: Cell::default(),
            asked_back: RefCell::default(),
            wanted: Cell::default(),
            celebrating: RefCell::default(),
            undoing: RefCell::default(),
            failure: RefCell::default(),
            desk: Desk::default(),
            tree: Rc::default(),
            wrote: Cell::default(),
            back: Cell::default(),
            step_timeout: Cell::default(),
            rollback_within: Cell::default(),
            cut: RefCell::default(),
            answers: RefCell::default(),
            notes: RefCell::default(),
            warnings: RefCell::default(),
            undone: RefCell::default(),
            left: RefCell::default(),
            secrets: RefCell::default(),
            lost: RefCell::default(),
            missing: RefCell::default(),
            out: RefCell::default(),
            calls: RefCell::default(),
            timers: RefCell::default(),
            questions: RefCell::default(),
            ids: Cell::default(),
        }
    }

    /// At a console the one with the latest input.
    pub fn program(&self) -> &'p Program {
        self.program.get()
    }

    /// One with more inputs: what stands in the last one stands in it at the same places.
    pub fn go_on_with(&self, program: &'p Program) {
        self.program.set(program);
    }

    /// Whether this mistake was put in. Never in a release: what asks for it is not even compiled there.
    pub fn planted(&self, bug: Bug) -> bool {
        cfg!(debug_assertions) && self.bug == Some(bug)
    }

    pub fn push(&self, command: Command) {
        self.out.borrow_mut().push(command);
    }

    pub fn tell(&self, progress: Progress) {
        self.push(Command::Tell(progress));
    }

    pub fn record(&self, record: Record) {
        self.push(Command::Record(record));
    }

    pub fn take_commands(&self) -> Vec<Command> {
        self.out.replace(Vec::with_capacity(TYPICAL))
    }

    pub fn warn(&self, path: &Path, text: String) {
        self.warnings.borrow_mut().push(text.clone());
        self.tell(Progress::Warning { path: path.clone(), text });
    }

    /// From now on, whatever contains this secret is one; a short one is not searched for.
    pub fn learn(&self, path: &Path, value: &Value) {
        if let Value::Secret(secret) = value {
            if !is_short(secret.expose()) {
                self.secrets.borrow_mut().learn(&secret.name, secret.expose());
            }
            let (path, name) = (path.clone(), secret.name.clone());
            self.record(Record::Bound { path, name, value: value.clone() });
        }
    }

    /// Servers repeat what they were given.
    pub fn redact(&self, failure: &mut Failure) {
        for text in std::iter::once(&mut failure.message).chain(&mut failure.notes) {
            self.redact_text(text);
        }
    }

    pub fn redact_text(&self, text: &mut String) {
        let clean = match self.secrets.borrow().redact_cut(text) {
            std::borrow::Cow::Owned(clean) => clean,
            std::borrow::Cow::Borrowed(_) => return,
        };
        *text = clean;
    }

    pub fn guarded(&self, mut value: Value) -> Value {
        let secrets = self.secrets.borrow();
        if let Value::Response(response) = &mut value {
            secrets.guard(Arc::make_mut(response));
            return value;
        }
        match secrets.hides(&value) {
            Some(name) => Secret::hide(name, value),
            None => value,
        }
    }

    pub fn name(&self, id: NameId) -> Option<&'p NameInfo> {
        self.program().names.get(id.0 as usize).map(|info| &**info)
    }

    pub fn name_text(&self, id: NameId) -> SmolStr {
        self.name(id).map(|info| info.text.clone()).unwrap_or_default()
    }

    fn next(&self) -> u64 {
        let id = self.ids.get() + 1;
        self.ids.set(id);
        id
    }

    pub fn call_id(&self) -> CallId {
        CallId(self.next())
    }

    pub fn tx_id(&self) -> TxId {
        TxId(self.next())
    }

    pub fn await_call(&self, id: CallId) -> Rc<Slot<End>> {
        let slot = Slot::new();
        self.calls.borrow_mut().insert(id, slot.clone());
        slot
    }

    pub fn await_answer(&self) -> (QuestionId, Rc<Slot<Answered>>) {
        let id = QuestionId(self.next());
        let slot = Slot::new();
        self.questions.borrow_mut().insert(id, slot.clone());
        (id, slot)
    }

    pub fn withdraw(&self, id: QuestionId) {
        self.questions.borrow_mut().remove(&id);
        self.push(Command::Withdraw(id));
    }

    pub fn timer(&self, after: Nanos, clock: TimerClock, alarm: Alarm) -> TimerId {
        let id = TimerId(self.next());
        self.timers.borrow_mut().insert(id, alarm);
        self.push(Command::Timer(id, after, clock));
        id
    }

    pub fn clear(&self, id: TimerId) {
        self.forget(id);
        self.push(Command::Clear(id));
    }

    pub fn forget(&self, id: TimerId) {
        self.timers.borrow_mut().remove(&id);
    }

    /// Another process goes on: what belonged to the last one is gone.
    pub fn resumed(&self, now: Timestamp) {
        self.clock.set((now, self.now.get()));
        self.process.set(self.process.get() + 1);
        self.wanted.set(false);
        self.gate.shut();
        self.queue.wake_all();
    }

    pub fn ended(&self, id: CallId, end: End) {
        let slot = self.calls.borrow_mut().remove(&id);
        if let Some(slot) = slot {
            slot.put(&self.queue, end);
        }
    }

    /// A recorded event came without what the process that heard it knew.
    pub fn came_without(&self, secret: String) {
        self.lost.borrow_mut().insert(secret, self.process.get());
    }

    /// Something is to be decided by a secret that was not kept. The process that recorded it had it, unless it was
    /// lost before.
    pub fn decide_by(&self, secret: &str) {
        let had = self.lost.borrow().get(secret).is_none_or(|process| *process == self.process.get());
        if had {
            *self.missing.borrow_mut() = Some(secret.to_owned());
        }
    }

    pub fn answered(&self, id: QuestionId, answer: Answered) {
        let slot = self.questions.borrow_mut().remove(&id);
        if let Some(slot) = slot {
            slot.put(&self.queue, answer);
        }
    }

    pub fn fired(&self, id: TimerId) {
        let alarm = self.timers.borrow_mut().remove(&id);
        match alarm {
            Some(Alarm::Wake(slot)) => slot.put(&self.queue, ()),
            Some(Alarm::Limit(scope)) => scope.over(self),
            None => {}
        }
    }
}
