//! HTTP. In: a call of the engine. Out: its response, or exactly what is known about a request that failed.
//!
//! A write is sent once, never twice by itself, and follows no redirect. What proves who asks never goes to another host.
mod address;
mod body;
mod broken;
mod client;
mod door;
mod exchange;
mod headers;
mod notify;
mod redirect;
mod refused;
mod request;
mod sample;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::check::program::Want;
use crate::effects::Cancel;
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::redact::Redactor;
use crate::value::{Connection, Response, SmolStr, Value};

pub(super) use address::part;
pub(super) use request::Request;

/// The HTTP provider: its connections are kept and used again.
#[derive(Default)]
pub struct Http {
    clients: client::Clients,
    /// Hidden in what is shown of an answer.
    known: Rc<RefCell<Redactor>>,
}

/// Scheme, host and port of a base; nothing when it is none.
#[must_use]
pub fn origin(on: &Connection) -> Option<String> {
    let base = address::base(on).ok()?;
    let parsed = address::parsed(&base, &base).ok()?;
    Some(parsed.url.origin().ascii_serialization())
}

impl Http {
    /// That hides these secrets.
    #[must_use]
    pub fn hiding(known: Rc<RefCell<Redactor>>) -> Http {
        Http { known, ..Http::default() }
    }

    /// A status that is a failure. `what`: the request, for people.
    pub(super) fn refused(&self, what: &str, response: &Response) -> Failure {
        refused::refused(what, response, &self.known.borrow())
    }

    /// Returns once the call has ended, also after a cancel: then the connection is closed.
    pub async fn call(&self, call: &Call, cancel: Cancel) -> Outcome {
        let What::Native { action, on, args, .. } = &call.what else {
            return wrong("this is not an HTTP call");
        };
        let name = action.rsplit('.').next().unwrap_or(action);
        match name {
            "notify" => return self.notify(args, &call.key.to_string(), cancel).await,
            "sample" => return self.sample(on.as_deref(), args, call, cancel).await,
            _ => {}
        }
        let request = match Request::of(name, on.as_deref(), args, call) {
            Ok(request) => request,
            Err(message) => return wrong(&message),
        };
        let (ending, result) = self.send(&request, cancel).await;
        let response = match result {
            Ok(response) => response,
            Err(failure) => return Outcome::failed(ending, failure),
        };
        if !response.is_success() && call.want != Want::Condition {
            let ending = if request.writes { Ending::Some } else { Ending::None };
            return Outcome::failed(ending, self.refused(&request.shown, &response));
        }
        Outcome::done(Value::Response(Arc::new(response)))
    }
}

fn value<'a>(args: &'a [(SmolStr, Arg)], wanted: &str) -> Option<&'a Value> {
    args.iter().find_map(|(key, arg)| match arg {
        Arg::Value(value) if key == wanted && *value != Value::Null => Some(value),
        _ => None,
    })
}

fn wrong(message: &str) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, message))
}
