//! `transaction db { … }`: one intent, one outcome; what it binds is visible after the commit.
use std::rc::Rc;

use crate::check::program::{Block, Effect, Expr, Want};
use crate::engine::block;
use crate::engine::call::What;
use crate::engine::calls::{self, Made};
use crate::engine::cx::{Cx, Tx};
use crate::engine::event::{Ending, Outcome};
use crate::engine::failure::{Flow, Next};
use crate::engine::late;
use crate::engine::scope::{Clock, Scope};
use crate::source::Span;
use crate::value::{Nanos, Value, format_smolstr};

const ABORT_LIMIT: Nanos = Nanos(10_000_000_000);

pub(super) async fn transaction<'p>(cx: &Cx<'p>, on: &'p Expr, body: &'p Block, span: Span) -> Flow {
    let on = calls::connection(cx, on).await?;
    let unit = calls::register(cx).await?;
    let tx = cx.world.tx_id();
    let made = |what: What, word: &str| Made {
        what,
        effect: Effect::Write,
        idempotent: false,
        want: Want::Nothing,
        text: format_smolstr!("{word} {}", on.name),
        span,
    };
    let begun = calls::call(cx, made(What::Begin { on: on.clone(), tx }, "begin"), Some(unit)).await;
    if begun.ending != Ending::Done || begun.result.is_err() {
        // Nothing was said in it yet.
        let outcome = Outcome { ending: Ending::None, ..*begun };
        calls::ended(cx, &outcome, false);
        return calls::result(cx, outcome).map(|_| Next::Go);
    }
    let names = block::fresh(cx);
    let inner = Cx {
        names: names.clone(),
        seq: block::loose(),
        tx: Some(Rc::new(Tx { id: tx, on: on.clone() })),
        ..cx.clone()
    };
    let result = block::body(&inner, body).await.and_then(|next| cx.check().map(|()| next));
    match result {
        Ok(next) => {
            let outcome = calls::call(cx, made(What::Commit { on: on.clone(), tx }, "commit"), None).await;
            calls::ended(cx, &outcome, false);
            calls::result(cx, *outcome)?;
            names.merge_into(&cx.names);
            Ok(next)
        }
        Err(stop) => {
            // Also after a cancel: the server is told, and has a moment for it.
            let scope = Scope::shielded(&cx.scope);
            scope.limit(&cx.world, ABORT_LIMIT, Clock::Runs, cx.late(late::What::Abort, ABORT_LIMIT, None));
            let ending = Cx { scope: scope.clone(), ..cx.clone() };
            let outcome = calls::call(&ending, made(What::Abort { on: on.clone(), tx }, "abort"), None).await;
            scope.close(&cx.world);
            let aborted = match outcome.ending {
                Ending::Done | Ending::None => Ending::None,
                Ending::Some | Ending::Unknown => outcome.ending,
            };
            calls::ended(
                cx,
                &Outcome { ending: aborted, result: Ok(Value::Null), running: outcome.running, why: None },
                false,
            );
            Err(stop)
        }
    }
}
