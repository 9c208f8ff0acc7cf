//! A person's keyboard: a line editor on a thread of its own, so that the run hears signals and the clock while somebody types.
use std::borrow::Cow;
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as asks;

use nix::sys::termios::{FlushArg, LocalFlags, SetArg, Termios, tcflush, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::{History as _, MemHistory};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::sync::mpsc;

use super::colours::{coloured, painted};
use super::completion::Completion;
use super::keyboard::{Heard, Keyboard, Prompt, goes_on};
use crate::effects::line;
use crate::report::outside::Look;
use crate::report::style::Tone;
use crate::run::answers::Lines;

/// What the thread is to do.
enum Ask {
    /// Edit an input: after this prompt, beginning with this text.
    Input(Prompt, String),
    /// Take a line as it comes, unless it is called off: an answer.
    Answer(Arc<AtomicBool>),
    Remember(String),
}

enum Got {
    Line(String),
    Nothing,
    End,
}

/// Both halves: the inputs, and the answers.
pub struct Terminal {
    asks: asks::Sender<Ask>,
    got: mpsc::UnboundedReceiver<Got>,
    answers: Option<mpsc::UnboundedReceiver<Got>>,
    /// Sent, and not answered yet.
    asked: bool,
    called_off: Arc<AtomicBool>,
    /// What was typed before, the oldest first, and where that is kept.
    past: VecDeque<String>,
    keep: Keep,
    modes: Option<Modes>,
    /// The next input begins with it.
    offered: String,
}

/// How the terminal treats its keys.
#[derive(Clone)]
struct Modes {
    /// As it was found: answers are typed in it.
    own: Termios,
    /// While nobody is asked: keys wait unseen and unchanged for the next input, and Ctrl-C is a signal.
    quiet: Termios,
}

impl Modes {
    /// Where the cursor cannot be moved inputs are lines of the terminal's own, and no mode is another one.
    fn of_input(look: Look) -> Option<Modes> {
        let own = tcgetattr(std::io::stdin()).ok()?;
        let mut quiet = own.clone();
        if look.moves {
            quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON);
        }
        Some(Modes { own, quiet })
    }
}

fn set(mode: Option<&Termios>) {
    if let Some(mode) = mode {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, mode);
    }
}

/// Told of what was typed, the oldest first, each time that something is.
pub type Keep = Box<dyn FnMut(&VecDeque<String>)>;

/// How many inputs are offered again.
pub const PAST: usize = 1000;

impl Terminal {
    /// `past`: what was typed before, the oldest first; `keep`: told of each change.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn open(past: Vec<String>, keep: Keep, look: Look, completion: Completion) -> std::io::Result<Terminal> {
        let (asks, to_do) = asks::channel();
        let (to, got) = mpsc::unbounded_channel();
        let (to_answers, answers) = mpsc::unbounded_channel();
        let modes = Modes::of_input(look);
        set(modes.as_ref().map(|modes| &modes.quiet));
        let of_thread = modes.clone();
        let offered = past.clone();
        // It ends with the process: what it waits for may never come.
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            let (own, quiet) = of_thread.map(|modes| (modes.own, modes.quiet)).unzip();
            let mut editor = editor(&offered, look.colour, &completion);
            for ask in to_do {
                let sent = match ask {
                    Ask::Input(prompt, text) => {
                        to.send(editor.as_mut().map_or(Got::End, |editor| input(editor, &prompt, &text)))
                    }
                    Ask::Answer(called_off) => {
                        set(own.as_ref());
                        let answer = answer(&called_off);
                        set(quiet.as_ref());
                        to_answers.send(answer)
                    }
                    Ask::Remember(text) => {
                        let _ = editor.as_mut().map(|editor| editor.add_history_entry(text));
                        Ok(())
                    }
                };
                if sent.is_err() {
                    return;
                }
            }
        })?;
        let (called_off, past) = (Arc::default(), past.into());
        Ok(Terminal {
            asks,
            got,
            answers: Some(answers),
            asked: false,
            called_off,
            past,
            keep,
            modes,
            offered: String::new(),
        })
    }

    /// Where answers come from, once.
    pub fn answers(&mut self) -> Option<Typed> {
        let got = self.answers.take()?;
        let own = self.modes.as_ref().map(|modes| modes.own.clone());
        Some(Typed { asks: self.asks.clone(), got, asked: false, called_off: self.called_off.clone(), own })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The editor may be in the middle of a line.
        set(self.modes.as_ref().map(|modes| &modes.own));
    }
}

impl Keyboard for Terminal {
    fn next(&mut self, prompt: &Prompt) -> Pin<Box<dyn Future<Output = Heard> + '_>> {
        let prompt = prompt.clone();
        Box::pin(async move {
            if !self.asked {
                let text = std::mem::take(&mut self.offered);
                self.asked = self.asks.send(Ask::Input(prompt, text)).is_ok();
            }
            let got = self.got.recv().await;
            self.asked = false;
            match got {
                Some(Got::Line(text)) => Heard::Text(text),
                Some(Got::Nothing) => Heard::CalledOff,
                Some(Got::End) | None => Heard::End,
            }
        })
    }

    fn ready(&mut self) {
        self.called_off.store(true, Ordering::SeqCst);
        set(self.modes.as_ref().map(|modes| &modes.quiet));
    }

    fn offer(&mut self, text: &str) {
        text.clone_into(&mut self.offered);
    }

    fn remember(&mut self, text: &str) {
        if self.past.back().is_some_and(|last| last == text) {
            return;
        }
        self.past.push_back(text.to_owned());
        if self.past.len() > PAST {
            self.past.pop_front();
        }
        (self.keep)(&self.past);
        let _ = self.asks.send(Ask::Remember(text.to_owned()));
    }

    fn interrupted(&mut self) {}
}

/// The answers to questions.
pub struct Typed {
    asks: asks::Sender<Ask>,
    got: mpsc::UnboundedReceiver<Got>,
    asked: bool,
    called_off: Arc<AtomicBool>,
    own: Option<Termios>,
}

impl Lines for Typed {
    fn line(&mut self) -> Pin<Box<dyn Future<Output = Option<String>> + '_>> {
        Box::pin(async move {
            loop {
                if !self.asked {
                    self.called_off.store(false, Ordering::SeqCst);
                    self.asked = self.asks.send(Ask::Answer(self.called_off.clone())).is_ok();
                }
                let got = self.got.recv().await;
                self.asked = false;
                match got {
                    Some(Got::Line(text)) => return Some(text),
                    Some(Got::Nothing) => {}
                    Some(Got::End) | None => return None,
                }
            }
        })
    }

    fn forget(&mut self) {
        // Before the question is seen: a line that is typed in the other mode has no end in this one.
        set(self.own.as_ref());
        let _ = tcflush(std::io::stdin(), FlushArg::TCIFLUSH);
    }
}

fn answer(called_off: &AtomicBool) -> Got {
    match line::read(std::io::stdin().as_fd(), called_off) {
        line::Typed::Line(text) => Got::Line(text),
        line::Typed::CalledOff => Got::Nothing,
        line::Typed::End => Got::End,
    }
}

fn input(editor: &mut Editor<Helping, MemHistory>, prompt: &Prompt, begun: &str) -> Got {
    let plain = format!("{}{}", prompt.before, prompt.text);
    if let Some(helping) = editor.helper_mut() {
        helping.prompt = coloured_prompt(prompt);
    }
    match editor.readline_with_initial(&plain, (begun, "")) {
        Ok(text) => Got::Line(text),
        Err(ReadlineError::Interrupted) => Got::Nothing,
        Err(_) => Got::End,
    }
}

fn coloured_prompt(prompt: &Prompt) -> String {
    let before = if prompt.before.is_empty() { String::new() } else { painted(&prompt.before, prompt.tone) };
    before + &prompt.text
}

fn editor(past: &[String], colour: bool, completion: &Completion) -> Option<Editor<Helping, MemHistory>> {
    let config = Config::builder().max_history_size(PAST).ok()?.completion_type(CompletionType::List).build();
    let mut editor = Editor::with_history(config.clone(), MemHistory::with_config(&config)).ok()?;
    editor.set_helper(Some(Helping { colour, prompt: String::new(), completion: completion.clone() }));
    for text in past {
        let _ = editor.history_mut().add(text);
    }
    Some(editor)
}

/// Where an input ends, and its colours.
struct Helping {
    colour: bool,
    /// With its colours.
    prompt: String,
    completion: Completion,
}

impl Helper for Helping {}

impl Completer for Helping {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _ctx: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.completion.words(line, pos))
    }
}

impl Hinter for Helping {
    type Hint = String;

    fn hint(&self, line: &str, pos: usize, _ctx: &Context<'_>) -> Option<String> {
        self.completion.look_ahead(line, pos);
        // Without colours nobody could tell it from what was typed.
        if self.colour { self.completion.hint(line, pos) } else { None }
    }
}

impl Validator for Helping {
    fn validate(&self, ctx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if goes_on(ctx.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Highlighter for Helping {
    fn highlight<'l>(&self, line: &'l str, _pos: usize) -> Cow<'l, str> {
        if self.colour { Cow::Owned(coloured(line)) } else { Cow::Borrowed(line) }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        if self.colour && default { Cow::Borrowed(&self.prompt) } else { Cow::Borrowed(prompt) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(painted(hint, Tone::Dim))
    }

    fn highlight_char(&self, _line: &str, _pos: usize, kind: CmdKind) -> bool {
        self.colour && kind != CmdKind::MoveCursor
    }
}
