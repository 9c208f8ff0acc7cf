//! Where inputs come from.
use std::io::BufRead;
use std::pin::Pin;

use tokio::sync::mpsc;

use super::habits;
use crate::report::style::Tone;
use crate::session::console::is_incomplete;

/// Whether another line belongs to it: a statement that is open, also behind `:plan`.
pub fn goes_on(text: &str) -> bool {
    match text.trim_start().strip_prefix(':') {
        Some(order) => order.strip_prefix("plan ").is_some_and(is_incomplete),
        None => !habits::is_whole(text) && is_incomplete(text),
    }
}

/// What came.
pub enum Heard {
    /// One whole input.
    Text(String),
    /// The line was taken away.
    CalledOff,
    End,
}

/// What a person sees before an input.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Which environment this is, and how loud.
    pub before: String,
    pub tone: Tone,
    pub text: String,
}

pub trait Keyboard {
    /// The next input; dropped at any point.
    fn next(&mut self, prompt: &Prompt) -> Pin<Box<dyn Future<Output = Heard> + '_>>;
    /// Nothing runs any more: what is typed from here on answers no question.
    fn ready(&mut self);
    /// The next input begins with this text, for a person to change.
    fn offer(&mut self, text: &str);
    /// To be offered again later.
    fn remember(&mut self, text: &str);
    /// A signal came while nothing runs.
    fn interrupted(&mut self);
}

/// Lines that come by themselves: a pipe, a file.
pub struct Pipe {
    lines: mpsc::Receiver<String>,
    /// The beginning of an input.
    open: String,
    over: bool,
}

/// Lines that are read ahead.
const AHEAD: usize = 16;

impl Pipe {
    /// # Errors
    /// No thread can be started.
    pub fn open() -> std::io::Result<Pipe> {
        let (to, lines) = mpsc::channel(AHEAD);
        // It ends with the process: what it waits for may never come.
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
            for line in std::io::stdin().lock().split(b'\n') {
                let Ok(line) = line else { return };
                let line = String::from_utf8_lossy(&line).into_owned();
                if to.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(Pipe { lines, open: String::new(), over: false })
    }
}

impl Keyboard for Pipe {
    fn next(&mut self, _prompt: &Prompt) -> Pin<Box<dyn Future<Output = Heard> + '_>> {
        Box::pin(async move {
            loop {
                if self.over {
                    return Heard::End;
                }
                match self.lines.recv().await {
                    Some(line) => {
                        self.open.push_str(line.trim_end_matches('\r'));
                        if !goes_on(&self.open) {
                            return Heard::Text(std::mem::take(&mut self.open));
                        }
                        self.open.push('\n');
                    }
                    None => {
                        self.over = true;
                        let rest = std::mem::take(&mut self.open);
                        if !rest.trim().is_empty() {
                            return Heard::Text(rest);
                        }
                    }
                }
            }
        })
    }

    fn ready(&mut self) {}

    fn offer(&mut self, _text: &str) {}

    fn remember(&mut self, _text: &str) {}

    fn interrupted(&mut self) {
        self.over = true;
    }
}
