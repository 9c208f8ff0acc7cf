//! What a log may hold: `+name` for what was done, `-name` for what was undone, `finally`.
use std::collections::{BTreeMap, BTreeSet};

pub struct Log {
    place: &'static str,
    lines: Vec<String>,
    /// Its provider can tell what became of each write: nothing is done or undone on suspicion.
    exact: bool,
}

impl Log {
    pub fn of(place: &'static str, lines: impl Iterator<Item = String>) -> Log {
        Log { place, lines: lines.collect(), exact: false }
    }

    pub fn exact(place: &'static str, lines: impl Iterator<Item = String>) -> Log {
        Log { exact: true, ..Log::of(place, lines) }
    }

    pub fn text(&self) -> String {
        format!("{}: {}", self.place, self.lines.join(" "))
    }
}

/// What was done and not undone, with its place.
pub fn done(log: &Log) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    for line in &log.lines {
        let (sign, name) = line.split_at(1);
        let name = format!("{}/{name}", log.place);
        match sign {
            "+" => drop(done.insert(name)),
            "-" => drop(done.remove(&name)),
            _ => {}
        }
    }
    done
}

/// Nothing happened twice without its undo in between. `crashes`: how often it was killed.
pub fn kept(log: &Log, crashes: usize) -> Result<(), String> {
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for line in &log.lines {
        let (sign, name) = line.split_at(1);
        match (sign, last.insert(name, sign)) {
            ("+", Some("+")) => return Err(format!("`{name}` was done twice")),
            ("-", None | Some("-")) if log.exact => return Err(format!("`{name}` was undone without being done")),
            _ => {}
        }
    }
    let finallys = log.lines.iter().filter(|line| *line == "finally").count();
    let most = if log.exact { 1 } else { 1 + crashes };
    if finallys > most {
        return Err(format!("`finally` ran {finallys} times, with {crashes} crashes"));
    }
    Ok(())
}

/// Something was done, and none of the logs has a `finally`.
pub fn lack_finally(logs: &[Log]) -> bool {
    let mut lines = logs.iter().flat_map(|log| &log.lines).peekable();
    lines.peek().is_some() && !lines.any(|line| line == "finally")
}

#[test]
fn a_log_that_breaks_a_law_is_seen() {
    let log = |lines: &[&str]| Log::of("file", lines.iter().map(|line| (*line).to_owned()));
    let exact = |lines: &[&str]| Log { exact: true, ..log(lines) };
    assert!(kept(&log(&["+a", "-a", "-a", "+a", "finally"]), 0).is_ok());
    assert!(kept(&log(&["-a"]), 1).is_ok());
    assert!(kept(&exact(&["-a"]), 1).is_err());
    assert!(kept(&exact(&["+a", "-a", "-a"]), 1).is_err());
    assert!(kept(&log(&["+a", "+b", "+a"]), 1).is_err());
    assert!(kept(&log(&["finally", "finally"]), 1).is_ok());
    assert!(kept(&log(&["finally", "finally"]), 0).is_err());
    assert!(lack_finally(&[log(&[]), log(&["-a"])]));
    assert!(!lack_finally(&[log(&[]), log(&["-a"]), log(&["finally"])]));
    assert_eq!(done(&log(&["+a", "+b", "-a", "finally"])), BTreeSet::from(["file/b".to_owned()]));
}
