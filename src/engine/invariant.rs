//! `invariant`: sampled beside what runs, from where it stands to the end of its block.
use std::rc::Rc;

use crate::check::flow::bounds::Field;
use crate::check::program::{Expr, Tolerate};
use crate::engine::conditions::{self, reason, tell};
use crate::engine::cx::Cx;
use crate::engine::event::{ConditionKind, Failure, FailureKind, Verdict};
use crate::engine::executor::Slot;
use crate::engine::failure::{Fault, Stop};
use crate::engine::scope::{Clock, Scope};
use crate::engine::waits::Tolerance;
use crate::engine::{eval, late};
use crate::value::{Nanos, SmolStr};

pub(super) struct Spec<'p> {
    pub label: &'p Expr,
    pub every: &'p Expr,
    pub tolerate: Option<&'p Tolerate>,
    pub cond: &'p Expr,
}

/// The invariants of one block.
#[derive(Default)]
pub(super) struct Watched {
    running: Vec<(Rc<Scope>, Rc<Slot<()>>)>,
}

impl Watched {
    /// The first sample is taken where it stands; what it breaks later is the block.
    pub async fn start<'p>(&mut self, cx: &Cx<'p>, block: &Rc<Scope>, spec: Spec<'p>) -> Result<(), Stop> {
        let label = eval::shown(cx, spec.label).await?;
        let every = eval::duration(cx, Field::Every, spec.every).await?;
        let mut tolerance = Tolerance::of(cx, spec.tolerate).await?.consecutive();
        let first = sample(cx, &label, every, spec.cond).await?;
        if tolerance.too_many(first == Verdict::Holds) {
            return Err(Stop::Fail(Box::new(broken(cx, &label, spec.cond, &first))));
        }
        let scope = Scope::child(&cx.scope);
        let here = Cx { scope: scope.clone(), ..cx.clone() };
        let (block, done) = (block.clone(), Slot::new());
        self.running.push((scope, done.clone()));
        let world = cx.world.clone();
        let held = world.gate.enter();
        let mine = held.clone();
        cx.world.queue.spawn(
            async move {
                let mut due = here.world.now.get();
                loop {
                    due = Nanos(due.0.saturating_add(every.0)).max(here.world.now.get());
                    // Another process looks at once.
                    if !here.nap(Nanos(due.0 - here.world.now.get().0)).await? {
                        due = here.world.now.get();
                    }
                    let process = here.world.process.get();
                    let verdict = sample(&here, &label, every, spec.cond).await?;
                    if process != here.world.process.get() {
                        due = Nanos(here.world.now.get().0.saturating_sub(every.0));
                        continue;
                    }
                    if verdict == Verdict::Holds {
                        here.world.gate.hold(&here.world.queue, &held);
                    }
                    if tolerance.too_many(verdict == Verdict::Holds) {
                        block.cancel(&here.world, broken(&here, &label, spec.cond, &verdict));
                        return Ok::<(), Stop>(());
                    }
                }
            },
            move |_| {
                world.gate.leave(&world.queue, &mine);
                done.put(&world.queue, ());
            },
        );
        Ok(())
    }

    /// The end of the block: no more samples; one that is under way is ended and awaited.
    pub async fn stop(self, cx: &Cx<'_>) {
        for (scope, done) in self.running {
            scope.end(&cx.world, cx.fault(Failure::new(FailureKind::Cancelled, "the block has ended")));
            done.take(&cx.world.queue).await;
        }
    }
}

fn broken(cx: &Cx<'_>, label: &str, cond: &Expr, verdict: &Verdict) -> Fault {
    let reason = reason(verdict).unwrap_or_default();
    let message = format!("invariant `{label}` is broken: {reason}");
    cx.fault(Failure { span: Some(cond.span), ..Failure::new(FailureKind::Guard, message) })
}

/// One look, bounded by `every`.
async fn sample<'p>(cx: &Cx<'p>, label: &SmolStr, every: Nanos, cond: &'p Expr) -> Result<Verdict, Stop> {
    let scope = Scope::child(&cx.scope);
    scope.limit(&cx.world, every, Clock::Runs, cx.late(late::What::Answer, every, None));
    let inner = Cx { scope: scope.clone(), ..cx.clone() };
    let result = conditions::verdict(&inner, cond).await;
    scope.close(&cx.world);
    let verdict = match result {
        Ok(verdict) => verdict,
        Err(_) => match scope.settle(&cx.world, &cx.scope, result) {
            Ok(verdict) => verdict,
            Err(Stop::Fail(fault)) => Verdict::Error { failure: Box::new(fault.failure) },
            Err(stop @ (Stop::Cancelled | Stop::Done)) => return Err(stop),
        },
    };
    tell(cx, ConditionKind::Invariant, label.clone(), &verdict);
    Ok(verdict)
}
