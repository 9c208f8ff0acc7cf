//! Lines from `/dev/tty`, read by a thread of their own so that the run goes on.
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::pin::Pin;

use nix::sys::termios::{FlushArg, tcflush};
use tokio::sync::mpsc;

use super::Lines;

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
}

impl Lines for Terminal {
    fn line(&mut self) -> Pin<Box<dyn Future<Output = Option<String>> + '_>> {
        Box::pin(self.lines.recv())
    }

    fn forget(&mut self) {
        let _ = tcflush(&self.device, FlushArg::TCIFLUSH);
        while self.lines.try_recv().is_ok() {}
    }
}
