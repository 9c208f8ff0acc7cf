//! What a command writes: streamed on, kept within bounds. A slow reader slows the command down; nothing piles up here.
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::net::unix::pipe::Receiver;
use tokio::sync::Notify;

use super::far::{Signs, Stage};
use crate::effects::{Chunk, Output, Stream};

const CHUNK: usize = 16 * 1024;
/// More than any pipe holds by default: what is read after the end at most, from one that is still written to.
const LAST: usize = 1024 * 1024;
const HEAD: usize = 1024;
const TAIL: usize = 8 * 1024;

/// The first bytes up to a limit, the last few, and how many there were.
#[derive(Debug)]
pub struct Kept {
    limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: usize,
}

impl Kept {
    /// For a value: all of it, or it is too long.
    pub fn value(limit: usize) -> Kept {
        Kept { limit, head: Vec::new(), tail: VecDeque::new(), total: 0 }
    }

    /// For people: how it began and how it ended.
    pub fn excerpt() -> Kept {
        Kept::value(HEAD)
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
        let (head, rest) = bytes.split_at(bytes.len().min(self.limit - self.head.len()));
        self.head.extend_from_slice(head);
        let (_, last) = rest.split_at(rest.len().saturating_sub(TAIL));
        self.tail.extend(last);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
    }

    /// Whether bytes went over the limit.
    pub fn overflowed(&self) -> bool {
        self.total > self.limit
    }

    /// All of it, when it fitted.
    pub fn whole(&self) -> Option<&[u8]> {
        (!self.overflowed()).then_some(&self.head)
    }

    /// The lines a person wants to see after a failure: the first, the last.
    pub fn lines(&self) -> Vec<String> {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let cut = self.total.saturating_sub(self.head.len() + tail.len());
        if cut == 0 {
            let all = [self.head.as_slice(), &tail].concat();
            return shorten(lines(&all));
        }
        let mut first = lines(&self.head);
        first.truncate(3);
        let mut last = lines(&tail);
        last.drain(..last.len().saturating_sub(8));
        first.push("…".to_owned());
        first.extend(last);
        first
    }
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter(|l| !l.trim().is_empty()).map(|l| l.chars().take(500).collect()).collect()
}

fn shorten(all: Vec<String>) -> Vec<String> {
    if all.len() <= 12 {
        return all;
    }
    let left = all.len() - 11;
    let last = all.iter().skip(all.len() - 8).cloned();
    all.iter().take(3).cloned().chain([format!("… {left} lines …")]).chain(last).collect()
}

/// One of a command's two outputs.
pub struct Pipe {
    stream: Stream,
    from: Option<Receiver>,
    kept: RefCell<Kept>,
    to: Option<Output>,
    /// Something was read that has not been taken yet.
    busy: Cell<bool>,
    /// Of a command somewhere else: how far it got.
    signs: Option<RefCell<Signs>>,
    ended: Notify,
}

impl Pipe {
    /// # Errors
    /// When the descriptor is no pipe.
    pub fn new(
        stream: Stream,
        fd: OwnedFd,
        kept: Kept,
        to: Option<Output>,
        signs: Option<Signs>,
    ) -> std::io::Result<Pipe> {
        let (from, kept, signs) = (Some(Receiver::from_owned_fd(fd)?), RefCell::new(kept), signs.map(RefCell::new));
        Ok(Pipe { stream, from, kept, to, busy: Cell::new(false), signs, ended: Notify::new() })
    }

    /// How far a command somewhere else got.
    pub fn stage(&self) -> Stage {
        self.signs.as_ref().map_or(Stage::Before, |signs| signs.borrow().stage.clone())
    }

    /// What was said on the way there.
    pub fn before(&self) -> String {
        self.signs.as_ref().map(|signs| signs.borrow().before()).unwrap_or_default()
    }

    /// Returns once a command somewhere else is said to have ended.
    pub async fn told(&self) {
        while !matches!(self.stage(), Stage::Ended(..)) {
            self.ended.notified().await;
        }
    }

    /// The command's own bytes among these.
    fn own(&self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(signs) = &self.signs else { return bytes };
        let own = signs.borrow_mut().feed(&bytes);
        if matches!(self.stage(), Stage::Ended(..)) {
            self.ended.notify_one();
        }
        own
    }

    pub fn kept(&self) -> std::cell::Ref<'_, Kept> {
        self.kept.borrow()
    }

    pub fn is_busy(&self) -> bool {
        self.busy.get()
    }

    /// Read until the end. May be dropped at any point: nothing that was read is lost.
    pub async fn pump(&self) {
        let Some(from) = &self.from else { return };
        loop {
            self.busy.set(false);
            if from.readable().await.is_err() {
                return;
            }
            self.busy.set(true);
            // The place is taken before the read and only when there is something: quiet commands hold none.
            let place = match &self.to {
                Some(output) => output.to.reserve().await.ok().map(|place| (output.call, place)),
                None => None,
            };
            let mut buffer = vec![0; CHUNK];
            match from.try_read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    buffer.truncate(n);
                    let bytes = self.own(buffer);
                    self.kept.borrow_mut().push(&bytes);
                    if let (Some((call, place)), false) = (place, bytes.is_empty()) {
                        place.send(Chunk { call, stream: self.stream, bytes });
                    }
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        self.busy.set(false);
    }

    /// Take what is already in the pipe. A daemon that goes on writing is read and forgotten from here on,
    /// so that it does not die of a closed pipe while rbk lives.
    pub async fn finish(&mut self) {
        let Some(from) = self.from.take() else { return };
        let mut taken = 0;
        let mut open = true;
        while taken < LAST {
            let mut buffer = vec![0; CHUNK];
            match from.try_read(&mut buffer) {
                Ok(n) if n > 0 => {
                    taken += n;
                    buffer.truncate(n);
                    let bytes = self.own(buffer);
                    self.last(bytes).await;
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => {
                    open = false;
                    break;
                }
            }
        }
        let rest = self.signs.as_ref().map(|signs| signs.borrow_mut().rest()).unwrap_or_default();
        self.last(rest).await;
        if open {
            tokio::spawn(forget(from));
        }
    }

    async fn last(&self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.kept.borrow_mut().push(&bytes);
        if let Some(output) = &self.to {
            let chunk = Chunk { call: output.call, stream: self.stream, bytes };
            let _ = output.to.send_timeout(chunk, Duration::from_secs(1)).await;
        }
    }
}

async fn forget(from: Receiver) {
    let mut buffer = vec![0; CHUNK];
    while from.readable().await.is_ok() {
        match from.try_read(&mut buffer) {
            Ok(0) => return,
            Err(e) if e.kind() != std::io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_within_its_bounds() {
        let mut kept = Kept::excerpt();
        for n in 0..100_000 {
            kept.push(format!("line {n}\n").as_bytes());
        }
        assert!(kept.head.len() + kept.tail.len() <= HEAD + TAIL);
        let lines = kept.lines();
        assert_eq!(lines[0], "line 0");
        assert_eq!(lines.last().unwrap(), "line 99999");
        assert!(lines.len() <= 12);
    }

    #[test]
    fn a_value_is_whole_or_too_long() {
        let mut kept = Kept::value(4);
        kept.push(b"ab");
        kept.push(b"cd");
        assert_eq!(kept.whole(), Some(b"abcd".as_slice()));
        kept.push(b"e");
        assert_eq!(kept.whole(), None);
    }

    #[test]
    fn few_lines_are_shown_as_they_are_and_many_are_cut_in_the_middle() {
        let mut kept = Kept::excerpt();
        kept.push(b"one\n\ntwo\n");
        assert_eq!(kept.lines(), ["one", "two"]);
        for n in 0..40 {
            kept.push(format!("{n}\n").as_bytes());
        }
        assert_eq!(kept.lines()[3], "… 31 lines …");
    }
}
