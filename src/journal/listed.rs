//! A run in one line, from its head and its tip.
use super::codec::{self, time};
use super::tip::{Tip, from_nanos, leaves_nothing};
use super::{Filter, Holder, Row, State};
use crate::value::Timestamp;

/// Nothing when it is not wanted. `tip`: nothing when it cannot be read. Such a run, or one whose head cannot be read, is a row
/// too: nobody is to miss it.
pub fn row(
    run: &str,
    head: &[u8],
    tip: Option<Tip>,
    held: impl FnOnce() -> Option<Holder>,
    locks: Vec<String>,
    filter: &Filter,
) -> Option<Row> {
    if filter.run.as_ref().is_some_and(|wanted| wanted != run) {
        return None;
    }
    let head = codec::read_head(head).ok().filter(|head| head.run == run);
    let book = head.as_ref().map(|head| head.book.clone()).unwrap_or_default();
    let started = head.as_ref().and_then(|head| time(&head.started).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
    let state = tip.as_ref().map_or(State::Open, |tip| tip.state);
    let wanted = filter.book.as_ref().is_none_or(|wanted| *wanted == book)
        && (filter.states.is_empty() || filter.states.contains(&state))
        && filter.since.is_none_or(|since| started >= since || started == Timestamp::UNIX_EPOCH);
    if !wanted {
        return None;
    }
    let damaged = tip.is_none() || head.is_none() && !leaves_nothing(state);
    let place = head.as_ref().map(|head| &head.place);
    Some(Row {
        run: run.into(),
        book,
        file: head.as_ref().and_then(|head| head.texts.first()).map(|text| text.name.clone()).unwrap_or_default(),
        host_name: place.map(|place| place.host_name.clone()).unwrap_or_default(),
        user: place.map(|place| place.user.clone()).unwrap_or_default(),
        started,
        last: tip.as_ref().map_or(started, |tip| from_nanos(tip.last)),
        state,
        // Where nothing is known of it, something may be in place.
        wrote: tip.is_none_or(|tip| tip.wrote),
        held: held(),
        locks,
        damaged,
    })
}

/// Newest first.
pub fn sort(rows: &mut [Row]) {
    rows.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| b.run.cmp(&a.run)));
}
