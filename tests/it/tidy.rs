//! The promises that the tree keeps about itself.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::stage::repo;

/// What the code of each folder of `src/` may name besides itself. `docs/architecture.md` draws it.
const LAYERS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("value", &[]),
    ("state", &[]),
    ("diag", &["source"]),
    ("syntax", &["diag", "source", "value"]),
    ("print", &["syntax", "source", "value"]),
    ("check", &["syntax", "diag", "source", "value"]),
    ("lint", &["check", "syntax", "diag", "source", "value"]),
    ("plan", &["check", "diag", "source", "value"]),
    ("engine", &["check", "source", "value"]),
    ("effects", &["engine", "check", "diag", "source", "state", "value"]),
    ("journal", &["effects", "engine", "source", "state", "value"]),
    ("run", &["journal", "effects", "engine", "check", "source", "value"]),
    ("report", &["run", "journal", "effects", "engine", "plan", "check", "diag", "source", "value"]),
    (
        "session",
        &[
            "report", "run", "journal", "effects", "engine", "plan", "lint", "check", "print", "syntax", "diag",
            "source", "state", "value",
        ],
    ),
    (
        "front",
        &["session", "report", "run", "journal", "effects", "engine", "plan", "check", "diag", "source", "value"],
    ),
];

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && name != "__pycache__" && name != "corpus" && name != "artifacts" {
                files(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

/// Every text of the project but what cargo writes.
fn texts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for dir in [".ci", "benches", "docs", "examples", "fuzz", "grammar", "src", "stdlib", "tests"] {
        files(&repo(dir), &mut found);
    }
    for entry in std::fs::read_dir(repo(".")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && (name.ends_with(".md") || name.ends_with(".toml")) {
            found.push(entry.path());
        }
    }
    let root = repo("");
    let name = |p: &Path| p.strip_prefix(&root).unwrap().display().to_string();
    found.iter().filter_map(|p| Some((name(p), std::fs::read_to_string(p).ok()?))).collect()
}

/// The code of a file: without comments, and without its unit tests.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_folder_of_src_uses_only_those_below_it() {
    let uses = regex::Regex::new(r"\bcrate::(?:\{)?([a-z_]+)").unwrap();
    let mut wrong = BTreeSet::new();
    for (name, text) in texts() {
        let Some(folder) = name.strip_prefix("src/").and_then(|n| n.split_once('/')).map(|(folder, _)| folder) else {
            continue;
        };
        let (_, allowed) =
            LAYERS.iter().find(|(f, _)| *f == folder).unwrap_or_else(|| panic!("src/{folder} is in no layer"));
        for found in uses.captures_iter(&code(&text)) {
            if &found[1] != folder && !allowed.contains(&&found[1]) {
                wrong.insert(format!("{name} uses {}", &found[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_syntax_knows_pest_and_only_report_knows_miette() {
    for (name, text) in texts() {
        let code = code(&text);
        if name.starts_with("src/") && name.ends_with(".rs") {
            assert!(!code.contains("pest::") || name.starts_with("src/syntax/"), "{name} names pest");
            assert!(!code.contains("miette::") || name.starts_with("src/report/"), "{name} names miette");
        }
    }
}

#[test]
fn files_stay_readable() {
    for (name, text) in texts() {
        if name.ends_with(".rs") || name.ends_with(".pest") {
            assert!(text.lines().count() <= 600, "{name} has {} lines: one construct a file", text.lines().count());
        }
        let stem = Path::new(&name).file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!["utils", "util", "common", "helpers", "misc"].contains(&stem.as_str()), "{name}: what is it for?");
    }
}

#[test]
fn no_machine_shows_through() {
    // Written in two parts, so that this file does not find itself.
    let words = [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("crates", ".io/"),
        ("pypi", ".org"),
        ("registry.npm", "js.org"),
        ("deb.debian", ".org"),
    ];
    for (name, text) in texts() {
        for (a, b) in words {
            assert!(!text.contains(&format!("{a}{b}")), "{name} names {a}{b}");
        }
    }
}

#[test]
fn every_script_of_the_repository_is_read_without_a_complaint() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, text) in texts() {
        if name.ends_with(".rbk") && !name.starts_with("fuzz/") {
            let parsed = rbk::syntax::parse(rbk::source::FileId(0), &text);
            let line = |d: &rbk::diag::Diagnostic| text[..d.span().start as usize].lines().count();
            wrong.extend(
                parsed.diagnostics.iter().map(|d| format!("{name}:{}: {} ({})", line(d), d.message, d.labels[0].text)),
            );
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 20, "only {count} scripts were found");
}

#[test]
fn there_is_one_tls_stack() {
    let lock = std::fs::read_to_string(repo("Cargo.lock")).unwrap();
    for other in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "boring"] {
        assert!(!lock.contains(&format!("name = \"{other}\"\n")), "{other} came in");
    }
}
