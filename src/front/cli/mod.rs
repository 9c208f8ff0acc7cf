//! The command line: one file a subcommand. In: arguments. Out: an exit code; everything said goes through `report`.
mod answers;
mod arguments;
mod check;
pub mod docs;
mod driven;
mod due;
pub mod explain;
mod fmt;
mod inputs;
mod manual;
mod many;
mod paths;
mod plan;
mod questions;
mod refused;
mod repl;
pub mod report;
mod resume;
mod run;
mod runs;
mod show;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::check::Program;
use crate::diag::Diagnostic;
use crate::report::diagnostics;
use crate::report::outside::{Channel, Outside, Written};
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::session::Opened;
use crate::source::Sources;
use refused::Refused;

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
    Resume(resume::Resume),
    Rollback(resume::Rollback),
    Runs(runs::Runs),
    Show(show::Show),
    Report(report::Report),
    Close(runs::Close),
    Repl(repl::Repl),
    Check(check::Check),
    Fmt(fmt::Fmt),
    Plan(plan::Plan),
    Explain(explain::Explain),
    Docs(docs::Docs),
    Completions(manual::Completions),
    Man(manual::Man),
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    crate::run::process::outlive_large_files();
    tell_bugs();
    let cli = match arguments::read() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    let work = move || match cli.command {
        Command::Run(args) => run::run(&args, cli.say.say()),
        Command::Resume(args) => resume::resume(&args, cli.say.say()),
        Command::Rollback(args) => resume::rollback(&args, cli.say.say()),
        Command::Runs(args) => runs::runs(&args),
        Command::Show(args) => show::show(&args, cli.say.say()),
        Command::Report(args) => report::report(&args),
        Command::Close(args) => runs::close(&args),
        Command::Repl(args) => repl::repl(&args, cli.say.say()),
        Command::Check(args) => check::check(&args, cli.say.say()),
        Command::Fmt(args) => fmt::fmt(&args, cli.say.say()),
        Command::Plan(args) => plan::plan(&args, cli.say.say()),
        Command::Explain(args) => explain::explain(&args),
        Command::Docs(args) => docs::docs(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    };
    // On this thread: another one would have an allocator of its own, which grows by a page at a time.
    let code = std::panic::catch_unwind(AssertUnwindSafe(|| stacker::grow(STACK, work)));
    ExitCode::from(code.unwrap_or(BUG))
}

fn tell_bugs() {
    std::panic::set_hook(Box::new(|info| bug(info.location())));
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
        // What is indented goes on.
        let word = if help.starts_with(' ') { "      " } else { "help: " };
        err.line(&Line::new(1).put(Tone::Doing, word).put(Tone::Plain, help));
    }
}

/// What is said on standard output, and the exit code: 2 when it could not be written.
fn say(speak: impl FnOnce(&mut Outside) -> u8) -> u8 {
    let mut out = Outside::new(Channel::Out);
    let written = out.written();
    let code = speak(&mut out);
    drop(out);
    if got_out(&written, None) { code } else { REFUSED }
}

/// Everything is written; else that is told.
fn got_out(written: &Written, help: Option<&str>) -> bool {
    let Some(error) = written.wrong() else { return true };
    lost(error, help);
    false
}

fn lost(error: &std::io::Error, help: Option<&str>) {
    complain(&format!("standard output cannot be written: {}", crate::session::reason(error)), help);
}

/// Sorted diagnostics for a person, on standard error.
fn tell(found: &[Diagnostic], sources: &Sources) {
    draw(found, sources, &mut Outside::new(Channel::Err));
}

/// Sorted diagnostics of one file, up to what a person can read.
fn draw(found: &[Diagnostic], sources: &Sources, out: &mut Outside) {
    let (shown, more) = diagnostics::shown(found);
    for diagnostic in shown {
        out.raw(diagnostics::human(diagnostic, sources, out.look));
    }
    if more > 0 {
        let text = format!("… and {more} more here, not shown; `rbk check --format short` lists all");
        out.line(&Line::new(0).put(Tone::Warn, text));
    }
}

/// A file that could be read, has no errors, and holds a runbook; warnings are told.
fn open(path: &str, say: Say) -> Result<(Arc<Program>, Sources), Refused> {
    let Opened { sources, program, diagnostics: found, .. } = crate::session::open(path).map_err(Refused::because)?;
    let (errors, warnings) = diagnostics::count(&found);
    if errors > 0 {
        let message = format!("{} in `{path}`: nothing was run", diagnostics::tally(errors, warnings));
        return Err(Refused::findings(found, &sources, message));
    }
    if warnings > 0 && say > Say::Quiet {
        tell(&diagnostics::sorted(found), &sources);
    }
    match program {
        Some(program) if program.book.is_some() => Ok((program, sources)),
        Some(_) | None => {
            let message = format!("there is no runbook in `{path}`: it is a library");
            Err(Refused::helped(message, format!("a runbook takes what it has with `use \"./{}\"`", name(path))))
        }
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    /// In a process of its own: a hook is all of it.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "starts itself again")]
    fn a_panic_tells_its_place_and_not_what_it_holds() {
        const CANARY: &str = "Zq8canary-of-a-panic";
        if std::env::var_os("RBK_TEST_PANIC").is_some() {
            super::tell_bugs();
            panic!("{CANARY}");
        }
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "front::cli::tests::a_panic_tells_its_place_and_not_what_it_holds", "--nocapture"]);
        let out = again.env("RBK_TEST_PANIC", "1").env("RUST_BACKTRACE", "1").output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(!out.status.success() && said.contains("a bug in rbk itself, at src/front/cli/mod.rs:"), "{said}");
        assert!(!said.contains(CANARY), "{said}");
    }
}
