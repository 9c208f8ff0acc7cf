//! A step and an action called: attempts that each start from the state before.
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::check::flow::bounds::Field;
use crate::check::program::{Action, ActionCall, Body, Retry, Step};
use crate::engine::block;
use crate::engine::bug::Bug;
use crate::engine::call::{Path, Segment};
use crate::engine::cx::{Cx, Instance, Writes};
use crate::engine::event::{ConditionKind, Failure, Progress, StepStatus};
use crate::engine::failure::{Flow, Next, Stop};
use crate::engine::names::Names;
use crate::engine::record::Record;
use crate::engine::scope::{Clock, Scope};
use crate::engine::tree::Completed;
use crate::engine::undo::Undone;
use crate::engine::{conditions, eval, late, undo};
use crate::source::Span;
use crate::value::{Nanos, SmolStr, Value, format_smolstr};

/// What an instance is made of, values known.
struct Spec<'p> {
    name: SmolStr,
    source: SmolStr,
    body: &'p Body,
    timeout: Option<Nanos>,
    retry: Option<Repeat>,
    span: Span,
    action: Option<&'p Action>,
    /// A step: it is told of, and the names it sets are known after it. An action is told of by the calls in it.
    told: bool,
}

struct Repeat {
    times: u32,
    every: Nanos,
    backoff_to: Option<Nanos>,
}

pub(super) async fn step<'p>(cx: &Cx<'p>, step: &'p Step) -> Flow {
    let name = eval::shown(cx, &step.name).await?;
    if let Some(when) = &step.when {
        let judged = conditions::told(cx, ConditionKind::When, name.clone(), when).await?;
        if !judged {
            cx.world.tell(Progress::StepFinished {
                path: cx.path.clone(),
                name,
                status: StepStatus::Skipped,
                failure: None,
            });
            return Ok(Next::Go);
        }
    }
    let timeout = match &step.timeout {
        Some(timeout) => Some(eval::duration(cx, Field::Timeout, timeout).await?),
        None => cx.world.step_timeout.get(),
    };
    let retry = match &step.retry {
        Some(retry) => Some(repeat(cx, retry).await?),
        None => None,
    };
    let spec = Spec {
        name,
        source: step.source.clone(),
        body: &step.body,
        timeout,
        retry,
        span: step.head,
        action: None,
        told: true,
    };
    let next = instance(cx, &spec, &cx.names).await?;
    Ok(match next {
        Next::Done => Next::Go,
        next @ (Next::Go | Next::Return(_)) => next,
    })
}

async fn repeat<'p>(cx: &Cx<'p>, retry: &'p Retry) -> Result<Repeat, Stop> {
    let times = eval::count(cx, Field::Retry, &retry.times).await?;
    let every = match &retry.every {
        Some(every) => eval::duration(cx, Field::Delay, every).await?,
        None => Nanos(0),
    };
    let backoff_to = match &retry.backoff_to {
        Some(most) => Some(eval::duration(cx, Field::BackoffTo, most).await?),
        None => None,
    };
    Ok(Repeat { times: u32::try_from(times).unwrap_or(u32::MAX), every, backoff_to })
}

/// Call an action: an instance of its body, with names of its own.
pub(super) async fn action<'p>(cx: &Cx<'p>, call: &'p ActionCall) -> Result<Value, Stop> {
    let Some(action) = cx.world.program().actions.get(call.action.0 as usize) else { return Ok(Value::Null) };
    let names = Names::child(&cx.world.globals);
    for (name, value) in &call.args {
        names.bind(*name, eval::eval(cx, value).await?);
    }
    let here = Cx { path: place(cx, call), ..cx.clone() };
    let called = perform(&here, action, &names).await;
    called.map_err(|stop| match stop {
        Stop::Fail(mut fault) => {
            fault.failure.called = cx.span;
            Stop::Fail(fault)
        }
        stop @ (Stop::Cancelled | Stop::Done) => stop,
    })
}

/// Its path. One that an expression calls again (for each element, at each look) is an element of the first.
fn place(cx: &Cx<'_>, call: &ActionCall) -> Path {
    let Some(branch) = call.branch else { return cx.path.clone() };
    let path = cx.path.join(Segment::Branch(branch));
    match cx.calls.again(branch) {
        0 => path,
        n => path.join(Segment::Element(n)),
    }
}

async fn perform<'p>(cx: &Cx<'p>, action: &'p Action, names: &Rc<Names>) -> Result<Value, Stop> {
    let inner = Cx { names: names.clone(), ..cx.clone() };
    for param in &action.params {
        if let Some(condition) = &param.condition
            && !conditions::decide(&inner, condition).await?
        {
            let text = cx.world.name_text(param.name);
            return Err(cx.unfit(format!("`{}` does not accept this `{text}`", action.name), condition.span));
        }
    }
    let timeout = match &action.timeout {
        Some(timeout) => Some(eval::duration(&inner, Field::Deadline, timeout).await?),
        None => None,
    };
    let spec = Spec {
        name: action.name.clone(),
        source: action.name.clone(),
        body: &action.body,
        timeout,
        retry: None,
        span: cx.span.unwrap_or(action.span),
        action: Some(action),
        told: false,
    };
    match instance(cx, &spec, names).await? {
        Next::Return(value) => Ok(value),
        Next::Go | Next::Done => Ok(Value::Null),
    }
}

/// Attempts until one is not a failure, or may not be followed by another.
async fn instance<'p>(cx: &Cx<'p>, spec: &Spec<'p>, names: &Rc<Names>) -> Flow {
    let world = &cx.world;
    let mut attempt = 1;
    // Those before it began anew.
    let mut before = 0;
    loop {
        let seq = cx.seq.open();
        let scope = Scope::child(&cx.scope);
        let around = &cx.inst.attempts;
        let attempts = match (around.as_str(), attempt) {
            ("", 1) => SmolStr::new_static("1"),
            ("", _) => format_smolstr!("{attempt}"),
            (around, _) => format_smolstr!("{around}.{attempt}"),
        };
        let names = Names::child(names);
        let inst = Rc::new(Instance {
            parent: Some(cx.inst.clone()),
            path: cx.path.clone(),
            span: Some(spec.span),
            name: spec.name.clone(),
            action: spec.action,
            step: if spec.told || cx.inst.step.is_empty() { spec.name.clone() } else { cx.inst.step.clone() },
            source: spec.source.clone(),
            attempt,
            attempts,
            undo: Some(&spec.body.undo),
            seq: Rc::downgrade(&seq),
            names: names.clone(),
            contexts: cx.contexts.clone(),
            scope: scope.clone(),
            writes: RefCell::new(Writes::default()),
            goals: RefCell::default(),
            done: Cell::default(),
            anew: Cell::default(),
            beside: cx.beside,
        });
        let inner =
            Cx { names: names.clone(), seq: seq.clone(), inst: inst.clone(), scope: scope.clone(), ..cx.clone() };
        if spec.told {
            world.record(Record::StepStarted { path: cx.path.clone(), attempt });
            world.tell(Progress::StepStarted {
                path: cx.path.clone(),
                name: spec.name.clone(),
                attempt,
                limit: spec.timeout,
                span: spec.span,
            });
        }
        if let Some(timeout) = spec.timeout {
            let late = inner.late(late::What::Step(spec.name.clone()), timeout, Some(spec.span));
            scope.limit(world, timeout, Clock::Stands, late);
        }
        let result = block::body(&inner, &spec.body.block).await;
        scope.close(world);
        let result = match scope.settle(world, &cx.scope, result) {
            Err(Stop::Done) if inst.done.get() => Ok(Next::Done),
            result => result,
        };
        if let (true, Err(_), Some(unit)) = (world.planted(Bug::SkipFailedStep), &result, &inst.writes.borrow().unit) {
            unit.undone.set(true);
        }
        match result {
            Ok(next) => {
                if spec.told {
                    names.merge_into(&cx.names);
                }
                let goals = inst.goals.borrow().clone();
                if !goals.is_empty() {
                    seq.completed.replace(Some(Completed {
                        place: inner.place(cx.path.clone()),
                        source: spec.source.clone(),
                        goals,
                    }));
                }
                cx.seq.prune(&seq);
                // What is marked as done was begun by this run.
                let already = matches!(next, Next::Done) && !inst.done.get();
                let status = if already { StepStatus::AlreadyDone } else { StepStatus::Ok };
                finished(cx, spec, attempt, status, None);
                return Ok(next);
            }
            Err(Stop::Fail(fault)) => {
                let retry = spec.retry.as_ref().filter(|retry| attempt - before <= retry.times);
                let pause = match retry {
                    _ if inst.anew.get() => Some(Nanos(0)),
                    retry => retry.map(|retry| delay(retry, attempt - before)),
                };
                let may = !cx.cancelled() && !seq.has_wall() && !inst.writes.borrow().loose;
                let Some(delay) = pause.filter(|_| may) else {
                    finished(cx, spec, attempt, StepStatus::Failed, Some(fault.failure.clone()));
                    return Err(Stop::Fail(fault));
                };
                if undo::local(cx, &seq).await != Undone::Complete {
                    finished(cx, spec, attempt, StepStatus::Failed, Some(fault.failure.clone()));
                    return Err(Stop::Fail(fault));
                }
                cx.seq.drop_undone(&seq);
                if cx.cancelled() {
                    finished(cx, spec, attempt, StepStatus::Cancelled, Some(fault.failure.clone()));
                    return Err(Stop::Cancelled);
                }
                if inst.anew.get() {
                    before = attempt;
                }
                attempt += 1;
                if spec.told {
                    let failure = Box::new(fault.failure.clone());
                    let (path, name) = (cx.path.clone(), spec.name.clone());
                    world.tell(Progress::Retrying { path, name, attempt, delay, failure });
                }
                if let Err(stop) = cx.sleep(delay).await {
                    finished(cx, spec, attempt - 1, StepStatus::Cancelled, Some(fault.failure.clone()));
                    return Err(stop);
                }
            }
            Err(Stop::Done) => {
                finished(cx, spec, attempt, StepStatus::AlreadyDone, None);
                return Err(Stop::Done);
            }
            Err(Stop::Cancelled) => {
                world.cut.borrow_mut().get_or_insert_with(|| (inner.inst.step.clone(), cx.path.clone()));
                finished(cx, spec, attempt, StepStatus::Cancelled, None);
                return Err(Stop::Cancelled);
            }
        }
    }
}

fn delay(retry: &Repeat, attempt: u32) -> Nanos {
    match retry.backoff_to {
        Some(most) => {
            let factor = 1_i64.checked_shl(attempt.saturating_sub(1).min(40)).unwrap_or(i64::MAX);
            Nanos(retry.every.0.saturating_mul(factor).min(most.0))
        }
        None => retry.every,
    }
}

fn finished(cx: &Cx<'_>, spec: &Spec<'_>, attempt: u32, status: StepStatus, failure: Option<Failure>) {
    if spec.told {
        cx.world.record(Record::StepEnded { path: cx.path.clone(), attempt });
        let (path, name, failure) = (cx.path.clone(), spec.name.clone(), failure.map(Box::new));
        cx.world.tell(Progress::StepFinished { path, name, status, failure });
    }
}
