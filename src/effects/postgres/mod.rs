//! PostgreSQL. In: a call with its pieces. Out: rows as values, and what the call has done for certain.
//!
//! A read cannot write: the server itself refuses. A write runs in a transaction whose id is known before its COMMIT, so
//! that even a lost acknowledgement is decided: done, or none. Each step, connecting and BEGIN and COMMIT too, ends with
//! the call's limit or a cancel, and the server is told.
mod certificates;
mod column;
mod commit;
mod connect;
mod copy;
mod environment;
mod failure;
mod left;
pub mod names;
mod param;
mod passfile;
mod pool;
mod prepare;
pub mod reach;
mod read;
mod role;
mod scan;
mod session;
mod settle;
mod statement;
mod target;
mod work;
mod write;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use environment::{PasswordFile, PgEnvironment, pg_environment};

use self::commit::Mark;
use self::pool::Pool;
use self::session::{Session, application};
use self::statement::Statement;
use self::target::Target;
use self::work::{Phase, Place, Work, Worked};
use crate::check::sql::Copies;
use crate::effects::file::directory;
use crate::effects::stop::{PATIENCE, Stopped, Why, stoppable};
use crate::effects::{Cancel, Proofs};
use crate::engine::call::{Path, TxId};
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{Connection, SmolStr, Value};

/// The Postgres provider of one run.
pub struct Postgres {
    run: SmolStr,
    pool: Pool,
    open: RefCell<HashMap<TxId, (Arc<Connection>, Session)>>,
    proofs: RefCell<Proofs>,
}

/// `user@host:port/database`; nothing when the recipe cannot be read.
#[must_use]
pub fn address(on: &Connection) -> Option<String> {
    let target = Target::new(on, "rbk").ok()?;
    Some(format!("{}@{}", target.config.get_user().unwrap_or_default(), target.place()))
}

impl Postgres {
    /// The `system_identifier` of the server that a session is open to, where it may be read.
    pub fn server(&self, on: &Connection) -> Option<String> {
        self.pool.server(on)
    }

    /// `run`: the id its sessions carry in `application_name`.
    #[must_use]
    pub fn new(run: SmolStr) -> Postgres {
        Postgres { run, pool: Pool::default(), open: RefCell::default(), proofs: RefCell::default() }
    }

    /// From now on the id of a transaction is kept before its COMMIT.
    pub fn prove_to(&self, proofs: Proofs) {
        *self.proofs.borrow_mut() = proofs;
    }

    /// Returns once the call has ended, also after a cancel.
    pub async fn call(&self, call: &Call, cancel: Cancel) -> Outcome {
        match &call.what {
            What::Native { action, on: Some(on), args, tx } => self.native(call, action, on, args, *tx, cancel).await,
            What::Begin { on, tx } => self.work(call, on, Some(*tx), &Work::Begin, cancel).await,
            What::Commit { on, tx } => self.work(call, on, Some(*tx), &Work::Commit, cancel).await,
            What::Abort { tx, .. } => self.abort(*tx).await,
            What::Native { on: None, .. } | What::Shell { .. } | What::Lock { .. } => {
                refused("this is not a call on a Postgres connection")
            }
        }
    }

    async fn native(
        &self,
        call: &Call,
        action: &str,
        on: &Arc<Connection>,
        args: &[(SmolStr, Arg)],
        tx: Option<TxId>,
        cancel: Cancel,
    ) -> Outcome {
        let value = |name: &str| {
            args.iter().find_map(|(key, arg)| match arg {
                Arg::Value(value) if key == name => Some(value),
                _ => None,
            })
        };
        let name = action.rsplit('.').next().unwrap_or(action);
        match name {
            "login" | "set_password" => {
                let (Some(role), Some(password)) = (value("role"), value("password")) else {
                    return refused("`role` and `password` are missing");
                };
                if name == "login" {
                    return self.login(on, role, password, cancel).await;
                }
                return match role::set_password(role, password) {
                    Ok(statement) => {
                        self.work(call, on, tx, &Work::Write(&statement), cancel).await.map_done(Value::Null)
                    }
                    Err(e) => refused(&e),
                };
            }
            "ping" => return self.work(call, on, tx, &Work::Ping, cancel).await,
            _ => {}
        }
        let code = args.iter().find_map(|(_, arg)| match arg {
            Arg::Code(pieces) => Some(pieces),
            Arg::Value(_) => None,
        });
        let Some(pieces) = code else { return refused("the statement is missing") };
        let statement = match Statement::new(pieces) {
            Ok(statement) => statement,
            Err((message, span)) => {
                let mut failure = Failure::new(FailureKind::Value, message);
                failure.span = Some(span);
                return Outcome::failed(Ending::None, failure);
            }
        };
        let work = match name {
            "value" => Work::Read(&statement, read::Rows::OneCell),
            "row" => Work::Read(&statement, read::Rows::One),
            "rows" | "query" => Work::Read(&statement, read::Rows::All),
            "exec" => Work::Write(&statement),
            "copy_in" | "copy_out" => {
                let (key, way) = if name == "copy_in" { ("from", Copies::In) } else { ("to", Copies::Out) };
                let path = match (value(key).map(|v| v.expose().0), directory(&call.contexts)) {
                    (_, Err(e)) => return refused(&e),
                    (Some(Value::Str(path)), Ok(dir)) if !path.is_empty() && !path.contains('\0') => {
                        dir.unwrap_or_default().join(&**path)
                    }
                    _ => return refused(&format!("`{key}` is the path of a file")),
                };
                return self.copy(call, on, tx, &statement, path, way, cancel).await;
            }
            _ => return refused(&format!("there is no action `{action}`")),
        };
        self.work(call, on, tx, &work, cancel).await
    }

    #[allow(clippy::too_many_arguments, reason = "a call, its place and its file")]
    async fn copy(
        &self,
        call: &Call,
        on: &Arc<Connection>,
        tx: Option<TxId>,
        statement: &Statement,
        path: PathBuf,
        way: Copies,
        cancel: Cancel,
    ) -> Outcome {
        let work = Work::Copy(statement, copy::File { path: &path, way });
        self.work(call, on, tx, &work, cancel).await
    }

    /// Do the work in the transaction's session, or in one of the pool.
    async fn work(
        &self,
        call: &Call,
        on: &Arc<Connection>,
        tx: Option<TxId>,
        work: &Work<'_>,
        mut cancel: Cancel,
    ) -> Outcome {
        let opened = match (tx, work) {
            (Some(tx), Work::Read(..) | Work::Write(_) | Work::Copy(..) | Work::Ping | Work::Commit) => {
                match self.open.borrow_mut().remove(&tx) {
                    Some((_, session)) => Ok((session, false)),
                    None => return broken_transaction(on),
                }
            }
            (None, _) | (_, Work::Begin) => self.session(on, &mut cancel).await,
        };
        let (session, reused) = match opened {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        let (mut outcome, mut session, again) = self.work_in(call, on, session, tx, work, &mut cancel).await;
        // A session that had died unseen while it was idle: nothing with an effect was sent.
        let broken = matches!(&outcome.result, Err(e) if e.kind == FailureKind::Connection);
        if again && reused && broken && session.is_none() && !cancel.is_cancelled() {
            match self.fresh(on, &mut cancel).await {
                Ok(fresh) => {
                    (outcome, session, _) = self.work_in(call, on, fresh, tx, work, &mut cancel).await;
                }
                Err(outcome) => return outcome,
            }
        }
        match (session, tx, work) {
            (Some(session), Some(_), Work::Commit) | (Some(session), None, _) => self.pool.give_back(on, session),
            (Some(session), Some(_), Work::Begin) if outcome.ending != Ending::Done => {
                self.pool.give_back(on, session);
            }
            (Some(session), Some(tx), _) => drop(self.open.borrow_mut().insert(tx, (on.clone(), session))),
            (None, _, _) => {}
        }
        outcome
    }

    /// What has come of it, the session if it can go on, and whether the work can be tried on another one.
    async fn work_in(
        &self,
        call: &Call,
        on: &Arc<Connection>,
        session: Session,
        tx: Option<TxId>,
        work: &Work<'_>,
        cancel: &mut Cancel,
    ) -> (Outcome, Option<Session>, bool) {
        let own = session.target.timeout;
        let limit = [own, call.limit.map(crate::value::Nanos::std)].into_iter().flatten().min();
        let place = Place {
            name: &on.name,
            mark: self.mark(&call.path),
            in_tx: tx.is_some(),
            cancel: cancel.clone(),
            limit,
            phase: Cell::new(Phase::Revocable),
            call: call.id,
            proofs: self.proofs.borrow().clone(),
            committing: RefCell::default(),
        };
        let canceller = session.canceller();
        let stopped = stoppable(Box::pin(done(work, &session, &place)), cancel, own, || canceller.cancel()).await;
        match stopped {
            Stopped::Ended(worked) => {
                let session = worked.healthy.then_some(session);
                (outcome(worked.ending, worked.result), session, worked.again)
            }
            // A late request to cancel could hit the next statement: such a session is not used for anything else.
            Stopped::Asked(worked, why) => {
                let begun = matches!(work, Work::Begin) && worked.ending == Ending::Done;
                if begun {
                    return (Outcome::failed(Ending::None, why.failure(&call.text)), None, false);
                }
                let result = worked.result.map_err(|e| match e.kind {
                    FailureKind::Cancelled => why.failure(&call.text),
                    _ => e,
                });
                let keep = worked.healthy && tx.is_some() && !matches!(work, Work::Commit);
                (outcome(worked.ending, result), keep.then_some(session), false)
            }
            Stopped::Running(why) => (given_up(call, &session, work, &place, why).await, None, false),
        }
    }

    /// A session of the pool, or a new one; and whether it has been used before.
    async fn session(&self, on: &Arc<Connection>, cancel: &mut Cancel) -> Result<(Session, bool), Outcome> {
        if cancel.is_cancelled() {
            return Err(none(Failure::new(FailureKind::Cancelled, "cancelled before it was sent")));
        }
        match self.pool.take(on) {
            Some(session) => Ok((session, true)),
            None => self.fresh(on, cancel).await.map(|session| (session, false)),
        }
    }

    async fn fresh(&self, on: &Connection, cancel: &mut Cancel) -> Result<Session, Outcome> {
        let target = Target::new(on, &application(&self.run)).map_err(|e| refused(&e))?;
        let what = format!("connecting to `{}`", on.name);
        // It is many times larger than what a call needs once there is a session.
        bounded(&what, target.timeout, cancel, Box::pin(connect::open(&target)))
            .await?
            .map_err(|e| none(e.failure(&on.name, &target)))
    }

    /// `rbk/RUN/PATH`: whose statement a session runs.
    fn mark(&self, path: &Path) -> String {
        mark(&self.run, path)
    }

    /// What was written is gone: by ROLLBACK, or because the session is.
    async fn abort(&self, tx: TxId) -> Outcome {
        let found = self.open.borrow_mut().remove(&tx);
        if let Some((on, session)) = found {
            let ended = tokio::time::timeout(PATIENCE, session.client.batch_execute("ROLLBACK")).await;
            if matches!(ended, Ok(Ok(()))) {
                self.pool.give_back(&on, session);
            }
        }
        Outcome::done(Value::Null)
    }

    async fn login(&self, on: &Connection, role: &Value, password: &Value, mut cancel: Cancel) -> Outcome {
        let target = match Target::new(on, &application(&self.run)) {
            Ok(target) => target,
            Err(e) => return refused(&e),
        };
        let limit = target.timeout;
        let tried = Box::pin(role::login(on, target, role, password));
        bounded("the login", limit, &mut cancel, tried).await.unwrap_or_else(|outcome| outcome)
    }
}

fn mark(run: &SmolStr, path: &Path) -> String {
    format!("{}/{path}", application(run))
}

async fn done(work: &Work<'_>, session: &Session, place: &Place<'_>) -> Worked {
    match work {
        Work::Read(statement, rows) => read::read(session, statement, *rows, place).await,
        Work::Write(statement) if place.in_tx => write::inside(session, statement, place).await,
        Work::Write(statement) => write::alone(session, statement, place).await,
        Work::Copy(statement, file) => copy::copy(session, statement, *file, place).await,
        Work::Ping => read::ping(session, place).await,
        Work::Begin => match session.client.batch_execute(&write::begin(session.begin(), session, place)).await {
            Ok(()) => Worked::done(Value::Null),
            Err(e) => {
                Worked { healthy: !failure::is_broken(&e), ..Worked::untouched(failure::of(place.name, &e, None)) }
            }
        },
        Work::Commit => commit::commit(session, Value::Null, place).await,
    }
}

/// A call whose end does not come, though it was asked for: what it can still do is what counts. The session goes, and with
/// it whatever was not committed.
async fn given_up(call: &Call, session: &Session, work: &Work<'_>, place: &Place<'_>, why: Why) -> Outcome {
    let running = || Some(format!("a statement of `{}` at {}", place.mark, session.host));
    let failure = why.failure(&call.text);
    match (work, place.phase.get()) {
        (Work::Read(..) | Work::Ping | Work::Begin, _) | (_, Phase::Revocable) => none(failure),
        (_, Phase::Loose) => Outcome { running: running(), ..Outcome::failed(Ending::Unknown, failure) },
        (_, Phase::Committing) => {
            let (mark, value) = place.committing.borrow().clone().unwrap_or((Mark::Nothing, Value::Null));
            let became = commit::became(session, &mark, PATIENCE).await;
            let unclear = became.is_none();
            let worked = commit::decided(became, value, failure);
            Outcome { running: running().filter(|_| unclear), ..outcome(worked.ending, worked.result) }
        }
    }
}

/// Ends with the limit or a cancel; what it was about has had no effect then.
async fn bounded<T>(
    what: &str,
    limit: Option<Duration>,
    cancel: &mut Cancel,
    work: impl Future<Output = T>,
) -> Result<T, Outcome> {
    let over = async {
        match limit {
            Some(limit) => {
                tokio::time::sleep(limit).await;
                limit
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = cancel.cancelled() => Err(none(Why::Cancelled.failure(what))),
        limit = over => Err(none(Why::Timeout(limit).failure(what))),
    }
}

impl Outcome {
    /// The same, with this value where it succeeded.
    fn map_done(self, value: Value) -> Outcome {
        Outcome { result: self.result.map(|_| value), ..self }
    }
}

fn outcome(ending: Ending, result: Result<Value, Failure>) -> Outcome {
    Outcome { ending, result, running: None, why: None }
}

fn none(failure: Failure) -> Outcome {
    Outcome::failed(Ending::None, failure)
}

fn refused(message: &str) -> Outcome {
    none(Failure::new(FailureKind::Value, message))
}

fn broken_transaction(on: &Connection) -> Outcome {
    let message = format!("the transaction on `{}` is no longer open: its connection broke", on.name);
    none(Failure::new(FailureKind::Connection, message))
}
