//! A run from its first event to its last command.
use std::rc::Rc;
use std::sync::Arc;

use crate::check::flow::bounds::Field;
use crate::check::program::{Block, Book, Effect, Expr, Global, Header, NameId, Opens, Want};
use crate::check::walk::{self, Doing};
use crate::engine::OnFailure;
use crate::engine::block;
use crate::engine::bug::Bug;
use crate::engine::call::{Path, What};
use crate::engine::calls::{self, Made};
use crate::engine::cx::{Cx, Instance, Mode};
use crate::engine::event::{
    Account, Command, End, Extent, Failure, FailureKind, Finish, Progress, SIGNALLED, StepFailure,
};
use crate::engine::failure::{Fault, Stop};
use crate::engine::names::Names;
use crate::engine::record::Record;
use crate::engine::scope::{Clock, Scope};
use crate::engine::tree::Place;
use crate::engine::undo::Undone;
use crate::engine::world::World;
use crate::engine::{console, eval, handlers, late, machine, undo};
use crate::source::Span;
use crate::value::redact::{is_empty, is_short};
use crate::value::{Nanos, Secret, SmolStr, Value, format_smolstr};

/// The title of what was typed.
pub const CONSOLE: &str = "console";

pub(super) async fn run(world: Rc<World<'_>>) {
    if let Some(console) = &world.program().console {
        world.tell(Progress::RunStarted { title: CONSOLE.to_owned() });
        return console::run(world, console).await;
    }
    let Some(book) = &world.program().book else {
        let failure = Failure::new(FailureKind::Failed, "a library has nothing to run");
        let failure = StepFailure { step: SmolStr::default(), path: Path::default(), failure };
        return finish(&world, End::Refused, Some(failure));
    };
    world.tell(Progress::RunStarted { title: book.title.to_string() });
    let cx = top(&world);
    let deadline = match prepare(&cx, book).await {
        Ok(deadline) => deadline,
        Err(stop) => {
            let failure = failure(&cx, stop);
            let end = match (world.killed.get(), world.back.get()) {
                (true, _) => End::Stopped,
                (false, true) => undone(&world),
                (false, false) => End::Refused,
            };
            return finish(&world, end, Some(failure));
        }
    };
    let result = forward(&cx, book, deadline).await;
    match result {
        // Stopped in a `finally` of its good end.
        Ok(()) if world.killed.get() => finish(&world, End::Stopped, Some(failure(&cx, Stop::Cancelled))),
        Ok(()) if !world.back.get() => {
            world.went_well.set(true);
            let end = if world.left.borrow().is_empty() { End::Succeeded } else { End::Incomplete };
            world.record(Record::Finished { exit: end.exit_code() });
            handlers::run(&cx, book.on_success.as_ref(), None, Book::ON_SUCCESS).await;
            if world.asked_back.borrow().is_some() {
                return again(world).await;
            }
            finish(&world, end, None);
        }
        Ok(()) => failed(&cx, book, Stop::Cancelled).await,
        Err(stop) => failed(&cx, book, stop).await,
    }
}

/// The names of the book, nothing around it.
pub(super) fn top<'p>(world: &Rc<World<'p>>) -> Cx<'p> {
    let names = Names::child(&world.globals);
    let place = Place {
        path: Path::default(),
        span: None,
        step: SmolStr::default(),
        attempts: SmolStr::default(),
        attempt: 1,
        names: names.clone(),
        contexts: Arc::from([]),
    };
    Cx {
        world: world.clone(),
        path: Path::default(),
        span: None,
        names,
        contexts: Arc::from([]),
        seq: world.tree.clone(),
        inst: Instance::aside(&place, &world.forward, None),
        scope: world.forward.clone(),
        mode: Mode::Forward,
        tx: None,
        beside: 0,
        calls: Rc::default(),
    }
}

/// Locks, then what the modules declare: a failure here refuses the run, nothing was done yet.
async fn prepare<'p>(cx: &Cx<'p>, book: &'p Book) -> Result<Option<Nanos>, Stop> {
    let world = &cx.world;
    let here = Cx { names: world.globals.clone(), ..cx.clone() };
    for (name, value) in &world.inputs.params {
        world.globals.bind(*name, value.clone());
    }
    name(world, book.run);
    for global in &world.program().globals {
        // Pure ones first, as far as they go without a secret: a lock's name may read them.
        if let Global::Let { name, value } = global
            && let Ok(value) = eval::eval(&here, value).await
        {
            world.globals.bind(*name, value);
        }
    }
    let header = &book.header;
    locks(&here, header).await?;
    declare(&here, &world.program().globals).await?;
    limits(&here, header).await
}

/// How long its steps, its rollback and its way forward may take; the last comes out.
async fn limits<'p>(cx: &Cx<'p>, header: &'p Header) -> Result<Option<Nanos>, Stop> {
    let world = &cx.world;
    let timeout = time(cx, Field::Timeout, header.timeout.as_ref()).await?;
    let rollback_within = time(cx, Field::RollbackWithin, header.rollback_within.as_ref()).await?;
    let deadline = time(cx, Field::Deadline, header.deadline.as_ref()).await?;
    world.step_timeout.set(timeout);
    world.rollback_within.set(rollback_within);
    Ok(deadline)
}

/// What a runbook at a console declares, with the values of its parameters; how long its way forward may take.
pub(super) async fn open<'p>(cx: &Cx<'p>, opens: &'p Opens, globals: &'p [Global]) -> Result<Option<Nanos>, Stop> {
    let world = &cx.world;
    for (name, value) in &opens.params {
        world.learn(&cx.path, value);
        world.globals.bind(*name, value.clone());
    }
    locks(cx, &opens.header).await?;
    declare(cx, globals).await?;
    limits(cx, &opens.header).await
}

/// `run`.
pub(super) fn name(world: &World<'_>, run: NameId) {
    world.globals.bind(run, Value::record([(SmolStr::new_static("id"), Value::str(world.inputs.run.as_str()))]));
}

/// What a file or an input declares, in its order.
pub(super) async fn declare<'p>(cx: &Cx<'p>, globals: &'p [Global]) -> Result<(), Stop> {
    let world = &cx.world;
    // At a console a library may be used again that was read already.
    for global in globals.iter().filter(|global| world.globals.get(global.name()).is_none()) {
        match global {
            Global::Let { name, value } => {
                let value = eval::eval(cx, value).await?;
                world.globals.bind(*name, value);
            }
            Global::Secret { name, value, short, span } => {
                let value = read(cx, &format!("the secret `{}`", world.name_text(*name)), value).await?;
                if is_empty(&value) {
                    let message = format!("the secret `{}` is empty", world.name_text(*name));
                    let help = Some("set it where it is read from".to_owned());
                    let failure = Failure { span: Some(*span), help, ..Failure::new(FailureKind::Value, message) };
                    return Err(cx.stop(failure));
                }
                if !short && is_short(value.expose().0) {
                    let message =
                        format!("the secret `{}` is too short to be found where it is shown", world.name_text(*name));
                    let help = Some("write `secret short`: it is then hidden by name, and not searched for".to_owned());
                    let failure = Failure { span: Some(*span), help, ..Failure::new(FailureKind::Value, message) };
                    return Err(cx.stop(failure));
                }
                let value = Secret::hide(world.name_text(*name), value);
                world.learn(&cx.path, &value);
                world.globals.bind(*name, value);
            }
            Global::Connect { name, value } => {
                let value = read(cx, &format!("the address of `{}`", world.name_text(*name)), value).await?;
                world.globals.bind(*name, value);
            }
        }
    }
    Ok(())
}

/// What a run needs before it starts is there within a minute; a person is waited for.
const READING: Nanos = Nanos(60_000_000_000);

async fn read<'p>(cx: &Cx<'p>, what: &str, value: &'p Expr) -> Result<Value, Stop> {
    let mut asks = false;
    walk::doings(value, &mut |doing, _| asks |= matches!(doing, Doing::Call(call) if call.action == "secret.prompt"));
    if asks {
        return eval::eval(cx, value).await;
    }
    let scope = Scope::child(&cx.scope);
    let late = cx.late(late::What::Reading(what.to_owned()), READING, None);
    scope.limit(&cx.world, READING, Clock::Runs, late);
    let inner = Cx { scope: scope.clone(), ..cx.clone() };
    let value = eval::eval(&inner, value).await;
    scope.close(&cx.world);
    scope.settle(&cx.world, &cx.scope, value)
}

async fn time<'p>(cx: &Cx<'p>, field: Field, expr: Option<&'p Expr>) -> Result<Option<Nanos>, Stop> {
    Ok(match expr {
        Some(expr) => Some(eval::duration(cx, field, expr).await?),
        None => None,
    })
}

/// Sorted by name, so that two runs cannot wait for each other.
async fn locks<'p>(cx: &Cx<'p>, header: &'p Header) -> Result<(), Stop> {
    let mut locks: Vec<(String, bool, Span)> = Vec::new();
    for lock in &header.locks {
        locks.push((eval::shown(cx, &lock.name).await?.into(), lock.takeover, lock.span));
    }
    locks.sort();
    locks.dedup_by(|next, before| {
        next.0 == before.0 && {
            before.1 |= next.1;
            true
        }
    });
    for (name, takeover, span) in locks {
        let text = format_smolstr!("lock {name}");
        let made = Made {
            what: What::Lock { name, takeover },
            effect: Effect::Read,
            idempotent: true,
            want: Want::Nothing,
            text,
            span,
        };
        calls::make(cx, made).await?;
    }
    Ok(())
}

async fn forward<'p>(cx: &Cx<'p>, book: &'p Book, deadline: Option<Nanos>) -> Result<(), Stop> {
    let world = &cx.world;
    if let Some(deadline) = deadline {
        let left = Nanos(deadline.0 - world.now.get().0);
        let span = book.header.deadline.as_ref().map(|deadline| deadline.span);
        world.forward.limit(world, left, Clock::Runs, cx.late(late::What::Deadline, deadline, span));
    }
    let result = block::body(cx, &book.body).await;
    if !world.planted(Bug::DeadlineInUndo) {
        world.forward.close(world);
    }
    result.map(drop)
}

/// What went wrong first; for a cancel, why it was asked for.
fn failure(cx: &Cx<'_>, stop: Stop) -> StepFailure {
    let mut fault: Fault = match stop {
        Stop::Fail(fault) => *fault,
        Stop::Cancelled | Stop::Done => cx.world.forward.fault().unwrap_or_else(|| stopped(cx)),
    };
    if let (true, Some((step, path))) = (fault.step.is_empty(), cx.world.cut.take()) {
        (fault.step, fault.path) = (step, path);
    }
    fault.report()
}

fn stopped(cx: &Cx<'_>) -> Fault {
    cx.fault(Failure::new(FailureKind::Cancelled, SIGNALLED))
}

/// What an `on failure` is told.
pub(super) struct Told<'p> {
    pub block: &'p Block,
    /// `failure`.
    pub name: NameId,
    pub failure: StepFailure,
}

async fn failed<'p>(cx: &Cx<'p>, book: &'p Book, stop: Stop) {
    let failure = failure(cx, stop);
    let told = |block: &'p Block| Told { block, name: book.failure, failure: failure.clone() };
    let told = book.on_failure.as_ref().map(told);
    back(cx, told, failure).await;
}

/// Nothing forward ever starts again.
pub(super) async fn back<'p>(cx: &Cx<'p>, on_failure: Option<Told<'p>>, failure: StepFailure) {
    let world = &cx.world;
    let asked = world.back.replace(true);
    if world.killed.get() || (world.inputs.on_failure == OnFailure::Stop && !asked) {
        return finish(world, End::Stopped, Some(failure));
    }
    if !asked {
        world.record(Record::Back);
    }
    let here = Cx { scope: Rc::new(Scope::default()), mode: Mode::Back, ..cx.clone() };
    let end = unwind(&here, &failure).await;
    if end != End::Stopped
        && let Some(Told { block, name, failure }) = on_failure
    {
        handlers::run(&here, Some(block), Some((name, &failure)), Book::ON_FAILURE).await;
    }
    let end = if world.asked_back.borrow().is_some() { unwind(&here, &failure).await } else { end };
    finish(world, end, Some(failure));
}

/// What is still in place of a run that has ended is undone: a person has asked for it.
pub(super) async fn again(world: Rc<World<'_>>) {
    let cx = top(&world);
    let here = Cx { scope: Rc::new(Scope::default()), mode: Mode::Back, ..cx };
    let asked = world.asked_back.borrow().as_ref().map(|asked| asked.why.clone()).unwrap_or_default();
    let failed = world.failure.take();
    let why = failed.clone().unwrap_or_else(|| machine::fault(asked).report());
    let end = unwind(&here, &why).await;
    finish(&world, end, failed);
}

/// Everything, or the part that was asked for, in a budget of its own; as often as somebody asks for it after its budget is
/// over.
async fn unwind(cx: &Cx<'_>, failure: &StepFailure) -> End {
    let world = &cx.world;
    loop {
        let what = world.asked_back.take().map(|asked| asked.what).unwrap_or_default();
        world.tell(Progress::Unwinding {
            failure: Some(failure.failure.clone().into()),
            budget: world.rollback_within.get(),
            what: what.clone(),
        });
        let known = world.left.borrow().len();
        let reached = undo::run(cx, &what).await;
        if world.killed.get() {
            return End::Stopped;
        }
        if world.asked_back.borrow().is_some() {
            continue;
        }
        // What an earlier part left to a person is none of this one's.
        let mine = match what {
            Extent::All => 0,
            Extent::From(_) | Extent::Only(_) => known,
        };
        let clean = reached == Undone::Complete && world.left.borrow().len() == mine;
        let end = if clean { undone(world) } else { End::Incomplete };
        world.record(Record::Finished { exit: end.exit_code() });
        return end;
    }
}

/// All that was to be undone is. Only who asked for a part is told that this is all.
fn undone(world: &World<'_>) -> End {
    match (world.wanted.get(), world.tree.left().is_empty() && world.left.borrow().is_empty()) {
        (true, true) => End::Undone,
        (true, false) => End::UndoneInPart,
        (false, true) => End::RolledBack,
        (false, false) => End::Incomplete,
    }
}

/// The last command: what is still in place is named unless the run went well. What was asked for is no failure.
pub(super) fn finish(world: &World<'_>, end: End, failure: Option<StepFailure>) {
    let mut left = world.left.borrow().clone();
    // What a console keeps is no trouble.
    let in_trouble = failure.is_some() && end != End::Failed;
    if in_trouble || world.back.get() {
        left.extend(world.tree.left());
    }
    world.failure.replace(failure.clone());
    let failure = failure.filter(|_| !matches!(end, End::Undone | End::UndoneInPart));
    world.push(Command::Finish(Box::new(Finish {
        end,
        failure,
        taken_back: world.went_well.get() && world.back.get(),
        wrote: world.wrote.get(),
        undone: world.undone.borrow().clone(),
        left,
        notes: world.notes.borrow().clone(),
        warnings: world.warnings.borrow().clone(),
        account: Account::Whole,
    })));
}
