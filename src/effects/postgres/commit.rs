//! COMMIT, and what became of a transaction whose acknowledgement did not come: the server knows by its id.
use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::session::{Identity, Session, cells};
use super::target::Target;
use super::work::{Phase, Place, Worked};
use super::{connect, failure, settle};
use crate::effects::prove;
use crate::engine::{Ending, Failure, FailureKind};
use crate::value::Value;

/// How long a server that lost a COMMIT's acknowledgement is asked for what became of it.
pub const ASKING: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(200);

/// By which a later session recognizes a transaction.
#[derive(Clone, Debug)]
pub enum Mark {
    /// Its id; and its server's, where that one tells.
    Id(u64, Option<Identity>),
    /// A standby has no transaction that could leave anything.
    Nothing,
}

/// COMMIT. When its acknowledgement is lost, the server is asked what became of the transaction.
pub async fn commit(session: &Session, value: Value, place: &Place<'_>) -> Worked {
    let none = |e: &tokio_postgres::Error| Worked::failed(Ending::None, failure::of(place.name, e, None));
    let mark = match mark(session).await {
        Ok(mark) => mark,
        Err(e) => {
            let healthy = !failure::is_broken(&e) && session.client.batch_execute("ROLLBACK").await.is_ok();
            return Worked { healthy, ..none(&e) };
        }
    };
    if !prove(&place.proofs, place.call, settle::proof(&mark, &value)).await {
        let healthy = session.client.batch_execute("ROLLBACK").await.is_ok();
        let failure = Failure::new(FailureKind::Failed, "its transaction could not be kept in the journal");
        return Worked { healthy, ..Worked::failed(Ending::None, failure) };
    }
    *place.committing.borrow_mut() = Some((mark.clone(), value.clone()));
    place.phase.set(Phase::Committing);
    let Err(e) = session.client.batch_execute("COMMIT").await else { return Worked::done(value) };
    if !failure::is_broken(&e) {
        // A deferred constraint, a serialization failure: the transaction is aborted.
        let healthy = session.client.batch_execute("ROLLBACK").await.is_ok();
        return Worked { healthy, ..none(&e) };
    }
    let became = became(session, &mark, ASKING).await;
    Worked { healthy: false, ..decided(became, value, failure::of(place.name, &e, None)) }
}

/// What is known of a COMMIT: done, none, or unknown and why.
pub fn decided(became: Option<Ending>, value: Value, why: Failure) -> Worked {
    match became {
        Some(Ending::Done) => Worked::done(value),
        Some(ending) => Worked::failed(ending, why),
        None => {
            let message = format!("whether the transaction was committed is not known: {}", why.message);
            Worked::failed(Ending::Unknown, Failure { message, ..why })
        }
    }
}

/// The id is asked for even where nothing was written: a notification, too, goes out with the COMMIT.
async fn mark(session: &Session) -> Result<Mark, tokio_postgres::Error> {
    let sql = if session.is_standby() { "SELECT NULL" } else { "SELECT txid_current()" };
    let id = cells(&session.client.simple_query(sql).await?).into_iter().next().flatten();
    Ok(match id.and_then(|id| id.parse().ok()) {
        Some(id) => Mark::Id(id, session.about.identity.clone()),
        None => Mark::Nothing,
    })
}

/// What became of a transaction; none when the server cannot be asked, is another one, or has forgotten.
pub async fn became(session: &Session, mark: &Mark, limit: Duration) -> Option<Ending> {
    match mark {
        Mark::Nothing => Some(Ending::Done),
        Mark::Id(_, None) => None,
        Mark::Id(id, Some(identity)) => {
            let pid = session.about.pid.parse().ok();
            tokio::time::timeout(limit, asked(&session.target, pid, *id, identity)).await.ok().flatten()
        }
    }
}

/// `pid`: the session's that was lost, where it is known.
pub async fn asked(target: &Target, pid: Option<u32>, id: u64, identity: &Identity) -> Option<Ending> {
    loop {
        if let Ok(fresh) = connect::open(target).await
            && let Ok(now) = Identity::ask(&fresh.client).await
        {
            let now = now?;
            if now.server != identity.server {
                return None;
            }
            let status = match fresh.client.simple_query(&format!("SELECT txid_status({id})")).await {
                Ok(messages) => cells(&messages).into_iter().next().flatten(),
                // It knows no such transaction yet: after a crash, the id of one that was not committed may be given again.
                Err(e) if e.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => return Some(Ending::None),
                Err(_) => Some(String::new()),
            };
            match status?.as_str() {
                // After a crash it may be another one's.
                "committed" => return (now.counting == identity.counting).then_some(Ending::Done),
                "aborted" => return Some(Ending::None),
                _ => end(&fresh, pid, id).await,
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The session that was lost may still be at it: it is ended, so that there is an answer.
async fn end(fresh: &Session, pid: Option<u32>, id: u64) {
    // By its transaction: the number of a process is given again.
    let pid = pid.map_or_else(String::new, |pid| format!("pid = {pid} AND "));
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {pid}backend_xid::text = '{}'",
        id % (1 << 32)
    );
    let _ = fresh.client.simple_query(&sql).await;
}
