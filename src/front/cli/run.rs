//! `rbk run FILE`: everything that can be refused is refused before the first action; then the run, to its end.
use std::cell::RefCell;
use std::rc::Rc;

use clap::{Args, ValueEnum};

use super::answers::OnScreen;
use super::inputs::{Inputs, Somebody};
use super::questions;
use super::refused::Refused;
use super::{BUG, complain, got_out, open};
use crate::engine::Finish;
use crate::engine::event::End;
use crate::report::json::Json;
use crate::report::live::Live;
use crate::report::opening::Opening;
use crate::report::outside::{Channel, Known, Outside, Written};
use crate::report::plain::Plain;
use crate::report::screen::Screen;
use crate::report::story::Say;
use crate::report::summary::summary;
use crate::run::Watcher;
use crate::run::answers::{Answerer, Voice};
use crate::session;
use crate::session::run::Ready;
use crate::source::Sources;
use crate::value::{Nanos, Timestamp};

/// Run a runbook; what it did is undone when it fails
#[derive(Args)]
pub struct Run {
    /// The runbook, or `-`
    file: String,
    #[command(flatten)]
    inputs: Inputs,
    /// Answer a question, by its label as written in the file or its path; may be repeated
    #[arg(long, value_name = "LABEL=VALUE", value_parser = labelled)]
    answer: Vec<String>,
    /// How the run is told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: a live view at a terminal, plain lines elsewhere
    Human,
    /// One event a line
    Json,
}

pub fn run(args: &Run, say: Say) -> u8 {
    match prepared(args, say) {
        Ok(ready) => start(args, say, ready),
        Err(refused) => turned_away(args, &refused),
    }
}

/// Nothing was run: told to a person, and as the one event to a program.
fn turned_away(args: &Run, refused: &Refused) -> u8 {
    if args.format == Format::Json {
        let out = Outside::new(Channel::Out);
        let written = out.written();
        refused.event(out);
        got_out(&written, None);
    }
    refused.tell()
}

/// Everything that can go wrong before the first action.
fn prepared(args: &Run, say: Say) -> Result<Ready, Refused> {
    let (program, sources) = open(&args.file, say)?;
    questions::known(&program, &args.answer)?;
    let who = if args.file == "-" { Somebody::Nobody } else { Somebody::look() };
    let params = args.inputs.take(&program, &sources, who)?;
    let ready = Ready::new(program, sources, params);
    if who == Somebody::Nobody {
        questions::answered(&ready, &args.answer)?;
    }
    Ok(ready)
}

fn start(args: &Run, say: Say, ready: Ready) -> u8 {
    let out = Outside::new(Channel::Out);
    let (written, known) = (out.written(), out.known());
    let (deadline, rollback_within) = ready.limits();
    let opening = Opening { run: ready.id.clone(), started: ready.started, deadline, rollback_within };
    let (started, sources) = (ready.started, ready.sources.clone());
    let somebody = args.file != "-" && Somebody::look() == Somebody::There;
    let live = args.format == Format::Human && out.look.terminal && out.look.moves;
    let (mut watcher, screen): (Box<dyn Watcher>, Option<Rc<RefCell<Screen>>>) = match (args.format, live) {
        (Format::Human, true) => {
            let screen = Rc::new(RefCell::new(Screen::new(out)));
            (Box::new(Live::new(screen.clone(), say, opening, sources.clone())), Some(screen))
        }
        (Format::Human, false) => (Box::new(Plain::new(out, say, opening, sources.clone())), None),
        (Format::Json, _) => (Box::new(Json::new(out, ready.id.clone(), started, sources.clone())), None),
    };
    let screen =
        somebody.then(|| screen.unwrap_or_else(|| Rc::new(RefCell::new(Screen::new(Outside::new(Channel::Err))))));
    let voice = screen.map(|screen| Box::new(OnScreen(screen)) as Box<dyn Voice>);
    let mut answers = Answerer::new(args.answer.clone(), voice);
    let end = session::run::run(ready, watcher.as_mut(), &mut answers);
    drop((watcher, answers));
    match end {
        Ok(Some(finish)) => ended(&finish, &written, || again(&finish, started, &sources, known)),
        Ok(None) => {
            complain("a bug in rbk itself: the run waits for nothing and has not ended; it is left as it is", None);
            BUG
        }
        Err(why) => turned_away(args, &Refused::because(why)),
    }
}

/// Its exit code. A run whose story is lost went well only when somebody has looked.
fn ended(finish: &Finish, written: &Written, again: impl FnOnce()) -> u8 {
    let (code, help) = match finish.end {
        End::Succeeded => {
            let help = "the run went on to its end; it exits with 3, not with 0, because what it said is lost";
            (End::Incomplete.exit_code(), help)
        }
        end => (end.exit_code(), "the run went on to its end, which stands below"),
    };
    if got_out(written, Some(help)) {
        return finish.end.exit_code();
    }
    again();
    code
}

/// How it ended, on standard error.
fn again(finish: &Finish, started: Timestamp, sources: &Sources, known: Known) {
    let took = session::now().duration_since(started);
    let took = Nanos(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX));
    let mut err = Outside::new(Channel::Err).knowing(known);
    summary(took, finish, sources).iter().for_each(|line| err.line(line));
}

/// `LABEL=VALUE`.
fn labelled(text: &str) -> Result<String, String> {
    if text.contains('=') {
        Ok(text.to_owned())
    } else {
        Err("write it as LABEL=VALUE, like 'Send traffic?=yes'".to_owned())
    }
}
