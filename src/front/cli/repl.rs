//! `rbk repl`: a console. Statements run as they are typed, and can be undone.
use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::Path;
use std::rc::Rc;

use clap::Args;

use super::answers::OnScreen;
use super::driven::{Telling, journal, reason};
use super::inputs::{Inputs, Somebody};
use super::questions::strange;
use super::refused::Refused;
use super::resume::{complain_softly, in_place, wait_for};
use super::{BUG, complain, got_out, open};
use crate::engine::event::End;
use crate::engine::{Finish, Part, Stands, Undoable};
use crate::front::repl::book::Course;
use crate::front::repl::completion::Completion;
use crate::front::repl::keyboard::{Keyboard, Pipe};
use crate::front::repl::terminal::Terminal;
use crate::front::repl::{Begins, Desk, Keeps, Run, Who};
use crate::journal::{Reason, Store, Trouble};
use crate::plan::labels;
use crate::report::console::{Console as View, Watching};
use crate::report::outside::{Channel, Look, Outside};
use crate::report::screen::Screen;
use crate::report::story::Say;
use crate::report::style::{Line, Tone};
use crate::run::answers::Answerer;
use crate::session;
use crate::session::book;
use crate::session::console::{self, Console};
use crate::session::history;
use crate::session::journal::{NONE, find};
use crate::session::resume::{HERE, Left, is_known};
use crate::session::run::Ready;

/// Work at a console: statements run as they are typed, and can be undone
#[derive(Args)]
pub struct Repl {
    /// A runbook: its steps are known by name, and run when you say so
    #[arg(conflicts_with = "resume")]
    file: Option<String>,
    #[command(flatten)]
    inputs: Inputs,
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

/// Failed, and everything undone.
const FAILED: u8 = 1;

/// What the console begins with.
enum Start {
    New(Option<Box<dyn Store>>, Option<Part>),
    Again(Box<Left>, Box<Console>),
}

/// How somebody works at it.
struct Way<'a> {
    answer: &'a [String],
    here: Option<&'a str>,
    journal: Option<&'a str>,
    course: Course,
}

pub fn repl(args: &Repl, say: Say) -> u8 {
    let (here, journal) = (args.here.as_deref(), args.journal.as_deref());
    let way = Way { answer: &args.answer, here, journal, course: Course::default() };
    match prepared(args, say) {
        Ok(start) => work(way, say, start),
        Err(refused) => refused.tell(),
    }
}

/// `rbk run --on-failure ask`: a console that runs its runbook by itself, up to a failure.
pub fn run(ready: &Ready, store: Option<Box<dyn Store>>, telling: &Telling, say: Say) -> u8 {
    let part = book::part(&ready.program, &ready.sources, &ready.params);
    let way = Way { answer: &telling.answer, here: None, journal: telling.journal.as_deref(), course: Course::alone() };
    work(way, say, Start::New(store, part))
}

fn prepared(args: &Repl, say: Say) -> Result<Start, Refused> {
    let Some(word) = &args.resume else {
        let begins = args.file.as_deref().map(|file| begins(args, file, say)).transpose()?.flatten();
        if begins.is_none() && !args.inputs.is_empty() {
            let message = "`--set` and `--params` are for a runbook, and none is named";
            return Err(Refused::helped(message, "`rbk repl FILE --set NAME=VALUE`"));
        }
        let opened = session::journal::open(args.journal.as_deref())?;
        return Ok(Start::New(opened.map(|opened| opened.store), begins));
    };
    let mut store = journal(args.journal.as_deref())?;
    let row = find(store.as_mut(), word)?;
    if !row.state.goes_on() {
        let help = format!("`rbk rollback {}` undoes what it has in place", row.run);
        return Err(Refused::helped(format!("run {} has ended", row.run), help));
    }
    is_known(&row.run)?;
    wait_for(store.as_mut(), &row.run, args.here.as_deref())?;
    let left = Left::take(store, &row)?;
    let Some(console) = left.console()? else {
        let help = format!("`rbk resume {}` goes on with it", row.run);
        return Err(Refused::helped(format!("run {} is no console", row.run), help));
    };
    in_place(&left, args.here.as_deref())?;
    Ok(Start::Again(Box::new(left), Box::new(console)))
}

fn begins(args: &Repl, file: &str, say: Say) -> Result<Option<Part>, Refused> {
    if file == "-" {
        let message = "a console reads standard input itself: the runbook cannot come from there";
        return Err(Refused::helped(message, "name a file"));
    }
    let (program, sources) = open(file, say)?;
    for (message, help) in strange(&labels(&program), &args.answer) {
        complain_softly(&format!("{message}; {help}"));
    }
    let params = args.inputs.take(&program, &sources, Somebody::look())?;
    Ok(book::part(&program, &sources, &params))
}

fn work(way: Way<'_>, say: Say, start: Start) -> u8 {
    let alone = way.course.alone;
    let environment = match session::environment::here() {
        Ok(environment) => environment,
        Err(why) => return Refused::because(why).tell(),
    };
    let out = Outside::new(Channel::Out);
    let written = out.written();
    let screen = Rc::new(RefCell::new(Screen::new(out)));
    let view = Rc::new(RefCell::new(View::new(screen.clone(), say)));
    let look = screen.borrow_mut().outside().look;
    let name = match &start {
        Start::New(_, Some(Part::Book { name, .. })) => Some(name.clone()),
        Start::New(..) => None,
        Start::Again(_, console) => console.book().map(|(_, book)| book.name.clone()),
    };
    let (console, keeps) = match &start {
        Start::New(Some(store), _) if !store.keeps_secrets() => (Console::default(), Keeps::NoSecrets),
        Start::New(..) => (Console::default(), Keeps::Everything),
        Start::Again(left, console) if !left.keeps_secrets() => (Console::clone(console), Keeps::NoSecrets),
        Start::Again(_, console) => (Console::clone(console), Keeps::Everything),
    };
    let ready = console::ready(&console);
    let id = match &start {
        Start::New(..) => ready.id.clone(),
        Start::Again(left, _) => left.ready.id.clone(),
    };
    let (keyboard, mut answers, who, completion) = match keyboard(way.answer, name.as_deref(), &screen, look, &id) {
        Ok(opened) => opened,
        Err(error) => return Refused::because(format!("cannot start: {}", session::reason(&error))).tell(),
    };
    let run = Run { id: id.clone(), journal: way.journal.map(str::to_owned) };
    let mut desk = Desk::new(console, view.clone(), screen.clone(), keyboard, who, keeps, run);
    desk.course = way.course;
    desk.environment = environment;
    desk.completion = completion;
    let mut watcher = Watching(view);
    let end = match start {
        Start::New(store, begins) => {
            desk.begins = begins.clone().map_or(Begins::Empty, Begins::With);
            console::start(ready, begins.as_ref(), store, &mut watcher, &mut answers, &mut desk)
        }
        Start::Again(left, _) => {
            left.notes().for_each(|line| complain_softly(&line));
            let reasons =
                way.here.iter().map(|text| Reason { option: HERE.into(), text: (*text).to_owned() }).collect();
            console::resume(*left, reasons, &mut watcher, &mut answers, &mut desk)
        }
    };
    // A person has seen what went wrong.
    let code = if who == Who::Person { 0 } else { desk.code };
    let code = if desk.is_refused() { super::REFUSED } else { code };
    let stands = desk.in_place().to_vec();
    drop((desk, watcher, answers, screen));
    let undone = matches!(&end, Ok(Some(Finish { end: End::Undone, .. })));
    let code = ended(end, code, &stands, &id, way.journal != Some(NONE));
    // A run that was undone has failed.
    let code = if alone && undone { code.max(FAILED) } else { code };
    if got_out(&written, None) { code } else { code.max(super::REFUSED) }
}

type Opened = (Box<dyn Keyboard>, Answerer, Who, Option<Completion>);

/// Who types, and who answers.
fn keyboard(
    answer: &[String],
    book: Option<&str>,
    screen: &Rc<RefCell<Screen>>,
    look: Look,
    run: &str,
) -> std::io::Result<Opened> {
    if !(std::io::stdin().is_terminal() && look.terminal) {
        let answers = Answerer::new(answer.to_vec(), None);
        return Ok((Box::new(Pipe::open()?), answers, Who::Script, None));
    }
    let completion = Completion::new(run);
    let history = history::of(book.map(Path::new));
    let mut terminal =
        Terminal::open(history.read(), Box::new(move |past| history.write(past)), look, completion.clone())?;
    let voice = Box::new(OnScreen(screen.clone()));
    let answers = match terminal.answers() {
        Some(lines) => Answerer::typing(answer.to_vec(), voice, Box::new(lines)),
        None => Answerer::new(answer.to_vec(), Some(voice)),
    };
    Ok((Box::new(terminal), answers, Who::Person, Some(completion)))
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
        End::Succeeded | End::Failed | End::Incomplete => {
            let undone = |unit: &Undoable| finish.undone.iter().any(|(path, _)| *path == unit.path);
            let stands: Vec<&Undoable> = stands.iter().filter(|unit| !undone(unit)).collect();
            if !stands.is_empty() {
                let named = |unit: &&Undoable| format!("`{}`", unit.step);
                let names: Vec<String> = stands.iter().map(named).collect();
                let before: Vec<String> =
                    stands.iter().filter(|unit| unit.stands == Stands::InPlace).map(named).collect();
                // An undo begins with the last of them.
                let how = match stands.last() {
                    Some(last) if last.stands == Stands::Final && !before.is_empty() && kept => format!(
                        "; {} cannot be undone, and an undo of all stops there: `rbk rollback {run} --only STEP --reason … \
                         --out-of-order …` undoes one of {}",
                        named(last),
                        before.join(", ")
                    ),
                    Some(last) if last.stands == Stands::Final => ", which cannot be undone".to_owned(),
                    Some(_) | None if !kept => String::new(),
                    Some(_) | None => format!("; `rbk rollback {run}` undoes it"),
                };
                hint(format!("kept in place: {}{how}", names.join(", ")));
            }
            if code == 0 { finish.end.exit_code() } else { code }
        }
    }
}
