//! PostgreSQL. In: a call with its pieces. Out: rows as values, and what the call has done for certain.
//!
//! A read runs in a transaction that the server keeps read-only and that is rolled back. A write runs in a transaction
//! whose id is known before its COMMIT, so that even a lost acknowledgement is decided: done, or none.
mod column;
mod environment;
mod failure;
mod param;
mod read;
mod role;
mod scan;
mod session;
mod statement;
mod target;
mod write;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

pub use environment::{PasswordFile, PgEnvironment, pg_environment};

use self::failure::connecting;
use self::session::{Pool, Session, application};
use self::statement::Statement;
use self::target::Target;
use crate::effects::Cancel;
use crate::effects::stop::{Stopped, stoppable};
use crate::engine::call::{Path, TxId};
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{Connection, SmolStr, Value};

/// The Postgres provider of one run.
pub struct Postgres {
    run: SmolStr,
    pool: Pool,
    open: RefCell<HashMap<TxId, (Arc<Connection>, Session)>>,
}

/// What a piece of work in a session has come to.
struct Worked {
    ending: Ending,
    result: Result<Value, Failure>,
    /// The session can be used again.
    healthy: bool,
}

impl Worked {
    fn done(value: Value) -> Worked {
        Worked { ending: Ending::Done, result: Ok(value), healthy: true }
    }

    fn failed(ending: Ending, failure: Failure) -> Worked {
        Worked { ending, result: Err(failure), healthy: true }
    }
}

/// What is to be done in a session.
enum Work<'a> {
    Read(&'a Statement, read::Rows),
    Write(&'a Statement),
    Ping,
}

impl Postgres {
    /// `run`: the id its sessions carry in `application_name`.
    #[must_use]
    pub fn new(run: SmolStr) -> Postgres {
        Postgres { run, pool: Pool::default(), open: RefCell::default() }
    }

    /// Returns once the call has ended, also after a cancel.
    pub async fn call(&self, call: &Call, cancel: Cancel) -> Outcome {
        match &call.what {
            What::Native { action, on: Some(on), args, tx } => self.native(call, action, on, args, *tx, cancel).await,
            What::Begin { on, tx } => self.begin(&call.path, on, *tx, cancel).await,
            What::Commit { on, tx } => self.commit(on, *tx, cancel).await,
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
            _ => return refused(&format!("there is no action `{action}`")),
        };
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
        let (session, reused) = match tx {
            Some(tx) => match self.open.borrow_mut().remove(&tx) {
                Some((_, session)) => (session, false),
                None => return broken_transaction(on),
            },
            None => match self.session(on, &mut cancel).await {
                Ok(found) => found,
                Err(outcome) => return outcome,
            },
        };
        let (outcome, session) = self.work_in(call, on, session, tx, work, &mut cancel).await;
        let (outcome, session) = match (&outcome, session) {
            // An idle session that had died unseen: nothing was sent but its first BEGIN.
            (Outcome { ending: Ending::None, result: Err(failure), running: None, why: None }, None)
                if reused && failure.kind == FailureKind::Connection && !cancel.is_cancelled() =>
            {
                match self.fresh(on, &mut cancel).await {
                    Ok(session) => self.work_in(call, on, session, tx, work, &mut cancel).await,
                    Err(outcome) => return outcome,
                }
            }
            (_, session) => (outcome, session),
        };
        match (session, tx) {
            (Some(session), Some(tx)) => drop(self.open.borrow_mut().insert(tx, (on.clone(), session))),
            (Some(session), None) => self.pool.give_back(on, session),
            (None, _) => {}
        }
        outcome
    }

    async fn work_in(
        &self,
        call: &Call,
        on: &Arc<Connection>,
        session: Session,
        tx: Option<TxId>,
        work: &Work<'_>,
        cancel: &mut Cancel,
    ) -> (Outcome, Option<Session>) {
        let place =
            write::Place { name: &on.name, mark: self.mark(&call.path), in_tx: tx.is_some(), cancel: cancel.clone() };
        let canceller = session.canceller();
        let stopped = {
            let work = async {
                match work {
                    Work::Read(statement, rows) => read::read(&session, statement, *rows, &place).await,
                    Work::Write(statement) if tx.is_some() => write::inside(&session, statement, &place).await,
                    Work::Write(statement) => write::alone(&session, statement, &place).await,
                    Work::Ping => read::ping(&session, &place).await,
                }
            };
            stoppable(work, cancel, session.target.timeout, || canceller.cancel()).await
        };
        match stopped {
            Stopped::Ended(worked) => {
                let session = worked.healthy.then_some(session);
                (Outcome { ending: worked.ending, result: worked.result, running: None, why: None }, session)
            }
            // A late request to cancel could hit the next statement: such a session is not used for anything else.
            Stopped::Asked(worked, why) => {
                let result = worked.result.map_err(|e| match e.kind {
                    FailureKind::Cancelled => why.failure(&call.text),
                    _ => e,
                });
                let session = (worked.healthy && tx.is_some()).then_some(session);
                (Outcome { ending: worked.ending, result, running: None, why: None }, session)
            }
            Stopped::Running(why) => {
                let ending = if matches!(work, Work::Write(_)) { Ending::Unknown } else { Ending::None };
                let running = format!("a statement of `{}` at {}", self.mark(&call.path), session.target.place());
                (Outcome { ending, result: Err(why.failure(&call.text)), running: Some(running), why: None }, None)
            }
        }
    }

    /// A session of the pool, or a new one; and whether it has been used before.
    async fn session(&self, on: &Arc<Connection>, cancel: &mut Cancel) -> Result<(Session, bool), Outcome> {
        if cancel.is_cancelled() {
            return Err(Outcome::failed(
                Ending::None,
                Failure::new(FailureKind::Cancelled, "cancelled before it was sent"),
            ));
        }
        match self.pool.take(on) {
            Some(session) => Ok((session, true)),
            None => self.fresh(on, cancel).await.map(|session| (session, false)),
        }
    }

    async fn fresh(&self, on: &Connection, cancel: &mut Cancel) -> Result<Session, Outcome> {
        let none = |failure| Outcome::failed(Ending::None, failure);
        let target = Target::new(on, &application(&self.run)).map_err(|e| none(Failure::new(FailureKind::Value, e)))?;
        let limit = target.timeout;
        let opened = async {
            let connecting_to = target.clone();
            Session::open(target).await.map_err(|e| connecting(&on.name, &connecting_to, &e))
        };
        let over = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            session = opened => session.map_err(none),
            () = cancel.cancelled() => {
                Err(none(Failure::new(FailureKind::Cancelled, format!("connecting to `{}` was cancelled", on.name))))
            }
            () = over => {
                Err(none(Failure::new(FailureKind::Timeout, format!("connecting to `{}` took longer than its timeout", on.name))))
            }
        }
    }

    /// `rbk/RUN/PATH`: whose statement a session runs.
    fn mark(&self, path: &Path) -> String {
        format!("{}/{path}", application(&self.run))
    }

    async fn begin(&self, path: &Path, on: &Arc<Connection>, tx: TxId, mut cancel: Cancel) -> Outcome {
        let (mut session, mut reused) = match self.session(on, &mut cancel).await {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        loop {
            match session.client.batch_execute(&write::begin("BEGIN", &self.mark(path))).await {
                Ok(()) => {
                    self.open.borrow_mut().insert(tx, (on.clone(), session));
                    return Outcome::done(Value::Null);
                }
                Err(e) if reused && failure::is_broken(&e) => match self.fresh(on, &mut cancel).await {
                    Ok(fresh) => (session, reused) = (fresh, false),
                    Err(outcome) => return outcome,
                },
                Err(e) => return Outcome::failed(Ending::None, failure::of(&on.name, &e, None)),
            }
        }
    }

    async fn commit(&self, on: &Arc<Connection>, tx: TxId, mut cancel: Cancel) -> Outcome {
        let Some((_, session)) = self.open.borrow_mut().remove(&tx) else { return broken_transaction(on) };
        let place = write::Place { name: &on.name, mark: String::new(), in_tx: true, cancel: cancel.clone() };
        // A COMMIT on its way is not called back: asking nothing, its end is waited for.
        let stopped = {
            let work = write::commit(&session, Value::Null, &place);
            stoppable(work, &mut cancel, None, || std::future::ready(())).await
        };
        match stopped {
            Stopped::Ended(worked) | Stopped::Asked(worked, _) => {
                if worked.healthy {
                    self.pool.give_back(on, session);
                }
                Outcome { ending: worked.ending, result: worked.result, running: None, why: None }
            }
            Stopped::Running(why) => Outcome {
                ending: Ending::Unknown,
                result: Err(why.failure("the commit")),
                running: Some(format!("a COMMIT at {}", session.target.place())),
                why: None,
            },
        }
    }

    /// What was written is gone: by ROLLBACK, or because the session is.
    async fn abort(&self, tx: TxId) -> Outcome {
        let found = self.open.borrow_mut().remove(&tx);
        if let Some((on, session)) = found {
            let ended =
                tokio::time::timeout(crate::effects::stop::PATIENCE, session.client.batch_execute("ROLLBACK")).await;
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
        let tried = role::login(on, target, role, password);
        tokio::select! {
            biased;
            outcome = tried => outcome,
            () = cancel.cancelled() => {
                Outcome::failed(Ending::None, Failure::new(FailureKind::Cancelled, "the login was cancelled"))
            }
        }
    }
}

impl Outcome {
    /// The same, with this value where it succeeded.
    fn map_done(self, value: Value) -> Outcome {
        Outcome { result: self.result.map(|_| value), ..self }
    }
}

fn refused(message: &str) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, message))
}

fn broken_transaction(on: &Connection) -> Outcome {
    let message = format!("the transaction on `{}` is no longer open: its connection broke", on.name);
    Outcome::failed(Ending::None, Failure::new(FailureKind::Connection, message))
}
