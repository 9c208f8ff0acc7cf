//! One open session: what is known of its server, what it has prepared, how it is ended.
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::task::AbortHandle;
use tokio_postgres::{CancelToken, Client, Error, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::target::{Host, Target};
use crate::effects::stop::PATIENCE;
use crate::value::SmolStr;

/// Statements kept prepared.
const PREPARED: usize = 128;

/// What the server says of the session by itself, as soon as it changes (14 and later).
pub struct Reported {
    /// A transaction that says nothing else is read-only.
    pub reads_only: AtomicBool,
    pub standby: AtomicBool,
}

/// What the server said of itself at the start.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub pid: String,
    /// Its own default, before it was changed here.
    pub read_only: bool,
    pub standby: bool,
    /// It limits statements by itself: that is left alone.
    limits: bool,
    /// By which it is known again, where it tells.
    pub identity: Option<Identity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its system identifier and the timeline it writes.
    pub server: [String; 2],
    /// Since when it has counted what it does: a crash begins anew, and may give a transaction's id to another one.
    pub counting: String,
}

impl Identity {
    /// # Errors
    /// As the client library says it.
    pub async fn ask(client: &Client) -> Result<Option<Identity>, Error> {
        let cells = cells(&client.simple_query(IDENTITY).await?);
        let [Some(system), Some(timeline), Some(counting)] = cells.as_slice() else { return Ok(None) };
        Ok(Some(Identity { server: [system.clone(), timeline.clone()], counting: counting.clone() }))
    }
}

/// What moves a connection's bytes. With it the socket goes, whatever is still on its way: the server sees the end.
#[derive(Debug)]
pub struct Task(pub AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub struct Session {
    pub client: Client,
    pub target: Target,
    pub host: Host,
    pub about: About,
    reported: Arc<Reported>,
    /// Ends with the session.
    task: Task,
    tls: Option<ClientConfig>,
    prepared: RefCell<HashMap<String, tokio_postgres::Statement>>,
    /// The server's own limit as it was last set, in milliseconds.
    net: Cell<Option<u64>>,
}

const ABOUT: &str = "SELECT pg_backend_pid(), current_setting('default_transaction_read_only'), pg_is_in_recovery(), \
                     current_setting('statement_timeout')";

const IDENTITY: &str = "SELECT (SELECT system_identifier FROM pg_control_system())::text, \
                        CASE WHEN pg_is_in_recovery() THEN NULL \
                        ELSE substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END, \
                        (SELECT stats_reset FROM pg_stat_bgwriter)::text";

/// From here on a transaction is read-only unless it says otherwise; and a server that can tell notices a client that is
/// gone while a statement runs.
const READ_ONLY: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
const NOTICE: &str = "SELECT set_config('client_connection_check_interval', '1s', false) \
                      WHERE current_setting('client_connection_check_interval', true) = '0'";

impl Session {
    /// # Errors
    /// As the client library says it.
    pub async fn start(
        client: Client,
        reported: Arc<Reported>,
        task: Task,
        tls: Option<ClientConfig>,
        target: Target,
        host: Host,
    ) -> Result<Session, Error> {
        let (about, identity, notice, read_only) = tokio::join!(
            client.simple_query(ABOUT),
            Identity::ask(&client),
            client.batch_execute(NOTICE),
            client.batch_execute(READ_ONLY),
        );
        let about = cells(&about?);
        // A server that does not say who it is, or that cannot notice: then that much less is known.
        let identity = identity.ok().flatten();
        drop(notice);
        read_only?;
        let is = |i: usize, text: &str| about.get(i).is_some_and(|cell| cell.as_deref() == Some(text));
        let about = About {
            pid: about.first().cloned().flatten().unwrap_or_default(),
            read_only: is(1, "on"),
            standby: is(2, "t"),
            limits: !is(3, "0"),
            identity,
        };
        Ok(Session {
            client,
            target,
            host,
            about,
            reported,
            task,
            tls,
            prepared: RefCell::default(),
            net: Cell::new(None),
        })
    }

    /// What is needed to speak with the server, for whoever needs no more of it.
    #[must_use]
    pub fn into_client(self) -> (Client, Task) {
        (self.client, self.task)
    }

    /// The server has said that a lone statement cannot write.
    #[must_use]
    pub fn reads_only(&self) -> bool {
        self.reported.reads_only.load(Ordering::Relaxed)
    }

    /// How a transaction that may write begins: where the operator has made reading the default, it stays that.
    #[must_use]
    pub fn begin(&self) -> &'static str {
        if self.about.read_only || self.is_standby() { "BEGIN READ ONLY" } else { "BEGIN READ WRITE" }
    }

    #[must_use]
    pub fn is_standby(&self) -> bool {
        self.about.standby || self.reported.standby.load(Ordering::Relaxed)
    }

    /// What ends a call that rbk itself could not end any more, in milliseconds: well after its limit, and rarely another.
    #[must_use]
    pub fn net(&self, limit: Option<Duration>) -> Option<u64> {
        if self.about.limits {
            return None;
        }
        let limit = limit?.checked_add(PATIENCE)?.as_secs().max(8).checked_next_power_of_two()?;
        limit.checked_mul(2000).filter(|ms| *ms <= i32::MAX.unsigned_abs().into())
    }

    /// The statement that sets the session's limit, if it is not set so already.
    #[must_use]
    pub fn limit(&self, net: Option<u64>) -> Option<String> {
        if self.net.replace(net) == net {
            return None;
        }
        Some(net.map_or_else(|| "RESET statement_timeout".to_owned(), |ms| format!("SET statement_timeout = {ms}")))
    }

    #[must_use]
    pub fn kept(&self, text: &str) -> Option<tokio_postgres::Statement> {
        self.prepared.borrow().get(text).cloned()
    }

    pub fn keep(&self, text: &str, statement: &tokio_postgres::Statement) {
        let mut prepared = self.prepared.borrow_mut();
        if prepared.len() >= PREPARED {
            prepared.clear();
        }
        prepared.insert(text.to_owned(), statement.clone());
    }

    /// True when it was kept.
    pub fn forget(&self, text: &str) -> bool {
        self.prepared.borrow_mut().remove(text).is_some()
    }

    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), tls: self.tls.clone() }
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

/// The cells of the first row.
pub fn cells(messages: &[SimpleQueryMessage]) -> Vec<Option<String>> {
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

/// `rbk/RUN`, by which a person at the server, and a later resume, finds a run's sessions.
#[must_use]
pub fn application(run: &SmolStr) -> String {
    format!("rbk/{run}")
}
