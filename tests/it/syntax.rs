//! Text → tree: every construct, every message, and texts that nobody wrote.
use rbk::source::{FileId, Sources};
use rbk::syntax::{Parsed, parse};

/// `line:column message`, one a line, with what it points at, the label and the help.
fn findings(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("test.rbk", text);
    let Parsed { diagnostics, incomplete, .. } = parse(file, text);
    let mut out = String::new();
    for d in diagnostics {
        let (line, column) = sources.position(d.span());
        out += &format!("{line}:{column} {}\n", d.message);
        for label in &d.labels {
            out += &format!("  [{}] {}\n", sources.text(label.span).replace('\n', "⏎"), label.text);
        }
        out += &format!("  help: {}\n", d.help.unwrap_or_default());
    }
    if incomplete {
        out += "(could go on)\n";
    }
    out
}

/// A page of fences: a program, then what is said about it. `RBK_BLESS=1` rewrites the second of each two.
fn suite(path: &str, answer: impl Fn(&str) -> String) {
    let page = std::fs::read_to_string(path).unwrap();
    let mut written = String::new();
    let mut program = String::new();
    let mut parts = page.split("```");
    written += parts.next().unwrap();
    while let (Some(fence), Some(prose)) = (parts.next(), parts.next()) {
        let (kind, body) = fence.split_once('\n').unwrap();
        let body = match kind {
            "rbk" => {
                program = body.to_owned();
                program.clone()
            }
            _ => answer(&program),
        };
        written += &format!("```{kind}\n{body}```{prose}");
    }
    if std::env::var_os("RBK_BLESS").is_some() {
        return std::fs::write(path, &written).unwrap();
    }
    for (is, should) in written.lines().zip(page.lines()) {
        assert_eq!(is, should, "{path}; RBK_BLESS=1 rewrites it");
    }
    assert_eq!(written.lines().count(), page.lines().count(), "{path}; RBK_BLESS=1 rewrites it");
}

#[test]
fn mistakes() {
    suite("tests/it/syntax/mistakes.md", findings);
}

/// The first look of the reference, whole.
const FIRST_LOOK: &str = include_str!("first_look.rbk");

#[test]
fn the_native_libraries_parse() {
    for entry in std::fs::read_dir("stdlib/native").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(findings(&text), "", "{}", path.display());
        let externs = text.lines().filter(|l| l.starts_with("extern ")).count();
        assert_eq!(parse(FileId(0), &text).ast.items.len(), externs, "{}", path.display());
    }
}

#[test]
fn the_first_look_parses() {
    assert_eq!(findings(FIRST_LOOK), "");
}
