//! `rbk show RUN`: what happened in a run, and whether the journal still says what was written.
use clap::Args;
use serde::Serialize;

use super::driven::{Format, journal};
use super::refused::Refused;
use super::resume::one;
use super::{FINDINGS, OK, say as speak};
use crate::journal::{Filter, Verified};
use crate::report::outside::Outside;
use crate::report::past::{human, json};
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::session::past::look_at;

/// Tell a run as it happened: who did what and when, what came of it, what was undone and what is left
#[derive(Args)]
pub struct Show {
    /// The run's id, or a part of it
    #[arg(required_unless_present = "last", conflicts_with = "last")]
    run: Option<String>,
    /// The last run; with a name the last one of that runbook, by its title or its file's name
    #[arg(long, value_name = "BOOK", num_args = 0..=1, default_missing_value = "")]
    last: Option<String>,
    /// Say only whether everything that is kept of it is what was written
    #[arg(long)]
    verify: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The journal: a file, or `postgres://…` (a team's)
    #[arg(long, value_name = "PLACE")]
    journal: Option<String>,
}

pub fn show(args: &Show, say: Say) -> u8 {
    let told = if args.verify { verified(args) } else { shown(args, say) };
    match told {
        Ok(tell) => speak(tell),
        Err(refused) => refused.tell(),
    }
}

type Told = Box<dyn FnOnce(&mut Outside) -> u8>;

fn shown(args: &Show, say: Say) -> Result<Told, Refused> {
    let mut store = journal(args.journal.as_deref())?;
    let rows = store.runs(&Filter::default())?;
    let row = one(store.as_mut(), &rows, args.run.as_deref(), args.last.as_deref())?;
    let past = look_at(store.as_mut(), row)?;
    let format = args.format;
    Ok(Box::new(move |out| {
        match format {
            Format::Human => human::lines(&past, say).iter().for_each(|line| out.wrapped(line)),
            Format::Json => out.raw(json::json(&past)),
        }
        if past.broken { FINDINGS } else { OK }
    }))
}

fn verified(args: &Show) -> Result<Told, Refused> {
    let mut store = journal(args.journal.as_deref())?;
    let rows = store.runs(&Filter::default())?;
    let run = one(store.as_mut(), &rows, args.run.as_deref(), args.last.as_deref())?.run;
    let found = store.verify(&run)?;
    let format = args.format;
    Ok(Box::new(move |out| {
        match format {
            Format::Human => out.wrapped(&line(&run, &found)),
            Format::Json => out.text(&object(&run, &found)),
        }
        if found.broken.is_some() { FINDINGS } else { OK }
    }))
}

fn line(run: &str, found: &Verified) -> Line {
    let day = |time: Option<crate::value::Timestamp>| {
        time.map_or_else(|| "unknown".to_owned(), |time| time.strftime("%F %T UTC").to_string())
    };
    match &found.broken {
        None => Line::new(0).put(Tone::Good, "✓ ").put(
            Tone::Plain,
            format!(
                "run {run} is whole: its head and {} entries, from {} to {}, are what was written",
                found.entries,
                day(found.started),
                day(found.last)
            ),
        ),
        Some(trouble) => {
            let of = found.written.map(|written| format!(" of {written}")).unwrap_or_default();
            let whole = format!("; {}{of} entries before that are what was written", found.entries);
            Line::new(0).put(Tone::Bad, "✗ ").put(Tone::Plain, trouble.message.clone() + &whole)
        }
    }
}

#[derive(Serialize)]
struct Object<'a> {
    v: u32,
    run: &'a str,
    whole: bool,
    /// That are what was written, up to the first that is not.
    entries: usize,
    written: Option<usize>,
    started: Option<String>,
    last: Option<String>,
    broken: Option<&'a str>,
}

fn object(run: &str, found: &Verified) -> String {
    let object = Object {
        v: 1,
        run,
        whole: found.broken.is_none(),
        entries: found.entries,
        written: found.written,
        started: found.started.map(|time| time.to_string()),
        last: found.last.map(|time| time.to_string()),
        broken: found.broken.as_ref().map(|trouble| trouble.message.as_str()),
    };
    serde_json::to_string(&object).unwrap_or_default()
}
