//! Writing what can be written without waiting: most of what a run says goes to a pipe that has room for it.
use std::os::fd::{AsFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};

/// A pipe that can be written to takes this many bytes at once.
const ROOM: usize = nix::libc::PIPE_BUF;

/// Whether a stream tells before a write that it would wait: a pipe does, and a device such as `/dev/null` never waits.
/// A terminal takes less than it says, and the disk of a file may hang.
pub fn tells(stream: &impl AsFd, terminal: bool) -> bool {
    let Ok(stat) = fstat(stream) else { return false };
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    kind == SFlag::S_IFIFO || (kind == SFlag::S_IFCHR && !terminal)
}

/// Write what needs no waiting; the rest comes back. What went wrong shows again to whoever writes the rest.
pub fn write<'b>(stream: &impl AsFd, mut bytes: &'b [u8]) -> &'b [u8] {
    let stream = stream.as_fd();
    while !bytes.is_empty() && is_ready(stream) {
        let part = bytes.get(..ROOM).unwrap_or(bytes);
        match nix::unistd::write(stream, part) {
            Ok(n) if n > 0 => bytes = bytes.get(n..).unwrap_or_default(),
            Ok(_) | Err(_) => break,
        }
    }
    bytes
}

fn is_ready(stream: BorrowedFd<'_>) -> bool {
    let mut streams = [PollFd::new(stream, PollFlags::POLLOUT)];
    let found = poll(&mut streams, PollTimeout::ZERO);
    found.is_ok() && streams.iter().all(|s| s.revents() == Some(PollFlags::POLLOUT))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_does_not_fit_comes_back() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        assert!(tells(&writer, false));
        let text = vec![b'x'; 1 << 22];
        let rest = write(&writer, &text).len();
        assert!(rest > 0 && rest < text.len(), "{rest}");
        assert_eq!(write(&writer, b"more"), b"more");
        let mut read = vec![0; text.len() - rest];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(write(&writer, b"more"), b"");
        drop(reader);
        // A process that another test is starting has the pipe too, until it is another program.
        let gone = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            write(&writer, b"nobody") == b"nobody"
        });
        assert!(gone);
    }

    #[test]
    fn a_file_is_not_trusted() {
        assert!(!tells(&tempfile::tempfile().unwrap(), false));
        let null = std::fs::File::options().write(true).open("/dev/null").unwrap();
        assert!(tells(&null, false) && !tells(&null, true));
    }
}
