//! Known read, known write, or unknown: of every simple command, those in pipes and substitutions too.
use crate::check::program::Class;

use super::inner;
use super::pattern::{Pattern, like};
use super::previews::PREVIEWS;
use super::reads::Reads;
use super::table::{Table, listed};
use super::tree::{Piece, Redirect, Script, Simple, Then, Word};
use super::wrapper;
use super::writes::{GLOBAL, WRITES};

static KNOWN_WRITES: Table<{ WRITES.len() }> = Table::new(listed(WRITES), |line| Pattern::writing(line, GLOBAL));
static KNOWN_PREVIEWS: Table<{ PREVIEWS.len() }> = Table::new(listed(PREVIEWS), |line| Pattern::writing(line, GLOBAL));

pub fn class(script: &Script, reads: &Reads) -> Class {
    let mut out = Class::Read;
    let mut ran = false;
    script.visit(&mut |part| {
        ran |= part.commands.iter().any(|c| !c.words.is_empty() && !c.data);
        let unparsed = if part.unparsed { Class::Unknown } else { Class::Read };
        out = part.commands.iter().map(|c| command(c, reads)).fold(worse(out, unparsed), worse);
        if runs_what_it_fetches(part) {
            out = Class::Write;
        }
    });
    // Nothing that runs is nothing that is known.
    if ran { out } else { worse(out, Class::Unknown) }
}

fn worse(a: Class, b: Class) -> Class {
    match (a, b) {
        (Class::Write, _) | (_, Class::Write) => Class::Write,
        (Class::Unknown, _) | (_, Class::Unknown) => Class::Unknown,
        (Class::Read, Class::Read) => Class::Read,
    }
}

fn command(command: &Simple, reads: &Reads) -> Class {
    if command.redirects.iter().any(writes_file) {
        return Class::Write;
    }
    let class = if command.data || command.words.is_empty() { Class::Read } else { words(&command.words, reads) };
    let harmless = command.assignments.iter().all(|w| harmless_variable(&w.opening()));
    if harmless { class } else { worse(class, Class::Unknown) }
}

fn words(words_: &[Word], reads: &Reads) -> Class {
    if previews(words_) {
        // What is computed could be an option that takes it back.
        let open = words_.iter().any(|word| word.opening().is_empty() && word.literal().is_none());
        return if open { Class::Unknown } else { Class::Read };
    }
    if KNOWN_WRITES.knows(words_) {
        return Class::Write;
    }
    let inner = wrapper::inner(words_).map(|(inner, transparent)| (words(inner, reads), transparent));
    match inner {
        Some((Class::Write, _)) => Class::Write,
        Some((Class::Read, true)) => Class::Read,
        Some(_) => Class::Unknown,
        None if reads.knows(words_) => Class::Read,
        None => Class::Unknown,
    }
}

/// It shows what it would do.
#[must_use]
pub fn previews(words: &[Word]) -> bool {
    KNOWN_PREVIEWS.knows(words) && !words.iter().any(takes_it_back)
}

/// `--dry-run=none`, `--no-dry-run`
fn takes_it_back(word: &Word) -> bool {
    word.literal().is_some_and(|w| {
        matches!(&*w, "--no-dry-run" | "--no-n" | "--dry-run=none" | "--dry-run=false" | "--no-simulate")
    })
}

/// `curl … | bash`, `bash -c "$(curl …)"`, `bash <(curl …)`: whatever the other side says is done.
fn runs_what_it_fetches(script: &Script) -> bool {
    let mut fetched = false;
    for command in &script.commands {
        let code = inner::shell_code(&command.words);
        let file = command.words.iter().skip(1).find(|w| !w.opening().starts_with('-')).filter(|_| code.is_empty());
        let file = file.filter(|_| program(&command.words).is_some_and(|name| RUNNERS.contains(&name.as_str())));
        if fetched && inner::runs_stdin(&command.words) || code.into_iter().chain(file).any(holds_fetch) {
            return true;
        }
        fetched = command.then == Then::Pipe && (fetched || fetches(command));
    }
    false
}

/// What runs the file that it is given.
const RUNNERS: [&str; 8] = ["bash", "sh", "dash", "zsh", "ksh", "ash", "source", "."];

fn program(words: &[Word]) -> Option<String> {
    let name = words.first()?.literal()?;
    name.rsplit('/').next().map(str::to_owned)
}

fn fetches(command: &Simple) -> bool {
    program(&command.words).is_some_and(|name| matches!(name.as_str(), "curl" | "wget"))
}

fn holds_fetch(word: &Word) -> bool {
    word.pieces.iter().any(|p| matches!(p, Piece::Substitution(inner) if inner.commands.iter().any(fetches)))
}

/// `>`, `>>`, `&>`, `<>` into anything but `/dev/null`, a standard stream or a descriptor.
fn writes_file(redirect: &Redirect) -> bool {
    if !redirect.op.contains('>') {
        return false;
    }
    let target = redirect.target.literal().unwrap_or_default();
    let descriptor =
        redirect.op == ">&" && !target.is_empty() && target.chars().all(|c| c.is_ascii_digit() || c == '-');
    let harmless = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/fd/*"].iter().any(|p| like(p, &target));
    !harmless && !descriptor
}

/// `LC_ALL=C sort` stays a read; `PATH=… ls` or `LD_PRELOAD=… ls` is anything.
fn harmless_variable(assignment: &str) -> bool {
    let name = assignment.split(['=', '+']).next().unwrap_or("");
    ["LC_*", "LANG", "LANGUAGE", "TZ", "PG*", "KUBECONFIG", "AWS_*", "NO_COLOR", "COLUMNS", "TERM", "DOCKER_HOST"]
        .iter()
        .any(|p| like(p, name))
        || name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
