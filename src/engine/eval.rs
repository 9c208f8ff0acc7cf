//! Expressions to values. Calls inside are effects: an expression may take any time, and fail.
use std::sync::Arc;

use crate::check::flow::bounds::Field;
use crate::check::program::{ConnectionExpr, EachMethod, Expr, ExprKind, NameId, TextPart};
use crate::engine::cx::{Cx, Mode};
use crate::engine::event::{Failure, FailureKind};
use crate::engine::failure::{Fut, Stop};
use crate::engine::names::Names;
use crate::engine::{calls, conditions, step};
use crate::source::Span;
use crate::value::credentials::credentials;
use crate::value::method::Method;
use crate::value::ops::BinaryOp;
use crate::value::types::ConnKind;
use crate::value::{Connection, Nanos, Record, Secret, SmolStr, Timestamp, Value, method, ops, show};

pub(super) async fn eval<'p>(cx: &Cx<'p>, expr: &'p Expr) -> Result<Value, Stop> {
    match &expr.kind {
        ExprKind::Value(value) => Ok(value.clone()),
        ExprKind::Name(name) => read(cx, *name, expr.span),
        _ => boxed(cx, expr).await,
    }
}

fn boxed<'a, 'p: 'a>(cx: &'a Cx<'p>, expr: &'p Expr) -> Fut<'a, Result<Value, Stop>> {
    match &expr.kind {
        // What a run mostly does has a future of its own size.
        ExprKind::Command(command) => Box::pin(calls::command(cx, command, expr.span)),
        ExprKind::Call(call) => Box::pin(calls::native(cx, call, expr.span)),
        ExprKind::Action(call) => Box::pin(step::action(cx, call)),
        _ => Box::pin(compound(cx, expr)),
    }
}

fn read(cx: &Cx<'_>, name: NameId, span: Span) -> Result<Value, Stop> {
    match cx.names.get(name) {
        Some(value) => Ok(value),
        // In a rollback: the step did not come to it.
        None if cx.mode != Mode::Forward => Ok(Value::Null),
        None => Err(cx.unfit(format!("`{}` is not set", cx.world.name_text(name)), span)),
    }
}

async fn compound<'p>(cx: &Cx<'p>, expr: &'p Expr) -> Result<Value, Stop> {
    let unfit = |message: String| cx.unfit(message, expr.span);
    match &expr.kind {
        ExprKind::Value(_) | ExprKind::Name(_) | ExprKind::Command(_) | ExprKind::Call(_) | ExprKind::Action(_) => {
            eval(cx, expr).await
        }
        ExprKind::Text(parts) => text(cx, parts).await,
        ExprKind::List(items) => {
            let mut values = Vec::with_capacity(items.len());
            for item in items {
                values.push(eval(cx, item).await?);
            }
            Ok(Value::list(values))
        }
        ExprKind::Record(fields) => Ok(Value::Record(Arc::new(record(cx, fields).await?))),
        ExprKind::Field(of, field) => {
            let of = eval(cx, of).await?;
            whole(cx, &of, expr.span)?;
            method::field(&of, field).map_err(unfit)
        }
        ExprKind::Index(of, index) => {
            let (of, index) = (eval(cx, of).await?, eval(cx, index).await?);
            whole(cx, &of, expr.span)?;
            cx.known(&index, expr.span)?;
            method::index(&of, &index).map_err(unfit)
        }
        ExprKind::Not(..) | ExprKind::And(..) | ExprKind::Or(..) => {
            Ok(Value::Bool(conditions::judge(cx, expr).await?.holds))
        }
        ExprKind::Neg(of) => {
            let of = eval(cx, of).await?;
            cx.known(&of, expr.span)?;
            ops::neg(&of).map_err(unfit)
        }
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (eval(cx, a).await?, eval(cx, b).await?);
            binary(cx, *op, &a, &b, expr.span)
        }
        ExprKind::If(parts) => {
            let (cond, then, otherwise) = &**parts;
            if conditions::decide(cx, cond).await? { eval(cx, then).await } else { eval(cx, otherwise).await }
        }
        ExprKind::Method(of, called, args) => {
            let of = eval(cx, of).await?;
            let mut values = Vec::with_capacity(args.len());
            for arg in args {
                values.push(eval(cx, arg).await?);
            }
            match called {
                Method::Len | Method::First | Method::Last | Method::Get | Method::Text => whole(cx, &of, expr.span)?,
                _ => cx.known(&of, expr.span)?,
            }
            values.iter().try_for_each(|value| cx.known(value, expr.span))?;
            method::call(*called, &of, &values).map_err(unfit)
        }
        ExprKind::Each(of, called, name, body) => each(cx, expr.span, of, *called, *name, body).await,
        ExprKind::Now => now(cx).map_err(unfit),
        ExprKind::Judge(_) => Ok(Value::Bool(conditions::judge(cx, expr).await?.holds)),
        ExprKind::Connection(made) => {
            let mut args = record(cx, &made.args).await?;
            if let Some((_, first)) = args.0.first_mut() {
                keep(cx, made, first);
            }
            Ok(Value::Connection(Arc::new(Connection { kind: made.kind, name: made.name.clone(), args })))
        }
    }
}

/// That the value itself is there, whatever is missing inside of it.
pub(super) fn whole(cx: &Cx<'_>, value: &Value, span: Span) -> Result<(), Stop> {
    match value.expose().0 {
        Value::List(_) | Value::Record(_) | Value::Response(_) => Ok(()),
        _ => cx.known(value, span),
    }
}

pub(super) fn binary(cx: &Cx<'_>, op: BinaryOp, a: &Value, b: &Value, span: Span) -> Result<Value, Stop> {
    cx.known(a, span)?;
    cx.known(b, span)?;
    ops::binary(op, a, b).map_err(|message| cx.unfit(message, span))
}

/// Where a connection leads to is never shown in full; what is learned is what is really secret in it. A host is not: the
/// answers of an HTTP server name it, and whoever wrote an address without a password may write it again.
fn keep(cx: &Cx<'_>, made: &ConnectionExpr, address: &mut Value) {
    let (ConnKind::Http | ConnKind::Prometheus, Value::Str(text)) = (made.kind, &*address) else {
        if !matches!(address, Value::Secret(_)) {
            let plain = matches!(address, Value::Str(text) if text.contains("://") && !text.contains(['@', '?']));
            *address = Secret::hide(made.name.clone(), address.clone());
            if !plain {
                cx.world.learn(&cx.path, address);
            }
        }
        return;
    };
    let secret = credentials(text);
    for part in &secret {
        cx.world.learn(&cx.path, &Secret::hide(made.name.clone(), Value::str(part.as_str())));
    }
    if !secret.is_empty() {
        *address = Secret::hide(made.name.clone(), address.clone());
    }
}

pub(super) async fn record<'p>(cx: &Cx<'p>, fields: &'p [(SmolStr, Expr)]) -> Result<Record, Stop> {
    let mut values = Vec::with_capacity(fields.len());
    for (key, value) in fields {
        values.push((key.clone(), eval(cx, value).await?));
    }
    Ok(Record(values))
}

/// The wall clock of the event that is being handled.
fn now(cx: &Cx<'_>) -> Result<Value, String> {
    let (started, at) = cx.world.clock.get();
    let passed = jiff::SignedDuration::from_nanos(cx.world.now.get().0 - at.0);
    let now: Timestamp = started.checked_add(passed).map_err(|_| "the clock is out of range")?;
    Ok(Value::Time(now))
}

async fn each<'p>(
    cx: &Cx<'p>,
    span: Span,
    of: &'p Expr,
    called: EachMethod,
    name: NameId,
    body: &'p Expr,
) -> Result<Value, Stop> {
    let of = eval(cx, of).await?;
    whole(cx, &of, span)?;
    let (items, secret) = match of.expose() {
        (Value::List(items), secret) => (items.clone(), secret.cloned()),
        (other, _) => return Err(cx.unfit(format!("a list is needed here, not {}", show::kind(other)), span)),
    };
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(items.len());
    for item in items.iter() {
        let item = hidden(secret.as_ref(), item.clone());
        let inner = Cx { names: Names::child(&cx.names), ..cx.clone() };
        inner.names.bind(name, item.clone());
        match called {
            EachMethod::Where | EachMethod::All | EachMethod::Any => {
                let holds = conditions::decide(&inner, body).await?;
                match called {
                    EachMethod::All if !holds => return Ok(Value::Bool(false)),
                    EachMethod::Any if holds => return Ok(Value::Bool(true)),
                    EachMethod::Where if holds => kept.push((Value::Null, item)),
                    EachMethod::Where | EachMethod::All | EachMethod::Any => {}
                    EachMethod::Map | EachMethod::SortBy => {}
                }
            }
            EachMethod::Map => kept.push((Value::Null, eval(&inner, body).await?)),
            EachMethod::SortBy => kept.push((eval(&inner, body).await?, item)),
        }
    }
    match called {
        EachMethod::All => return Ok(Value::Bool(true)),
        EachMethod::Any => return Ok(Value::Bool(false)),
        EachMethod::SortBy => {
            let sorted = method::sort_by(kept).map_err(|message| cx.unfit(message, span))?;
            return Ok(hidden(secret.as_ref(), Value::list(sorted)));
        }
        EachMethod::Where | EachMethod::Map => {}
    }
    Ok(hidden(secret.as_ref(), Value::list(kept.into_iter().map(|(_, item)| item).collect())))
}

fn hidden(secret: Option<&SmolStr>, value: Value) -> Value {
    match secret {
        Some(name) => Secret::hide(name.clone(), value),
        None => value,
    }
}

/// A plain string. With a secret in it, all of it is secret.
async fn text<'p>(cx: &Cx<'p>, parts: &'p [TextPart]) -> Result<Value, Stop> {
    let mut out = String::new();
    let mut secret: Option<SmolStr> = None;
    for part in parts {
        match part {
            TextPart::Text(text) => out.push_str(text),
            TextPart::Value(expr) => {
                let value = eval(cx, expr).await?;
                let (plain, name) = value.expose();
                if secret.is_none() {
                    secret = name.cloned();
                }
                out.push_str(&show::text(plain).map_err(|message| cx.unfit(message, expr.span))?);
            }
        }
    }
    Ok(hidden(secret.as_ref(), Value::str(out)))
}

/// As people read it: a secret in it is `‹name›`, the rest is not hidden by it.
pub(super) async fn shown<'p>(cx: &Cx<'p>, expr: &'p Expr) -> Result<SmolStr, Stop> {
    let parts = match &expr.kind {
        ExprKind::Value(Value::Str(text)) => return Ok(text.clone().into()),
        ExprKind::Text(parts) => parts,
        _ => return Ok(plain(&eval(cx, expr).await?).into()),
    };
    let mut out = String::new();
    for part in parts {
        match part {
            TextPart::Text(text) => out.push_str(text),
            TextPart::Value(expr) => {
                let value = eval(cx, expr).await?;
                out.push_str(&show::message(&value).map_err(|message| cx.unfit(message, expr.span))?);
            }
        }
    }
    Ok(out.into())
}

/// A string without quotes, anything else as it is shown.
pub(super) fn plain(value: &Value) -> String {
    show::message(value).unwrap_or_else(|_| show::show(value))
}

/// As long as the field needs it at least.
pub(super) async fn duration<'p>(cx: &Cx<'p>, field: Field, expr: &'p Expr) -> Result<Nanos, Stop> {
    let value = eval(cx, expr).await?;
    cx.known(&value, expr.span)?;
    match value.expose().0 {
        Value::Duration(time) => in_range(cx, field, &value, expr.span).map(|()| *time),
        other => Err(cx.unfit(format!("a duration is needed here, not {}", show::kind(other)), expr.span)),
    }
}

/// As many as the field needs at least.
pub(super) async fn count<'p>(cx: &Cx<'p>, field: Field, expr: &'p Expr) -> Result<i64, Stop> {
    let value = eval(cx, expr).await?;
    cx.known(&value, expr.span)?;
    match value.expose().0 {
        Value::Int(n) => in_range(cx, field, &value, expr.span).map(|()| *n),
        other => Err(cx.unfit(format!("a whole number is needed here, not {}", show::kind(other)), expr.span)),
    }
}

fn in_range(cx: &Cx<'_>, field: Field, value: &Value, span: Span) -> Result<(), Stop> {
    let Some(why) = field.refusal(value) else { return Ok(()) };
    let help = Some(field.help().to_owned());
    Err(cx.stop(Failure { span: Some(span), help, ..Failure::new(FailureKind::Value, why) }))
}

pub(super) fn truth(cx: &Cx<'_>, value: &Value, span: Span) -> Result<bool, Stop> {
    cx.known(value, span)?;
    match value.expose().0 {
        Value::Bool(holds) => Ok(*holds),
        other => Err(cx.unfit(format!("neither true nor false but {}", show::kind(other)), span)),
    }
}

pub(super) fn show_duration(time: Nanos) -> String {
    show::duration(time)
}

/// The most that a name may hold: what is kept of a run is not a file.
const MOST: usize = 1 << 20;

pub(super) fn small(cx: &Cx<'_>, value: &Value, span: Span) -> Result<(), Stop> {
    let mut left = MOST;
    if fits(value, &mut left) {
        return Ok(());
    }
    let failure = Failure {
        span: Some(span),
        help: Some("write it to a file".to_owned()),
        ..Failure::new(FailureKind::Value, "more than 1 MiB is too much for a name; use a file")
    };
    Err(cx.stop(failure))
}

fn fits(value: &Value, left: &mut usize) -> bool {
    let size = match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Response(response) => response.body.bytes().len(),
        Value::List(items) => return items.iter().all(|item| fits(item, left)),
        Value::Record(fields) => return fields.0.iter().all(|(_, field)| fits(field, left)),
        Value::Secret(secret) => return fits(secret.expose(), left),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Duration(_)
        | Value::Size(_)
        | Value::Time(_)
        | Value::Connection(_) => 16,
    };
    match left.checked_sub(size) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}
