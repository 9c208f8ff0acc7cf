//! Reads: the server itself keeps them from writing.
//!
//! A plain query is sent alone, in a session whose transactions are read-only unless they say otherwise: one round trip.
//! All else runs in a transaction that is read-only and rolled back in every case.
use futures_util::TryStreamExt;
use tokio_postgres::{Error, Row};

use super::column::Cell;
use super::failure;
use super::param::Param;
use super::prepare::{Guard, is_stale, prepare};
use super::session::Session;
use super::statement::Statement;
use super::work::{Place, Worked};
use super::write::begin;
use crate::engine::{Ending, Failure, FailureKind};
use crate::value::{SmolStr, Value};

/// A result larger than this belongs into a file or behind a LIMIT.
const MAX_BYTES: usize = 16 << 20;

/// How many rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Exactly one, of one column.
    OneCell,
    /// Exactly one.
    One,
    All,
}

/// How a query ended that was not just answered.
enum Wrong {
    Server(Error),
    /// The answer is not what was wanted; more of it may be on its way.
    Answer(Failure),
}

/// Run a query. It has no effect, whatever becomes of it.
pub async fn read(session: &Session, statement: &Statement, rows: Rows, place: &Place<'_>) -> Worked {
    if statement.copies() {
        let mut failure = Failure::new(FailureKind::Value, "a query does not return what `COPY` sends");
        failure.help = Some("`copy_out(…, to: FILE)` keeps it in a file".to_owned());
        return Worked::failed(Ending::None, failure);
    }
    let reads_only = session.reads_only();
    let worked = match once(session, statement, rows, place).await {
        Err(e) if !place.in_tx && is_stale(session, statement, &e) => once(session, statement, rows, place).await,
        other => other,
    };
    let mut worked = worked.unwrap_or_else(|e| Worked {
        healthy: !failure::is_broken(&e),
        ..Worked::untouched(failure::of(place.name, &e, Some(statement)))
    });
    // A query that has switched the fence off leaves a session that is not used again.
    worked.healthy &= reads_only == session.reads_only();
    worked
}

/// What the server has against it is the error; all else has come to something.
async fn once(session: &Session, statement: &Statement, rows: Rows, place: &Place<'_>) -> Result<Worked, Error> {
    let guard = if place.in_tx { Guard::Savepoint } else { Guard::None };
    let prepared = match prepare(session, statement, place, guard).await {
        Ok(prepared) => prepared,
        Err(e) => return Ok(Worked { healthy: !e.broken, ..Worked::untouched(e.failure) }),
    };
    let fetched = fetch(session, &prepared, statement, rows);
    if !place.in_tx && statement.is_plain_query() && session.reads_only() {
        return match session.limit(session.net(place.limit)) {
            None => settled(session, place, fetched.await, true).await,
            Some(limit) => {
                // Sent with the query: an answer to the one comes with an answer to the other.
                let (_, found) = tokio::join!(session.client.batch_execute(&limit), fetched);
                settled(session, place, found, true).await
            }
        };
    }
    let (open, close) = if place.in_tx {
        // Within a transaction that writes: read-only from here to the savepoint's end.
        ("SAVEPOINT rbk_read; SET TRANSACTION READ ONLY".to_owned(), "ROLLBACK TO rbk_read; RELEASE rbk_read")
    } else {
        (begin("BEGIN READ ONLY", session, place), "ROLLBACK")
    };
    let client = &session.client;
    if place.in_tx || session.reads_only() {
        // Without its BEGIN the query could not write either: all three are sent at once.
        let (opened, found, closed) = tokio::join!(client.batch_execute(&open), fetched, client.batch_execute(close));
        opened?;
        return settled(session, place, found, closed.is_ok()).await;
    }
    client.batch_execute(&open).await?;
    let found = fetched.await;
    let closed = client.batch_execute(close).await;
    settled(session, place, found, closed.is_ok()).await
}

/// `closed`: what the query ran in has ended as it should.
async fn settled(
    session: &Session,
    place: &Place<'_>,
    found: Result<Value, Wrong>,
    closed: bool,
) -> Result<Worked, Error> {
    match found {
        Ok(value) => Ok(Worked { healthy: closed, ..Worked::done(value) }),
        Err(Wrong::Server(e)) if closed || failure::is_broken(&e) => Err(e),
        Err(Wrong::Server(e)) => {
            Ok(Worked { healthy: false, ..Worked::failed(Ending::None, failure::of(place.name, &e, None)) })
        }
        Err(Wrong::Answer(failure)) => {
            let healthy = closed && place.in_tx;
            if !healthy {
                // Nobody wants the rest; the session goes with it.
                session.canceller().cancel().await;
            }
            Ok(Worked { healthy, ..Worked::failed(Ending::None, failure) })
        }
    }
}

/// True, or an error.
pub async fn ping(session: &Session, place: &Place<'_>) -> Worked {
    match session.client.simple_query("SELECT 1").await {
        Ok(_) => Worked::done(Value::Bool(true)),
        Err(e) => Worked { healthy: !failure::is_broken(&e), ..Worked::untouched(failure::of(place.name, &e, None)) },
    }
}

async fn fetch(
    session: &Session,
    prepared: &tokio_postgres::Statement,
    statement: &Statement,
    rows: Rows,
) -> Result<Value, Wrong> {
    let params = statement.params.iter().map(|(value, _)| Param(value));
    let mut stream = std::pin::pin!(session.client.query_raw(prepared, params).await.map_err(Wrong::Server)?);
    let mut found = Vec::new();
    let mut size = 0;
    let wrong = |message: &str| Wrong::Answer(Failure::new(FailureKind::Value, message));
    while let Some(row) = stream.try_next().await.map_err(Wrong::Server)? {
        size += row.raw_size_bytes();
        if size > MAX_BYTES {
            let mut failure = Failure::new(FailureKind::Value, "the result is larger than 16 MiB");
            failure.help = Some("add a LIMIT, or let the database do the counting".to_owned());
            return Err(Wrong::Answer(failure));
        }
        found.push(record(&row, rows).map_err(Wrong::Answer)?);
        if rows != Rows::All && found.len() > 1 {
            return Err(wrong("exactly one row was expected, and the query returned more"));
        }
    }
    match rows {
        Rows::All => Ok(Value::list(found)),
        Rows::One | Rows::OneCell => {
            found.pop().ok_or_else(|| wrong("exactly one row was expected, and the query returned none"))
        }
    }
}

fn record(row: &Row, rows: Rows) -> Result<Value, Failure> {
    let wrong = |message: String| Failure::new(FailureKind::Value, message);
    if rows == Rows::OneCell && row.len() != 1 {
        return Err(wrong(format!("exactly one column was expected, and the query returned {}", row.len())));
    }
    let mut fields: Vec<(SmolStr, Value)> = Vec::with_capacity(row.len());
    for (i, column) in row.columns().iter().enumerate() {
        let cell = row.try_get::<usize, Cell>(i).map_err(|e| {
            let reason = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
            wrong(format!("the column `{}`: {reason}", column.name()))
        })?;
        if fields.iter().any(|(name, _)| name == column.name()) {
            return Err(wrong(format!("two columns are called `{}`: name one of them with AS", column.name())));
        }
        fields.push((SmolStr::new(column.name()), cell.0));
    }
    if rows != Rows::OneCell {
        return Ok(Value::record(fields));
    }
    Ok(fields.pop().map_or(Value::Null, |(_, value)| value))
}
