//! What each action of `stdlib/native/redis.rbk` asks the server: one command, as a line of this table, or more.
use redis::{Cmd, cmd};

use super::info;
use super::keys::{self, Ask};
use super::reply::{self, Read};
use super::state::{self, Ours, State};
use crate::engine::Arg;
use crate::value::encode::{self, redis as words};
use crate::value::{Record, SmolStr, Value};

/// What is to be done.
pub enum Job {
    One(One),
    Keys(Vec<u8>, Ask),
    /// The number of keys, of every node that has some.
    Size,
    Database,
    /// Every key of this database.
    Flush(u32),
    State(Vec<u8>),
    States(Vec<Vec<u8>>),
    Change {
        key: Vec<u8>,
        before: State,
        by: Cmd,
    },
    Remove(Vec<(Vec<u8>, State)>),
    Restore {
        key: Vec<u8>,
        before: State,
        ours: Ours,
    },
    RestoreAll(Vec<(Vec<u8>, State)>),
}

/// One command, and what its reply means.
pub struct One {
    pub command: Cmd,
    pub route: Route,
    pub read: Read,
    /// It may have done a part of its work when it ends with an error.
    pub half_done: bool,
}

/// Which node of a cluster.
pub enum Route {
    Key(Vec<u8>),
    /// The server knows where in the command its keys stand.
    Asked,
    /// Each node has an answer of its own: in a cluster there is none for all of them.
    OneServer,
    Anywhere,
}

/// How an argument goes into the command.
#[derive(Clone, Copy)]
enum Put {
    /// Which decides about the node.
    Key(&'static str),
    One(&'static str),
    /// Milliseconds, at least one.
    Millis(&'static str),
    /// This word itself.
    Word(&'static str),
}

use Put::{Key, Millis, One as Bulk, Word};

type Line = (&'static str, &'static [&'static str], &'static [Put], Read);

const ONE: &[Line] = &[
    ("ping", &["PING"], &[], reply::always),
    ("get", &["GET"], &[Key("key")], reply::text),
    ("exists", &["EXISTS"], &[Key("key")], reply::truth),
    ("ttl", &["PTTL"], &[Key("key")], reply::ttl),
    ("type", &["TYPE"], &[Key("key")], reply::kind),
    ("memory", &["MEMORY", "USAGE"], &[Key("key"), Word("SAMPLES"), Word("0")], reply::size),
    ("hget", &["HGET"], &[Key("key"), Bulk("field")], reply::text),
    ("hgetall", &["HGETALL"], &[Key("key")], reply::record),
    ("hlen", &["HLEN"], &[Key("key")], reply::int),
    ("llen", &["LLEN"], &[Key("key")], reply::int),
    ("lrange", &["LRANGE"], &[Key("key"), Bulk("from"), Bulk("to")], reply::texts),
    ("scard", &["SCARD"], &[Key("key")], reply::int),
    ("sismember", &["SISMEMBER"], &[Key("key"), Bulk("member")], reply::truth),
    ("smembers", &["SMEMBERS"], &[Key("key")], reply::texts),
    ("zcard", &["ZCARD"], &[Key("key")], reply::int),
    ("zscore", &["ZSCORE"], &[Key("key"), Bulk("member")], reply::decimal),
    ("xlen", &["XLEN"], &[Key("key")], reply::int),
    ("info", &["INFO"], &[Bulk("section")], info::read),
    ("role", &["ROLE"], &[], reply::role),
    ("config_get", &["CONFIG", "GET"], &[Bulk("name")], reply::setting),
    ("del", &["DEL"], &[Key("key")], reply::int),
    ("incr", &["INCRBY"], &[Key("key"), Bulk("by")], reply::int),
    ("expire", &["PEXPIRE"], &[Key("key"), Millis("ttl")], reply::truth),
    ("persist", &["PERSIST"], &[Key("key")], reply::truth),
    ("hset", &["HSET"], &[Key("key"), Bulk("field"), Bulk("value")], reply::truth),
    ("hdel", &["HDEL"], &[Key("key"), Bulk("field")], reply::truth),
    ("lpush", &["LPUSH"], &[Key("key"), Bulk("value")], reply::int),
    ("rpush", &["RPUSH"], &[Key("key"), Bulk("value")], reply::int),
    ("sadd", &["SADD"], &[Key("key"), Bulk("member")], reply::truth),
    ("srem", &["SREM"], &[Key("key"), Bulk("member")], reply::truth),
    ("config_set", &["CONFIG", "SET"], &[Bulk("name"), Bulk("value")], reply::nothing),
    ("config_rewrite", &["CONFIG", "REWRITE"], &[], reply::nothing),
];

/// The arguments of a call.
struct Given<'a>(&'a [(SmolStr, Arg)]);

impl Given<'_> {
    fn value(&self, wanted: &str) -> Result<&Value, String> {
        let found = self.0.iter().find_map(|(name, arg)| match arg {
            Arg::Value(value) if name == wanted => Some(value),
            _ => None,
        });
        found.ok_or_else(|| format!("`{wanted}` is missing"))
    }

    fn bulk(&self, wanted: &str) -> Result<Vec<u8>, String> {
        encode::bulk(self.value(wanted)?).map_err(|e| format!("`{wanted}`: {e}"))
    }

    fn millis(&self, wanted: &str) -> Result<Option<i64>, String> {
        match self.value(wanted)?.expose().0 {
            Value::Duration(d) if d.0 >= 1_000_000 => Ok(Some(d.0 / 1_000_000)),
            Value::Duration(_) => Err(format!("`{wanted}` is at least a millisecond")),
            Value::Null => Ok(None),
            _ => Err(format!("`{wanted}` is a duration")),
        }
    }

    fn state(&self, wanted: &str) -> Result<State, String> {
        state::of(self.value(wanted)?).map_err(|e| format!("`{wanted}`: {e}"))
    }

    fn list(&self, wanted: &str) -> Result<&[Value], String> {
        match self.value(wanted)?.expose().0 {
            Value::List(items) => Ok(items),
            _ => Err(format!("`{wanted}` is a list")),
        }
    }

    /// Of `states(…)`.
    fn states(&self, wanted: &str) -> Result<Vec<(Vec<u8>, State)>, String> {
        let one = |item: &Value| {
            let Value::Record(record) = item.expose().0 else {
                return Err("this comes from no `states(…)`".to_owned());
            };
            let (Some(key), Some(then)) = (Record::get(record, "key"), Record::get(record, "state")) else {
                return Err("this comes from no `states(…)`".to_owned());
            };
            Ok((encode::bulk(key)?, state::of(then)?))
        };
        self.list(wanted)?.iter().map(one).collect::<Result<_, _>>().map_err(|e: String| format!("`{wanted}`: {e}"))
    }
}

/// # Errors
/// A value that does not fit, or no such action; nothing was sent.
pub fn job(name: &str, args: &[(SmolStr, Arg)]) -> Result<Job, String> {
    let given = Given(args);
    if let Some((_, command, puts, read)) = ONE.iter().find(|(known, ..)| *known == name) {
        return one(command, puts, *read, &given).map(Job::One);
    }
    Ok(match name {
        "set" => Job::One(One {
            command: set(&given)?,
            route: Route::Key(given.bulk("key")?),
            read: reply::ok,
            half_done: false,
        }),
        "scan" => Job::Keys(given.bulk("match")?, Ask::Names),
        "count" => Job::Keys(given.bulk("match")?, Ask::HowMany),
        "keys" => Job::Keys(keys::beginning_with(&given.bulk("prefix")?), Ask::Names),
        "dbsize" => Job::Size,
        "database" => Job::Database,
        "flush" => match given.value("db")?.expose().0 {
            Value::Int(n) => Job::Flush(u32::try_from(*n).map_err(|_| "`db` is 0 or more")?),
            _ => return Err("`db` is a number".to_owned()),
        },
        "command" => Job::One(command(args)?),
        "state" => Job::State(given.bulk("key")?),
        "states" => Job::States(given.list("keys")?.iter().map(encode::bulk).collect::<Result<_, _>>()?),
        "put" => Job::Change { key: given.bulk("key")?, before: given.state("before")?, by: set(&given)? },
        "live" => {
            let key = given.bulk("key")?;
            let by = match given.millis("ttl")? {
                Some(ttl) => {
                    let mut by = cmd("PEXPIRE");
                    by.arg(&key).arg(ttl);
                    by
                }
                None => {
                    let mut by = cmd("PERSIST");
                    by.arg(&key);
                    by
                }
            };
            Job::Change { key, before: given.state("before")?, by }
        }
        "remove" => Job::Remove(vec![(given.bulk("key")?, given.state("before")?)]),
        "remove_all" => Job::Remove(given.states("states")?),
        "restore" => Job::Restore {
            key: given.bulk("key")?,
            before: given.state("before")?,
            ours: state::of_part(given.value("ours")?).map_err(|e| format!("`ours`: {e}"))?,
        },
        "restore_all" => Job::RestoreAll(given.states("states")?),
        _ => return Err(format!("there is no action `redis.{name}`")),
    })
}

fn one(command: &[&str], puts: &[Put], read: Read, given: &Given<'_>) -> Result<One, String> {
    let mut sent = Cmd::new();
    let mut route = if command == ["PING"] { Route::Anywhere } else { Route::OneServer };
    for word in command {
        sent.arg(*word);
    }
    for put in puts {
        match put {
            Key(name) => {
                let key = given.bulk(name)?;
                sent.arg(&key);
                route = Route::Key(key);
            }
            Bulk(name) => drop(sent.arg(given.bulk(name)?)),
            Millis(name) => {
                sent.arg(given.millis(name)?.ok_or_else(|| format!("`{name}` is null: the value is absent"))?);
            }
            Word(word) => drop(sent.arg(*word)),
        }
    }
    Ok(One { command: sent, route, read, half_done: false })
}

fn set(given: &Given<'_>) -> Result<Cmd, String> {
    let mut command = cmd("SET");
    command.arg(given.bulk("key")?).arg(given.bulk("value")?);
    if let Some(ttl) = given.millis("ttl")? {
        command.arg("PX").arg(ttl);
    }
    Ok(command)
}

/// Any command: its name, and a value for each of its other words.
fn command(args: &[(SmolStr, Arg)]) -> Result<One, String> {
    let mut values = args.iter().filter_map(|(_, arg)| match arg {
        Arg::Value(value) => Some(value),
        Arg::Code(_) => None,
    });
    let Some(Value::Str(name)) = values.next() else { return Err("the command is missing".to_owned()) };
    let words = words::words(name, values)?;
    if words::endless(&words.iter().map(Some).collect::<Vec<_>>()) {
        return Err(format!("`{name}` would wait for ever: 0 is no limit"));
    }
    let mut command = Cmd::new();
    for word in &words {
        command.arg(word);
    }
    // Some keys may have gone before one could not.
    let half_done = name.eq_ignore_ascii_case("MIGRATE");
    Ok(One { command, route: Route::Asked, read: reply::any, half_done })
}
