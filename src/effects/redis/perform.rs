//! A job, done with the sessions that its keys need.
use redis::{Cmd, Value as Reply, cmd};

use super::action::{Job, One, Route};
use super::keys;
use super::reach::Reach;
use super::reply;
use super::session::Asks;
use super::state::{self, Ours};
use super::wrong::{Trace, Wrong};
use crate::value::{SmolStr, Value};

/// What is kept of many keys together for the way back, in bytes.
const MAX_STATES: usize = 64 << 20;

/// # Errors
/// Any [`Wrong`].
pub async fn perform(job: &Job, reach: &mut Reach<'_>, asks: Asks, trace: &Trace) -> Result<Value, Wrong> {
    match job {
        Job::One(one) => single(one, reach, asks, trace).await,
        Job::Keys(pattern, ask) => keys::scan(reach, pattern, *ask, trace).await,
        Job::Size => size(reach, trace).await,
        Job::Database => Ok(Value::Int(i64::from(reach.target.database))),
        Job::Flush(database) => flush(*database, reach, trace).await,
        Job::State(key) => Ok(state::value(state::read(reach, key, trace).await?)),
        Job::States(keys) => states(keys, reach, trace).await,
        Job::Change { key, before, by } => Ok(state::value(state::change(reach, key, before, by, trace).await?)),
        Job::Remove(keys) => {
            let mut removed = 0;
            for (key, before) in keys {
                let mut by = cmd("UNLINK");
                by.arg(key);
                state::change(reach, key, before, &by, trace).await?;
                removed += i64::from(before.is_some());
            }
            Ok(Value::Int(removed))
        }
        Job::Restore { key, before, ours } => Ok(Value::Bool(state::restore(reach, key, before, ours, trace).await?)),
        Job::RestoreAll(keys) => {
            let mut left = Vec::new();
            for (key, before) in keys {
                if !state::restore(reach, key, before, &Ours::Absent, trace).await? {
                    left.push(Value::str(String::from_utf8_lossy(key)));
                }
            }
            Ok(Value::list(left))
        }
    }
}

async fn single(one: &One, reach: &mut Reach<'_>, asks: Asks, trace: &Trace) -> Result<Value, Wrong> {
    let command = std::slice::from_ref(&one.command);
    let replies = match &one.route {
        Route::Key(key) => reach.ask(Some(key), command, asks, trace).await?,
        Route::Anywhere => reach.ask(None, command, asks, trace).await?,
        Route::OneServer if reach.is_cluster() => {
            return Err(Wrong::Value(format!(
                "each node of `{}` has its own answer: connect to one of them with `redis://HOST`",
                reach.on.name
            )));
        }
        Route::OneServer => reach.ask(None, command, asks, trace).await?,
        Route::Asked => {
            let key = if reach.is_cluster() { key_of(&one.command, reach, trace).await? } else { None };
            reach.ask(key.as_deref(), command, asks, trace).await?
        }
    };
    match replies.into_iter().next() {
        Some(Reply::ServerError(error)) => {
            let early =
                ["NOSCRIPT", "LOADING", "NOAUTH", "BUSY", "MASTERDOWN", "MOVED", "ASK", "CLUSTERDOWN", "READONLY"];
            let half_done = one.half_done && asks == Asks::Writes && !early.contains(&error.code());
            Err(Wrong::Refused { error, half_done })
        }
        Some(reply) => {
            let value = (one.read)(reply).map_err(Wrong::Value);
            if value.is_err() && asks == Asks::Writes {
                trace.changed();
            }
            value
        }
        None => Err(Wrong::Value("the server answered nothing".to_owned())),
    }
}

/// The first key of any command: the server itself knows where it stands.
async fn key_of(command: &Cmd, reach: &mut Reach<'_>, trace: &Trace) -> Result<Option<Vec<u8>>, Wrong> {
    let mut ask = cmd("COMMAND");
    ask.arg("GETKEYS");
    for word in command.args_iter() {
        match word {
            redis::Arg::Simple(bytes) => drop(ask.arg(bytes)),
            _ => return Ok(None),
        }
    }
    let reply = reach.ask(None, &[ask], Asks::Reads, trace).await?.into_iter().next();
    Ok(match reply {
        Some(Reply::Array(keys)) => keys.into_iter().find_map(|key| match key {
            Reply::BulkString(key) => Some(key),
            _ => None,
        }),
        // It has none.
        _ => None,
    })
}

async fn size(reach: &mut Reach<'_>, trace: &Trace) -> Result<Value, Wrong> {
    let mut all = 0i64;
    for master in reach.masters().await? {
        match reach.at(&master, &[cmd("DBSIZE")], Asks::Reads, trace).await?.into_iter().next() {
            Some(Reply::Int(n)) => all = all.saturating_add(n),
            Some(Reply::ServerError(error)) => return Err(Wrong::from(error)),
            other => return Err(Wrong::Value(reply::unexpected(&other.unwrap_or(Reply::Nil)))),
        }
    }
    Ok(Value::Int(all))
}

/// The number is that of the connection, or nothing is deleted.
async fn flush(database: u32, reach: &mut Reach<'_>, trace: &Trace) -> Result<Value, Wrong> {
    if database != reach.target.database {
        return Err(Wrong::Value(format!(
            "`{}` is a connection to database {}, and database {database} was to be emptied",
            reach.on.name, reach.target.database
        )));
    }
    for master in reach.masters().await? {
        if let Some(Reply::ServerError(error)) =
            reach.at(&master, &[cmd("FLUSHDB")], Asks::Writes, trace).await?.into_iter().next()
        {
            return Err(Wrong::from(error));
        }
        trace.changed();
    }
    Ok(Value::Null)
}

async fn states(keys: &[Vec<u8>], reach: &mut Reach<'_>, trace: &Trace) -> Result<Value, Wrong> {
    let mut found = Vec::with_capacity(keys.len());
    let mut bytes = 0usize;
    for key in keys {
        let held = state::read(reach, key, trace).await?;
        bytes = bytes.saturating_add(held.as_ref().map_or(0, |held| held.dump.len()));
        if bytes > MAX_STATES {
            return Err(Wrong::Value("these keys hold more than 64 MiB: too much to keep for the way back".to_owned()));
        }
        let name = String::from_utf8(key.clone()).map_or_else(|e| Value::Bytes(e.into_bytes().into()), Value::str);
        found.push(Value::record([(SmolStr::new("key"), name), (SmolStr::new("state"), state::value(held))]));
    }
    Ok(Value::list(found))
}
