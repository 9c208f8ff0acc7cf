//! Text → tree: every construct, every message, and texts that nobody wrote.
use rbk::source::{FileId, Sources};
use rbk::syntax::parse;

/// `line:column message`, one a line.
fn findings(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("test.rbk", text);
    let mut out = String::new();
    for d in parse(file, text).diagnostics {
        let (line, column) = sources.position(d.span());
        out += &format!("{line}:{column} {}\n", d.message);
    }
    out
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
