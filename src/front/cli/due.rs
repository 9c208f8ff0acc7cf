//! `rbk resume --due`: every run that was left and needs nobody goes on, one after another; the others are named.
use super::driven::Telling;
use super::questions::unfit_later;
use super::refused::Refused;
use super::resume::{came_later, complain_softly, driven, in_place, in_time};
use super::{OK, REFUSED};
use crate::journal::{Filter, Row, Trouble};
use crate::report::outside::{Channel, Outside};
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::run::answers::given;
use crate::session;
use crate::session::journal::there;
use crate::session::place;
use crate::session::resume::{Left, Onward, go_to, is_known};

pub fn resume(telling: &Telling, say: Say) -> u8 {
    let rows = match left(telling) {
        Ok(rows) => rows,
        Err(refused) => return telling.turned_away(&refused),
    };
    if rows.is_empty() {
        Outside::new(Channel::Err).line(&Line::new(0).put(Tone::Plain, "no run was left"));
    }
    let mut worst = OK;
    let home = place::here().dir;
    for row in rows {
        let ended = one(telling, say, &row);
        // Each run has gone to a directory of its own; a journal may be named from this one.
        if let Err(error) = go_to(&home) {
            return telling.turned_away(&Refused::because(format!("`{home}`: {}", session::reason(&error))));
        }
        match ended {
            Ok(code) => worst = worse(worst, code),
            Err(why) => {
                let book = if row.book.is_empty() { String::new() } else { format!(" ({})", row.book) };
                complain_softly(&format!("run {}{book} is left alone: {}", row.run, why.message));
            }
        }
    }
    worst
}

/// Nobody drives them; the oldest first.
fn left(telling: &Telling) -> Result<Vec<Row>, Refused> {
    let Some(mut store) = there(telling.journal.as_deref())? else { return Ok(Vec::new()) };
    let mut rows = store.runs(&Filter::default())?;
    rows.retain(|row| row.state.goes_on() && row.held.is_none());
    rows.reverse();
    Ok(rows)
}

/// Its exit code, or why it is left alone.
fn one(telling: &Telling, say: Say, row: &Row) -> Result<u8, Trouble> {
    let mut store =
        there(telling.journal.as_deref())?.ok_or_else(|| Trouble::new("the journal is not there any more"))?;
    is_known(&row.run)?;
    let rows = store.runs(&Filter::default())?;
    if let Some((_, came)) = came_later(store.as_mut(), &rows, row) {
        return Err(Trouble::new(format!("{came}: somebody has to look")));
    }
    let left = Left::take(store, row)?;
    in_place(&left, None)?;
    if let Some(waits) = left.waits(|asked| given(&telling.answer, asked).is_some()) {
        return Err(Trouble::new(waits));
    }
    if let Some(unfit) = unfit_later(&left.ready, &telling.answer).pop() {
        return Err(Trouble::new(unfit));
    }
    in_time(&left, None)?;
    driven(telling, say, left, Onward::Resume, Vec::new())
}

/// Of two exit codes the one that somebody should see first: 0, then 1 (undone), 4 (stopped), 2 (refused), and before all
/// others 3 (a person is needed) and what no run ends with.
fn worse(one: u8, other: u8) -> u8 {
    let rank = |code: u8| [OK, 1, 4, REFUSED].iter().position(|known| *known == code).unwrap_or(usize::MAX);
    if rank(other) > rank(one) { other } else { one }
}
