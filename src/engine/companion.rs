//! `with running(…)`: a process beside a block, from before its first statement to after its last, and again while what
//! was done in the block is undone.
use std::cell::Cell;
use std::rc::Rc;

use crate::check::flow::bounds::Field;
use crate::check::program::{self, Block, ContextUse, ExprKind};
use crate::engine::block;
use crate::engine::call::Segment;
use crate::engine::calls;
use crate::engine::contexts;
use crate::engine::cx::Cx;
use crate::engine::eval;
use crate::engine::event::{Extent, Failure, FailureKind, Left, LeftWhy, Outcome};
use crate::engine::executor::Slot;
use crate::engine::failure::{Fault, Flow, Fut, Stop};
use crate::engine::gate;
use crate::engine::scope::Scope;
use crate::engine::tree::{Place, Seq};
use crate::engine::undo::{self, Undone};
use crate::engine::waits;
use crate::value::{Nanos, Value};

pub(super) struct Companion<'p> {
    spec: &'p program::Running,
    place: Place,
}

/// How long it may take to be ready when nothing is said.
const READY: Nanos = Nanos(30_000_000_000);
/// How long it must have run where nothing says when it is ready: by then a program that cannot be started has ended.
const STARTED: Nanos = Nanos(100_000_000);
/// Between two looks whether it is.
const LOOK: Nanos = Nanos(200_000_000);

/// The block, in its contexts from left to right, each process started in the world made by those before it.
pub(super) fn with<'a, 'p: 'a>(cx: &'a Cx<'p>, uses: &'p [ContextUse], body: &'p Block) -> Fut<'a, Flow> {
    Box::pin(async move {
        let split = uses.iter().enumerate().find_map(|(at, entered)| match entered {
            ContextUse::Running(spec) => Some((uses.get(..at)?, spec, uses.get(at + 1..)?)),
            _ => None,
        });
        let Some((before, spec, rest)) = split else {
            let contexts = contexts::enter(cx, uses).await?;
            return block::inner(&Cx { contexts, ..cx.clone() }, body, None, cx.names.clone()).await;
        };
        let here = Cx { contexts: contexts::enter(cx, before).await?, ..cx.clone() };
        let companion = Rc::new(Companion { spec, place: here.place(here.path.clone()) });
        let seq = cx.seq.open_beside(companion);
        let around = Cx { seq: seq.clone(), ..here.clone() };
        let result = beside(&here, spec, async |scope| with(&Cx { scope, ..around }, rest, body).await).await;
        cx.seq.prune(&seq);
        result
    })
}

/// What was done in its block is undone, beside it.
pub(super) async fn again<'p>(cx: &Cx<'p>, companion: &Companion<'p>, what: &Rc<Seq<'p>>, extent: &Extent) -> Undone {
    let place = &companion.place;
    let here = undo::beside(cx, place, None, place.path.join(Segment::Branch(1)));
    let reached = Cell::new(None);
    let work = async |scope| {
        reached.set(Some(undo::children(&Cx { scope, ..cx.clone() }, what, extent).await));
        Ok(())
    };
    let result = beside(&here, companion.spec, work).await;
    match (reached.get(), result) {
        (Some(reached), _) => reached,
        (None, result) => {
            if let Err(Stop::Fail(fault)) = result {
                what.blame(fault.failure);
            }
            Undone::Left
        }
    }
}

/// Start it, wait until it is ready, do the work, end it. What comes of the work, or why it was not there any more.
async fn beside<'p, T>(
    cx: &Cx<'p>,
    spec: &'p program::Running,
    work: impl AsyncFnOnce(Rc<Scope>) -> Result<T, Stop>,
) -> Result<T, Stop> {
    cx.check()?;
    let span = spec.command.span;
    let ExprKind::Command(command) = &spec.command.kind else {
        return Err(cx.unfit("what runs beside a block is a command", span));
    };
    let made = calls::made(cx, command, span).await?;
    let block = Scope::child(&cx.scope);
    // It outlives a cancel of the block: what ends there may still need it.
    let own = Scope::shielded(&cx.scope);
    let ended = start(&Cx { scope: own.clone(), ..cx.clone() }, spec, made, &block);
    let result = match ready(&Cx { scope: block.clone(), ..cx.clone() }, spec).await {
        Ok(()) => {
            block.attend(&cx.world);
            work(block.clone()).await
        }
        Err(stop) => Err(stop),
    };
    own.end(&cx.world, cx.fault(Failure::new(FailureKind::Cancelled, "the block has ended")));
    if let Some(running) = ended.take(&cx.world.queue).await {
        let place = cx.place(cx.path.clone());
        cx.world.left.borrow_mut().push(Left { span: Some(span), ..place.left(LeftWhy::Running(running)) });
    }
    block.settle(&cx.world, &cx.scope, result)
}

/// In the slot: what of it could not be ended.
fn start<'p>(
    cx: &Cx<'p>,
    spec: &'p program::Running,
    made: calls::Made,
    block: &Rc<Scope>,
) -> Rc<Slot<Option<String>>> {
    let (here, block, done) = (cx.clone(), block.clone(), Slot::new());
    // Before anything of the block.
    let mut id = calls::started(cx, made.clone(), None).id;
    let (slot, world) = (done.clone(), cx.world.clone());
    cx.world.queue.spawn(
        async move {
            let mut outcome = loop {
                if let Some(outcome) = calls::attended(&here, id).await {
                    break outcome;
                }
                // It died with the process of the run: another one, unless the block ends anyway.
                if block.cancelled(&here.world) || gate::beside(&here).await.is_err() {
                    block.abandon(&here.world);
                    return None;
                }
                id = calls::started(&here, made.clone(), None).id;
                if block.was_attended() {
                    attend(&here, spec, &block);
                }
            };
            let running = outcome.running.take();
            if !here.cancelled() {
                block.cancel(&here.world, died(&here, *outcome));
            }
            running
        },
        move |running| slot.put(&world.queue, running),
    );
    done
}

/// Its block goes on once it is ready again.
fn attend<'p>(cx: &Cx<'p>, spec: &'p program::Running, block: &Rc<Scope>) {
    let (world, block) = (cx.world.clone(), block.clone());
    let here = Cx { scope: Scope::child(&cx.scope), ..cx.clone() };
    cx.world.queue.spawn(async move { ready(&here, spec).await }, move |ready| match ready {
        Ok(()) => block.attend(&world),
        Err(stop) => {
            if let Stop::Fail(fault) = stop {
                block.cancel(&world, *fault);
            }
            block.abandon(&world);
        }
    });
}

fn died(cx: &Cx<'_>, outcome: Outcome) -> Fault {
    let failure = match outcome.result {
        Err(failure) => failure,
        Ok(_) => Failure::new(FailureKind::Failed, "it has ended"),
    };
    let message = format!("what runs beside the block has ended before it: {}", failure.message);
    cx.fault(Failure { message, ..failure })
}

async fn ready<'p>(cx: &Cx<'p>, spec: &'p program::Running) -> Result<(), Stop> {
    let Some(cond) = &spec.ready else { return cx.sleep(STARTED).await };
    let limit = match &spec.within {
        Some(within) => eval::duration(cx, Field::Ready, within).await?,
        None => READY,
    };
    match waits::polled(cx, limit, LOOK, cond, None).await {
        Ok(_) => Ok(()),
        Err(Stop::Fail(mut fault)) if fault.failure.kind == FailureKind::Timeout => {
            fault.failure.message = format!("what runs beside the block is not ready: {}", fault.failure.message);
            Err(Stop::Fail(fault))
        }
        Err(stop) => Err(stop),
    }
}

/// It was to be ended: what a failure says of that is no news.
pub(super) fn as_asked(outcome: &mut Outcome) {
    if outcome.running.is_none() {
        *outcome = Outcome::done(Value::Null);
    }
}
