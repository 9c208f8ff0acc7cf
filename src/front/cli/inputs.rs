//! `--set` and `--params`, and asking for what is missing at a terminal.
use std::io::{IsTerminal, Write};

use clap::Args;

use super::refused::Refused;
use crate::check::budget;
use crate::check::program::{NameId, Program};
use crate::diag::{Code, Diagnostic};
use crate::report::outside::{Channel, Outside};
use crate::report::style::{Line, Tone};
use crate::session::inputs::{Given, Missing, assignment, collect, file};
use crate::source::Sources;
use crate::value::{SmolStr, Value, read};

#[derive(Args)]
pub struct Inputs {
    /// A parameter's value; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(SmolStr, String)>,
    /// A JSON or TOML file with one field for each parameter
    #[arg(long, value_name = "FILE")]
    params: Option<String>,
}

/// Whether somebody is there to ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Somebody {
    There,
    Nobody,
}

impl Somebody {
    /// Standard input and standard error are a terminal.
    pub fn look() -> Somebody {
        let there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if there { Somebody::There } else { Somebody::Nobody }
    }
}

impl Inputs {
    /// Nothing is given.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.params.is_none()
    }

    pub fn given(&self) -> Result<Given, Refused> {
        let twice = self.set.iter().enumerate().find(|(i, (name, _))| self.set.iter().take(*i).any(|(n, _)| n == name));
        if let Some((_, (name, _))) = twice {
            let message = format!("`--set {name}` is given twice: nothing was run");
            return Err(Refused::helped(message, "leave one of them out"));
        }
        let file = match &self.params {
            Some(path) => Some(file(path).map_err(Refused::because)?),
            None => None,
        };
        Ok(Given { set: self.set.clone(), file })
    }

    /// Every parameter's value; else everything wrong has been said.
    pub fn take(&self, program: &Program, sources: &Sources, who: Somebody) -> Result<Vec<(NameId, Value)>, Refused> {
        let given = self.given()?;
        let mut ask = |missing: Missing<'_>| if who == Somebody::There { ask(missing) } else { None };
        let (values, mut wrong) = collect(program, &given, &mut ask);
        if wrong.is_empty() {
            // The check has added up what the defaults make of it.
            wrong = budget::check(program, &values);
        }
        refused(wrong, sources).map(|()| values)
    }

    /// What is given: a plan does without the rest.
    pub fn known(&self, program: &Program, sources: &Sources) -> Result<Vec<(NameId, Value)>, Refused> {
        let given = self.given()?;
        let (values, mut wrong) = collect(program, &given, &mut |_| None);
        wrong.retain(|diagnostic| diagnostic.code != Code::MissingInput);
        refused(wrong, sources).map(|()| values)
    }
}

fn refused(wrong: Vec<Diagnostic>, sources: &Sources) -> Result<(), Refused> {
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Refused::findings(wrong, sources, "the inputs do not fit: nothing was run"))
}

/// One line from the person; `None` at the end of the input.
fn ask(missing: Missing<'_>) -> Option<String> {
    {
        let mut err = Outside::new(Channel::Err);
        if let Some(wrong) = missing.wrong {
            err.line(&Line::new(1).put(Tone::Warn, wrong));
        } else if let Some(doc) = &missing.param.doc {
            doc.lines().for_each(|line| err.line(&Line::new(0).put(Tone::Dim, line)));
        }
        let line = Line::new(0).put(Tone::Warn, "? ").put(Tone::Strong, missing.name);
        let prompt = err.rendered(&line.put(Tone::Dim, format!(" ({}):", read::name(&missing.param.ty))));
        err.raw(prompt + " ");
    }
    let mut text = String::new();
    match std::io::stdin().read_line(&mut text) {
        Ok(0) | Err(_) => {
            let _ = writeln!(std::io::stderr());
            None
        }
        Ok(_) => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
    }
}
