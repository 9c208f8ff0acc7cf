//! What `check` says of scripts: pages of fragments with what is said of each, and the samples, which are clean.
use std::path::Path;

use rbk::check::{self, Checked, Library};
use rbk::diag::Severity;
use rbk::source::Sources;
use rbk::syntax;

/// Files of a page, and those beside the one that uses them.
#[derive(Default)]
struct Beside(Vec<(String, String)>);

impl Library for Beside {
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String> {
        if let Some((name, text)) = self.0.iter().find(|(name, _)| path.strip_prefix("./") == Some(name)) {
            return Ok((name.clone(), text.clone()));
        }
        let at = Path::new(from).parent().unwrap().join(path);
        let text = std::fs::read_to_string(&at).map_err(|e| e.to_string())?;
        Ok((at.to_string_lossy().replace("/./", "/"), text))
    }
}

/// Parse and check a text; syntax errors come first.
fn checked(beside: &Beside, name: &str, text: &str) -> (Sources, Checked) {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let parsed = syntax::parse(file, text);
    let mut checked = check::check(&mut sources, file, &parsed.ast, beside);
    checked.diagnostics.splice(0..0, parsed.diagnostics);
    (sources, checked)
}

/// What a page of `tests/suites/check` says of a script: ```` ```rbk ```` is a whole file, ```` ```rbk body ```` stands in a
/// runbook (its first line is line 1); the fence that follows holds the findings. ```` ```rbk file NAME ```` can be used by
/// what follows.
fn said(beside: &Beside, body: bool, text: &str) -> String {
    let whole =
        if body { format!("runbook \"t\" {{ deadline 1h; rollback within 10m\n{text}}}\n") } else { text.to_owned() };
    let lines = findings(beside, "page.rbk", &whole, usize::from(body));
    if lines.is_empty() { "clean\n".to_owned() } else { lines.concat() }
}

/// `code line:column message`, and the way out, for each finding. `above` lines are not the reader's.
fn findings(beside: &Beside, name: &str, text: &str, above: usize) -> Vec<String> {
    let (sources, checked) = checked(beside, name, text);
    checked
        .diagnostics
        .iter()
        .map(|d| {
            let (line, column) = sources.position(d.span());
            let file = if d.span().file.0 == 0 { String::new() } else { format!("{}:", sources.name(d.span().file)) };
            let severity = if d.severity == Severity::Warning { "warning" } else { "error" };
            let help = d.help.iter().map(|h| format!("  help: {h}\n")).collect::<String>();
            let line = line.saturating_sub(above);
            format!("{severity} {} {file}{line}:{column} {}\n{help}", d.code.name(), d.message)
        })
        .collect()
}

/// Pages whose fences hold a script and what is said of it; `BLESS=1` writes what is said now.
#[test]
fn pages_say_what_check_says() {
    let bless = std::env::var_os("BLESS").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites/check");
    let mut wrong = Vec::new();
    let mut pages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let page = std::fs::read_to_string(&path).unwrap();
        let now = rewritten(&page);
        pages += 1;
        if now == page {
            continue;
        }
        if bless {
            std::fs::write(&path, now).unwrap();
        } else {
            let pair = page.lines().zip(now.lines()).enumerate().find(|(_, (a, b))| a != b);
            let (line, (a, b)) = pair.unwrap_or((0, ("(shorter)", "(longer)")));
            wrong.push(format!("{}:{}\n  page: {a}\n  now:  {b}", path.display(), line + 1));
        }
    }
    assert!(pages >= 8, "the pages are not where they are looked for");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The page with every second fence as it would be said now.
fn rewritten(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    let mut script: Option<(bool, String)> = None;
    let mut beside = Beside::default();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(info) = line.strip_prefix("```") else { continue };
        let content: String = lines.by_ref().take_while(|l| *l != "```").map(|l| format!("{l}\n")).collect();
        if let Some(name) = info.strip_prefix("rbk file ") {
            beside.0.push((name.to_owned(), content.clone()));
        }
        match (info, script.take()) {
            ("rbk" | "rbk body", _) => {
                out.push_str(&content);
                script = Some((info == "rbk body", content));
            }
            (_, Some((body, text))) => out.push_str(&said(&beside, body, &text)),
            _ => out.push_str(&content),
        }
        out.push_str("```\n");
    }
    out
}

/// The design's samples, as they stand in `tests/samples`, give a program and not one word.
#[test]
fn samples_are_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "rbk") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, checked) = checked(&Beside::default(), &path.to_string_lossy(), &text);
        assert!(checked.diagnostics.is_empty(), "{}: {:?}", path.display(), checked.diagnostics);
        assert!(checked.program.is_some(), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 6, "the samples are not where they are looked for");
}

/// Every declaration of a native action can be read, and says what it does to the outside.
#[test]
fn declarations_of_natives_are_well_formed() {
    for (provider, text) in rbk::check::stdlib::NATIVES {
        let mut sources = Sources::default();
        let file = sources.add(*provider, *text);
        let parsed = syntax::parse(file, text);
        assert!(parsed.diagnostics.is_empty(), "{provider}: {:?}", parsed.diagnostics);
        assert!(!parsed.ast.items.is_empty(), "{provider}");
        for item in &parsed.ast.items {
            let rbk::syntax::ast::ItemKind::Extern(action) = &item.kind else { panic!("{provider}: not an extern") };
            assert!(matches!(&*action.effect.text, "read" | "write" | "notify"), "{provider}.{}", action.name.text);
        }
    }
}

#[test]
fn a_review_that_is_overdue_is_a_warning() {
    let text = "runbook \"t\" {\n  deadline 1m\n  reviewed 2026-11-01 every 30d\n  log \"x\"\n}\n";
    let (_, checked) = checked(&Beside::default(), "t.rbk", text);
    let program = checked.program.unwrap();
    let on = |day: &str| check::overdue(&program, format!("{day}T12:00:00Z").parse().unwrap());
    assert_eq!(on("2026-11-30"), None);
    let late = on("2026-12-04").unwrap();
    assert_eq!(late.severity, Severity::Warning);
    assert_eq!(late.message, "the review of this runbook has been due for 3 days");
}
