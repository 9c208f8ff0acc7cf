//! A server reached for something else than a call of a run: a plain session, by the same URLs, passwords and certificates.
use tokio_postgres::Client;

use super::connect;
use super::failure;
use super::session::Task;
use super::target::{Attrs, Target};
use crate::engine::Failure;
use crate::value::types::ConnKind;
use crate::value::{Connection, Record, SmolStr, Value};

/// How to get there.
#[derive(Clone, Debug)]
pub struct Way {
    target: Target,
    name: SmolStr,
}

/// An open session; its socket goes with it.
pub struct Reached {
    pub client: Client,
    /// It takes no writes, and why.
    pub unwritable: Option<&'static str>,
    _task: Task,
}

impl Way {
    /// `name`: what messages call the server; `application`: what the server calls the session. Of several hosts the one that
    /// takes writes, unless the URL says otherwise.
    ///
    /// # Errors
    /// What in the URL is wrong, without the URL.
    pub fn new(url: &str, name: &str, application: &str) -> Result<Way, String> {
        let name = SmolStr::new(name);
        let args = Record(vec![("url".into(), Value::str(url))]);
        let recipe = Connection { kind: ConnKind::Postgres, name: name.clone(), args };
        let mut target = Target::new(&recipe, application)?;
        if target.hosts.len() > 1 && target.given("target_session_attrs").is_none() {
            target.attrs = Attrs::ReadWrite;
        }
        Ok(Way { target, name })
    }

    /// `host:port/database`, for people.
    #[must_use]
    pub fn place(&self) -> String {
        self.target.place()
    }

    #[must_use]
    pub fn user(&self) -> &str {
        self.target.config.get_user().unwrap_or_default()
    }

    /// # Errors
    /// Why no session was opened.
    pub async fn open(&self) -> Result<Reached, Failure> {
        let opened = connect::open(&self.target).await;
        let session = opened.map_err(|refused| refused.failure(&self.name, &self.target))?;
        let unwritable = match (session.about.standby, session.about.read_only) {
            (true, _) => Some("it is a standby"),
            (false, true) => Some("`default_transaction_read_only` is on"),
            (false, false) => None,
        };
        let (client, task) = session.into_client();
        Ok(Reached { client, unwritable, _task: task })
    }
}

/// Whether the session is gone: what became of the last statement is not known.
#[must_use]
pub fn is_broken(e: &tokio_postgres::Error) -> bool {
    failure::is_broken(e)
}

/// What the server or the way to it says.
#[must_use]
pub fn said(e: &tokio_postgres::Error) -> String {
    e.as_db_error().map_or_else(|| super::target::cause(e), |db| db.message().to_owned())
}
