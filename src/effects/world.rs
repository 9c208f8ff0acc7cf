//! The real outside: each call goes to the provider that its first word names.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::effects::file::Files;
use crate::effects::http::Http;
use crate::effects::lock::{Claim, Locks};
use crate::effects::postgres::Postgres;
use crate::effects::prometheus::Prometheus;
use crate::effects::redis::Redis;
use crate::effects::secret::Secrets;
use crate::effects::shell::{Calls, Shell};
use crate::effects::{Cancel, Effects, Left, Output, Proofs, Statements, http, postgres, redis};
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{ConnKind, Connection, SmolStr, Value};

/// Every provider, for one run.
pub struct World {
    pub shell: Shell,
    pub locks: Locks,
    pub secrets: Secrets,
    pub postgres: Postgres,
    pub redis: Redis,
    pub http: Http,
    pub prometheus: Prometheus,
    pub files: Files,
}

impl World {
    /// `run`: the id its commands, sessions and locks carry.
    ///
    /// # Errors
    /// One line for a person: a setting in the environment that cannot be read.
    pub fn new(run: SmolStr) -> Result<World, String> {
        let shell = Shell::new(run.clone())?;
        let http = || Http::hiding(shell.known.clone());
        Ok(World {
            postgres: Postgres::new(run.clone()),
            redis: Redis::new(run.clone()),
            http: http(),
            prometheus: Prometheus::over(http()),
            files: Files,
            locks: Locks::new(run, crate::state::dir()),
            secrets: Secrets,
            shell,
        })
    }
}

impl Effects for World {
    fn claimed(&self) -> Option<Claim> {
        self.locks.claimed()
    }

    fn unlock(&self, lock: &str) {
        self.locks.release(lock);
    }

    /// Each provider's in a box of its own size: the largest would be many times that of the most frequent.
    fn call<'a>(
        &'a self,
        call: Arc<Call>,
        cancel: Cancel,
        output: Output,
    ) -> Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        let provider = match &call.what {
            What::Shell { .. } => return Box::pin(async move { self.shell.call(&call, cancel, output).await }),
            What::Lock { .. } => return Box::pin(async move { self.locks.call(&call, cancel, output).await }),
            What::Native { action, .. } => action.split_once('.').map_or("", |(provider, _)| provider),
            What::Begin { .. } | What::Commit { .. } | What::Abort { .. } => "postgres",
        };
        match provider {
            "postgres" => Box::pin(async move { self.postgres.call(&call, cancel).await }),
            "redis" => Box::pin(async move { self.redis.call(&call, cancel).await }),
            "http" => Box::pin(async move { self.http.call(&call, cancel).await }),
            "prometheus" => Box::pin(async move { self.prometheus.call(&call, cancel).await }),
            "file" => Box::pin(async move { self.files.call(&call, cancel).await }),
            "secret" => Box::pin(async move { self.secrets.call(&call, cancel).await }),
            _ => Box::pin(std::future::ready(unknown(&call.what))),
        }
    }

    fn secret(&self, secret: &Value) {
        self.shell.hide(secret);
    }

    fn prove_to(&self, proofs: Proofs) {
        match proofs {
            Some(_) => self.shell.note_processes(),
            None => self.shell.forget_processes(),
        }
        self.postgres.prove_to(proofs);
    }

    fn settle<'a>(
        &'a self,
        call: &'a Call,
        proof: Option<&'a Value>,
    ) -> Pin<Box<dyn Future<Output = Option<Outcome>> + 'a>> {
        Box::pin(async move {
            match &call.what {
                What::Native { action, .. } if action.starts_with("postgres.") => {
                    self.postgres.settle(call, proof).await
                }
                What::Begin { .. } | What::Commit { .. } => self.postgres.settle(call, proof).await,
                What::Native { .. } | What::Shell { .. } | What::Abort { .. } | What::Lock { .. } => None,
            }
        })
    }

    fn address(&self, on: &Connection) -> Option<String> {
        address(on)
    }

    fn server(&self, on: &Connection) -> Option<String> {
        match on.kind {
            ConnKind::Postgres => self.postgres.server(on),
            ConnKind::Redis | ConnKind::Http | ConnKind::Prometheus => None,
        }
    }

    fn end_left<'a>(&'a self, run: Option<&'a str>, calls: Calls<'a>) -> Pin<Box<dyn Future<Output = Left> + 'a>> {
        Box::pin(self.shell.end_left(run, calls))
    }

    fn end_statements<'a>(&'a self, calls: &'a [Arc<Call>]) -> Pin<Box<dyn Future<Output = Statements> + 'a>> {
        Box::pin(self.postgres.end_left(calls))
    }
}

/// [`Effects::address`], of a real connection.
#[must_use]
pub fn address(on: &Connection) -> Option<String> {
    match on.kind {
        ConnKind::Postgres => postgres::address(on),
        ConnKind::Redis => redis::address(on),
        ConnKind::Http | ConnKind::Prometheus => http::origin(on),
    }
}

fn unknown(what: &What) -> Outcome {
    let name = if let What::Native { action, .. } = what { action.as_str() } else { "" };
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, format!("there is no action `{name}`")))
}
