//! Entries as they are kept: a number, a hash over the one before and itself, and what it says. Written behind a tip, and read
//! again from the head on, each checked against the one before.
use std::collections::HashMap;

use super::chain::{self, Hash};
use super::codec::{self, Hide, Show};
use super::seal::{Key, Print, Seal};
use super::tip::{Tip, to_nanos};
use super::{Entry, Head, Trouble};
use crate::engine::CallId;
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
        rows.push(Written { no: tip.count, hash: tip.hash, body });
    }
    Ok((tip, rows))
}

fn wall(entry: &Entry) -> Option<Timestamp> {
    match entry {
        Entry::Taken { wall, .. }
        | Entry::Heard { wall, .. }
        | Entry::Connected { wall, .. }
        | Entry::LockTaken { wall, .. }
        | Entry::Stopped { wall, .. }
        | Entry::Closed { wall, .. } => Some(*wall),
        Entry::Intent { .. } | Entry::Proof { .. } => None,
    }
}

/// How what is not what was written is told: a store's own words.
pub type Damaged<'a> = &'a dyn Fn(&str) -> Trouble;

/// A run that is being read.
pub struct Reading<'a> {
    run: &'a str,
    damaged: Damaged<'a>,
    head: Head,
    seal: Seal,
    count: i64,
    hash: Hash,
    entries: Vec<Entry>,
    prints: HashMap<CallId, Print>,
}

impl<'a> Reading<'a> {
    /// `text`: what is kept under a hash.
    ///
    /// # Errors
    /// The head is another one's, a text is missing, the key is another one, or a newer rbk wrote it.
    pub fn new(
        run: &'a str,
        head: &[u8],
        key: Option<Key>,
        mut text: impl FnMut(&str) -> Result<Option<Vec<u8>>, Trouble>,
        damaged: Damaged<'a>,
    ) -> Result<Reading<'a>, Trouble> {
        let hash = chain::first(head);
        let head = codec::read_head(head).map_err(|e| within(run, "the head", e))?;
        if head.run != run {
            return Err(damaged(&format!("run {run} is not the one it says")));
        }
        let seal = head.seal(key)?;
        let mut texts = Vec::with_capacity(head.texts.len());
        for of in &head.texts {
            let found = text(&of.sha256)?.and_then(|text| String::from_utf8(text).ok());
            let found = found.filter(|text| chain::of_text(text) == of.sha256);
            let missing = || damaged(&format!("the text of `{}` is not what was written", of.name));
            texts.push(found.ok_or_else(missing)?);
        }
        let head = head.open(texts, &Show { seal: &seal })?;
        let (entries, prints) = (Vec::new(), HashMap::new());
        Ok(Reading { run, damaged, head, seal, count: 0, hash, entries, prints })
    }

    /// The next entry, as it was found.
    ///
    /// # Errors
    /// It is not what was written, or a newer rbk wrote it.
    pub fn next(&mut self, no: i64, hash: &[u8], body: &[u8]) -> Result<(), Trouble> {
        let expected = chain::next(&self.hash, body);
        if no != self.count + 1 || hash != expected {
            return Err(self.broken());
        }
        (self.count, self.hash) = (no, expected);
        let at = |e| within(self.run, &format!("entry {no}"), e);
        let sealed = codec::read(body).map_err(at)?;
        self.prints.extend(codec::printed(&sealed));
        self.entries.push(codec::open(sealed, &Show { seal: &self.seal }).map_err(at)?);
        Ok(())
    }

    /// The next entry is none.
    #[must_use]
    pub fn broken(&self) -> Trouble {
        (self.damaged)(&format!("entry {} of run {} is not what was written", self.count + 1, self.run))
    }

    /// All of it.
    ///
    /// # Errors
    /// An entry is missing.
    pub fn end(self, tip: &Tip) -> Result<(Head, Vec<Entry>, Prints), Trouble> {
        if self.count != tip.count || self.hash != tip.hash {
            let how = format!("run {} has {} entries, and {} are found", self.run, tip.count, self.count);
            return Err((self.damaged)(&how));
        }
        Ok((self.head, self.entries, Prints { seal: self.seal, prints: self.prints }))
    }
}

fn within(run: &str, what: &str, trouble: Trouble) -> Trouble {
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
