//! `rbk.toml`: how loud each finding is, for all files below it and for some; which commands only read; which environment its
//! folder works on.
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::diag::{Code, Diagnostic, Severity, did_you_mean};

use super::rules;
use crate::value::SmolStr;

/// What one `rbk.toml` says.
#[derive(Debug, Default)]
pub struct Settings {
    /// Commands that only read, beside those that rbk knows.
    pub reads: Vec<SmolStr>,
    /// What the folder works on: `production`.
    pub environment: Option<String>,
    levels: BTreeMap<Code, Level>,
    paths: Vec<(glob::Pattern, BTreeMap<Code, Level>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Off,
    Warning,
    Error,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    environment: Option<String>,
    #[serde(default)]
    reads: Vec<String>,
    #[serde(default)]
    levels: BTreeMap<String, Level>,
    #[serde(default)]
    path: Vec<WrittenPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPath {
    r#match: String,
    levels: BTreeMap<String, Level>,
}

impl Settings {
    /// # Errors
    /// What is wrong with the text, in one line for a person.
    pub fn parse(text: &str) -> Result<Settings, String> {
        let Written { environment, reads, levels: all, path } =
            toml::from_str(text).map_err(|error| wrong(text, &error))?;
        let mut paths = Vec::new();
        for WrittenPath { r#match: pattern, levels: some } in path {
            let shape =
                glob::Pattern::new(&pattern).map_err(|error| format!("`{pattern}` is no pattern: {}", error.msg))?;
            paths.push((shape, levels(some)?));
        }
        let reads = reads.into_iter().map(SmolStr::from).collect();
        Ok(Settings { reads, environment, levels: levels(all)?, paths })
    }

    /// The findings as loud as they are meant to be; `path` is the file's, from the folder of the settings. What is an error
    /// of the script stays one.
    #[must_use]
    pub fn apply(&self, found: Vec<Diagnostic>, path: &Path) -> Vec<Diagnostic> {
        let heard = |mut found: Diagnostic| {
            if found.severity == Severity::Error && !rules::has(found.code) {
                return Some(found);
            }
            match self.level(found.code, path) {
                None => {}
                Some(Level::Off) => return None,
                Some(Level::Warning) => found.severity = Severity::Warning,
                Some(Level::Error) => found.severity = Severity::Error,
            }
            Some(found)
        };
        found.into_iter().filter_map(heard).collect()
    }

    /// The last of the paths that fit and say something; else what holds for all.
    fn level(&self, code: Code, path: &Path) -> Option<Level> {
        let fitting = self.paths.iter().rev().filter(|(shape, _)| shape.matches_path(path));
        fitting.filter_map(|(_, levels)| levels.get(&code)).next().or_else(|| self.levels.get(&code)).copied()
    }
}

/// What alone decides how a runbook runs: a level that this rbk does not know keeps nothing from running.
///
/// # Errors
/// What is wrong with the text, in one line for a person.
pub fn reads(text: &str) -> Result<Vec<SmolStr>, String> {
    #[derive(Deserialize)]
    struct Reads {
        #[serde(default)]
        reads: Vec<String>,
    }
    toml::from_str(text)
        .map(|Reads { reads }| reads.into_iter().map(SmolStr::from).collect())
        .map_err(|error| wrong(text, &error))
}

fn wrong(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
    format!("line {line}: {}", error.message().trim().lines().next().unwrap_or_default())
}

fn levels(written: BTreeMap<String, Level>) -> Result<BTreeMap<Code, Level>, String> {
    let named = |(name, level): (String, Level)| match Code::find(&name) {
        Some(code) => Ok((code, level)),
        None => Err(match did_you_mean(&name, Code::ALL.iter().map(|c| c.name())) {
            Some(near) => format!("no finding is called `{name}`; did you mean `{near}`?"),
            None => format!("no finding is called `{name}`"),
        }),
    };
    written.into_iter().map(named).collect()
}
