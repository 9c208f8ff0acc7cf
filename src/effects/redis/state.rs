//! All that a key holds, and putting it back: only where the key is still as it was left.
//!
//! A state is what DUMP gives and when the key expires, read in one step. A change is made in one step too: WATCH, look,
//! MULTI … EXEC, which the server refuses when anybody has touched the key in between; then it is looked at again.
use jiff::{SignedDuration, Timestamp};
use redis::{Cmd, Value as Reply, cmd};

use super::reach::Reach;
use super::session::Asks;
use super::wrong::{Trace, Wrong};
use crate::engine::{Failure, FailureKind};
use crate::value::{SmolStr, Value};

/// Two expiries that are nearer than this are the same: they are read with a clock in between.
const NEAR: SignedDuration = SignedDuration::from_secs(1);
/// How often a change is tried while others keep touching the key.
const TRIES: usize = 10;
/// What is kept for the way back is kept in memory.
const MAX: usize = 1 << 20;

/// What is there; None: no such key.
pub type State = Option<Held>;

#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub dump: Vec<u8>,
    pub expires: Option<Timestamp>,
}

/// What a key must look like to count as untouched since a change; a part that is not known is not compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Ours {
    Absent,
    Whole(Held),
    /// A text, set by a write whose answer was lost.
    Text(Vec<u8>),
    /// What it held, however long it lives.
    Dump(Vec<u8>),
}

/// A state now, and the server's clock.
struct Seen {
    state: State,
    at: Timestamp,
    /// The text itself, where the key holds one.
    text: Option<Vec<u8>>,
}

/// `{ dump: bytes, expires: time? }`, or null.
#[must_use]
pub fn value(state: State) -> Value {
    match state {
        None => Value::Null,
        Some(held) => Value::record([
            (SmolStr::new("dump"), Value::Bytes(held.dump.into())),
            (SmolStr::new("expires"), held.expires.map_or(Value::Null, Value::Time)),
        ]),
    }
}

/// # Errors
/// It came from no `state(…)`.
pub fn of(value: &Value) -> Result<State, String> {
    match of_part(value)? {
        Ours::Absent => Ok(None),
        Ours::Whole(held) => Ok(Some(held)),
        Ours::Text(_) | Ours::Dump(_) => Err("this is no state of a key: it comes from `state(…)`".to_owned()),
    }
}

/// # Errors
/// Neither a state nor a part of one.
pub fn of_part(value: &Value) -> Result<Ours, String> {
    let record = match value.expose().0 {
        Value::Null => return Ok(Ours::Absent),
        Value::Record(record) => record,
        _ => return Err("this is no state of a key: it comes from `state(…)`".to_owned()),
    };
    let part = |name: &str| record.get(name).map(|v| v.expose().0);
    let expires = match part("expires") {
        Some(Value::Time(at)) => Some(*at),
        _ => None,
    };
    match (part("dump"), part("value")) {
        (Some(Value::Bytes(dump)), None) if record.get("expires").is_some() => {
            Ok(Ours::Whole(Held { dump: dump.to_vec(), expires }))
        }
        (Some(Value::Bytes(dump)), None) => Ok(Ours::Dump(dump.to_vec())),
        (None, Some(text)) => crate::value::encode::bulk(text).map(Ours::Text),
        _ => Err("this is no state of a key: it comes from `state(…)`".to_owned()),
    }
}

impl Ours {
    fn is(&self, seen: &Seen) -> bool {
        match (self, &seen.state) {
            (Ours::Absent, state) => state.is_none(),
            (Ours::Whole(then), Some(now)) => {
                then.dump == now.dump
                    && match (then.expires, now.expires) {
                        (None, None) => true,
                        (Some(a), Some(b)) => a.duration_since(b).abs() <= NEAR,
                        (None, Some(_)) | (Some(_), None) => false,
                    }
            }
            // It has only come to its end.
            (Ours::Whole(then), None) => then.expires.is_some_and(|at| at <= seen.at + NEAR),
            (Ours::Text(text), Some(_)) => seen.text.as_ref() == Some(text),
            (Ours::Dump(dump), Some(now)) => *dump == now.dump,
            (Ours::Text(_) | Ours::Dump(_), None) => false,
        }
    }
}

fn with_key(command: &str, key: &[u8]) -> Cmd {
    let mut command = cmd(command);
    command.arg(key);
    command
}

/// DUMP, PTTL, TIME → a state.
fn held(dump: Reply, ttl: Reply, time: Reply) -> Result<(State, Timestamp), Wrong> {
    let strange = || Wrong::Value("what the server says of the key is not understood".to_owned());
    let at = match time {
        Reply::Array(parts) => match parts.as_slice() {
            [Reply::BulkString(seconds), Reply::BulkString(micros)] => {
                let number = |bytes: &[u8]| String::from_utf8_lossy(bytes).parse::<i64>().map_err(|_| strange());
                let whole = number(seconds)?.saturating_mul(1_000_000).saturating_add(number(micros)?);
                Timestamp::from_microsecond(whole).map_err(|_| strange())?
            }
            _ => return Err(strange()),
        },
        Reply::ServerError(error) => return Err(Wrong::from(error)),
        _ => return Err(strange()),
    };
    match (dump, ttl) {
        (Reply::ServerError(error), _) | (_, Reply::ServerError(error)) => Err(Wrong::from(error)),
        (Reply::Nil, _) => Ok((None, at)),
        (Reply::BulkString(dump), Reply::Int(ttl)) => {
            let expires = match ttl {
                0.. => Some(at.checked_add(SignedDuration::from_millis(ttl)).map_err(|_| strange())?),
                _ => None,
            };
            Ok((Some(Held { dump, expires }), at))
        }
        _ => Err(strange()),
    }
}

/// The replies of EXEC; None when the server refused because of a watched key.
fn executed(replies: Vec<Reply>) -> Result<Option<Vec<Reply>>, Wrong> {
    let mut first_error = None;
    let mut last = Reply::Nil;
    for reply in replies {
        if let Reply::ServerError(error) = &reply
            && first_error.is_none()
        {
            first_error = Some(error.clone());
        }
        last = reply;
    }
    match (first_error, last) {
        // What stood in the way says more than EXECABORT.
        (Some(error), _) => Err(Wrong::from(error)),
        (None, Reply::Array(items)) => match items.iter().find_map(|item| match item {
            Reply::ServerError(error) => Some(error.clone()),
            _ => None,
        }) {
            Some(error) => Err(Wrong::from(error)),
            None => Ok(Some(items)),
        },
        (None, Reply::Nil) => Ok(None),
        (None, _) => Err(Wrong::Value("the answer to EXEC is not understood".to_owned())),
    }
}

fn last_three(items: Vec<Reply>) -> Result<(State, Timestamp), Wrong> {
    let mut items = items.into_iter().rev();
    match (items.next(), items.next(), items.next()) {
        (Some(time), Some(ttl), Some(dump)) => held(dump, ttl, time),
        _ => Err(Wrong::Value("the answer to EXEC is too short".to_owned())),
    }
}

/// All that a key holds. Whether the user may put it back is asked at once: later it would be too late.
///
/// # Errors
/// Any [`Wrong`]; too much to keep.
pub async fn read(reach: &mut Reach<'_>, key: &[u8], trace: &Trace) -> Result<State, Wrong> {
    // Without REPLACE and with nothing in it this never changes anything; a user without the right is told so first.
    let mut probe = with_key("RESTORE", key);
    probe.arg(0).arg("");
    let commands = [probe, cmd("MULTI"), with_key("DUMP", key), with_key("PTTL", key), cmd("TIME"), cmd("EXEC")];
    let mut replies = reach.ask(Some(key), &commands, Asks::Reads, trace).await?;
    if let Reply::ServerError(error) = replies.remove(0)
        && error.code() == "NOPERM"
    {
        let failure = Failure::new(
            FailureKind::Failed,
            format!("`{}` lets nobody put a key back: NOPERM {}", reach.on.name, error.details().unwrap_or("")),
        );
        return Err(Wrong::Held(failure.with_help(
            "an undo needs DUMP and RESTORE: `ACL SETUSER … +dump +restore`; without, write the step with `get` and `set`",
        )));
    }
    let items = executed(replies)?.unwrap_or_default();
    let (state, _) = last_three(items)?;
    if let Some(held) = &state
        && held.dump.len() > MAX
    {
        return Err(Wrong::Value(format!(
            "the key `{}` holds more than 1 MiB: too much to keep for the way back",
            String::from_utf8_lossy(key)
        )));
    }
    Ok(state)
}

async fn watched(reach: &mut Reach<'_>, key: &[u8], ours: &Ours, trace: &Trace) -> Result<Seen, Wrong> {
    let mut commands = vec![with_key("WATCH", key), with_key("DUMP", key), with_key("PTTL", key), cmd("TIME")];
    if let Ours::Text(_) = ours {
        commands.push(with_key("GET", key));
    }
    let replies = reach.ask(Some(key), &commands, Asks::Reads, trace).await?;
    let mut replies = replies.into_iter();
    if let Some(Reply::ServerError(error)) = replies.next() {
        return Err(Wrong::from(error));
    }
    let (Some(dump), Some(ttl), Some(time)) = (replies.next(), replies.next(), replies.next()) else {
        return Err(Wrong::Value("what the server says of the key is too short".to_owned()));
    };
    let (state, at) = held(dump, ttl, time)?;
    let text = match replies.next() {
        Some(Reply::BulkString(text)) => Some(text),
        // It holds no text.
        _ => None,
    };
    Ok(Seen { state, at, text })
}

/// Carry out `change` where the key still is as in `before`; how it is then.
///
/// # Errors
/// Any [`Wrong`]; [`Wrong::Held`] when somebody has changed the key since.
pub async fn change(
    reach: &mut Reach<'_>,
    key: &[u8],
    before: &State,
    change: &Cmd,
    trace: &Trace,
) -> Result<State, Wrong> {
    let ours = before.clone().map_or(Ours::Absent, Ours::Whole);
    for _ in 0..TRIES {
        let seen = watched(reach, key, &ours, trace).await?;
        if !ours.is(&seen) {
            let name = String::from_utf8_lossy(key).into_owned();
            let failure = Failure::new(
                FailureKind::Guard,
                format!("the key `{name}` was changed by somebody else after it was read"),
            );
            return Err(Wrong::Held(failure.with_help("nothing was written: `retry` reads it again")));
        }
        let commands =
            [cmd("MULTI"), change.clone(), with_key("DUMP", key), with_key("PTTL", key), cmd("TIME"), cmd("EXEC")];
        if let Some(items) = executed(reach.go_on(key, &commands, Asks::Writes, trace).await?)? {
            trace.changed();
            return last_three(items).map(|(state, _)| state);
        }
    }
    Err(busy(key))
}

/// Put back what a key held, unless it is neither as it was left nor as it shall be; whether it is now.
///
/// # Errors
/// Any [`Wrong`].
pub async fn restore(
    reach: &mut Reach<'_>,
    key: &[u8],
    before: &State,
    ours: &Ours,
    trace: &Trace,
) -> Result<bool, Wrong> {
    let wanted = before.clone().map_or(Ours::Absent, Ours::Whole);
    for _ in 0..TRIES {
        let seen = watched(reach, key, ours, trace).await?;
        let back = match before {
            Some(held) if held.expires.is_none_or(|at| at > seen.at) => {
                let mut back = with_key("RESTORE", key);
                back.arg(held.expires.map_or(0, Timestamp::as_millisecond)).arg(&held.dump).arg("REPLACE");
                if held.expires.is_some() {
                    back.arg("ABSTTL");
                }
                back
            }
            // It would have come to its end by now.
            Some(_) | None => with_key("UNLINK", key),
        };
        if wanted.is(&seen) || !ours.is(&seen) {
            reach.go_on(key, &[cmd("UNWATCH")], Asks::Reads, trace).await?;
            return Ok(wanted.is(&seen));
        }
        let commands = [cmd("MULTI"), back, cmd("EXEC")];
        if executed(reach.go_on(key, &commands, Asks::Writes, trace).await?)?.is_some() {
            trace.changed();
            return Ok(true);
        }
    }
    Err(busy(key))
}

fn busy(key: &[u8]) -> Wrong {
    let text = format!("others keep changing the key `{}`", String::from_utf8_lossy(key));
    Wrong::Held(Failure::new(FailureKind::Guard, text).with_help("stop what writes it, and `retry`"))
}
