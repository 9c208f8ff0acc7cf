//! The outside world, behind one small trait. Providers: shell, postgres, redis, http, file; `fake` is scripted.
//! A provider reports exactly what happened: done, none (provably no effect), some, unknown.
pub mod fake;
pub mod file;
pub mod http;
pub mod line;
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
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::{Call, CallId, Outcome};
use crate::value::{Connection, Value};

/// Does calls. `call` returns once the call has ended, also after a cancel: never dropped half-way.
pub trait Effects {
    fn call<'a>(
        &'a self,
        call: Arc<Call>,
        cancel: Cancel,
        output: Output,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

    /// From now on this stands in nothing that is cut before it is shown.
    fn secret(&self, _secret: &Value) {}

    /// From now on proofs are kept there, and what the run starts is remembered; nowhere any more when it is over.
    fn prove_to(&self, _proofs: Proofs) {}

    /// What became of a call that an earlier process had started and of which no end is known; `proof` is what that
    /// process has kept of it. Nothing when it cannot be proven.
    fn settle<'a>(
        &'a self,
        _call: &'a Call,
        _proof: Option<&'a Value>,
    ) -> Pin<Box<dyn Future<Output = Option<Outcome>> + 'a>> {
        Box::pin(std::future::ready(None))
    }

    /// Where a connection leads, for people and for comparing: user, host, port, database; never a password. Nothing when its
    /// recipe cannot be read.
    fn address(&self, _on: &Connection) -> Option<String> {
        None
    }

    /// Which server was reached there, by what it calls itself for ever; nothing when it does not say.
    fn server(&self, _on: &Connection) -> Option<String> {
        None
    }

    /// Which run of this machine waits for a lock that this process has, and has asked it to end.
    fn claimed(&self) -> Option<lock::Claim> {
        None
    }

    /// A lock that this process has is free again.
    fn unlock(&self, _lock: &str) {}

    /// End what these calls of an earlier process have left running here, of this run where no other one is named, and wait for
    /// its end.
    fn end_left<'a>(
        &'a self,
        _run: Option<&'a str>,
        _calls: shell::Calls<'a>,
    ) -> Pin<Box<dyn Future<Output = Left> + 'a>> {
        Box::pin(std::future::ready(Left::default()))
    }

    /// End what these calls of an earlier process of the run have left running at their servers, as far as those are reached, and
    /// wait for its end. Asked before this process starts anything.
    fn end_statements<'a>(&'a self, _calls: &'a [Arc<Call>]) -> Pin<Box<dyn Future<Output = Statements> + 'a>> {
        Box::pin(std::future::ready(Statements::default()))
    }
}

/// What became of statements that calls had left running at their servers, each as a person would name it.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    pub ended: Alive,
    /// What could not be ended.
    pub alive: Alive,
}

/// What became of what calls had left running.
#[derive(Clone, Debug, Default)]
pub struct Left {
    pub ended: Vec<shell::Living>,
    /// What could not be ended.
    pub alive: Alive,
}

/// Calls that go on, each with what of it, as a person would name it.
pub type Alive = Vec<(CallId, String)>;

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

/// What a provider needs to tell later whether a call had its effect.
#[derive(Debug)]
pub struct Proof {
    pub call: CallId,
    pub value: Value,
    /// Told when it is kept; dropped when it could not be.
    pub kept: oneshot::Sender<()>,
}

/// Where a provider's proofs are kept; nowhere when nothing is kept of the run.
pub type Proofs = Option<mpsc::Sender<Proof>>;

/// Keep this before the call can have its effect. False: it could not be kept, and nothing may happen.
pub async fn prove(proofs: &Proofs, call: CallId, value: Value) -> bool {
    let Some(proofs) = proofs else { return true };
    let (kept, answer) = oneshot::channel();
    proofs.send(Proof { call, value, kept }).await.is_ok() && answer.await.is_ok()
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
