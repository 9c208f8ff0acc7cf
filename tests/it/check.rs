//! What `check` says of scripts: pages of fragments with what is said of each, and the samples, which are clean.
use std::path::Path;

use rbk::check::{self, Checked, Library};
use rbk::diag::Severity;
use rbk::source::Sources;
use rbk::syntax;

/// Files beside the one that uses them.
struct Beside;

impl Library for Beside {
    fn read(&self, from: &str, path: &str) -> Result<(String, String), String> {
        let at = Path::new(from).parent().unwrap().join(path);
        let text = std::fs::read_to_string(&at).map_err(|e| e.to_string())?;
        Ok((at.to_string_lossy().replace("/./", "/"), text))
    }
}

/// Parse and check a text; syntax errors come first.
fn checked(name: &str, text: &str) -> (Sources, Checked) {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let parsed = syntax::parse(file, text);
    let mut checked = check::check(&mut sources, file, &parsed.ast, &Beside);
    checked.diagnostics.splice(0..0, parsed.diagnostics);
    (sources, checked)
}

/// What a page of `tests/suites/check` says of a script: ```` ```rbk ```` is a whole file, ```` ```rbk body ```` stands in a
/// runbook (its first line is line 1); the fence that follows holds the findings.
fn said(body: bool, text: &str) -> String {
    let whole = if body {
        format!("runbook \"t\" {{ deadline 1h; rollback within 10m\n{text}}}\n")
    } else {
        text.to_owned()
    };
    let lines = findings("page.rbk", &whole, usize::from(body));
    if lines.is_empty() { "clean\n".to_owned() } else { lines.concat() }
}

/// `code line:column message`, and the way out, for each finding. `above` lines are not the reader's.
fn findings(name: &str, text: &str, above: usize) -> Vec<String> {
    let (sources, checked) = checked(name, text);
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
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(info) = line.strip_prefix("```") else { continue };
        let content: String = lines.by_ref().take_while(|l| *l != "```").map(|l| format!("{l}\n")).collect();
        match (info, script.take()) {
            ("rbk" | "rbk body", _) => {
                out.push_str(&content);
                script = Some((info == "rbk body", content));
            }
            (_, Some((body, text))) => out.push_str(&said(body, &text)),
            _ => out.push_str(&content),
        }
        out.push_str("```\n");
    }
    out
}

#[test]
fn probe() {
    if let Ok(path) = std::env::var("PROBE") {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in findings(&path, &text, 0) {
            println!("{line}");
        }
    }
}
