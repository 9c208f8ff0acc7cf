//! Lines from `/dev/tty`, read by a thread of their own so that the run goes on.
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};

use nix::sys::termios::{FlushArg, tcflush};
use tokio::sync::mpsc;

pub struct Terminal {
    device: File,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Terminal {
    pub fn open() -> Option<Terminal> {
        let device = OpenOptions::new().read(true).open("/dev/tty").ok()?;
        let from = device.try_clone().ok()?;
        let (tx, lines) = mpsc::unbounded_channel();
        // Ends with the process, or with the terminal.
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                if tx.send(line).is_err() {
                    return;
                }
            }
        });
        Some(Terminal { device, lines })
    }

    /// The next line; None when the terminal is gone.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// What was typed before a question was shown does not answer it.
    pub fn forget(&mut self) {
        let _ = tcflush(&self.device, FlushArg::TCIFLUSH);
        while self.lines.try_recv().is_ok() {}
    }
}
