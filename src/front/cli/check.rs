//! `rbk check PATH…`: every finding of every file, a tally, and an exit code.
use clap::{Args, ValueEnum};

use super::{FINDINGS, OK, REFUSED, complain, draw};
use crate::diag::Diagnostic;
use crate::report::diagnostics;
use crate::report::outside::Outside;
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::session;
use crate::source::Sources;
use crate::value::Timestamp;

/// Check runbooks without running anything
#[derive(Args)]
pub struct Check {
    /// Files, directories (every `*.rbk` below them), or `-` for standard input
    #[arg(required = true)]
    paths: Vec<String>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Exit 1 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// The day that reviews are due against (default: today)
    #[arg(long, value_name = "DATE", value_parser = crate::value::read::time)]
    today: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With a piece of the source; of a file's findings the first 50
    Human,
    /// One line a finding: `file:line:column: code: message`
    Short,
    /// One JSON object
    Json,
}

pub fn check(args: &Check, say: Say) -> u8 {
    super::say(|out| checked(args, say, out))
}

fn checked(args: &Check, say: Say, out: &mut Outside) -> u8 {
    let (files, mut unreadable) = super::paths::files(&args.paths);
    let today = args.today.unwrap_or_else(session::now);
    let (mut read, mut errors, mut warnings) = (0, 0, 0);
    let mut kept: Vec<(Vec<Diagnostic>, Sources)> = Vec::new();
    for file in &files {
        let opened = match session::open(file) {
            Ok(opened) => opened,
            Err(why) => {
                complain(&why, None);
                unreadable += 1;
                continue;
            }
        };
        read += 1;
        let found = diagnostics::sorted(session::advise(&opened, today));
        let sources = opened.sources;
        let (e, w) = diagnostics::count(&found);
        (errors, warnings) = (errors + e, warnings + w);
        match args.format {
            Format::Human => draw(&found, &sources, out),
            Format::Short => found.iter().for_each(|d| out.raw(diagnostics::short(d, &sources))),
            Format::Json => kept.push((found, sources)),
        }
    }
    match args.format {
        Format::Json => out.raw(diagnostics::json(kept.iter().flat_map(|(d, s)| d.iter().map(move |d| (d, s))))),
        Format::Human if read > 0 && say > Say::Quiet || errors + warnings > 0 => {
            out.line(&tally(read, errors, warnings));
        }
        Format::Human | Format::Short => {}
    }
    match (unreadable, errors, warnings) {
        (1.., _, _) => REFUSED,
        (0, 0, 0) => OK,
        (0, 0, _) if !args.deny_warnings => OK,
        (0, _, _) => FINDINGS,
    }
}

fn tally(files: usize, errors: usize, warnings: usize) -> Line {
    let files = format!("{files} file{}", if files == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => Line::new(0).put(Tone::Good, "✓ ").put(Tone::Plain, format!("{files} checked, nothing found")),
        _ => {
            let tone = if errors > 0 { Tone::Bad } else { Tone::Warn };
            let found = diagnostics::tally(errors, warnings);
            Line::new(0).put(tone, found).put(Tone::Plain, format!(" in {files}"))
        }
    }
}
