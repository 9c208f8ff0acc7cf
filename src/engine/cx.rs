//! Where a statement runs: its path, what it can read, what it adds to, what can cancel it.
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use crate::check::program::{Action, Expr, Stmt, Undo};
use crate::engine::bug::Bug;
use crate::engine::call::{Context, Path, Segment, TxId};
use crate::engine::event::{Failure, FailureKind, TimerClock};
use crate::engine::executor::Slot;
use crate::engine::failure::{Fault, Stop};
use crate::engine::late::{self, Late};
use crate::engine::names::Names;
use crate::engine::scope::Scope;
use crate::engine::tree::{Place, Seq, Unit, Wall};
use crate::engine::world::{Alarm, World};
use crate::source::Span;
use crate::value::lost::lost_in;
use crate::value::{Connection, Nanos, SmolStr, Value};

pub(super) struct Cx<'p> {
    pub world: Rc<World<'p>>,
    pub path: Path,
    /// The statement that runs; none outside the body.
    pub span: Option<Span>,
    pub names: Rc<Names>,
    pub contexts: Arc<[Context]>,
    pub seq: Rc<Seq<'p>>,
    pub inst: Rc<Instance<'p>>,
    pub scope: Rc<Scope>,
    pub mode: Mode,
    pub tx: Option<Rc<Tx>>,
    /// How many `parallel`s are around.
    pub beside: u32,
    /// Those of this statement.
    pub calls: Rc<Calls>,
}

impl Clone for Cx<'_> {
    fn clone(&self) -> Self {
        Cx {
            world: self.world.clone(),
            path: self.path.clone(),
            span: self.span,
            names: self.names.clone(),
            contexts: self.contexts.clone(),
            seq: self.seq.clone(),
            inst: self.inst.clone(),
            scope: self.scope.clone(),
            mode: self.mode,
            tx: self.tx.clone(),
            beside: self.beside,
            calls: self.calls.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Writes register their undo.
    Forward,
    /// A rollback or a `finally`: nothing registers, a failing statement is repeated.
    Back,
    /// `on success`, `on failure`: nothing registers, nothing is repeated.
    Handler,
}

/// What a statement has called so far.
#[derive(Default)]
pub(super) struct Calls {
    /// How much of it reached outside: the last part of a call's key.
    pub ordinal: Cell<u32>,
    /// The end of the last one is not known: a repeat is the same call, under the same key.
    pub doubt: Cell<bool>,
    /// How often each action was called.
    actions: RefCell<Vec<(u32, u32)>>,
}

impl Calls {
    /// How often this one was called before.
    pub fn again(&self, branch: u32) -> u32 {
        let mut actions = self.actions.borrow_mut();
        match actions.iter_mut().find(|(of, _)| *of == branch) {
            Some((_, times)) => {
                *times += 1;
                *times
            }
            None => {
                actions.push((branch, 0));
                0
            }
        }
    }
}

pub(super) struct Tx {
    pub id: TxId,
    pub on: Arc<Connection>,
    /// Which process opened it.
    pub process: u32,
}

impl Tx {
    /// Its process died, and it with it.
    pub fn is_gone(&self, world: &World<'_>) -> bool {
        self.process != world.process.get()
    }
}

/// One attempt of a step or an action, or one run of a rollback, a `finally`, a handler.
pub(super) struct Instance<'p> {
    pub parent: Option<Rc<Instance<'p>>>,
    pub path: Path,
    /// The step's head, or the statement that calls the action.
    pub span: Option<Span>,
    /// The step's or the action's.
    pub name: SmolStr,
    /// None for a step.
    pub action: Option<&'p Action>,
    /// The innermost step's.
    pub step: SmolStr,
    /// The name as written.
    pub source: SmolStr,
    pub attempt: u32,
    /// The attempts of all instances around and this one: part of every key.
    pub attempts: SmolStr,
    pub undo: Option<&'p Undo>,
    /// Where its unit goes. Weak: the sequence may hold what holds this.
    pub seq: Weak<Seq<'p>>,
    pub names: Rc<Names>,
    pub contexts: Arc<[Context]>,
    pub scope: Rc<Scope>,
    pub writes: RefCell<Writes<'p>>,
    pub goals: RefCell<Vec<Rc<Goal<'p>>>>,
    /// A `done when` of it is true though a call of it is in doubt: the rest is skipped.
    pub done: Cell<bool>,
    /// A call of it failed as the run was stopped: undone, it begins anew, whatever its `retry` says.
    pub anew: Cell<bool>,
    /// How many `parallel`s are around.
    pub beside: u32,
}

/// What an instance's own writes have come to.
#[derive(Default)]
pub(super) struct Writes<'p> {
    pub started: u32,
    /// How many ended without effect.
    pub none: u32,
    pub unit: Option<Rc<Unit<'p>>>,
    pub wall: Option<Rc<Wall>>,
    /// Its point of no return is being asked about; who writes at the same time waits for the answer.
    pub asking: Option<Vec<Rc<Slot<()>>>>,
    /// A write of it, or of something inside it, may have happened and nothing would undo it.
    pub loose: bool,
}

/// A `done when` that must be true at the end.
pub(super) struct Goal<'p> {
    pub cond: &'p Expr,
    pub path: Path,
    pub names: Rc<Names>,
    pub contexts: Arc<[Context]>,
}

impl<'p> Cx<'p> {
    /// The same, at a statement of the block.
    pub fn at(&self, stmt: &Stmt) -> Cx<'p> {
        let mut here = self.clone();
        here.go_to(self, stmt);
        here
    }

    /// From one statement of a block to another.
    pub fn go_to(&mut self, block: &Cx<'p>, stmt: &Stmt) {
        self.path = block.path.join(Segment::At(stmt.pos));
        self.span = Some(stmt.span);
        match Rc::get_mut(&mut self.calls) {
            Some(calls) => *calls = Calls::default(),
            None => self.calls = Rc::default(),
        }
    }

    pub fn cancelled(&self) -> bool {
        self.scope.cancelled(&self.world)
            || self.tx.as_ref().is_some_and(|tx| tx.is_gone(&self.world) && !self.world.planted(Bug::HalfTransaction))
    }

    pub fn check(&self) -> Result<(), Stop> {
        if self.cancelled() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// What does not know its place better failed in this statement.
    pub fn fault(&self, mut failure: Failure) -> Fault {
        failure.span = failure.span.or(self.span);
        Fault { step: self.inst.step.clone(), path: self.path.clone(), failure, exhausted: false }
    }

    /// For a limit set here.
    pub fn late(&self, what: late::What, time: Nanos, span: Option<Span>) -> Late {
        Late { step: self.inst.step.clone(), path: self.path.clone(), what, time, span: span.or(self.span) }
    }

    pub fn stop(&self, failure: Failure) -> Stop {
        Stop::Fail(Box::new(self.fault(failure)))
    }

    /// That all of it is known: something is to be decided by it.
    pub fn known(&self, value: &Value, span: Span) -> Result<(), Stop> {
        let Some(name) = lost_in(value) else { return Ok(()) };
        self.world.decide_by(&name);
        Err(self.unfit(format!("it needs the secret `{name}`, which is not known any more: it was not kept"), span))
    }

    /// A value that does not fit where it stands.
    pub fn unfit(&self, message: impl Into<String>, span: Span) -> Stop {
        self.stop(Failure { span: Some(span), ..Failure::new(FailureKind::Value, message) })
    }

    /// Bind and record.
    pub fn bind(&self, name: crate::check::program::NameId, value: Value) {
        self.world.record(crate::engine::record::Record::Bound {
            path: self.path.clone(),
            name: self.world.name_text(name),
            value: value.clone(),
        });
        self.names.bind(name, value);
    }

    /// What is kept of here for later: for a rollback, a `finally`.
    pub fn place(&self, path: Path) -> Place {
        Place {
            path,
            span: self.span,
            step: self.inst.name.clone(),
            attempts: self.inst.attempts.clone(),
            attempt: self.inst.attempt,
            names: self.names.clone(),
            contexts: self.contexts.clone(),
        }
    }

    /// Let time pass in which a process holds the run.
    pub async fn sleep(&self, time: Nanos) -> Result<(), Stop> {
        self.pause(time, TimerClock::Running, || false).await.map(drop)
    }

    /// The same, by the wall clock.
    pub async fn wait(&self, time: Nanos) -> Result<(), Stop> {
        self.pause(time, TimerClock::Wall, || false).await.map(drop)
    }

    /// As [`Cx::sleep`], at most until another process goes on with the run: whether all of it has passed in this one.
    pub async fn nap(&self, time: Nanos) -> Result<bool, Stop> {
        let process = self.world.process.get();
        self.pause(time, TimerClock::Running, || self.world.process.get() != process).await
    }

    async fn pause(&self, time: Nanos, clock: TimerClock, over: impl Fn() -> bool) -> Result<bool, Stop> {
        self.check()?;
        if time.0 <= 0 {
            return Ok(true);
        }
        let slot = Slot::new();
        let timer = self.world.timer(time, clock, Alarm::Wake(slot.clone()));
        if slot.take_unless(&self.world.queue, || self.cancelled() || over()).await.is_some() {
            return Ok(true);
        }
        self.world.clear(timer);
        if self.cancelled() {
            self.scope.met(&self.world, self.span, None);
            return Err(Stop::Cancelled);
        }
        Ok(false)
    }
}

impl<'p> Instance<'p> {
    /// For blocks beside the way forward: nothing registers in it.
    pub fn aside(place: &Place, scope: &Rc<Scope>, unit: Option<Rc<Unit<'p>>>) -> Rc<Instance<'p>> {
        Rc::new(Instance {
            parent: None,
            path: place.path.clone(),
            span: place.span,
            name: place.step.clone(),
            action: None,
            step: place.step.clone(),
            source: place.step.clone(),
            attempt: place.attempt,
            attempts: place.attempts.clone(),
            undo: None,
            seq: Weak::new(),
            names: place.names.clone(),
            contexts: place.contexts.clone(),
            scope: scope.clone(),
            writes: RefCell::new(Writes { unit, ..Writes::default() }),
            goals: RefCell::default(),
            done: Cell::default(),
            anew: Cell::default(),
            beside: 0,
        })
    }
}
