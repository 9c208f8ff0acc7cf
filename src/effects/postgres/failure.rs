//! What the server or the client library says → a failure a person can use.
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

use super::statement::Statement;
use super::target::{At, Host, Target, cause};
use crate::effects::tls::{self, Why};
use crate::engine::{Failure, FailureKind};
use crate::value::{Nanos, show};

/// A connect that did not succeed. `place`: `host:port/database`.
#[must_use]
pub fn connecting(name: &str, place: &str, host: &Host, target: &Target, e: &Error) -> Failure {
    let Some(db) = e.as_db_error() else {
        if let (Some(told), At::Tcp(..)) = (tls::carried(e), &host.at) {
            let message = format!("cannot connect to `{name}` ({place}): {}", told.message);
            return Failure::new(FailureKind::Connection, message).with_help(way_out(told.why, target));
        }
        let text = cause(e).replace("error connecting to server: ", "");
        if text.ends_with("password missing") {
            let message = format!("`{name}` ({place}) asks for a password, and none was given");
            let mut failure = Failure::new(FailureKind::Connection, message);
            failure.notes.extend(target.passfile.refused.clone());
            return failure.with_help("put it into the URL, or into a file that `PGPASSFILE` names");
        }
        return Failure::new(FailureKind::Connection, format!("cannot connect to `{name}` ({place}): {text}"));
    };
    let mut failure =
        Failure::new(FailureKind::Connection, format!("`{name}` ({place}) refused the connection: {}", db.message()));
    failure.notes = notes(db);
    failure.notes.extend(target.passfile.refused.clone());
    if target.given("sslcert").is_none() && db.message().contains("client certificate") {
        return failure.with_help(OWN);
    }
    failure
}

const OWN: &str = "name your own certificate in the URL: `sslcert=FILE&sslkey=FILE`";

fn way_out(why: Why, target: &Target) -> &'static str {
    match why {
        Why::Expired => "renew it at the server, and look whether this machine's clock is right",
        Why::NotYet => "look whether this machine's clock is right",
        Why::Name => {
            "connect by a name of the certificate, or give the server one for this name as a subject alternative name"
        }
        Why::Authority => "name the authority's file (`sslrootcert=FILE`), or put it among the system's roots",
        Why::Refused if target.given("sslcert").is_some() => {
            "the server does not take the certificate that `sslcert` names: is it of the right authority, and still valid?"
        }
        Why::Refused => OWN,
        Why::NotTls => "say `sslmode=disable` where the server speaks without TLS",
        Why::Other => "see who answers there: `openssl s_client -starttls postgres -connect HOST:PORT`",
    }
}

/// A length of time, for people.
#[must_use]
pub fn seconds(d: std::time::Duration) -> String {
    show::duration(Nanos::from(d))
}

/// A statement that did not succeed.
#[must_use]
pub fn of(name: &str, e: &Error, statement: Option<&Statement>) -> Failure {
    let Some(db) = e.as_db_error() else {
        if is_broken(e) {
            return Failure::new(FailureKind::Connection, format!("the connection to `{name}` broke: {}", cause(e)));
        }
        // A parameter or a cell that could not be converted; the library counts from 0 and says where.
        return Failure::new(FailureKind::Value, tell(&cause(e)));
    };
    let kind = match db.code() {
        &SqlState::QUERY_CANCELED => FailureKind::Cancelled,
        &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => {
            FailureKind::Connection
        }
        _ => FailureKind::Failed,
    };
    let mut failure = Failure::new(kind, db.message());
    failure.notes = notes(db);
    if let (Some(ErrorPosition::Original(position)), Some(statement)) = (db.position(), statement) {
        failure.span = statement.place(*position);
        failure.inside = failure.span.is_some();
    }
    failure
}

fn tell(text: &str) -> String {
    text.replace("error serializing parameter ", "a value cannot be sent as parameter ")
        .replace("error deserializing column ", "a column cannot be read, column ")
}

fn notes(db: &DbError) -> Vec<String> {
    let mut notes = vec![format!("SQLSTATE {}", db.code().code())];
    notes.extend(db.detail().map(|text| format!("detail: {text}")));
    notes.extend(db.hint().map(|text| format!("hint: {text}")));
    if let Some(ErrorPosition::Internal { query, .. }) = db.position() {
        notes.push(format!("in the query: {query}"));
    }
    notes.extend(db.where_().map(|text| format!("where: {text}")));
    notes
}

/// Whether the session is gone: what it was doing cannot be asked any more.
#[must_use]
pub fn is_broken(e: &Error) -> bool {
    if e.is_closed() {
        return true;
    }
    match e.as_db_error() {
        Some(db) => {
            matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
                || db.code().code().starts_with("57P")
        }
        None => std::error::Error::source(e).is_some_and(|s| s.is::<std::io::Error>()),
    }
}
