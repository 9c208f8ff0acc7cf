//! Redis, and what speaks as it does. In: a call. Out: its value, and what it has done for certain.
//!
//! A call has its connections for itself, so that what was sent of it is known to the byte: only a write that was sent
//! whole and not answered is `unknown`. A call that cannot have had an effect is made once more where another connection,
//! or another server, may do better; no other call is ever repeated.
mod action;
mod cluster;
mod info;
mod keys;
pub mod names;
mod perform;
mod pool;
mod reach;
mod reply;
mod session;
mod socket;
mod state;
mod target;
mod wrong;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use self::pool::Pool;
use self::reach::Reach;
use self::session::Asks;
use self::target::Target;
use self::wrong::{Trace, Wrong};
use crate::check::program::Effect;
use crate::effects::Cancel;
use crate::effects::stop::{PATIENCE, Why};
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{Connection, SmolStr, Value};

/// The Redis provider of one run.
pub struct Redis {
    /// `rbk/RUN`: the name of its connections.
    label: String,
    pool: Pool,
}

/// `user@host:port/database`; nothing when the recipe cannot be read.
#[must_use]
pub fn address(on: &Connection) -> Option<String> {
    Target::new(on).ok().map(|target| target.place())
}

impl Redis {
    /// `run`: the id its connections carry in their name.
    #[must_use]
    pub fn new(run: SmolStr) -> Redis {
        Redis { label: format!("rbk/{run}"), pool: Pool::default() }
    }

    /// Returns once the call has ended, also after a cancel.
    pub async fn call(&self, call: &Call, mut cancel: Cancel) -> Outcome {
        let What::Native { action, on: Some(on), args, .. } = &call.what else {
            return refused("this is not a call on a Redis connection");
        };
        let name = action.rsplit('.').next().unwrap_or(action);
        let (job, target) = match action::job(name, args).and_then(|job| Ok((job, Target::new(on)?))) {
            Ok(found) => found,
            Err(message) => return refused(&message),
        };
        if cancel.is_cancelled() {
            return Outcome::failed(Ending::None, Failure::new(FailureKind::Cancelled, "cancelled before it was sent"));
        }
        let asks = if call.effect >= Effect::Write { Asks::Writes } else { Asks::Reads };
        let trace = Trace::default();
        let ended = {
            let mut work = pin!(self.work(on, &target, &job, asks, &trace));
            let why = tokio::select! {
                biased;
                done = &mut work => Err(done),
                () = cancel.cancelled() => Ok(Why::Cancelled),
                limit = over(target.timeout) => Ok(Why::Timeout(limit)),
            };
            match why {
                Err(done) => Ok((done, None)),
                // The answer to a write that is on its way still tells what became of it.
                Ok(why) => {
                    trace.stop();
                    let patience = async {
                        if trace.in_doubt() {
                            tokio::select! {
                                () = tokio::time::sleep(PATIENCE) => {}
                                () = cancel.killed() => {}
                            }
                        }
                    };
                    tokio::select! {
                        biased;
                        done = &mut work => Ok((done, Some(why))),
                        () = patience => Err(why),
                    }
                }
            }
        };
        match ended {
            Ok((Ok(value), _)) => Outcome::done(value),
            Ok((Err(Wrong::Stopped), Some(why))) => Outcome::failed(trace.ending(), why.failure(&call.text)),
            Ok((Err(wrong), _)) => {
                let (ending, failure) = wrong.explained(on, &trace);
                Outcome::failed(ending, failure)
            }
            Err(why) => {
                let ending = trace.ending();
                let running = (ending == Ending::Unknown).then(|| format!("a command on `{}`", on.name));
                Outcome { ending, result: Err(why.failure(&call.text)), running, why: None }
            }
        }
    }

    /// Once, and once more where that cannot repeat an effect and may end otherwise.
    async fn work(
        &self,
        on: &Arc<Connection>,
        target: &Target,
        job: &action::Job,
        asks: Asks,
        trace: &Trace,
    ) -> Result<Value, Wrong> {
        let mut first = true;
        loop {
            let mut reach = Reach::new(&self.pool, on, target, &self.label);
            let done = perform::perform(job, &mut reach, asks, trace).await;
            let Err(wrong) = done else {
                reach.give_back();
                return done;
            };
            let again = first
                && trace.ending() == Ending::None
                && match &wrong {
                    Wrong::Lost { .. } => true,
                    Wrong::Unreachable(_) | Wrong::Refused { .. } => {
                        reach.may_differ() && (wrong.is("READONLY") || matches!(wrong, Wrong::Unreachable(_)))
                    }
                    Wrong::Value(_) | Wrong::Held(_) | Wrong::Stopped => false,
                };
            if matches!(wrong, Wrong::Lost { .. } | Wrong::Unreachable(_)) || wrong.is("READONLY") {
                self.pool.forget(on);
            } else {
                reach.give_back();
            }
            if !again {
                return Err(wrong);
            }
            first = false;
        }
    }
}

async fn over(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            tokio::time::sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}

fn refused(message: &str) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, message))
}
