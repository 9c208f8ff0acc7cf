//! `tests/suites/engine/*.md`: a program, a world, and what then happens. `RBK_BLESS=1` rewrites the traces.
use std::path::Path;
use std::sync::Arc;

use rbk::check::console::{Checked, Typed};
use rbk::check::program::{ExprKind, Program};
use rbk::diag::Diagnostic;
use rbk::effects::fake::{Script, play};
use rbk::engine::{Engine, Event, Inputs};
use rbk::session::{Disk, open_text};
use rbk::source::Sources;

/// The text of a fence and where it stands in the page.
struct Fence<'p> {
    kind: &'p str,
    text: &'p str,
    range: std::ops::Range<usize>,
}

fn fences(page: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = page[at..].find("```").map(|i| at + i) {
        let line = open + page[open..].find('\n').unwrap();
        let close = line + page[line..].find("\n```").unwrap();
        let range = line + 1..close.max(line + 1);
        found.push(Fence { kind: page[open + 3..line].trim(), text: &page[range.clone()], range });
        at = close + 4;
    }
    found
}

/// What stands around the statements of a page.
fn whole(text: &str) -> String {
    if text.contains("runbook \"") {
        return text.to_owned();
    }
    let (above, body) = text.split_once("---\n").unwrap_or(("", text));
    let header = "owner \"me\"\nreviewed 2026-11-01 every 90d\ndeadline 1h\nrollback within 10m\n";
    format!("{above}\nrunbook \"t\" {{\n{header}{body}\n}}\n")
}

/// Inputs of a console, `---` between them; `--- gone 1`: the next does not see the names of entry 1.
fn typed(text: &str) -> Vec<Typed> {
    let mut typed = vec![Typed::default()];
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("---") else {
            typed.last_mut().unwrap().text += &format!("{line}\n");
            continue;
        };
        let gone = rest.split_whitespace().skip(1).map(|number| number.parse::<u32>().unwrap() - 1).collect();
        typed.push(Typed { gone, ..Typed::default() });
    }
    typed
}

fn told(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let said = |d: &Diagnostic| format!("{}: {} at `{}`\n", d.code.name(), d.message, sources.text(d.span()));
    diagnostics.iter().map(said).collect()
}

fn entered(text: &str, world: &str) -> String {
    let typed = typed(text);
    let mut checked = Checked::new(&Disk);
    for typed in &typed {
        let entered = checked.enter(typed, &Disk);
        let Some(good) = entered.checked else { return told(&entered.diagnostics, &entered.sources) };
        checked = good;
    }
    let mut script = match Script::read(world) {
        Ok(script) => script,
        Err(why) => return format!("{why}\n"),
    };
    if script.turns.is_empty() {
        script.turns = (0..u32::try_from(typed.len()).unwrap()).map(Event::Enter).collect();
    }
    traced_in(checked.program(), &super::inputs(), &script)
}

fn traced_in(program: &Arc<Program>, inputs: &Inputs, script: &Script) -> String {
    let played = play(Engine::new(program.clone(), inputs.clone()), script);
    super::check_replay(program, inputs, &played);
    super::crash::everywhere(program, inputs, script, &played);
    super::trace::trace(&played)
}

fn traced(program: &str, world: &str) -> String {
    let opened = open_text("page.rbk", &whole(program), &Disk);
    let Some(program) = opened.program else {
        return told(&opened.diagnostics, &opened.sources);
    };
    let mut inputs = super::inputs();
    for param in program.book.iter().flat_map(|book| &book.params) {
        if let Some(ExprKind::Value(value)) = param.default.as_ref().map(|default| &default.kind) {
            inputs.params.push((param.name, value.clone()));
        }
    }
    let script = match Script::read(world) {
        Ok(script) => script,
        Err(why) => return format!("{why}\n"),
    };
    traced_in(&program, &inputs, &script)
}

#[test]
fn pages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites/engine");
    let bless = std::env::var_os("RBK_BLESS").is_some();
    let mut wrong = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20);
    for file in files {
        let page = std::fs::read_to_string(&file).unwrap();
        let (mut written, mut copied) = (String::new(), 0);
        let (mut program, mut world): (&str, &str) = ("", "");
        let mut run: fn(&str, &str) -> String = traced;
        for fence in fences(&page) {
            match fence.kind {
                "rbk" => (program, world, run) = (fence.text, "", traced),
                "typed" => (program, world, run) = (fence.text, "", entered),
                "world" => world = fence.text,
                "trace" => {
                    let is = run(program, world);
                    if is.trim_end() != fence.text.trim_end() {
                        wrong.push(format!("{}:\n{program}\nis\n{is}\nshould be\n{}", file.display(), fence.text));
                    }
                    written.push_str(&page[copied..fence.range.start]);
                    written.push_str(is.trim_end());
                    written.push_str(if fence.text.is_empty() && page[fence.range.start..].starts_with("```") {
                        "\n"
                    } else {
                        ""
                    });
                    copied = fence.range.end;
                }
                other => panic!("{}: a fence of `{other}`", file.display()),
            }
        }
        written.push_str(&page[copied..]);
        if bless {
            std::fs::write(&file, written).unwrap();
        }
    }
    assert!(bless || wrong.is_empty(), "{}\nRBK_BLESS=1 rewrites the traces", wrong.join("\n\n"));
}

/// Each case of the rules of a run that is the engine's stands in a page.
#[test]
fn every_case_has_a_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites/engine");
    let pages: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let cases = "B3 B4 B5 B7 B9 B10 B11 B12 B13 B14 C1 C2 C3 C4 C5 D1 D3 D4 D5 D6 D7 E4 E6 E11 E12 E13 E15 E17 F2 F5 F7 I1 I3 J2";
    for case in cases.split(' ') {
        assert!(
            pages.iter().any(|page| page.contains(&format!("## {case}: ")) || page.contains(&format!("; {case}: "))),
            "{case}"
        );
    }
}
