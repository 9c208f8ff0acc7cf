//! What servers call what they hold, for somebody who types. It is fetched beside the console, once somebody types where it
//! belongs, and kept for a while: nobody ever waits for it, and a server that does not answer is let be.
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use crate::effects::postgres::names::Table;
use crate::effects::postgres::names::tables;
use crate::effects::redis::names::prefixes;
use crate::run::process;
use crate::value::{ConnKind, Connection};

/// After which it is fetched anew, when somebody looks.
const AGE: Duration = Duration::from_secs(30);
/// How long a server may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(5);

/// The names of one server.
#[derive(Debug, PartialEq, Eq)]
pub enum Names {
    Tables(Vec<Table>),
    /// How its keys begin, each up to a `:`, or whole.
    Keys(BTreeSet<String>),
}

struct Kept {
    on: Arc<Connection>,
    /// When it was last asked for.
    since: Instant,
    names: Option<Arc<Names>>,
}

/// Of all servers of a console.
#[derive(Clone)]
pub struct Cache {
    /// What servers call whoever asks.
    label: Arc<str>,
    kept: Arc<Mutex<Vec<Kept>>>,
}

impl Cache {
    #[must_use]
    pub fn new(run: &str) -> Cache {
        Cache { label: format!("rbk/{run}/names").into(), kept: Arc::default() }
    }

    /// What is known of this server now; what is old, or not known yet, is asked for meanwhile.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the age of what is kept")]
    pub fn look(&self, on: &Arc<Connection>) -> Option<Arc<Names>> {
        if !matches!(on.kind, ConnKind::Postgres | ConnKind::Redis) {
            return None;
        }
        let (mut kept, now) = (self.kept(), Instant::now());
        let names = match kept.iter_mut().find(|kept| kept.on == *on) {
            Some(kept) if kept.since + AGE > now => return kept.names.clone(),
            Some(kept) => {
                kept.since = now;
                kept.names.clone()
            }
            None => {
                kept.push(Kept { on: on.clone(), since: now, names: None });
                None
            }
        };
        drop(kept);
        self.fetch(on.clone());
        names
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On a thread of its own, which ends soon, or with the process.
    fn fetch(&self, on: Arc<Connection>) {
        let cache = self.clone();
        let fetch = move || {
            let fetched = process::block_on(async {
                let asked = asked(&on, &cache.label);
                tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
            });
            let Ok(Some(names)) = fetched else { return };
            if let Some(kept) = cache.kept().iter_mut().find(|kept| kept.on == on) {
                kept.names = Some(Arc::new(names));
            }
        };
        // Without a thread nothing is offered.
        drop(std::thread::Builder::new().name("names".to_owned()).spawn(fetch));
    }
}

async fn asked(on: &Arc<Connection>, label: &str) -> Option<Names> {
    match on.kind {
        ConnKind::Postgres => tables(on, label).await.map(Names::Tables),
        ConnKind::Redis => prefixes(on, label).await.map(Names::Keys),
        ConnKind::Http | ConnKind::Prometheus => None,
    }
}
