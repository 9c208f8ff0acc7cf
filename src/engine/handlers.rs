//! `on success`, `on failure`: after the outcome; they cannot change it, and their errors are warnings.
use crate::check::program::Block;
use crate::check::program::NameId;
use crate::engine::block;
use crate::engine::call::Segment;
use crate::engine::cx::{Cx, Instance, Mode};
use crate::engine::event::{Aside, Progress, StepFailure};
use crate::engine::failure::{Flow, Stop};
use crate::engine::late;
use crate::engine::names::Names;
use crate::engine::scope::{Clock, Scope};
use crate::engine::tries;
use crate::value::{Nanos, SmolStr};

const LIMIT: Nanos = Nanos(30_000_000_000);

/// At most 30 seconds, once.
pub(super) async fn run<'p>(
    cx: &Cx<'p>,
    handler: Option<&'p Block>,
    failure: Option<(NameId, &StepFailure)>,
    branch: u32,
) {
    let Some(handler) = handler else { return };
    let scope = Scope::shielded(&cx.scope);
    scope.limit(&cx.world, LIMIT, Clock::Runs, cx.late(late::What::Handler, LIMIT, None));
    let names = Names::child(&cx.names);
    if let Some((name, failure)) = failure {
        names.bind(name, tries::describe(failure));
    }
    let path = cx.path.join(Segment::Branch(branch));
    let place = cx.place(path.clone());
    let here = Cx {
        path,
        names,
        seq: block::loose(),
        inst: Instance::aside(&place, &scope, None),
        scope: scope.clone(),
        mode: Mode::Handler,
        ..cx.clone()
    };
    let (path, name) = (here.path.clone(), SmolStr::default());
    let kind = if failure.is_some() { Aside::OnFailure } else { Aside::OnSuccess };
    cx.world.tell(Progress::AsideStarted { path: path.clone(), name: name.clone(), kind });
    if kind == Aside::OnSuccess {
        cx.world.celebrating.replace(Some(scope.clone()));
    }
    let result = block::body(&here, handler).await;
    cx.world.celebrating.take();
    scope.close(&cx.world);
    let result = scope.settle(&cx.world, &cx.scope, result);
    let failure = match &result {
        Ok(_) => None,
        Err(Stop::Fail(fault)) => Some(Box::new(fault.failure.clone())),
        Err(Stop::Cancelled | Stop::Done) => Some(Box::new(match scope.fault() {
            Some(fault) => fault.failure,
            None => scope.interrupted("it"),
        })),
    };
    let _ = as_warning(&here, result);
    cx.world.tell(Progress::AsideFinished { path, name, kind, failure });
}

/// A failure is said and forgotten.
pub(super) fn as_warning(cx: &Cx<'_>, result: Flow) -> Result<(), Stop> {
    match result {
        Ok(_) => Ok(()),
        Err(Stop::Fail(fault)) => {
            cx.world.warn(&cx.path, fault.failure.message);
            Ok(())
        }
        Err(stop @ (Stop::Cancelled | Stop::Done)) => Err(stop),
    }
}
