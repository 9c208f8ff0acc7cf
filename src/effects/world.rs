//! The real outside: each call goes to the provider that its first word names.
use std::future::Future;
use std::pin::Pin;

use crate::effects::file::Files;
use crate::effects::http::Http;
use crate::effects::lock::Locks;
use crate::effects::postgres::Postgres;
use crate::effects::prometheus::Prometheus;
use crate::effects::redis::Redis;
use crate::effects::secret::Secrets;
use crate::effects::shell::Shell;
use crate::effects::{Alive, Cancel, Effects, Output, Proofs};
use crate::engine::{Call, CallId, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{SmolStr, Value};

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

    async fn dispatch(&self, call: Call, cancel: Cancel, output: Output) -> Outcome {
        match &call.what {
            What::Shell { .. } => self.shell.call(&call, cancel, output).await,
            What::Lock { .. } => self.locks.call(&call, cancel, output).await,
            What::Native { action, .. } => match action.split_once('.').map_or("", |(provider, _)| provider) {
                "postgres" => self.postgres.call(&call, cancel).await,
                "redis" => self.redis.call(&call, cancel).await,
                "http" => self.http.call(&call, cancel).await,
                "prometheus" => self.prometheus.call(&call, cancel).await,
                "file" => self.files.call(&call, cancel).await,
                "secret" => self.secrets.call(&call, cancel).await,
                _ => unknown(action),
            },
            What::Begin { .. } | What::Commit { .. } | What::Abort { .. } => self.postgres.call(&call, cancel).await,
        }
    }
}

impl Effects for World {
    fn call<'a>(&'a self, call: Call, cancel: Cancel, output: Output) -> Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        Box::pin(self.dispatch(call, cancel, output))
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

    fn end_left<'a>(&'a self, calls: &'a [CallId]) -> Pin<Box<dyn Future<Output = Alive> + 'a>> {
        Box::pin(self.shell.end_left(calls))
    }
}

fn unknown(action: &str) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, format!("there is no action `{action}`")))
}
