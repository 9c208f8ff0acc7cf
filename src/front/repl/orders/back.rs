//! `:undo` and `:redo`.
use super::{Desk, Done, part};
use crate::engine::{Stands, Walls};
use crate::journal::Trouble;
use crate::report::style::{Line, Tone};
use crate::run::Turn;
use crate::session::console::Came;

pub fn undo(desk: &mut Desk, words: &str) -> Done {
    let (walls, what) = match words.split_once(char::is_whitespace).unwrap_or((words, "")) {
        ("past", what) => (Walls::Pass, what.trim()),
        _ => (Walls::Stop, words),
    };
    let part = part::of(desk.in_place(), what)?;
    if let (Walls::Stop, Some(last)) = (walls, part.goes.last().filter(|unit| unit.stands == Stands::Final)) {
        let trouble = Trouble::new(format!("`{}` cannot be undone", last.step));
        return Err(trouble.with_help("`:undo past` goes on with what stands before it"));
    }
    if part.goes.len() > 1 {
        let names = part.goes.iter().rev().filter(|unit| unit.stands == Stands::InPlace);
        let names: Vec<String> = names.map(|unit| format!("`{}`", unit.step)).collect();
        desk.say(&[Line::new(0).put(Tone::Dim, format!("to be undone, in this order: {}", names.join(", ")))]);
    }
    Ok(desk.start(Turn::Undo(part.extent, walls)))
}

pub fn redo(desk: &mut Desk, words: &str) -> Done {
    let number = match words.trim_start_matches("entry").trim() {
        "" => desk.again.undone.last().copied(),
        number => match number.parse::<u32>() {
            Ok(number @ 1..) => Some(number - 1),
            Ok(0) | Err(_) => {
                return Err(Trouble::new(format!("`{words}` is no entry")).with_help("an entry is a number: `:redo 3`"));
            }
        },
    };
    let Some(number) = number else {
        let undone = desk.ended.iter().any(|(_, came)| *came == Came::Undone);
        let message = if undone { "all that was undone is done again" } else { "nothing was undone" };
        return Err(Trouble::new(message).with_help("`:redo 3` types entry 3 again"));
    };
    let Some(text) = desk.console.text(number).map(str::to_owned) else {
        return Err(Trouble::new(format!("there is no entry {}", number + 1)));
    };
    desk.say(&text.lines().map(|line| Line::new(0).put(Tone::Dim, line)).collect::<Vec<_>>());
    let turn = desk.enter(&text);
    desk.again.running = turn.is_some().then_some(number);
    Ok(turn)
}
