//! What became of a statement whose process has died: its session is ended, and the server is asked by the transaction's id.
use std::sync::Arc;
use std::time::Duration;

use super::Postgres;
use super::commit::{ASKING, Mark, asked};
use super::connect;
use super::session::{Identity, application, cells};
use super::statement::Statement;
use super::target::Target;
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::encode::sql;
use crate::value::{Connection, SmolStr, Value};

/// How long the end of the old session is waited for.
const ENDING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// What is kept of a transaction before its COMMIT: its id, its server, and what is returned when it was done.
pub fn proof(mark: &Mark, value: &Value) -> Value {
    let text = |name: &'static str, text: &str| (SmolStr::new_static(name), Value::str(text));
    let mut fields = vec![(SmolStr::new_static("value"), value.clone())];
    if let Mark::Id(id, identity) = mark {
        fields.push(text("id", &id.to_string()));
        if let Some(Identity { server: [system, timeline], counting }) = identity {
            fields.extend([text("system", system), text("timeline", timeline), text("counting", counting)]);
        }
    }
    Value::record(fields)
}

struct Proven {
    value: Value,
    id: u64,
    identity: Identity,
}

/// Nothing where the server would not be able to tell.
fn read(proof: &Value) -> Option<Proven> {
    let Value::Record(record) = proof else { return None };
    let text = |name: &str| match record.get(name) {
        Some(Value::Str(text)) => Some(text.to_string()),
        _ => None,
    };
    let identity = Identity { server: [text("system")?, text("timeline")?], counting: text("counting")? };
    Some(Proven { value: record.get("value")?.clone(), id: text("id")?.parse().ok()?, identity })
}

impl Postgres {
    /// Done, or none; nothing when the server cannot tell.
    pub async fn settle(&self, call: &Call, proof: Option<&Value>) -> Option<Outcome> {
        let (on, commit) = match &call.what {
            What::Native { on: Some(on), .. } | What::Begin { on, .. } => (on, false),
            What::Commit { on, .. } => (on, true),
            What::Native { on: None, .. } | What::Abort { .. } | What::Shell { .. } | What::Lock { .. } => return None,
        };
        let target = Target::new(on, &application(&self.run)).ok()?;
        let ended = tokio::time::timeout(ENDING, self.end_old(&target, call)).await.is_ok_and(|ended| ended);
        let Some(proof) = proof else {
            // It had not come to its COMMIT, and will not any more; what no transaction takes back is not known.
            return (ended && (commit || is_taken_back(call))).then(|| none(on));
        };
        let proven = read(proof)?;
        let became = tokio::time::timeout(ASKING, asked(&target, None, proven.id, &proven.identity)).await;
        match became.ok().flatten()? {
            Ending::Done => Some(Outcome::done(proven.value)),
            Ending::None => Some(none(on)),
            Ending::Some | Ending::Unknown => None,
        }
    }

    /// End what the dead process had under way for this call. False: it may go on.
    async fn end_old(&self, target: &Target, call: &Call) -> bool {
        let mark = self.mark(&call.path);
        let Ok(mark) = sql::literal(&Value::str(mark.as_str())) else { return false };
        let old = format!("FROM pg_stat_activity WHERE application_name = {mark} AND pid <> pg_backend_pid()");
        loop {
            let Ok(session) = connect::open(target).await else { return false };
            let _ = session.client.simple_query(&format!("SELECT pg_terminate_backend(pid) {old}")).await;
            match session.client.simple_query(&format!("SELECT count(*) {old}")).await {
                Ok(rows) if cells(&rows).first().and_then(Option::as_deref) == Some("0") => return true,
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(_) => return false,
            }
        }
    }
}

/// Whether the call has no effect without a COMMIT.
fn is_taken_back(call: &Call) -> bool {
    let What::Native { args, .. } = &call.what else { return matches!(call.what, What::Begin { .. }) };
    args.iter().all(|(_, arg)| match arg {
        Arg::Code(pieces) => Statement::new(pieces).is_ok_and(|statement| !statement.acts),
        Arg::Value(_) => true,
    })
}

fn none(on: &Arc<Connection>) -> Outcome {
    let message = format!("the transaction on `{}` was not committed: the process that ran it has died", on.name);
    Outcome::failed(Ending::None, Failure::new(FailureKind::Connection, message))
}
