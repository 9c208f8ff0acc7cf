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
use crate::effects::{Cancel, Effects, Output};
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome, What};
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
}

fn unknown(action: &str) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, format!("there is no action `{action}`")))
}
