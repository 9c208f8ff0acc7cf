//! Text → tree: every construct, every message, and texts that nobody wrote.
mod large;
mod shape;
mod unclosed;

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
pub fn suite(path: &str, answer: impl Fn(&str) -> String) {
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

#[test]
fn every_script_of_the_project_parses() {
    fn all(dir: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all(&path, found);
            } else if path.extension().is_some_and(|e| e == "rbk") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    all("stdlib".as_ref(), &mut found);
    all("examples".as_ref(), &mut found);
    assert!(found.len() > 5);
    for path in found {
        assert_eq!(findings(&std::fs::read_to_string(&path).unwrap()), "", "{}", path.display());
    }
}

/// Spans lie inside the text, on the borders of characters, and a parse ends.
fn is_sound(text: &str) {
    let Parsed { diagnostics, .. } = parse(FileId(0), text);
    for label in diagnostics.iter().flat_map(|d| &d.labels) {
        assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{label:?} of {text:?}");
    }
}

/// Pieces that a script is made of, and some that break it.
const PIECES: &[&str] = &[
    "runbook \"x\" {\n",
    "step \"a\" timeout 5m {\n",
    "}\n",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "\"\"\"",
    "#{",
    "'",
    "$ ",
    "$(",
    "\\",
    "\n",
    " ",
    "let x = ",
    "guard \"g\": ",
    "if a then ",
    "if c {\n",
    "else ",
    "not ",
    "- ",
    "a.b(c)",
    "x",
    ", ",
    ": ",
    "= ",
    "1h30m",
    "2026-11-01",
    "5%",
    "## doc\n",
    "# note\n",
    "try {\n",
    "rollback ",
    "retry 3 ",
    "every 5s ",
    "wait up to 3s until ",
    "reviewed ",
    "param p: list<",
    "\"a\" | \"b\"?",
    "é",
    "\u{0}",
    "\r\n",
    "\\#{",
    "r\"",
    "choose \"q\" {\n",
    "option \"o\" ",
    "$ \"\"\"",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_is_read(text in ".{0,200}") {
        is_sound(&text);
    }

    #[test]
    fn any_pieces_are_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        is_sound(&pieces.concat());
    }

    #[test]
    fn a_script_cut_anywhere_is_read(from in 0_usize..2600, length in 0_usize..2600) {
        let from = (0..=from.min(FIRST_LOOK.len())).rev().find(|at| FIRST_LOOK.is_char_boundary(*at)).unwrap();
        let to = (0..=(from + length).min(FIRST_LOOK.len())).rev().find(|at| FIRST_LOOK.is_char_boundary(*at)).unwrap();
        is_sound(FIRST_LOOK.get(from..to.max(from)).unwrap());
    }
}

/// What could overflow a stack, or be read again and again.
#[test]
fn depth_and_length_end() {
    for piece in [
        "(",
        "[",
        "{",
        "\"#{",
        "f(",
        "not ",
        "- ",
        "if a then ",
        "step \"a\" {\n",
        "if c {\n",
        "$(",
        "$( (",
        "$ {",
        "a.",
        "1 + ",
        "x[",
        "list<",
        "} else if c {\n",
        "let x = [\n",
        "foo(\n",
        "\"\"\"#{",
        "stepp \"a\" {\n",
        "{ a: ",
        "try {\n",
        "}\n",
        "\"\n",
        "gaurd x\n",
        "let x = \n",
        "$ echo '\n",
        "let x = 1 2\n",
        "## a\n",
        ";",
        "log \"#{a b}\"\n",
    ] {
        let text = piece.repeat(3000 / piece.len());
        is_sound(&text);
        is_sound(&format!("runbook \"x\" {{\n  log {text}\n}}\n"));
        is_sound(&format!("runbook \"x\" {{\n{text}\n}}\n"));
    }
}

#[test]
fn nesting_has_a_limit_and_says_so() {
    let deep = format!("let x = {}1{}\n", "(".repeat(500), ")".repeat(500));
    let found = findings(&deep);
    assert!(found.starts_with("1:") && found.contains("nested too deeply"), "{found}");
    assert_eq!(found.matches("nested too deeply").count(), 1);
    let fine = format!("let x = {}1{}\n", "(".repeat(20), ")".repeat(20));
    assert_eq!(findings(&fine), "");
}

#[test]
fn the_console_knows_when_to_read_on() {
    for (text, more) in [
        ("step \"a\" {\n", true),
        ("let x =", true),
        ("let x = 1 +", true),
        ("foo(1,", true),
        ("log \"\"\"\nabc", true),
        ("db.rows(\"\"\"\n", true),
        ("step \"a\" {\n  db.rows(limit: 1, \"\"\"\n  SELECT 'a, b' (\n", true),
        ("if c {\n  log \"x\"\n}", false),
        ("let x = 1", false),
        ("log \"abc", false),
        ("db.ping()", false),
        ("x", false),
        ("let = 3", false),
    ] {
        let parsed = rbk::syntax::parse_statements(FileId(0), text);
        assert_eq!(parsed.incomplete, more, "{text:?}: {:?}", parsed.diagnostics);
    }
    assert!(rbk::syntax::parse_statements(FileId(0), "x.y == 3").diagnostics.is_empty());
}
