//! How a question looks at the terminal. What an answer means is decided in `run::answers`.
use std::cell::RefCell;
use std::rc::Rc;

use crate::engine::QuestionAsked;
use crate::engine::event::QuestionKind;
use crate::report::screen::Screen;
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::run::answers::{Over, Voice};
use crate::value::{Type, read};

/// Asks on the screen that the run is shown on.
pub struct OnScreen(pub Rc<RefCell<Screen>>);

impl Voice for OnScreen {
    fn ask(&mut self, question: &QuestionAsked) {
        let (lines, prompt) = wording(question);
        self.0.borrow_mut().ask(&lines, &prompt);
    }

    fn again(&mut self, why: &str) {
        let mut screen = self.0.borrow_mut();
        screen.close();
        screen.permanent(&[Line::new(1).put(Tone::Warn, why)]);
    }

    fn over(&mut self, how: Over) {
        let mut screen = self.0.borrow_mut();
        if how == Over::Withdrawn {
            screen.permanent(&[Line::new(1).put(Tone::Dim, "nobody needs this answer any more")]);
            screen.withdraw();
        }
        screen.close();
    }
}

/// The lines above the prompt, and the prompt.
fn wording(question: &QuestionAsked) -> (Vec<Line>, Line) {
    let mut lines = vec![Line::new(0)];
    let mut ask = Line::new(0).put(Tone::Warn, "? ").text(&Line::new(0), Tone::Strong, &question.text);
    if let (Some(within), Some(last)) = (question.within, ask.last_mut()) {
        *last = last.clone().put(Tone::Dim, format!("  within {}, or it is a no", time::limit(within)));
    }
    lines.extend(ask);
    let hint = match &question.kind {
        QuestionKind::Confirm => "yes or no:".to_owned(),
        QuestionKind::Irreversible { why } => {
            lines.push(Line::new(1).put(Tone::Bad, "cannot be undone: ").put(Tone::Plain, why));
            "the step's name to go on, or no:".to_owned()
        }
        QuestionKind::Text(Type::Str) => "answer:".to_owned(),
        QuestionKind::Text(ty) => format!("answer ({}):", read::name(ty)),
        QuestionKind::Choose(options) | QuestionKind::Doubt(options) => {
            for (i, option) in options.iter().enumerate() {
                lines.push(Line::new(1).put(Tone::Doing, format!("{}  ", i + 1)).put(Tone::Plain, option));
            }
            format!("1 to {}:", options.len())
        }
    };
    (lines, Line::new(1).put(Tone::Plain, hint))
}
