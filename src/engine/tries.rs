//! `try { … } else { … }`: the second block runs only after a failure that was undone completely.
use std::rc::Rc;

use crate::check::program::{Block, NameId};
use crate::engine::block;
use crate::engine::call::Segment;
use crate::engine::cx::Cx;
use crate::engine::event::{Progress, StepFailure};
use crate::engine::failure::{Flow, Stop};
use crate::engine::undo::{self, Undone};
use crate::value::{SmolStr, Value};

pub(super) async fn attempt<'p>(cx: &Cx<'p>, first: &'p Block, otherwise: &'p Block, failure: NameId) -> Flow {
    let seq = cx.seq.open();
    let here = Cx { names: block::fresh(cx), seq: seq.clone(), ..cx.clone() };
    let fault = match block::body(&here, first).await {
        Err(Stop::Fail(fault)) => fault,
        other => {
            cx.seq.prune(&seq);
            return other;
        }
    };
    if cx.cancelled() || undo::local(cx, &seq).await != Undone::Complete {
        return Err(Stop::Fail(fault));
    }
    cx.seq.drop_undone(&seq);
    cx.check()?;
    cx.world.tell(Progress::Caught { path: cx.path.clone(), failure: Box::new(fault.failure.clone()) });
    let names = block::fresh(cx);
    names.bind(failure, describe(&fault.report()));
    let path = cx.path.join(Segment::Branch(1));
    let seq = cx.seq.open();
    let here = Cx { names, path, seq: Rc::clone(&seq), ..cx.clone() };
    let result = block::body(&here, otherwise).await;
    cx.seq.prune(&seq);
    result
}

/// `failure`: what went wrong, for a script.
pub(super) fn describe(failure: &StepFailure) -> Value {
    Value::record([
        (SmolStr::new_static("step"), Value::str(failure.step.as_str())),
        (SmolStr::new_static("path"), Value::str(failure.path.to_string())),
        (SmolStr::new_static("message"), Value::str(failure.failure.message.as_str())),
        (SmolStr::new_static("kind"), Value::str(failure.failure.kind.name())),
    ])
}
