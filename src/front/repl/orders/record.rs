//! What is written down for others: `:note` and `:report`.
use std::path::Path;

use super::{Desk, Done};
use crate::front::cli::report::{Format, written};
use crate::journal::{Entry, Trouble};
use crate::report::style::{Line, Tone};
use crate::run::Turn;
use crate::session::advice::shows_secret;
use crate::session::journal::{NONE, there};
use crate::session::output::{self, Over};
use crate::session::{now, past, place};

pub fn note(desk: &mut Desk, text: &str) -> Done {
    if text.is_empty() {
        return Err(Trouble::new("a note says something").with_help("`:note the pool is full since 02:50`"));
    }
    kept(desk)?;
    if desk.known.borrow().redact(text) != text || shows_secret(&format!("$ echo {text}; {text}")) {
        let trouble = Trouble::new("the note shows a secret, and would stand in the journal in the clear");
        return Err(trouble.with_help("write the secret's name, or leave it out"));
    }
    Ok(Some(Turn::Note(Entry::Noted { who: place::holder().user, text: text.to_owned(), wall: now() })))
}

fn kept(desk: &Desk) -> Result<(), Trouble> {
    if desk.run.journal.as_deref() == Some(NONE) {
        let trouble = Trouble::new(format!("nothing is kept of this console: `--journal {NONE}`"));
        return Err(trouble.with_help("a console with a journal keeps notes and can be reported"));
    }
    Ok(())
}

pub fn report(desk: &mut Desk, file: &str) -> Done {
    told(desk, file, Over::Refuse)
}

pub fn report_anew(desk: &mut Desk, file: &str) -> Done {
    told(desk, file, Over::Write)
}

fn told(desk: &mut Desk, file: &str, over: Over) -> Done {
    let format = format(file)?;
    kept(desk)?;
    let store = there(desk.run.journal.as_deref())?;
    let mut store = store.ok_or_else(|| Trouble::new("nothing was kept yet"))?;
    let text = written(&past::look(store.as_mut(), &desk.run.id)?, format);
    let text = desk.known.borrow().redact(&text).into_owned();
    if file.is_empty() {
        desk.out.borrow_mut().outside().text(&text);
        return Ok(None);
    }
    output::write(file, &text, over, ":report!")?;
    desk.say(&[Line::new(0).put(Tone::Good, format!("the report is in `{file}`"))]);
    Ok(None)
}

fn format(file: &str) -> Result<Format, Trouble> {
    match Path::new(file).extension().and_then(|ending| ending.to_str()) {
        None if file.is_empty() => Ok(Format::Markdown),
        Some("md" | "markdown") => Ok(Format::Markdown),
        Some("html" | "htm") => Ok(Format::Html),
        Some("json") => Ok(Format::Json),
        Some("xml") => Ok(Format::Junit),
        Some(_) | None => Err(Trouble::new(format!("what kind of report `{file}` is to be is not clear"))
            .with_help("end its name in `.md`, `.html`, `.json` or `.xml`")),
    }
}
