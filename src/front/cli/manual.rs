//! `rbk completions SHELL` and `rbk man [COMMAND]`: the command line as shells and `man` read it.
use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, OK, REFUSED, complain, say};
use crate::diag::{Code, did_you_mean};

/// Print completions for a shell
#[derive(Args)]
pub struct Completions {
    /// Which shell reads them
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, in the form that `man -l` reads
#[derive(Args)]
pub struct Man {
    /// The page of one command, like `run`
    command: Option<String>,
}

pub fn completions(args: &Completions) -> u8 {
    let mut script = Vec::new();
    // A code that is none is told with the nearest one, so only completion knows the list.
    let codes = PossibleValuesParser::new(Code::ALL.iter().map(|code| code.name()));
    let mut all = Cli::command().mut_subcommand("explain", |one| one.mut_arg("code", |code| code.value_parser(codes)));
    clap_complete::generate(args.shell, &mut all, "rbk", &mut script);
    said(script)
}

pub fn man(args: &Man) -> u8 {
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    let page = match &args.command {
        None => all,
        Some(name) => match all.find_subcommand(name) {
            Some(one) => one.clone(),
            None => {
                let near = did_you_mean(name, all.get_subcommands().map(clap::Command::get_name));
                let help = near.map_or("`rbk help` lists every command".to_owned(), |n| format!("did you mean `{n}`?"));
                complain(&format!("there is no command `{name}`"), Some(&help));
                return REFUSED;
            }
        },
    };
    let mut text = Vec::new();
    match clap_mangen::Man::new(page).source(concat!("rbk ", env!("CARGO_PKG_VERSION"))).render(&mut text) {
        Ok(()) => {
            let name = args.command.as_deref().unwrap_or("run");
            text.extend(sections(name).into_bytes());
            said(text)
        }
        Err(error) => {
            complain(&format!("the page cannot be made: {error}"), None);
            REFUSED
        }
    }
}

/// Of a command, what each exit code says.
fn exits(command: &str) -> &'static [(&'static str, &'static str)] {
    match command {
        "run" | "resume" | "repl" => &[
            ("0", "done"),
            ("1", "failed, and everything done is undone"),
            ("2", "refused before the first action"),
            ("3", "failed, and a person is needed"),
            ("4", "stopped"),
        ],
        "rollback" => &[
            ("0", "all that was asked for is undone"),
            ("2", "refused before the first action"),
            ("3", "a person is needed"),
            ("4", "stopped"),
        ],
        "check" => &[
            ("0", "nothing, or warnings alone"),
            ("1", "errors; with --deny-warnings warnings too"),
            ("2", "a file or its rbk.toml could not be read; the rest is checked"),
        ],
        "fmt" => &[
            ("0", "done, or nothing to do"),
            ("1", "a file is no script; with --check or --diff, one would change"),
            ("2", "a file could not be read or written; the rest is done"),
        ],
        _ => &[("0", "done"), ("1", "findings in the runbook"), ("2", "it could not be done")],
    }
}

const ENVIRONMENT: [(&str, &str); 9] = [
    ("RBK_JOURNAL", "where runs are kept: a file, or postgres://…"),
    ("RBK_JOURNAL_KEY", "seals the secrets in the journal: 32 bytes as Base64, or a passphrase"),
    ("RBK_JOURNAL_LEASE", "how long a process holds a run in a team's journal, from 1s to 1h (30s)"),
    ("RBK_STATE_DIR", "where the journal and locks are, in place of $XDG_STATE_HOME/rbk or ~/.local/state/rbk"),
    ("RBK_GRACE", "how long a command that is to end may take before it is killed (5s)"),
    ("RBK_VALUE_LIMIT", "the longest output that is taken as a value (1MiB)"),
    ("RBK_OUTPUT_LIMIT", "how much of a command's output is kept in a file (64MiB)"),
    ("NO_COLOR", "no colours when it is set"),
    ("RBK_ACTION", "set for each command of a run: run, path and attempt"),
];

const FILES: [(&str, &str); 3] = [
    ("*.rbk", "runbooks and libraries"),
    ("rbk.toml", "beside a runbook or in a folder above it: how loud findings are, which commands only read"),
    ("~/.local/state/rbk/journal.db", "the runs of this user, with journal.db-runs beside it"),
];

/// What clap knows nothing of, in the form of `man`.
fn sections(command: &str) -> String {
    let mut page = String::new();
    for (title, rows) in [("EXIT STATUS", exits(command)), ("ENVIRONMENT", &ENVIRONMENT), ("FILES", &FILES)] {
        page.push_str(&format!(".SH \"{title}\"\n"));
        for (name, what) in rows {
            page.push_str(&format!(".TP\n\\fB{}\\fR\n\\&{}\n", name.replace('-', "\\-"), what.replace('-', "\\-")));
        }
    }
    page
}

fn said(text: Vec<u8>) -> u8 {
    say(|out| {
        out.raw(text);
        OK
    })
}
