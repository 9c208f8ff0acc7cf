//! The outside world, behind one small trait. Providers: shell, postgres, redis, http, file; `fake` is scripted.
//! A provider reports exactly what happened: done, none (provably no effect), some, unknown.
pub mod fake;
pub mod file;
pub mod http;
pub mod lock;
pub mod postgres;
pub mod prometheus;
pub mod redis;
pub mod secret;
pub mod shell;
pub mod stop;
pub mod tls;
pub mod world;

use std::future::Future;
use std::pin::Pin;

use tokio::sync::{mpsc, watch};

use crate::engine::{Call, CallId, Outcome};
use crate::value::Value;

/// Does calls. `call` returns once the call has ended, also after a cancel: never dropped half-way.
pub trait Effects {
    fn call<'a>(&'a self, call: Call, cancel: Cancel, output: Output) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

    /// From now on this stands in nothing that is cut before it is shown.
    fn secret(&self, _secret: &Value) {}
}

/// How much a call is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Run,
    /// End it, with its grace.
    Cancel,
    /// End it now: the second signal.
    Kill,
}

/// A request to end a call; the call answers by ending.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Receiver<Urgency>);

/// The other end of a [`Cancel`].
#[derive(Debug)]
pub struct Canceller(watch::Sender<Urgency>);

impl Cancel {
    #[must_use]
    pub fn new() -> (Canceller, Cancel) {
        let (tx, rx) = watch::channel(Urgency::Run);
        (Canceller(tx), Cancel(rx))
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow() >= Urgency::Cancel
    }

    /// Returns once cancelled; never when the canceller is gone without a cancel.
    pub async fn cancelled(&mut self) {
        self.reached(Urgency::Cancel).await;
    }

    /// Returns once the call is to end without any grace.
    pub async fn killed(&mut self) {
        self.reached(Urgency::Kill).await;
    }

    async fn reached(&mut self, least: Urgency) {
        if self.0.wait_for(|now| *now >= least).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Canceller {
    pub fn cancel(&self) {
        self.raise(Urgency::Cancel);
    }

    /// A cancel without grace.
    pub fn kill(&self) {
        self.raise(Urgency::Kill);
    }

    fn raise(&self, to: Urgency) {
        self.0.send_if_modified(|now| {
            let higher = to > *now;
            *now = to.max(*now);
            higher
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
    /// Not its output: where the whole of it is kept, for people.
    Kept,
}

/// Where a call's output goes while it runs. Bounded: a slow reader slows the command down.
#[derive(Clone, Debug)]
pub struct Output {
    pub call: CallId,
    pub to: mpsc::Sender<Chunk>,
}

/// Raw bytes of a running call: its secrets are still in them.
#[derive(Clone)]
pub struct Chunk {
    pub call: CallId,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chunk({:?}, {:?}, {} bytes)", self.call, self.stream, self.bytes.len())
    }
}
