//! `rbk resume RUN`, `rbk rollback RUN`: a run that was left goes on, or is undone.
use clap::Args;

use super::OK;
use super::driven::{Telling, journal, reason, tell_wait};
use super::due;
use super::inputs::Somebody;
use super::questions;
use super::refused::Refused;
use crate::engine::event::{ASKED_FOR, End};
use crate::journal::{CONSOLE, Door, Filter, Reason, Row, State, Store, Trouble};
use crate::report::outside::{Channel, Outside};
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::run::OnQuestion;
use crate::session;
use crate::session::journal::{find_in, last_in};
use crate::session::later::later;
use crate::session::part::Part;
use crate::session::place;
use crate::session::resume::{HERE, Left, Onward, at_a_console, elsewhere_of, go_on, is_known};
use crate::value::SmolStr;

/// Go on with a run that was interrupted or stopped
#[derive(Args)]
pub struct Resume {
    /// The run's id, or a part of it
    #[arg(required_unless_present_any = ["last", "due"], conflicts_with_all = ["last", "due"])]
    run: Option<String>,
    /// The last run; with a name the last one of that runbook, by its title or its file's name
    #[arg(long, value_name = "BOOK", num_args = 0..=1, default_missing_value = "", conflicts_with = "due")]
    last: Option<String>,
    /// Every run that was left, has something to do and needs nobody for it, one after another
    #[arg(long, conflicts_with_all = ["here", "late", "reason"])]
    due: bool,
    /// Go on although this is another place than the run's: why that is right
    #[arg(long, value_name = "REASON", value_parser = reason)]
    here: Option<String>,
    /// Go on although the run has stood still for longer than its deadline: why that is right
    #[arg(long, value_name = "REASON", value_parser = reason)]
    late: Option<String>,
    /// Go on although a later run has built on this one: why that is right
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: Option<String>,
    #[command(flatten)]
    telling: Telling,
}

/// Undo what a run did and has left in place
#[derive(Args)]
pub struct Rollback {
    /// The run's id, or a part of it
    #[arg(required_unless_present = "last", conflicts_with = "last")]
    run: Option<String>,
    /// The last run of this runbook, by its title or its file's name
    #[arg(long, value_name = "BOOK")]
    last: Option<String>,
    /// Only this step, by its title or path, and all that came after it; needs `--reason`
    #[arg(long, value_name = "STEP", requires = "reason")]
    from: Option<String>,
    /// Only this step, by its title or path; needs `--reason`
    #[arg(long, value_name = "STEP", requires = "reason", conflicts_with = "from")]
    only: Option<String>,
    /// With `--only`: although what came after the step stays in place: why that is right
    #[arg(long, value_name = "REASON", requires = "only", value_parser = reason)]
    out_of_order: Option<String>,
    /// Why, for the journal; a must when a later run has built on this one
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: Option<String>,
    /// Undo although this is another place than the run's: why that is right
    #[arg(long, value_name = "REASON", value_parser = reason)]
    here: Option<String>,
    #[command(flatten)]
    telling: Telling,
}

pub fn resume(args: &Resume, say: Say) -> u8 {
    if args.due {
        return due::resume(&args.telling, say);
    }
    let here = args.here.as_deref();
    let chosen = |store: &mut dyn Store, rows: &[Row]| {
        let row = one(store, rows, args.run.as_deref(), args.last.as_deref())?;
        if row.state.goes_on() {
            is_known(&row.run)?;
            may(store, rows, &row, Door::Resume, args.reason.as_deref())?;
        }
        Ok(row)
    };
    let left = taken(&args.telling, here, chosen).and_then(|left| {
        let row = &left.row;
        match row.state {
            State::Open | State::Ended(End::Stopped) if row.file == CONSOLE => {
                return Err(Refused::because(format!("run {}: {}", row.run, at_a_console(&row.run))));
            }
            State::Open | State::Ended(End::Stopped) => {}
            State::Ended(End::Succeeded | End::Failed | End::Incomplete) => {
                let message = format!("run {} has ended: {}", row.run, ended(row.state));
                return Err(Refused::helped(message, format!("`rbk rollback {}` undoes it", row.run)));
            }
            State::Ended(_) | State::Closed => {
                return Err(Refused::because(format!("run {} has ended: {}", row.run, ended(row.state))));
            }
        }
        questions::known_later(&left.ready, &args.telling.answer)?;
        in_place(&left, here)?;
        in_time(&left, args.late.as_deref())?;
        Ok(left)
    });
    let left = match left {
        Ok(left) => left,
        Err(refused) => return args.telling.turned_away(&refused),
    };
    let reasons = reasons([(HERE, &args.here), ("--late", &args.late), ("--reason", &args.reason)]);
    or_told(&args.telling, driven(&args.telling, say, left, Onward::Resume, reasons))
}

fn or_told(telling: &Telling, driven: Result<u8, Trouble>) -> u8 {
    driven.unwrap_or_else(|trouble| telling.turned_away(&Refused::from(trouble)))
}

pub fn rollback(args: &Rollback, say: Say) -> u8 {
    let left = taken(&args.telling, args.here.as_deref(), |store, rows| {
        let row = one(store, rows, args.run.as_deref(), args.last.as_deref())?;
        if args.reason.is_none() {
            is_known(&row.run)?;
        }
        may(store, rows, &row, Door::Rollback, args.reason.as_deref())?;
        Ok(row)
    })
    .and_then(|left| {
        let row = &left.row;
        if matches!(row.state, State::Closed | State::Ended(End::Refused)) {
            return Err(Refused::because(format!("run {} has ended: {}", row.run, ended(row.state))));
        }
        questions::known_later(&left.ready, &args.telling.answer)?;
        in_place(&left, args.here.as_deref())?;
        Ok(left)
    });
    let left = match left {
        Ok(left) => left,
        Err(refused) => return args.telling.turned_away(&refused),
    };
    if left.row.state == State::Ended(End::RolledBack) {
        let line = format!("run {} was undone already: there is nothing to do", left.row.run);
        Outside::new(Channel::Out).line(&Line::new(0).put(Tone::Good, line));
        return OK;
    }
    let reasons = reasons([(HERE, &args.here), ("--reason", &args.reason), ("--out-of-order", &args.out_of_order)]);
    let why = args.reason.clone().unwrap_or_else(|| ASKED_FOR.to_owned());
    or_told(&args.telling, driven(&args.telling, say, left, Onward::Rollback(why, part(args)), reasons))
}

fn part(args: &Rollback) -> Part {
    match (&args.from, &args.only) {
        (Some(step), _) => Part::From(step.clone()),
        (None, Some(step)) => Part::Only { step: step.clone(), out_of_order: args.out_of_order.is_some() },
        (None, None) => Part::All,
    }
}

/// The run that is named, or the last one: of a runbook, where that is named.
pub(super) fn one(store: &mut dyn Store, rows: &[Row], run: Option<&str>, last: Option<&str>) -> Result<Row, Trouble> {
    match run {
        Some(run) => find_in(store, rows, run),
        None => last_in(rows, last.filter(|book| !book.is_empty())),
    }
}

/// What came later may stand on what would be undone, or be done over by a run that goes on. `rows`: all runs.
fn may(store: &mut dyn Store, rows: &[Row], row: &Row, door: Door, reason: Option<&str>) -> Result<(), Trouble> {
    let Some((later, came)) = came_later(store, rows, row) else { return Ok(()) };
    let (danger, help) = match door {
        Door::Rollback => {
            let wait = if later.held.is_some() { "wait for its end, and " } else { "" };
            let first = format!("{wait}undo that one first: `rbk rollback {}`", later.run);
            ("it may stand on what would be undone", format!("{first}; or say why not with `--reason REASON`"))
        }
        Door::Resume | Door::Run => {
            let close = format!("`rbk close {} --reason REASON` ends this one as it is", row.run);
            let look = format!("`rbk show {}` tells what it did", later.run);
            (
                "this one would do its work over, or undo it",
                format!("{look}; {close}, `--reason REASON` says why it may go on"),
            )
        }
    };
    let message = format!("{came}: {danger}");
    if reason.is_some() {
        complain_softly(&message);
        return Ok(());
    }
    Err(Trouble::new(message).with_help(help))
}

/// The later run that may stand on what this one did, and that in words. `rows`: all runs.
pub(super) fn came_later(store: &mut dyn Store, rows: &[Row], row: &Row) -> Option<(Row, String)> {
    later(store, rows, row).map(|later| {
        let what = match &later.held {
            Some(held) => format!("run {} came later and is running (pid {})", later.run, held.pid),
            None => format!("run {} came later and has changed something", later.run),
        };
        (later, what)
    })
}

fn taken(
    telling: &Telling,
    here: Option<&str>,
    choose: impl FnOnce(&mut dyn Store, &[Row]) -> Result<Row, Trouble>,
) -> Result<Left, Refused> {
    let mut store = journal(telling.journal.as_deref())?;
    let rows = store.runs(&Filter::default())?;
    let row = choose(store.as_mut(), &rows)?;
    wait_for(store.as_mut(), &row.run, here)?;
    Ok(Left::take(store, &row)?)
}

/// Whoever may still drive the run is waited for, unless the run would not go on here in any case.
pub(super) fn wait_for(store: &mut dyn Store, run: &str, here: Option<&str>) -> Result<(), Trouble> {
    if here.is_none() {
        let found = elsewhere_of(store, run)?;
        if !found.is_empty() {
            return Err(place::elsewhere(&found));
        }
    }
    tell_wait(store, run)
}

pub(super) fn driven(
    telling: &Telling,
    say: Say,
    left: Left,
    onward: Onward<'_>,
    reasons: Vec<Reason>,
) -> Result<u8, Trouble> {
    left.changed.iter().for_each(|line| complain_softly(line));
    left.notes().for_each(|line| complain_softly(&line));
    let shown = left.ready.clone();
    let word = match &onward {
        Onward::Resume | Onward::Console(_) => "resumed".to_owned(),
        Onward::Rollback(_, Part::All) => "to be undone".to_owned(),
        Onward::Rollback(_, Part::From(step)) => format!("to be undone from `{step}` on"),
        Onward::Rollback(_, Part::Only { step, .. }) => format!("`{step}` to be undone"),
    };
    let again = Some(format!("{word} {}", session::now().strftime("%F %T UTC")));
    let on_question = telling.on_question(match &onward {
        Onward::Resume | Onward::Console(_) => OnQuestion::Stop,
        Onward::Rollback(..) => OnQuestion::Refuse,
    });
    telling.try_drive(&shown, Somebody::look(), say, again, |watcher, answers| {
        go_on(left, onward, reasons, on_question, watcher, answers)
    })
}

pub(super) fn complain_softly(text: &str) {
    Outside::new(Channel::Err).line(&Line::new(0).put(Tone::Warn, "! ").put(Tone::Plain, text));
}

pub(super) fn in_place(left: &Left, here: Option<&str>) -> Result<(), Trouble> {
    if left.elsewhere.is_empty() || here.is_some() {
        return Ok(());
    }
    Err(place::elsewhere(&left.elsewhere))
}

/// Longer than its deadline ago, what it waited for may have changed.
pub(super) fn in_time(left: &Left, late: Option<&str>) -> Result<(), Trouble> {
    let (Some(deadline), _) = left.ready.limits() else { return Ok(()) };
    let still = session::now().duration_since(left.last());
    if late.is_some() || still.as_nanos() <= i128::from(deadline.0) {
        return Ok(());
    }
    let still = time::limit(crate::value::Nanos(i64::try_from(still.as_nanos()).unwrap_or(i64::MAX)));
    let message = format!("the run has stood still for {still}, longer than its deadline of {}", time::limit(deadline));
    let help = "look whether it may still go on, and say why with `--late REASON`; or `rbk rollback` it";
    Err(Trouble::new(message).with_help(help))
}

fn reasons<const N: usize>(given: [(&'static str, &Option<String>); N]) -> Vec<Reason> {
    let given = given.into_iter().filter_map(|(option, text)| Some((option, text.clone()?)));
    given.map(|(option, text)| Reason { option: SmolStr::new_static(option), text }).collect()
}

/// How a run ended, in words.
pub fn ended(state: State) -> &'static str {
    match state {
        State::Open => "it has not",
        State::Ended(End::Succeeded) => "it succeeded",
        State::Ended(End::RolledBack | End::Undone) => "it was undone",
        State::Ended(End::Failed) => "it came to an error",
        State::Ended(End::Refused) => "it was refused before its first action",
        State::Ended(End::Incomplete | End::UndoneInPart) => "not everything is undone",
        State::Ended(End::Stopped) => "it was stopped",
        State::Closed => "it was closed as it was",
    }
}
