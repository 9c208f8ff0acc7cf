//! A run that is driven from the command line: who watches it, who answers, and which exit code it comes to.
use std::cell::RefCell;
use std::rc::Rc;

use clap::{Args, ValueEnum};

use super::answers::OnScreen;
use super::inputs::Somebody;
use super::refused::Refused;
use super::{BUG, complain, got_out};
use crate::engine::Finish;
use crate::engine::event::End;
use crate::journal::{Lapse, Store, Trouble};
use crate::report::json::Json;
use crate::report::live::Live;
use crate::report::opening::Opening;
use crate::report::outside::{Channel, Known, Outside, Written};
use crate::report::plain::Plain;
use crate::report::screen::Screen;
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::report::summary::{summary, ways_out};
use crate::report::time;
use crate::run::answers::{Answerer, Voice};
use crate::run::{Answers, OnQuestion, Watcher};
use crate::session;
use crate::session::journal::NONE;
use crate::session::run::Ready;
use crate::source::Sources;
use crate::value::{Nanos, Timestamp};

/// What `run`, `resume` and `rollback` have in common.
#[derive(Args)]
pub struct Telling {
    /// Answer a question, by its label as written in the file or its path; may be repeated
    #[arg(long, value_name = "LABEL=VALUE", value_parser = labelled)]
    pub answer: Vec<String>,
    /// What becomes of the run when nobody is there to answer a question
    #[arg(long, value_enum)]
    pub on_question: Option<Unanswered>,
    /// How the run is told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Where the run is kept: a file, `postgres://…` (a team's), or `none`
    #[arg(long, value_name = "PLACE")]
    pub journal: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: a live view at a terminal, plain lines elsewhere
    Human,
    /// One event a line
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Unanswered {
    /// A new run is refused before its first action; one that goes on is undone
    Refuse,
    /// It stops there, and can be resumed with an answer; so does a resumed run, unless told otherwise
    Stop,
}

impl Telling {
    /// `otherwise`: when the command line does not say.
    pub fn on_question(&self, otherwise: OnQuestion) -> OnQuestion {
        match self.on_question {
            Some(Unanswered::Refuse) => OnQuestion::Refuse,
            Some(Unanswered::Stop) => OnQuestion::Stop,
            None => otherwise,
        }
    }

    pub fn is_kept(&self) -> bool {
        self.journal.as_deref() != Some(NONE)
    }

    /// Nothing was run: told to a person, and as the one event to a program.
    pub fn turned_away(&self, refused: &Refused) -> u8 {
        if self.format == Format::Json {
            let out = Outside::new(Channel::Out);
            let written = out.written();
            refused.event(out);
            got_out(&written, None);
        }
        refused.tell()
    }

    /// Drive it, with somebody watching; what kept it from being driven is told.
    pub fn drive(
        &self,
        ready: &Ready,
        who: Somebody,
        say: Say,
        again: Option<String>,
        run: impl FnOnce(&mut dyn Watcher, &mut dyn Answers) -> Result<Option<Finish>, Trouble>,
    ) -> u8 {
        self.try_drive(ready, who, say, again, run).unwrap_or_else(|trouble| self.turned_away(&Refused::from(trouble)))
    }

    /// The same, and what kept it from being driven comes back.
    pub fn try_drive(
        &self,
        ready: &Ready,
        who: Somebody,
        say: Say,
        again: Option<String>,
        run: impl FnOnce(&mut dyn Watcher, &mut dyn Answers) -> Result<Option<Finish>, Trouble>,
    ) -> Result<u8, Trouble> {
        let out = Outside::new(Channel::Out);
        let (written, known) = (out.written(), out.known());
        let (deadline, rollback_within) = ready.limits();
        let opening = Opening { run: ready.id.clone(), started: ready.started, deadline, rollback_within, again };
        let sources = ready.sources.clone();
        let live = self.format == Format::Human && out.look.terminal && out.look.moves;
        let (mut watcher, screen): (Box<dyn Watcher>, Option<Rc<RefCell<Screen>>>) = match (self.format, live) {
            (Format::Human, true) => {
                let screen = Rc::new(RefCell::new(Screen::new(out)));
                (Box::new(Live::new(screen.clone(), say, opening, sources.clone())), Some(screen))
            }
            (Format::Human, false) => (Box::new(Plain::new(out, say, opening, sources.clone())), None),
            (Format::Json, _) => (Box::new(Json::new(out, ready.id.clone(), ready.started, sources.clone())), None),
        };
        let errors = || Rc::new(RefCell::new(Screen::new(Outside::new(Channel::Err))));
        let screen = (who == Somebody::There).then(|| screen.unwrap_or_else(errors));
        let voice = screen.map(|screen| Box::new(OnScreen(screen)) as Box<dyn Voice>);
        let mut answers = Answerer::new(self.answer.clone(), voice);
        let end = run(watcher.as_mut(), &mut answers);
        drop((watcher, answers));
        match end {
            Ok(Some(finish)) => {
                if let (true, Some(words)) = (self.is_kept(), ways_out(&finish, &ready.id)) {
                    Outside::new(Channel::Err).line(&Line::new(0).put(Tone::Doing, words));
                }
                Ok(ended(&finish, &written, || once_more(&finish, ready.started, &sources, known)))
            }
            Ok(None) => {
                complain("a bug in rbk itself: the run waits for nothing and has not ended; it is left as it is", None);
                Ok(BUG)
            }
            Err(trouble) => Err(trouble),
        }
    }
}

/// Its exit code. A run whose story is lost went well only when somebody has looked.
fn ended(finish: &Finish, written: &Written, once_more: impl FnOnce()) -> u8 {
    let (code, help) = match finish.end {
        End::Succeeded => {
            let help = "the run went on to its end; it exits with 3, not with 0, because what it said is lost";
            (End::Incomplete.exit_code(), help)
        }
        end => (end.exit_code(), "the run went on to its end, which stands below"),
    };
    if got_out(written, Some(help)) {
        return finish.end.exit_code();
    }
    once_more();
    code
}

/// How it ended, on standard error.
fn once_more(finish: &Finish, started: Timestamp, sources: &Sources, known: Known) {
    let took = session::now().duration_since(started);
    let took = Nanos(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX));
    let mut err = Outside::new(Channel::Err).knowing(known);
    summary(took, finish, sources).iter().for_each(|line| err.line(line));
}

/// What a person says so that something is done all the same.
pub fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say why: it is kept in the journal".to_owned()) } else { Ok(text.to_owned()) }
}

/// `LABEL=VALUE`.
pub fn labelled(text: &str) -> Result<String, String> {
    if text.contains('=') {
        Ok(text.to_owned())
    } else {
        Err("write it as LABEL=VALUE, like 'Send traffic?=yes'".to_owned())
    }
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Refused {
        Refused::several(vec![(trouble.message, trouble.help)])
    }
}

/// Say that a process which may be dead is waited for, and how long.
pub fn tell_wait(store: &mut dyn Store, run: &str) -> Result<(), Trouble> {
    let Some(Lapse { holder, within }) = store.lapse(run)? else { return Ok(()) };
    let by = format!("pid {} on {}, user {}", holder.pid, holder.host_name, holder.user);
    let within =
        time::limit(Nanos(i64::try_from(within.as_secs() + 1).unwrap_or(i64::MAX).saturating_mul(1_000_000_000)));
    let text = format!("another process may still drive run {run} ({by}): up to {within} are waited for a word of it");
    Outside::new(Channel::Err).line(&Line::new(0).put(Tone::Warn, "! ").put(Tone::Plain, text));
    Ok(())
}

/// The journal that an option names, and in which there are runs.
pub fn journal(place: Option<&str>) -> Result<Box<dyn Store>, Refused> {
    let store = session::journal::there(place)?;
    store.ok_or_else(|| Refused::because("no run was kept yet: this user has no journal"))
}
