//! What a cancel reaches, and the limits that ask for one. A cancel is a request: what is inside sees it at its next
//! wait, ends its calls, and comes back by itself.
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::engine::event::{Command, Failure, FailureKind, TimerClock, TimerId};
use crate::engine::failure::{Fault, Stop};
use crate::engine::late::Late;
use crate::engine::world::{Alarm, World};
use crate::source::Span;
use crate::value::Nanos;

#[derive(Default)]
pub(super) struct Scope {
    parent: Option<Rc<Scope>>,
    request: RefCell<Option<Request>>,
    /// Hears no request but its own limit's, and the second signal.
    shield: Cell<Shield>,
    limit: RefCell<Option<Limit>>,
    /// In which process what runs beside it was ready last; none: nothing runs beside it.
    attended: Cell<Option<u32>>,
    /// The first statement in here that a cancel has met.
    met: Cell<Option<Span>>,
}

/// Which cancels from outside are not heard.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Shield {
    #[default]
    None,
    /// Behind a point of no return: none, as long as there is a way forward and nobody at a console interrupts it.
    Wall,
    /// Beside the way forward: none.
    Aside,
}

#[derive(Clone)]
struct Request {
    fault: Fault,
    /// Passes a shield.
    own_limit: bool,
    /// What was first met by it: where, and the call that ran.
    met: Option<(Span, Option<String>)>,
}

struct Limit {
    left: Nanos,
    since: Nanos,
    timer: Option<TimerId>,
    /// How many questions are open inside.
    questions: u32,
    clock: Clock,
    late: Late,
}

/// What a limit does while a person is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// A step's: stands still.
    Stands,
    /// The deadline's, `rollback within`, a wait's.
    Runs,
}

impl Scope {
    pub fn child(parent: &Rc<Scope>) -> Rc<Scope> {
        Rc::new(Scope { parent: Some(parent.clone()), ..Scope::default() })
    }

    /// For an undo, a `finally`, a handler: only its own limit and the second signal end it.
    pub fn shielded(parent: &Rc<Scope>) -> Rc<Scope> {
        let scope = Scope::child(parent);
        scope.shield.set(Shield::Aside);
        scope
    }

    /// A step behind its own wall is no longer cancelled from outside, from here up to its own scope.
    pub fn raise(self: &Rc<Scope>, up_to: &Rc<Scope>) {
        self.each_up_to(up_to, |scope| scope.shield.set(Shield::Wall));
    }

    pub fn lower(self: &Rc<Scope>, up_to: &Rc<Scope>) {
        self.each_up_to(up_to, |scope| scope.shield.set(Shield::None));
    }

    fn each_up_to(self: &Rc<Scope>, up_to: &Rc<Scope>, act: impl Fn(&Scope)) {
        let mut at = Some(self);
        while let Some(scope) = at {
            act(scope);
            at = if Rc::ptr_eq(scope, up_to) { None } else { scope.parent.as_ref() };
        }
    }

    fn shields(&self, world: &World<'_>) -> bool {
        match self.shield.get() {
            Shield::None => false,
            Shield::Wall => !world.back.get() && !world.desk.interrupted.get(),
            Shield::Aside => true,
        }
    }

    /// What runs beside it is ready, in this process.
    pub fn attend(&self, world: &World<'_>) {
        self.attended.set(Some(world.process.get()));
        world.queue.wake_all();
    }

    /// Nothing runs beside it any more; what ends in it does without.
    pub fn abandon(&self, world: &World<'_>) {
        self.attended.set(None);
        world.queue.wake_all();
    }

    /// It had something beside it, in this process or another.
    pub fn was_attended(&self) -> bool {
        self.attended.get().is_some()
    }

    /// All that runs beside it and what is around it is there.
    pub fn is_attended(&self, world: &World<'_>) -> bool {
        let mut at = Some(self);
        while let Some(scope) = at {
            if scope.attended.get().is_some_and(|process| process != world.process.get()) {
                return false;
            }
            at = scope.parent.as_deref();
        }
        true
    }

    pub fn cancelled(&self, world: &World<'_>) -> bool {
        if !world.disturbed.get() {
            return false;
        }
        let mut at = Some(self);
        while let Some(scope) = at {
            if let Some(request) = &*scope.request.borrow()
                && (request.own_limit || !scope.shields(world))
            {
                return true;
            }
            at = if scope.shields(world) { None } else { scope.parent.as_deref() };
        }
        world.killed.get()
    }

    /// Ask what is inside to stop.
    pub fn cancel(&self, world: &World<'_>, fault: Fault) {
        self.request(world, Request { fault, own_limit: false, met: None });
    }

    /// As if its own limit were over: passes its shield.
    pub fn end(&self, world: &World<'_>, fault: Fault) {
        self.request(world, Request { fault, own_limit: true, met: None });
    }

    fn request(&self, world: &World<'_>, request: Request) {
        let mut old = self.request.borrow_mut();
        match &mut *old {
            Some(old) if old.own_limit || !request.own_limit => return,
            // The first reason stays.
            Some(old) => old.own_limit = true,
            None => *old = Some(request),
        }
        world.disturbed.set(true);
        world.queue.wake_all();
    }

    /// A cancel has reached a statement, and the call that it runs.
    pub fn met(&self, world: &World<'_>, span: Option<Span>, call: Option<&str>) {
        let Some(span) = span else { return };
        let mut at = Some(self);
        while let Some(scope) = at {
            scope.met.set(scope.met.get().or(Some(span)));
            if let Some(request) = &mut *scope.request.borrow_mut()
                && (request.own_limit || !scope.shields(world))
            {
                request.met.get_or_insert_with(|| (span, call.map(brief)));
                return;
            }
            at = if scope.shields(world) { None } else { scope.parent.as_deref() };
        }
    }

    /// The second signal ended what ran in here.
    pub fn interrupted(&self, what: &str) -> Failure {
        let message = format!("{what} was interrupted by a second signal");
        Failure { span: self.met.get(), ..Failure::new(FailureKind::Cancelled, message) }
    }

    /// Why this scope itself was cancelled. Time that is over is over in what was running.
    pub fn fault(&self) -> Option<Fault> {
        let request = self.request.borrow();
        let Request { fault, met, .. } = request.as_ref()?;
        let mut fault = fault.clone();
        let Some((span, call)) = met else { return Some(fault) };
        let late = fault.failure.kind == FailureKind::Timeout;
        if late || fault.failure.span.is_none() {
            fault.failure.span = Some(*span);
        }
        if let (true, Some(call)) = (late, call) {
            fault.failure.message.push_str(&format!("; `{call}` was running"));
        }
        Some(fault)
    }

    /// What comes out of this scope, seen from the one around it: its own cancel is a failure out there.
    pub fn settle<T>(&self, world: &World<'_>, outer: &Scope, result: Result<T, Stop>) -> Result<T, Stop> {
        match (result, self.fault()) {
            (Err(Stop::Cancelled) | Ok(_), Some(fault)) => {
                Err(if outer.cancelled(world) { Stop::Cancelled } else { Stop::Fail(Box::new(fault)) })
            }
            (result, _) => result,
        }
    }

    /// From now on at most this much time.
    pub fn limit(self: &Rc<Scope>, world: &World<'_>, left: Nanos, clock: Clock, late: Late) {
        *self.limit.borrow_mut() = Some(Limit { left, since: world.now.get(), timer: None, questions: 0, clock, late });
        self.arm(world);
    }

    fn arm(self: &Rc<Scope>, world: &World<'_>) {
        let left = {
            let mut limit = self.limit.borrow_mut();
            let Some(limit) = &mut *limit else { return };
            limit.since = world.now.get();
            limit.left
        };
        if left.0 <= 0 {
            return self.over(world);
        }
        let timer = world.timer(left, TimerClock::Running, Alarm::Limit(self.clone()));
        if let Some(limit) = &mut *self.limit.borrow_mut() {
            limit.timer = Some(timer);
        }
    }

    /// The limit's timer has fired.
    pub fn over(&self, world: &World<'_>) {
        let fault = self.limit.borrow_mut().as_mut().map(|limit| {
            limit.timer = None;
            limit.late.fault()
        });
        if let Some(fault) = fault {
            self.end(world, fault);
        }
    }

    /// Nothing is inside any more.
    pub fn close(&self, world: &World<'_>) {
        if let Some(Limit { timer: Some(timer), .. }) = self.limit.take() {
            world.clear(timer);
        }
    }

    /// A person is asked inside: the clocks of the steps around stand still.
    pub fn stand_still(&self, world: &World<'_>) {
        let mut at = Some(self);
        while let Some(scope) = at {
            if let Some(limit) = &mut *scope.limit.borrow_mut()
                && limit.clock == Clock::Stands
            {
                limit.questions += 1;
                if let Some(timer) = limit.timer.take() {
                    limit.left = Nanos(limit.left.0 - (world.now.get().0 - limit.since.0));
                    world.push(Command::Clear(timer));
                    world.forget(timer);
                }
            }
            at = scope.parent.as_deref();
        }
    }

    pub fn go_on(self: &Rc<Scope>, world: &World<'_>) {
        let mut at = Some(self);
        while let Some(scope) = at {
            let due = match &mut *scope.limit.borrow_mut() {
                Some(limit) if limit.clock == Clock::Stands => {
                    limit.questions = limit.questions.saturating_sub(1);
                    limit.questions == 0
                }
                Some(_) | None => false,
            };
            if due && scope.request.borrow().is_none() {
                scope.arm(world);
            }
            at = scope.parent.as_ref();
        }
    }

    /// The least of all limits that can end what starts here now.
    pub fn left(&self, world: &World<'_>) -> Option<Nanos> {
        let mut least: Option<Nanos> = None;
        let mut at = Some(self);
        while let Some(scope) = at {
            if let Some(limit) = &*scope.limit.borrow() {
                let left = match limit.timer {
                    Some(_) => Nanos(limit.left.0 - (world.now.get().0 - limit.since.0)),
                    None => limit.left,
                };
                least = Some(least.map_or(left, |least| least.min(left)));
            }
            at = if scope.shields(world) { None } else { scope.parent.as_deref() };
        }
        least
    }
}

/// The first line of a call, when it is a script of several.
fn brief(text: &str) -> String {
    match text.split_once('\n') {
        Some((first, _)) => format!("{first} …"),
        None => text.to_owned(),
    }
}
