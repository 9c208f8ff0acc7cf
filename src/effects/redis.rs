//! Redis, and what speaks as it does. An error reply is a failure; a command has no effect when the server refuses it.
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, Value as Reply};

use crate::check::program::Effect;
use crate::effects::Cancel;
use crate::effects::stop::{Stopped, Why, stoppable};
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{Connection, Nanos, SmolStr, Value, encode, number};

/// How long a connect may take when nothing else is said.
const CONNECT: Duration = Duration::from_secs(10);
/// More keys than this are not a list to work on.
const MAX_KEYS: usize = 100_000;

/// The Redis provider of one run.
pub struct Redis {
    run: SmolStr,
    open: RefCell<Vec<(Arc<Connection>, Open)>>,
    tls_ready: Cell<bool>,
}

/// One connection, shared by parallel calls.
#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    /// For people.
    place: Arc<str>,
}

impl Redis {
    /// `run`: the id its connections carry as their client name.
    #[must_use]
    pub fn new(run: SmolStr) -> Redis {
        Redis { run, open: RefCell::default(), tls_ready: Cell::new(false) }
    }

    /// Returns once the call has ended, also after a cancel.
    pub async fn call(&self, call: &Call, mut cancel: Cancel) -> Outcome {
        let What::Native { action, on: Some(on), args, .. } = &call.what else {
            return failed(Ending::None, FailureKind::Value, "this is not a call on a Redis connection");
        };
        let name = action.rsplit('.').next().unwrap_or(action);
        let job = match job(name, args) {
            Ok(job) => job,
            Err(message) => return failed(Ending::None, FailureKind::Value, &message),
        };
        let limit = match on.args.get("timeout") {
            Some(Value::Duration(d)) => Some(d.std()),
            _ => None,
        };
        let writes = call.effect >= Effect::Write;
        let open = tokio::select! {
            biased;
            opened = self.healthy(on, limit) => match opened {
                Ok(open) => open,
                Err(failure) => return Outcome::failed(Ending::None, failure),
            },
            () = cancel.cancelled() => {
                return failed(Ending::None, FailureKind::Cancelled, &format!("connecting to `{}` was cancelled", on.name));
            }
        };
        let mut connection = open.connection.clone();
        let work = async { job.run(&mut connection).await };
        let stopped = if writes {
            stoppable(work, &mut cancel, limit, || std::future::ready(())).await
        } else {
            // A read that nobody waits for any more has no end to wait for.
            tokio::select! {
                biased;
                done = work => Stopped::Ended(done),
                () = cancel.cancelled() => Stopped::Running(Why::Cancelled),
                () = tokio::time::sleep(limit.unwrap_or(Duration::MAX)) => Stopped::Running(Why::Timeout(limit.unwrap_or_default())),
            }
        };
        match stopped {
            Stopped::Ended(Ok(value)) | Stopped::Asked(Ok(value), _) => Outcome::done(value),
            Stopped::Ended(Err(wrong)) | Stopped::Asked(Err(wrong), _) => {
                let (ending, failure) = wrong.explain(on, &open.place, writes);
                if failure.kind == FailureKind::Connection {
                    self.forget(on);
                }
                Outcome::failed(ending, failure)
            }
            Stopped::Running(why) => {
                self.forget(on);
                let ending = if writes { Ending::Unknown } else { Ending::None };
                let running = writes.then(|| format!("a command at {}", open.place));
                Outcome { ending, result: Err(why.failure(&call.text)), running, why: None }
            }
        }
    }

    /// The recipe's connection when it still answers, or a new one. Nothing of the call has been sent.
    async fn healthy(&self, on: &Arc<Connection>, limit: Option<Duration>) -> Result<Open, Failure> {
        let known = self.open.borrow().iter().find(|(c, _)| c.args == on.args).map(|(_, open)| open.clone());
        if let Some(mut open) = known {
            let ping = redis::cmd("PING").query_async::<Reply>(&mut open.connection).await;
            match ping {
                Err(e) if e.is_io_error() || e.is_unrecoverable_error() => self.forget(on),
                _ => return Ok(open),
            }
        }
        let open = self.connect(on, limit).await?;
        self.open.borrow_mut().push((on.clone(), open.clone()));
        Ok(open)
    }

    fn forget(&self, on: &Connection) {
        self.open.borrow_mut().retain(|(c, _)| c.args != on.args);
    }

    async fn connect(&self, on: &Connection, limit: Option<Duration>) -> Result<Open, Failure> {
        let wrong = |message: String| Failure::new(FailureKind::Value, message);
        let Some(Value::Str(url)) = on.args.get("url").map(|v| v.expose().0) else {
            return Err(wrong(format!("the URL of `{}` is not a string", on.name)));
        };
        if !self.tls_ready.replace(true) {
            // Already installed is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = Client::open(&**url).map_err(|_| {
            wrong(format!("the URL of `{}` is not a `redis://`, `rediss://` or `unix://` URL", on.name))
        })?;
        let place = client.get_connection_info().addr().to_string();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit.unwrap_or(CONNECT)))
            .set_response_timeout(limit);
        let refused = |e: &RedisError| {
            let text = match (e.code(), e.detail()) {
                (Some(code), Some(detail)) => format!("{code} {detail}"),
                (_, Some(detail)) => detail.to_owned(),
                _ => e.to_string(),
            };
            Failure::new(FailureKind::Connection, format!("cannot connect to `{}` ({place}): {text}", on.name))
        };
        let mut connection =
            client.get_multiplexed_async_connection_with_config(&config).await.map_err(|e| refused(&e))?;
        // For whoever looks at CLIENT LIST; a server without it is no worse.
        let mut name = redis::cmd("CLIENT");
        name.arg("SETNAME").arg(format!("rbk/{}", self.run).replace([' ', '\n'], "_"));
        let _ = name.query_async::<Reply>(&mut connection).await;
        Ok(Open { connection, place: place.into() })
    }
}

fn failed(ending: Ending, kind: FailureKind, message: &str) -> Outcome {
    Outcome::failed(ending, Failure::new(kind, message))
}

/// What to send, and what its reply means.
struct Job {
    command: Cmd,
    read: fn(Reply) -> Result<Value, String>,
    /// SCAN: again and again, from where it stopped.
    scan: Option<Vec<u8>>,
}

enum Wrong {
    Server(RedisError),
    Reply(String),
}

impl Wrong {
    fn explain(self, on: &Connection, place: &str, writes: bool) -> (Ending, Failure) {
        let lost = if writes { Ending::Unknown } else { Ending::None };
        match self {
            Wrong::Reply(message) => {
                (if writes { Ending::Some } else { Ending::None }, Failure::new(FailureKind::Value, message))
            }
            Wrong::Server(e) if e.is_timeout() => {
                (lost, Failure::new(FailureKind::Timeout, format!("`{}` ({place}) did not answer in time", on.name)))
            }
            Wrong::Server(e) => match e.kind() {
                ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
                    let text = format!("{} {}", e.code().unwrap_or("ERR"), e.detail().unwrap_or(""));
                    (
                        Ending::None,
                        Failure::new(FailureKind::Failed, format!("`{}` answered: {}", on.name, text.trim_end())),
                    )
                }
                _ => (
                    lost,
                    Failure::new(
                        FailureKind::Connection,
                        format!("the connection to `{}` ({place}) broke: {e}", on.name),
                    ),
                ),
            },
        }
    }
}

impl Job {
    async fn run(&self, connection: &mut MultiplexedConnection) -> Result<Value, Wrong> {
        let Some(pattern) = &self.scan else {
            let reply = self.command.query_async::<Reply>(connection).await.map_err(Wrong::Server)?;
            return (self.read)(reply).map_err(Wrong::Reply);
        };
        let mut keys = std::collections::BTreeSet::new();
        let mut cursor = "0".to_owned();
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(&**pattern).arg("COUNT").arg(1000);
            let (next, found) = scan.query_async::<(String, Vec<Vec<u8>>)>(connection).await.map_err(Wrong::Server)?;
            for key in found {
                keys.insert(
                    String::from_utf8(key).map_err(|_| Wrong::Reply("a key's name is not UTF-8 text".to_owned()))?,
                );
            }
            if keys.len() > MAX_KEYS {
                return Err(Wrong::Reply(format!("more than {MAX_KEYS} keys match")));
            }
            if next == "0" {
                return Ok(Value::list(keys.into_iter().map(Value::str).collect()));
            }
            cursor = next;
        }
    }
}

fn job(name: &str, args: &[(SmolStr, Arg)]) -> Result<Job, String> {
    let value = |wanted: &str| {
        args.iter()
            .find_map(|(key, arg)| match arg {
                Arg::Value(value) if key == wanted => Some(value),
                _ => None,
            })
            .ok_or_else(|| format!("`{wanted}` is missing"))
    };
    let bulk = |wanted: &str| encode::bulk(value(wanted)?).map_err(|e| format!("`{wanted}`: {e}"));
    let millis = |wanted: &str| match value(wanted)?.expose().0 {
        Value::Duration(d) if d.0 >= 1_000_000 => Ok(Some(d.0 / 1_000_000)),
        Value::Duration(_) => Err(format!("`{wanted}` is at least a millisecond")),
        Value::Null => Ok(None),
        _ => Err(format!("`{wanted}` is a duration")),
    };
    let mut job = Job {
        command: redis::cmd(match name {
            "ping" => "PING",
            "get" => "GET",
            "exists" => "EXISTS",
            "ttl" => "PTTL",
            "set" => "SET",
            "del" => "DEL",
            "incr" => "INCRBY",
            "expire" => "PEXPIRE",
            "scan" => "SCAN",
            "info" => "INFO",
            "dbsize" => "DBSIZE",
            "config_get" | "config_set" => "CONFIG",
            _ => return Err(format!("there is no action `redis.{name}`")),
        }),
        read: nothing,
        scan: None,
    };
    let command = &mut job.command;
    match name {
        "ping" => job.read = |_| Ok(Value::Bool(true)),
        "get" => {
            command.arg(bulk("key")?);
            job.read = text;
        }
        "exists" => {
            command.arg(bulk("key")?);
            job.read = truth;
        }
        "ttl" => {
            command.arg(bulk("key")?);
            job.read = |reply| match reply {
                Reply::Int(-1) => Ok(Value::Null),
                Reply::Int(n) if n >= 0 => Ok(Value::Duration(Nanos(n.saturating_mul(1_000_000)))),
                Reply::Int(_) => Err("there is no such key".to_owned()),
                other => Err(unexpected(&other)),
            };
        }
        "set" => {
            command.arg(bulk("key")?).arg(bulk("value")?);
            if let Some(ttl) = millis("ttl")? {
                command.arg("PX").arg(ttl);
            }
            job.read = |reply| match reply {
                Reply::Okay => Ok(Value::Bool(true)),
                other => Err(unexpected(&other)),
            };
        }
        "del" => {
            command.arg(bulk("key")?);
            job.read = int;
        }
        "incr" => {
            command.arg(bulk("key")?).arg(bulk("by")?);
            job.read = int;
        }
        "expire" => {
            command.arg(bulk("key")?).arg(millis("ttl")?.ok_or("`ttl` is null: the value is absent")?);
            job.read = truth;
        }
        "scan" => job.scan = Some(bulk("match")?),
        "info" => {
            command.arg(bulk("section")?);
            job.read = info;
        }
        "dbsize" => job.read = int,
        "config_get" => {
            command.arg("GET").arg(bulk("name")?);
            job.read = |reply| {
                let mut flat = match reply {
                    Reply::Array(items) => items,
                    Reply::Map(pairs) => pairs.into_iter().flat_map(|(k, v)| [k, v]).collect(),
                    other => return Err(unexpected(&other)),
                };
                match (flat.len(), flat.pop()) {
                    (2, Some(found)) => text(found),
                    (0, _) => Err("there is no such setting".to_owned()),
                    (n, _) => Err(format!("exactly one setting was expected, and {} match", n / 2)),
                }
            };
        }
        _ => {
            command.arg("SET").arg(bulk("name")?).arg(bulk("value")?);
        }
    }
    Ok(job)
}

fn unexpected(reply: &Reply) -> String {
    format!(
        "the server answered something else than was expected: {}",
        crate::value::show::brief(&format!("{reply:?}"))
    )
}

fn nothing(_: Reply) -> Result<Value, String> {
    Ok(Value::Null)
}

fn int(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Int(n) => Ok(Value::Int(n)),
        other => Err(unexpected(&other)),
    }
}

fn truth(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Int(n) => Ok(Value::Bool(n != 0)),
        Reply::Boolean(b) => Ok(Value::Bool(b)),
        other => Err(unexpected(&other)),
    }
}

fn text(reply: Reply) -> Result<Value, String> {
    match reply {
        Reply::Nil => Ok(Value::Null),
        Reply::BulkString(bytes) => {
            String::from_utf8(bytes).map(Value::str).map_err(|_| "the value is not UTF-8 text".to_owned())
        }
        Reply::SimpleString(s) => Ok(Value::str(s)),
        other => Err(unexpected(&other)),
    }
}

/// `name:value` lines; what looks like a number is one.
fn info(reply: Reply) -> Result<Value, String> {
    let all = match reply {
        Reply::VerbatimString { text, .. } => Value::str(text),
        other => text(other)?,
    };
    let Value::Str(all) = all else { return Err("the server sent no INFO".to_owned()) };
    let mut fields: Vec<(SmolStr, Value)> = Vec::new();
    for (name, value) in all.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':')) {
        let plain = value.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        let value = if plain { number::parse(value).unwrap_or_else(|_| Value::str(value)) } else { Value::str(value) };
        if !fields.iter().any(|(known, _)| known == name) {
            fields.push((SmolStr::new(name), value));
        }
    }
    Ok(Value::record(fields))
}
