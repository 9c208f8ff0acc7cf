//! A run in one line, from its head and its tip.
use super::codec::{self, time};
use super::tip::{Tip, from_nanos};
use super::written::Damaged;
use super::{Filter, Holder, Row, Trouble};

/// Nothing when it is not wanted. `tip`: nothing when it is damaged.
///
/// # Errors
/// It is not what was written, or a newer rbk wrote it.
pub fn row(
    run: &str,
    head: &[u8],
    tip: Option<Tip>,
    held: impl FnOnce() -> Option<Holder>,
    locks: Vec<String>,
    filter: &Filter,
    damaged: Damaged<'_>,
) -> Result<Option<Row>, Trouble> {
    let broken = || damaged(&format!("how run {run} stands is not what was written"));
    let tip = tip.ok_or_else(broken)?;
    let head = codec::read_head(head)?;
    if head.run != run {
        return Err(broken());
    }
    let started = time(&head.started)?;
    let wanted = filter.book.as_ref().is_none_or(|book| *book == head.book)
        && filter.state.is_none_or(|state| state == tip.state)
        && filter.since.is_none_or(|since| started >= since);
    if !wanted {
        return Ok(None);
    }
    Ok(Some(Row {
        run: run.into(),
        book: head.book,
        file: head.texts.into_iter().next().map(|text| text.name).unwrap_or_default(),
        host_name: head.place.host_name,
        user: head.place.user,
        started,
        last: from_nanos(tip.last),
        state: tip.state,
        wrote: tip.wrote,
        held: held(),
        locks,
        damaged: false,
    }))
}

/// Newest first.
pub fn sort(rows: &mut [Row]) {
    rows.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| b.run.cmp(&a.run)));
}
