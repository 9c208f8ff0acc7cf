//! A person decides. An answer belongs to the place, whatever the attempt, and to the text as it was shown.
use crate::check::flow::bounds::Field;
use crate::check::program::{Ask, ChoiceOption, Expr, NameId, Question};
use crate::engine::block;
use crate::engine::cx::Cx;
use crate::engine::eval;
use crate::engine::event::{Answer, Command, Failure, FailureKind, Progress, QuestionAsked, QuestionKind, TimerClock};
use crate::engine::executor::Slot;
use crate::engine::failure::{Flow, Next, Stop};
use crate::engine::record::Record;
use crate::engine::world::Alarm;
use crate::value::{Nanos, SmolStr, Type, Value, show};

pub(super) async fn confirm<'p>(cx: &Cx<'p>, question: &'p Question, within: Option<&'p Expr>) -> Flow {
    let text = eval::shown(cx, &question.text).await?.to_string();
    let within = match within {
        Some(within) => Some(eval::duration(cx, Field::Within, within).await?),
        None => None,
    };
    yes(cx, question.source.clone(), text, QuestionKind::Confirm, within).await?;
    Ok(Next::Go)
}

/// A point of no return, by the step's name.
pub(super) async fn irreversible(cx: &Cx<'_>, why: &str, ask: Ask) -> Result<(), Stop> {
    let here = Cx { path: cx.inst.path.clone(), ..cx.clone() };
    let (text, kind) = match ask {
        Ask::ByName => (cx.inst.name.to_string(), QuestionKind::Irreversible { why: why.to_owned() }),
        Ask::YesOrNo => (format!("{}: {why}. Run it all the same?", cx.inst.name), QuestionKind::Confirm),
    };
    yes(&here, cx.inst.source.clone(), text, kind, None).await
}

async fn yes(
    cx: &Cx<'_>,
    source: SmolStr,
    text: String,
    kind: QuestionKind,
    within: Option<Nanos>,
) -> Result<(), Stop> {
    let answer = put(cx, source, text.clone(), kind, within).await?;
    if answer.value == Value::Bool(true) {
        return Ok(());
    }
    let message = format!("`{text}` was answered no by {}", answer.who);
    Err(cx.stop(Failure::new(FailureKind::Declined, message)))
}

pub(super) async fn ask<'p>(cx: &Cx<'p>, name: NameId, question: &'p Question, ty: &'p Type) -> Flow {
    let text = eval::shown(cx, &question.text).await?.to_string();
    let answer = put(cx, question.source.clone(), text, QuestionKind::Text(ty.clone()), None).await?;
    cx.bind(name, answer.value);
    Ok(Next::Go)
}

pub(super) async fn choose_from<'p>(cx: &Cx<'p>, name: NameId, question: &'p Question, from: &'p Expr) -> Flow {
    let text = eval::shown(cx, &question.text).await?.to_string();
    let list = eval::eval(cx, from).await?;
    cx.known(&list, from.span)?;
    let Value::List(items) = list.expose().0 else {
        return Err(cx.unfit(format!("`choose` needs a list, not {}", show::kind(&list)), from.span));
    };
    if items.is_empty() {
        return Err(cx.unfit("there is nothing to choose from", from.span));
    }
    let labels: Vec<String> = items.iter().map(eval::plain).collect();
    let answer = put(cx, question.source.clone(), text, QuestionKind::Choose(labels.clone()), None).await?;
    let given = eval::plain(&answer.value);
    match labels.iter().position(|label| *label == given).and_then(|at| items.get(at)) {
        Some(value) => {
            cx.bind(name, value.clone());
            Ok(Next::Go)
        }
        None => Err(not_offered(cx, &given)),
    }
}

pub(super) async fn choose<'p>(cx: &Cx<'p>, question: &'p Question, options: &'p [ChoiceOption]) -> Flow {
    let text = eval::shown(cx, &question.text).await?.to_string();
    let mut labels = Vec::with_capacity(options.len());
    for option in options {
        labels.push(eval::shown(cx, &option.label).await?.into());
    }
    let answer = put(cx, question.source.clone(), text, QuestionKind::Choose(labels.clone()), None).await?;
    let given = eval::plain(&answer.value);
    let at = labels
        .iter()
        .position(|label| *label == given)
        .or_else(|| options.iter().position(|option| option.source.as_str() == given));
    match at.and_then(|at| options.get(at).map(|option| (at, option))) {
        Some((at, option)) => {
            block::inner(cx, &option.body, Some(u32::try_from(at).unwrap_or(u32::MAX)), block::fresh(cx)).await
        }
        None => Err(not_offered(cx, &given)),
    }
}

fn not_offered(cx: &Cx<'_>, given: &str) -> Stop {
    cx.stop(Failure::new(FailureKind::Declined, format!("`{given}` is not one of the options")))
}

/// Ask, unless this was answered here before.
async fn put(
    cx: &Cx<'_>,
    source: SmolStr,
    text: String,
    kind: QuestionKind,
    within: Option<Nanos>,
) -> Result<Answer, Stop> {
    cx.check()?;
    let key = (cx.path.clone(), text.clone());
    if let Some(answer) = cx.world.answers.borrow().get(&key) {
        return Ok(answer.clone());
    }
    let answer = fresh(cx, QuestionAsked { path: cx.path.clone(), source, text, kind, within }, None).await?;
    cx.world.answers.borrow_mut().insert(key, answer.clone());
    Ok(answer)
}

/// What no file asks: `--answer` calls it by its source, which is told.
pub(super) async fn unwritten(cx: &Cx<'_>, asked: QuestionAsked) -> Result<Answer, Stop> {
    let label = asked.source.clone();
    fresh(cx, asked, Some(label)).await
}

/// Ask, whatever was answered before. No answer within its time is a no. The clocks of the steps around stand still.
async fn fresh(cx: &Cx<'_>, asked: QuestionAsked, label: Option<SmolStr>) -> Result<Answer, Stop> {
    cx.check()?;
    let world = &cx.world;
    let (path, text, within) = (asked.path.clone(), asked.text.clone(), asked.within);
    let (id, slot) = world.await_answer();
    let late = Slot::new();
    world.tell(Progress::Asked { path: path.clone(), text: text.clone(), label });
    world.push(Command::Ask(id, Box::new(asked)));
    let timer = within.map(|within| world.timer(within, TimerClock::Running, Alarm::Wake(late.clone())));
    cx.scope.stand_still(world);
    let answer = std::future::poll_fn(|task| {
        // Both are looked at: whichever comes first wakes this task.
        let mut answered = std::pin::pin!(slot.take_unless(&world.queue, || cx.cancelled()));
        if let std::task::Poll::Ready(answer) = answered.as_mut().poll(task) {
            return std::task::Poll::Ready(answer);
        }
        let mut over = std::pin::pin!(late.take(&world.queue));
        over.as_mut().poll(task).map(|()| None)
    })
    .await;
    cx.scope.go_on(world);
    let cancelled = cx.cancelled();
    if let (Some(timer), true) = (timer, answer.is_some() || cancelled) {
        world.clear(timer);
    }
    let declined = |message: String| Err(cx.stop(Failure::new(FailureKind::Declined, message)));
    match answer {
        Some(Ok(answer)) => {
            world.record(Record::Answered {
                path: path.clone(),
                text: text.clone(),
                value: answer.value.clone(),
                who: answer.who.clone(),
            });
            let (answered, who) = (eval::plain(&answer.value), answer.who.clone());
            world.tell(Progress::Answered { path, text, answer: answered, who });
            Ok(answer)
        }
        Some(Err(why)) if !cancelled => declined(why),
        Some(Err(_)) | None => {
            world.withdraw(id);
            if cancelled {
                cx.scope.met(world, cx.span, None);
                return Err(Stop::Cancelled);
            }
            declined(format!("`{text}` was not answered within {}", eval::show_duration(within.unwrap_or_default())))
        }
    }
}
