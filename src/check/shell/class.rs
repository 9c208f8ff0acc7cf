//! Known read, known write, or unknown: of every simple command, those in pipes and substitutions too.
use std::sync::OnceLock;

use crate::check::program::Class;

use super::pattern::{self, Pattern, like};
use super::reads::Reads;
use super::tree::{Redirect, Script, Simple, Word};
use super::wrapper;
use super::writes::{GLOBAL, WRITES};

pub fn class(script: &Script, reads: &Reads) -> Class {
    let mut out = Class::Read;
    let mut ran = false;
    script.visit(&mut |part| {
        ran |= part.commands.iter().any(|c| !c.words.is_empty() && !c.data);
        let unparsed = if part.unparsed { Class::Unknown } else { Class::Read };
        out = part.commands.iter().map(|c| command(c, reads)).fold(worse(out, unparsed), worse);
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
    if pattern::any(known_writes(), words_) {
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

fn known_writes() -> &'static [Pattern] {
    static PATTERNS: OnceLock<Vec<Pattern>> = OnceLock::new();
    PATTERNS.get_or_init(|| WRITES.iter().map(|line| Pattern::writing(line, GLOBAL)).collect())
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
