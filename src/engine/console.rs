//! A console: inputs one after the other, each undone by itself when it fails. Between them it waits for a person, who may also
//! want something undone, or the end.
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::check::program::{Book, Console, Entry, Role, StmtKind};
use crate::engine::call::{Path, Segment};
use crate::engine::cx::{Cx, Mode};
use crate::engine::event::{
    Command, End, Extent, Failure, FailureKind, Left, LeftWhy, Progress, Reached, StepFailure, Walls,
};
use crate::engine::executor::Slot;
use crate::engine::extent::{self, Stands};
use crate::engine::failure::{Fault, Flow, Next, Stop};
use crate::engine::names::Names;
use crate::engine::record::Record;
use crate::engine::run::Told;
use crate::engine::scope::{Clock, Scope};
use crate::engine::tree::{Finally, Seq};
use crate::engine::undo::{self, Undone};
use crate::engine::world::World;
use crate::engine::{block, handlers, late, machine, run};
use crate::value::{Nanos, SmolStr};

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Done,
    /// It failed or was cancelled; what it did is undone as far as it could be.
    Failed,
    /// Something of it was undone later.
    Undone,
}

/// What a person wants next.
pub(super) enum Turn {
    Enter(u32),
    Undo(Extent, Walls),
    Keep(Option<String>),
}

/// How a console stands.
#[derive(Default)]
pub(super) struct Desk {
    turns: RefCell<Option<Rc<Slot<Turn>>>>,
    pub entries: RefCell<Vec<(u32, Came)>>,
    /// Of the input that runs.
    pub running: RefCell<Option<Rc<Scope>>>,
    /// Of what is undone: an input that failed, or what a person wants.
    undoing: RefCell<Option<Rc<Scope>>>,
    /// A person has interrupted it: also behind a point of no return.
    pub interrupted: Cell<bool>,
    /// An undo was told that the next signal ends it.
    warned: Cell<bool>,
    /// An undo goes on behind a point of no return.
    pub passes: Cell<bool>,
    /// The `finally`s of the runbook wait for its end.
    pub goes_on: Cell<bool>,
    /// How long the way forward of the runbook may take, and has taken.
    deadline: Cell<Option<Nanos>>,
    spent: Cell<Nanos>,
    /// The input that has opened the runbook.
    opened: Cell<Option<u32>>,
    /// Its parts that have failed and were neither done nor left out since; the last to fail last.
    failed: RefCell<Vec<(u32, StepFailure)>>,
}

impl Desk {
    fn turns(&self) -> Rc<Slot<Turn>> {
        self.turns.borrow_mut().get_or_insert_with(Slot::new).clone()
    }

    /// What has become of an input, for the runbook.
    fn ended(&self, number: u32, role: &Role, failure: Option<&StepFailure>) {
        match role {
            Role::Opens(_) if failure.is_none() => self.opened.set(Some(number)),
            Role::Part(unit) | Role::Instead(unit) => {
                let mut failed = self.failed.borrow_mut();
                failed.retain(|(other, _)| other != unit);
                failed.extend(failure.map(|failure| (*unit, failure.clone())));
            }
            Role::Past(next) => self.failed.borrow_mut().retain(|(other, _)| other >= next),
            Role::Own | Role::Opens(_) | Role::Ends | Role::Succeeds(_) => {}
        }
    }
}

pub(super) fn turn(world: &World<'_>, turn: Turn) {
    world.desk.turns().put(&world.queue, turn);
}

/// The first signal of an input cancels it. While something is undone the first warns, the second ends the undo.
pub(super) fn stop(world: &World<'_>) {
    if let Some(scope) = &*world.desk.undoing.borrow() {
        if world.desk.warned.replace(true) {
            return scope.end(world, machine::signal());
        }
        let text = "what it did is being undone; Ctrl-C again leaves the rest in place".to_owned();
        return world.tell(Progress::Log { path: Path::default(), text });
    }
    world.desk.interrupted.set(true);
    cancel(world, machine::signal());
}

/// Whatever runs ends, with this reason.
pub(super) fn cancel(world: &World<'_>, why: Fault) {
    if let Some(scope) = &*world.celebrating.borrow() {
        scope.end(world, why.clone());
    }
    if let Some(scope) = &*world.desk.running.borrow() {
        scope.cancel(world, why);
    }
}

pub(super) async fn run(world: Rc<World<'_>>, console: &Console) {
    let cx = run::top(&world);
    run::name(&world, console.run);
    let mut reached = Reached::default();
    loop {
        world.push(Command::Ready(Box::new(std::mem::take(&mut reached))));
        let over = || world.killed.get() || world.asked_back.borrow().is_some();
        let next = world.desk.turns().take_unless(&world.queue, over).await;
        match next {
            Some(Turn::Enter(number)) => reached = enter(&cx, number).await,
            Some(Turn::Undo(what, walls)) => reached = unwind(&cx, &what, walls).await,
            Some(Turn::Keep(failed)) => return keep(&cx, failed).await,
            None => {}
        }
        if world.killed.get() {
            return run::finish(&world, End::Stopped, Some(machine::signal().report()));
        }
        let asked = world.asked_back.borrow().as_ref().map(|asked| asked.why.clone());
        if let Some(why) = asked {
            return run::back(&cx, on_failure(&world), machine::fault(why).report()).await;
        }
    }
}

/// What is in place stays; it can still be rolled back. `failed`: why the end is no good one.
async fn keep(cx: &Cx<'_>, failed: Option<String>) {
    let world = &cx.world;
    close(cx).await;
    if world.killed.get() {
        return run::finish(world, End::Stopped, Some(machine::signal().report()));
    }
    world.went_well.set(failed.is_none());
    let broken = |why: &LeftWhy| match why {
        LeftWhy::Failed(_)
        | LeftWhy::Interrupted(_)
        | LeftWhy::Running(_)
        | LeftWhy::Finally(_)
        | LeftWhy::FinallyOpen => true,
        LeftWhy::NotReached | LeftWhy::Manual(_) | LeftWhy::Irreversible(_) | LeftWhy::Changed(..) | LeftWhy::Kept => {
            false
        }
    };
    world.left.borrow_mut().extend(world.tree.left().into_iter().filter(|left| broken(&left.why)));
    let worked = world.desk.entries.borrow().iter().any(|(_, came)| *came != Came::Failed);
    let end = match &failed {
        _ if !world.left.borrow().is_empty() => End::Incomplete,
        None => End::Succeeded,
        Some(_) if !worked && !world.wrote.get() => End::Refused,
        Some(_) => End::Failed,
    };
    world.record(Record::Finished { exit: end.exit_code() });
    if let Some(Told { block, name, failure }) = on_failure(world) {
        handlers::run(cx, Some(block), Some((name, &failure)), Book::ON_FAILURE).await;
        if world.asked_back.borrow().is_some() {
            return run::again(world.clone()).await;
        }
    }
    let failure = failed.map(|why| machine::fault(why).report());
    run::finish(world, end, failure);
}

/// What the runbook does when a part of it has failed for good.
fn on_failure<'p>(world: &World<'p>) -> Option<Told<'p>> {
    let (_, failure) = world.desk.failed.borrow().last()?.clone();
    let opened = world.desk.opened.get()?;
    match &world.program().console.as_ref()?.entries.get(opened as usize)?.role {
        Role::Opens(opens) => Some(Told { block: opens.on_failure.as_ref()?, name: opens.failure, failure }),
        _ => None,
    }
}

async fn enter<'p>(cx: &Cx<'p>, number: u32) -> Reached {
    let world = &cx.world;
    let entry = world.program().console.as_ref().and_then(|console| console.entries.get(number as usize));
    let Some(entry) = entry else {
        let failure = Failure::new(FailureKind::Failed, "nothing was typed");
        let failure = StepFailure { step: SmolStr::default(), path: Path::default(), failure };
        return Reached { entry: Some(number), failure: Some(failure), ..Reached::default() };
    };
    let seq = cx.seq.open();
    let scope = Scope::child(&world.forward);
    let path = Path::default().join(Segment::At(number));
    let names = Names::child(&cx.names);
    let here = Cx {
        path,
        span: Some(entry.body.span),
        names: names.clone(),
        seq: seq.clone(),
        scope: scope.clone(),
        ..cx.clone()
    };
    world.desk.running.replace(Some(scope.clone()));
    world.desk.interrupted.set(false);
    world.cut.take();
    let before = world.left.borrow().len();
    let result = perform(&here, cx, entry).await;
    world.desk.running.take();
    let told = |reached: Reached, came: Came| {
        world.desk.entries.borrow_mut().push((number, came));
        Reached { entry: Some(number), ..reached }
    };
    let stop = match result {
        Ok(_) => {
            names.merge_into(&cx.names);
            cx.seq.prune(&seq);
            world.desk.ended(number, &entry.role, None);
            return told(Reached::default(), Came::Done);
        }
        Err(stop) => stop,
    };
    let mut fault = match stop {
        Stop::Fail(fault) => *fault,
        Stop::Cancelled | Stop::Done => scope.fault().unwrap_or_else(machine::signal),
    };
    if let (true, Some((step, path))) = (fault.step.is_empty(), world.cut.take()) {
        (fault.step, fault.path) = (step, path);
    }
    let failure = fault.report();
    world.desk.ended(number, &entry.role, Some(&failure));
    let reached = Reached { failure: Some(failure), ..Reached::default() };
    if world.killed.get() || world.back.get() {
        return told(reached, Came::Failed);
    }
    let undone = undo_of(cx, &seq, &Extent::All).await;
    if undone == Undone::Complete {
        cx.seq.drop_undone(&seq);
    }
    told(since(world, before, Reached { left: seq.left(), ..reached }), Came::Failed)
}

/// `here` is the input's own, `cx` the console's.
async fn perform<'p>(here: &Cx<'p>, cx: &Cx<'p>, entry: &'p Entry) -> Flow {
    let desk = &cx.world.desk;
    match &entry.role {
        Role::Own | Role::Instead(_) | Role::Past(_) => {
            run::declare(here, &entry.globals).await?;
            block::body(here, &entry.body).await
        }
        Role::Opens(opens) => {
            let names = cx.world.globals.clone();
            desk.deadline.set(run::open(&Cx { names, ..here.clone() }, opens, &entry.globals).await?);
            Ok(Next::Go)
        }
        Role::Part(_) => part(here, cx, entry).await,
        Role::Ends => {
            close(cx).await;
            Ok(Next::Go)
        }
        Role::Succeeds(block) => {
            handlers::run(here, Some(block), None, Book::ON_SUCCESS).await;
            Ok(Next::Go)
        }
    }
}

/// A statement of the runbook, within what is left of its deadline. When that is over a person has been told: what is run then
/// has all of it again.
async fn part<'p>(here: &Cx<'p>, cx: &Cx<'p>, entry: &'p Entry) -> Flow {
    let (world, desk) = (&cx.world, &cx.world.desk);
    let finally = entry.body.stmts.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Finally(block) => Some((here.at(stmt), block)),
        _ => None,
    });
    if let Some((at, block)) = finally {
        // Of the runbook, not of this input.
        let finally = Finally { block, place: at.place(at.path.clone()), open: true.into() };
        cx.seq.finallys.borrow_mut().push(Rc::new(finally));
        return Ok(Next::Go);
    }
    let since = world.now.get();
    if let Some(deadline) = desk.deadline.get() {
        let left = Nanos(deadline.0 - desk.spent.get().0);
        here.scope.limit(world, left, Clock::Runs, here.late(late::What::Deadline, deadline, None));
    }
    let result = block::body(here, &entry.body).await;
    here.scope.close(world);
    let spent = Nanos(desk.spent.get().0 + world.now.get().0 - since.0);
    let over = desk.deadline.get().is_some_and(|deadline| spent.0 >= deadline.0);
    desk.spent.set(if over { Nanos(0) } else { spent });
    result
}

/// A part of what is in place, or all of it.
async fn unwind<'p>(cx: &Cx<'p>, what: &Extent, walls: Walls) -> Reached {
    let world = &cx.world;
    let wanted: Vec<Path> = extent::undoable(&world.tree, what).into_iter().map(|unit| unit.path).collect();
    let before = world.left.borrow().len();
    world.desk.passes.set(walls == Walls::Pass);
    world.desk.goes_on.set(true);
    undo_of(cx, &world.tree, what).await;
    world.desk.passes.set(false);
    world.desk.goes_on.set(false);
    let all = extent::undoable(&world.tree, &Extent::All);
    let gone: Vec<u32> =
        all.iter().filter(|unit| unit.stands == Stands::Undone).filter_map(|u| entry_of(&u.path)).collect();
    for (number, came) in world.desk.entries.borrow_mut().iter_mut().filter(|(_, came)| *came == Came::Done) {
        if gone.contains(number) {
            *came = Came::Undone;
        }
    }
    // What nobody can undo is passed, not left.
    let passed = |left: &Left| walls == Walls::Pass && matches!(left.why, LeftWhy::Irreversible(_));
    let left = world.tree.left().into_iter().filter(|left| wanted.contains(&left.path) && !passed(left)).collect();
    since(world, before, Reached { left, ..Reached::default() })
}

fn entry_of(path: &Path) -> Option<u32> {
    match path.0.first() {
        Some(Segment::At(number)) => Some(*number),
        _ => None,
    }
}

/// What the runbook does at its end.
async fn close(cx: &Cx<'_>) {
    let scope = shielded(cx);
    undo::finallys(&Cx { scope, mode: Mode::Back, ..cx.clone() }, &cx.seq).await;
    cx.world.desk.undoing.take();
}

/// The first signal warns, the second ends it.
fn shielded(cx: &Cx<'_>) -> Rc<Scope> {
    let desk = &cx.world.desk;
    let scope = Scope::shielded(&Rc::default());
    desk.warned.set(false);
    desk.undoing.replace(Some(scope.clone()));
    scope
}

async fn undo_of<'p>(cx: &Cx<'p>, seq: &Rc<Seq<'p>>, what: &Extent) -> Undone {
    let scope = shielded(cx);
    extent::forget_kept(seq);
    let undone = undo::seq(&Cx { scope, mode: Mode::Back, ..cx.clone() }, seq, what).await;
    cx.world.desk.undoing.take();
    undone
}

/// With what was undone meanwhile, and what is left to a person since then.
fn since(world: &World<'_>, before: usize, mut reached: Reached) -> Reached {
    reached.undone = world.undone.take();
    reached.left.extend(world.left.borrow().iter().skip(before).cloned());
    reached
}
