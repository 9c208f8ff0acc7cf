//! `rbk check PATH…`: every finding of every file, a tally, and an exit code.
use clap::{Args, ValueEnum};

use super::{FINDINGS, OK, REFUSED, complain, draw, many};
use crate::diag::Diagnostic;
use crate::report::diagnostics::{self, Unread};
use crate::report::outside::Outside;
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::session::{self, advice::Advice};
use crate::source::Sources;
use crate::value::Timestamp;

/// Check runbooks without running anything
///
/// Errors keep a script from running; advice is about what goes wrong in runbooks (`rbk explain` lists all). `# rbk: allow(code)
/// reason` takes a finding away, `rbk.toml` says how loud each is. Exit 0: nothing wrong; 1: findings; 2: a file could not be
/// read.
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
    /// Mend what can be mended safely, in place; tell what is left
    #[arg(long)]
    fix: bool,
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
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

pub fn check(args: &Check, say: Say) -> u8 {
    super::say(|out| checked(args, say, out))
}

/// What was seen so far.
#[derive(Default)]
struct Tally {
    read: usize,
    errors: usize,
    warnings: usize,
    mended: usize,
}

fn checked(args: &Check, say: Say, out: &mut Outside) -> u8 {
    let (files, mut unread) = super::paths::files(&args.paths);
    let today = args.today.unwrap_or_else(session::now);
    let advice = Advice::new(today);
    let mut tally = Tally::default();
    let mut kept: Vec<(Vec<Diagnostic>, Sources)> = Vec::new();
    let look = |file: &String| {
        let seen = if args.fix { advice.mended(file) } else { advice.given(file) };
        seen.map_err(|why| Unread { path: file.clone(), why })
    };
    many::each(&files, look, |seen| {
        let (found, sources) = match seen {
            Ok(seen) => {
                tally.mended += seen.mended;
                (diagnostics::sorted(seen.found), seen.sources)
            }
            Err(why) => {
                complain(&why.why, None);
                unread.push(why);
                return;
            }
        };
        tally.read += 1;
        let (errors, warnings) = diagnostics::count(&found);
        (tally.errors, tally.warnings) = (tally.errors + errors, tally.warnings + warnings);
        match args.format {
            Format::Human => draw(&found, &sources, out),
            Format::Short => found.iter().for_each(|d| out.raw(diagnostics::short(d, &sources))),
            Format::Github => found.iter().for_each(|d| out.raw(diagnostics::github(d, &sources))),
            Format::Json | Format::Sarif => kept.push((found, sources)),
        }
    });
    let all = || kept.iter().flat_map(|(d, s)| d.iter().map(move |d| (d, s)));
    match args.format {
        Format::Json => out.raw(diagnostics::json(all(), &unread)),
        Format::Sarif => out.raw(diagnostics::sarif(all())),
        Format::Human if tally.read > 0 && say > Say::Quiet || tally.errors + tally.warnings > 0 => {
            out.line(&tally.line());
        }
        Format::Human | Format::Short | Format::Github => {}
    }
    match tally {
        _ if !unread.is_empty() => REFUSED,
        Tally { errors: 0, warnings: 0, .. } => OK,
        Tally { errors: 0, .. } if !args.deny_warnings => OK,
        Tally { .. } => FINDINGS,
    }
}

impl Tally {
    fn line(&self) -> Line {
        let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let files = many(self.read, "file");
        let mended = if self.mended > 0 { format!("{} mended, ", many(self.mended, "finding")) } else { String::new() };
        match (self.errors, self.warnings) {
            (0, 0) => {
                let text =
                    format!("{mended}{files} checked, nothing {}found", if self.mended > 0 { "else " } else { "" });
                Line::new(0).put(Tone::Good, "✓ ").put(Tone::Plain, text)
            }
            (errors, warnings) => {
                let tone = if errors > 0 { Tone::Bad } else { Tone::Warn };
                let found = diagnostics::tally(errors, warnings);
                Line::new(0).put(tone, format!("{mended}{found}")).put(Tone::Plain, format!(" in {files}"))
            }
        }
    }
}
