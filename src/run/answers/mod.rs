//! Answers: those given on the command line first, then a person at the terminal, else none: the run stops.
mod given;
mod terminal;

use std::collections::VecDeque;
use std::pin::Pin;

pub use given::{beforehand, given};
use terminal::Terminal;

use super::{Answers, Given};
use crate::engine::{Answer, QuestionAsked, QuestionId, QuestionKind};
use crate::value::{Value, read};

/// Who answers what the command line leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    AtTerminal,
    Nobody,
}

/// How a question reaches the person: whoever writes to the terminal.
pub trait Voice {
    /// Show it, and the prompt that waits for a line.
    fn ask(&mut self, question: &QuestionAsked);
    /// The answer does not fit, and why; the question is asked again.
    fn again(&mut self, why: &str);
    /// The question is over: answered, or nobody waits for it any more.
    fn over(&mut self, how: Over);
}

/// What answers a question on the command line; `…` where only a person knows.
#[must_use]
pub fn option(question: &QuestionAsked) -> String {
    let value = match &question.kind {
        QuestionKind::Confirm | QuestionKind::Irreversible { .. } => "yes",
        QuestionKind::Choose(options) | QuestionKind::Doubt(options) => options.first().map_or("…", String::as_str),
        QuestionKind::Text(_) => "…",
    };
    let answer = format!("{}={value}", question.source).replace('\'', "'\\''");
    format!("--answer '{answer}'")
}

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Answered,
    Withdrawn,
}

/// Where a person's lines come from.
pub trait Lines {
    /// The next line; none when nothing comes any more. Dropped at any point.
    fn line(&mut self) -> Pin<Box<dyn Future<Output = Option<String>> + '_>>;
    /// What was typed before a question was shown does not answer it.
    fn forget(&mut self);
}

/// The answers of one run.
pub struct Answerer {
    /// `LABEL=VALUE`, as on the command line.
    given: Vec<String>,
    /// None: nobody is there.
    voice: Option<Box<dyn Voice>>,
    ready: VecDeque<(QuestionId, Result<Answer, String>)>,
    /// For the person, one at a time.
    waiting: VecDeque<(QuestionId, QuestionAsked)>,
    terminal: Option<Box<dyn Lines>>,
}

impl Answerer {
    #[must_use]
    pub fn new(given: Vec<String>, voice: Option<Box<dyn Voice>>) -> Answerer {
        Answerer { given, voice, ready: VecDeque::new(), waiting: VecDeque::new(), terminal: None }
    }

    /// A person whose lines come from there.
    #[must_use]
    pub fn typing(given: Vec<String>, voice: Box<dyn Voice>, lines: Box<dyn Lines>) -> Answerer {
        Answerer { terminal: Some(lines), ..Answerer::new(given, Some(voice)) }
    }

    fn prompt(&mut self) {
        if let (Some(terminal), Some(voice), Some((_, question))) =
            (&mut self.terminal, &mut self.voice, self.waiting.front())
        {
            terminal.forget();
            voice.ask(question);
        }
    }

    fn over(&mut self, how: Over) {
        if let Some(voice) = &mut self.voice {
            voice.over(how);
        }
    }

    /// A line that fits ends the question; another one asks it again.
    fn line(&mut self, line: Option<String>) {
        let Some((id, question)) = self.waiting.front() else { return };
        let id = *id;
        let answer = match line {
            None => Err(format!("the terminal was closed before `{}` was answered", question.text)),
            Some(line) => match read_answer(question, &line) {
                Ok(value) => Ok(Answer { value, who: user().into() }),
                Err(why) => {
                    if let Some(voice) = &mut self.voice {
                        voice.again(&why);
                    }
                    self.prompt();
                    return;
                }
            },
        };
        self.over(Over::Answered);
        self.waiting.pop_front();
        self.ready.push_back((id, answer));
        self.prompt();
    }
}

impl Answers for Answerer {
    fn ask(&mut self, id: QuestionId, question: &QuestionAsked) {
        if let Some(text) = given(&self.given, question) {
            let answer = text.and_then(|text| read_given(question, &text));
            let answer = answer
                .map(|value| Answer { value, who: format!("{} (--answer)", user()).into() })
                .map_err(|why| format!("the answer given for `{}` does not fit: {why}", question.source));
            self.ready.push_back((id, answer));
            return;
        }
        if self.voice.is_some() && self.terminal.is_none() {
            self.terminal = Terminal::open().map(|terminal| -> Box<dyn Lines> { Box::new(terminal) });
        }
        if let (None, QuestionKind::Doubt(options)) = (&self.terminal, &question.kind)
            && let Some(last) = options.last()
        {
            let answer = Answer { value: Value::str(last.as_str()), who: "nobody".into() };
            return self.ready.push_back((id, Ok(answer)));
        }
        if self.terminal.is_none() {
            let why = format!("nobody is there to answer `{}`: give `{}`", question.source, option(question));
            self.ready.push_back((id, Err(why)));
            return;
        }
        self.waiting.push_back((id, question.clone()));
        if self.waiting.len() == 1 {
            self.prompt();
        }
    }

    fn gives(&self, question: &QuestionAsked) -> bool {
        given(&self.given, question).is_some()
    }

    fn withdraw(&mut self, id: QuestionId) {
        let shown = self.waiting.front().is_some_and(|(first, _)| *first == id);
        self.waiting.retain(|(other, _)| *other != id);
        self.ready.retain(|(other, _)| *other != id);
        if shown {
            self.over(Over::Withdrawn);
            self.prompt();
        }
    }

    fn poll(&mut self) -> Given<'_> {
        Box::pin(async move {
            loop {
                if let Some(answer) = self.ready.pop_front() {
                    return answer;
                }
                match &mut self.terminal {
                    Some(terminal) if !self.waiting.is_empty() => {
                        let line = terminal.line().await;
                        self.line(line);
                    }
                    _ => std::future::pending().await,
                }
            }
        })
    }
}

/// On the command line the label has named the step already: a yes is enough.
fn read_given(question: &QuestionAsked, text: &str) -> Result<Value, String> {
    match (&question.kind, yes_or_no(text.trim())) {
        (QuestionKind::Irreversible { .. }, Some(yes)) => Ok(Value::Bool(yes)),
        _ => read_answer(question, text),
    }
}

/// The text of an answer as the question's value.
fn read_answer(question: &QuestionAsked, line: &str) -> Result<Value, String> {
    let text = line.trim();
    match &question.kind {
        QuestionKind::Confirm => yes_or_no(text).map(Value::Bool).ok_or_else(|| "answer `yes` or `no`".to_owned()),
        QuestionKind::Irreversible { .. } if text == question.text.trim() || text == question.source.as_str() => {
            Ok(Value::Bool(true))
        }
        QuestionKind::Irreversible { .. } if yes_or_no(text) == Some(false) => Ok(Value::Bool(false)),
        QuestionKind::Irreversible { .. } => {
            Err(format!("answer with the step's name, `{}`, or `no`", question.text.trim()))
        }
        QuestionKind::Text(ty) => read::read(ty, line),
        QuestionKind::Choose(options) | QuestionKind::Doubt(options) => {
            let by_number = || text.parse::<usize>().ok().and_then(|n| options.get(n.checked_sub(1)?));
            let chosen = options.iter().find(|o| o.as_str() == text).or_else(by_number);
            chosen.map(|o| Value::str(o.as_str())).ok_or_else(|| {
                let names: Vec<String> = options.iter().map(|o| format!("`{o}`")).collect();
                format!("`{text}` is none of {}", names.join(", "))
            })
        }
    }
}

/// A person's yes or no.
#[must_use]
pub fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" => Some(true),
        "no" | "n" | "false" => Some(false),
        _ => None,
    }
}

/// The person who runs this, by the user database.
fn user() -> String {
    let found = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten();
    found.map_or_else(|| nix::unistd::Uid::current().to_string(), |u| u.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::call::Path;
    use crate::value::Type;

    fn question(kind: QuestionKind) -> QuestionAsked {
        QuestionAsked {
            path: Path::default(),
            source: "Send to #{pool}?".into(),
            text: "Send to green?".into(),
            kind,
            within: None,
        }
    }

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        let q = question(QuestionKind::Confirm);
        assert_eq!(read_answer(&q, " Yes \n"), Ok(Value::Bool(true)));
        assert_eq!(read_answer(&q, "n"), Ok(Value::Bool(false)));
        assert!(read_answer(&q, "").is_err());
        assert!(read_answer(&q, "yes please").is_err());
    }

    #[test]
    fn a_point_of_no_return_wants_its_name() {
        let q = question(QuestionKind::Irreversible { why: "drops a column".into() });
        assert!(read_answer(&q, "yes").is_err());
        assert_eq!(read_answer(&q, "Send to green?"), Ok(Value::Bool(true)));
        assert_eq!(read_answer(&q, "Send to #{pool}?"), Ok(Value::Bool(true)));
        assert_eq!(read_answer(&q, "no"), Ok(Value::Bool(false)));
    }

    #[test]
    fn a_choice_is_one_of_its_options_by_text_or_number() {
        let q = question(QuestionKind::Choose(vec!["blue".into(), "green".into()]));
        assert_eq!(read_answer(&q, "green"), Ok(Value::str("green")));
        assert_eq!(read_answer(&q, "1"), Ok(Value::str("blue")));
        assert!(read_answer(&q, "0").is_err());
        assert!(read_answer(&q, "red").unwrap_err().contains("`blue`, `green`"));
    }

    #[test]
    fn a_text_is_read_by_its_type() {
        let q = question(QuestionKind::Text(Type::Int));
        assert_eq!(read_answer(&q, "3"), Ok(Value::Int(3)));
        assert!(read_answer(&q, "three").is_err());
    }
}
