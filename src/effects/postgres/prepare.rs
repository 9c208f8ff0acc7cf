//! Statements the server has read: kept by their text, so that the next time costs one round trip.
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::failure;
use super::param;
use super::session::Session;
use super::statement::Statement;
use super::work::Place;
use crate::engine::{Failure, FailureKind};

/// Whether a failure would end a transaction that has to live on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    Savepoint,
    None,
}

/// Why a statement was not prepared.
pub struct NotPrepared {
    pub failure: Failure,
    pub broken: bool,
}

/// The text, and what the server was told of its parameters.
pub fn key(statement: &Statement) -> String {
    let mut key = statement.sql.clone();
    for (value, _) in &statement.params {
        key.push('\0');
        key.push_str(param::natural(value).name());
    }
    key
}

/// Ask the server what the parameters are, unless it has said so before.
///
/// # Errors
/// What the server has against the statement, or a value that does not fit its parameter.
pub async fn prepare(
    session: &Session,
    statement: &Statement,
    place: &Place<'_>,
    guard: Guard,
) -> Result<tokio_postgres::Statement, NotPrepared> {
    let key = key(statement);
    if let Some(kept) = session.kept(&key) {
        return fitting(statement, kept);
    }
    let client = &session.client;
    let failed =
        |e: &Error| NotPrepared { failure: failure::of(place.name, e, Some(statement)), broken: failure::is_broken(e) };
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
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(e) => {
            if guard == Guard::Savepoint && !failure::is_broken(&e) {
                client.batch_execute("ROLLBACK TO rbk_types; RELEASE rbk_types").await.map_err(|e| failed(&e))?;
            }
            return Err(failed(&e));
        }
    };
    if guard == Guard::Savepoint {
        client.batch_execute("RELEASE rbk_types").await.map_err(|e| failed(&e))?;
    }
    let prepared = fitting(statement, prepared)?;
    session.keep(&key, &prepared);
    Ok(prepared)
}

/// Each value fits its parameter, and there is one for each.
fn fitting(
    statement: &Statement,
    prepared: tokio_postgres::Statement,
) -> Result<tokio_postgres::Statement, NotPrepared> {
    let unfit = |failure| NotPrepared { failure, broken: false };
    for ((value, span), ty) in statement.params.iter().zip(prepared.params()) {
        if let Err(message) = param::text(value, ty) {
            let mut failure = Failure::new(FailureKind::Value, message);
            failure.span = Some(*span);
            return Err(unfit(failure));
        }
    }
    if prepared.params().len() != statement.params.len() {
        let message = "the statement uses a parameter `$…` of its own: write its value as `#{…}`";
        return Err(unfit(Failure::new(FailureKind::Value, message)));
    }
    Ok(prepared)
}

/// A statement that was kept and does not fit any more: its tables have changed, or somebody else has taken it away.
pub fn is_stale(session: &Session, statement: &Statement, e: &Error) -> bool {
    let changed = e.code().is_some_and(|code| {
        let code = code.code();
        code.starts_with("42") || code.starts_with("0A") || code == "26000"
    });
    changed && session.forget(&key(statement))
}
