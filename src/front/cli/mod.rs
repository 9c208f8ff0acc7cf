//! The command line: one file a subcommand. In: arguments. Out: an exit code; everything said goes through `report`.
mod answers;
mod check;
mod docs;
mod explain;
mod inputs;
mod plan;
mod questions;
mod run;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::diag::Diagnostic;
use crate::report::diagnostics;
use crate::report::outside::{Channel, Outside};
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::session::Opened;
use crate::source::Sources;

/// Done, clean.
const OK: u8 = 0;
/// Findings.
const FINDINGS: u8 = 1;
/// Refused before the first action; could not do the work.
const REFUSED: u8 = 2;
/// A panic: a bug in rbk itself.
const BUG: u8 = 101;

/// Stack for deeply nested texts; only what is used is ever touched.
const STACK: usize = 256 << 20;

/// Runbooks that are checked before they run, and undone when they fail
#[derive(Parser)]
#[command(name = "rbk", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    say: Volume,
}

#[derive(Args, Clone, Copy)]
struct Volume {
    /// Say only what went wrong, questions, and the end
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say also what conditions read
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Volume {
    fn say(self) -> Say {
        match (self.quiet, self.verbose) {
            (true, _) => Say::Quiet,
            (false, true) => Say::Verbose,
            (false, false) => Say::Normal,
        }
    }
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Plan(plan::Plan),
    Explain(explain::Explain),
    Docs(docs::Docs),
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|info| bug(info.location())));
    let cli = Cli::parse();
    let work = move || match cli.command {
        Command::Run(args) => run::run(&args, cli.say.say()),
        Command::Check(args) => check::check(&args, cli.say.say()),
        Command::Plan(args) => plan::plan(&args, cli.say.say()),
        Command::Explain(args) => explain::explain(&args),
        Command::Docs(args) => docs::docs(&args),
    };
    let thread = std::thread::Builder::new().name("rbk".to_owned()).stack_size(STACK).spawn(work);
    let code = match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_)) => BUG,
        Err(error) => {
            complain(&format!("cannot start a thread: {error}"), None);
            REFUSED
        }
    };
    ExitCode::from(code)
}

/// A panic's own message may hold anything, a secret too: only its place is told.
fn bug(place: Option<&std::panic::Location<'_>>) {
    let place = place.map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
    complain(
        &format!("a bug in rbk itself, at {place}: what was under way is left as it is"),
        Some("please report this place, and what the runbook was doing"),
    );
}

/// One line for a person, on standard error.
fn complain(message: &str, help: Option<&str>) {
    let mut err = Outside::new(Channel::Err);
    err.line(&Line::new(0).put(Tone::Bad, "error: ").put(Tone::Plain, message));
    for help in help.iter().flat_map(|help| help.lines()) {
        err.line(&Line::new(1).put(Tone::Doing, "help: ").put(Tone::Plain, help));
    }
}

/// Diagnostics for a person, on standard error, with their tally.
fn tell(found: Vec<Diagnostic>, sources: &Sources) {
    let mut err = Outside::new(Channel::Err);
    let found = diagnostics::sorted(found);
    for diagnostic in &found {
        let text = diagnostics::human(diagnostic, sources, err.look);
        err.raw(text);
    }
}

/// A file that could be read and has no errors; warnings are told. Else the exit code, everything said.
fn open(path: &str, say: Say) -> Result<Opened, u8> {
    let mut opened = crate::session::open(path).map_err(|why| {
        complain(&why, None);
        REFUSED
    })?;
    let found = std::mem::take(&mut opened.diagnostics);
    let (errors, warnings) = diagnostics::count(&found);
    if errors > 0 || (warnings > 0 && say > Say::Quiet) {
        tell(found, &opened.sources);
    }
    if errors > 0 {
        complain(&format!("{} in `{path}`: nothing was run", diagnostics::tally(errors, warnings)), None);
        return Err(REFUSED);
    }
    Ok(opened)
}
