//! `rbk fmt PATH…`: runbooks in one style; what would change, or how; an exit code.
use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::{FINDINGS, OK, REFUSED, complain, many, tell};
use crate::report::diagnostics;
use crate::report::outside::{Channel, Outside};
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::session::format::{self, Formatted};

/// Write runbooks in the one style (docs/fmt.md); what they do stays the same
///
/// Each file is replaced in one move, or left as it is. One that cannot be read as a script is left with its findings. Exit 0:
/// done, or with --check or --diff nothing to do; 1: a file would change, or is no script; 2: one could not be read or
/// written.
#[derive(Args)]
pub struct Fmt {
    /// Files, directories (every `*.rbk` below them), or `-` alone: from standard input to standard output
    #[arg(required = true)]
    paths: Vec<String>,
    /// Write nothing; list the files that would change
    #[arg(long)]
    check: bool,
    /// Write nothing; print what would change as a unified diff
    #[arg(long)]
    diff: bool,
}

/// What is done with a file that is not in style.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Do {
    Write,
    List,
    Diff,
}

/// How many files were what.
#[derive(Default)]
struct Tally {
    same: usize,
    other: usize,
    unread: usize,
    failed: usize,
}

pub fn fmt(args: &Fmt, say: Say) -> u8 {
    let what = match (args.diff, args.check) {
        (true, _) => Do::Diff,
        (false, true) => Do::List,
        (false, false) => Do::Write,
    };
    if args.paths.iter().any(|path| path == "-") {
        return match (args.paths.len(), what) {
            (1, Do::Write) => filter(),
            (1, _) => super::say(|out| formatted(&args.paths, what, say, out)),
            _ => {
                complain(
                    "`-` stands alone",
                    Some("what comes on standard input goes to standard output, and nothing else does"),
                );
                REFUSED
            }
        };
    }
    super::say(|out| formatted(&args.paths, what, say, out))
}

/// Standard input to standard output.
fn filter() -> u8 {
    let text = match format::format("-") {
        Ok(Formatted::Same(text) | Formatted::Other { after: text, .. }) => text,
        Ok(Formatted::Unread { diagnostics, sources }) => {
            tell(&diagnostics::sorted(diagnostics), &sources);
            return FINDINGS;
        }
        Err(why) => {
            complain(&why, None);
            return REFUSED;
        }
    };
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            super::lost(&error, None);
            REFUSED
        }
        Ok(()) | Err(_) => OK,
    }
}

fn formatted(paths: &[String], what: Do, say: Say, out: &mut Outside) -> u8 {
    let (files, unread) = super::paths::files(paths);
    let mut tally = Tally { failed: unread.len(), ..Tally::default() };
    let look = |file: &String| (file.clone(), format::format(file));
    let done = |(file, made): (String, Result<Formatted, String>)| match made {
        Ok(Formatted::Same(_)) => tally.same += 1,
        Ok(Formatted::Other { before, after }) => match apply(&file, &before, &after, what, say, out) {
            Ok(()) => tally.other += 1,
            Err(why) => {
                complain(&why, None);
                tally.failed += 1;
            }
        },
        Ok(Formatted::Unread { diagnostics, sources }) => {
            tell(&diagnostics::sorted(diagnostics), &sources);
            tally.unread += 1;
        }
        Err(why) => {
            complain(&why, None);
            tally.failed += 1;
        }
    };
    match what {
        // Two names may be one file: it is read as the first has left it.
        Do::Write => files.iter().map(look).for_each(done),
        Do::List | Do::Diff => many::each(&files, look, done),
    }
    if say > Say::Quiet {
        match what {
            Do::Write | Do::List => out.line(&tally.line(what)),
            // Standard output is the diff, whole.
            Do::Diff => Outside::new(Channel::Err).line(&tally.line(what)),
        }
    }
    match tally {
        Tally { failed: 1.., .. } => REFUSED,
        Tally { unread: 1.., .. } => FINDINGS,
        Tally { other: 1.., .. } if what != Do::Write => FINDINGS,
        Tally { .. } => OK,
    }
}

fn apply(file: &str, before: &str, after: &str, what: Do, say: Say, out: &mut Outside) -> Result<(), String> {
    let told = match what {
        Do::Diff => {
            let diff = unified(file, before, after);
            // A text may move the cursor of a terminal; a pipe gets it as it is.
            if out.look.terminal {
                out.text(&diff)
            } else {
                out.raw(diff)
            }
            return Ok(());
        }
        Do::List => "would change",
        Do::Write => {
            format::replace(file, before, after)?;
            "formatted"
        }
    };
    if say > Say::Quiet {
        out.line(&Line::new(0).put(Tone::Doing, told).put(Tone::Plain, format!(" {file}")));
    }
    Ok(())
}

fn unified(file: &str, before: &str, after: &str) -> String {
    let name = if file == "-" { "<stdin>" } else { file };
    // A diff that takes longer is coarser instead.
    let diff = similar::TextDiff::configure().timeout(Duration::from_secs(1)).diff_lines(before, after);
    let name = &quoted(name);
    diff.unified_diff().header(name, name).to_string()
}

/// As `git diff` writes a name that would not stay on its line.
fn quoted(name: &str) -> String {
    if !name.contains(|c: char| c.is_control() || c == '"' || c == '\\') {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => c.to_string().bytes().for_each(|b| out.push_str(&format!("\\{b:03o}"))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Tally {
    fn line(&self, what: Do) -> Line {
        let files = |n: usize| format!("{n} file{}", if n == 1 { "" } else { "s" });
        let mut parts = Vec::new();
        if self.other > 0 {
            parts.push(match what {
                Do::Write => format!("{} formatted", files(self.other)),
                Do::List | Do::Diff => format!("{} would change", files(self.other)),
            });
        }
        if self.same > 0 || self.other + self.unread + self.failed == 0 {
            parts.push(format!("{} in style already", files(self.same)));
        }
        if self.unread > 0 {
            parts.push(format!("{} with syntax errors left", files(self.unread)));
        }
        if self.failed > 0 {
            parts.push(format!("{} not done", self.failed));
        }
        let well = self.unread + self.failed == 0 && (self.other == 0 || what == Do::Write);
        let (tone, sign) = if well { (Tone::Good, "✓ ") } else { (Tone::Bad, "✗ ") };
        Line::new(0).put(tone, sign).put(Tone::Plain, parts.join(", "))
    }
}
