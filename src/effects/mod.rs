//! The outside world, behind one small trait. Providers: shell, postgres, redis, http, file; `fake` is scripted.
//! A provider reports exactly what happened: done, none (provably no effect), some, unknown.
use std::future::Future;
use std::pin::Pin;

use tokio::sync::{mpsc, watch};

use crate::engine::{Call, CallId, Outcome};

/// Does calls. `call` returns once the call has ended, also after a cancel: never dropped half-way.
pub trait Effects {
    fn call<'a>(&'a self, call: Call, cancel: Cancel, output: Output) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;
}

/// A request to end a call; the call answers by ending.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Receiver<bool>);

/// The other end of a [`Cancel`].
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

impl Cancel {
    #[must_use]
    pub fn new() -> (Canceller, Cancel) {
        let (tx, rx) = watch::channel(false);
        (Canceller(tx), Cancel(rx))
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once cancelled; never when the canceller is gone without a cancel.
    pub async fn cancelled(&mut self) {
        if self.0.wait_for(|on| *on).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Canceller {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// Where a call's output goes while it runs. Bounded: a slow reader slows the command down.
#[derive(Clone, Debug)]
pub struct Output {
    pub call: CallId,
    pub to: mpsc::Sender<Chunk>,
}

/// Raw bytes of a running call.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub call: CallId,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}
