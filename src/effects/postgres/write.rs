//! Writes: each in a transaction of its own, or in one that is open; and what is known when something breaks.
use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, SimpleQueryMessage};

use super::param::Param;
use super::read::{Guard, prepare};
use super::session::Session;
use super::statement::Statement;
use super::{Worked, failure};
use crate::effects::Cancel;
use crate::engine::{Ending, Failure, FailureKind};
use crate::value::Value;
use crate::value::encode::sql;

/// How long a server that lost a COMMIT's acknowledgement is asked for what became of it.
const ASKING: u32 = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// Where the work is done.
pub struct Place<'a> {
    /// The connection's name, for people.
    pub name: &'a str,
    /// The session's `application_name` while the work is done.
    pub mark: String,
    /// In an open transaction.
    pub in_tx: bool,
    pub cancel: Cancel,
}

/// `BEGIN`, and whose work it is.
#[must_use]
pub fn begin(how: &str, mark: &str) -> String {
    let mark = sql::literal(&Value::str(mark)).unwrap_or_else(|_| "'rbk'".to_owned());
    format!("{how}; SET LOCAL application_name = {mark}")
}

/// A statement in a transaction of its own. Fails with no effect, unless it cannot run in a transaction.
pub async fn alone(session: &Session, statement: &Statement, place: &Place<'_>) -> Worked {
    if let Some(refused) = refuse_control(statement) {
        return refused;
    }
    let none = |e: &Error| Worked {
        healthy: !failure::is_broken(e),
        ..Worked::failed(Ending::None, failure::of(place.name, e, Some(statement)))
    };
    // Before BEGIN: a statement whose parameters are not clear would otherwise end the transaction.
    let prepared = match prepared(session, statement, place, Guard::None).await {
        Ok(prepared) => prepared,
        Err(worked) => return worked,
    };
    if let Err(e) = session.client.batch_execute(&begin("BEGIN", &place.mark)).await {
        return none(&e);
    }
    let changed = match run(session, statement, prepared.as_ref()).await {
        Ok(changed) => changed,
        Err(e) => {
            let rolled_back = session.client.batch_execute("ROLLBACK").await.is_ok();
            let outside = [Some(&SqlState::ACTIVE_SQL_TRANSACTION), Some(&SqlState::INVALID_TRANSACTION_TERMINATION)];
            if rolled_back && outside.contains(&e.code()) && !place.cancel.is_cancelled() {
                return direct(session, statement, place).await;
            }
            return Worked { healthy: rolled_back, ..none(&e) };
        }
    };
    if place.cancel.is_cancelled() {
        let healthy = session.client.batch_execute("ROLLBACK").await.is_ok();
        let failure = Failure::new(FailureKind::Cancelled, "cancelled before its commit");
        return Worked { healthy, ..Worked::failed(Ending::None, failure) };
    }
    commit(session, Value::Int(changed), place).await
}

/// A statement in the open transaction. A failure ends the transaction: no effect remains.
pub async fn inside(session: &Session, statement: &Statement, place: &Place<'_>) -> Worked {
    if let Some(refused) = refuse_control(statement) {
        return refused;
    }
    let prepared = match prepared(session, statement, place, Guard::Savepoint).await {
        Ok(prepared) => prepared,
        Err(worked) => return worked,
    };
    match run(session, statement, prepared.as_ref()).await {
        Ok(changed) => Worked::done(Value::Int(changed)),
        Err(e) => Worked {
            healthy: !failure::is_broken(&e),
            ..Worked::failed(Ending::None, failure::of(place.name, &e, Some(statement)))
        },
    }
}

fn refuse_control(statement: &Statement) -> Option<Worked> {
    statement.controls_transaction.then(|| {
        let mut failure = Failure::new(FailureKind::Value, "a statement cannot begin or end a transaction itself");
        failure.help = Some("write the statements into `transaction db { … }`".to_owned());
        Worked::failed(Ending::None, failure)
    })
}

async fn prepared(
    session: &Session,
    statement: &Statement,
    place: &Place<'_>,
    guard: Guard,
) -> Result<Option<tokio_postgres::Statement>, Worked> {
    if statement.params.is_empty() {
        return Ok(None);
    }
    prepare(session, statement, place, guard)
        .await
        .map(Some)
        .map_err(|(failure, broken)| Worked { healthy: !broken, ..Worked::failed(Ending::None, failure) })
}

/// The number of rows that were changed.
async fn run(
    session: &Session,
    statement: &Statement,
    prepared: Option<&tokio_postgres::Statement>,
) -> Result<i64, Error> {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    if let Some(prepared) = prepared {
        let params = statement.params.iter().map(|(value, _)| Param(value));
        return session.client.execute_raw(prepared, params).await.map(count);
    }
    let messages = session.client.simple_query(&statement.sql).await?;
    Ok(messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::CommandComplete(n) => Some(count(*n)),
            _ => None,
        })
        .sum())
}

/// What the server refuses inside a transaction (CREATE DATABASE, VACUUM …): what it leaves when it fails is not known exactly.
async fn direct(session: &Session, statement: &Statement, place: &Place<'_>) -> Worked {
    let mark = begin("SELECT", &place.mark).replacen("SELECT; SET LOCAL", "SET", 1);
    let none = |e: &Error| Worked {
        healthy: !failure::is_broken(e),
        ..Worked::failed(Ending::None, failure::of(place.name, e, Some(statement)))
    };
    if let Err(e) = session.client.batch_execute(&mark).await {
        return none(&e);
    }
    match run(session, statement, None).await {
        Ok(changed) => Worked::done(Value::Int(changed)),
        Err(e) if failure::is_broken(&e) => Worked { ending: Ending::Unknown, ..none(&e) },
        Err(e) => Worked { ending: if refused_at_once(&e) { Ending::None } else { Ending::Some }, ..none(&e) },
    }
}

/// Errors that come before anything is done: syntax, names, rights, a database that exists or is in use.
fn refused_at_once(e: &Error) -> bool {
    e.code().is_some_and(|code| {
        let class = code.code().get(..2).unwrap_or("");
        matches!(class, "42" | "0A" | "3D" | "28")
            || *code == SqlState::OBJECT_IN_USE
            || *code == SqlState::READ_ONLY_SQL_TRANSACTION
    })
}

/// By which a later session recognizes a transaction.
struct Mark {
    id: String,
    system: String,
    timeline: String,
}

/// COMMIT. When its acknowledgement is lost, the server is asked what became of the transaction.
pub async fn commit(session: &Session, value: Value, place: &Place<'_>) -> Worked {
    let mark = match mark(session).await {
        Ok(mark) => mark,
        Err(e) => {
            return Worked { healthy: false, ..Worked::failed(Ending::None, failure::of(place.name, &e, None)) };
        }
    };
    let Err(e) = session.client.batch_execute("COMMIT").await else { return Worked::done(value) };
    if !failure::is_broken(&e) {
        // A deferred constraint, a serialization failure: the transaction is aborted.
        let healthy = session.client.batch_execute("ROLLBACK").await.is_ok();
        return Worked { healthy, ..Worked::failed(Ending::None, failure::of(place.name, &e, None)) };
    }
    let became = match &mark {
        Marked::Written(mark) => ask(session, mark, &place.cancel).await,
        // Nothing was written, so nothing is lost.
        Marked::Nothing => Some(Ending::Done),
        Marked::Unclear => None,
    };
    let worked = match became {
        Some(Ending::Done) => Worked::done(value),
        Some(ending) => Worked::failed(ending, failure::of(place.name, &e, None)),
        None => {
            let mut failure = failure::of(place.name, &e, None);
            failure.message = format!("whether the transaction was committed is not known: {}", failure.message);
            Worked::failed(Ending::Unknown, failure)
        }
    };
    Worked { healthy: false, ..worked }
}

enum Marked {
    Written(Mark),
    Nothing,
    /// A server that does not tell.
    Unclear,
}

const WHO: &str = "(SELECT system_identifier FROM pg_control_system())::text, \
                   substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)";

async fn mark(session: &Session) -> Result<Marked, Error> {
    let client = &session.client;
    client.batch_execute("SAVEPOINT rbk_mark").await?;
    // No type cast of the id is needed: simple queries are text.
    match client.simple_query(&format!("SELECT txid_current_if_assigned(), {WHO}")).await {
        Ok(messages) => {
            client.batch_execute("RELEASE rbk_mark").await?;
            Ok(match cells(&messages).as_slice() {
                [Some(id), Some(system), Some(timeline)] => {
                    Marked::Written(Mark { id: id.clone(), system: system.clone(), timeline: timeline.clone() })
                }
                [None, ..] => Marked::Nothing,
                _ => Marked::Unclear,
            })
        }
        Err(e) if failure::is_broken(&e) => Err(e),
        Err(_) => client.batch_execute("ROLLBACK TO rbk_mark").await.map(|()| Marked::Unclear),
    }
}

fn cells(messages: &[SimpleQueryMessage]) -> Vec<Option<String>> {
    messages
        .iter()
        .find_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.try_get(i).ok().flatten().map(str::to_owned)).collect())
            }
            _ => None,
        })
        .unwrap_or_default()
}

/// What became of a transaction; none when the server cannot be asked, is another one, or has forgotten.
async fn ask(session: &Session, mark: &Mark, cancel: &Cancel) -> Option<Ending> {
    for _ in 0..ASKING {
        if let Ok(fresh) = Session::open(session.target.clone()).await {
            let answer = fresh.client.simple_query(&format!("SELECT txid_status({}), {WHO}", mark.id)).await;
            if let Ok(messages) = answer {
                let cells = cells(&messages);
                let [Some(status), Some(system), Some(timeline)] = cells.as_slice() else { return None };
                if *system != mark.system || *timeline != mark.timeline {
                    return None;
                }
                match status.as_str() {
                    "committed" => return Some(Ending::Done),
                    "aborted" => return Some(Ending::None),
                    _ => {}
                }
            }
        }
        if cancel.is_cancelled() {
            return None;
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}
