//! What begins with `:`, for the console itself.
use super::keyboard::Keyboard;
use super::{Desk, listed, part};
use crate::diag::did_you_mean;
use crate::engine::{Stands, Walls};
use crate::report::style::{Line, Tone};
use crate::run::Turn;
use crate::session::console::Came;

/// One of them, read.
#[derive(Debug, PartialEq, Eq)]
pub enum Order {
    Undo(Walls, String),
    Redo(Option<u32>),
    Steps,
    Quit,
    Help,
}

/// Each with its words and what it does.
const ALL: [(&str, &str, &str); 5] = [
    (
        ":undo",
        "[past] [N|STEP|all]",
        "undo the last, the last N, a step and all after it, or all; `past`: also what stands before a point of no return",
    ),
    (":redo", "[ENTRY]", "type the entry again that was undone last, or this one; everything is asked again"),
    (":steps", "", "what is in place"),
    (":quit", "", "the end, as Ctrl-D"),
    (":help", "", "this list"),
];

type Wrong = (String, Option<String>);

impl Order {
    /// None: it is no order.
    pub fn read(text: &str) -> Option<Result<Order, Wrong>> {
        text.starts_with(':').then(|| Order::of(text))
    }

    fn of(text: &str) -> Result<Order, Wrong> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let alone = |order: Order| match rest {
            "" => Ok(order),
            _ => Err((format!("`{word}` takes nothing after it"), None)),
        };
        match word {
            ":undo" => Ok(match rest.split_once(char::is_whitespace).unwrap_or((rest, "")) {
                ("past", what) => Order::Undo(Walls::Pass, what.trim().to_owned()),
                _ => Order::Undo(Walls::Stop, rest.to_owned()),
            }),
            ":redo" if rest.is_empty() => Ok(Order::Redo(None)),
            ":redo" => match rest.trim_start_matches("entry").trim().parse::<u32>() {
                Ok(number @ 1..) => Ok(Order::Redo(Some(number - 1))),
                Ok(0) | Err(_) => {
                    Err((format!("`{rest}` is no entry"), Some("an entry is a number: `:redo 3`".to_owned())))
                }
            },
            ":steps" => alone(Order::Steps),
            ":quit" | ":q" | ":exit" => alone(Order::Quit),
            ":help" => alone(Order::Help),
            other => {
                let near = did_you_mean(other, ALL.iter().map(|(name, ..)| *name));
                let help =
                    near.map_or_else(|| "`:help` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
                Err((format!("there is no `{other}`"), Some(help)))
            }
        }
    }
}

impl<K: Keyboard> Desk<K> {
    pub(super) fn order(&mut self, order: Order) -> Option<Turn> {
        match order {
            Order::Undo(walls, what) => self.undo(walls, &what),
            Order::Redo(number) => self.redo(number),
            Order::Steps => {
                let lines = match self.in_place() {
                    [] => vec![Line::new(0).put(Tone::Dim, "nothing is in place")],
                    stands => listed(stands),
                };
                self.say(&lines);
                None
            }
            Order::Quit => self.over(),
            Order::Help => {
                self.say(&help());
                None
            }
        }
    }

    fn undo(&mut self, walls: Walls, what: &str) -> Option<Turn> {
        let part = match part::of(self.in_place(), what) {
            Ok(part) => part,
            Err((message, help)) => {
                self.wrong(&message, help.as_deref());
                return None;
            }
        };
        if let (Walls::Stop, Some(last)) = (walls, part.goes.last().filter(|unit| unit.stands == Stands::Final)) {
            let message = format!("`{}` cannot be undone", last.step);
            self.wrong(&message, Some("`:undo past` goes on with what stands before it"));
            return None;
        }
        if part.goes.len() > 1 {
            let names = part.goes.iter().rev().filter(|unit| unit.stands == Stands::InPlace);
            let names: Vec<String> = names.map(|unit| format!("`{}`", unit.step)).collect();
            self.say(&[Line::new(0).put(Tone::Dim, format!("to be undone, in this order: {}", names.join(", ")))]);
        }
        self.start(Turn::Undo(part.extent, walls))
    }

    fn redo(&mut self, number: Option<u32>) -> Option<Turn> {
        let last = || self.ended.iter().rev().find(|(_, came)| *came == Came::Undone).map(|(number, _)| *number);
        let Some(number) = number.or_else(last) else {
            self.wrong("nothing was undone", Some("`:redo 3` types entry 3 again"));
            return None;
        };
        let Some(text) = self.console.text(number).map(str::to_owned) else {
            self.wrong(&format!("there is no entry {}", number + 1), None);
            return None;
        };
        self.say(&text.lines().map(|line| Line::new(0).put(Tone::Dim, line)).collect::<Vec<_>>());
        self.enter(&text)
    }
}

fn help() -> Vec<Line> {
    let statement = Line::new(0).put(Tone::Plain, "a statement runs, an expression shows its value");
    let one = |(name, words, does): &(&str, &str, &str)| {
        Line::new(0).put(Tone::Strong, format!("{:<28}", format!("{name} {words}"))).put(Tone::Plain, *does)
    };
    std::iter::once(statement).chain(ALL.iter().map(one)).collect()
}
