//! Reads: in a transaction that the server keeps read-only and that is rolled back in every case.
use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Row};

use super::column::Cell;
use super::param::{self, Param};
use super::session::Session;
use super::statement::Statement;
use super::write::{Place, begin};
use super::{Worked, failure};
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

/// Run a query. It has no effect, whatever becomes of it.
pub async fn read(session: &Session, statement: &Statement, rows: Rows, place: &Place<'_>) -> Worked {
    let failed = |e: &Error| Worked {
        healthy: !failure::is_broken(e),
        ..Worked::failed(Ending::None, failure::of(place.name, e, Some(statement)))
    };
    let (open, close) = if place.in_tx {
        // Within a transaction that writes: read-only from here to the savepoint's end.
        ("SAVEPOINT rbk_read; SET TRANSACTION READ ONLY".to_owned(), "ROLLBACK TO rbk_read; RELEASE rbk_read")
    } else {
        (begin("BEGIN READ ONLY", &place.mark), "ROLLBACK")
    };
    if let Err(e) = session.client.batch_execute(&open).await {
        return failed(&e);
    }
    let found = fetch(session, statement, rows, place).await;
    let closed = session.client.batch_execute(close).await;
    let mut worked = match found {
        Ok(value) => Worked::done(value),
        Err(failure) => Worked::failed(Ending::None, failure),
    };
    worked.healthy = closed.is_ok();
    worked
}

/// True, or an error.
pub async fn ping(session: &Session, place: &Place<'_>) -> Worked {
    match session.client.simple_query("SELECT 1").await {
        Ok(_) => Worked::done(Value::Bool(true)),
        Err(e) => Worked {
            healthy: !failure::is_broken(&e),
            ..Worked::failed(Ending::None, failure::of(place.name, &e, None))
        },
    }
}

/// Ask the server what the parameters are. In a transaction that a failure must not end, under a savepoint.
///
/// # Errors
/// What the server has against the statement, or a value that does not fit its parameter.
pub async fn prepare(
    session: &Session,
    statement: &Statement,
    place: &Place<'_>,
    guard: Guard,
) -> Result<tokio_postgres::Statement, (Failure, bool)> {
    let client = &session.client;
    let failed = |e: &Error| (failure::of(place.name, e, Some(statement)), failure::is_broken(e));
    if guard == Guard::Savepoint {
        client.batch_execute("SAVEPOINT rbk_types").await.map_err(|e| failed(&e))?;
    }
    let hints: Vec<_> = statement.params.iter().map(|(value, _)| param::hint(value)).collect();
    let mut prepared = client.prepare_typed(&statement.sql, &hints).await;
    if let Err(e) = &prepared
        && e.code() == Some(&SqlState::INDETERMINATE_DATATYPE)
        && !statement.params.is_empty()
    {
        if guard == Guard::Savepoint {
            client.batch_execute("ROLLBACK TO rbk_types").await.map_err(|e| failed(&e))?;
        }
        let types: Vec<_> = statement.params.iter().map(|(value, _)| param::natural(value)).collect();
        prepared = client.prepare_typed(&statement.sql, &types).await;
    }
    let prepared = prepared.map_err(|e| failed(&e))?;
    if guard == Guard::Savepoint {
        client.batch_execute("RELEASE rbk_types").await.map_err(|e| failed(&e))?;
    }
    for ((value, span), ty) in statement.params.iter().zip(prepared.params()) {
        if let Err(message) = param::text(value, ty) {
            let mut failure = Failure::new(FailureKind::Value, message);
            failure.span = Some(*span);
            return Err((failure, false));
        }
    }
    if prepared.params().len() != statement.params.len() {
        let message = "the statement uses a parameter `$…` of its own: write its value as `#{…}`";
        return Err((Failure::new(FailureKind::Value, message), false));
    }
    Ok(prepared)
}

/// Whether a failure would end a transaction that has to live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    Savepoint,
    None,
}

async fn fetch(session: &Session, statement: &Statement, rows: Rows, place: &Place<'_>) -> Result<Value, Failure> {
    let failed = |e: Error| failure::of(place.name, &e, Some(statement));
    let prepared = prepare(session, statement, place, Guard::Savepoint).await.map_err(|(failure, _)| failure)?;
    let params = statement.params.iter().map(|(value, _)| Param(value));
    let mut stream = std::pin::pin!(session.client.query_raw(&prepared, params).await.map_err(failed)?);
    let mut found = Vec::new();
    let mut size = 0;
    while let Some(row) = stream.try_next().await.map_err(failed)? {
        size += row.raw_size_bytes();
        if size > MAX_BYTES {
            let mut failure = Failure::new(FailureKind::Value, "the result is larger than 16 MiB");
            failure.help = Some("add a LIMIT, or let the database do the counting".to_owned());
            return Err(failure);
        }
        found.push(record(&row, rows)?);
        if rows != Rows::All && found.len() > 1 {
            return Err(Failure::new(FailureKind::Value, "exactly one row was expected, and the query returned more"));
        }
    }
    match rows {
        Rows::All => Ok(Value::list(found)),
        Rows::One | Rows::OneCell => found.pop().ok_or_else(|| {
            Failure::new(FailureKind::Value, "exactly one row was expected, and the query returned none")
        }),
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
