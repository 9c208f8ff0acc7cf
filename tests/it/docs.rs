//! Every program in the README and in `docs/` is checked: a fence `rbk` must be clean, one `rbk error=CODE` must have
//! exactly that finding.
use std::process::Command;

use crate::stage::{self, Run, repo};

/// File, line, what stands after the backticks, text.
pub fn fences() -> Vec<(String, usize, String, String)> {
    let mut files = vec!["README.md".to_owned(), "examples/README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for entry in std::fs::read_dir(repo("docs")).unwrap().flatten() {
        if entry.path().is_file() {
            files.push(format!("docs/{}", entry.file_name().to_string_lossy()));
        }
    }
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(repo(&file)).unwrap();
        let mut open: Option<(usize, String, String)> = None;
        for (n, line) in text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(info)) => open = Some((n + 1, info.to_owned(), String::new())),
                (Some(_), Some(_)) => {
                    let (line, info, text) = open.take().unwrap();
                    found.push((file.clone(), line, info, text));
                }
                (Some((_, _, text)), None) => {
                    text.push_str(line);
                    text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{file} ends inside a fence");
    }
    found
}

#[test]
fn every_program_is_checked() {
    let dir = stage::dir();
    let mut count = 0;
    let mut wrong = Vec::new();
    for (file, line, info, text) in fences() {
        let Some(rest) = info.strip_prefix("rbk") else { continue };
        let expected = rest.trim().strip_prefix("error=");
        let script = dir.path().join("page.rbk");
        std::fs::write(&script, &text).unwrap();
        let out = Command::new(env!("CARGO_BIN_EXE_rbk"))
            .args(["check", "--format", "short", "--deny-warnings", "--today", "2026-11-21"])
            .arg(&script)
            .output()
            .unwrap();
        let said = format!("{}{}", stage::text(&out.stdout), stage::text(&out.stderr));
        let as_told = match expected {
            None => out.status.success(),
            Some(code) => {
                let findings: Vec<_> = said.lines().filter(|l| l.contains("page.rbk:")).collect();
                out.status.code() == Some(1) && findings.len() == 1 && findings[0].contains(&format!(" {code}: "))
            }
        };
        if !as_told {
            wrong.push(format!("{file}:{line} ({info}):\n{said}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 10, "only {count} programs were found");
}

#[test]
fn the_readme_shows_the_quickstart_and_what_it_prints() {
    let text = std::fs::read_to_string(repo("README.md")).unwrap();
    let script = std::fs::read_to_string(repo("examples/quickstart.rbk")).unwrap();
    assert!(text.contains(&script), "the script in the README is examples/quickstart.rbk");

    // Run ids and times differ; every other word is what it prints.
    let steady = |text: &str| {
        let times = regex::Regex::new(r"\b\d+(\.\d+)?m?s\b|\d{8}-\d{4}-\w+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").unwrap();
        let lines = text.lines().map(str::trim_end).filter(|l| !l.is_empty());
        lines.map(|l| times.replace_all(l, "…").into_owned()).collect::<Vec<_>>()
    };
    let dir = stage::dir();
    let ran = Run::new(&repo("examples/quickstart.rbk")).dir(dir.path()).go().ended(1);
    let shown = text.split("run examples/quickstart.rbk\n").nth(1).unwrap().split("```").next().unwrap();
    // Run from the repository, as a reader does.
    let out = ran.out.replace(&format!("{}/", repo("").display().to_string().trim_end_matches('/')), "");
    assert_eq!(steady(shown), steady(&out));
}

#[test]
fn links_lead_somewhere() {
    let link = regex::Regex::new(r"\]\(([^)#:]+)\)").unwrap();
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "examples/README.md",
        "docs/language.md",
        "docs/http.md",
        "docs/journal.md",
        "docs/redis.md",
        "docs/reports.md",
        "docs/semantics.md",
        "docs/architecture.md",
    ] {
        let text = std::fs::read_to_string(repo(page)).unwrap();
        for found in link.captures_iter(&text) {
            let target = repo(page).parent().unwrap().join(&found[1]);
            assert!(target.exists(), "{page} links to {}", &found[1]);
        }
    }
}

/// The lines in the tables of `docs/coverage.md` stand in the program above them, blanks aside.
#[test]
fn what_a_table_promises_stands_in_the_program_above_it() {
    // However its lines are broken.
    let tight = |text: &str| {
        text.split_whitespace().collect::<String>().replace(",)", ")").replace(",]", "]").replace(",}", "}")
    };
    let text = std::fs::read_to_string(repo("docs/coverage.md")).unwrap();
    let mut rows = 0;
    for section in text.split("\n## ").skip(1) {
        let (before, table) = section.split_once("\n```\n").unwrap_or_else(|| panic!("no program in {section}"));
        let program = tight(before);
        for row in table.lines().filter(|l| l.starts_with("| ") && !l.starts_with("| row ")) {
            let cells: Vec<&str> = row.split(" | ").collect();
            assert!(cells.len() == 3, "{row}");
            for line in cells[2].trim_end_matches(" |").split("<br>") {
                let line = line.trim_matches('`');
                assert!(!line.is_empty() && program.contains(&tight(line)), "not in the program: {line}");
            }
            rows += 1;
        }
    }
    assert!(rows > 80, "only {rows} rows");
}

/// The lines of the jobs in `docs/ci.md` that run rbk: 0 for a runbook in order, 1 for one that is not.
#[test]
fn the_jobs_for_ci_tell_good_from_bad() {
    let line = regex::Regex::new(r"(?m)^ *- (?:run: )?(rbk .+)$").unwrap();
    let desk = stage::dir();
    let (good, bad) = (desk.path().join("good"), desk.path().join("bad"));
    for dir in [&good, &bad] {
        std::fs::create_dir(dir).unwrap();
    }
    std::fs::copy(repo("examples/quickstart.rbk"), good.join("a.rbk")).unwrap();
    std::fs::write(bad.join("a.rbk"), "runbook  \"x\" {\n  deadline 1m\n step \"a\" { $ rm y }\n}\n").unwrap();
    let rbk = std::path::Path::new(env!("CARGO_BIN_EXE_rbk")).parent().unwrap().display();
    let path = format!("{rbk}:{}", std::env::var("PATH").unwrap());
    let mut count = 0;
    for (file, at, _, text) in fences().into_iter().filter(|(file, _, info, _)| file == "docs/ci.md" && info == "yaml")
    {
        for found in line.captures_iter(&text) {
            for (dir, code) in [(&good, 0), (&bad, 1)] {
                let mut shell = Command::new("sh");
                let out = shell.args(["-c", &found[1]]).current_dir(dir).env("PATH", &path).output().unwrap();
                let said = format!("{}{}", stage::text(&out.stdout), stage::text(&out.stderr));
                assert_eq!(out.status.code(), Some(code), "{file}:{at}: `{}`: {said}", &found[1]);
            }
            count += 1;
        }
    }
    assert_eq!(count, 5);
}
