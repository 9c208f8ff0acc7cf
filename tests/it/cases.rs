//! Each case that `docs/semantics.md` settles for a run that goes on has a test which names it: `fn e7_…`, or a page `## E7: …`.
use std::path::{Path, PathBuf};

fn files(dir: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| match path.is_dir() {
        true => files(&path, kind),
        false => vec![path],
    });
    found.filter(|path| path.extension().is_some_and(|extension| extension == kind)).collect()
}

/// Of what stands under `#[test]`, and over a page's program.
fn named() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut names = Vec::new();
    for file in files(&root.join("it"), "rs") {
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let tests = lines.windows(2).filter(|pair| pair[0] == "#[test]");
        names.extend(tests.filter_map(|pair| Some(pair[1].strip_prefix("fn ")?.split('_').next()?.to_uppercase())));
    }
    for file in files(&root.join("suites"), "md") {
        let text = std::fs::read_to_string(file).unwrap();
        names.extend(text.lines().filter_map(|line| Some(line.strip_prefix("## ")?.split_once(':')?.0.to_owned())));
    }
    names
}

/// The cases of section 4, and F1.
fn cases() -> Vec<String> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/semantics.md")).unwrap();
    let first = page.lines().filter_map(|line| line.split_once(" **").map(|(first, _)| first.to_owned()));
    first.filter(|case| case == "F1" || case.strip_prefix('E').is_some_and(|n| n.parse::<u32>().is_ok())).collect()
}

#[test]
fn every_case_of_a_run_that_goes_on_has_a_test_that_names_it() {
    let (cases, named) = (cases(), named());
    assert_eq!(cases.len(), 19, "{cases:?}");
    let missing: Vec<_> = cases.iter().filter(|case| !named.contains(case)).collect();
    assert!(missing.is_empty(), "no test names {missing:?}");
    assert!(!named.contains(&"E99".to_owned()));
}
