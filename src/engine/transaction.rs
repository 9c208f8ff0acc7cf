//! `transaction db { … }`: one intent, one outcome; what it binds is visible after the commit.
use std::rc::Rc;
use std::sync::Arc;

use crate::check::program::{Block, Effect, Expr, Want};
use crate::engine::block;
use crate::engine::bug::Bug;
use crate::engine::call::What;
use crate::engine::calls::{self, Made};
use crate::engine::cx::{Cx, Tx};
use crate::engine::doubt::{self, End, Lost, Ruling};
use crate::engine::event::{Ending, Outcome};
use crate::engine::failure::{Flow, Next};
use crate::engine::record::UnitKind;
use crate::engine::scope::{Clock, Scope};
use crate::engine::{gate, late};
use crate::source::Span;
use crate::value::{Connection, Nanos, Value, format_smolstr};

const ABORT_LIMIT: Nanos = Nanos(10_000_000_000);

struct Transaction<'p> {
    on: Arc<Connection>,
    body: &'p Block,
    span: Span,
}

/// What was open when its process died, its server has aborted: it is begun anew, under the same unit and the same keys.
pub(super) async fn transaction<'p>(cx: &Cx<'p>, on: &'p Expr, body: &'p Block, span: Span) -> Flow {
    let transaction = Transaction { on: calls::connection(cx, on).await?, body, span };
    gate::pass(cx).await?;
    let mut unit = calls::register(cx).await?;
    let ordinal = cx.calls.ordinal.get();
    loop {
        if let Some(flow) = transaction.once(cx, unit.take()).await {
            return flow;
        }
        if let Err(stop) = gate::pass(cx).await {
            calls::ended(cx, &doubt::outcome(&Lost::Unstarted), false);
            return Err(stop);
        }
        cx.calls.ordinal.set(ordinal);
    }
}

impl<'p> Transaction<'p> {
    fn made(&self, what: What, word: &str) -> Made {
        Made {
            what,
            effect: Effect::Write,
            idempotent: false,
            want: Want::Nothing,
            text: format_smolstr!("{word} {}", self.on.name),
            span: self.span,
        }
    }

    /// None: it was open when its process died.
    async fn once(&self, cx: &Cx<'p>, unit: Option<UnitKind>) -> Option<Flow> {
        let (on, tx) = (&self.on, cx.world.tx_id());
        let begin = self.made(What::Begin { on: on.clone(), tx }, "begin");
        let begun = match calls::once(cx, begin, Some(unit)).await {
            End::Outcome(outcome) => outcome,
            End::Lost(_) => return None,
        };
        if begun.ending != Ending::Done || begun.result.is_err() {
            // Nothing was said in it yet.
            let outcome = Outcome { ending: Ending::None, ..*begun };
            calls::ended(cx, &outcome, false);
            return Some(calls::result(cx, outcome).map(|_| Next::Go));
        }
        let names = block::fresh(cx);
        let tx = Rc::new(Tx { id: tx, on: on.clone(), process: cx.world.process.get() });
        let inner = Cx { names: names.clone(), seq: block::loose(), tx: Some(tx.clone()), ..cx.clone() };
        let result = block::body(&inner, self.body).await.and_then(|next| cx.check().map(|()| next));
        if tx.is_gone(&cx.world) && !cx.world.planted(Bug::HalfTransaction) {
            return None;
        }
        let next = match result {
            Ok(next) => next,
            Err(stop) => {
                self.abort(cx, &tx).await;
                return Some(Err(stop));
            }
        };
        let commit = self.made(What::Commit { on: on.clone(), tx: tx.id }, "commit");
        let outcome = match calls::once(cx, commit.clone(), Some(None)).await {
            End::Outcome(outcome) => outcome,
            End::Lost(Lost::Unstarted) => return None,
            End::Lost(lost @ (Lost::Doubted | Lost::Failed(_))) => match doubt::ruling(cx, &commit, &lost).await {
                Ok(Ruling::Again) => return None,
                Ok(Ruling::Happened) => Box::new(Outcome::done(Value::Null)),
                Ok(Ruling::Unknown) => Box::new(doubt::outcome(&lost)),
                Err(stop) => return Some(Err(stop)),
            },
        };
        calls::ended(cx, &outcome, false);
        Some(calls::result(cx, *outcome).map(|_| {
            names.merge_into(&cx.names);
            next
        }))
    }

    /// Also after a cancel: the server is told, and has a moment for it.
    async fn abort(&self, cx: &Cx<'p>, tx: &Tx) {
        let scope = Scope::shielded(&cx.scope);
        scope.limit(&cx.world, ABORT_LIMIT, Clock::Runs, cx.late(late::What::Abort, ABORT_LIMIT, None));
        let ending = Cx { scope: scope.clone(), ..cx.clone() };
        let abort = self.made(What::Abort { on: self.on.clone(), tx: tx.id }, "abort");
        let end = calls::once(&ending, abort, None).await;
        scope.close(&cx.world);
        let (ending, running) = match end {
            End::Outcome(outcome) => match outcome.ending {
                Ending::Done | Ending::None => (Ending::None, outcome.running),
                Ending::Some | Ending::Unknown => (outcome.ending, outcome.running),
            },
            End::Lost(_) => (Ending::None, None),
        };
        calls::ended(cx, &Outcome { ending, result: Ok(Value::Null), running, why: None }, false);
    }
}
