//! Conditions are true, false, or an error; and what becomes of each where they stand.
use std::rc::Rc;
use std::sync::Arc;

use crate::check::program::{Expr, ExprKind, Guard};
use crate::engine::calls;
use crate::engine::cx::{Cx, Goal};
use crate::engine::eval;
use crate::engine::event::{ConditionKind, Failure, FailureKind, Progress, Verdict};
use crate::engine::failure::{Flow, Fut, Next, Stop};
use crate::value::ops::BinaryOp;
use crate::value::{Response, SmolStr, Value, show};

/// True or false, and why.
pub(super) struct Judged<'p> {
    pub holds: bool,
    pub reason: Reason<'p>,
}

/// Most conditions hold, and nobody asks why: the words are put together only then.
pub(super) enum Reason<'p> {
    /// It is what it says.
    Is(bool),
    /// Both sides: `83 < 80`.
    Compared(Value, BinaryOp, Value),
    Answered(Arc<Response>),
    Succeeded,
    /// `why`: what the command says where it is false.
    Command {
        source: &'p str,
        holds: bool,
        why: Option<String>,
    },
    Both(Box<(Reason<'p>, Reason<'p>)>),
    /// What stands under a `not` is true, and why.
    Denied {
        of: &'p Expr,
        written: &'p str,
        why: Box<Reason<'p>>,
    },
}

impl std::fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Is(holds) => write!(f, "it is {holds}"),
            Reason::Compared(a, op, b) => write!(f, "{} {} {}", show::show(a), op.sign(), show::show(b)),
            Reason::Answered(response) => write!(f, "`{}` answered {}", response.shown_url(), response.status),
            Reason::Succeeded => f.write_str("it succeeded"),
            Reason::Command { source, holds, why } => {
                let says = if *holds { "exited with code 0" } else { why.as_deref().unwrap_or("does not succeed") };
                write!(f, "`$ {}` {says}", source.trim())
            }
            Reason::Both(both) => write!(f, "{}, and {}", both.0, both.1),
            Reason::Denied { of, written, why } => denied(f, of, written, why),
        }
    }
}

/// Without brackets around all of it.
fn unbraced(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return text };
    let mut depth = 0;
    let whole = inner.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    });
    if whole { inner.trim() } else { text }
}

fn denied(f: &mut std::fmt::Formatter<'_>, of: &Expr, written: &str, why: &Reason<'_>) -> std::fmt::Result {
    let line = written.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = unbraced(&line);
    match (why, &of.kind) {
        (Reason::Command { .. } | Reason::Answered(_), _) => write!(f, "{why}"),
        (Reason::Succeeded, _) => write!(f, "`{line}` succeeded"),
        (Reason::Is(_), _) => write!(f, "`{line}` is true"),
        (Reason::Compared(a, _, b), ExprKind::Binary(_, left, right)) => {
            let sides = [(left, a), (right, b)];
            let sides = sides.into_iter().filter(|(side, _)| !matches!(side.kind, ExprKind::Value(_)));
            let text = |side: &Expr| {
                let start = side.span.start.checked_sub(of.span.start)? as usize;
                written.get(start..start + (side.span.end - side.span.start) as usize)
            };
            let told = sides.filter_map(|(side, value)| Some(format!("{} is {}", text(side)?, show::show(value))));
            let told = told.collect::<Vec<_>>().join(" and ");
            if told.is_empty() { write!(f, "`{line}` is true") } else { write!(f, "`{line}` is true: {told}") }
        }
        (Reason::Compared(..) | Reason::Both(_) | Reason::Denied { .. }, _) => write!(f, "`{line}` is true: {why}"),
    }
}

/// An error is a failure.
pub(super) fn judge<'a, 'p: 'a>(cx: &'a Cx<'p>, expr: &'p Expr) -> Fut<'a, Result<Judged<'p>, Stop>> {
    Box::pin(async move {
        Ok(match &expr.kind {
            ExprKind::Not(of, written) => {
                let Judged { holds, reason } = judge(cx, of).await?;
                let reason = if holds { Reason::Denied { of, written, why: Box::new(reason) } } else { reason };
                Judged { holds: !holds, reason }
            }
            ExprKind::And(a, b) => {
                let judged = judge(cx, a).await?;
                if judged.holds { judge(cx, b).await? } else { judged }
            }
            ExprKind::Or(a, b) => {
                let first = judge(cx, a).await?;
                if first.holds {
                    return Ok(first);
                }
                let second = judge(cx, b).await?;
                if second.holds {
                    return Ok(second);
                }
                Judged { holds: false, reason: Reason::Both(Box::new((first.reason, second.reason))) }
            }
            ExprKind::Binary(op, a, b) => {
                let a = eval::eval(cx, a).await?;
                let b = eval::eval(cx, b).await?;
                let value = eval::binary(cx, *op, &a, &b, expr.span)?;
                Judged { holds: eval::truth(cx, &value, expr.span)?, reason: Reason::Compared(a, *op, b) }
            }
            ExprKind::Judge(of) => {
                let value = eval::eval(cx, of).await?;
                eval::whole(cx, &value, expr.span)?;
                match value.expose().0 {
                    Value::Response(response) => {
                        Judged { holds: response.is_success(), reason: Reason::Answered(response.clone()) }
                    }
                    Value::Bool(holds) => Judged { holds: *holds, reason: Reason::Is(*holds) },
                    Value::Null => Judged { holds: true, reason: Reason::Succeeded },
                    other => {
                        let message = format!("neither true nor false but {}", show::kind(other));
                        return Err(cx.unfit(message, expr.span));
                    }
                }
            }
            ExprKind::Command(command) => {
                let (value, why) = calls::judged(cx, command, expr.span).await?;
                let holds = eval::truth(cx, &value, expr.span)?;
                Judged { holds, reason: Reason::Command { source: &command.source, holds, why } }
            }
            ExprKind::Value(_)
            | ExprKind::Name(_)
            | ExprKind::Text(_)
            | ExprKind::List(_)
            | ExprKind::Record(_)
            | ExprKind::Field(..)
            | ExprKind::Index(..)
            | ExprKind::Neg(_)
            | ExprKind::If(_)
            | ExprKind::Method(..)
            | ExprKind::Each(..)
            | ExprKind::Now
            | ExprKind::Call(_)
            | ExprKind::Action(_)
            | ExprKind::Connection(_) => {
                let value = eval::eval(cx, expr).await?;
                let holds = eval::truth(cx, &value, expr.span)?;
                Judged { holds, reason: Reason::Is(holds) }
            }
        })
    })
}

/// Where an error fails: `if`, `when`, `where`, `if then else`.
pub(super) async fn decide<'p>(cx: &Cx<'p>, cond: &'p Expr) -> Result<bool, Stop> {
    Ok(judge(cx, cond).await?.holds)
}

/// As [`decide`], and said.
pub(super) async fn told<'p>(cx: &Cx<'p>, kind: ConditionKind, label: SmolStr, cond: &'p Expr) -> Result<bool, Stop> {
    let verdict = verdict(cx, cond).await?;
    tell(cx, kind, label, &verdict);
    match verdict {
        Verdict::Holds => Ok(true),
        Verdict::Not { .. } => Ok(false),
        Verdict::Error { failure } => Err(cx.stop(*failure)),
    }
}

/// Where an error is "does not hold". Only a cancel is not a verdict.
pub(super) async fn verdict<'p>(cx: &Cx<'p>, cond: &'p Expr) -> Result<Verdict, Stop> {
    match judge(cx, cond).await {
        Ok(Judged { holds: true, .. }) => Ok(Verdict::Holds),
        Ok(Judged { holds: false, reason }) => Ok(Verdict::Not { reason: reason.to_string() }),
        Err(Stop::Fail(fault)) => Ok(Verdict::Error { failure: Box::new(fault.failure) }),
        Err(stop @ (Stop::Cancelled | Stop::Done)) => Err(stop),
    }
}

pub(super) fn tell(cx: &Cx<'_>, kind: ConditionKind, label: SmolStr, verdict: &Verdict) {
    cx.world.tell(Progress::Condition { path: cx.path.clone(), kind, label, verdict: verdict.clone() });
}

/// Why it does not hold; none when it does.
pub(super) fn reason(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Holds => None,
        Verdict::Not { reason } => Some(reason),
        Verdict::Error { failure } => Some(&failure.message),
    }
}

/// All are evaluated, all that do not hold are shown.
pub(super) async fn guards<'p>(cx: &Cx<'p>, guards: &'p [Guard]) -> Flow {
    let mut failures: Vec<Failure> = Vec::new();
    for guard in guards {
        let label = eval::shown(cx, &guard.label).await?;
        let verdict = verdict(cx, &guard.cond).await?;
        tell(cx, ConditionKind::Guard, label.clone(), &verdict);
        if let Some(reason) = reason(&verdict) {
            let mut failure = broken(&format!("guard `{label}`"), reason, guard);
            if let Verdict::Error { failure: error } = &verdict {
                failure.notes.clone_from(&error.notes);
                failure.help.clone_from(&error.help);
                if error.inside {
                    (failure.span, failure.inside) = (error.span, true);
                }
            }
            failures.push(failure);
        }
    }
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else { return Ok(Next::Go) };
    first.notes.extend(failures.map(|failure| failure.message));
    Err(cx.stop(first))
}

fn broken(what: &str, reason: &str, guard: &Guard) -> Failure {
    let message = format!("{what} does not hold: {reason}");
    Failure { span: Some(guard.span), ..Failure::new(FailureKind::Guard, message) }
}

/// Marks the report, nothing else.
pub(super) async fn warn<'p>(cx: &Cx<'p>, guard: &'p Guard) -> Flow {
    let label = eval::shown(cx, &guard.label).await?;
    let verdict = verdict(cx, &guard.cond).await?;
    tell(cx, ConditionKind::Warn, label.clone(), &verdict);
    if let Some(reason) = reason(&verdict) {
        cx.world.warn(&cx.path, format!("`{label}` does not hold: {reason}"));
    }
    Ok(Next::Go)
}

/// True where it stands: the rest is skipped. Otherwise it must be true after the body. False says nothing else.
pub(super) async fn done_when<'p>(cx: &Cx<'p>, cond: &'p Expr) -> Flow {
    if told(cx, ConditionKind::DoneWhen, cx.inst.name.clone(), cond).await? {
        return Ok(Next::Done);
    }
    let goal = Goal { cond, path: cx.path.clone(), names: cx.names.clone(), contexts: cx.contexts.clone() };
    cx.inst.goals.borrow_mut().push(Rc::new(goal));
    Ok(Next::Go)
}

/// After the body: once each.
pub(super) async fn goals(cx: &Cx<'_>) -> Result<(), Stop> {
    let goals = cx.inst.goals.borrow().clone();
    for goal in goals {
        let here =
            Cx { path: goal.path.clone(), names: goal.names.clone(), contexts: goal.contexts.clone(), ..cx.clone() };
        let verdict = verdict(&here, goal.cond).await?;
        tell(&here, ConditionKind::DoneWhen, cx.inst.name.clone(), &verdict);
        if let Some(reason) = reason(&verdict) {
            let message = format!("`done when` of `{}` is not true after it: {reason}", cx.inst.name);
            return Err(here.stop(Failure { span: Some(goal.cond.span), ..Failure::new(FailureKind::Guard, message) }));
        }
    }
    Ok(())
}
