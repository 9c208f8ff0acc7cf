//! Files of this machine. What is written appears whole or not at all.
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};

use crate::effects::Cancel;
use crate::effects::stop::{Stopped, stoppable};
use crate::engine::{Arg, Call, Context, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{SmolStr, Timestamp, Value, show};

/// A larger text belongs to a command.
const MAX_READ: u64 = 1 << 20;

/// The file provider.
#[derive(Debug, Default)]
pub struct Files;

/// What is to be done, paths resolved. No `Debug`: what is written may be secret.
enum Job {
    Exists(PathBuf),
    Size(PathBuf),
    Modified(PathBuf),
    Read(PathBuf),
    Write(PathBuf, String),
    Remove(PathBuf),
    Copy(PathBuf, PathBuf),
    Sha256(PathBuf),
    Glob { dir: Option<PathBuf>, pattern: String },
}

impl Files {
    /// Returns once the call has ended, also after a cancel.
    pub async fn call(&self, call: &Call, mut cancel: Cancel) -> Outcome {
        let What::Native { action, args, .. } = &call.what else {
            return failed(FailureKind::Value, "this is not a call on files".to_owned());
        };
        let job = match job(action.rsplit('.').next().unwrap_or(action), args, &call.contexts) {
            Ok(job) => job,
            Err(message) => return failed(FailureKind::Value, message),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let work = tokio::task::spawn_blocking(move || job.run(&seen));
        let stopped = stoppable(work, &mut cancel, None, || {
            stop.store(true, Ordering::Relaxed);
            std::future::ready(())
        })
        .await;
        match stopped {
            Stopped::Ended(Ok(Ok(value))) | Stopped::Asked(Ok(Ok(value)), _) => Outcome::done(value),
            // Nothing is written in place: what failed has left nothing.
            Stopped::Ended(Ok(Err(message))) => failed(FailureKind::Failed, message),
            Stopped::Asked(Ok(Err(_)), why) => Outcome::failed(Ending::None, why.failure(&call.text)),
            Stopped::Ended(Err(e)) | Stopped::Asked(Err(e), _) => {
                Outcome::failed(Ending::Unknown, Failure::new(FailureKind::Failed, format!("the call broke: {e}")))
            }
            Stopped::Running(why) => Outcome {
                ending: Ending::Unknown,
                result: Err(why.failure(&call.text)),
                running: Some(format!("{} on this machine", call.text)),
                why: None,
            },
        }
    }
}

fn failed(kind: FailureKind, message: String) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(kind, message))
}

/// Where relative paths start: none is the directory of the process.
///
/// # Errors
/// A context that leads away from this machine or this user.
pub fn directory(contexts: &[Context]) -> Result<Option<PathBuf>, String> {
    let mut dir: Option<PathBuf> = None;
    for context in contexts {
        match context {
            Context::Dir(path) => dir = Some(dir.map_or_else(|| PathBuf::from(&**path), |d| d.join(&**path))),
            Context::Ssh(_) | Context::Sudo(_) | Context::Wrap { .. } => {
                return Err("a file action works on this machine and as this user: here, use a command".to_owned());
            }
            Context::Env(_) | Context::Stdin(_) | Context::Connection(_) => {}
        }
    }
    Ok(dir)
}

/// Where a path written inside these contexts leads.
///
/// # Errors
/// One line for a person: it is no path, or leads to another machine or user.
pub fn within(contexts: &[Context], path: &str) -> Result<PathBuf, String> {
    if path.is_empty() || path.contains('\0') {
        return Err("this is not a path: it is empty or holds a NUL character".to_owned());
    }
    Ok(directory(contexts)?.map_or_else(|| PathBuf::from(path), |dir| dir.join(path)))
}

fn job(name: &str, args: &[(SmolStr, Arg)], contexts: &[Context]) -> Result<Job, String> {
    let dir = directory(contexts)?;
    let text = |wanted: &str| {
        let found = args.iter().find_map(|(key, arg)| match arg {
            Arg::Value(value) if key == wanted => Some(value),
            _ => None,
        });
        let value = found.ok_or_else(|| format!("`{wanted}` is missing"))?;
        show::text(value).map_err(|e| format!("`{wanted}`: {e}"))
    };
    let path = |wanted: &str| within(contexts, &text(wanted)?);
    Ok(match name {
        "exists" => Job::Exists(path("path")?),
        "size" => Job::Size(path("path")?),
        "modified" => Job::Modified(path("path")?),
        "read" => Job::Read(path("path")?),
        "write" => Job::Write(path("path")?, text("text")?),
        "remove" => Job::Remove(path("path")?),
        "copy" => Job::Copy(path("from")?, path("to")?),
        "sha256" => Job::Sha256(path("path")?),
        "glob" => Job::Glob { pattern: text("pattern")?, dir },
        _ => return Err(format!("there is no action `file.{name}`")),
    })
}

impl Job {
    fn run(self, stop: &AtomicBool) -> Result<Value, String> {
        match self {
            Job::Exists(path) => match fs::metadata(&path) {
                Ok(_) => Ok(Value::Bool(true)),
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(Value::Bool(false)),
                Err(e) => Err(about(&path, &e)),
            },
            Job::Size(path) => file(&path).map(|m| Value::Size(i64::try_from(m.len()).unwrap_or(i64::MAX))),
            Job::Modified(path) => {
                let at = fs::metadata(&path).and_then(|m| m.modified()).map_err(|e| about(&path, &e))?;
                Timestamp::try_from(at).map(Value::Time).map_err(|e| format!("`{}`: {e}", path.display()))
            }
            Job::Read(path) => read(&path).map(Value::str),
            Job::Write(path, text) => write(&path, text.as_bytes()).map(|()| Value::Null),
            Job::Remove(path) => match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(about(&path, &e)),
                _ => Ok(Value::Null),
            },
            Job::Copy(from, to) => copy(&from, &to, stop).map(|()| Value::Null),
            Job::Sha256(path) => sha256(&path, stop).map(Value::str),
            Job::Glob { dir, pattern } => glob(dir.as_deref(), &pattern).map(Value::list),
        }
    }
}

pub(super) fn about(path: &Path, e: &std::io::Error) -> String {
    let reason = match e.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => e.to_string(),
    };
    format!("`{}`: {reason}", show::escape(&path.display().to_string()))
}

fn file(path: &Path) -> Result<Metadata, String> {
    let found = fs::metadata(path).map_err(|e| about(path, &e))?;
    regular(path, &found).map(|()| found)
}

fn regular(path: &Path, found: &Metadata) -> Result<(), String> {
    match (found.is_file(), found.is_dir()) {
        (true, _) => Ok(()),
        (_, true) => Err(format!("`{}` is a directory", path.display())),
        _ => Err(format!("`{}` is a pipe, a socket or a device, not a file", path.display())),
    }
}

/// Never waits: a pipe that nobody writes to is refused, also one that took a file's place just now.
fn opened(path: &Path) -> Result<File, String> {
    file(path)?;
    let flags = OFlag::O_NONBLOCK.bits();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|e| about(path, &e))?;
    let found = opened.metadata().map_err(|e| about(path, &e))?;
    regular(path, &found).map(|()| opened)
}

/// A text of at most 1 MiB in a regular file.
///
/// # Errors
/// One line for a person.
pub fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    opened(path)?.take(MAX_READ + 1).read_to_end(&mut bytes).map_err(|e| about(path, &e))?;
    if bytes.len() as u64 > MAX_READ {
        return Err(format!("`{}` is larger than 1 MiB", path.display()));
    }
    String::from_utf8(bytes).map_err(|_| format!("`{}` is not UTF-8 text", path.display()))
}

/// A new file beside the old one, with its mode and owner, that takes its place in one move. A link stays a link.
fn replace(path: &Path, fill: impl FnOnce(&mut File) -> Result<Option<Metadata>, String>) -> Result<(), String> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let before = match fs::metadata(&target) {
        Ok(found) => {
            regular(path, &found)?;
            Some(found)
        }
        Err(_) => None,
    };
    let name = target.file_name().ok_or_else(|| format!("`{}` is not a file's path", path.display()))?;
    let dir = target.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = dir.join(format!(".{}.{:016x}.new", name.to_string_lossy(), fastrand::u64(..)));
    let made = (|| {
        let mode = if before.is_some() { 0o600 } else { 0o666 };
        let mut new =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(|e| about(path, &e))?;
        let like = fill(&mut new)?;
        if let Some(like) = before.as_ref().or(like.as_ref()) {
            if let Some(before) = &before {
                keep_owner(path, &new, before)?;
            }
            new.set_permissions(fs::Permissions::from_mode(like.mode() & 0o7777)).map_err(|e| about(path, &e))?;
        }
        new.sync_all().map_err(|e| about(path, &e))?;
        fs::rename(&beside, &target).map_err(|e| about(path, &e))
    })();
    if made.is_err() {
        let _ = fs::remove_file(&beside);
        return made;
    }
    // The name is as durable as the content; a file system that cannot say so is no failure.
    let _ = File::open(dir).and_then(|d| d.sync_all());
    Ok(())
}

/// A file that is replaced keeps its owner and group, or stays as it was.
fn keep_owner(path: &Path, new: &File, before: &Metadata) -> Result<(), String> {
    let now = new.metadata().map_err(|e| about(path, &e))?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(new, Some(before.uid()), Some(before.gid())).map_err(|e| {
        format!(
            "`{}` belongs to user {} and group {}, and what replaces it cannot be given to them: {e}",
            path.display(),
            before.uid(),
            before.gid()
        )
    })
}

fn write(path: &Path, text: &[u8]) -> Result<(), String> {
    replace(path, |new| new.write_all(text).map(|()| None).map_err(|e| about(path, &e)))
}

fn copy(from: &Path, to: &Path, stop: &AtomicBool) -> Result<(), String> {
    let mut source = opened(from)?;
    let like = source.metadata().map_err(|e| about(from, &e))?;
    replace(to, |new| {
        chunks(&mut source, from, stop, |chunk| new.write_all(chunk).map_err(|e| about(to, &e)))?;
        Ok(Some(like))
    })
}

fn sha256(path: &Path, stop: &AtomicBool) -> Result<String, String> {
    let mut source = opened(path)?;
    let mut hash = Sha256::new();
    chunks(&mut source, path, stop, |chunk| {
        hash.update(chunk);
        Ok(())
    })?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn chunks(
    source: &mut File,
    path: &Path,
    stop: &AtomicBool,
    mut take: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err("stopped".to_owned());
        }
        match source.read(&mut buffer).map_err(|e| about(path, &e))? {
            0 => return Ok(()),
            n => take(buffer.get(..n).unwrap_or(&buffer))?,
        }
    }
}

fn glob(dir: Option<&Path>, pattern: &str) -> Result<Vec<Value>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("`{}` is not a pattern: {e}", show::brief(pattern));
    let relative = dir.filter(|_| !Path::new(pattern).is_absolute());
    let whole = match relative {
        Some(dir) => format!("{}/{pattern}", glob::Pattern::escape(&dir.to_string_lossy())),
        None => pattern.to_owned(),
    };
    let mut found = Vec::new();
    for path in glob::glob(&whole).map_err(|e| wrong(&e))? {
        let path = path.map_err(|e| about(e.path(), e.error()))?;
        let shown = relative.and_then(|dir| path.strip_prefix(dir).ok()).unwrap_or(&path);
        let text = shown.to_str().ok_or_else(|| format!("`{}` is not UTF-8 text", shown.display()))?;
        found.push(text.to_owned());
    }
    found.sort();
    Ok(found.into_iter().map(Value::str).collect())
}
