//! Calls to the outside: what they are made of, what is registered before they start, and what their end means.
use std::borrow::Cow;
use std::rc::Rc;

use crate::check::program::{self, CodePart, Effect, How, Undo, Want};
use crate::engine::call::{Arg, Call, CallId, Key, Piece, What};
use crate::engine::companion;
use crate::engine::cx::{Cx, Mode};
use crate::engine::doubt::{self, End};
use crate::engine::eval;
use crate::engine::event::{Command, Ending, Failure, FailureKind, Left, LeftWhy, Outcome, Progress};
use crate::engine::executor::Slot;
use crate::engine::failure::Stop;
use crate::engine::gate;
use crate::engine::label::label;
use crate::engine::late;
use crate::engine::questions;
use crate::engine::record::{Record, UnitKind};
use crate::engine::tree::{Node, UndoHow, Unit, Wall};
use crate::source::Span;
use crate::value::encode::shell;
use crate::value::{Connection, Nanos, SmolStr, Value, format_smolstr, method, show};
use std::sync::Arc;

/// A call, all but its number.
#[derive(Clone)]
pub(super) struct Made {
    pub what: What,
    pub effect: Effect,
    pub idempotent: bool,
    pub want: Want,
    pub text: SmolStr,
    pub span: Span,
}

pub(super) async fn command<'p>(cx: &Cx<'p>, command: &'p program::Command, span: Span) -> Result<Value, Stop> {
    let made = made(cx, command, span).await?;
    make(cx, made).await
}

/// A command as a condition: its answer, and why it is false.
pub(super) async fn judged<'p>(
    cx: &Cx<'p>,
    command: &'p program::Command,
    span: Span,
) -> Result<(Value, Option<String>), Stop> {
    let made = made(cx, command, span).await?;
    if made.effect >= Effect::Notify {
        return Ok((make(cx, made).await?, None));
    }
    let mut outcome = looked(cx, made).await?;
    let why = outcome.why.take();
    Ok((result(cx, *outcome)?, why))
}

pub(super) async fn made<'p>(cx: &Cx<'p>, command: &'p program::Command, span: Span) -> Result<Made, Stop> {
    let (code, text) = pieces(cx, &command.code).await?;
    Ok(Made {
        what: What::Shell { code, direct: command.direct, shell: command.shell.clone() },
        effect: command.effect,
        idempotent: false,
        want: command.want,
        text: script(&text),
        span,
    })
}

pub(super) async fn native<'p>(cx: &Cx<'p>, call: &'p program::Call, span: Span) -> Result<Value, Stop> {
    let on = match &call.on {
        Some(on) => Some(connection(cx, on).await?),
        None => None,
    };
    let mut args = Vec::with_capacity(call.args.len());
    let mut texts = Vec::new();
    for (name, arg) in &call.args {
        let arg = match arg {
            program::Arg::Value(expr) => {
                let value = eval::eval(cx, expr).await?;
                if value != Value::Null {
                    texts.push(show::literal(&value));
                }
                Arg::Value(value)
            }
            program::Arg::Code(parts) => {
                let (code, text) = pieces(cx, parts).await?;
                texts.push(format!("\"{text}\""));
                Arg::Code(code)
            }
        };
        args.push((name.clone(), arg));
    }
    let tx = cx.tx.as_ref().filter(|tx| on.as_ref() == Some(&tx.on)).map(|tx| tx.id);
    let made = Made {
        what: What::Native { action: call.action.clone(), on, args, tx },
        effect: call.effect,
        idempotent: call.idempotent,
        want: call.want,
        text: line(format!("{}({})", call.source, texts.join(", "))).into(),
        span,
    };
    make(cx, made).await
}

pub(super) async fn connection<'p>(cx: &Cx<'p>, expr: &'p program::Expr) -> Result<Arc<Connection>, Stop> {
    match eval::eval(cx, expr).await?.expose().0 {
        Value::Connection(connection) => Ok(connection.clone()),
        other => Err(cx.unfit(format!("a connection is needed here, not {}", show::kind(other)), expr.span)),
    }
}

/// The code with its values, and the same for people.
async fn pieces<'p>(cx: &Cx<'p>, parts: &'p [CodePart]) -> Result<(Vec<Piece>, Cow<'p, str>), Stop> {
    if let [CodePart::Text { text, span }] = parts {
        return Ok((vec![Piece::Text { text: text.clone(), span: *span }], Cow::Borrowed(text)));
    }
    let mut pieces = Vec::with_capacity(parts.len());
    let mut shown = String::new();
    for part in parts {
        match part {
            CodePart::Text { text, span } => {
                shown.push_str(text);
                pieces.push(Piece::Text { text: text.clone(), span: *span });
            }
            CodePart::Value { expr, how } => {
                let value = eval::eval(cx, expr).await?;
                shown.push_str(&as_run(&value, *how));
                pieces.push(Piece::Value { value, how: *how, span: expr.span });
            }
        }
    }
    Ok((pieces, Cow::Owned(shown)))
}

/// A value as the command that runs holds it: quoted where its word needs it; a secret as its name.
fn as_run(value: &Value, how: How) -> String {
    let bare = |value: &Value| match (method::hidden_in(value), shell::words(value)) {
        (None, Ok(words)) => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
        (Some(_), _) | (None, Err(_)) => eval::plain(value),
    };
    match (how, value) {
        (How::Bare, Value::List(items)) => items.iter().map(bare).collect::<Vec<_>>().join(" "),
        (How::Bare, one) => bare(one),
        (How::InDouble | How::InSingle, one) if method::hidden_in(one).is_none() => {
            shell::encode(one, how).unwrap_or_else(|_| eval::plain(one))
        }
        (_, one) => eval::plain(one),
    }
}

/// A word that a shell reads as itself stays as it is.
fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(safe) { word.to_owned() } else { shell::single(word) }
}

/// A script of several lines line by line, the later ones under the first.
fn script(text: &str) -> SmolStr {
    if !text.contains('\n') {
        return SmolStr::from_iter(["$ ", text.trim_start_matches([' ', '\t']).trim_end()]);
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let least = lines.iter().map(indent).min().unwrap_or(0);
    let lines = lines.iter().map(|line| line.get(least..).unwrap_or(line).trim_end());
    SmolStr::from_iter(["$ ", &lines.collect::<Vec<_>>().join("\n  ")])
}

/// One line.
fn line(text: String) -> String {
    if text.contains('\n') { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text }
}

pub(super) async fn make(cx: &Cx<'_>, made: Made) -> Result<Value, Stop> {
    match made.effect {
        // Seldom: apart, so that every other call is small.
        Effect::Notify => Box::pin(notify(cx, made)).await,
        Effect::Write if cx.tx.is_none() => {
            let idempotent = made.idempotent;
            gate::pass(cx).await?;
            let unit = register(cx).await?;
            let outcome = call(cx, made, Some(unit)).await?;
            ended(cx, &outcome, idempotent);
            result(cx, *outcome)
        }
        Effect::Write | Effect::Pure | Effect::Read => {
            let outcome = looked(cx, made).await?;
            result(cx, *outcome)
        }
    }
}

/// What stands for nothing: no intent, no undo.
async fn looked(cx: &Cx<'_>, made: Made) -> Result<Box<Outcome>, Stop> {
    gate::beside(cx).await?;
    let outcome = call(cx, made, None).await?;
    still_running(cx, &outcome);
    Ok(outcome)
}

/// What stands for this instance's writes is put up before the first of them; asks where there is no way back.
pub(super) async fn register(cx: &Cx<'_>) -> Result<Option<UnitKind>, Stop> {
    cx.check()?;
    let (Mode::Forward, Some(undo)) = (cx.mode, cx.inst.undo) else { return Ok(None) };
    let standing = |cx: &Cx<'_>| {
        let writes = cx.inst.writes.borrow();
        writes.unit.is_some() || writes.wall.is_some()
    };
    if standing(cx) {
        cx.inst.writes.borrow_mut().started += 1;
        return Ok(None);
    }
    let how = match undo {
        Undo::Nothing | Undo::None { .. } => {
            cx.inst.writes.borrow_mut().started += 1;
            return Ok(None);
        }
        Undo::Rollback { block, timeout, .. } => UndoHow::Rollback(block, timeout.as_deref()),
        Undo::Manual { what, .. } => UndoHow::Manual(eval::shown(cx, what).await?.into()),
        Undo::Irreversible { why, ask, .. } => {
            let why = eval::shown(cx, why).await?.to_string();
            Box::pin(once_asked(cx, &why, *ask)).await?;
            cx.check()?;
            let first = !standing(cx);
            if first {
                wall(cx, why);
            }
            cx.inst.writes.borrow_mut().started += 1;
            return Ok(first.then_some(UnitKind::Wall));
        }
    };
    let kind = if let UndoHow::Manual(_) = how { UnitKind::Manual } else { UnitKind::Rollback };
    let mut place = cx.place(cx.inst.path.clone());
    place.span = cx.inst.span;
    place.step = in_full(cx);
    place.names = cx.inst.names.clone();
    place.contexts = cx.inst.contexts.clone();
    let unit = Rc::new(Unit {
        place,
        how,
        undone: false.into(),
        running: std::cell::RefCell::default(),
        calls: std::cell::RefCell::default(),
        why: std::cell::RefCell::default(),
    });
    if let Some(seq) = cx.inst.seq.upgrade() {
        seq.push(Node::Unit(unit.clone()));
    }
    let mut writes = cx.inst.writes.borrow_mut();
    writes.started += 1;
    writes.unit = Some(unit);
    Ok(Some(kind))
}

/// Two first writes at once ask one question.
async fn once_asked(cx: &Cx<'_>, why: &str, ask: program::Ask) -> Result<(), Stop> {
    let mine = {
        let mut writes = cx.inst.writes.borrow_mut();
        match &mut writes.asking {
            Some(waiting) => {
                let slot = Slot::new();
                waiting.push(slot.clone());
                Some(slot)
            }
            None => {
                writes.asking = Some(Vec::new());
                None
            }
        }
    };
    if let Some(slot) = mine {
        slot.take(&cx.world.queue).await;
        cx.check()?;
        // Answered by now: the same answer comes back.
        return questions::irreversible(cx, why, ask).await;
    }
    let answer = questions::irreversible(cx, why, ask).await;
    let waiting = cx.inst.writes.borrow_mut().asking.take();
    waiting.into_iter().flatten().for_each(|slot| slot.put(&cx.world.queue, ()));
    answer
}

/// Of an action: with its arguments, and the step that calls it.
fn in_full(cx: &Cx<'_>) -> SmolStr {
    let step = &cx.inst.step;
    let Some(action) = cx.inst.action else { return cx.inst.name.clone() };
    let called = label(&cx.world, action, &cx.inst.names);
    // Outside every step an action's own name stands for one.
    if *step == cx.inst.name || step.is_empty() { called } else { format_smolstr!("{step}: {called}") }
}

fn wall(cx: &Cx<'_>, why: String) {
    let wall = Rc::new(Wall { path: cx.inst.path.clone(), span: cx.inst.span, step: in_full(cx), why });
    if let Some(seq) = cx.inst.seq.upgrade() {
        seq.push(Node::Wall(wall.clone()));
    }
    cx.inst.writes.borrow_mut().wall = Some(wall);
    cx.scope.raise(&cx.inst.scope);
}

/// From its start to its end, in whichever process. `unit`: none for a call without effect.
///
/// # Errors
/// Its end was lost, and a step around is done.
async fn call(cx: &Cx<'_>, made: Made, unit: Option<Option<UnitKind>>) -> Result<Box<Outcome>, Stop> {
    let call = started(cx, made, unit);
    match end(cx, &call).await {
        End::Outcome(outcome) => Ok(outcome),
        End::Lost(lost) => Box::pin(doubt::settle(cx, &call, lost)).await,
    }
}

/// From its start to its end, or to the end of its process.
pub(super) async fn once(cx: &Cx<'_>, made: Made, unit: Option<Option<UnitKind>>) -> End {
    let call = started(cx, made, unit);
    end(cx, &call).await
}

/// What runs beside a block, until it is asked to end: that end is no failure. None: it died with the process of the run.
pub(super) async fn attended(cx: &Cx<'_>, id: CallId) -> Option<Box<Outcome>> {
    let process = cx.world.process.get();
    let lost = || cx.world.process.get() != process;
    let slot = cx.world.await_call(id);
    let (end, asked) = match slot.take_unless(&cx.world.queue, || cx.cancelled() || lost()).await {
        Some(end) => (end, false),
        None => {
            let asked = cx.cancelled();
            cx.world.push(Command::Cancel(id));
            (slot.take(&cx.world.queue).await, asked)
        }
    };
    let mut outcome = match end {
        End::Outcome(outcome) => outcome,
        End::Lost(how) => Box::new(doubt::outcome(&how)),
    };
    if asked {
        companion::as_asked(&mut outcome);
    }
    told(cx, id, &mut outcome);
    (asked || !lost()).then_some(outcome)
}

/// Number it, keep the intent, and start.
pub(super) fn started(cx: &Cx<'_>, made: Made, unit: Option<Option<UnitKind>>) -> Arc<Call> {
    let id = cx.world.call_id();
    if let Some(unit) = &cx.inst.writes.borrow().unit {
        unit.calls.borrow_mut().push((id, made.text.clone()));
    }
    let ordinal = cx.calls.ordinal.get();
    cx.calls.ordinal.set(ordinal + 1);
    let (path, attempt) = (cx.path.clone(), cx.inst.attempt);
    let run = cx.world.inputs.run.clone();
    let key = Key { run, path: path.clone(), attempts: cx.inst.attempts.clone(), ordinal };
    if let Some(unit) = unit {
        cx.world.record(Record::Intent { call: id, attempt, key: key.clone(), unit });
    }
    cx.world.tell(Progress::ActionStarted {
        call: id,
        path: path.clone(),
        text: made.text.clone(),
        effect: made.effect,
        want: made.want,
        asks: made.what.asks(),
    });
    let call = Arc::new(Call {
        id,
        path,
        attempt,
        key,
        what: made.what,
        effect: made.effect,
        idempotent: made.idempotent,
        want: made.want,
        contexts: cx.contexts.clone(),
        limit: cx.scope.left(&cx.world),
        text: made.text,
        span: made.span,
    });
    cx.world.push(Command::Call(call.clone()));
    call
}

/// Its end. A cancel asks for it, and then it is still awaited.
async fn end(cx: &Cx<'_>, call: &Call) -> End {
    let id = call.id;
    let slot = cx.world.await_call(id);
    let end = match slot.take_unless(&cx.world.queue, || cx.cancelled()).await {
        Some(end) => end,
        None => {
            cx.world.push(Command::Cancel(id));
            cx.scope.met(&cx.world, Some(call.span), Some(&call.text));
            slot.take(&cx.world.queue).await
        }
    };
    let (mut outcome, lost) = match end {
        End::Outcome(outcome) => (outcome, None),
        End::Lost(lost) => (Box::new(doubt::outcome(&lost)), Some(lost)),
    };
    cx.calls.doubt.set(outcome.ending == Ending::Unknown);
    if let Err(failure) = &mut outcome.result {
        failure.span = failure.span.or(Some(call.span));
    }
    told(cx, id, &mut outcome);
    lost.map_or(End::Outcome(outcome), End::Lost)
}

/// It has ended: nothing of it runs any more, and no secret stands in what it says.
fn told(cx: &Cx<'_>, id: CallId, outcome: &mut Outcome) {
    if let Some(unit) = &cx.inst.writes.borrow().unit {
        unit.calls.borrow_mut().retain(|(call, _)| *call != id);
    }
    if let Err(failure) = &mut outcome.result {
        cx.world.redact(failure);
    }
    if let Some(why) = &mut outcome.why {
        cx.world.redact_text(why);
    }
    cx.world.record(Record::Outcome { call: id, ending: outcome.ending });
    cx.world.tell(Progress::ActionFinished {
        call: id,
        path: cx.path.clone(),
        ending: outcome.ending,
        failure: outcome.result.as_ref().err().cloned().map(Box::new),
    });
}

/// What a write's end means for what stands for it.
pub(super) fn ended(cx: &Cx<'_>, outcome: &Outcome, idempotent: bool) {
    still_running(cx, outcome);
    if outcome.ending != Ending::None {
        cx.world.wrote.set(true);
    }
    if cx.mode != Mode::Forward {
        return;
    }
    if let (Some(what), None) = (&outcome.running, &cx.inst.writes.borrow().unit) {
        let (path, step, span) = (cx.inst.path.clone(), in_full(cx), cx.inst.span);
        cx.world.left.borrow_mut().push(Left { path, step, span, why: LeftWhy::Running(what.clone()) });
    }
    let mut writes = cx.inst.writes.borrow_mut();
    match outcome.ending {
        Ending::Done | Ending::Some => {}
        Ending::None => writes.none += 1,
        Ending::Unknown => {
            if writes.unit.is_none() && !idempotent {
                drop(writes);
                loose(cx);
                return;
            }
        }
    }
    if writes.none == writes.started {
        let (unit, wall) = (writes.unit.take(), writes.wall.take());
        drop(writes);
        let Some(seq) = cx.inst.seq.upgrade() else { return };
        if let Some(unit) = unit {
            seq.remove_unit(&unit);
        }
        if let Some(wall) = wall {
            seq.remove_wall(&wall);
            cx.scope.lower(&cx.inst.scope);
        }
    }
}

fn loose(cx: &Cx<'_>) {
    let mut at = Some(&cx.inst);
    while let Some(inst) = at {
        inst.writes.borrow_mut().loose = true;
        at = inst.parent.as_ref();
    }
}

fn still_running(cx: &Cx<'_>, outcome: &Outcome) {
    if let Some(running) = &outcome.running
        && let Some(unit) = &cx.inst.writes.borrow().unit
    {
        unit.running.borrow_mut().push(running.clone());
    }
}

/// Its value; a failure after a cancel is the cancel.
pub(super) fn result(cx: &Cx<'_>, outcome: Outcome) -> Result<Value, Stop> {
    match outcome.result {
        // What contains a known secret is one.
        Ok(value) if outcome.ending == Ending::Done => Ok(cx.world.guarded(value)),
        Ok(_) => Err(cx.stop(Failure::new(FailureKind::Failed, "whether it happened cannot be known"))),
        Err(_) if cx.cancelled() => Err(Stop::Cancelled),
        Err(failure) => Err(cx.stop(failure)),
    }
}

const NOTIFY_LIMIT: Nanos = Nanos(10_000_000_000);
const NOTIFY_LATE: &str = "no answer within 10s";
const NOTIFY_TRIES: u32 = 3;
const NOTIFY_DELAY: Nanos = Nanos(1_000_000_000);

/// A message: bounded, repeated twice unless it was answered; that it did not arrive is a warning.
async fn notify(cx: &Cx<'_>, made: Made) -> Result<Value, Stop> {
    let (mut tries, ordinal) = (1, cx.calls.ordinal.get());
    loop {
        gate::beside(cx).await?;
        let scope = crate::engine::scope::Scope::child(&cx.scope);
        let late = cx.late(late::What::Answer, NOTIFY_LIMIT, None);
        scope.limit(&cx.world, NOTIFY_LIMIT, crate::engine::scope::Clock::Runs, late);
        let inner = Cx { scope: scope.clone(), ..cx.clone() };
        // The same key for every try: who keeps to it shows the message once.
        cx.calls.ordinal.set(ordinal);
        let outcome = call(&inner, made.clone(), Some(None)).await?;
        let answered = outcome.ending == Ending::Some;
        scope.close(&cx.world);
        let fault = match scope.settle(&cx.world, &cx.scope, result(&inner, *outcome)) {
            Ok(value) => return Ok(value),
            Err(stop @ (Stop::Cancelled | Stop::Done)) => return Err(stop),
            Err(Stop::Fail(fault)) => fault,
        };
        if answered || tries == NOTIFY_TRIES {
            // What was running is the message itself.
            let why = if scope.fault().is_some() { NOTIFY_LATE } else { &fault.failure.message };
            cx.world.warn(&cx.path, format!("`{}` did not arrive: {why}", made.text));
            return Ok(Value::Null);
        }
        cx.sleep(NOTIFY_DELAY).await?;
        tries += 1;
    }
}
