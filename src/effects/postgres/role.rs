//! Passwords: set without being sent, and tried on a connection of their own.
use tokio_postgres::error::{DbError, SqlState};

use super::connect;
use super::statement::Statement;
use super::target::Target;
use crate::check::program::How;
use crate::engine::{Ending, Outcome, Piece};
use crate::source::Span;
use crate::value::{Connection, Value, show};

/// `ALTER ROLE … PASSWORD` with a SCRAM verifier, from which the password cannot be read.
///
/// # Errors
/// A role or a password that is not a string.
pub fn set_password(role: &Value, password: &Value) -> Result<Statement, String> {
    let Value::Str(password) = password.expose().0 else {
        return Err(format!("a password is a string, not {}", show::kind(password)));
    };
    if password.is_empty() || password.contains('\0') {
        return Err("a password cannot be empty or hold a NUL character".to_owned());
    }
    let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
    let span = Span::default();
    let text = |text: &str| Piece::Text { text: text.into(), span };
    let value = |value: Value, how| Piece::Value { value, how, span };
    Statement::new(&[
        text("ALTER ROLE"),
        value(role.clone(), How::Ident),
        text("PASSWORD"),
        value(Value::str(verifier), How::Param),
    ])
    .map_err(|(message, _)| message)
}

/// `"accepted"` or `"refused"`; a server that cannot be asked is an error.
pub async fn login(on: &Connection, mut target: Target, role: &Value, password: &Value) -> Outcome {
    let (Value::Str(role), Value::Str(password)) = (role.expose().0, password.expose().0) else {
        return super::refused("a role and its password are strings");
    };
    target.config.user(&**role).password(password.as_bytes());
    match connect::open(&target).await {
        Ok(session) => {
            drop(session);
            Outcome::done(Value::str("accepted"))
        }
        Err(not_opened) => match not_opened.server_error() {
            Some(e) if is_refusal(e) => Outcome::done(Value::str("refused")),
            _ => Outcome::failed(Ending::None, not_opened.failure(&on.name, &target)),
        },
    }
}

/// The role or its password is refused; that `pg_hba.conf` lets nobody in from here says nothing about them.
fn is_refusal(e: &DbError) -> bool {
    match *e.code() {
        SqlState::INVALID_PASSWORD => true,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => e.routine() != Some("ClientAuthentication"),
        _ => false,
    }
}
