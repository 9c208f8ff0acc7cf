//! Questions that nobody will be there to answer: refused before the first action, each with the exact `--answer` to give.
use std::cell::RefCell;

use super::refused::Refused;
use crate::check::program::Program;
use crate::check::unkept::read_again;
use crate::diag::did_you_mean;
use crate::engine::DOUBTS;
use crate::plan::{Asked, AskedKind, IN_DOUBT, labels, questions, unwritten};
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
            let (message, help) = unknown(labels, first);
            wrong.push((format!("{message}: nothing was run"), Some(help)));
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

fn unknown(labels: &[SmolStr], first: &str) -> (String, String) {
    let help = match did_you_mean(first, labels.iter().map(SmolStr::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if labels.is_empty() => "the runbook asks nothing".to_owned(),
        None => format!("its questions are {}", listed(labels.iter().map(SmolStr::as_str))),
    };
    (format!("the runbook has no question `{first}`, given by `--answer`"), help)
}

/// Of a console with a runbook: answers to no question of it, each with a way out. What is typed may still ask it.
pub fn strange(labels: &[SmolStr], answers: &[String]) -> Vec<(String, String)> {
    let strange = answers.iter().filter(|answer| !labels.iter().any(|label| answers_it(answer, label)));
    let first = strange.filter_map(|answer| answer.split_once('=')).map(|(label, _)| label);
    // The label of a bare write is its text.
    first
        .filter(|label| !is_path(label) && !label.contains(['$', '(', '.']))
        .map(|label| unknown(labels, label))
        .collect()
}

/// Of a run that goes on.
pub fn known_later(ready: &Ready, answers: &[String]) -> Result<(), Refused> {
    let program = &ready.program;
    known(&[labels(program), unwritten(program), changed(program, answers)].concat(), answers)?;
    let wrong = unfit_later(ready, answers);
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Refused::several(wrong.into_iter().map(|message| (message, None)).collect()))
}

/// Of a run that goes on: what is to be said of each answer that does not fit its question.
pub fn unfit_later(ready: &Ready, answers: &[String]) -> Vec<String> {
    let (_, mut wrong) = judged(ready, answers);
    let program = &ready.program;
    let kind = |label: &str| if label.starts_with(IN_DOUBT) { chosen(&DOUBTS) } else { AskedKind::Confirm };
    let unwritten = unwritten(program).into_iter().map(|label| (kind(&label), label));
    let changed = changed(program, answers).into_iter().map(|label| (chosen(&CHANGES), label));
    for (kind, label) in unwritten.chain(changed) {
        wrong.extend(beforehand(answers, &label, &label).and_then(|text| unfit(&kind, &label, text)));
    }
    wrong
}

fn chosen(options: &[&str]) -> AskedKind {
    AskedKind::Choose(options.iter().map(|option| (*option).to_owned()).collect())
}

fn changed(program: &Program, answers: &[String]) -> Vec<SmolStr> {
    match read_again(program) {
        Some(secrets) => secrets.iter().map(|secret| format_smolstr!("{CHANGED}{secret}")).collect(),
        // Only the run knows them: what is given is taken for one.
        None => answers.iter().filter_map(|answer| changed_label(answer)).collect(),
    }
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
    let (open, wrong) = judged(ready, answers);
    let mut wrong: Vec<_> = wrong.into_iter().map(|message| (message, None)).collect();
    if !open.is_empty() {
        let many = if open.len() == 1 { "a question has".to_owned() } else { format!("{} questions have", open.len()) };
        let help: Vec<String> = open.iter().map(help).collect();
        let message = format!("{many} no answer, and nobody is at a terminal: nothing was run");
        wrong.push((message, Some(help.join("\n"))));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refused::several(wrong)) }
}

/// The questions that the answers leave open, and the answers that do not fit.
fn judged(ready: &Ready, answers: &[String]) -> (Vec<Asked>, Vec<String>) {
    let wrong = RefCell::new(Vec::new());
    let answer = |asked: &Asked| {
        let text = beforehand(answers, &asked.source, &asked.path)?;
        wrong.borrow_mut().extend(unfit(&asked.kind, &asked.source, text));
        Some(text.to_owned())
    };
    let open = questions(&ready.program, &ready.sources, &ready.params, &answer);
    let mut wrong: Vec<String> = wrong.into_inner();
    // Once for all rounds of a loop.
    wrong.dedup();
    (open, wrong)
}

fn unfit(kind: &AskedKind, label: &str, text: &str) -> Option<String> {
    let why = fits(kind, text).err()?;
    Some(format!("the answer `{text}` to `{label}` does not fit: {why}"))
}

/// With a person at the terminal only what was given is looked at.
fn fits(kind: &AskedKind, text: &str) -> Result<(), String> {
    if let AskedKind::Text(ty) = kind {
        return read::read(ty, text).map(drop);
    }
    let good = match kind {
        AskedKind::Confirm | AskedKind::Irreversible => yes_or_no(text.trim()).is_some(),
        AskedKind::Choose(options) => {
            let number = text.trim().parse::<usize>().is_ok_and(|n| (1..=options.len()).contains(&n));
            options.is_empty() || number || options.iter().any(|option| option == text.trim())
        }
        AskedKind::Text(_) => true,
    };
    match (kind, good) {
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
