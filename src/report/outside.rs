//! The one writer to the outside: hides secrets, shows control characters, survives a closed pipe and never holds the
//! run up. What a pipe takes at once is written at once; from the first text that would have to wait, a thread of its own
//! writes. When the reader is too slow, output of commands is left out and counted, nothing else.
use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use unicode_width::UnicodeWidthStr;

use crate::report::at_once;
use crate::report::style::{Line, Tone};
use crate::report::visible::{Colours, visible};
use crate::report::workflow;
use crate::report::wrap::wrapped;
use crate::run;
use crate::value::Value;
use crate::value::redact::Redactor;

/// Bytes that may wait for a slow reader before output of commands is left out.
const WAITING: usize = 4 << 20;

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Out,
    Err,
}

/// What the other end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub terminal: bool,
    pub colour: bool,
    /// The cursor can be moved.
    pub moves: bool,
    /// Columns; a generous number where nobody counts them.
    pub width: usize,
    pub height: usize,
}

/// What terminals without a cursor call themselves.
const CANNOT_MOVE: [&str; 4] = ["", "dumb", "cons25", "emacs"];

impl Look {
    /// `NO_COLOR` and `TERM=dumb` are respected.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the look of the outside is decided by its environment")]
    pub fn of(channel: Channel) -> Look {
        let terminal = match channel {
            Channel::Out => std::io::stdout().is_terminal(),
            Channel::Err => std::io::stderr().is_terminal(),
        };
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| CANNOT_MOVE.iter().any(|name| term == *name));
        let (width, height) = size(channel).unwrap_or((100, 24));
        Look { terminal, colour: terminal && !dumb && !set("NO_COLOR"), moves: terminal && !dumb, width, height }
    }
}

/// Standard output was closed when the process began.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// To be called before `main`.
pub extern "C" fn look_whether_closed() {
    let closed = fcntl(std::io::stdout(), FcntlArg::F_GETFD) == Err(Errno::EBADF);
    CLOSED.store(closed, Ordering::Relaxed);
}

/// Columns and rows of a terminal.
#[must_use]
pub fn size(channel: Channel) -> Option<(usize, usize)> {
    let (width, height) = match channel {
        Channel::Out => terminal_size::terminal_size_of(std::io::stdout()),
        Channel::Err => terminal_size::terminal_size_of(std::io::stderr()),
    }?;
    (width.0 > 0).then_some((usize::from(width.0), usize::from(height.0.max(1))))
}

/// Whether everything got out; true to the last byte once its [`Outside`] is dropped.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<OnceLock<std::io::Error>>);

impl Written {
    /// Why not. A closed pipe is no reason: its reader has had enough.
    #[must_use]
    pub fn wrong(&self) -> Option<&std::io::Error> {
        self.0.get()
    }
}

/// The secrets of a run, for all who show something of it.
pub type Known = Rc<RefCell<Redactor>>;

/// How often whoever reads is waited for before somebody else writes or the process, told to end, does; and how long each time.
const LAST_WORDS: u32 = 200;
const MOMENT: Duration = Duration::from_millis(10);

enum Writer {
    /// Nothing had to wait so far.
    Here(Box<dyn Write + Send>),
    Thread(mpsc::Sender<Vec<u8>>, JoinHandle<()>),
}

/// A handle on one stream. Dropping it waits until everything is written.
pub struct Outside {
    pub look: Look,
    known: Known,
    writer: Option<Writer>,
    /// The stream, when it tells whether a write would wait.
    quick: Option<Channel>,
    waiting: Arc<AtomicUsize>,
    written: Written,
    left_out: usize,
    /// Whoever reads this obeys lines of it.
    commands: bool,
    /// Nothing gets out while it is so.
    pub muted: bool,
}

impl Outside {
    #[must_use]
    pub fn new(channel: Channel) -> Outside {
        let look = Look::of(channel);
        let (mut to, tells) = match channel {
            Channel::Out => (Outside::to(std::io::stdout(), look), at_once::tells(&std::io::stdout(), look.terminal)),
            Channel::Err => (Outside::to(std::io::stderr(), look), at_once::tells(&std::io::stderr(), look.terminal)),
        };
        to.quick = tells.then_some(channel);
        if channel == Channel::Out && CLOSED.load(Ordering::Relaxed) {
            let _ = to.written.0.set(Errno::EBADF.into());
        }
        to
    }

    /// To any writer; it is written to by another thread.
    #[must_use]
    pub fn to(stream: impl Write + Send + 'static, look: Look) -> Outside {
        let commands = !look.terminal && workflow::reads_commands();
        Outside {
            look,
            known: Known::default(),
            writer: Some(Writer::Here(Box::new(stream))),
            quick: None,
            waiting: Arc::default(),
            written: Written::default(),
            left_out: 0,
            commands,
            muted: false,
        }
    }

    /// What another handle hides is hidden here too.
    #[must_use]
    pub fn knowing(mut self, known: Known) -> Outside {
        self.known = known;
        self
    }

    /// Whether nothing waits to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    /// Wait until nothing waits to be written, at most for about two seconds: somebody else writes to the terminal next.
    pub fn settle(&self) {
        for _ in 0..LAST_WORDS {
            if self.is_empty() {
                return;
            }
            std::thread::sleep(MOMENT);
        }
    }

    /// To ask after the end whether everything got out.
    #[must_use]
    pub fn written(&self) -> Written {
        self.written.clone()
    }

    /// From here on this is hidden wherever it is found.
    pub fn hide(&mut self, secret: &Value) {
        if let Value::Secret(secret) = secret {
            self.known.borrow_mut().learn(&secret.name, secret.expose());
        }
    }

    /// What is hidden here.
    #[must_use]
    pub fn known(&self) -> Known {
        self.known.clone()
    }

    /// A text without its secrets; its control characters are still there.
    #[must_use]
    pub fn redacted(&self, text: &str) -> String {
        self.known.borrow().redact(text).into_owned()
    }

    pub fn line(&mut self, line: &Line) {
        let mut text = self.rendered(line);
        text.push('\n');
        self.raw(text);
    }

    /// A line that a narrow terminal does not break in the middle of a word: what follows stands under its second piece.
    pub fn wrapped(&mut self, line: &Line) {
        let rendered = self.rendered(line);
        let width = if self.look.terminal { self.look.width } else { usize::MAX };
        let lead = line.pieces.first().filter(|_| line.pieces.len() > 1).map_or(2, |(_, text)| text.width());
        self.raw(wrapped(&rendered, width, 2 * line.indent + lead) + "\n");
    }

    /// Whether so much waits for its reader that output of commands has to be left out.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > WAITING
    }

    /// Output of a command: left out, and counted, while the reader is too slow.
    pub fn stream(&mut self, line: &Line) {
        if self.is_behind() {
            self.left_out += 1;
            return;
        }
        self.tell_left_out();
        self.line(line);
    }

    fn tell_left_out(&mut self) {
        let count = std::mem::take(&mut self.left_out);
        if count > 0 {
            let text =
                format!("… {count} lines of output are left out here: they came faster than they could be written");
            self.line(&Line::new(2).put(Tone::Warn, text));
        }
    }

    /// Markdown for people: headings and code stand out, the rest is as written.
    pub fn markdown(&mut self, text: &str) {
        let mut fenced = false;
        for text in text.lines() {
            if text.starts_with("```") {
                fenced = !fenced;
                continue;
            }
            let line = match (fenced, text.strip_prefix('#')) {
                (true, _) => Line::new(2).put(Tone::Doing, text),
                (false, Some(heading)) => Line::new(0).put(Tone::Strong, heading.trim_start_matches('#').trim()),
                (false, None) => Line::new(0).put(Tone::Plain, text),
            };
            self.line(&line);
        }
    }

    /// Text that is not a [`Line`]: several lines, made by this program, secrets hidden and control characters shown.
    pub fn text(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&Line::new(0).put(Tone::Plain, line));
        }
    }

    /// A rendered line without its newline: safe to write.
    #[must_use]
    pub fn rendered(&self, line: &Line) -> String {
        let known = self.known.borrow();
        let mut out = " ".repeat(line.indent * 2);
        for (i, (tone, text)) in line.pieces.iter().enumerate() {
            let streamed = line.streamed && i + 1 == line.pieces.len();
            let colours = match (streamed, self.look.colour) {
                (true, true) => Colours::Pass,
                (true, false) => Colours::Drop,
                (false, _) => Colours::Show,
            };
            let text = known.redact(text);
            let text = visible(&text, colours);
            let on = if self.look.colour { tone.sequence() } else { "" };
            out.push_str(on);
            out.push_str(&text);
            if !on.is_empty() {
                out.push_str("\x1b[0m");
            }
        }
        let trimmed = out.trim_end().len();
        out.truncate(trimmed);
        out
    }

    /// Bytes that are already safe: rendered lines, cursor movements, diagnostics.
    pub fn raw(&mut self, bytes: impl Into<Vec<u8>>) {
        if self.muted {
            return;
        }
        let mut bytes = bytes.into();
        if self.commands
            && let Cow::Owned(inert) = workflow::inert(&bytes)
        {
            bytes = inert;
        }
        if let (Some(Writer::Here(_)), Some(channel)) = (&self.writer, self.quick) {
            let rest = match channel {
                Channel::Out => at_once::write(&std::io::stdout(), &bytes),
                Channel::Err => at_once::write(&std::io::stderr(), &bytes),
            };
            if rest.is_empty() {
                return;
            }
            bytes = rest.to_vec();
        }
        self.later(bytes);
    }

    fn later(&mut self, bytes: Vec<u8>) {
        self.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
        self.writer = match self.writer.take() {
            Some(Writer::Here(stream)) => Some(writer(stream, self.waiting.clone(), self.written.clone())),
            started => started,
        };
        if let Some(Writer::Thread(sender, _)) = &self.writer {
            // The receiver lives as long as this handle.
            let _ = sender.send(bytes);
        }
    }
}

fn writer(mut stream: Box<dyn Write + Send>, waiting: Arc<AtomicUsize>, written: Written) -> Writer {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    let thread = std::thread::spawn(move || {
        let mut open = true;
        for bytes in receiver {
            // What cannot be written ends the writing, never the run.
            if open && let Err(error) = stream.write_all(&bytes).and_then(|()| stream.flush()) {
                open = false;
                if error.kind() != std::io::ErrorKind::BrokenPipe {
                    let _ = written.0.set(error);
                }
            }
            waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        }
    });
    Writer::Thread(sender, thread)
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.tell_left_out();
        if let Some(Writer::Thread(sender, thread)) = self.writer.take() {
            drop(sender);
            // A process that was told to end does not wait for ever for a terminal that nobody reads.
            if self.look.terminal && run::told_to_end() {
                let late = (0..LAST_WORDS).all(|_| {
                    std::thread::sleep(MOMENT);
                    !thread.is_finished()
                });
                if late {
                    return;
                }
            }
            let _ = thread.join();
        }
    }
}
