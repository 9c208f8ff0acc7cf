//! The real outside: each call goes to the provider that its first word names.
use std::future::Future;
use std::pin::Pin;

use crate::effects::lock::{Locks, state_dir};
use crate::effects::secret::Secrets;
use crate::effects::shell::Shell;
use crate::effects::{Cancel, Effects, Output};
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::SmolStr;

/// Every provider, for one run.
pub struct World {
    pub shell: Shell,
    pub locks: Locks,
    pub secrets: Secrets,
}

impl World {
    /// `run`: the id its commands, sessions and locks carry.
    #[must_use]
    pub fn new(run: SmolStr) -> World {
        World { shell: Shell::new(run.clone()), locks: Locks::new(run, state_dir()), secrets: Secrets }
    }

    async fn dispatch(&self, call: Call, cancel: Cancel, output: Output) -> Outcome {
        match &call.what {
            What::Shell { .. } => self.shell.call(&call, cancel, output).await,
            What::Lock { .. } => self.locks.call(&call, cancel, output).await,
            What::Native { action, .. } => match action.split_once('.').map_or("", |(provider, _)| provider) {
                "secret" => self.secrets.call(&call, cancel).await,
                _ => unknown(action),
            },
            What::Begin { .. } | What::Commit { .. } | What::Abort { .. } => unknown("transaction"),
        }
    }
}

impl Effects for World {
    fn call<'a>(&'a self, call: Call, cancel: Cancel, output: Output) -> Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        Box::pin(self.dispatch(call, cancel, output))
    }
}

fn unknown(action: &str) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, format!("there is no action `{action}`")))
}
