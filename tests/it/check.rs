//! What `check` says of scripts: pages of fragments with what is said of each, and the samples, which are clean.
use std::path::Path;

use rbk::check::{self, Library};
use rbk::diag::Severity;
use rbk::session;
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
    let opened = session::open_text(name, text, beside);
    let sources = &opened.sources;
    opened
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
    assert!(wrong.is_empty(), "{}\n(if this is better: BLESS=1 cargo test --test it check)", wrong.join("\n"));
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
        let checked = session::open_text(&path.to_string_lossy(), &text, &Beside::default());
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
    let checked = session::open_text("t.rbk", text, &Beside::default());
    let program = checked.program.unwrap();
    let on = |day: &str| check::overdue(&program, format!("{day}T12:00:00Z").parse().unwrap());
    assert_eq!(on("2026-11-30"), None);
    let late = on("2026-12-04").unwrap();
    assert_eq!(late.severity, Severity::Warning);
    assert_eq!(late.message, "the review of this runbook has been due for 3 days");
}

use rbk::check::program::{Arg, Block, CodePart, Effect, ExprKind, How, Program, StmtKind, Undo, Want};

fn program(body: &str) -> std::sync::Arc<Program> {
    let text = format!("runbook \"t\" {{ deadline 1h; rollback within 10m\n{body}}}\n");
    let checked = session::open_text("t.rbk", &text, &Beside::default());
    checked.program.unwrap_or_else(|| panic!("{body}: {:?}", checked.diagnostics))
}

fn block(program: &Program) -> &Block {
    &program.book.as_ref().unwrap().body
}

/// Where a value stands in a URL decides what it becomes.
#[test]
fn places_in_a_url() {
    let cases = [
        ("http.get(\"#{x}/a/#{x}?b=#{x}\")", vec![How::Whole, How::Segment, How::Query]),
        ("http.get(\"http://#{x}:8000/health/\")", vec![How::Authority]),
        ("http.get(\"http://#{x}:#{x}/#{x}/#{x}?a=#{x}&b=#{x}\")", {
            vec![How::Authority, How::Authority, How::Segment, How::Segment, How::Query, How::Query]
        }),
        ("http.get(\"https://a.example/#{x}\")", vec![How::Segment]),
        ("http.get(\"https://a.example?q=#{x}\")", vec![How::Query]),
        ("site.get(\"#{x}\")", vec![How::Segment]),
        ("site.get(\"/a/#{x}?b=#{x}\")", vec![How::Segment, How::Query]),
        ("site.get(\"/go?to=http://#{x}\")", vec![How::Query]),
        ("http.get(\"http://a/#{raw(x)}\")", vec![How::Raw]),
    ];
    for (call, wanted) in cases {
        let program = program(&format!("param x: string\nconnect site = http(\"http://x\")\nlet r = {call}\n"));
        let StmtKind::Let { value, .. } = &block(&program).stmts[0].kind else { panic!("{call}") };
        let ExprKind::Call(made) = &value.kind else { panic!("{call}") };
        let (_, Arg::Code(parts)) = &made.args[0] else { panic!("{call}") };
        let places: Vec<How> = parts
            .iter()
            .filter_map(|p| match p {
                CodePart::Value { how, .. } => Some(*how),
                CodePart::Text { .. } => None,
            })
            .collect();
        assert_eq!(places, wanted, "{call}");
    }
}

/// Guards that follow each other are one statement; positions stay those of the text; the undo is taken out.
#[test]
fn a_step_is_lowered() {
    let program = program(
        "param a: int\nstep \"s\" {\n  let before = $ ./current.sh\n  guard \"one\": a == 1\n  guard \"two\": a == 1\n  $ ./switch.sh\n  rollback timeout 5s { $ ./switch.sh #{before} }\n  guard \"three\": a == 1\n}\n",
    );
    let stmt = &block(&program).stmts[0];
    assert_eq!(stmt.pos, 3, "the header's words and the parameter keep their positions");
    let StmtKind::Step(step) = &stmt.kind else { panic!() };
    let positions: Vec<u32> = step.body.block.stmts.iter().map(|s| s.pos).collect();
    assert_eq!(positions, [0, 1, 3, 5]);
    let StmtKind::Guards(guards) = &step.body.block.stmts[1].kind else { panic!() };
    assert_eq!(guards.len(), 2);
    assert!(matches!(&step.body.undo, Undo::Rollback { timeout: Some(_), .. }));
    let effects: Vec<Effect> = step
        .body
        .block
        .stmts
        .iter()
        .filter_map(|s| match &s.kind {
            StmtKind::Let { value, .. } | StmtKind::Eval(value) => match &value.kind {
                ExprKind::Command(command) => Some(command.effect),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(effects, [Effect::Read, Effect::Write], "a capture reads, what follows writes (G2)");
}

/// D2: a whole call is judged by its type, a command by its exit code, each operand alone.
#[test]
fn conditions_are_judged() {
    let program = program(
        "connect db = postgres(\"postgres://x\")\nguard \"x\": db.ping() and http.get(\"http://x/\") and not $(test -f x) and $(echo a) == \"a\"\n",
    );
    let StmtKind::Guards(guards) = &block(&program).stmts[0].kind else { panic!() };
    let mut operands = Vec::new();
    let mut rest = &guards[0].cond;
    while let ExprKind::And(left, right) = &rest.kind {
        operands.push(&**right);
        rest = left;
    }
    operands.push(rest);
    operands.reverse();
    let ExprKind::Call(ping) = &operands[0].kind else { panic!("{:?}", operands[0]) };
    assert_eq!((&*ping.action, ping.want), ("postgres.ping", Want::Value));
    let ExprKind::Judge(get) = &operands[1].kind else { panic!("{:?}", operands[1]) };
    let ExprKind::Call(get) = &get.kind else { panic!("{get:?}") };
    assert_eq!((&*get.action, get.want), ("http.get", Want::Condition));
    let ExprKind::Not(test, _) = &operands[2].kind else { panic!("{:?}", operands[2]) };
    let ExprKind::Command(test) = &test.kind else { panic!("{test:?}") };
    assert_eq!(test.want, Want::Condition);
    let ExprKind::Binary(_, echo, _) = &operands[3].kind else { panic!("{:?}", operands[3]) };
    let ExprKind::Command(echo) = &echo.kind else { panic!("{echo:?}") };
    assert_eq!(echo.want, Want::Value);
}

/// Words of real scripts dropped, doubled and exchanged: whatever the text, `check` ends and points into it.
#[test]
fn damaged_scripts_never_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["tests/samples", "tests/suites/check", "stdlib"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                texts.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    // Of a page, its scripts.
    let scripts: Vec<String> = texts
        .iter()
        .flat_map(|text| match text.split_once("```rbk") {
            None => vec![text.clone()],
            Some(_) => text.split("```").filter_map(|f| f.strip_prefix("rbk\n").map(str::to_owned)).collect(),
        })
        .collect();
    let mut random = fastrand::Rng::with_seed(7);
    for script in scripts.iter().filter(|s| s.len() < 6_000) {
        for _ in 0..4 {
            let mut words: Vec<&str> = script.split_inclusive([' ', '\n', '(', '{', '"', '.']).collect();
            for _ in 0..random.usize(1..4) {
                let (at, other) = (random.usize(0..words.len()), random.usize(0..words.len()));
                match random.u8(0..3) {
                    0 => drop(words.remove(at)),
                    1 => words.insert(at, words[other]),
                    _ => words.swap(at, other),
                }
                if words.is_empty() {
                    words.push("x");
                }
            }
            let text = words.concat();
            let opened = session::open_text("damaged.rbk", &text, &Beside::default());
            for found in &opened.diagnostics {
                let file =
                    opened.sources.get(found.span().file).unwrap_or_else(|| panic!("no file: {found:?}\n{text}"));
                let end = found.span().end as usize;
                assert!(end <= file.text.len(), "{found:?}\n{text}");
                assert!(file.text.is_char_boundary(found.span().start as usize), "{found:?}\n{text}");
                assert!(!found.message.ends_with('.'), "{}", found.message);
                assert!(!found.labels[0].text.is_empty(), "{found:?}");
            }
        }
    }
}
