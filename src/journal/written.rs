//! Entries as they are kept: a number, a hash over the one before and itself, and what it says. Written behind a tip, and read
//! again from the head on, each checked against the one before.
use std::collections::HashMap;

use super::chain::{self, Hash};
use super::codec::{self, Hide, Show, TextRef};
use super::seal::{Key, Print, Seal};
use super::store::{Kept, Verified};
use super::tip::{Tip, from_nanos, to_nanos};
use super::{Entry, Head, Kind, State, Trouble};
use crate::engine::CallId;
use crate::value::redact::Redactor;
use crate::value::{SmolStr, Timestamp, Value};

#[derive(Clone, Debug)]
pub struct Written {
    /// From 1 on.
    pub no: i64,
    pub hash: Hash,
    pub body: Vec<u8>,
}

/// Behind this tip; and the tip behind them.
///
/// # Errors
/// A secret cannot be sealed.
pub fn written(mut tip: Tip, entries: &[Entry], hide: &Hide<'_>) -> Result<(Tip, Vec<Written>), Trouble> {
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let body = codec::write(entry, hide)?;
        tip.hash = chain::next(&tip.hash, &body);
        tip.count += 1;
        tip.last = wall(entry).map_or(tip.last, to_nanos);
        // Until its end says more, what was about to start may have had its effect.
        tip.wrote |= matches!(entry, Entry::Intent { .. });
        rows.push(Written { no: tip.count, hash: tip.hash, body });
    }
    Ok((tip, rows))
}

/// Of a run that is closed though it is damaged: its last entry, behind `last` (the number and hash of what is there), and
/// where it ends then.
///
/// # Errors
/// It cannot be written.
pub fn closing(
    run: &str,
    head: &[u8],
    last: Option<(i64, Vec<u8>)>,
    closed: &Entry,
    wall: Timestamp,
) -> Result<(Tip, Vec<Written>), Trouble> {
    let (count, hash) = last.unwrap_or_default();
    let hash = hash.try_into().unwrap_or_else(|_| chain::first(head));
    let there = Tip { count, hash, last: to_nanos(wall), state: State::Open, wrote: true };
    let seal = Seal::new(run, &[], None);
    let hide = Hide { secrets: &Redactor::default(), seal: &seal };
    let (tip, rows) = written(there, std::slice::from_ref(closed), &hide)?;
    Ok((Tip { state: State::Closed, ..tip }, rows))
}

fn wall(entry: &Entry) -> Option<Timestamp> {
    match entry {
        Entry::Taken { wall, .. }
        | Entry::Heard { wall, .. }
        | Entry::Entered { wall, .. }
        | Entry::Noted { wall, .. }
        | Entry::Connected { wall, .. }
        | Entry::LockTaken { wall, .. }
        | Entry::LeftEnded { wall, .. }
        | Entry::Stopped { wall, .. }
        | Entry::Closed { wall, .. } => Some(*wall),
        Entry::Intent { .. } | Entry::Proof { .. } => None,
    }
}

/// How what is not what was written is told: a store's own words.
pub type Damaged<'a> = &'a dyn Fn(&str) -> Trouble;

/// What is kept under a hash.
type KeptText = Result<Option<Vec<u8>>, Trouble>;

/// An entry as it was found: its number, its hash, and what it says. Nothing when it is none.
pub type Found<'a> = Option<(i64, &'a [u8], &'a [u8])>;

/// The entries of a run from its head on, by their hashes alone.
pub struct Walk<'a> {
    run: &'a str,
    damaged: Damaged<'a>,
    tip: Result<Tip, Trouble>,
    count: i64,
    hash: Hash,
}

impl<'a> Walk<'a> {
    pub fn new(run: &'a str, head: &[u8], tip: Result<Tip, Trouble>, damaged: Damaged<'a>) -> Walk<'a> {
        Walk { run, damaged, tip, count: 0, hash: chain::first(head) }
    }

    /// The next entry's number and what it says.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn next<'b>(&mut self, found: Found<'b>) -> Result<(i64, &'b [u8]), Trouble> {
        if let Some((no, hash, body)) = found {
            let expected = chain::next(&self.hash, body);
            if no == self.count + 1 && hash == expected {
                (self.count, self.hash) = (no, expected);
                return Ok((no, body));
            }
        }
        // A head that was changed fits no entry; where the run ends fits no head then either.
        let what = match (self.count, &self.tip) {
            (0, Err(_)) => "the head or entry 1".to_owned(),
            (count, _) => format!("entry {}", count + 1),
        };
        Err((self.damaged)(&format!("{what} of run {} is not what was written", self.run)))
    }

    /// Behind the last entry.
    fn end(&self) -> Result<(), Trouble> {
        let tip = self.tip.as_ref().map_err(Clone::clone)?;
        if self.count == tip.count && self.hash == tip.hash {
            return Ok(());
        }
        Err((self.damaged)(&format!("run {} has {} entries, and {} are found", self.run, tip.count, self.count)))
    }

    /// What they say, and the texts of the run. `walked`: of each entry; `text`: what is kept under a hash.
    pub fn verified(
        self,
        walked: Result<(), Trouble>,
        head: &[u8],
        mut text: impl FnMut(&str) -> KeptText,
    ) -> Verified {
        let broken = walked.and_then(|()| self.end()).err();
        let head = codec::read_head(head);
        let texts = head.iter().flat_map(|head| &head.texts);
        let texts = texts.map(|of| whole_text(of, &mut text, self.damaged)).find_map(Result::err);
        let tip = self.tip.ok();
        Verified {
            entries: usize::try_from(self.count).unwrap_or(0),
            written: tip.as_ref().map(|tip| usize::try_from(tip.count).unwrap_or(0)),
            started: head.ok().and_then(|head| codec::time(&head.started).ok()),
            last: tip.map(|tip| from_nanos(tip.last)),
            broken: broken.or(texts),
        }
    }
}

/// A run that is being read.
pub struct Reading<'a> {
    walk: Walk<'a>,
    head: Head,
    seal: Seal,
    entries: Vec<Entry>,
    prints: HashMap<CallId, Print>,
    /// A text of it is not what was written.
    broken: Option<Trouble>,
}

impl<'a> Reading<'a> {
    /// `text`: what is kept under a hash.
    ///
    /// # Errors
    /// The head is another one's, the key is another one, or a newer rbk wrote it.
    pub fn new(
        walk: Walk<'a>,
        head: &[u8],
        key: Option<Key>,
        mut text: impl FnMut(&str) -> KeptText,
    ) -> Result<Reading<'a>, Trouble> {
        let head = codec::read_head(head).map_err(|e| within(walk.run, "the head", e))?;
        if head.run != walk.run {
            return Err((walk.damaged)(&format!("run {} is not the one it says", walk.run)));
        }
        let seal = head.seal(key)?;
        let mut broken = None;
        let texts = head.texts.iter().map(|of| {
            whole_text(of, &mut text, walk.damaged).unwrap_or_else(|trouble| {
                broken.get_or_insert(trouble);
                // Without it nothing that it says is known.
                String::new()
            })
        });
        let texts = texts.collect();
        let head = head.open(texts, &Show { seal: &seal })?;
        Ok(Reading { walk, head, seal, entries: Vec::new(), prints: HashMap::new(), broken })
    }

    /// The next entry.
    ///
    /// # Errors
    /// It is not what was written, or a newer rbk wrote it.
    pub fn next(&mut self, found: Found<'_>) -> Result<(), Trouble> {
        let (no, body) = self.walk.next(found)?;
        let at = |e| within(self.walk.run, &format!("entry {no}"), e);
        let sealed = codec::read(body).map_err(at)?;
        let print = codec::printed(&sealed);
        self.entries.push(codec::open(sealed, &Show { seal: &self.seal }).map_err(at)?);
        self.prints.extend(print);
        Ok(())
    }

    /// All of it, as far as it is whole. `walked`: of each entry.
    pub fn end(self, walked: Result<(), Trouble>) -> (Kept, Prints) {
        let broken = self.broken.or(walked.and_then(|()| self.walk.end()).err());
        let kept = Kept { head: self.head, entries: self.entries, broken, sealed: self.seal.missed() };
        (kept, Prints { seal: self.seal, prints: self.prints })
    }
}

fn whole_text(of: &TextRef, text: &mut impl FnMut(&str) -> KeptText, damaged: Damaged<'_>) -> Result<String, Trouble> {
    let found = text(&of.sha256)?.and_then(|text| String::from_utf8(text).ok());
    let found = found.filter(|text| chain::of_text(text) == of.sha256);
    found.ok_or_else(|| damaged(&format!("the text of `{}` is not what was written", of.name)))
}

/// A run read with the key, or without when that is another one.
///
/// # Errors
/// As of `read`.
pub fn looked(key: Option<Key>, mut read: impl FnMut(Option<Key>) -> Result<Kept, Trouble>) -> Result<Kept, Trouble> {
    match read(key) {
        Err(sealed) | Ok(Kept { broken: Some(sealed), .. }) if sealed.kind == Kind::Sealed => {
            Ok(Kept { sealed: Some(sealed), ..read(None)? })
        }
        read => read,
    }
}

fn within(run: &str, what: &str, trouble: Trouble) -> Trouble {
    if trouble.kind == Kind::Sealed {
        return trouble;
    }
    Trouble { message: format!("{what} of run {run} cannot be read: {}", trouble.message), ..trouble }
}

/// By which the secrets of a run that was read are known again.
#[derive(Debug)]
pub struct Prints {
    seal: Seal,
    prints: HashMap<CallId, Print>,
}

impl Prints {
    #[must_use]
    pub fn same(&self, call: CallId, value: &Value) -> Option<bool> {
        let print = *self.prints.get(&call)?;
        match value.expose().0 {
            Value::Str(text) => Some(self.seal.print(text) == print),
            _ => Some(false),
        }
    }
}

/// Of the runs that a store has read.
pub type Known = HashMap<SmolStr, Prints>;
