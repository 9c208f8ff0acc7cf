//! `rbk run FILE`: everything that can be refused is refused before the first action; then the run, to its end.
use std::io::IsTerminal;

use clap::{Args, ValueEnum};

use super::driven::{Format, Telling, Unanswered};
use super::inputs::{Inputs, Somebody};
use super::open;
use super::questions;
use super::refused::Refused;
use super::repl;
use crate::engine;
use crate::plan::labels;
use crate::report::outside::{Channel, Outside};
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::run::OnQuestion;
use crate::session;
use crate::session::journal::Opened;
use crate::session::run::{Ready, Way, run as start};

/// Run a runbook; what it did is undone when it fails
#[derive(Args)]
pub struct Run {
    /// The runbook, or `-`
    file: String,
    #[command(flatten)]
    inputs: Inputs,
    /// What becomes of the run when something fails
    #[arg(long, value_enum, default_value_t = OnFailure::Rollback)]
    on_failure: OnFailure,
    #[command(flatten)]
    telling: Telling,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnFailure {
    /// What it did is undone
    Rollback,
    /// It stops there, and can be resumed or rolled back
    Stop,
    /// A person at the terminal says: retry, skip, edit, a console, undo or stop
    Ask,
}

pub fn run(args: &Run, say: Say) -> u8 {
    let journal = || session::journal::open(args.telling.journal.as_deref()).map_err(Refused::from);
    let prepared = somebody_to_ask(args).and_then(|()| prepared(args, say)).and_then(|ready| Ok((ready, journal()?)));
    let (ready, journal) = match prepared {
        Ok(prepared) => prepared,
        Err(refused) => return args.telling.turned_away(&refused),
    };
    if let (Some(Opened { new: true, .. }), Some(name)) = (&journal, &args.telling.journal) {
        let line = Line::new(0).put(Tone::Dim, format!("a new journal is begun: `{name}`"));
        Outside::new(Channel::Err).line(&line);
    }
    let store = journal.map(|journal| journal.store);
    let on_failure = match args.on_failure {
        OnFailure::Rollback => engine::OnFailure::Rollback,
        OnFailure::Stop => engine::OnFailure::Stop,
        OnFailure::Ask => return repl::run(&ready, store, &args.telling, say),
    };
    let way = Way { on_failure, on_question: args.telling.on_question(OnQuestion::Refuse), store, title: None };
    let again = (!args.telling.is_kept()).then(|| "not kept: it cannot be resumed or rolled back later".to_owned());
    let shown = ready.clone();
    args.telling.drive(&shown, who(args), say, again, |watcher, answers| start(ready, way, watcher, answers))
}

/// A person is there to say what becomes of a failure.
fn somebody_to_ask(args: &Run) -> Result<(), Refused> {
    if args.on_failure != OnFailure::Ask {
        return Ok(());
    }
    let help =
        "`--on-failure stop` stops there, for `rbk resume` or `rbk rollback`; without it what was done is undone";
    if who(args) == Somebody::Nobody || !std::io::stdout().is_terminal() || args.telling.format == Format::Json {
        let message = "`--on-failure ask` asks a person, and nobody is at a terminal: nothing was run";
        return Err(Refused::helped(message, help));
    }
    Ok(())
}

/// Standard input may be the runbook itself.
fn who(args: &Run) -> Somebody {
    if args.file == "-" { Somebody::Nobody } else { Somebody::look() }
}

/// Everything that can go wrong before the first action.
fn prepared(args: &Run, say: Say) -> Result<Ready, Refused> {
    let (program, sources) = open(&args.file, say)?;
    questions::known(&labels(&program), &args.telling.answer)?;
    let who = who(args);
    let params = args.inputs.take(&program, &sources, who)?;
    let ready = Ready::new(program, sources, params);
    if !args.telling.is_kept()
        && (args.on_failure == OnFailure::Stop || args.telling.on_question == Some(Unanswered::Stop))
    {
        let message = "a run that stops can be resumed only from a journal: nothing was run";
        return Err(Refused::helped(message, "leave `--journal none` out"));
    }
    if who == Somebody::Nobody && args.telling.on_question != Some(Unanswered::Stop) {
        questions::answered(&ready, &args.telling.answer)?;
    }
    Ok(ready)
}
