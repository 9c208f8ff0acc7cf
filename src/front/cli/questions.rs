//! Questions that nobody will be there to answer: refused before the first action, each with the exact `--answer` to give.
use std::cell::RefCell;

use super::{REFUSED, complain};
use crate::plan::{Asked, AskedKind, questions};
use crate::run::answers::{beforehand, yes_or_no};
use crate::session::run::Ready;

/// Every answer fits, and nothing is left open.
pub fn answered(ready: &Ready, answers: &[String]) -> Result<(), u8> {
    let wrong = RefCell::new(Vec::new());
    let answer = |asked: &Asked| {
        let text = beforehand(answers, &asked.source, &asked.path)?;
        if let Err(why) = fits(asked, text) {
            wrong.borrow_mut().push(format!("the answer `{text}` to `{}` does not fit: {why}", asked.source));
        }
        Some(text.to_owned())
    };
    let open = questions(&ready.program, &ready.sources, &ready.params, &answer);
    let wrong = wrong.into_inner();
    for why in &wrong {
        complain(why, None);
    }
    if !open.is_empty() {
        let many = if open.len() == 1 { "a question has".to_owned() } else { format!("{} questions have", open.len()) };
        let help: Vec<String> = open.iter().map(help).collect();
        complain(&format!("{many} no answer, and nobody is at a terminal: nothing was run"), Some(&help.join("\n")));
    }
    if open.is_empty() && wrong.is_empty() { Ok(()) } else { Err(REFUSED) }
}

/// With a person at the terminal only what was given is looked at.
fn fits(asked: &Asked, text: &str) -> Result<(), String> {
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
        (AskedKind::Choose(options), false) => Err(format!("it is none of {}", listed(options))),
        (_, false) => Err("it is neither `yes` nor `no`".to_owned()),
    }
}

fn listed(options: &[String]) -> String {
    options.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ")
}

/// `--answer 'Send traffic to #{pool}?=yes'`, and what it answers.
fn help(asked: &Asked) -> String {
    let (value, about) = match &asked.kind {
        AskedKind::Confirm => ("yes".to_owned(), format!("it asks: {}", asked.text)),
        AskedKind::Irreversible => ("yes".to_owned(), "a point of no return".to_owned()),
        AskedKind::Text(ty) => ("…".to_owned(), format!("it asks for {ty}: {}", asked.text)),
        AskedKind::Choose(options) => {
            let first = options.first().cloned().unwrap_or_else(|| "…".to_owned());
            let others = if options.len() > 1 { format!(" ({})", listed(options)) } else { String::new() };
            (first, format!("it asks: {}{others}", asked.text))
        }
    };
    let word = format!("{}={value}", asked.source).replace('\'', "'\\''");
    format!("--answer '{word}'   {about}")
}
