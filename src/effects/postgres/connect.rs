//! Opening a session: one host after the other, each within its time, until one will do.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure;
use super::session::{Reported, Session, Task};
use super::target::{Attrs, Host, Target};
use crate::engine::{Failure, FailureKind};

/// Why a host will not do.
#[derive(Debug)]
pub enum Refusal {
    Server(Box<tokio_postgres::Error>),
    /// No answer within this.
    Late(Duration),
    /// It is not what `target_session_attrs` asks for.
    Unfit(&'static str),
}

/// Why no session was opened.
#[derive(Debug)]
pub struct NotOpened {
    pub refusals: Vec<(Host, Refusal)>,
}

impl NotOpened {
    /// What the last host that was asked says, when it is the server that speaks.
    #[must_use]
    pub fn server_error(&self) -> Option<&tokio_postgres::error::DbError> {
        match &self.refusals.last()?.1 {
            Refusal::Server(e) => e.as_db_error(),
            Refusal::Late(_) | Refusal::Unfit(_) => None,
        }
    }

    /// For a person.
    #[must_use]
    pub fn failure(&self, name: &str, target: &Target) -> Failure {
        let mut failures = self.refusals.iter().map(|(host, refusal)| refusal.failure(name, host, target));
        match self.refusals.as_slice() {
            [_] => failures.next(),
            _ => {
                let message = format!("cannot connect to `{name}`: none of its {} hosts will do", self.refusals.len());
                let mut whole = Failure::new(FailureKind::Connection, message);
                for failure in failures {
                    whole.notes.push(failure.message);
                    whole.notes.extend(failure.notes);
                    whole.help = whole.help.or(failure.help);
                }
                Some(whole)
            }
        }
        .unwrap_or_else(|| Failure::new(FailureKind::Connection, format!("`{name}` names no host")))
    }
}

impl Refusal {
    fn failure(&self, name: &str, host: &Host, target: &Target) -> Failure {
        let place = format!("{host}/{}", target.database());
        let cannot =
            |why: String| Failure::new(FailureKind::Connection, format!("cannot connect to `{name}` ({place}): {why}"));
        match self {
            Refusal::Server(e) => failure::connecting(name, &place, host, target, e),
            Refusal::Late(limit) => cannot(format!("no answer within {}", failure::seconds(*limit))),
            Refusal::Unfit(what) => cannot((*what).to_owned()),
        }
    }
}

/// # Errors
/// Why no host will do.
pub async fn open(target: &Target) -> Result<Session, NotOpened> {
    let mut refusals = Vec::new();
    // `prefer-standby` looks twice: for a standby, then for anything.
    let looks: &[Attrs] = match target.attrs {
        Attrs::PreferStandby => &[Attrs::Standby, Attrs::Any],
        Attrs::Any => &[Attrs::Any],
        Attrs::ReadWrite => &[Attrs::ReadWrite],
        Attrs::ReadOnly => &[Attrs::ReadOnly],
        Attrs::Primary => &[Attrs::Primary],
        Attrs::Standby => &[Attrs::Standby],
    };
    for attrs in looks {
        refusals.clear();
        for host in &target.hosts {
            let opened = tokio::time::timeout(target.connect, at(target, host, *attrs)).await;
            match opened.unwrap_or(Err(Refusal::Late(target.connect))) {
                Ok(session) => return Ok(session),
                Err(refusal) => {
                    let refused = is_final(&refusal);
                    refusals.push((host.clone(), refusal));
                    // A wrong password is as wrong at the next host, and locks accounts.
                    if refused {
                        return Err(NotOpened { refusals });
                    }
                }
            }
        }
    }
    Err(NotOpened { refusals })
}

/// The next host would say the same.
fn is_final(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Server(e) => {
            matches!(e.code(), Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION))
        }
        Refusal::Late(_) | Refusal::Unfit(_) => false,
    }
}

async fn at(target: &Target, host: &Host, attrs: Attrs) -> Result<Session, Refusal> {
    let server = |e| Refusal::Server(Box::new(e));
    let (config, tls) = target.at(host);
    let (client, reported, task) = match &tls {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(server)?;
            drive(client, connection)
        }
        Some(tls) => {
            let (client, connection) = config.connect(MakeRustlsConnect::new(tls.clone())).await.map_err(server)?;
            drive(client, connection)
        }
    };
    let session = Session::start(client, reported, task, tls, target.clone(), host.clone()).await.map_err(server)?;
    let about = &session.about;
    match attrs {
        Attrs::ReadWrite if about.standby || about.read_only => Err(Refusal::Unfit("it takes no writes")),
        Attrs::ReadOnly if !about.standby && !about.read_only => Err(Refusal::Unfit("it is not read-only")),
        Attrs::Primary if about.standby => Err(Refusal::Unfit("it is a standby")),
        Attrs::Standby if !about.standby => Err(Refusal::Unfit("it is not a standby")),
        Attrs::Any | Attrs::ReadWrite | Attrs::ReadOnly | Attrs::Primary | Attrs::Standby | Attrs::PreferStandby => {
            Ok(session)
        }
    }
}

/// The connection runs beside its client; what the server reports is seen before the answer it came with.
fn drive<T>(client: Client, mut connection: Connection<Socket, T>) -> (Client, Arc<Reported>, Task)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let reported = Arc::new(Reported::default());
    let seen = reported.clone();
    let run = std::future::poll_fn(move |cx| {
        let ended = std::pin::Pin::new(&mut connection).poll(cx);
        let is = |name: &str| connection.parameter(name) == Some("on");
        seen.reads_only.store(is("default_transaction_read_only"), Ordering::Relaxed);
        seen.standby.store(is("in_hot_standby"), Ordering::Relaxed);
        ended.map(drop)
    });
    (client, reported, Task(tokio::spawn(run).abort_handle()))
}

impl Default for Reported {
    fn default() -> Reported {
        Reported { reads_only: AtomicBool::new(false), standby: AtomicBool::new(false) }
    }
}
