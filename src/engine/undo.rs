//! Back through what the way forward has left: last first, in the same shape, each part at most once.
use std::rc::Rc;

use crate::check::flow::bounds::Field;
use crate::check::program::{Block, Expr};
use crate::engine::block;
use crate::engine::bug::Bug;
use crate::engine::call::{Path, Segment};
use crate::engine::companion;
use crate::engine::cx::{Cx, Instance, Mode};
use crate::engine::event::{Answer, Aside, ConditionKind, Extent, LeftWhy, Progress, QuestionAsked, QuestionKind};
use crate::engine::extent;
use crate::engine::failure::{Flow, Fut, Stop};
use crate::engine::late::{self, Late};
use crate::engine::names::Names;
use crate::engine::parallel;
use crate::engine::record::Record;
use crate::engine::scope::{Clock, Scope};
use crate::engine::tree::{Completed, Finally, Node, Par, Place, Seq, UndoHow, Unit};
use crate::engine::world::World;
use crate::engine::{conditions, eval, questions};
use crate::value::{Nanos, SmolStr, Value, format_smolstr};

/// How far an undo came; the worst of several is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Undone {
    Complete,
    /// A point of no return: final.
    Wall,
    /// Someone can go on later.
    Left,
}

/// Of a failed attempt or a failed `try`, on the way forward: not cut by the deadline.
pub(super) async fn local<'p>(cx: &Cx<'p>, what: &Rc<Seq<'p>>) -> Undone {
    let scope = Scope::shielded(&cx.scope);
    let result = seq(&Cx { scope: budget(cx, &scope), ..cx.clone() }, what, &Extent::All).await;
    scope.close(&cx.world);
    result
}

/// Of the run, in its own budget.
pub(super) async fn run<'p>(cx: &Cx<'p>, what: &Extent) -> Undone {
    extent::forget_kept(&cx.seq);
    let scope = Scope::shielded(&cx.scope);
    if cx.world.planted(Bug::DeadlineInUndo) {
        let forward = Rc::new(Scope::default());
        if let Some(left) = cx.world.forward.left(&cx.world) {
            forward.limit(&cx.world, left, Clock::Runs, over(cx, left));
        }
        return seq(&Cx { scope: forward, ..cx.clone() }, &cx.seq, what).await;
    }
    cx.world.undoing.replace(Some((scope.clone(), what.clone())));
    let result = seq(&Cx { scope: budget(cx, &scope), ..cx.clone() }, &cx.seq, what).await;
    scope.close(&cx.world);
    cx.world.undoing.take();
    result
}

/// A person has asked for an undo while one runs: it has all its time again. What it undoes; nothing when none runs that
/// is in time.
pub(super) fn renewed(world: &World<'_>) -> Option<Extent> {
    let undoing = world.undoing.borrow();
    let (scope, what) = undoing.as_ref().filter(|(scope, _)| scope.fault().is_none())?;
    scope.close(world);
    if let Some(time) = world.rollback_within.get() {
        let what = late::What::RollbackWithin;
        let late = Late { step: SmolStr::default(), path: Path::default(), what, time, span: None };
        scope.limit(world, time, Clock::Runs, late);
    }
    Some(what.clone())
}

fn budget(cx: &Cx<'_>, scope: &Rc<Scope>) -> Rc<Scope> {
    if let Some(within) = cx.world.rollback_within.get() {
        scope.limit(&cx.world, within, Clock::Runs, over(cx, within));
    }
    scope.clone()
}

fn over(cx: &Cx<'_>, within: Nanos) -> Late {
    cx.late(late::What::RollbackWithin, within, None)
}

pub(super) fn seq<'a, 'p: 'a>(cx: &'a Cx<'p>, what: &'a Rc<Seq<'p>>, extent: &'a Extent) -> Fut<'a, Undone> {
    match &what.companion {
        Some(companion) if !cx.cancelled() && what.needs_it() => {
            Box::pin(companion::again(cx, companion, what, extent))
        }
        _ => children(cx, what, extent),
    }
}

/// What it holds, last first, and then its `finally`s, unless something of it stays.
pub(super) fn children<'a, 'p: 'a>(cx: &'a Cx<'p>, what: &'a Rc<Seq<'p>>, extent: &'a Extent) -> Fut<'a, Undone> {
    Box::pin(async move {
        if !ours(cx, what).await {
            return Undone::Left;
        }
        let mut children = extent::of(what, extent);
        if cx.world.planted(Bug::UndoInOrder) {
            children.reverse();
        }
        let mut worst = Undone::Complete;
        for (child, extent) in &children {
            worst = node(cx, child, extent).await;
            if worst != Undone::Complete {
                break;
            }
        }
        let waits = cx.world.desk.goes_on.get() && Rc::ptr_eq(what, &cx.world.tree);
        let stays = waits || (*extent != Extent::All && what.next().is_some());
        if worst != Undone::Left && !stays {
            finallys(cx, what).await;
        }
        worst
    })
}

/// Of a run that went well: a step whose `done when` is not true any more is only undone after a yes.
async fn ours<'p>(cx: &Cx<'p>, what: &Rc<Seq<'p>>) -> bool {
    let completed = what.completed.borrow().clone();
    let Some(completed) = completed.filter(|_| cx.world.went_well.get()) else { return true };
    let units = what.in_place();
    if units.is_empty() {
        return true;
    }
    let Completed { place, source, goals } = completed;
    let label = format_smolstr!("undo: {source}");
    for goal in goals {
        let path = goal.path.clone();
        let here = Cx { names: goal.names.clone(), ..beside(cx, &place, None, path) };
        let Ok(verdict) = conditions::verdict(&here, goal.cond).await else { return false };
        conditions::tell(&here, ConditionKind::DoneWhen, place.step.clone(), &verdict);
        let Some(reason) = conditions::reason(&verdict) else { continue };
        let question = QuestionAsked {
            path: place.path.clone(),
            source: label.clone(),
            text: format!("`{}` is not as this run left it ({reason}): undo it all the same?", place.step),
            kind: QuestionKind::Confirm,
            within: None,
        };
        return match questions::unwritten(&here, question).await {
            Ok(Answer { value: Value::Bool(true), .. }) => true,
            Ok(_) | Err(Stop::Fail(_)) => {
                let why = LeftWhy::Changed(reason.to_owned(), label);
                units.iter().for_each(|unit| drop(unit.why.replace(Some(why.clone()))));
                false
            }
            Err(Stop::Cancelled | Stop::Done) => false,
        };
    }
    true
}

fn node<'a, 'p: 'a>(cx: &'a Cx<'p>, what: &'a Node<'p>, extent: &'a Extent) -> Fut<'a, Undone> {
    Box::pin(async move {
        match what {
            Node::Seq(inner) => seq(cx, inner, extent).await,
            Node::Par(inner) => par(cx, inner, extent).await,
            Node::Unit(inner) => unit(cx, inner).await,
            Node::Wall(_) if cx.world.desk.passes.get() => Undone::Complete,
            Node::Wall(_) => Undone::Wall,
        }
    })
}

/// Last started first, at most as many at once as on the way forward; all run to their end.
async fn par<'p>(cx: &Cx<'p>, what: &Rc<Par<'p>>, extent: &Extent) -> Undone {
    let elements = extent::beside(what, extent);
    let mut worst = Undone::Complete;
    let start = |element: Rc<Seq<'p>>| {
        let (cx, extent) = (cx.clone(), extent.clone());
        async move { seq(&cx, &element, &extent).await }
    };
    parallel::bounded(&cx.world, what.bound, elements, start, |undone| {
        worst = worst.max(undone);
        true
    })
    .await;
    worst
}

async fn unit<'p>(cx: &Cx<'p>, unit: &Rc<Unit<'p>>) -> Undone {
    let world = &cx.world;
    if unit.undone.get() && !world.planted(Bug::UndoTwice) {
        return Undone::Complete;
    }
    if let Some(left) = still_running(unit) {
        return left;
    }
    let (block, timeout) = match &unit.how {
        UndoHow::Rollback(block, timeout) => (*block, *timeout),
        UndoHow::Manual(what) => {
            unit.undone.set(true);
            leave(world, &unit.place, LeftWhy::Manual(what.clone()));
            return Undone::Complete;
        }
    };
    if cx.cancelled() {
        if let Some(fault) = cx.scope.fault() {
            *unit.why.borrow_mut() = Some(LeftWhy::Failed(fault.failure));
        }
        return Undone::Left;
    }
    let (path, name) = (unit.place.path.clone(), unit.place.step.clone());
    world.record(Record::Undoing { path: path.clone() });
    world.tell(Progress::RollbackStarted { path: path.clone(), name: name.clone() });
    let inner = beside(cx, &unit.place, Some(unit.clone()), unit.place.path.join(Segment::Branch(1)));
    let result = within(cx, &inner, block, timeout).await;
    let failure = match result {
        Ok(_) => None,
        Err(Stop::Fail(fault)) => Some(fault.failure),
        Err(Stop::Cancelled | Stop::Done) => Some(match cx.scope.fault() {
            Some(fault) => fault.failure,
            None => inner.scope.interrupted("its rollback"),
        }),
    };
    world.tell(Progress::RollbackFinished {
        path: path.clone(),
        name: name.clone(),
        failure: failure.clone().map(Box::new),
    });
    let Some(failure) = failure else {
        unit.undone.set(true);
        *unit.why.borrow_mut() = None;
        world.record(Record::Undone { path: path.clone() });
        world.undone.borrow_mut().push((path, name));
        if world.planted(Bug::UndoTwice) {
            let again = beside(cx, &unit.place, Some(unit.clone()), unit.place.path.join(Segment::Branch(1)));
            world.tell(Progress::RollbackStarted { path: unit.place.path.clone(), name: unit.place.step.clone() });
            let _ = within(cx, &again, block, timeout).await;
        }
        return Undone::Complete;
    };
    if let Some(left) = still_running(unit) {
        return left;
    }
    let why = if world.killed.get() { LeftWhy::Interrupted } else { LeftWhy::Failed };
    *unit.why.borrow_mut() = Some(why(failure));
    Undone::Left
}

fn still_running(unit: &Unit<'_>) -> Option<Undone> {
    let running = unit.running.borrow();
    if running.is_empty() {
        return None;
    }
    *unit.why.borrow_mut() = Some(LeftWhy::Running(running.join(", ")));
    Some(Undone::Left)
}

async fn within<'p>(cx: &Cx<'p>, inner: &Cx<'p>, block: &'p Block, timeout: Option<&'p Expr>) -> Flow {
    if let Some(timeout) = timeout {
        let time = eval::duration(inner, Field::Timeout, timeout).await?;
        let late = inner.late(late::What::Rollback(inner.inst.name.clone()), time, Some(timeout.span));
        inner.scope.limit(&cx.world, time, Clock::Stands, late);
    }
    let result = block::body(inner, block).await;
    inner.scope.close(&cx.world);
    inner.scope.settle(&cx.world, &cx.scope, result)
}

/// Where a rollback or a `finally` runs: the place it was written in, and nothing registers.
pub(super) fn beside<'p>(cx: &Cx<'p>, place: &Place, unit: Option<Rc<Unit<'p>>>, path: Path) -> Cx<'p> {
    let scope = Scope::child(&cx.scope);
    Cx {
        world: cx.world.clone(),
        path,
        span: place.span,
        names: Names::child(&place.names),
        contexts: place.contexts.clone(),
        seq: block::loose(),
        inst: Instance::aside(place, &scope, unit),
        scope,
        mode: Mode::Back,
        tx: None,
        beside: 0,
        calls: Rc::default(),
    }
}

/// The open `finally`s of a block, last first. One that fails is left in place and said; nothing else changes.
pub(super) async fn finallys<'p>(cx: &Cx<'p>, what: &Rc<Seq<'p>>) {
    let open: Vec<Rc<Finally<'p>>> = what.finallys.borrow().iter().rev().filter(|f| f.open.get()).cloned().collect();
    for finally in open {
        if cx.world.killed.get() {
            return;
        }
        let scope = if cx.mode == Mode::Forward { budget(cx, &Scope::shielded(&cx.scope)) } else { cx.scope.clone() };
        let outer = Cx { scope: scope.clone(), ..cx.clone() };
        let inner = beside(&outer, &finally.place, None, finally.place.path.clone());
        let (path, name) = (finally.place.path.clone(), finally.place.step.clone());
        cx.world.tell(Progress::AsideStarted { path: path.clone(), name: name.clone(), kind: Aside::Finally });
        let result = block::body(&inner, finally.block).await;
        if cx.mode == Mode::Forward {
            scope.close(&cx.world);
        }
        let failure = match result {
            Ok(_) => None,
            Err(Stop::Fail(fault)) => Some(fault.failure),
            Err(Stop::Cancelled | Stop::Done) => Some(match outer.scope.fault() {
                Some(fault) => fault.failure,
                None => inner.scope.interrupted("it"),
            }),
        };
        let told = failure.clone().map(Box::new);
        cx.world.tell(Progress::AsideFinished { path, name, kind: Aside::Finally, failure: told });
        if cx.world.killed.get() {
            return;
        }
        finally.open.set(false);
        if let Some(failure) = failure {
            leave(&cx.world, &finally.place, LeftWhy::Finally(failure));
        }
    }
}

fn leave(world: &World<'_>, place: &Place, why: LeftWhy) {
    world.left.borrow_mut().push(place.left(why));
}
