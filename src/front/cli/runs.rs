//! `rbk runs`, `rbk close RUN`: what the journal knows, and ending a run as it is.
use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use super::driven::{Format, journal, reason, tell_wait};
use super::refused::Refused;
use super::{OK, complain, say};
use crate::diag::did_you_mean;
use crate::journal::{Filter, Row, Store, Trouble};
use crate::report::outside::Outside;
use crate::report::past::Stands;
use crate::report::runs;
use crate::report::style::{Line, Tone};
use crate::session;
use crate::session::journal::{ago, close as end, find, give_up, is_of};
use crate::session::past::stands;
use crate::value::SmolStr;

/// List the runs of the journal, newest first
#[derive(Args)]
pub struct Runs {
    /// Only those of this runbook, by its title or its file's name
    #[arg(long)]
    book: Option<String>,
    /// Only those that stand like this
    #[arg(long, value_enum)]
    state: Option<Standing>,
    /// Only those started within this time, like `7d`
    #[arg(long, value_name = "TIME")]
    within: Option<String>,
    /// Forget those that ended longer ago than this, like `90d`
    #[arg(long, value_name = "TIME", conflicts_with_all = ["book", "state", "within"])]
    prune: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The journal: a file, or `postgres://…` (a team's)
    #[arg(long, value_name = "PLACE")]
    journal: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Standing {
    /// A process drives it
    Running,
    /// Its process died: to be resumed or rolled back
    Interrupted,
    /// It stopped by itself, or was stopped: to be resumed or rolled back
    Stopped,
    Succeeded,
    /// It failed, and everything is undone
    Undone,
    /// It failed, and something is left in place
    Incomplete,
    /// A console that came to an error; what had worked before it stays
    Failed,
    /// Before its first action: it has done nothing
    Refused,
    Closed,
    /// Something of it is lost
    Damaged,
}

/// End a run as it is: nothing is undone, its locks are free
#[derive(Args)]
pub struct Close {
    /// The run's id, or a part of it
    run: String,
    /// Why, for the journal
    #[arg(long, required = true, value_parser = reason)]
    reason: String,
    /// The journal: a file, or `postgres://…` (a team's)
    #[arg(long, value_name = "PLACE")]
    journal: Option<String>,
}

pub fn runs(args: &Runs) -> u8 {
    match listed(args) {
        Ok(told) => say(|out| {
            told(out);
            OK
        }),
        Err(refused) => refused.tell(),
    }
}

type Told = Box<dyn FnOnce(&mut Outside)>;

fn listed(args: &Runs) -> Result<Told, Refused> {
    let Some(mut store) = session::journal::there(args.journal.as_deref())? else {
        return Ok(told(args.format, Vec::new(), BTreeMap::new()));
    };
    let time = |text: &Option<String>| text.as_deref().map(ago).transpose().map_err(Refused::because);
    if let Some(before) = time(&args.prune)? {
        let count = store.prune(before)?;
        let text = format!("{count} {} forgotten", if count == 1 { "run is" } else { "runs are" });
        return Ok(Box::new(move |out| out.line(&Line::new(0).put(Tone::Plain, text))));
    }
    let filter = Filter { since: time(&args.within)?, ..Filter::default() };
    let mut rows = store.runs(&filter)?;
    if let Some(book) = &args.book {
        rows.retain(|row| is_of(row, book));
        if rows.is_empty() {
            no_such_book(store.as_mut(), book)?;
        }
    }
    let word = args.state.and_then(|state| Some(state.to_possible_value()?.get_name().to_owned()));
    let wanted = |row: &Row| word.as_deref().is_none_or(|word| runs::standing(row) == word);
    // A damaged one stands as another one until it is looked at.
    if args.state != Some(Standing::Damaged) {
        rows.retain(wanted);
    }
    for (_, Trouble { message, help, .. }) in store.gone()? {
        complain(&message, help.as_deref());
    }
    let stands = stands(store.as_mut(), &mut rows);
    rows.retain(wanted);
    Ok(told(args.format, rows, stands))
}

fn no_such_book(store: &mut dyn Store, book: &str) -> Result<(), Trouble> {
    let rows = store.runs(&Filter::default())?;
    if !rows.iter().any(|row| is_of(row, book)) {
        let near = did_you_mean(book, rows.iter().map(|row| row.book.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        complain(&format!("the journal has no run of `{book}`"), help.as_deref());
    }
    Ok(())
}

fn told(format: Format, rows: Vec<Row>, stands: BTreeMap<SmolStr, Stands>) -> Told {
    let now = session::now();
    Box::new(move |out| match format {
        Format::Human => runs::table(&rows, &stands, now, out.look.width).iter().for_each(|line| out.wrapped(line)),
        Format::Json => out.raw(runs::json(&rows, &stands)),
    })
}

pub fn close(args: &Close) -> u8 {
    match closed(args) {
        Ok(run) => say(|out| {
            let text = format!("run {run} is closed; what it did stays, and its locks are free");
            out.line(&Line::new(0).put(Tone::Plain, text));
            OK
        }),
        Err(refused) => refused.tell(),
    }
}

fn closed(args: &Close) -> Result<String, Refused> {
    let mut store = journal(args.journal.as_deref())?;
    if let Some(run) = give_up(store.as_mut(), &args.run)? {
        return Ok(run.to_string());
    }
    let row = find(store.as_mut(), &args.run)?;
    tell_wait(store.as_mut(), &row.run)?;
    end(store.as_mut(), &row, &args.reason)?;
    Ok(row.run.to_string())
}
