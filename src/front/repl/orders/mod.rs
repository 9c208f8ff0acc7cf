//! What begins with `:`, for the console itself: each order a line of [`ALL`], and a function in a file of this folder.
mod back;
mod book;
mod look;
mod part;
mod read;
mod record;
mod save;

use super::Desk;
use super::load::Load;
use crate::diag::did_you_mean;
use crate::journal::Trouble;
use crate::run::Turn;

pub struct Order {
    /// The first is the one that is told.
    pub names: &'static [&'static str],
    /// What may stand after it.
    pub words: &'static str,
    pub does: &'static str,
    act: fn(&mut Desk, &str) -> Done,
}

/// What is to run now, if anything.
type Done = Result<Option<Turn>, Trouble>;

const fn order(
    names: &'static [&'static str],
    words: &'static str,
    does: &'static str,
    act: fn(&mut Desk, &str) -> Done,
) -> Order {
    Order { names, words, does, act }
}

pub const ALL: &[Order] = &[
    order(
        &[":undo"],
        "[past] [N|STEP|all]",
        "undo the last, the last N, a step and all after it, or all; `past`: also what stands before a point of no return",
        back::undo,
    ),
    order(
        &[":redo"],
        "[ENTRY]",
        "type the entry again that was undone last and is not done again yet, or this one; everything is asked again",
        back::redo,
    ),
    order(&[":steps"], "", "the parts of the runbook, and what is in place", look::steps),
    order(
        &[":load"],
        "FILE [--set N=V]…",
        "load a runbook: what it declares is there, its steps are known by name",
        |desk, words| Load::read(words).and_then(|load| desk.load(load)),
    ),
    order(
        &[":run"],
        "[STEP]",
        "run what is left of it, up to its end, a failure or a breakpoint; or this one step",
        book::run,
    ),
    order(&[":step"], "", "one part of it at a time: each is shown, and you say what becomes of it", book::step),
    order(&[":goto"], "STEP", "the next one is this; those before it are skipped", book::goto),
    order(&[":break"], "[STEP]", "`:run` stops before this step; alone: the list of them", book::hold),
    order(&[":unbreak"], "[STEP]", "it does not any more; alone: at none", book::release),
    order(&[":plan"], "[STATEMENT]", "what a statement would do; without one, what `:undo all` would", look::plan),
    order(&[":connect"], "", "the connections, where they lead, and which have answered", look::connections),
    order(&[":env"], "", "where this console works, and where it is kept", look::environment),
    order(&[":note"], "TEXT", "write a line into the journal, for the report", record::note),
    order(&[":report"], "[FILE]", "the incident report so far: `.md`, `.html`, `.json` or `.xml`", record::report),
    order(&[":report!"], "FILE", "the same, and a file that is there is written anew", record::report_anew),
    order(&[":save"], "FILE", "what worked, as a checked runbook", save::save),
    order(&[":save!"], "FILE", "the same, and a file that is there is written anew", save::save_anew),
    order(&[":explain"], "[CODE]", "what a finding means and the way out of it", read::explain),
    order(&[":docs"], "[NAME]", "what can be called, as `help NAME`", read::docs),
    order(&[":help"], "", "this list", read::help),
    order(&[":quit", ":q", ":exit"], "", "the end, as Ctrl-D", quit),
];

/// None: it is no order.
pub fn obey(desk: &mut Desk, text: &str) -> Option<Done> {
    if let Some(name) = read::asked(text) {
        return Some(if name.is_empty() { read::help(desk, name) } else { read::docs(desk, name) });
    }
    if !text.starts_with(':') {
        return None;
    }
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let Some(order) = ALL.iter().find(|order| order.names.contains(&word)) else {
        if let Some(help) = of_editors(word) {
            return Some(Err(Trouble::new(format!("there is no `{word}`")).with_help(help)));
        }
        let near = did_you_mean(word, ALL.iter().filter_map(|order| order.names.first().copied()));
        let help = near.map_or_else(|| "`:help` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
        return Some(Err(Trouble::new(format!("there is no `{word}`")).with_help(help)));
    };
    let rest = rest.trim();
    if order.words.is_empty() && !rest.is_empty() {
        return Some(Err(Trouble::new(format!("`{word}` takes nothing after it"))));
    }
    Some((order.act)(desk, rest))
}

/// Orders of an editor that many a hand knows.
fn of_editors(word: &str) -> Option<&'static str> {
    match word {
        ":q!" | ":qa" | ":qa!" => Some("`:quit` or Ctrl-D ends the console"),
        ":w" | ":wq" | ":wq!" | ":wqa" | ":x" => {
            Some("`:save FILE.rbk` writes what worked as a runbook; `:quit` or Ctrl-D ends the console")
        }
        ":u" => Some("`:undo` undoes the last that is in place"),
        ":r" | ":e" => Some("`:load FILE` loads a runbook"),
        _ => None,
    }
}

/// What stands behind an order, or the whole text where none begins it.
pub fn statement(text: &str) -> &str {
    if !text.starts_with(':') {
        return text;
    }
    text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim())
}

fn quit(desk: &mut Desk, _: &str) -> Done {
    Ok(desk.over())
}
