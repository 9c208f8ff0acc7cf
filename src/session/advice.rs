//! What is said of a file on a day: what is wrong with it, and advice, as loud as its `rbk.toml` says. What can be mended safely
//! is, when asked.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::project::{self, Project};
use super::{Opened, format, overdue};
use crate::check;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::{self, settings::Settings};
use crate::source::{Sources, Span};
use crate::syntax;
use crate::value::Timestamp;

/// Of one file.
pub struct Advised {
    pub found: Vec<Diagnostic>,
    pub sources: Sources,
    /// How many findings were mended.
    pub mended: usize,
}

/// For many files of one call; from any thread.
pub struct Advice {
    today: Timestamp,
    /// By folder: what holds there, and from which folder on.
    settings: Mutex<BTreeMap<PathBuf, Found>>,
}

pub(super) type Found = Result<Option<(PathBuf, Arc<Settings>)>, String>;

impl Advice {
    #[must_use]
    pub fn new(today: Timestamp) -> Advice {
        Advice { today, settings: Mutex::new(BTreeMap::new()) }
    }

    /// Read a file and look at it.
    ///
    /// # Errors
    /// One line for a person: it, or its `rbk.toml`, cannot be read.
    pub fn given(&self, path: &str) -> Result<Advised, String> {
        self.of(path, &super::source(path)?)
    }

    /// The same, and what can be mended safely is mended in the file before.
    ///
    /// # Errors
    /// Also when it cannot be written; it is as it was then.
    pub fn mended(&self, path: &str) -> Result<Advised, String> {
        let before = super::source(path)?;
        let seen = self.of(path, &before)?;
        if path == "-" {
            return Ok(seen);
        }
        let Some((after, mended)) = mend(&before, &seen.found) else { return Ok(seen) };
        let again = self.of(path, &after)?;
        // What is mended is not worse than before.
        let errors = |found: &[Diagnostic]| found.iter().filter(|d| d.severity == Severity::Error).count();
        if errors(&again.found) > errors(&seen.found) {
            return Ok(seen);
        }
        format::replace(path, &before, &after)?;
        Ok(Advised { mended, ..again })
    }

    fn of(&self, path: &str, text: &str) -> Result<Advised, String> {
        let settings = self.settings(path)?;
        let reads = settings.as_ref().map(|(_, settings)| settings.reads.clone()).unwrap_or_default();
        let opened = super::open_text(super::name(path), text, &Project { reads });
        let mut advised = advise(opened, self.today);
        if let Some((folder, settings)) = settings {
            let whole = project::whole(path);
            advised.found = settings.apply(advised.found, whole.strip_prefix(&folder).unwrap_or(&whole));
        }
        Ok(advised)
    }

    /// The nearest `rbk.toml`, beside the file or above it.
    fn settings(&self, path: &str) -> Found {
        let folder = project::folder(path);
        let mut known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&folder) {
            return found.clone();
        }
        let found = nearest(&folder);
        known.insert(folder, found.clone());
        found
    }
}

pub(super) fn nearest(folder: &Path) -> Found {
    let Some((at, name, text)) = project::nearest(folder)? else { return Ok(None) };
    let settings = Settings::parse(&text).map_err(|why| format!("`{name}`: {why}"))?;
    Ok(Some((at, Arc::new(settings))))
}

/// Everything there is to say of an opened file on a day, each as loud as it is by itself.
#[must_use]
pub fn advise(opened: Opened, today: Timestamp) -> Advised {
    let Opened { sources, program, ast, diagnostics: mut found, file: _ } = opened;
    found.extend(program.as_deref().and_then(|program| overdue(program, today)));
    // Advice is about the text; of a large one both would be twice as much memory.
    drop(program);
    found.extend(lint::lint(&sources, &ast));
    check::echoes::drop(&mut found, &sources);
    Advised { found: lint::settle(found, &sources, &ast), sources, mended: 0 }
}

/// Whether a text, whole or not, has a secret written into it that nobody allows.
#[must_use]
pub fn shows_secret(text: &str) -> bool {
    let opened = super::open_text("<typed>", text, &super::Disk);
    let mut found = opened.diagnostics;
    found.extend(lint::lint(&opened.sources, &opened.ast));
    if shows(text, &found) {
        return true;
    }
    // Statements by themselves are looked at where they may stand.
    let whole = format!("runbook \"typed\" {{\n{text}\n}}");
    let (found, is_read) = linted(&whole);
    if shows(&whole, &found) {
        return true;
    }
    // Of what nobody can read at least the commands.
    let commands = text.lines().filter_map(|line| line.get(line.find('$')?..));
    !is_read && commands.map(|command| format!("let typed = {command}")).any(|one| shows(&one, &linted(&one).0))
}

/// What advice says of a text, and whether it could be read.
fn linted(text: &str) -> (Vec<Diagnostic>, bool) {
    let mut sources = Sources::default();
    let file = sources.add("<typed>", text);
    let parsed = syntax::parse(file, text);
    (lint::lint(&sources, &parsed.ast), parsed.diagnostics.is_empty())
}

fn shows(text: &str, found: &[Diagnostic]) -> bool {
    found.iter().any(|found| match found.code {
        Code::SecretInText => true,
        Code::SampleSecret => !is_allowed(text, found.span()),
        _ => false,
    })
}

/// The line above says so: a statement by itself is no file, whose words of this kind could be settled.
fn is_allowed(text: &str, at: Span) -> bool {
    let before = text.get(..at.start as usize).unwrap_or_default();
    let above = before.rsplit_once('\n').map(|(above, _)| above).and_then(|above| above.lines().last());
    let words = above.and_then(|line| line.trim().strip_prefix("# rbk: allow("));
    let words = words.and_then(|words| words.split_once(')'));
    words.is_some_and(|(codes, why)| {
        let code = Code::SampleSecret.name();
        !why.trim().is_empty() && codes.split(',').any(|named| named.trim() == code)
    })
}

/// The text with what advice can mend, and how much that was. What would touch the same place twice is left.
fn mend(text: &str, found: &[Diagnostic]) -> Option<(String, usize)> {
    let advice = |d: &&Diagnostic| lint::rules::has(d.code) || d.code == Code::UnusedAllow;
    let mut edits: Vec<&(Span, String)> = Vec::new();
    let mut mended = 0;
    for fix in found.iter().filter(advice).filter_map(|d| d.fix.as_ref()) {
        let apart = |a: Span, b: Span| a.end < b.start || b.end < a.start;
        let free = |(span, _): &(Span, String)| span.file.0 == 0 && edits.iter().all(|(other, _)| apart(*span, *other));
        if fix.edits.iter().all(free) {
            edits.extend(&fix.edits);
            mended += 1;
        }
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut out = text.to_owned();
    for (span, new) in edits.into_iter().rev() {
        let range = span.start as usize..span.end as usize;
        out.get(range.clone())?;
        out.replace_range(range, new);
    }
    (mended > 0).then_some((out, mended))
}
