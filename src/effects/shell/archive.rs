//! The whole output of a command that writes much, in a private file of limited size: how it began, how it ended. Secrets
//! are hidden before they get here.
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Less is shown, and kept nowhere.
pub const SMALL: usize = 64 * 1024;
/// Files of earlier runs are taken away.
const OLD: Duration = Duration::from_secs(7 * 24 * 3600);

/// Where the output of one run is kept.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// None: this user has no place for state.
    pub dir: Option<PathBuf>,
    /// Bytes of one file at most.
    pub limit: usize,
}

/// One stream of one command.
pub struct Archive {
    shelf: Shelf,
    name: String,
    total: usize,
    place: Place,
}

enum Place {
    Memory(Vec<u8>),
    Disk(Disk),
    /// Why it could not be kept.
    Nowhere(String),
}

struct Disk {
    path: PathBuf,
    file: File,
    room: usize,
    end: Option<Ring>,
}

/// The last bytes, in a file without a name.
struct Ring {
    file: File,
    size: usize,
    at: usize,
    full: bool,
}

impl Archive {
    pub fn new(shelf: Shelf, name: String) -> Archive {
        Archive { shelf, name, total: 0, place: Place::Memory(Vec::new()) }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
        let result = match &mut self.place {
            Place::Memory(held) => {
                held.extend_from_slice(bytes);
                if held.len() <= SMALL {
                    return;
                }
                let held = std::mem::take(held);
                Disk::new(&self.shelf, &self.name).and_then(|mut disk| {
                    disk.write(&held, &self.shelf)?;
                    self.place = Place::Disk(disk);
                    Ok(())
                })
            }
            Place::Disk(disk) => disk.write(bytes, &self.shelf),
            Place::Nowhere(_) => return,
        };
        if let Err(why) = result {
            self.place = Place::Nowhere(why);
        }
    }

    /// For a person: where all of it is, and how much is not there. None when it was little.
    pub fn finish(&mut self) -> Option<String> {
        let size = roughly(self.total);
        let done = match std::mem::replace(&mut self.place, Place::Memory(Vec::new())) {
            Place::Memory(_) => return None,
            Place::Nowhere(why) => Err(why),
            Place::Disk(mut disk) => disk.finish(self.total).map(|left_out| (disk.path, left_out)),
        };
        Some(match done {
            Ok((path, 0)) => format!("{size} of output: all of it is in {}", path.display()),
            Ok((path, left_out)) => {
                let rest = roughly(self.total - left_out);
                format!("{size} of output: its beginning and its end, {rest}, are in {}", path.display())
            }
            Err(why) => format!("{size} of output, which could not be kept: {why}"),
        })
    }
}

impl Disk {
    #[allow(clippy::disallowed_methods, reason = "the edge that writes files")]
    fn new(shelf: &Shelf, name: &str) -> Result<Disk, String> {
        let Some(dir) = &shelf.dir else { return Err("neither `XDG_STATE_HOME` nor `HOME` is set".to_owned()) };
        let wrong = |e: std::io::Error| format!("`{}`: {e}", dir.display());
        if !dir.is_dir() {
            if let Some(parent) = dir.parent() {
                forget_old(parent);
            }
            DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(wrong)?;
        }
        let path = dir.join(name);
        let file = fresh(&path).map_err(wrong)?;
        Ok(Disk { path, file, room: shelf.limit / 2, end: None })
    }

    #[allow(clippy::disallowed_methods, reason = "the edge that writes files")]
    fn write(&mut self, bytes: &[u8], shelf: &Shelf) -> Result<(), String> {
        let wrong = |e: std::io::Error| e.to_string();
        let (head, rest) = bytes.split_at(bytes.len().min(self.room));
        self.file.write_all(head).map_err(wrong)?;
        self.room -= head.len();
        if rest.is_empty() {
            return Ok(());
        }
        if self.end.is_none() {
            let path = self.path.with_extension("end");
            let file = fresh(&path).map_err(wrong)?;
            std::fs::remove_file(&path).map_err(wrong)?;
            self.end = Some(Ring { file, size: (shelf.limit - shelf.limit / 2).max(1), at: 0, full: false });
        }
        match &mut self.end {
            Some(ring) => ring.write(rest).map_err(wrong),
            None => Ok(()),
        }
    }

    /// Put the end behind the beginning. The bytes between them that are gone.
    fn finish(&mut self, total: usize) -> Result<usize, String> {
        let wrong = |e: std::io::Error| e.to_string();
        let Some(ring) = self.end.take() else { return Ok(0) };
        let head = usize::try_from(self.file.stream_position().map_err(wrong)?).unwrap_or(0);
        let left_out = total.saturating_sub(head + ring.len());
        if left_out > 0 {
            write!(self.file, "\n… {left_out} bytes are left out here …\n").map_err(wrong)?;
        }
        ring.copy_to(&mut self.file).map_err(wrong)?;
        Ok(left_out)
    }
}

impl Ring {
    fn len(&self) -> usize {
        if self.full { self.size } else { self.at }
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        // Of more than fits only the end matters.
        let (skipped, bytes) = bytes.split_at(bytes.len().saturating_sub(self.size));
        self.at = (self.at + skipped.len()) % self.size;
        let (first, second) = bytes.split_at(bytes.len().min(self.size - self.at));
        self.file.write_all_at(first, self.at as u64)?;
        self.file.write_all_at(second, 0)?;
        self.full |= !skipped.is_empty() || self.at + bytes.len() >= self.size;
        self.at = (self.at + bytes.len()) % self.size;
        Ok(())
    }

    fn copy_to(mut self, to: &mut File) -> std::io::Result<()> {
        if self.full {
            self.file.seek(SeekFrom::Start(self.at as u64))?;
            std::io::copy(&mut self.file, to)?;
        }
        self.file.seek(SeekFrom::Start(0))?;
        std::io::copy(&mut self.file.take(self.at as u64), to).map(drop)
    }
}

/// For a person.
fn roughly(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// For this user only; nothing that is there already is opened.
fn fresh(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// What cannot be taken away stays.
#[allow(clippy::disallowed_methods, reason = "the edge that looks at files")]
fn forget_old(dir: &Path) {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return,
        Err(_) => return,
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > OLD) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "reads what was written")]
mod tests {
    use super::*;

    /// What is kept of `total` bytes that come in pieces of a size, with room for so many.
    fn kept(total: usize, piece: usize, limit: usize) -> (Option<String>, Vec<u8>, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf { dir: Some(dir.path().join("output/run")), limit };
        let mut archive = Archive::new(shelf, "1.out".into());
        let all: Vec<u8> = (0..total).map(|n| b'a' + u8::try_from((n / 7 + n / 1000) % 26).unwrap()).collect();
        all.chunks(piece).for_each(|bytes| archive.push(bytes));
        let told = archive.finish();
        let file = std::fs::read(dir.path().join("output/run/1.out")).unwrap_or_default();
        let names = std::fs::read_dir(dir.path().join("output/run")).map_or(0, Iterator::count);
        assert!(names <= 1, "more than the one file");
        (told, file, all)
    }

    #[test]
    fn little_output_makes_no_file() {
        assert_eq!(kept(SMALL, 1000, 1 << 20).0, None);
    }

    #[test]
    fn what_fits_is_there_to_the_last_byte() {
        for total in [SMALL + 1, 200_000, 400_000] {
            let (told, file, all) = kept(total, 4093, 400_000);
            assert!(told.unwrap().contains("all of it is in "), "{total}");
            assert!(file == all, "{total}");
        }
    }

    #[test]
    fn of_what_does_not_fit_the_beginning_and_the_end_are_there() {
        for (total, piece) in [(400_001, 4093), (1_000_000, 65_537), (900_000, 900_000), (801_234, 1)] {
            let (told, file, all) = kept(total, piece, 400_000);
            assert!(told.unwrap().contains("its beginning and its end, "), "{total}");
            let gone = format!("\n… {} bytes are left out here …\n", total - 400_000);
            let expected = [&all[..200_000], gone.as_bytes(), &all[total - 200_000..]].concat();
            assert!(file == expected, "{total} by {piece}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        let shelf = Shelf { dir: Some("/dev/null/x".into()), limit: 1 << 20 };
        let mut archive = Archive::new(shelf, "1.out".into());
        archive.push(&vec![b'x'; SMALL + 1]);
        assert!(archive.finish().unwrap().contains("could not be kept: `/dev/null/x`"));
    }
}
