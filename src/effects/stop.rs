//! Ending what runs: a cancel is asked for, and its end waited for.
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use crate::effects::Cancel;
use crate::engine::{Failure, FailureKind};
use crate::value::{Nanos, show};

/// How long after a cancel the end of a call is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// A request to cancel that came too early for what it was to end is made again.
const AGAIN: Duration = Duration::from_millis(250);

/// How something that could be stopped has ended.
pub enum Stopped<T> {
    /// By itself.
    Ended(T),
    /// After it was asked to end.
    Asked(T, Why),
    /// Not yet, [`PATIENCE`] after it was asked to.
    Running(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Cancelled,
    /// The connection's own `timeout`.
    Timeout(Duration),
}

impl Why {
    #[must_use]
    pub fn failure(self, what: &str) -> Failure {
        match self {
            Why::Cancelled => Failure::new(FailureKind::Cancelled, format!("{what} was cancelled")),
            Why::Timeout(limit) => {
                let limit = show::duration(Nanos::from(limit));
                Failure::new(FailureKind::Timeout, format!("{what} did not end within {limit}"))
            }
        }
    }
}

/// Do `work`. On a cancel, or when `limit` is over, `ask` is called until the work ends.
pub async fn stoppable<T, A: Future<Output = ()>>(
    work: impl Future<Output = T>,
    cancel: &mut Cancel,
    limit: Option<Duration>,
    mut ask: impl FnMut() -> A,
) -> Stopped<T> {
    let mut work = pin!(work);
    let over = async {
        match limit {
            Some(limit) => {
                tokio::time::sleep(limit).await;
                limit
            }
            None => std::future::pending().await,
        }
    };
    let why = tokio::select! {
        biased;
        done = &mut work => return Stopped::Ended(done),
        () = cancel.cancelled() => Why::Cancelled,
        limit = over => Why::Timeout(limit),
    };
    let mut end = pin!(tokio::time::sleep(PATIENCE));
    loop {
        let asked = async {
            // The request itself may hang: it is not waited for for longer than the next one.
            let _ = tokio::time::timeout(PATIENCE, ask()).await;
            tokio::time::sleep(AGAIN).await;
        };
        tokio::select! {
            biased;
            done = &mut work => return Stopped::Asked(done, why),
            () = &mut end => return Stopped::Running(why),
            () = asked => {}
        }
    }
}
