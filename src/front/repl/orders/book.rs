//! `:run`, `:step`, `:goto`, `:break`, `:unbreak`.
use super::{Desk, Done};
use crate::diag::did_you_mean;
use crate::front::repl::book::Going;
use crate::journal::Trouble;
use crate::report::style::{Line, Tone};

pub fn run(desk: &mut Desk, words: &str) -> Done {
    let (_, reached) = desk.loaded()?;
    if words.is_empty() {
        if reached.is_over() {
            return Ok(desk.nothing_left());
        }
        desk.course.going = Going::Rest;
        desk.course.at = reached.next();
        return Ok(None);
    }
    let (at, name) = named(desk, words)?;
    if desk.stands_in_place(&reached, at) {
        let trouble = Trouble::new(format!("`{name}` is in place: to run it again would do it twice"));
        return Err(trouble.with_help(format!("`:undo {name}` undoes it, and all that came after it")));
    }
    Ok(desk.piece(at))
}

pub fn step(desk: &mut Desk, _: &str) -> Done {
    let (_, reached) = desk.loaded()?;
    if reached.is_over() {
        return Ok(desk.nothing_left());
    }
    desk.course.going = Going::Step;
    Ok(None)
}

pub fn goto(desk: &mut Desk, words: &str) -> Done {
    let (book, reached) = desk.loaded()?;
    if words.is_empty() {
        return Err(Trouble::new("`:goto` needs the name of a step").with_help(LIST));
    }
    let (at, name) = named(desk, words)?;
    let stands = (at..book.pieces.len()).find(|later| desk.stands_in_place(&reached, *later));
    if let Some(piece) = stands.and_then(|later| book.pieces.get(later)) {
        let trouble = Trouble::new(format!("`{}` is in place, and would be done again", piece.name));
        let help = format!("`:undo {}` undoes it and all that came after it; then `:goto {name}`", piece.name);
        return Err(trouble.with_help(help));
    }
    Ok(desk.past(at))
}

pub fn hold(desk: &mut Desk, words: &str) -> Done {
    let (book, _) = desk.loaded()?;
    if words.is_empty() {
        let names = desk.course.breaks.iter().filter_map(|at| book.pieces.get(*at));
        let lines: Vec<Line> = names.map(|piece| Line::new(0).put(Tone::Strong, piece.name.as_str())).collect();
        if lines.is_empty() {
            desk.dim("there are no breakpoints".to_owned());
        }
        desk.say(&lines);
        return Ok(None);
    }
    let (at, name) = named(desk, words)?;
    desk.course.breaks.insert(at);
    desk.dim(format!("`:run` stops before `{name}`"));
    Ok(None)
}

pub fn release(desk: &mut Desk, words: &str) -> Done {
    if words.is_empty() {
        desk.course.breaks.clear();
        desk.dim("there are no breakpoints any more".to_owned());
        return Ok(None);
    }
    let (at, name) = named(desk, words)?;
    if !desk.course.breaks.remove(&at) {
        return Err(Trouble::new(format!("there is no breakpoint at `{name}`")).with_help("`:break` lists them"));
    }
    desk.dim(format!("`:run` does not stop before `{name}` any more"));
    Ok(None)
}

const LIST: &str = "`:steps` lists them";

/// The first of exactly this name.
fn named(desk: &Desk, name: &str) -> Result<(usize, String), Trouble> {
    let (book, _) = desk.loaded()?;
    let name = name.trim_matches('"');
    if let Some((at, piece)) = book.pieces.iter().enumerate().find(|(_, piece)| piece.name == name) {
        return Ok((at, piece.name.to_string()));
    }
    let names = || book.pieces.iter().map(|piece| piece.name.as_str());
    let near = names().find(|other| other.starts_with(name)).or_else(|| did_you_mean(name, names()));
    let help = near.map_or_else(|| LIST.to_owned(), |near| format!("did you mean `{near}`?"));
    Err(Trouble::new(format!("the runbook has no step `{name}`")).with_help(help))
}
