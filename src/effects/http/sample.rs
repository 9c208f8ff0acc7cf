//! The same read many times: what each was answered, and how long it took. A failed one is a sample, not a failure.
use futures_util::StreamExt;

use super::{Http, Request, value, wrong};
use crate::effects::Cancel;
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome};
use crate::value::{Connection, Nanos, SmolStr, Value};

/// More belongs to a load generator.
const MOST: i64 = 100_000;
const MOST_AT_ONCE: i64 = 256;

impl Http {
    pub(super) async fn sample(
        &self,
        on: Option<&Connection>,
        args: &[(SmolStr, Arg)],
        call: &Call,
        cancel: Cancel,
    ) -> Outcome {
        let count = match number(args, "requests", MOST) {
            Ok(count) => count,
            Err(message) => return wrong(&message),
        };
        let at_once = match number(args, "at_once", MOST_AT_ONCE) {
            Ok(at_once) => at_once,
            Err(message) => return wrong(&message),
        };
        let request = match Request::of("get", on, args, call) {
            Ok(request) => request,
            Err(message) => return wrong(&message),
        };
        let samples: Vec<Value> = futures_util::stream::iter(0..count)
            .map(|_| self.one(&request, cancel.clone()))
            .buffered(at_once)
            .take_while(|_| std::future::ready(!cancel.is_cancelled()))
            .collect()
            .await;
        if cancel.is_cancelled() {
            let message = format!("{} was cancelled after {} of {count} requests", request.shown, samples.len());
            return Outcome::failed(Ending::None, Failure::new(FailureKind::Cancelled, message));
        }
        Outcome::done(Value::list(samples))
    }

    async fn one(&self, request: &Request, cancel: Cancel) -> Value {
        let started = super::door::now();
        let (status, ok, duration, error) = match self.send(request, cancel).await.1 {
            Ok(response) => {
                let ok = response.is_success();
                let error = (!ok).then(|| self.refused(&request.shown, &response).message);
                (Value::Int(i64::from(response.status)), ok, response.duration, error)
            }
            Err(failure) => (Value::Null, false, Nanos::from(super::door::now() - started), Some(failure.message)),
        };
        Value::record([
            ("ok".into(), Value::Bool(ok)),
            ("status".into(), status),
            ("duration".into(), Value::Duration(duration)),
            ("error".into(), error.map_or(Value::Null, Value::str)),
        ])
    }
}

fn number(args: &[(SmolStr, Arg)], name: &str, most: i64) -> Result<usize, String> {
    match value(args, name) {
        Some(Value::Int(n)) if (1..=most).contains(n) => usize::try_from(*n).map_err(|e| e.to_string()),
        _ => Err(format!("`{name}` is a number from 1 to {most}")),
    }
}
