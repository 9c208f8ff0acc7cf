//! A call whose end was lost with its process: what did it do, and how does the run go on?
use std::rc::Rc;

use crate::check::program::{Effect, Want};
use crate::engine::bug::Bug;
use crate::engine::call::Call;
use crate::engine::calls::{self, Made};
use crate::engine::cx::{Cx, Instance, Mode};
use crate::engine::event::{
    ConditionKind, Ending, Failure, FailureKind, Outcome, Progress, QuestionAsked, QuestionKind, Verdict,
};
use crate::engine::failure::Stop;
use crate::engine::{conditions, eval, gate, questions};
use crate::value::{Value, format_smolstr};

/// How a call ended, as far as this process knows.
pub(super) enum End {
    Outcome(Box<Outcome>),
    Lost(Lost),
}

/// What is known of a call whose end was lost.
pub(super) enum Lost {
    /// Whether it happened is not known.
    Doubted,
    /// It failed when the run was stopped, and may have had a part of its effect.
    Failed(Box<Outcome>),
    /// It did not happen.
    Unstarted,
}

/// What to make of a call in doubt.
pub(super) enum Ruling {
    /// Call it again, under the same key.
    Again,
    Happened,
    Unknown,
}

/// What may be answered of a call in doubt; where something waits for its value, not the first.
pub const DOUBTS: [&str; 3] = [HAPPENED, HAPPENED_NOT, UNDO];

const HAPPENED: &str = "it happened";
const HAPPENED_NOT: &str = "it did not happen";
const UNDO: &str = "undo it";

const UNKNOWN: &str = "interrupted while it ran, and nobody saw how far it came";
const NEVER: &str = "interrupted before it had any effect";

/// What is said of a call without an end of its own.
pub(super) fn outcome(lost: &Lost) -> Outcome {
    match lost {
        Lost::Failed(outcome) => Outcome::clone(outcome),
        Lost::Doubted => Outcome::failed(Ending::Unknown, Failure::new(FailureKind::Failed, UNKNOWN)),
        Lost::Unstarted => Outcome::failed(Ending::None, Failure::new(FailureKind::Cancelled, NEVER)),
    }
}

/// Its outcome in the end.
///
/// # Errors
/// The step that it belongs to, or one around it, is done.
pub(super) async fn settle(cx: &Cx<'_>, call: &Call, mut lost: Lost) -> Result<Box<Outcome>, Stop> {
    let made = Made {
        what: call.what.clone(),
        effect: call.effect,
        idempotent: call.idempotent,
        want: call.want,
        text: call.text.clone(),
        span: call.span,
    };
    let writes = made.effect >= Effect::Notify && cx.tx.is_none();
    loop {
        match &lost {
            Lost::Unstarted => {}
            Lost::Doubted | Lost::Failed(_) => match ruling(cx, &made, &lost).await? {
                Ruling::Again => {}
                Ruling::Happened => return Ok(Box::new(Outcome::done(Value::Null))),
                Ruling::Unknown => return Ok(Box::new(outcome(&lost))),
            },
        }
        let may = if writes { gate::pass(cx).await } else { gate::beside(cx).await };
        if may.is_err() {
            return Ok(Box::new(outcome(&Lost::Unstarted)));
        }
        cx.calls.ordinal.set(call.key.ordinal);
        match calls::once(cx, made.clone(), writes.then_some(None)).await {
            End::Outcome(outcome) => return Ok(outcome),
            End::Lost(again) => lost = again,
        }
    }
}

/// # Errors
/// The step that it belongs to, or one around it, is done; what stands for the write stays.
pub(super) async fn ruling(cx: &Cx<'_>, made: &Made, lost: &Lost) -> Result<Ruling, Stop> {
    if made.effect == Effect::Notify {
        cx.world.warn(&cx.path, format!("it is not known whether `{}` arrived", made.text));
        return Ok(Ruling::Happened);
    }
    let walled = cx.inst.writes.borrow().wall.is_some();
    let again = made.idempotent && !cx.cancelled();
    if let (Lost::Failed(_), Mode::Forward, false) = (lost, cx.mode, walled || again) {
        cx.inst.anew.set(true);
    }
    if cx.cancelled() {
        return Ok(Ruling::Unknown);
    }
    match (made.effect, cx.mode) {
        (Effect::Write, Mode::Handler) => Ok(Ruling::Unknown),
        (Effect::Write, Mode::Forward) if cx.world.planted(Bug::DoubtIsDone) => Ok(Ruling::Happened),
        (Effect::Write, Mode::Forward) if cx.world.planted(Bug::DoubtIsNothing) => Ok(Ruling::Again),
        (Effect::Write, Mode::Forward) if !made.idempotent => forward(cx, made, lost).await,
        (Effect::Write, Mode::Forward | Mode::Back) | (Effect::Pure | Effect::Read | Effect::Notify, _) => {
            Ok(Ruling::Again)
        }
    }
}

async fn forward(cx: &Cx<'_>, made: &Made, lost: &Lost) -> Result<Ruling, Stop> {
    if let Some(inst) = reached(cx).await {
        let text = format!("`{}` {}, and `{}` is done: the rest of it is skipped", made.text, how(lost), inst.name);
        cx.world.tell(Progress::Log { path: cx.path.clone(), text });
        calls::ended(cx, &Outcome::done(Value::Null), made.idempotent);
        inst.done.set(true);
        return Err(Stop::Done);
    }
    if cx.cancelled() {
        return Ok(Ruling::Unknown);
    }
    if cx.inst.anew.get() {
        return Ok(Ruling::Unknown);
    }
    Ok(asked(cx, made, lost).await)
}

fn how(lost: &Lost) -> &'static str {
    match lost {
        Lost::Failed(_) => "failed",
        Lost::Doubted | Lost::Unstarted => "was interrupted",
    }
}

/// The nearest step around whose `done when` is true now. Not beyond a `parallel`: what runs beside it is not done.
async fn reached<'p>(cx: &Cx<'p>) -> Option<Rc<Instance<'p>>> {
    let mut at = Some(cx.inst.clone());
    while let Some(inst) = at.filter(|inst| inst.beside == cx.beside) {
        let goals = inst.goals.borrow().clone();
        for goal in goals {
            let here = Cx {
                path: goal.path.clone(),
                names: goal.names.clone(),
                contexts: goal.contexts.clone(),
                inst: inst.clone(),
                calls: Rc::default(),
                ..cx.clone()
            };
            let verdict = conditions::verdict(&here, goal.cond).await.ok()?;
            conditions::tell(&here, ConditionKind::DoneWhen, inst.name.clone(), &verdict);
            if verdict == Verdict::Holds {
                return Some(inst);
            }
        }
        at = inst.parent.clone();
    }
    None
}

async fn asked(cx: &Cx<'_>, made: &Made, lost: &Lost) -> Ruling {
    // Where something waits for its value, nobody can say what that was.
    let happened = (made.want == Want::Nothing).then_some(HAPPENED);
    let words = happened.into_iter().chain([HAPPENED_NOT, UNDO]);
    let question = QuestionAsked {
        path: cx.path.clone(),
        source: format_smolstr!("in doubt: {}", cx.inst.source),
        text: format!("`{}` of `{}` {}; did it happen?", made.text, cx.inst.name, how(lost)),
        kind: QuestionKind::Doubt(words.map(str::to_owned).collect()),
        within: None,
    };
    let answer = questions::unwritten(cx, question).await.map(|answer| eval::plain(&answer.value));
    match answer.as_deref() {
        Ok(HAPPENED) if happened.is_some() => Ruling::Happened,
        Ok(HAPPENED_NOT) => Ruling::Again,
        Ok(_) | Err(_) => Ruling::Unknown,
    }
}
