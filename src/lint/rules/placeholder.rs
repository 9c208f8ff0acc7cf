//! What a template leaves open: `<previous-commit-hash>`, `/path/to`, `YYYYMMDD`.
use crate::check::shell::ran::Arg;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Script, text};
use crate::lint::{Look, Rule};
use crate::source::Span;

pub const RULE: Rule = Rule { code: Code::Placeholder, severity: Severity::Error, look: Look::Script(look) };

/// Words that somebody has to fill in, whatever stands around them.
const WORDS: [&str; 13] = [
    "YYYYMMDD",
    "YYYY-MM-DD",
    "HHMMSS",
    "/path/to",
    "CHANGEME",
    "CHANGE_ME",
    "REPLACE_ME",
    "REPLACEME",
    "previous_migration_name",
    "[Phone",
    "[Email]",
    "[URL]",
    "TODO:",
];

/// Names that are one whole word of a command.
const WHOLE: [&str; 5] = ["app_name", "table_name", "db_name", "my-app-name", "service-name"];

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for ran in &script.commands {
        let ran = &ran.it;
        if let Some(word) = brackets(line(script, ran.span)) {
            found.push(finding(&word, ran.span));
            continue;
        }
        let targets = ran.redirects.iter().map(|(_, target)| target);
        for arg in ran.args.iter().chain(&ran.assignments).chain(targets) {
            let named = || whole(&arg.text).or_else(|| unknown(&arg.text)).or_else(|| yours(&arg.text));
            if let Some(word) = open(&arg.text).or_else(named).or_else(|| square(arg)) {
                found.push(finding(&word, arg.span));
            }
        }
    }
    found.extend(script.texts.iter().filter_map(|t| Some(finding(&open(&text(&t.it.parts))?, t.it.span))));
    found.sort_by_key(Diagnostic::span);
    found.dedup_by(|a, b| a.message == b.message && (a.span().contains(b.span()) || b.span().contains(a.span())));
    found
}

fn finding(word: &str, span: Span) -> Diagnostic {
    RULE.found(format!("`{word}` is still to be filled in"), span, "of a template")
        .help("write what is meant, or let it be given: `param name: string where name matches r\"…\"`")
}

/// From where it begins to the end of its line.
pub(super) fn line<'a>(script: &'a Script<'_>, span: Span) -> &'a str {
    let text = script.sources.get(span.file).and_then(|file| file.text.get(span.start as usize..));
    text.and_then(|text| text.lines().next()).unwrap_or_default()
}

fn open(text: &str) -> Option<String> {
    // A text that has not all the letters of a word has not the word.
    let here = letters(text);
    let mut words = WORDS.iter().zip(LETTERS);
    words.find(|(word, needs)| needs & here == *needs && text.contains(*word)).map(|(word, _)| (*word).to_owned())
}

/// A bit for each letter of a text.
const fn letters(text: &str) -> u128 {
    let (mut bits, mut rest) = (0, text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        bits |= 1 << (*first % 128);
        rest = behind;
    }
    bits
}

/// Of [`WORDS`].
const LETTERS: [u128; WORDS.len()] = {
    let mut all = [0; WORDS.len()];
    let (mut rest, mut words): (&mut [u128], &[&str]) = (&mut all, &WORDS);
    while let (Some((bits, behind)), Some((word, others))) = (rest.split_first_mut(), words.split_first()) {
        *bits = letters(word);
        (rest, words) = (behind, others);
    }
    all
};

fn whole(text: &str) -> Option<String> {
    WHOLE.contains(&text).then(|| text.to_owned())
}

/// `YOUR_HOST`, `user@your-server`, `your-domain.com`; not `your-shoes.com`, where somebody may well live.
fn yours(text: &str) -> Option<String> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        let of = ["your-", "your_", "YOUR_", "YOUR-"].iter().find_map(|yours| word.strip_prefix(yours));
        let names =
            of.is_some_and(|of| matches!(of, "domain" | "site" | "server" | "host" | "company" | "org" | "app"));
        if of.is_some_and(|of| !of.is_empty() && of.starts_with(|c: char| c.is_ascii_alphanumeric()))
            && (names || !after.starts_with('.'))
        {
            return Some(word.to_owned());
        }
        rest = after.get(after.chars().next().map_or(0, char::len_utf8)..)?;
    }
    None
}

/// `[service-name]`: for the shell any one of these letters.
fn square(arg: &Arg) -> Option<String> {
    let inside = arg.text.strip_prefix('[')?.strip_suffix(']')?;
    let word = |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_alphabetic());
    (arg.glob && inside.contains(['-', '_']) && inside.split(['-', '_']).all(word)).then(|| arg.text.to_string())
}

/// `novacron-api-xxx`
fn unknown(text: &str) -> Option<String> {
    let part = text
        .split(['-', '.', '/', '='])
        .find(|part| part.len() > 2 && ['x', 'X'].iter().any(|x| part.chars().all(|c| c == *x)));
    part.map(|_| text.to_owned())
}

/// `<commit-hash>`: for the shell a redirection from a file, and into one.
fn brackets(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let end =
            after.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' '))).unwrap_or(after.len());
        let (inside, behind) = after.split_at_checked(end)?;
        let named = inside.starts_with(|c: char| c.is_ascii_alphabetic())
            && inside.ends_with(|c: char| c.is_ascii_alphanumeric());
        let meant = inside.contains(['-', '_']) || NAMES.contains(&inside);
        if behind.starts_with('>') && named && meant {
            return Some(format!("<{inside}>"));
        }
        rest = after;
    }
    None
}

const NAMES: [&str; 28] = [
    "name",
    "id",
    "version",
    "host",
    "hostname",
    "hash",
    "commit",
    "url",
    "user",
    "password",
    "tag",
    "branch",
    "sha",
    "date",
    "pod",
    "namespace",
    "service",
    "database",
    "token",
    "ip",
    "revision",
    "release",
    "migration",
    "container",
    "cluster",
    "node",
    "bucket",
    "server",
];
