//! The command line as it was typed: what cannot be read is named; help that cannot be written is an error.
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use super::check::Check;
use super::plan::Plan;
use super::resume::{Resume, Rollback};
use super::run::Run;
use super::{Cli, REFUSED, Volume, complain, lost};
use crate::report::visible::decoded;

/// What is to be done; else it is said why not, or what was asked for, and this is the exit code.
pub fn read() -> Result<Cli, u8> {
    let typed: Vec<OsString> = std::env::args_os().collect();
    if let Some((what, help)) = unreadable(&typed) {
        complain(&format!("`{what}` is not UTF-8 text"), Some(help));
        return Err(REFUSED);
    }
    // Asked for alone, the version needs no table of every command.
    if let [_, option] = typed.as_slice()
        && (option == "--version" || option == "-V")
    {
        let written = writeln!(std::io::stdout(), "rbk {}", env!("CARGO_PKG_VERSION"));
        return Err(got_said(written, 0));
    }
    short(&typed).map_or_else(|| Cli::try_parse_from(typed).map_err(|said| told(&said)), Ok)
}

/// With nothing built but the options of the one command that is named first. Mistakes and help are for the whole
/// table: it knows what else could be meant.
fn short(typed: &[OsString]) -> Option<Cli> {
    let name = typed.get(1)?.to_str()?;
    let one = match name {
        "run" => Run::augment_args(clap::Command::new("run")),
        "check" => Check::augment_args(clap::Command::new("check")),
        "plan" => Plan::augment_args(clap::Command::new("plan")),
        "resume" => Resume::augment_args(clap::Command::new("resume")),
        "rollback" => Rollback::augment_args(clap::Command::new("rollback")),
        _ => return None,
    };
    let all = Volume::augment_args(clap::Command::new("rbk")).subcommand(one);
    Cli::from_arg_matches(&all.try_get_matches_from(typed).ok()?).ok()
}

/// A mistake stands on standard error. Help and the version stand on standard output, which can be lost.
fn told(said: &clap::Error) -> u8 {
    let written = said.print();
    let code = u8::try_from(said.exit_code()).unwrap_or(REFUSED);
    if said.use_stderr() { code } else { got_said(written, code) }
}

/// The exit code of what standard output was asked for, once it is there. Who closes it has read enough.
fn got_said(written: std::io::Result<()>, code: u8) -> u8 {
    match written.and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            lost(&error, None);
            REFUSED
        }
        Ok(()) | Err(_) => code,
    }
}

/// What to do about a file whose name is no text.
pub const NOT_TEXT: &str = "a file's name must be UTF-8 text: rename it";

/// The first argument that is no text, with the option before it, and what to do.
fn unreadable(typed: &[OsString]) -> Option<(String, &'static str)> {
    let at = typed.iter().skip(1).position(|argument| argument.to_str().is_none())? + 1;
    let shown = decoded(typed.get(at)?.as_bytes());
    let before = typed.get(at - 1).and_then(|before| before.to_str()).filter(|before| takes_value(before));
    let what = before.map_or(shown.clone(), |option| format!("{option} {shown}"));
    let help = match before.or(shown.split_once('=').map(|(option, _)| option)) {
        Some("--set" | "--answer" | "--format" | "--today") => "give it in UTF-8",
        Some(_) | None => NOT_TEXT,
    };
    Some((what, help))
}

fn takes_value(typed: &str) -> bool {
    let Some(name) = typed.strip_prefix("--") else { return false };
    let command = Cli::command();
    let mut known = command.get_subcommands().flat_map(clap::Command::get_arguments);
    known.any(|argument| argument.get_long() == Some(name) && argument.get_action().takes_values())
}
