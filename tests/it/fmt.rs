//! `rbk fmt`: one style, and nothing lost: not a comment, not a word, whatever the text looked like before.
mod files;
mod made;

use std::path::{Path, PathBuf};

use rbk::source::FileId;
use rbk::syntax::{ast::Ast, parse};

use crate::stage::repo;

/// The tree as data, without places.
fn meaning(ast: &Ast) -> String {
    let text = format!("{ast:?}");
    let mut parts = text.split("Span { file: FileId(0), ");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |all, part| all + part.split_once('}').unwrap().1)
}

/// The text in style, after everything that must be true of that; nothing when it is no script.
fn styled(text: &str) -> Option<String> {
    let parsed = parse(FileId(0), text);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let once = rbk::print::format(text, &parsed.ast).unwrap_or_else(|why| panic!("{}:\n{text}", why.0));
    let again = parse(FileId(0), &once);
    assert!(again.diagnostics.is_empty(), "{:?}\n{text}\n=>\n{once}", again.diagnostics);
    assert_eq!(meaning(&parsed.ast), meaning(&again.ast), "{text}\n=>\n{once}");
    let twice = rbk::print::format(&once, &again.ast).unwrap_or_else(|why| panic!("{}:\n{once}", why.0));
    assert_eq!(once, twice, "formatted once, then again; it was\n{text}");
    Some(once)
}

/// Programs of the repository: its scripts, and the fences of its pages, alone and as the body of a runbook.
pub fn corpus() -> Vec<String> {
    fn all(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { all(&path, found) } else { found.push(path) }
        }
    }
    let mut files = vec![repo("README.md")];
    ["examples", "stdlib", "docs", "tests/samples", "tests/suites", "tests/it/syntax"]
        .iter()
        .for_each(|dir| all(&repo(dir), &mut files));
    let mut programs = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        match file.extension().and_then(|e| e.to_str()) {
            Some("rbk") => programs.push(text),
            Some("md") => {
                for fence in text.split("\n```rbk").skip(1) {
                    let body = fence.split_once('\n').unwrap().1.split("\n```").next().unwrap();
                    for part in body.split("---\n") {
                        programs.push(format!("{part}\n"));
                        programs.push(format!("runbook \"r\" {{\n{part}\n}}\n"));
                    }
                }
            }
            _ => {}
        }
    }
    programs.retain(|text| parse(FileId(0), text).diagnostics.is_empty());
    assert!(programs.len() > 500, "only {} programs were found", programs.len());
    programs
}

/// Every construct once, in no style.
const EVERYTHING: &str = include_str!("fmt/everything.rbk");

#[test]
fn the_style() {
    super::syntax::suite("tests/suites/fmt/style.md", |text| {
        let book = format!("runbook \"r\" {{\n{text}}}\n");
        match (styled(text), styled(&book)) {
            (Some(text), _) => text,
            // Statements: shown without the runbook around them.
            (None, Some(book)) => {
                let lines: Vec<_> = book.lines().collect();
                let inner = &lines[1..lines.len() - 1];
                inner.iter().map(|l| format!("{}\n", l.strip_prefix("  ").unwrap_or(l))).collect()
            }
            (None, None) => panic!("no script: {text}"),
        }
    });
}

#[test]
fn what_is_in_the_repository_keeps_its_meaning() {
    for text in corpus() {
        styled(&text).unwrap();
        let windows = styled(&text.replace('\n', "\r\n"));
        assert!(windows.is_none_or(|t| !t.replace("\r\n", "").contains('\n') || text.contains("\"\"\"")), "{text}");
        styled(&text.replace("  ", "\t"));
        styled(text.trim_end());
        styled(&format!("\u{FEFF}{text}"));
    }
}

/// Wherever a comment may stand, it is there afterwards.
#[test]
fn no_comment_is_lost() {
    let mut places = 0;
    for (comment, every) in [(" # remark\n", 1), ("\n# remark\n", 5), ("\n\n  ## remark\n\n\n", 5)] {
        for (at, _) in EVERYTHING.char_indices().step_by(every) {
            let (front, back) = EVERYTHING.split_at(at);
            let text = format!("{front}{comment}{back}");
            if let Some(styled) = styled(&text) {
                assert_eq!(styled.matches("# remark").count(), 1, "{styled}");
                places += 1;
            }
        }
    }
    assert!(places > 300, "only {places} places take a comment");
}

/// Blanks, line breaks, comments and marks put in and taken away anywhere.
#[test]
fn whatever_is_put_in_is_kept_or_refused() {
    let pieces = [
        "\n",
        "\n\n\n",
        " ",
        "\t",
        " # remark\n",
        "\n# remark\n",
        ";",
        ";;\n",
        ",",
        "## remark\n",
        "\r\n",
        "(",
        ")",
        "{ }",
    ];
    let mut rng = fastrand::Rng::with_seed(7);
    let mut read = 0;
    for text in corpus() {
        for _ in 0..5 {
            let mut text = text.clone();
            for _ in 0..rng.usize(1..4) {
                let mut at = rng.usize(..=text.len());
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                match text[at..].chars().next().filter(|c| c.is_whitespace() && rng.bool()) {
                    Some(blank) => text.replace_range(at..at + blank.len_utf8(), rng.choice(["", " ", "\n"]).unwrap()),
                    None => text.insert_str(at, rng.choice(pieces).unwrap()),
                }
            }
            read += usize::from(styled(&text).is_some());
        }
    }
    assert!(read > 600, "only {read} texts were scripts");
}

#[test]
fn generated_programs_keep_their_meaning() {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut read = 0;
    for _ in 0..1500 {
        let text = made::program(&mut rng);
        read += usize::from(styled(&text).is_some());
    }
    assert!(read > 1200, "only {read} of 1500 were scripts");
}

/// The programs of the documentation are as a reader's own would be after `rbk fmt`.
#[test]
fn what_the_documentation_shows_is_in_style() {
    let mut count = 0;
    for (file, line, info, text) in crate::docs::fences() {
        if let Some(styled) = styled(&text).filter(|_| info.starts_with("rbk")) {
            assert_eq!(text, styled, "{file}:{line}");
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} programs were found");
}

#[test]
fn texts_with_nothing_in_them() {
    assert_eq!(styled("").unwrap(), "");
    assert_eq!(styled(" \n\t\r\n;;\n").unwrap(), "");
    assert_eq!(styled("\n\n# only this").unwrap(), "# only this\n");
    assert_eq!(styled("## a\n\n\n\n#b  \n\n").unwrap(), "## a\n\n#b\n");
    assert_eq!(styled("# a\r\nuse 'x'"), None);
    assert_eq!(styled("# a\r\nuse   \"x\"").unwrap(), "# a\r\nuse \"x\"\r\n");
}

/// 200 levels, and a megabyte: both end soon, and the time of a text grows as its length does.
#[test]
fn deep_and_long_texts() {
    for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("{ a: ", " }"), ("not (", ")")] {
        let depth = 95;
        styled(&format!("let x = {}1{}\n", open.repeat(depth), close.repeat(depth))).unwrap();
    }
    styled(&format!("runbook \"r\" {{\n{}log \"x\"\n{}}}\n", "if a {\n".repeat(150), "}\n".repeat(150))).unwrap();
    let book = std::fs::read_to_string(repo("examples/deltacrown/blue_green.rbk")).unwrap();
    let library: String = book.lines().map(|l| format!("# {l}\n")).collect();
    let many = format!("{library}action f() {{ {} }}\n", "g(1,  2)\n".repeat(400)).repeat(150);
    assert!(many.len() > 1_000_000);
    let time = |text: &str| {
        let ast = parse(FileId(0), text).ast;
        let begun = std::time::Instant::now();
        rbk::print::format(text, &ast).unwrap();
        begun.elapsed()
    };
    let (one, all) =
        (time(many[..many.floor_char_boundary(many.len() / 5)].rsplit_once("\n# ").unwrap().0), time(&many));
    assert!(all < one * 5 * 5, "{one:?} for a fifth, {all:?} for all");
}
