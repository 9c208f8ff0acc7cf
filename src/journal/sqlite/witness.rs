//! How far each run had come when its last write was durable, kept apart from SQLite's file and log: one place a run in
//! `FILE-runs/witness`. Of a damaged log SQLite reads what stands before the damage and says nothing; of an older copy of
//! the file all of it. A run that is less far than its witness has lost something.
//!
//! It is written behind each commit and never ahead of one, without a sync of its own: after a power cut it may be older
//! than the journal, which says nothing, and never newer. A place that cannot be read says nothing either.
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::journal::chain::Hash;
use crate::journal::tip::Tip;
use crate::value::SmolStr;

const NAME: &str = "witness";
/// Bytes of one place.
const PLACE: usize = 160;
/// And of the sum that it begins with.
const SUM: usize = 8;

/// The file, for a process that drives a run.
#[derive(Debug)]
pub struct Witness(Option<File>);

/// What stands in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub run: SmolStr,
    pub head: Hash,
    pub count: i64,
    last: i64,
    sum: [u8; 8],
}

impl Witness {
    /// Without it a run goes on as well: nobody will see when the journal loses something of it.
    pub fn open(dir: &Path) -> Witness {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(dir.join(NAME));
        Witness(file.ok())
    }

    pub fn keep(&self, no: i64, run: &str, head: &Hash, tip: &Tip) {
        let seen = Seen { run: run.into(), head: *head, count: tip.count, last: tip.last, sum: tip.sum(head) };
        if let (Some(file), Some(at), Some(bytes)) = (&self.0, at(no), seen.bytes(no)) {
            let _ = file.write_all_at(&bytes, at);
        }
    }

    /// Before the run goes: without a witness it may be gone.
    pub fn forget(&self, no: i64) {
        if let (Some(file), Some(at)) = (&self.0, at(no)) {
            let _ = file.write_all_at(&[0; PLACE], at);
        }
    }
}

/// Of one run. To be read before the run is.
pub fn of(dir: &Path, no: i64) -> Option<Seen> {
    let mut bytes = [0; PLACE];
    File::open(dir.join(NAME)).ok()?.read_exact_at(&mut bytes, at(no)?).ok()?;
    Seen::read(no, &bytes)
}

/// Of all runs, by their number. To be read before the runs are.
#[allow(clippy::disallowed_methods, reason = "a file of the journal")]
pub fn all(dir: &Path) -> Vec<(i64, Seen)> {
    let bytes = std::fs::read(dir.join(NAME)).unwrap_or_default();
    let places = (1..).zip(bytes.chunks_exact(PLACE));
    places.filter_map(|(no, place)| Some((no, Seen::read(no, place)?))).collect()
}

/// Of so many runs that were written last, by their number. To be read before the runs are.
#[allow(clippy::disallowed_methods, reason = "a file of the journal")]
pub fn latest(dir: &Path, count: usize) -> Vec<(i64, Seen)> {
    let bytes = std::fs::read(dir.join(NAME)).unwrap_or_default();
    let mut places: Vec<(i64, i64, &[u8])> =
        (1..).zip(bytes.chunks_exact(PLACE)).filter_map(|(no, place)| Some((last(place)?, no, place))).collect();
    places.sort_unstable_by(|one, other| other.cmp(one));
    // One that cannot be read leaves its place to the next.
    places.into_iter().filter_map(|(_, no, place)| Some((no, Seen::read(no, place)?))).take(count).collect()
}

/// When it was written, unchecked; nothing of an empty place.
fn last(place: &[u8]) -> Option<i64> {
    let at = SUM + size_of::<Hash>() + size_of::<i64>();
    let last = i64::from_le_bytes(place.get(at..)?.first_chunk().copied()?);
    (last != 0).then_some(last)
}

/// A new journal has none of these runs.
pub fn forget_all(dir: &Path) {
    let _ = std::fs::remove_file(dir.join(NAME));
}

impl Seen {
    /// The run had come further than this.
    pub fn is_beyond(&self, head: &Hash, tip: &Tip) -> bool {
        let same_count = self.count == tip.count && self.sum != tip.sum(head) && self.last > tip.last;
        self.head == *head && (self.count > tip.count || same_count)
    }

    fn bytes(&self, no: i64) -> Option<Vec<u8>> {
        let id = self.run.as_bytes();
        let mut bytes = Vec::with_capacity(PLACE);
        bytes.extend([0; 8]);
        bytes.extend(self.head);
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.last.to_le_bytes());
        bytes.extend(self.sum);
        bytes.push(u8::try_from(id.len()).ok()?);
        bytes.extend(id);
        if bytes.len() > PLACE {
            return None;
        }
        bytes.resize(PLACE, 0);
        let sum = sum(no, bytes.get(8..)?);
        bytes.get_mut(..8)?.copy_from_slice(&sum);
        Some(bytes)
    }

    fn read(no: i64, bytes: &[u8]) -> Option<Seen> {
        let (says, rest) = bytes.split_first_chunk::<8>()?;
        if *says != sum(no, rest) {
            return None;
        }
        let (head, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (last, rest) = rest.split_first_chunk()?;
        let (tip, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first()?;
        let run = std::str::from_utf8(rest.get(..usize::from(*length))?).ok()?;
        Some(Seen {
            run: run.into(),
            head: *head,
            count: i64::from_le_bytes(*count),
            last: i64::from_le_bytes(*last),
            sum: *tip,
        })
    }
}

fn at(no: i64) -> Option<u64> {
    u64::try_from(no.checked_sub(1)?).ok()?.checked_mul(PLACE as u64)
}

/// Over all of it and whose place it is: a place that was half written, or a bit that flipped, says nothing.
fn sum(no: i64, rest: &[u8]) -> [u8; 8] {
    let all = Sha256::new().chain_update(no.to_le_bytes()).chain_update(rest).finalize();
    all.first_chunk().copied().unwrap_or_default()
}
