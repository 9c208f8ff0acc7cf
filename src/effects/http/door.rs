//! The way to a server: what ends here was never asked anything.
//!
//! A limit or a cancel that comes while a connection is being made ends the making, and not the request: so it is known that
//! nothing was sent.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::effects::Cancel;

type Error = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    /// Of the request that asks for a connection.
    pub(super) static PASS: Pass;
}

#[derive(Clone)]
pub(super) struct Pass {
    /// How long each connection may take.
    pub limit: Duration,
    /// The end of the whole request.
    pub last: Instant,
    pub cancel: Cancel,
    /// Whether a connection was made for this request, or one that was kept is used.
    pub opened: Arc<AtomicBool>,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    Cancelled,
    Late,
}

impl std::fmt::Display for Shut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Shut::Cancelled => "cancelled",
            Shut::Late => "no connection in time",
        })
    }
}

impl std::error::Error for Shut {}

#[derive(Clone, Copy)]
pub(super) struct DoorLayer;

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door(inner)
    }
}

#[derive(Clone)]
pub(super) struct Door<S>(S);

impl<S, R> Service<R> for Door<S>
where
    S: Service<R, Error = Error>,
    S::Future: Send + 'static,
    S::Response: 'static,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let pass = PASS.try_with(Clone::clone);
        let connecting = self.0.call(to);
        Box::pin(async move {
            let Ok(mut pass) = pass else { return connecting.await };
            pass.opened.store(true, Ordering::Relaxed);
            let late = now() + pass.limit;
            tokio::select! {
                biased;
                done = connecting => done,
                () = pass.cancel.cancelled() => Err(Shut::Cancelled.into()),
                () = tokio::time::sleep_until(late.min(pass.last)) => Err(Shut::Late.into()),
            }
        })
    }
}

#[allow(clippy::disallowed_methods, reason = "the edge: how long a connection may take")]
pub(super) fn now() -> Instant {
    Instant::now()
}
