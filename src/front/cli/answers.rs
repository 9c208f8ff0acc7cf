//! Where answers come from: `--answer` first, then a person at the terminal, one question at a time, oldest first.
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;

use tokio::sync::mpsc;

use crate::engine::event::QuestionKind;
use crate::engine::{Answer, QuestionAsked, QuestionId};
use crate::report::screen::Screen;
use crate::report::style::{Line, Tone};
use crate::report::time;
use crate::run::Answers;
use crate::value::{SmolStr, Type, Value, read};

/// `--answer LABEL=VALUE`, and with `yes:"…"` the text that the label must have when it is asked.
#[derive(Clone, Debug)]
pub struct Given {
    whole: String,
}

impl Given {
    /// # Errors
    /// There is no `=` in it.
    pub fn parse(text: &str) -> Result<Given, String> {
        if !text.contains('=') {
            return Err("write it as LABEL=VALUE, like 'Send traffic?=yes'".to_owned());
        }
        Ok(Given { whole: text.to_owned() })
    }

    /// The value, when this answers a question of that label (as written in the file), text or path. Both a label and
    /// a value may contain `=`.
    #[must_use]
    pub fn value_for(&self, names: &[&str]) -> Option<&str> {
        self.whole.match_indices('=').find_map(|(at, _)| {
            let (label, value) = (self.whole.get(..at)?, self.whole.get(at + 1..)?);
            names.contains(&label).then_some(value)
        })
    }
}

/// What `--answer` says to a question; an error says why it does not fit.
fn read_given(value: &str, question: &QuestionAsked) -> Result<Value, String> {
    let (value, pinned) = match value.split_once(":\"") {
        Some((value, pinned)) if pinned.ends_with('"') => (value, pinned.strip_suffix('"')),
        _ => (value, None),
    };
    match pinned {
        Some(pinned) if pinned != question.text => {
            Err(format!("the answer was given for `{pinned}`, but the question is `{}`", question.text))
        }
        _ => understand(value, &question.kind),
    }
}

/// A person's words as the answer to a question of this kind.
///
/// # Errors
/// What was expected instead.
pub fn understand(text: &str, kind: &QuestionKind) -> Result<Value, String> {
    let word = text.trim().to_lowercase();
    match kind {
        QuestionKind::Confirm => match word.as_str() {
            "yes" | "y" | "true" => Ok(Value::Bool(true)),
            "no" | "n" | "false" => Ok(Value::Bool(false)),
            _ => Err("answer yes or no".to_owned()),
        },
        QuestionKind::Irreversible { .. } => match word.as_str() {
            "yes" | "true" => Ok(Value::Bool(true)),
            "no" | "n" | "false" => Ok(Value::Bool(false)),
            _ => Err("answer yes or no, in full: this cannot be undone".to_owned()),
        },
        QuestionKind::Text(ty) => read::read(ty, text.trim()),
        QuestionKind::Choose(options) => {
            let exact = options.iter().find(|option| *option == text.trim());
            let numbered = || text.trim().parse::<usize>().ok().and_then(|n| options.get(n.checked_sub(1)?));
            match exact.or_else(numbered) {
                Some(option) => Ok(Value::str(option.as_str())),
                None => Err(format!("answer with a number from 1 to {}, or an option's text", options.len())),
            }
        }
    }
}

pub struct Asker {
    given: Vec<Given>,
    /// Where a person is asked; none without a terminal.
    screen: Option<Rc<RefCell<Screen>>>,
    user: SmolStr,
    /// Answers that nobody has fetched yet.
    ready: VecDeque<(QuestionId, Answer)>,
    /// Questions for the person; the first is on the screen.
    open: VecDeque<(QuestionId, QuestionAsked)>,
    typed: Option<mpsc::UnboundedReceiver<Option<String>>>,
}

impl Asker {
    #[must_use]
    pub fn new(given: Vec<Given>, screen: Option<Rc<RefCell<Screen>>>, user: SmolStr) -> Asker {
        Asker { given, screen, user, ready: VecDeque::new(), open: VecDeque::new(), typed: None }
    }

    fn put(&mut self) {
        let Some((_, question)) = self.open.front() else { return };
        let Some(screen) = &self.screen else { return };
        // What was typed before the question could be read is no answer to it.
        let _ = nix::sys::termios::tcflush(std::io::stdin(), nix::sys::termios::FlushArg::TCIFLUSH);
        match &mut self.typed {
            Some(typed) => while typed.try_recv().is_ok() {},
            none => *none = Some(read_lines()),
        }
        let (lines, prompt) = wording(question);
        screen.borrow_mut().ask(&lines, &prompt);
    }

    fn close(&mut self, withdrawn: Option<&Line>) {
        if let Some(screen) = &self.screen {
            screen.borrow_mut().close(withdrawn);
        }
    }

    /// A line that the person typed, `None` at the end of the input.
    fn heard(&mut self, line: Option<String>) {
        let Some((id, question)) = self.open.front() else { return };
        let id = *id;
        let value = match line {
            None => Some(nothing(&question.kind)),
            Some(line) => match understand(&line, &question.kind) {
                Ok(value) => Some(value),
                Err(why) => {
                    self.close(None);
                    if let Some(screen) = &self.screen {
                        screen.borrow_mut().permanent(&[Line::new(1).put(Tone::Warn, why)]);
                    }
                    None
                }
            },
        };
        self.close(None);
        if let Some(value) = value {
            self.open.pop_front();
            self.ready.push_back((id, Answer { value, who: self.user.clone() }));
        }
        self.put();
    }
}

/// What nobody answering means: no, or nothing.
fn nothing(kind: &QuestionKind) -> Value {
    match kind {
        QuestionKind::Confirm | QuestionKind::Irreversible { .. } => Value::Bool(false),
        QuestionKind::Text(_) | QuestionKind::Choose(_) => Value::Null,
    }
}

impl Answers for Asker {
    fn ask(&mut self, id: QuestionId, question: &QuestionAsked) {
        let path = question.path.to_string();
        let names = [question.source.as_str(), question.text.as_str(), path.as_str()];
        let given = self.given.iter().find_map(|given| given.value_for(&names));
        match given.map(|given| read_given(given, question)) {
            Some(Ok(value)) => {
                let who = SmolStr::from(format!("{}, with --answer", self.user));
                self.ready.push_back((id, Answer { value, who }));
            }
            Some(Err(_)) | None if self.screen.is_some() => {
                self.open.push_back((id, question.clone()));
                if self.open.len() == 1 {
                    self.put();
                }
            }
            Some(Err(why)) => {
                let who = SmolStr::from(format!("nobody: {why}"));
                self.ready.push_back((id, Answer { value: nothing(&question.kind), who }));
            }
            None => {
                let who = SmolStr::from("nobody: there is no terminal and no --answer");
                self.ready.push_back((id, Answer { value: nothing(&question.kind), who }));
            }
        }
    }

    fn withdraw(&mut self, id: QuestionId) {
        let shown = self.open.front().is_some_and(|(open, _)| *open == id);
        self.open.retain(|(open, _)| *open != id);
        self.ready.retain(|(ready, _)| *ready != id);
        if shown {
            self.close(Some(&Line::new(1).put(Tone::Dim, "nobody needs this answer any more")));
            self.put();
        }
    }

    fn poll(&mut self) -> Pin<Box<dyn Future<Output = (QuestionId, Answer)> + '_>> {
        Box::pin(async move {
            loop {
                if let Some(ready) = self.ready.pop_front() {
                    return ready;
                }
                let line = match &mut self.typed {
                    Some(typed) if !self.open.is_empty() => typed.recv().await,
                    Some(_) | None => std::future::pending().await,
                };
                self.heard(line.flatten());
            }
        })
    }
}

/// The lines above the prompt, and the prompt.
fn wording(question: &QuestionAsked) -> (Vec<Line>, Line) {
    let mut lines = vec![Line::new(0)];
    let ask = Line::new(0).put(Tone::Warn, "? ").put(Tone::Strong, &question.text);
    lines.push(match question.within {
        Some(within) => ask.put(Tone::Dim, format!("  within {}, or it is a no", time::limit(within))),
        None => ask,
    });
    let hint = match &question.kind {
        QuestionKind::Confirm => "yes or no:".to_owned(),
        QuestionKind::Irreversible { why } => {
            lines.push(Line::new(1).put(Tone::Bad, "this cannot be undone: ").put(Tone::Plain, why));
            "yes or no, in full:".to_owned()
        }
        QuestionKind::Text(Type::Str) => "answer:".to_owned(),
        QuestionKind::Text(ty) => format!("answer ({}):", read::name(ty)),
        QuestionKind::Choose(options) => {
            for (i, option) in options.iter().enumerate() {
                lines.push(Line::new(1).put(Tone::Doing, format!("{}  ", i + 1)).put(Tone::Plain, option));
            }
            format!("1 to {}:", options.len())
        }
    };
    (lines, Line::new(0).put(Tone::Plain, format!("  {hint}")))
}

/// A thread reads lines for as long as the process lives; `None` is the end of the input.
fn read_lines() -> mpsc::UnboundedReceiver<Option<String>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            if sender.send(Some(line)).is_err() {
                return;
            }
        }
        let _ = sender.send(None);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_and_a_value_may_hold_an_equals_sign() {
        let given = Given::parse("Set a=b?=x=y").unwrap();
        assert_eq!(given.value_for(&["Set a=b?"]), Some("x=y"));
        assert_eq!(given.value_for(&["other"]), None);
    }

    #[test]
    fn an_irreversible_step_wants_a_whole_yes() {
        let kind = QuestionKind::Irreversible { why: "data is dropped".to_owned() };
        assert!(understand("y", &kind).is_err());
        assert_eq!(understand("yes", &kind), Ok(Value::Bool(true)));
        assert_eq!(understand("2", &QuestionKind::Choose(vec!["a".into(), "b".into()])), Ok(Value::str("b")));
        assert!(understand("0", &QuestionKind::Choose(vec!["a".into()])).is_err());
    }
}
