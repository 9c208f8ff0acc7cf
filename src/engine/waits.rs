//! `wait`, `wait up to … until …`, `watch`: every one of them ends.
use crate::check::flow::bounds::Field;
use crate::check::program::{Block, Expr, Guard, StmtKind, Tolerate};
use crate::engine::conditions::{self, reason, tell};
use crate::engine::cx::Cx;
use crate::engine::event::{ConditionKind, Failure, FailureKind, Progress, Verdict};
use crate::engine::failure::{Flow, Next, Stop};
use crate::engine::record::Record;
use crate::engine::scope::{Clock, Scope};
use crate::engine::{block, eval, late};
use crate::value::{Nanos, SmolStr};

pub(super) async fn wait<'p>(cx: &Cx<'p>, time: &'p Expr) -> Flow {
    let time = eval::duration(cx, Field::Wait, time).await?;
    cx.world.record(Record::Wait { path: cx.path.clone() });
    cx.world.tell(Progress::Waiting { path: cx.path.clone(), what: String::new(), span: None, limit: time });
    cx.wait(time).await?;
    Ok(Next::Go)
}

const POLL: Nanos = Nanos(1_000_000_000);
/// The least pause between two polls, in nanoseconds.
const SHORTEST: i64 = 1_000_000;

/// Until the one holds; fails at once when the other does, and with the last reason when time is up.
pub(super) async fn until<'p>(
    cx: &Cx<'p>,
    limit: &'p Expr,
    every: Option<&'p Expr>,
    until: &'p Expr,
    unless: Option<&'p Expr>,
) -> Flow {
    let time = eval::duration(cx, Field::WaitUpTo, limit).await?;
    let every = match every {
        Some(every) => eval::duration(cx, Field::Every, every).await?,
        None => POLL,
    };
    cx.world.tell(Progress::Waiting {
        path: cx.path.clone(),
        what: "until".to_owned(),
        span: Some(until.span),
        limit: time,
    });
    polled(cx, time, every, until, unless).await
}

/// The same, told nobody.
pub(super) async fn polled<'p>(
    cx: &Cx<'p>,
    time: Nanos,
    every: Nanos,
    until: &'p Expr,
    unless: Option<&'p Expr>,
) -> Flow {
    let scope = Scope::child(&cx.scope);
    scope.limit(&cx.world, time, Clock::Runs, cx.late(late::What::Wait, time, Some(until.span)));
    let inner = Cx { scope: scope.clone(), ..cx.clone() };
    let mut last = None;
    let result = poll(&inner, every, until, unless, &mut last).await;
    scope.close(&cx.world);
    if result.is_ok() {
        return result;
    }
    scope.settle(&cx.world, &cx.scope, result).map_err(|stop| match stop {
        Stop::Fail(mut fault) if fault.failure.kind == FailureKind::Timeout => {
            if let Some(last) = last {
                fault.failure.message = format!("{}: {last}", fault.failure.message);
            }
            Stop::Fail(fault)
        }
        stop => stop,
    })
}

async fn poll<'p>(
    cx: &Cx<'p>,
    every: Nanos,
    until: &'p Expr,
    unless: Option<&'p Expr>,
    last: &mut Option<String>,
) -> Flow {
    let mut due = cx.world.now.get();
    loop {
        let verdict = conditions::verdict(cx, until).await?;
        tell(cx, ConditionKind::Until, SmolStr::default(), &verdict);
        match reason(&verdict) {
            None => return Ok(Next::Go),
            Some(reason) => *last = Some(reason.to_owned()),
        }
        if let Some(unless) = unless {
            let verdict = conditions::verdict(cx, unless).await?;
            tell(cx, ConditionKind::Unless, SmolStr::default(), &verdict);
            if verdict == Verdict::Holds {
                let message = "the condition after `unless` is true";
                let failure =
                    Failure { span: Some(unless.span), ..Failure::new(FailureKind::Guard, message.to_owned()) };
                return Err(cx.stop(failure));
            }
        }
        due = next(cx, due, every);
        cx.sleep(Nanos((due.0 - cx.world.now.get().0).max(SHORTEST))).await?;
    }
}

/// A late one follows at once.
fn next(cx: &Cx<'_>, due: Nanos, every: Nanos) -> Nanos {
    Nanos(due.0.saturating_add(every.0)).max(cx.world.now.get())
}

pub(super) struct Watch<'p> {
    pub label: &'p Expr,
    pub window: &'p Expr,
    pub every: &'p Expr,
    pub tolerate: Option<&'p Tolerate>,
    pub body: &'p Block,
}

/// How many bad ones are left to forgive.
pub(super) struct Tolerance {
    times: i64,
    consecutive: bool,
    bad: i64,
}

impl Tolerance {
    pub async fn of<'p>(cx: &Cx<'p>, tolerate: Option<&'p Tolerate>) -> Result<Tolerance, Stop> {
        Ok(match tolerate {
            Some(tolerate) => {
                let times = eval::count(cx, Field::Tolerate, &tolerate.times).await?;
                Tolerance { times, consecutive: tolerate.consecutive, bad: 0 }
            }
            None => Tolerance { times: 0, consecutive: false, bad: 0 },
        })
    }

    pub fn consecutive(mut self) -> Tolerance {
        self.consecutive = true;
        self
    }

    /// Whether this one is one too many.
    pub fn too_many(&mut self, good: bool) -> bool {
        if good {
            if self.consecutive {
                self.bad = 0;
            }
            return false;
        }
        self.bad += 1;
        self.bad > self.times
    }
}

/// First sample at once, last at the end of the window; one at a time; each bounded by `every`.
pub(super) async fn watch<'p>(cx: &Cx<'p>, watch: Watch<'p>) -> Flow {
    let label = eval::shown(cx, watch.label).await?;
    let window = eval::duration(cx, Field::Window, watch.window).await?;
    let every = eval::duration(cx, Field::Every, watch.every).await?;
    // Whoever goes on with the run begins its window anew.
    loop {
        cx.world.tell(Progress::Waiting {
            path: cx.path.clone(),
            what: format!("watch `{label}`"),
            span: None,
            limit: window,
        });
        if held(cx, &watch, &label, window, every).await? {
            return Ok(Next::Go);
        }
    }
}

/// Through its window; false when another process went on with the run meanwhile.
async fn held<'p>(cx: &Cx<'p>, watch: &Watch<'p>, label: &str, window: Nanos, every: Nanos) -> Result<bool, Stop> {
    let process = cx.world.process.get();
    let mut whole = Tolerance::of(cx, watch.tolerate).await?;
    let mut own = Vec::new();
    for guard in tolerant(watch.body) {
        own.push((std::ptr::from_ref(guard), Tolerance::of(cx, guard.tolerate.as_ref()).await?));
    }
    let start = cx.world.now.get();
    let mut offset = Nanos(0);
    loop {
        let due = Nanos(start.0 + offset.0);
        if !cx.nap(Nanos(due.0 - cx.world.now.get().0)).await? {
            return Ok(false);
        }
        let mut sample = Sample { own: &mut own, reasons: Vec::new(), over: None };
        bounded(cx, every, watch.body, &mut sample).await?;
        if process != cx.world.process.get() {
            return Ok(false);
        }
        let Sample { reasons, over, .. } = sample;
        let (reason, over) = match over {
            Some(reason) => (reason, true),
            None => (reasons.join("; "), whole.too_many(reasons.is_empty())),
        };
        if over {
            let message = format!("watch `{label}` does not hold: {reason}");
            let failure = Failure { span: Some(watch.label.span), ..Failure::new(FailureKind::Guard, message) };
            return Err(cx.stop(failure));
        }
        if offset >= window {
            return Ok(true);
        }
        offset = Nanos(offset.0 + every.0).min(window);
    }
}

fn tolerant(body: &Block) -> impl Iterator<Item = &Guard> {
    body.stmts
        .iter()
        .filter_map(|stmt| match &stmt.kind {
            StmtKind::Guards(guards) => Some(guards.iter()),
            _ => None,
        })
        .flatten()
        .filter(|guard| guard.tolerate.is_some())
}

/// One look at everything a watch holds.
struct Sample<'s> {
    own: &'s mut Vec<(*const Guard, Tolerance)>,
    reasons: Vec<String>,
    /// A guard with a tolerance of its own has used it up.
    over: Option<String>,
}

async fn bounded<'p>(cx: &Cx<'p>, every: Nanos, body: &'p Block, sample: &mut Sample<'_>) -> Result<(), Stop> {
    let scope = Scope::child(&cx.scope);
    scope.limit(&cx.world, every, Clock::Runs, cx.late(late::What::Answer, every, None));
    let inner = Cx { scope: scope.clone(), names: block::fresh(cx), ..cx.clone() };
    let result = look(&inner, body, sample).await;
    scope.close(&cx.world);
    let result = if result.is_ok() { result } else { scope.settle(&cx.world, &cx.scope, result) };
    match result {
        Ok(()) => Ok(()),
        Err(Stop::Fail(fault)) => {
            sample.reasons.push(fault.failure.message);
            Ok(())
        }
        Err(stop @ (Stop::Cancelled | Stop::Done)) => Err(stop),
    }
}

async fn look<'p>(cx: &Cx<'p>, body: &'p Block, sample: &mut Sample<'_>) -> Result<(), Stop> {
    for stmt in &body.stmts {
        let here = cx.at(stmt);
        match &stmt.kind {
            StmtKind::Guards(guards) => {
                for guard in guards {
                    let label = eval::shown(&here, &guard.label).await?;
                    let verdict = conditions::verdict(&here, &guard.cond).await?;
                    tell(&here, ConditionKind::Watch, label.clone(), &verdict);
                    let reason = reason(&verdict).map(|reason| format!("`{label}`: {reason}"));
                    let own = sample.own.iter_mut().find(|(of, _)| std::ptr::eq(*of, guard));
                    match (own, reason) {
                        (Some((_, own)), reason) => {
                            if own.too_many(reason.is_none()) {
                                sample.over = reason;
                                return Ok(());
                            }
                        }
                        (None, Some(reason)) => sample.reasons.push(reason),
                        (None, None) => {}
                    }
                }
            }
            _ => {
                block::statement(&here, stmt).await?;
            }
        }
    }
    Ok(())
}
