//! `rbk report RUN`: a run as a document for others.
use clap::{Args, ValueEnum};

use super::driven::journal;
use super::refused::Refused;
use super::resume::one;
use super::{FINDINGS, OK, say};
use crate::journal::Filter;
use crate::report::past::{Past, html, json, junit, markdown};
use crate::session::past::look_at;

/// Write a report of a run to standard output, for a ticket, a page or a program
#[derive(Args)]
pub struct Report {
    /// The run's id, or a part of it
    #[arg(required_unless_present = "last", conflicts_with = "last")]
    run: Option<String>,
    /// The last run; with a name the last one of that runbook, by its title or its file's name
    #[arg(long, value_name = "BOOK", num_args = 0..=1, default_missing_value = "")]
    last: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// The journal: a file, or `postgres://…` (a team's)
    #[arg(long, value_name = "PLACE")]
    journal: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// An incident report for a ticket; what only a person knows is left to be filled in
    Markdown,
    /// The same as one page, with a picture of what took how long
    Html,
    /// The object of `rbk show --format json`
    Json,
    /// A test suite: each step a case
    Junit,
}

pub fn report(args: &Report) -> u8 {
    match read(args) {
        Ok(past) => say(|out| {
            out.raw(written(&past, args.format));
            if past.broken { FINDINGS } else { OK }
        }),
        Err(refused) => refused.tell(),
    }
}

/// A report as a text.
#[must_use]
pub fn written(past: &Past, format: Format) -> String {
    match format {
        Format::Markdown => markdown::markdown(past),
        Format::Html => html::html(past),
        Format::Json => json::json(past),
        Format::Junit => junit::junit(past),
    }
}

fn read(args: &Report) -> Result<Past, Refused> {
    let mut store = journal(args.journal.as_deref())?;
    let rows = store.runs(&Filter::default())?;
    let row = one(store.as_mut(), &rows, args.run.as_deref(), args.last.as_deref())?;
    Ok(look_at(store.as_mut(), row)?)
}
