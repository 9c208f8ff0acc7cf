//! What a command writes: streamed on, kept within bounds. A slow reader slows the command down; nothing piles up here.
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::Notify;

use super::archive::Archive;
use super::far::{Signs, Stage};
use crate::effects::{Chunk, Output, Stream};
use crate::value::redact::{self, Redactor};

const CHUNK: usize = 16 * 1024;
/// More than any pipe holds by default: what is read after the end at most, from one that is still written to.
const LAST: usize = 1024 * 1024;
const HEAD: usize = 1024;
const TAIL: usize = 8 * 1024;

/// What is kept of a stream: as a value, all of it up to a limit; for people, without its secrets, how it began and ended.
pub struct Kept {
    /// None: nobody takes it as a value.
    limit: Option<usize>,
    value: Vec<u8>,
    total: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    shown: usize,
}

impl Kept {
    /// For a value: all of it, or it is too long.
    pub fn value(limit: usize) -> Kept {
        Kept { limit: Some(limit), ..Kept::excerpt() }
    }

    /// For people only.
    pub fn excerpt() -> Kept {
        Kept { limit: None, value: Vec::new(), total: 0, head: Vec::new(), tail: VecDeque::new(), shown: 0 }
    }

    /// `clean`: the same, as far as its secrets are known by now.
    pub fn push(&mut self, bytes: &[u8], clean: &[u8]) {
        self.total += bytes.len();
        let room = self.limit.map_or(0, |limit| limit - self.value.len());
        self.value.extend(bytes.iter().take(room));
        self.shown += clean.len();
        let (head, rest) = clean.split_at(clean.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(head);
        let (_, last) = rest.split_at(rest.len().saturating_sub(TAIL));
        self.tail.extend(last);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
    }

    /// Whether bytes went over the limit.
    pub fn overflowed(&self) -> bool {
        self.limit.is_some_and(|limit| self.total > limit)
    }

    /// All of it, when it fitted.
    pub fn whole(&self) -> Option<&[u8]> {
        (self.limit.is_some() && !self.overflowed()).then_some(&self.value)
    }

    /// The lines a person wants to see after a failure: the first, the last.
    pub fn lines(&self) -> Vec<String> {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let cut = self.shown.saturating_sub(self.head.len() + tail.len());
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
    /// Nothing more will come.
    closed: Cell<bool>,
    /// Of a command somewhere else: how far it got.
    signs: Option<RefCell<Signs>>,
    ended: Notify,
    known: Rc<RefCell<Redactor>>,
    /// Holds back what may be the start of a secret.
    secrets: RefCell<redact::Stream>,
    archive: Option<RefCell<Archive>>,
}

impl Pipe {
    /// # Errors
    /// When it cannot be waited for.
    pub fn new(stream: Stream, fd: OwnedFd, kept: Kept, known: Rc<RefCell<Redactor>>) -> std::io::Result<Pipe> {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Pipe {
            stream,
            from: Some(Receiver::from_owned_fd_unchecked(fd)?),
            kept: RefCell::new(kept),
            to: None,
            busy: Cell::new(false),
            closed: Cell::new(false),
            signs: None,
            ended: Notify::new(),
            known,
            secrets: RefCell::default(),
            archive: None,
        })
    }

    /// Of a command somewhere else.
    #[must_use]
    pub fn with_signs(mut self, signs: Option<Signs>) -> Pipe {
        self.signs = signs.map(RefCell::new);
        self
    }

    /// Sent on as it comes, and kept if it is much.
    #[must_use]
    pub fn streamed(mut self, to: Output, archive: Archive) -> Pipe {
        (self.to, self.archive) = (Some(to), Some(RefCell::new(archive)));
        self
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
            match chunk(from) {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) => {
                    let bytes = self.own(bytes);
                    self.keep(&bytes);
                    if let (Some((call, place)), false) = (place, bytes.is_empty()) {
                        place.send(Chunk { call, stream: self.stream, bytes });
                    }
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        self.busy.set(false);
        self.closed.set(true);
    }

    /// Take what is already in the pipe. A daemon that goes on writing is read and forgotten from here on,
    /// so that it does not die of a closed pipe while rbk lives.
    pub async fn finish(&mut self) {
        let Some(from) = self.from.take() else { return };
        let mut taken = 0;
        let mut open = !self.closed.get();
        while open && taken < LAST {
            match chunk(&from) {
                Ok(bytes) if !bytes.is_empty() => {
                    taken += bytes.len();
                    let bytes = self.own(bytes);
                    self.last(bytes).await;
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                Ok(_) | Err(_) => open = false,
            }
        }
        let rest = self.signs.as_ref().map(|signs| signs.borrow_mut().rest()).unwrap_or_default();
        self.last(rest).await;
        let clean = self.secrets.borrow_mut().finish(&self.known.borrow());
        self.keep_clean(&[], &clean);
        if open {
            tokio::spawn(forget(from));
        }
    }

    fn keep(&self, bytes: &[u8]) {
        let clean = self.secrets.borrow_mut().push(&self.known.borrow(), bytes);
        self.keep_clean(bytes, &clean);
    }

    fn keep_clean(&self, bytes: &[u8], clean: &[u8]) {
        self.kept.borrow_mut().push(bytes, clean);
        if let Some(archive) = &self.archive {
            archive.borrow_mut().push(clean);
        }
    }

    /// After the end: where all of it is, if it was much.
    pub async fn archived(&self) -> Option<String> {
        let told = self.archive.as_ref()?.borrow_mut().finish()?;
        if let Some(output) = &self.to {
            let chunk = Chunk { call: output.call, stream: Stream::Kept, bytes: told.clone().into_bytes() };
            let _ = output.to.send(chunk).await;
        }
        Some(told)
    }

    async fn last(&self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.keep(&bytes);
        if let Some(output) = &self.to {
            let chunk = Chunk { call: output.call, stream: self.stream, bytes };
            let _ = output.to.send_timeout(chunk, Duration::from_secs(1)).await;
        }
    }
}

/// What can be read now; nothing at the end.
fn chunk(from: &Receiver) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(CHUNK);
    from.try_read_buf(&mut bytes)?;
    bytes.shrink_to_fit();
    Ok(bytes)
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

    fn push(kept: &mut Kept, text: &str) {
        kept.push(text.as_bytes(), text.as_bytes());
    }

    #[test]
    fn what_is_kept_stays_within_its_bounds() {
        let mut kept = Kept::excerpt();
        for n in 0..100_000 {
            push(&mut kept, &format!("line {n}\n"));
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
        push(&mut kept, "ab");
        push(&mut kept, "cd");
        assert_eq!(kept.whole(), Some(b"abcd".as_slice()));
        push(&mut kept, "e");
        assert_eq!(kept.whole(), None);
    }

    #[test]
    fn few_lines_are_shown_as_they_are_and_many_are_cut_in_the_middle() {
        let mut kept = Kept::excerpt();
        push(&mut kept, "one\n\ntwo\n");
        assert_eq!(kept.lines(), ["one", "two"]);
        for n in 0..40 {
            push(&mut kept, &format!("{n}\n"));
        }
        assert_eq!(kept.lines()[3], "… 31 lines …");
    }
}
