//! Writes: each in a transaction of its own, or in one that is open; and what is known when something breaks.
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, SimpleQueryMessage};

use super::commit::commit;
use super::failure;
use super::param::Param;
use super::prepare::{Guard, is_stale, prepare};
use super::session::Session;
use super::statement::Statement;
use super::work::{Phase, Place, Worked};
use crate::effects::prove;
use crate::engine::{Ending, Failure, FailureKind};
use crate::value::Value;
use crate::value::encode::sql;

/// `BEGIN`, whose work it is, and the server's own limit for it.
#[must_use]
pub fn begin(how: &str, session: &Session, place: &Place<'_>) -> String {
    let mark = sql::literal(&Value::str(place.mark.as_str())).unwrap_or_else(|_| "'rbk'".to_owned());
    let net = session.net(place.limit).map_or_else(String::new, |ms| format!("; SET LOCAL statement_timeout = {ms}"));
    format!("{how}; SET LOCAL application_name = {mark}{net}")
}

/// A statement in a transaction of its own. Fails with no effect, unless it cannot run in a transaction.
pub async fn alone(session: &Session, statement: &Statement, place: &Place<'_>) -> Worked {
    if let Some(refused) = refuse(statement) {
        return refused;
    }
    if statement.stands_alone() {
        return direct(session, statement, place).await;
    }
    match tried(session, statement, place).await {
        Ok(worked) => worked,
        // What was kept of the statement did not fit any more, and its transaction is gone.
        Err(()) => tried(session, statement, place).await.unwrap_or_else(|()| {
            Worked::failed(Ending::None, Failure::new(FailureKind::Failed, "the statement's tables keep changing"))
        }),
    }
}

/// Nothing: it has had no effect, and can be tried again.
async fn tried(session: &Session, statement: &Statement, place: &Place<'_>) -> Result<Worked, ()> {
    let client = &session.client;
    // Before BEGIN: a statement whose parameters are not clear would otherwise end the transaction.
    let prepared = match prepared(session, statement, place, Guard::None).await {
        Ok(prepared) => prepared,
        Err(worked) => return Ok(worked),
    };
    if let Err(e) = client.batch_execute(&begin(session.begin(), session, place)).await {
        let failure = failure::of(place.name, &e, Some(statement));
        return Ok(Worked { healthy: !failure::is_broken(&e), ..Worked::untouched(failure) });
    }
    if statement.acts {
        place.phase.set(Phase::Loose);
    }
    let changed = match run(session, statement, prepared.as_ref()).await {
        Ok(changed) => changed,
        Err(e) => {
            let rolled_back = client.batch_execute("ROLLBACK").await.is_ok();
            let outside = [Some(&SqlState::ACTIVE_SQL_TRANSACTION), Some(&SqlState::INVALID_TRANSACTION_TERMINATION)];
            if rolled_back && outside.contains(&e.code()) && !place.cancel.is_cancelled() {
                return Ok(direct(session, statement, place).await);
            }
            if rolled_back && !statement.acts && is_stale(session, statement, &e) {
                return Err(());
            }
            return Ok(Worked { healthy: rolled_back, ..failed(&e, statement, place) });
        }
    };
    if place.cancel.is_cancelled() {
        let healthy = client.batch_execute("ROLLBACK").await.is_ok();
        let failure = Failure::new(FailureKind::Cancelled, "cancelled before its commit");
        let ending = if statement.acts { Ending::Some } else { Ending::None };
        return Ok(Worked { healthy, ..Worked::failed(ending, failure) });
    }
    Ok(commit(session, Value::Int(changed), place).await)
}

/// A statement in the open transaction. A failure ends the transaction: no effect remains.
pub async fn inside(session: &Session, statement: &Statement, place: &Place<'_>) -> Worked {
    if let Some(refused) = refuse(statement) {
        return refused;
    }
    let prepared = match prepared(session, statement, place, Guard::Savepoint).await {
        Ok(prepared) => prepared,
        Err(worked) => return Worked { again: false, ..worked },
    };
    if statement.acts {
        place.phase.set(Phase::Loose);
    }
    match run(session, statement, prepared.as_ref()).await {
        Ok(changed) => Worked::done(Value::Int(changed)),
        Err(e) => {
            is_stale(session, statement, &e);
            failed(&e, statement, place)
        }
    }
}

/// What a failure before the COMMIT leaves: nothing, unless the statement does what no transaction takes back.
fn failed(e: &Error, statement: &Statement, place: &Place<'_>) -> Worked {
    let broken = failure::is_broken(e);
    let ending = match (statement.acts, broken) {
        (false, _) => Ending::None,
        (true, true) => Ending::Unknown,
        (true, false) if refused_at_once(e) => Ending::None,
        (true, false) => Ending::Some,
    };
    Worked { healthy: !broken, ..Worked::failed(ending, failure::of(place.name, e, Some(statement))) }
}

fn refuse(statement: &Statement) -> Option<Worked> {
    let (message, help) = if statement.controls_transaction {
        ("a statement cannot begin or end a transaction itself", "write the statements into `transaction db { … }`")
    } else if statement.copies() {
        (
            "a statement cannot send or take what `COPY` copies",
            "`copy_in(…, from: FILE)` and `copy_out(…, to: FILE)` do",
        )
    } else {
        return None;
    };
    Some(Worked::failed(Ending::None, Failure::new(FailureKind::Value, message).with_help(help)))
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
        .map_err(|e| Worked { healthy: !e.broken, ..Worked::untouched(e.failure) })
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
    let mark = sql::literal(&Value::str(place.mark.as_str())).unwrap_or_else(|_| "'rbk'".to_owned());
    let read_only = if session.about.read_only { "on" } else { "off" };
    let mut before = format!("SET application_name = {mark}; SET default_transaction_read_only = {read_only}");
    if let Some(limit) = session.limit(session.net(place.limit)) {
        before = format!("{before}; {limit}");
    }
    let failed = |e: &Error| failure::of(place.name, e, Some(statement));
    if let Err(e) = session.client.batch_execute(&before).await {
        return Worked { healthy: !failure::is_broken(&e), ..Worked::untouched(failed(&e)) };
    }
    // Nothing will tell what became of it.
    if !prove(&place.proofs, place.call, Value::Null).await {
        let failure = Failure::new(FailureKind::Failed, "that it starts could not be kept in the journal");
        return Worked { healthy: false, ..Worked::failed(Ending::None, failure) };
    }
    place.phase.set(Phase::Loose);
    let ran = run(session, statement, None).await;
    let after = "RESET application_name; SET default_transaction_read_only = on";
    let healthy = session.client.batch_execute(after).await.is_ok();
    match ran {
        Ok(changed) => Worked { healthy, ..Worked::done(Value::Int(changed)) },
        Err(e) if failure::is_broken(&e) => Worked { healthy, ..Worked::failed(Ending::Unknown, failed(&e)) },
        Err(e) => {
            let ending = if refused_at_once(&e) { Ending::None } else { Ending::Some };
            Worked { healthy, ..Worked::failed(ending, failed(&e)) }
        }
    }
}

/// Errors that come before anything is done: syntax, names, rights, a database that exists or is in use, a transaction
/// where none may be.
fn refused_at_once(e: &Error) -> bool {
    e.code().is_some_and(|code| {
        let class = code.code().get(..2).unwrap_or("");
        matches!(class, "42" | "0A" | "3D" | "28" | "25") || *code == SqlState::OBJECT_IN_USE
    })
}
