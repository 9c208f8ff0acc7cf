//! `runs.last`: other runs, as the journal that this one is kept in knows them.
use super::journal::{self, Journal};
use crate::engine::event::End;
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::journal::{Row, State, Trouble};
use crate::value::{Nanos, SmolStr, Timestamp, Value};

/// What such a call ends with; nothing of any other.
pub fn answer(call: &Call, journal: Option<&mut Journal>, now: Timestamp) -> Option<Outcome> {
    let What::Native { action, args, .. } = &call.what else { return None };
    if action != "runs.last" {
        return None;
    }
    let text = |wanted: &str| {
        args.iter().find_map(|(name, arg)| match arg {
            Arg::Value(value) if name == wanted => match value.expose().0 {
                Value::Str(text) => Some(text),
                _ => None,
            },
            Arg::Value(_) | Arg::Code(_) => None,
        })
    };
    let (Some(book), Some(outcome), Some(journal)) = (text("book"), text("outcome"), journal) else {
        let why = Failure::new(FailureKind::Failed, "it asks the journal, and this run is not kept in one");
        return Some(Outcome::failed(Ending::None, why.with_help("run it without `--journal none`")));
    };
    Some(match last(journal, book, outcome) {
        Ok(row) => Outcome::done(row.map_or(Value::Null, |(row, how)| record(&row, how, now))),
        Err(trouble) => Outcome::failed(Ending::None, journal::failure(&trouble)),
    })
}

const OVER: [State; 6] = [
    State::Ended(End::Succeeded),
    State::Ended(End::RolledBack),
    State::Ended(End::Incomplete),
    State::Ended(End::Failed),
    State::Ended(End::Refused),
    State::Closed,
];

/// The one that ended last, and how.
fn last(journal: &mut Journal, book: &str, outcome: &str) -> Result<Option<(Row, &'static str)>, Trouble> {
    let counts = |state: &State| match (state.outcome(), outcome) {
        (Some(how), "any") => how != "refused",
        (how, outcome) => how == Some(outcome),
    };
    let states: Vec<State> = OVER.into_iter().filter(counts).collect();
    if states.is_empty() {
        return Ok(None);
    }
    let row = journal.last_of(book, states)?;
    Ok(row.and_then(|row| row.state.outcome().map(|how| (row, how))))
}

fn record(row: &Row, how: &str, now: Timestamp) -> Value {
    // Nobody reads the nanoseconds.
    let ago = i64::try_from(now.duration_since(row.last).as_millis()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let fields: [(&'static str, Value); 5] = [
        ("run", Value::str(row.run.as_str())),
        ("started", Value::Time(row.started)),
        ("ended", Value::Time(row.last)),
        ("ago", Value::Duration(Nanos(ago.max(0)))),
        ("outcome", Value::str(how)),
    ];
    Value::record(fields.map(|(name, value)| (SmolStr::new_static(name), value)))
}
