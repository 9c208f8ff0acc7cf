//! `rbk repl`: a console. Statements run as they are typed, and can be undone.
use std::cell::RefCell;
use std::io::IsTerminal;
use std::rc::Rc;

use clap::Args;

use super::answers::OnScreen;
use super::driven::{journal, reason, tell_wait};
use super::refused::Refused;
use super::resume::{complain_softly, in_place};
use super::{BUG, complain, got_out};
use crate::engine::event::End;
use crate::engine::{Finish, Undoable};
use crate::front::repl::keyboard::{Keyboard, Pipe};
use crate::front::repl::terminal::Terminal;
use crate::front::repl::{Desk, Keeps, Who};
use crate::journal::{Reason, Store, Trouble};
use crate::report::console::{Console as View, Watching};
use crate::report::outside::{Channel, Look, Outside};
use crate::report::screen::Screen;
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::run::answers::Answerer;
use crate::session;
use crate::session::console::{self, Console};
use crate::session::history;
use crate::session::journal::{NONE, find};
use crate::session::resume::{HERE, Left};

/// Work at a console: statements run as they are typed, and can be undone
#[derive(Args)]
pub struct Repl {
    /// Go on at a console that was left: the run's id, or a part of it
    #[arg(long, value_name = "RUN")]
    resume: Option<String>,
    /// Answer a question, by its label as written or its path; may be repeated
    #[arg(long, value_name = "LABEL=VALUE", value_parser = super::driven::labelled)]
    answer: Vec<String>,
    /// Go on although this is another place than the run's: why that is right
    #[arg(long, value_name = "REASON", value_parser = reason, requires = "resume")]
    here: Option<String>,
    /// Where the run is kept: a file, `postgres://…` (a team's), or `none`
    #[arg(long, value_name = "PLACE")]
    journal: Option<String>,
}

/// What the console begins with.
enum Start {
    New(Option<Box<dyn Store>>),
    Again(Box<Left>, Console),
}

pub fn repl(args: &Repl, say: Say) -> u8 {
    match prepared(args) {
        Ok(start) => work(args, say, start),
        Err(refused) => refused.tell(),
    }
}

fn prepared(args: &Repl) -> Result<Start, Refused> {
    let Some(word) = &args.resume else {
        let opened = session::journal::open(args.journal.as_deref())?;
        return Ok(Start::New(opened.map(|opened| opened.store)));
    };
    let mut store = journal(args.journal.as_deref())?;
    let row = find(store.as_mut(), word)?;
    if !row.state.goes_on() {
        let help = format!("`rbk rollback {}` undoes what it has in place", row.run);
        return Err(Refused::helped(format!("run {} has ended", row.run), help));
    }
    tell_wait(store.as_mut(), &row.run)?;
    let left = Left::take(store, &row)?;
    let Some(console) = left.console()? else {
        let help = format!("`rbk resume {}` goes on with it", row.run);
        return Err(Refused::helped(format!("run {} is no console", row.run), help));
    };
    in_place(&left, args.here.as_deref())?;
    Ok(Start::Again(Box::new(left), console))
}

fn work(args: &Repl, say: Say, start: Start) -> u8 {
    let out = Outside::new(Channel::Out);
    let written = out.written();
    let screen = Rc::new(RefCell::new(Screen::new(out)));
    let view = Rc::new(RefCell::new(View::new(screen.clone(), say)));
    let look = screen.borrow_mut().outside().look;
    let (keyboard, mut answers, who) = match keyboard(args, &screen, look) {
        Ok(opened) => opened,
        Err(error) => return Refused::because(format!("cannot start: {}", session::reason(&error))).tell(),
    };
    let (console, keeps) = match &start {
        Start::New(Some(store)) if !store.keeps_secrets() => (Console::default(), Keeps::NoSecrets),
        Start::New(_) => (Console::default(), Keeps::Everything),
        Start::Again(left, console) if !left.keeps_secrets() => (console.clone(), Keeps::NoSecrets),
        Start::Again(_, console) => (console.clone(), Keeps::Everything),
    };
    let mut desk = Desk::new(console, view.clone(), screen.clone(), keyboard, who, keeps);
    let mut watcher = Watching(view);
    let (run, end) = match start {
        Start::New(store) => {
            let ready = console::ready(&desk.console);
            (ready.id.clone(), console::start(ready, store, &mut watcher, &mut answers, &mut desk))
        }
        Start::Again(left, _) => {
            left.notes().for_each(|line| complain_softly(&line));
            let reasons = args.here.iter().map(|text| Reason { option: HERE.into(), text: text.clone() }).collect();
            (left.ready.id.clone(), console::resume(*left, reasons, &mut watcher, &mut answers, &mut desk))
        }
    };
    // A person has seen what went wrong.
    let code = if who == Who::Person { 0 } else { desk.code };
    let stands = desk.in_place().to_vec();
    drop((desk, watcher, answers, screen));
    let code = ended(end, code, &stands, &run, args.journal.as_deref() != Some(NONE));
    if got_out(&written, None) { code } else { code.max(super::REFUSED) }
}

type Opened = (Box<dyn Keyboard>, Answerer, Who);

/// Who types, and who answers.
fn keyboard(args: &Repl, screen: &Rc<RefCell<Screen>>, look: Look) -> std::io::Result<Opened> {
    if !(std::io::stdin().is_terminal() && look.terminal) {
        let answers = Answerer::new(args.answer.clone(), None);
        return Ok((Box::new(Pipe::open()?), answers, Who::Script));
    }
    let history = history::of(None);
    let mut terminal = Terminal::open(history.read(), Box::new(move |past| history.write(past)), look)?;
    let voice = Box::new(OnScreen(screen.clone()));
    let answers = match terminal.answers() {
        Some(lines) => Answerer::typing(args.answer.clone(), voice, Box::new(lines)),
        None => Answerer::new(args.answer.clone(), Some(voice)),
    };
    Ok((Box::new(terminal), answers, Who::Person))
}

fn ended(end: Result<Option<Finish>, Trouble>, code: u8, stands: &[Undoable], run: &str, kept: bool) -> u8 {
    let finish = match end {
        Ok(Some(finish)) => finish,
        Ok(None) => {
            complain("a bug in rbk itself: the console waits for nothing and has not ended; it is left as it is", None);
            return BUG;
        }
        Err(trouble) => return Refused::from(trouble).tell(),
    };
    let mut err = Outside::new(Channel::Err);
    let mut hint = |words: String| err.line(&Line::new(0).put(Tone::Doing, words));
    match finish.end {
        End::Stopped if kept => {
            hint(format!("left as it is: `rbk repl --resume {run}` goes on, `rbk rollback {run}` undoes it"));
            finish.end.exit_code()
        }
        End::Stopped | End::RolledBack | End::Undone | End::UndoneInPart | End::Refused => finish.end.exit_code(),
        End::Succeeded | End::Incomplete => {
            let names: Vec<String> = stands.iter().map(|unit| format!("`{}`", unit.step)).collect();
            if !names.is_empty() {
                let how = if kept { format!("; `rbk rollback {run}` undoes it") } else { String::new() };
                hint(format!("kept in place: {}{how}", names.join(", ")));
            }
            if code == 0 { finish.end.exit_code() } else { code }
        }
    }
}
