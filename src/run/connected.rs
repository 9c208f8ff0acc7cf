//! Where the connections of a run lead: written down when each is first used, compared when the run goes on.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::resume::{Past, quietly};
use crate::check::program::{Effect, Want};
use crate::effects::Effects;
use crate::engine::{Call, What};
use crate::journal::Entry;
use crate::value::{ConnKind, Connection, SmolStr, Timestamp, format_smolstr};

/// How long a server may take to say who it is; after that it counts as not reached.
const ASKING: Duration = Duration::from_secs(5);

/// What was written down of one.
#[derive(Clone, Debug)]
pub struct Place {
    pub name: SmolStr,
    pub address: String,
    pub server: Option<String>,
}

/// Those that this process uses.
#[derive(Default)]
pub struct Connected {
    /// By name and address.
    noted: BTreeSet<(SmolStr, String)>,
    used: Vec<Used>,
}

struct Used {
    on: Arc<Connection>,
    /// Which server it is, is written down.
    known: bool,
}

impl Connected {
    #[must_use]
    pub fn since(places: &[Place]) -> Connected {
        let noted = places.iter().map(|place| (place.name.clone(), place.address.clone()));
        Connected { noted: noted.collect(), used: Vec::new() }
    }

    /// A call starts: what is to be written down of its connections.
    pub fn used(&mut self, call: &Call, effects: &dyn Effects, wall: Timestamp) -> Vec<Entry> {
        let mut found = Vec::new();
        for on in call.connections() {
            if self.used.iter().any(|used| used.on == *on) {
                continue;
            }
            self.used.push(Used { on: on.clone(), known: false });
            let Some(address) = effects.address(on) else { continue };
            if self.noted.insert((on.name.clone(), address.clone())) {
                found.push(Entry::Connected { name: on.name.clone(), address, server: None, wall });
            }
        }
        found
    }

    /// A call has ended: which servers have answered by now.
    pub fn answered(&mut self, effects: &dyn Effects, wall: Timestamp) -> Vec<Entry> {
        let unknown = self.used.iter_mut().filter(|used| !used.known);
        let found = unknown.filter_map(|used| {
            let server = effects.server(&used.on)?;
            used.known = true;
            let (name, address) = (used.on.name.clone(), effects.address(&used.on)?);
            Some(Entry::Connected { name, address, server: Some(server), wall })
        });
        found.collect()
    }
}

/// Which connections lead elsewhere than they did, a line each. One that cannot be reached is no difference.
pub async fn elsewhere(past: &Past, effects: &dyn Effects) -> Vec<String> {
    let mut found = Vec::new();
    for (on, call) in &past.connections {
        let then: Vec<&Place> = past.places.iter().filter(|place| place.name == on.name).collect();
        let (Some(last), Some(now)) = (then.last(), effects.address(on)) else { continue };
        if !then.iter().any(|place| place.address == now) {
            found.push(format!("connection `{}`: `{}` then, `{now}` now", on.name, last.address));
            continue;
        }
        let servers: Vec<&str> =
            then.iter().filter(|place| place.address == now).filter_map(|place| place.server.as_deref()).collect();
        if servers.is_empty() {
            continue;
        }
        if let Some(server) = asked(on, call, effects).await
            && !servers.contains(&server.as_str())
        {
            found.push(format!("connection `{}`: at `{now}` answers another server than then", on.name));
        }
    }
    found
}

/// Which server answers there now.
async fn asked(on: &Arc<Connection>, call: &Call, effects: &dyn Effects) -> Option<String> {
    if on.kind != ConnKind::Postgres {
        return None;
    }
    let ping = Arc::new(Call {
        what: What::Native { action: "postgres.ping".into(), on: Some(on.clone()), args: Vec::new(), tx: None },
        effect: Effect::Read,
        want: Want::Condition,
        contexts: Arc::new([]),
        text: format_smolstr!("{}.ping()", on.name),
        ..call.clone()
    });
    tokio::time::timeout(ASKING, quietly(&ping, effects)).await.ok()?;
    effects.server(on)
}
