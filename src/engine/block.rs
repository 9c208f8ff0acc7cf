//! Statements one after the other, and which construct each of them is.
use std::rc::Rc;

use crate::check::program::{Block, Expr, NameId, Stmt, StmtKind};
use crate::engine::call::Segment;
use crate::engine::cx::{Cx, Mode};
use crate::engine::event::{Failure, FailureKind, Progress};
use crate::engine::failure::{Flow, Fut, Next, Stop};
use crate::engine::names::Names;
use crate::engine::record::Record;
use crate::engine::scope::Scope;
use crate::engine::tree::{Finally, Seq};
use crate::engine::{
    companion, conditions, eval, handlers, invariant, parallel, questions, step, transaction, tries, undo, waits,
};
use crate::source::Span;
use crate::value::Nanos;

/// The statements, then what must be true at the end, then the block's `finally`s. Not ok: the undo runs those.
pub(super) fn body<'a, 'p: 'a>(cx: &'a Cx<'p>, block: &'p Block) -> Fut<'a, Flow> {
    Box::pin(async move {
        let result = if block.stmts.iter().any(|stmt| matches!(stmt.kind, StmtKind::Invariant { .. })) {
            let scope = Scope::child(&cx.scope);
            let inner = Cx { scope: scope.clone(), ..cx.clone() };
            let mut watched = invariant::Watched::default();
            let result = statements(&inner, block, &mut watched).await;
            watched.stop(cx).await;
            scope.settle(&cx.world, &cx.scope, result)
        } else {
            statements(cx, block, &mut invariant::Watched::default()).await
        };
        let result = match result {
            Ok(Next::Go | Next::Return(_)) if is_attempt(cx) => match conditions::goals(cx).await {
                Ok(()) => result,
                Err(stop) => Err(stop),
            },
            other => other,
        };
        if matches!(result, Ok(_) | Err(Stop::Done)) || cx.mode != Mode::Forward {
            undo::finallys(cx, &cx.seq).await;
        }
        result
    })
}

fn is_attempt(cx: &Cx<'_>) -> bool {
    std::ptr::eq(cx.inst.seq.as_ptr(), Rc::as_ptr(&cx.seq))
}

async fn statements<'p>(cx: &Cx<'p>, block: &'p Block, watched: &mut invariant::Watched) -> Flow {
    let mut here = cx.clone();
    for stmt in &block.stmts {
        cx.check()?;
        here.go_to(cx, stmt);
        let next = match (&stmt.kind, cx.mode) {
            (StmtKind::Invariant { label, every, tolerate, cond }, _) => {
                watched
                    .start(&here, &cx.scope, invariant::Spec { label, every, tolerate: tolerate.as_ref(), cond })
                    .await?;
                Next::Go
            }
            (_, Mode::Forward) => statement(&here, stmt).await?,
            (_, Mode::Back) => repeated(&here, stmt).await?,
            (_, Mode::Handler) => {
                handlers::as_warning(&here, statement(&here, stmt).await)?;
                Next::Go
            }
        };
        if let Next::Go = next {
            continue;
        }
        return Ok(next);
    }
    cx.check()?;
    Ok(Next::Go)
}

/// How often a failing statement of a rollback is repeated, and the first delay; it doubles.
const REPEATS: u32 = 3;
const FIRST_DELAY: Nanos = Nanos(1_000_000_000);

async fn repeated<'p>(cx: &Cx<'p>, stmt: &'p Stmt) -> Flow {
    let mut delay = FIRST_DELAY;
    let mut here = cx.clone();
    for _ in 0..REPEATS {
        match statement(&here, stmt).await {
            // To sleep the rest of the budget away would only hide why it failed.
            Err(Stop::Fail(mut fault)) if cx.scope.left(&cx.world).is_some_and(|left| left <= delay) => {
                if !fault.exhausted {
                    fault.failure.message.push_str("; no time is left to try again");
                    fault.exhausted = true;
                }
                return Err(Stop::Fail(fault));
            }
            // A person's no is not asked again.
            Err(Stop::Fail(fault))
                if !fault.exhausted && fault.failure.kind != FailureKind::Declined && !still_running(cx) =>
            {
                cx.world.tell(Progress::Log {
                    path: cx.path.clone(),
                    text: format!(
                        "{}; again in {}",
                        fault.failure.message,
                        crate::value::show::show(&crate::value::Value::Duration(delay))
                    ),
                });
            }
            other => return other,
        }
        cx.sleep(delay).await?;
        delay = Nanos(delay.0 * 2);
        // In doubt it has to be known again by whoever was called; what was answered is asked anew.
        if here.calls.doubt.get() {
            here = Cx { calls: Rc::default(), ..cx.clone() };
        }
    }
    statement(&here, stmt).await.map_err(|stop| match stop {
        Stop::Fail(mut fault) => {
            fault.exhausted = true;
            Stop::Fail(fault)
        }
        stop @ (Stop::Cancelled | Stop::Done) => stop,
    })
}

/// Nothing is repeated beside a call that may still run.
fn still_running(cx: &Cx<'_>) -> bool {
    cx.inst.writes.borrow().unit.as_ref().is_some_and(|unit| !unit.running.borrow().is_empty())
}

/// A block inside: its own sequence and, because it is a scope, its own names.
pub(super) async fn inner<'p>(cx: &Cx<'p>, block: &'p Block, branch: Option<u32>, names: Rc<Names>) -> Flow {
    let seq = cx.seq.open();
    let path = branch.map_or_else(|| cx.path.clone(), |n| cx.path.join(Segment::Branch(n)));
    let here = Cx { path, names, seq: seq.clone(), ..cx.clone() };
    let result = body(&here, block).await;
    cx.seq.prune(&seq);
    result
}

/// An own scope of names.
pub(super) fn fresh(cx: &Cx<'_>) -> Rc<Names> {
    Names::child(&cx.names)
}

pub(super) fn statement<'a, 'p: 'a>(cx: &'a Cx<'p>, stmt: &'p Stmt) -> Fut<'a, Flow> {
    // Each in a box of its own size: the largest would be many times that of the most frequent.
    match &stmt.kind {
        StmtKind::Step(step) => Box::pin(step::step(cx, step)),
        StmtKind::Let { name, value, fallback } => Box::pin(set(cx, *name, value, fallback.as_deref(), stmt.span)),
        StmtKind::Ask { name, question, ty } => Box::pin(questions::ask(cx, *name, question, ty)),
        StmtKind::ChooseFrom { name, question, from } => Box::pin(questions::choose_from(cx, *name, question, from)),
        StmtKind::DoneWhen(cond) => Box::pin(conditions::done_when(cx, cond)),
        StmtKind::Guards(guards) => Box::pin(conditions::guards(cx, guards)),
        StmtKind::Warn(guard) => Box::pin(conditions::warn(cx, guard)),
        // Only reached where a rollback is repeated: `statements` starts them.
        StmtKind::Invariant { .. } => Box::pin(std::future::ready(Ok(Next::Go))),
        StmtKind::Wait(time) => Box::pin(waits::wait(cx, time)),
        StmtKind::WaitUntil { limit, every, until, unless } => {
            Box::pin(waits::until(cx, limit, every.as_deref(), until, unless.as_deref()))
        }
        StmtKind::Watch { label, window, every, tolerate, body } => {
            Box::pin(waits::watch(cx, waits::Watch { label, window, every, tolerate: tolerate.as_ref(), body }))
        }
        StmtKind::If { cond, then, otherwise } => Box::pin(choice(cx, cond, then, otherwise.as_ref())),
        StmtKind::For { name, list, parallel, body } => {
            Box::pin(parallel::each(cx, *name, list, parallel.as_deref(), body))
        }
        StmtKind::Parallel(block) => Box::pin(parallel::block(cx, block)),
        StmtKind::Transaction { on, body } => Box::pin(transaction::transaction(cx, on, body, stmt.span)),
        StmtKind::With { contexts, body } => companion::with(cx, contexts, body),
        StmtKind::Confirm { question, within } => Box::pin(questions::confirm(cx, question, within.as_deref())),
        StmtKind::Choose { question, options } => Box::pin(questions::choose(cx, question, options)),
        StmtKind::Try { body, otherwise, failure } => Box::pin(tries::attempt(cx, body, otherwise, *failure)),
        StmtKind::Commit(why) => Box::pin(commit(cx, why)),
        StmtKind::Finally(block) => {
            let finally = Finally { block, place: cx.place(cx.path.clone()), open: true.into() };
            cx.seq.finallys.borrow_mut().push(Rc::new(finally));
            Box::pin(std::future::ready(Ok(Next::Go)))
        }
        StmtKind::Fail(message) => Box::pin(async move {
            let failure = Failure::new(FailureKind::Explicit, eval::shown(cx, message).await?);
            Err(cx.stop(Failure { span: Some(stmt.span), ..failure }))
        }),
        StmtKind::Log(text) => Box::pin(async move {
            let text = eval::shown(cx, text).await?.into();
            cx.world.tell(Progress::Log { path: cx.path.clone(), text });
            Ok(Next::Go)
        }),
        StmtKind::Note { key, value } => Box::pin(async move {
            let key = eval::shown(cx, key).await?.to_string();
            let value = eval::eval(cx, value).await?;
            cx.world.notes.borrow_mut().push((key.clone(), value.clone()));
            cx.world.tell(Progress::Note { path: cx.path.clone(), key, value });
            Ok(Next::Go)
        }),
        StmtKind::Return(value) => Box::pin(async move { Ok(Next::Return(eval::eval(cx, value).await?)) }),
        StmtKind::Show(expr) => Box::pin(async move {
            let value = eval::eval(cx, expr).await?;
            cx.world.tell(Progress::Shown { path: cx.path.clone(), value });
            Ok(Next::Go)
        }),
        StmtKind::Eval(expr) => Box::pin(async move {
            eval::eval(cx, expr).await?;
            Ok(Next::Go)
        }),
    }
}

async fn set<'p>(cx: &Cx<'p>, name: NameId, value: &'p Expr, fallback: Option<&'p Expr>, span: Span) -> Flow {
    let value = match (eval::eval(cx, value).await, fallback) {
        (Err(Stop::Fail(fault)), Some(fallback)) => {
            let value = eval::eval(cx, fallback).await?;
            let text = format!("`{}` takes its fallback: {}", cx.world.name_text(name), fault.failure.message);
            cx.world.tell(Progress::Log { path: cx.path.clone(), text });
            value
        }
        (value, _) => value?,
    };
    eval::small(cx, &value, span)?;
    cx.bind(name, value);
    Ok(Next::Go)
}

async fn choice<'p>(cx: &Cx<'p>, cond: &'p Expr, then: &'p Block, otherwise: Option<&'p Block>) -> Flow {
    if conditions::decide(cx, cond).await? {
        return inner(cx, then, None, fresh(cx)).await;
    }
    match otherwise {
        Some(otherwise) => inner(cx, otherwise, Some(1), fresh(cx)).await,
        None => Ok(Next::Go),
    }
}

async fn commit<'p>(cx: &Cx<'p>, why: &'p Expr) -> Flow {
    let why = eval::shown(cx, why).await?.into();
    cx.world.record(Record::Committed { path: cx.path.clone() });
    cx.world.tell(Progress::Committed { path: cx.path.clone(), why });
    cx.seq.commit();
    if is_attempt(cx) {
        // What it writes from here on is a new unit.
        cx.inst.writes.borrow_mut().unit = None;
    }
    Ok(Next::Go)
}

/// A sequence that nothing else will undo: of a rollback, a handler.
pub(super) fn loose<'p>() -> Rc<Seq<'p>> {
    Rc::default()
}

/// One statement as an element of its own: its `finally`s run at its end.
pub(super) async fn one<'p>(cx: &Cx<'p>, stmt: &'p Stmt) -> Flow {
    let here = cx.at(stmt);
    let result = match cx.mode {
        Mode::Forward => statement(&here, stmt).await,
        Mode::Back => repeated(&here, stmt).await,
        Mode::Handler => handlers::as_warning(&here, statement(&here, stmt).await).map(|()| Next::Go),
    };
    if result.is_ok() {
        undo::finallys(cx, &cx.seq).await;
    }
    result
}
