//! A line that somebody types at a terminal in its own mode, until nobody wants it any more.
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How it ended.
pub enum Typed {
    /// Without its newline.
    Line(String),
    /// Nobody wants it: nothing is taken from what is typed later.
    CalledOff,
    /// The terminal is gone, or its end was typed.
    End,
}

/// Waits, looking about twenty times a second whether it is called off.
pub fn read(terminal: BorrowedFd<'_>, called_off: &AtomicBool) -> Typed {
    let mut line = Vec::new();
    while !called_off.load(Ordering::SeqCst) {
        if !is_ready(terminal) || called_off.load(Ordering::SeqCst) {
            continue;
        }
        let mut byte = [0];
        match nix::unistd::read(terminal, &mut byte) {
            Ok(0) => return Typed::End,
            Ok(_) if byte == *b"\n" => return Typed::Line(String::from_utf8_lossy(&line).into_owned()),
            Ok(_) => line.extend(byte),
            Err(Errno::EINTR) => {}
            Err(_) => return Typed::End,
        }
    }
    Typed::CalledOff
}

/// Within a moment.
fn is_ready(file: BorrowedFd<'_>) -> bool {
    let mut files = [PollFd::new(file, PollFlags::POLLIN)];
    poll(&mut files, PollTimeout::from(50u8)).is_ok_and(|ready| ready > 0)
}
