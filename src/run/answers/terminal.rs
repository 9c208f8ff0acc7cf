//! Lines from `/dev/tty`, read by a thread of their own so that the run goes on.
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};

use nix::sys::termios::{FlushArg, tcflush};
use tokio::sync::mpsc;

use crate::engine::{QuestionAsked, QuestionKind};
use crate::value::show;

pub struct Terminal {
    out: File,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Terminal {
    pub fn open() -> Option<Terminal> {
        let out = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        let from = out.try_clone().ok()?;
        let (tx, lines) = mpsc::unbounded_channel();
        // Ends with the process, or with the terminal.
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                if tx.send(line).is_err() {
                    return;
                }
            }
        });
        Some(Terminal { out, lines })
    }

    /// The next line; None when the terminal is gone.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    pub fn show(&mut self, question: &QuestionAsked) {
        // What was typed before the question was shown does not answer it.
        let _ = tcflush(&self.out, FlushArg::TCIFLUSH);
        while self.lines.try_recv().is_ok() {}
        let text = show::escape(&question.text);
        let within = question.within.map(|d| format!(" within {}", show::duration(d))).unwrap_or_default();
        let prompt = match &question.kind {
            QuestionKind::Confirm => format!("? {text} [yes/no{within}] "),
            QuestionKind::Irreversible { why } => format!(
                "! `{text}` cannot be undone: {}\n? type the step's name to go on, or `no`: ",
                show::escape(why)
            ),
            QuestionKind::Text(_) => format!("? {text} "),
            QuestionKind::Choose(options) => {
                let list: Vec<String> =
                    options.iter().enumerate().map(|(i, o)| format!("  {}) {}\n", i + 1, show::escape(o))).collect();
                format!("? {text}\n{}> ", list.concat())
            }
        };
        self.write(&format!("\r{prompt}"));
    }

    pub fn say(&mut self, text: &str) {
        self.write(&format!("  {}\n", show::escape(text)));
    }

    /// A terminal that is gone is told by the reader.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}
