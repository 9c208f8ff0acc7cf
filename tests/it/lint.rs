//! `rbk check` as a linter: no false alarm on what is ours, `allow` with its reason.
mod pasted;
mod traps;

use std::path::{Path, PathBuf};

use rbk::session;

use crate::stage::repo;

fn scripts(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|e| e == "rbk") {
            found.push(path);
        }
    }
}

fn today() -> rbk::value::Timestamp {
    "2026-11-21T00:00:00Z".parse().unwrap()
}

/// What is said of a text: code, line, message.
pub fn said(text: &str) -> Vec<String> {
    let opened = session::open_text("a.rbk", text, &session::Disk);
    let mut found = session::advice::advise(&opened, today());
    found.sort_by_key(|d| d.span());
    let line = |d: &rbk::diag::Diagnostic| opened.sources.position(d.span()).0;
    found.iter().map(|d| format!("{} {}: {}", d.code.name(), line(d), d.message)).collect()
}

/// The codes said of statements in a runbook; line 2 is the first.
pub fn codes(body: &str) -> Vec<String> {
    let text =
        format!("runbook \"t\" {{ owner \"me\"; reviewed 2026-11-01; deadline 1h; rollback within 5m\n{body}\n}}\n");
    said(&text).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

/// A step around commands that only look.
pub fn looking(commands: &str) -> Vec<String> {
    codes(&format!("step \"Look\" readonly timeout 1m {{\n{commands}\n}}"))
}

#[test]
fn our_own_scripts_have_no_finding_and_few_allows() {
    let (mut paths, mut wrong, mut allows) = (Vec::new(), Vec::new(), 0);
    for dir in ["examples", "stdlib", "tests/samples"] {
        scripts(&repo(dir), &mut paths);
    }
    assert!(paths.len() > 20, "only {} scripts were found", paths.len());
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        allows += text.matches("rbk: allow(").count();
        let opened = session::open_text(&path.to_string_lossy(), &text, &session::Disk);
        let mut found = rbk::lint::lint(&opened.sources, &opened.ast);
        found = rbk::lint::settle(found, &opened.sources, &opened.ast);
        wrong.extend(found.iter().map(|d| {
            let (line, _) = opened.sources.position(d.span());
            format!("{}:{line}: {}: {}", path.display(), d.code.name(), d.message)
        }));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(allows <= 5, "{allows} findings are allowed");
}

#[test]
fn an_allow_covers_its_line_or_the_statement_below() {
    let curl = "$ curl -s http://x/";
    assert_eq!(looking(curl), ["curl-no-fail 3"]);
    assert_eq!(looking(&format!("# rbk: allow(curl-no-fail) it may be down\n{curl}")), [""; 0]);
    assert_eq!(looking(&format!("# rbk: allow(curl-no-fail) it may be down\n\n# and more\n{curl}")), [""; 0]);
    assert_eq!(looking("guard \"up\": $(curl -s http://x/) # rbk: allow(curl-no-fail) it may be down"), [""; 0]);
    assert_eq!(looking(&format!("{curl} # rbk: allow(curl-no-fail) it may be down")), [""; 0]);
    let script = "$ \"\"\"\n  set -x\n  curl -s http://x/\n\"\"\"";
    assert_eq!(looking(script), ["curl-no-fail 5"], "the line inside the script");
    assert_eq!(looking(&format!("# rbk: allow(curl-no-fail) it may be down\n{script}")), [""; 0]);
    // Not the statement behind it, and not a step's inside.
    let two = format!("# rbk: allow(curl-no-fail) it may be down\n{curl}\n{curl}");
    assert_eq!(looking(&two), ["curl-no-fail 5"]);
    let outside = format!("# rbk: allow(curl-no-fail) no\nstep \"Look\" readonly {{\n{curl}\n}}");
    assert_eq!(codes(&outside), ["unused-allow 2", "curl-no-fail 4"]);
}

#[test]
fn an_allow_says_what_and_why() {
    let of = |comment: &str| looking(&format!("{comment}\n$ curl -s http://x/"));
    for wrong in ["# rbk: allow(curl-no-fail)", "# rbk: allow(curl-no-fail) - "] {
        assert_eq!(of(wrong), ["bad-allow 3"], "{wrong}");
    }
    for wrong in ["# rbk: allow curl-no-fail", "# rbk: allow(curl) why"] {
        assert_eq!(of(wrong), ["bad-allow 3", "curl-no-fail 4"], "{wrong}");
    }
    assert_eq!(of("# rbk: allow(unbounded-follow) why"), ["unused-allow 3", "curl-no-fail 4"]);
    assert_eq!(of("# rbk: allow(unbounded-follow, curl-no-fail) why"), ["unused-allow 3"]);
    // What is wrong stays wrong.
    let error = codes("# rbk: allow(missing-rollback) why\nstep \"x\" { $ mkdir y }");
    assert_eq!(error, ["bad-allow 2", "missing-rollback 3"]);
    // A text that says so is a text.
    assert_eq!(codes("log \"# rbk: allow(curl) no\""), [""; 0]);
}
