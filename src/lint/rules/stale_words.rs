//! The version or the time of an earlier release, in the message about this one.
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Script, text};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::StaleWords, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let said = script.texts.iter().filter_map(|t| Some((stale(&text(&t.it.parts))?, t.it.span)));
    let args = script.commands.iter().flat_map(|ran| &ran.it.args);
    let written = args.filter_map(|arg| Some((stale(&arg.text)?, arg.span)));
    let found = said.chain(written).map(|(word, span)| {
        RULE.found(format!("`{word}` is true of one release"), span, "the next run says the same")
            .help("say what this run knows: `#{version}` of a parameter, `#{run.id}`; the report has the times")
    });
    found.collect()
}

/// The first such word of a text that tells how it went.
fn stale(said: &str) -> Option<String> {
    const WENT: [&str; 9] =
        ["deployed", "released", "succe", "completed", "finished", "rolled back", "is live", "is out", "deployment"];
    if !said.contains(' ') {
        return None;
    }
    let lower = said.to_lowercase();
    if !WENT.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let mut words =
        said.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '(' | ')' | '!')).peekable();
    while let Some(word) = words.next() {
        let word = word.trim_end_matches(['.', ':', ';']);
        if version(word) || date(word) || clock(word) && words.peek() == Some(&"UTC") {
            return Some(word.to_owned());
        }
    }
    None
}

/// `v1.6.0`
fn version(word: &str) -> bool {
    let parts: Vec<&str> = word.strip_prefix('v').unwrap_or_default().split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| digits(part))
}

/// `20250110`, `2025-01-10`
fn date(word: &str) -> bool {
    let plain = word.replace('-', "");
    digits(&plain) && plain.len() == 8 && plain.starts_with("20")
}

/// `15:45`
fn clock(word: &str) -> bool {
    word.split_once(':').is_some_and(|(hour, minute)| digits(hour) && digits(minute) && minute.len() == 2)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
