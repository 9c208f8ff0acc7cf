//! `:load FILE --set NAME=VALUE`: a runbook is checked as `rbk run` does, its parameters are taken, and it becomes an input.
use super::book::Going;
use super::{Asks, Desk, Who};
use crate::check::budget;
use crate::diag::Code;
use crate::engine::Part;
use crate::journal::Trouble;
use crate::report::diagnostics;
use crate::report::style::{Line, Tone};
use crate::run::Turn;
use crate::session;
use crate::session::book;
use crate::session::inputs::{Given, assignment, collect};
use crate::value::{SmolStr, read};

/// What to load, and what was given to its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    pub file: String,
    pub set: Vec<(SmolStr, String)>,
    /// What a person has said last, to one of the others.
    pub answer: Option<(SmolStr, String)>,
}

/// A parameter that a person is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub load: Load,
    pub name: SmolStr,
    pub prompt: String,
}

impl Load {
    /// # Errors
    /// What is wrong, and what helps.
    pub fn read(text: &str) -> Result<Load, Trouble> {
        let mut words = words(text).into_iter();
        let wrong = |why: String| Trouble::new(why).with_help("write it as `:load deploy.rbk --set version=v2`");
        let file = words.next().ok_or_else(|| wrong("`:load` needs a file".to_owned()))?;
        let mut set = Vec::new();
        while let Some(word) = words.next() {
            let given = match word.strip_prefix("--set=") {
                Some(given) => Some(given.to_owned()),
                None if word == "--set" => words.next(),
                None => None,
            };
            let given = given.ok_or_else(|| wrong(format!("`:load` does not know `{word}`")))?;
            set.push(assignment(&given).map_err(wrong)?);
        }
        Ok(Load { file, set, answer: None })
    }
}

/// Parted at blanks; what stands in quotes is kept together.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

impl Desk {
    pub(super) fn load(&mut self, mut load: Load) -> Result<Option<Turn>, Trouble> {
        if let Some((book, _)) = self.book() {
            let trouble = Trouble::new(format!("`{}` is loaded already: a console has one runbook", book.name));
            return Err(trouble.with_help("`rbk repl FILE` starts another console"));
        }
        let opened = session::open(&load.file).map_err(Trouble::new)?;
        self.draw(&opened.diagnostics, &opened.sources);
        let Some(program) = opened.program else {
            let (errors, warnings) = diagnostics::count(&opened.diagnostics);
            let tally = diagnostics::tally(errors, warnings);
            return Err(Trouble::new(format!("{tally} in `{}`: it is not loaded", load.file)));
        };
        if program.book.is_none() {
            let trouble = Trouble::new(format!("there is no runbook in `{}`: it is a library", load.file));
            return Err(trouble.with_help(format!("`use \"./{}\"` makes what it has known", load.file)));
        }
        let given = Given { set: load.set.clone(), file: None };
        let answer = load.answer.take();
        let (mut typed, mut missing) = (answer.clone(), None);
        let (params, mut wrong) = collect(&program, &given, &mut |asked| {
            if let Some((_, text)) = typed.take_if(|(name, _)| name == asked.name) {
                return Some(text);
            }
            let why = asked.wrong.map(str::to_owned);
            missing.get_or_insert((asked.name.to_owned(), read::name(&asked.param.ty), asked.param.doc.clone(), why));
            None
        });
        let only_missing = wrong.iter().all(|found| found.code == Code::MissingInput);
        if let (Who::Person, true, Some((name, ty, doc, why))) = (self.who, only_missing, missing) {
            match why {
                Some(why) => self.say(&[Line::new(1).put(Tone::Warn, why)]),
                None => {
                    load.set.extend(answer);
                    doc.iter().flat_map(|doc| doc.lines()).for_each(|line| self.dim(line.to_owned()));
                }
            }
            let prompt = format!("{name} ({ty}): ");
            self.asks = Asks::Param(Missing { load, name: name.into(), prompt });
            return Ok(None);
        }
        if wrong.is_empty() {
            wrong = budget::check(&program, &params);
        }
        if !wrong.is_empty() {
            self.draw(&wrong, &opened.sources);
            return Err(Trouble::new("the inputs do not fit: it is not loaded"));
        }
        Ok(book::part(&program, &opened.sources, &params).and_then(|part| self.begin(part)))
    }

    /// A runbook that was found good.
    pub(super) fn begin(&mut self, part: Part) -> Option<Turn> {
        let Part::Book { name, .. } = &part else { return None };
        let text = format!(":load {name}");
        self.enter_as(&text, part)
    }

    pub(super) fn given(&mut self, missing: Missing, text: &str) -> Option<Turn> {
        let Missing { mut load, name, .. } = missing;
        load.answer = Some((name, text.trim_end_matches(['\r', '\n']).to_owned()));
        self.load(load).unwrap_or_else(|trouble| {
            self.wrong(&trouble);
            None
        })
    }

    /// The last input has loaded a runbook: what it is.
    pub(super) fn is_loaded(&mut self, entry: u32) {
        if self.console.book().is_none_or(|(of, _)| of != entry) {
            return;
        }
        let Some((book, _)) = self.book() else {
            // It has failed.
            self.course.going = Going::No;
            return;
        };
        let line = Line::new(0).put(Tone::Strong, book.title.as_str());
        let (parts, s) = (book.pieces.len(), if book.pieces.len() == 1 { "" } else { "s" });
        let how = format!("  {parts} part{s}: `:steps` lists them, `:step` and `:run` run them");
        let how = if self.course.alone { String::new() } else { how };
        self.say(&[line.put(Tone::Dim, how)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_follows_the_file() {
        let read = |text: &str| Load::read(text).ok().map(|load| (load.file, load.set));
        let set = vec![("a".into(), "x y".to_owned()), ("b".into(), "1".to_owned())];
        assert_eq!(read("\"my book.rbk\" --set \"a=x y\" --set=b=1"), Some(("my book.rbk".to_owned(), set)));
        let wrong = |text: &str| Load::read(text).err().map(|trouble| trouble.message);
        assert_eq!(wrong(""), Some("`:load` needs a file".to_owned()));
        assert_eq!(wrong("a.rbk version=v2"), Some("`:load` does not know `version=v2`".to_owned()));
    }
}
