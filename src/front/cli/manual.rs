//! `rbk completions SHELL` and `rbk man [COMMAND]`: the command line as shells and `man` read it.
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, OK, REFUSED, complain, say};
use crate::diag::did_you_mean;

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
    clap_complete::generate(args.shell, &mut Cli::command(), "rbk", &mut script);
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
        Ok(()) => said(text),
        Err(error) => {
            complain(&format!("the page cannot be made: {error}"), None);
            REFUSED
        }
    }
}

fn said(text: Vec<u8>) -> u8 {
    say(|out| {
        out.raw(text);
        OK
    })
}
