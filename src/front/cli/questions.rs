//! Questions that nobody will be there to answer: refused before the first action, each with the exact `--answer` to give.
use std::cell::RefCell;

use super::refused::Refused;
use crate::check::program::Program;
use crate::check::unkept::read_again;
use crate::diag::did_you_mean;
use crate::plan::{Asked, AskedKind, labels, questions, unwritten};
use crate::run::answers::{beforehand, yes_or_no};
use crate::run::resume::{CHANGED, CHANGES};
use crate::session::run::Ready;
use crate::value::{SmolStr, format_smolstr, read};

/// Every answer is to a question of the file, and each of them has one at most.
pub fn known(labels: &[SmolStr], answers: &[String]) -> Result<(), Refused> {
    let mut seen: Vec<&str> = Vec::new();
    let mut wrong = Vec::new();
    for answer in answers {
        let first = answer.split_once('=').map_or(answer.as_str(), |(label, _)| label);
        // A label may hold a `=` itself: the longest one that fits is meant.
        let label =
            labels.iter().map(SmolStr::as_str).filter(|label| answers_it(answer, label)).max_by_key(|l| l.len());
        let label = label.or_else(|| is_path(first).then_some(first));
        let Some(label) = label else {
            let help = match did_you_mean(first, labels.iter().map(SmolStr::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if labels.is_empty() => "the runbook asks nothing".to_owned(),
                None => format!("its questions are {}", listed(labels.iter().map(SmolStr::as_str))),
            };
            let message = format!("the runbook has no question `{first}`, given by `--answer`: nothing was run");
            wrong.push((message, Some(help)));
            continue;
        };
        if seen.contains(&label) {
            let message = format!("`{label}` is answered twice: nothing was run");
            wrong.push((message, Some("leave one `--answer` out".to_owned())));
        }
        seen.push(label);
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refused::several(wrong)) }
}

/// Of a run that goes on.
pub fn known_later(program: &Program, answers: &[String]) -> Result<(), Refused> {
    let changed = match read_again(program) {
        Some(secrets) => secrets.iter().map(|secret| format_smolstr!("{CHANGED}{secret}")).collect(),
        // Only the run knows them: what is given is taken for one.
        None => answers.iter().filter_map(|answer| changed_label(answer)).collect::<Vec<_>>(),
    };
    known(&[labels(program), unwritten(program), changed.clone()].concat(), answers)?;
    let unfit = answers.iter().filter_map(|answer| {
        let label = changed.iter().filter(|label| answers_it(answer, label)).max_by_key(|label| label.len())?;
        let said = answer.get(label.len() + 1..)?.trim();
        let fits = CHANGES.contains(&said) || said.parse::<usize>().is_ok();
        let message =
            format!("the answer `{said}` to `{label}` does not fit: it is none of {}", listed(CHANGES.into_iter()));
        (!fits).then_some((message, None))
    });
    let unfit: Vec<_> = unfit.collect();
    if unfit.is_empty() { Ok(()) } else { Err(Refused::several(unfit)) }
}

fn changed_label(answer: &str) -> Option<SmolStr> {
    answer.rsplit_once('=').map(|(label, _)| SmolStr::from(label)).filter(|label| label.starts_with(CHANGED))
}

fn answers_it(answer: &str, label: &str) -> bool {
    answer.strip_prefix(label).is_some_and(|rest| rest.starts_with('='))
}

/// `3.1[0]`: a place, which only the run can tell from another.
fn is_path(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '[' | ']'))
}

/// Every answer fits, and nothing is left open.
pub fn answered(ready: &Ready, answers: &[String]) -> Result<(), Refused> {
    let wrong = RefCell::new(Vec::new());
    let answer = |asked: &Asked| {
        let text = beforehand(answers, &asked.source, &asked.path)?;
        if let Err(why) = fits(asked, text) {
            let message = format!("the answer `{text}` to `{}` does not fit: {why}", asked.source);
            wrong.borrow_mut().push((message, None));
        }
        Some(text.to_owned())
    };
    let open = questions(&ready.program, &ready.sources, &ready.params, &answer);
    let mut wrong = wrong.into_inner();
    if !open.is_empty() {
        let many = if open.len() == 1 { "a question has".to_owned() } else { format!("{} questions have", open.len()) };
        let help: Vec<String> = open.iter().map(help).collect();
        let message = format!("{many} no answer, and nobody is at a terminal: nothing was run");
        wrong.push((message, Some(help.join("\n"))));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refused::several(wrong)) }
}

/// With a person at the terminal only what was given is looked at.
fn fits(asked: &Asked, text: &str) -> Result<(), String> {
    if let AskedKind::Text(ty) = &asked.kind {
        return read::read(ty, text).map(drop);
    }
    let good = match &asked.kind {
        AskedKind::Confirm | AskedKind::Irreversible => yes_or_no(text.trim()).is_some(),
        AskedKind::Choose(options) => {
            let number = text.trim().parse::<usize>().is_ok_and(|n| (1..=options.len()).contains(&n));
            options.is_empty() || number || options.iter().any(|option| option == text.trim())
        }
        AskedKind::Text(_) => true,
    };
    match (&asked.kind, good) {
        (_, true) => Ok(()),
        (AskedKind::Choose(options), false) => {
            Err(format!("it is none of {}", listed(options.iter().map(String::as_str))))
        }
        (_, false) => Err("it is neither `yes` nor `no`".to_owned()),
    }
}

fn listed<'a>(options: impl Iterator<Item = &'a str>) -> String {
    options.map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ")
}

/// `--answer 'Send traffic to #{pool}?=yes'`, and what it answers.
fn help(asked: &Asked) -> String {
    let (value, about) = match &asked.kind {
        AskedKind::Confirm => ("yes".to_owned(), format!("it asks: {}", asked.text)),
        AskedKind::Irreversible => ("yes".to_owned(), "a point of no return".to_owned()),
        AskedKind::Text(ty) => ("…".to_owned(), format!("it asks for {}: {}", read::name(ty), asked.text)),
        AskedKind::Choose(options) => {
            let first = options.first().cloned().unwrap_or_else(|| "…".to_owned());
            let others = if options.len() > 1 {
                format!(" ({})", listed(options.iter().map(String::as_str)))
            } else {
                String::new()
            };
            (first, format!("it asks: {}{others}", asked.text))
        }
    };
    let word = format!("{}={value}", asked.source).replace('\'', "'\\''");
    format!("--answer '{word}'   {about}")
}
