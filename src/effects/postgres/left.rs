//! What an earlier process of the run has left running at its servers: found by the name that its sessions carry, and ended.
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_postgres::SimpleQueryMessage;

use super::connect;
use super::session::{Session, application};
use super::target::Target;
use super::{Postgres, mark};
use crate::effects::Statements;
use crate::engine::Call;
use crate::value::encode::sql;
use crate::value::{ConnKind, Connection, Value};

/// How long their end is waited for, with the way to the server.
const ENDING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// A session of the run that does something.
struct Busy {
    pid: String,
    /// Its `application_name`.
    name: String,
}

impl Postgres {
    /// End what these calls have left, before this process starts anything. A server that is not reached is passed over.
    pub async fn end_left(&self, calls: &[Arc<Call>]) -> Statements {
        let mut found = Statements::default();
        let mut seen: Vec<&Arc<Connection>> = Vec::new();
        for on in calls.iter().flat_map(|call| call.connections()) {
            if on.kind != ConnKind::Postgres || seen.contains(&on) {
                continue;
            }
            seen.push(on);
            let Ok(target) = Target::new(on, &application(&self.run)) else { continue };
            let (mut was, mut ended) = (Vec::new(), false);
            // What was found is known also when the time is over.
            let _ = timeout(ENDING, self.end_at(&target, &mut was, &mut ended)).await;
            for Busy { pid, name } in was {
                let of = |call: &&Arc<Call>| call.connections().any(|its| its == on);
                let own = |call: &&Arc<Call>| of(call) && mark(&self.run, &call.path) == name;
                let Some(call) = calls.iter().find(own).or_else(|| calls.iter().find(of)) else { continue };
                let what = format!("`{}` at {} (its server process {pid})", call.text, target.place());
                if ended { found.ended.push((call.id, what)) } else { found.alive.push((call.id, what)) }
            }
        }
        found
    }

    async fn end_at(&self, target: &Target, was: &mut Vec<Busy>, ended: &mut bool) {
        let Ok(session) = connect::open(target).await else { return };
        while let Some(busy) = self.busy(&session).await {
            if busy.is_empty() {
                *ended = true;
                return;
            }
            for one in busy {
                let _ = session.client.simple_query(&format!("SELECT pg_terminate_backend({})", one.pid)).await;
                if was.iter().all(|known| known.pid != one.pid) {
                    was.push(one);
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Sessions of this role alone: others are not the run's, whatever they are called. Those of this process are idle.
    async fn busy(&self, session: &Session) -> Option<Vec<Busy>> {
        let name = sql::literal(&Value::str(application(&self.run).as_str())).ok()?;
        let sql = format!(
            "SELECT pid, application_name FROM pg_catalog.pg_stat_activity WHERE usename = session_user \
             AND pid <> pg_backend_pid() AND state <> 'idle' \
             AND (application_name = {name} OR left(application_name, length({name}) + 1) = {name} || '/')"
        );
        let rows = session.client.simple_query(&sql).await.ok()?;
        let busy = rows.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let pid = row.get(0)?.parse::<i32>().ok()?.to_string();
                Some(Busy { pid, name: row.get(1)?.to_owned() })
            }
            _ => None,
        });
        Some(busy.collect())
    }
}
