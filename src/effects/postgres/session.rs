//! Sessions: opened when first used, kept for each recipe, given back when healthy, opened anew when broken.
use std::cell::RefCell;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio_postgres::{CancelToken, Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::target::Target;
use crate::value::{Connection, SmolStr};

/// Idle sessions kept for one recipe.
const IDLE: usize = 8;

/// One open session.
pub struct Session {
    pub client: Client,
    pub target: Target,
}

impl Session {
    /// # Errors
    /// As the client library says it.
    pub async fn open(target: Target) -> Result<Session, tokio_postgres::Error> {
        let client = match &target.tls {
            None => {
                let (client, connection) = target.config.connect(NoTls).await?;
                tokio::spawn(async move { drop(connection.await) });
                client
            }
            Some(tls) => {
                let (client, connection) = target.config.connect(MakeRustlsConnect::new(tls.clone())).await?;
                tokio::spawn(async move { drop(connection.await) });
                client
            }
        };
        Ok(Session { client, target })
    }

    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), tls: self.target.tls.clone() }
    }
}

/// Asks the server to cancel what a session does.
pub struct Canceller {
    token: CancelToken,
    tls: Option<ClientConfig>,
}

impl Canceller {
    pub async fn cancel(&self) {
        // A request that does not arrive shows: what it was to end goes on.
        let _ = match &self.tls {
            None => self.token.cancel_query(NoTls).await,
            Some(tls) => self.token.cancel_query(MakeRustlsConnect::new(tls.clone())).await,
        };
    }
}

/// The idle sessions of a run.
#[derive(Default)]
pub struct Pool {
    idle: RefCell<Vec<(Arc<Connection>, Vec<Session>)>>,
}

impl Pool {
    /// An idle session that was healthy when last seen.
    pub fn take(&self, recipe: &Connection) -> Option<Session> {
        let mut idle = self.idle.borrow_mut();
        let (_, sessions) = idle.iter_mut().find(|(known, _)| same(known, recipe))?;
        while let Some(session) = sessions.pop() {
            if !session.client.is_closed() {
                return Some(session);
            }
        }
        None
    }

    pub fn give_back(&self, recipe: &Arc<Connection>, session: Session) {
        if session.client.is_closed() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        match idle.iter_mut().find(|(known, _)| same(known, recipe)) {
            Some((_, sessions)) if sessions.len() < IDLE => sessions.push(session),
            Some(_) => {}
            None => idle.push((recipe.clone(), vec![session])),
        }
    }
}

/// Whether two recipes reach the same thing; what they are called does not matter.
fn same(a: &Connection, b: &Connection) -> bool {
    a.kind == b.kind && a.args == b.args
}

/// `rbk/RUN`, by which a person at the server, and a later resume, finds a run's sessions.
#[must_use]
pub fn application(run: &SmolStr) -> String {
    format!("rbk/{run}")
}
