//! The one session with the server: opened again when it breaks, within the time that its user can wait. A person who asks for
//! the end does not wait for a server that is away.
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tokio_postgres::{Client, Error, Statement};

use super::lease::Lease;
use super::trouble;
use super::write::APPEND;
use crate::effects::postgres::reach::{Reached, Way, is_broken};
use crate::journal::Trouble;

/// Between two attempts.
pub const PAUSE: Duration = Duration::from_millis(100);
/// What nobody feels.
const CALM: Duration = Duration::from_millis(300);
/// A server that is only slow has so much longer when somebody asks for the end.
const GRACE: Duration = Duration::from_secs(2);
/// For a statement of which nothing depends on its time.
pub const READING: Duration = Duration::from_secs(60);

type Connecting = Pin<Box<dyn Future<Output = Result<Session, Trouble>>>>;

pub struct Line {
    pub way: Way,
    /// How long a lease lasts.
    pub length: Duration,
    pub leases: Vec<Lease>,
    session: Option<Session>,
    /// It goes on with the next one who waits for it.
    connecting: Option<Connecting>,
    /// Why there is no session.
    why: Option<Trouble>,
    /// It has been waited for long enough, or somebody asked for the end meanwhile.
    pub hurried: bool,
}

pub struct Session {
    reached: Reached,
    pub append: Statement,
}

impl Session {
    pub fn client(&self) -> &Client {
        &self.reached.client
    }
}

impl Line {
    pub fn new(way: Way, length: Duration) -> Line {
        Line { way, length, leases: Vec::new(), session: None, connecting: None, why: None, hurried: false }
    }

    /// Whether there is no session, or none that lives.
    pub fn is_down(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.client().is_closed())
    }

    /// The first session; what is wrong then is wrong for good.
    pub async fn open(&mut self) -> Result<(), Trouble> {
        self.session = Some(open(self.way.clone()).await?);
        Ok(())
    }

    /// A session, the same or a new one, within this time or until somebody asks for the end.
    pub async fn reach(&mut self, patience: Duration) -> Result<(), Trouble> {
        if !self.is_down() {
            return Ok(());
        }
        if self.session.take().is_some() {
            self.why = Some(trouble::away(&self.way.place(), "the connection broke"));
        }
        let patience = if self.hurried { PAUSE } else { patience };
        let (connecting, why, way) = (&mut self.connecting, &mut self.why, &self.way);
        let again = async {
            loop {
                let opened = connecting.get_or_insert_with(|| Box::pin(open(way.clone()))).as_mut().await;
                *connecting = None;
                match opened {
                    Ok(session) => return session,
                    Err(trouble) => *why = Some(trouble),
                }
                sleep(PAUSE).await;
            }
        };
        match bounded(patience, again).await {
            Ended::Done(session) => {
                self.session = Some(session);
                self.hurried = false;
                Ok(())
            }
            Ended::Late => Err(self.away(patience)),
            Ended::Asked => {
                self.hurried = true;
                Err(self.away(patience))
            }
        }
    }

    fn away(&self, patience: Duration) -> Trouble {
        self.why.clone().unwrap_or_else(|| trouble::silent(&self.way.place(), patience))
    }

    /// A statement on the session that there is, within this time. One that did not end in it has lost its session.
    pub async fn within<T>(
        &mut self,
        patience: Duration,
        work: impl AsyncFnOnce(&Session) -> Result<T, Error>,
    ) -> Result<T, Broken> {
        let Some(session) = &self.session else { return Err(Broken::Off(self.away(patience))) };
        let trouble = match bounded(patience, work(session)).await {
            Ended::Done(Ok(done)) => return Ok(done),
            Ended::Done(Err(e)) if is_broken(&e) => trouble::of(&self.way, &e),
            Ended::Done(Err(e)) => return Err(Broken::Refused(Box::new(e))),
            Ended::Late => trouble::silent(&self.way.place(), patience),
            Ended::Asked => {
                self.hurried = true;
                trouble::away(&self.way.place(), "a signal came before its answer")
            }
        };
        self.hang_up(&trouble);
        Err(Broken::Off(trouble))
    }

    /// What reads, or may be done twice, on a session that may have to be opened again.
    pub async fn read<T>(&mut self, work: impl AsyncFnOnce(&Session) -> Result<T, Error>) -> Result<T, Trouble> {
        self.reach(self.length).await?;
        let Some(session) = &self.session else { return Err(self.away(READING)) };
        let trouble = match bounded(READING, work(session)).await {
            Ended::Done(Ok(done)) => return Ok(done),
            Ended::Done(Err(e)) => trouble::of(&self.way, &e),
            Ended::Late => trouble::silent(&self.way.place(), READING),
            Ended::Asked => trouble::away(&self.way.place(), "a signal came before its answer"),
        };
        // It may be in the middle of a transaction.
        self.hang_up(&trouble);
        Err(trouble)
    }

    fn hang_up(&mut self, why: &Trouble) {
        self.session = None;
        self.why = Some(why.clone());
    }
}

/// Why a statement did not come to its end.
pub enum Broken {
    /// The session is gone: what became of it is not known.
    Off(Trouble),
    /// The server said no: nothing has happened.
    Refused(Box<Error>),
}

impl Broken {
    pub fn trouble(self, way: &Way) -> Trouble {
        match self {
            Broken::Off(trouble) => trouble,
            Broken::Refused(e) => trouble::of(way, &e),
        }
    }
}

enum Ended<T> {
    Done(T),
    Late,
    /// A signal asks for the end; it is heard by the run too.
    Asked,
}

async fn bounded<T>(patience: Duration, work: impl Future<Output = T>) -> Ended<T> {
    let (calm, rest) = (patience.min(CALM), patience.saturating_sub(CALM));
    let wait = async {
        sleep(calm).await;
        if rest.is_zero() {
            return Ended::Late;
        }
        // Not before there is trouble: who only looks at a journal is ended by a signal.
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()];
        let mut signals: Vec<Signal> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
        let heard = std::future::poll_fn(|cx| {
            let any = signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if any { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! {
            () = sleep(rest) => Ended::Late,
            () = heard => {
                sleep(rest.min(GRACE)).await;
                Ended::Asked
            }
        }
    };
    tokio::select! {
        biased;
        done = work => Ended::Done(done),
        ended = wait => ended,
    }
}

/// A commit that it has answered is on the disk; a transaction is what is written for, wherever the session begins.
const SETTINGS: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; \
                        SELECT pg_catalog.set_config('synchronous_commit', 'on', false) \
                        WHERE pg_catalog.current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')";

async fn open(way: Way) -> Result<Session, Trouble> {
    let reached = way.open().await.map_err(|failure| trouble::unreached(&way, failure))?;
    if let Some(why) = reached.unwritable {
        return Err(trouble::unwritable(&way.place(), why));
    }
    let wrong = |e: Error| trouble::of(&way, &e);
    reached.client.batch_execute(SETTINGS).await.map_err(wrong)?;
    super::schema::prepare(&reached.client, &way).await?;
    let append = reached.client.prepare_typed(APPEND.0, APPEND.1).await.map_err(wrong)?;
    Ok(Session { reached, append })
}

/// What a statement is given.
pub type Value<'a> = &'a (dyn tokio_postgres::types::ToSql + Sync);
