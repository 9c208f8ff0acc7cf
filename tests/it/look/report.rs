//! `rbk report`: for a ticket, a page, a collector of test results.
use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

fn reported(desk: &Desk, format: &str) -> String {
    let (run, _) = desk.last();
    let said = desk.say(&["report", &run, "--format", format]).ended(0);
    assert!(!said.out.contains(SECRET) && !said.out.contains("lost:"), "{}", said.out);
    let obeyed = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{fffe}' | '\u{ffff}');
    assert!(!said.out.chars().any(obeyed), "{}", said.out);
    said.out
}

/// What a program in Python says of a text; it ends well.
#[track_caller]
fn python(program: &str, text: &str) -> String {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{}\n{text}", crate::stage::text(&out.stderr));
    crate::stage::text(&out.stdout)
}

#[test]
fn an_incident_report_has_a_timeline_and_leaves_to_a_person_what_only_a_person_knows() {
    let code = regex::Regex::new("`[^`\n]*`").unwrap();
    for (name, desk) in each() {
        let (run, _) = desk.last();
        let text = desk.say(&["report", &run]).ended(0).out;
        assert_eq!(text, reported(&desk, "markdown"), "{name}");
        for heading in
            ["# Incident report: ", "## Summary", "## Timeline", "## Root cause", "## Resolution", "## Action items"]
        {
            assert!(text.lines().any(|line| line.starts_with(heading)), "{name}: no {heading}\n{text}");
        }
        for gap in ["- Severity: **\\[to be", "- Impact: **\\[to be", "- [ ] **\\[to be"] {
            assert!(text.contains(gap), "{name}: no {gap}\n{text}");
        }
        let bare = code.replace_all(&text, "");
        assert!(!bare.contains('<') && !bare.contains("]("), "{bare}");
        insta::assert_snapshot!(format!("{name}_markdown"), steady(&text, &desk));
    }
}

/// Well-formed, and what stands in it: tags, attributes, text.
const PAGE: &str = r#"
import sys, xml.etree.ElementTree as tree
text = sys.stdin.read()
root = tree.fromstring(text)
tag = lambda e: e.tag.split("}")[1]
found = [tag(e) for e in root.iter()]
allowed = "html head meta title style body main h1 h2 dl dt dd figure figcaption svg desc g rect line text span p ol ul li time code mark em table thead tbody tr th td".split()
assert set(found) <= set(allowed), set(found) - set(allowed)
for e in root.iter():
    for name, value in e.attrib.items():
        assert not name.startswith("on") and name not in ("src", "href", "style"), (tag(e), name)
        assert "//" not in value or name == "xmlns", (tag(e), name, value)
picture = [e for e in root.iter() if tag(e) == "svg"]
assert len(picture) == 1 and [tag(e) for e in picture[0]][:2] == ["title", "desc"]
assert picture[0].get("role") == "img" and picture[0].get("aria-labelledby") == "picture-title picture-text"
bars = [e for e in picture[0] if tag(e) == "g"]
for bar in bars:
    assert [tag(e) for e in bar] == ["title", "text", "rect"], bar
    rect = bar[2]
    assert 330 <= float(rect.get("x")) <= 980 and float(rect.get("width")) >= 3, rect.attrib
rows = [e for e in root.iter() if tag(e) == "tbody"][0]
assert len(bars) == len(list(rows)), (len(bars), len(list(rows)))
for e in root.iter():
    if tag(e) == "style":
        assert "url(" not in e.text and "@import" not in e.text and "prefers-color-scheme: dark" in e.text
print("".join(t for e in root.iter() if tag(e) != "style" for t in [e.text or "", e.tail or ""]))
"#;

#[test]
fn a_page_is_whole_by_itself_and_nothing_in_it_is_obeyed() {
    for (name, desk) in each() {
        let page = reported(&desk, "html");
        assert!(page.starts_with("<!DOCTYPE html>\n") && page.contains("default-src 'none'"), "{page}");
        let text = python(PAGE, &page);
        for word in ["Incident report", "Timeline", "to be filled in by a person: severity", "Steps"] {
            assert!(text.contains(word), "{name}: no {word}\n{text}");
        }
        if name == "succeeded" {
            assert!(text.contains("</title><script>alert(1)</script> ]]> & \"x\" \\e[2J"), "{text}");
            assert!(text.contains("Outer <b>&"), "{text}");
            assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        }
        if name == "incomplete" {
            assert!(text.contains("Left in place") && text.contains("by hand: tell the network team"), "{text}");
            assert!(page.contains("<g class=\"undo failed\">") && page.contains("<g class=\"step failed\">"), "{page}");
        }
        if name == "undone" {
            assert!(page.contains("<g class=\"step undone\">") && page.contains("<g class=\"action done\">"), "{page}");
        }
        if name == "doubted" {
            assert!(
                page.contains("<g class=\"action in_doubt\">") && page.contains("<g class=\"away waited\">"),
                "{page}"
            );
        }
        if name == "asking" {
            assert!(page.contains("<g class=\"question failed\">"), "{page}");
        }
    }
}

/// The rules of the schemas that collectors use: the stricter of two where they differ.
const SUITE: &str = r#"
import re, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.read())
assert root.tag == "testsuites" and [e.tag for e in root] == ["testsuite"]
suite = root[0]
for name in "id name package tests failures errors skipped time timestamp hostname".split():
    assert name in suite.attrib, name
assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")), suite.get("timestamp")
tags = [e.tag for e in suite]
cases = [e for e in suite if e.tag == "testcase"]
assert tags == ["properties"] + ["testcase"] * len(cases) + ["system-out", "system-err"], tags
assert all(p.tag == "property" and p.get("name") and p.get("value") is not None for p in suite[0])
for case in cases:
    assert set(case.attrib) == {"name", "classname", "time"} and case.get("classname"), case.attrib
    float(case.get("time"))
    assert len(case) <= 1, "one end each"
    for end in case:
        assert end.tag in ("failure", "error", "skipped"), end.tag
        assert end.get("message") and (end.tag == "skipped" or end.get("type")), end.attrib
count = lambda tag: sum(1 for case in cases if case.find(tag) is not None)
for holder in (root, suite):
    assert [int(holder.get(n)) for n in ("tests", "failures", "errors", "skipped")] == [len(cases), count("failure"), count("error"), count("skipped")]
for case in cases:
    end = case[0] if len(case) else None
    words = "passed" if end is None else end.tag + ": " + end.get("message")
    print(case.get("classname"), "|", case.get("name"), "|", words)
"#;

#[test]
fn a_suite_has_a_case_for_each_step() {
    for (name, desk) in each() {
        let suite = reported(&desk, "junit");
        insta::assert_snapshot!(format!("{name}_junit"), steady(&python(SUITE, &suite), &desk));
    }
}

#[test]
fn json_is_what_show_says() {
    let desk = undone();
    let shown = shown(&desk, &["--format", "json"]).ended(0).out;
    assert_eq!(shown, reported(&desk, "json"));
}

#[test]
fn of_a_very_long_run_the_picture_leaves_out_calls_and_says_so() {
    let desk = Desk::of(
        "  let all = $ seq 1 150\n  for n in all.lines() {\n    step \"number #{n}\" {\n      $ touch #{n}\n      rollback none \"nothing\"\n    }\n  }",
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    let page = reported(&desk, "html");
    assert_eq!(page.matches("<g class=\"step done\">").count(), 150);
    assert!(page.contains("; 151 more bars are left out of the picture"), "{page}");
    assert_eq!(page.matches("<tr><td>action</td>").count(), 151);
    assert_eq!(page.matches("<tr><td>step</td>").count(), 150);
}

#[test]
fn a_report_to_a_closed_output_is_an_error() {
    let desk = undone();
    let (run, _) = desk.last();
    let rbk = env!("CARGO_BIN_EXE_rbk");
    for (to, code) in [(">&-", 2), (">/dev/full", 2), (">/dev/null", 0)] {
        let mut command = desk.command(&[]);
        let shell = Command::new("sh")
            .args(["-c", &format!("exec {rbk} report {run} {to}")])
            .current_dir(desk.path())
            .envs(command.stdin(Stdio::null()).get_envs().filter_map(|(name, value)| Some((name, value?))))
            .output()
            .unwrap();
        let said = crate::stage::text(&shell.stderr);
        assert_eq!(shell.status.code(), Some(code), "{to}: {said}");
        assert_eq!(said.contains("standard output cannot be written: "), code == 2, "{to}: {said}");
    }
}

#[test]
fn a_report_of_no_run_is_refused() {
    undone().say(&["report", "nothing-like-it"]).ended(2).says(&["no run `nothing-like-it`"]);
}

#[test]
fn every_command_of_the_page_works() {
    let desk = undone();
    let (run, _) = desk.last();
    let page = std::fs::read_to_string(crate::stage::repo("docs/reports.md")).unwrap();
    let mut count = 0;
    for line in page.lines().filter_map(|line| line.strip_prefix("$ rbk ")) {
        let command = line.split('#').next().unwrap().split('>').next().unwrap();
        let words: Vec<&str> =
            command.split_whitespace().map(|word| if word == "5y45" { &run[run.len() - 4..] } else { word }).collect();
        desk.say(&words).ended(0).says(&[&run]);
        count += 1;
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn a_run_that_was_closed_keeps_how_it_had_ended_and_its_outcome_says_who_closed_it_and_why() {
    let desk = incomplete();
    let (run, _) = desk.last();
    desk.say(&["close", &run, "--reason", "mended by hand"]).ended(0);
    let text = reported(&desk, "markdown");
    let says = |begin: &str, end: &str| text.lines().any(|line| line.contains(begin) && line.contains(end));
    assert!(says("ended: ", "failed, and not everything is undone"), "{text}");
    assert!(says("Outcome", "closed as it was by") && says("Outcome", ": mended by hand"), "{text}");
}

#[test]
fn of_a_rollback_that_was_killed_only_that_is_left_which_is_still_in_place() {
    let desk = Desk::of(&format!(
        "  step \"a\" {{\n    $ echo a >> log\n    rollback timeout 20s {{ $ touch undoing; {} }}\n  }}\n  step \"b\" {{\n    \
         $ echo b >> log\n    rollback timeout 1s {{ $ test -e mended }}\n  }}\n  fail \"on purpose\"",
        gate("go")
    ));
    desk.say(&["run", "book.rbk"]).ended(3);
    let left = |text: &str| {
        let from = text.split_once("## Left in place").unwrap_or_else(|| panic!("{text}")).1.to_owned();
        from.split_once("\n## ").unwrap().0.to_owned()
    };
    let text = reported(&desk, "markdown");
    assert!(left(&text).contains("`a`: not undone") && left(&text).contains("`b`: its rollback failed"), "{text}");
    desk.write("mended", "");
    let (run, _) = desk.last();
    desk.killed_at(&["rollback", &run], "undoing");
    assert_eq!(desk.last().1, "interrupted");
    let text = reported(&desk, "markdown");
    assert_eq!(left(&text).trim(), "- `a`: not undone", "{text}");
    assert!(text.contains("failed first: ") && text.contains("on purpose"), "{text}");
    assert!(text.contains(&format!("leave it as it is with `rbk close {run}")), "{text}");
    assert!(!reported(&desk, "junit").contains("undo of b"));
    desk.write("go", "");
    desk.rollback(&[]).ended(0);
    let text = reported(&desk, "markdown");
    assert!(!text.contains("## Left in place") && text.contains("failed first: "), "{text}");
    assert!(!reported(&desk, "junit").contains("<error"));
}

fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let from = text.split_once(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no {title}: {text}")).1;
    from.split_once("\n## ").map_or(from, |(section, _)| section)
}

#[test]
fn a_step_that_was_tried_again_is_told_by_what_it_came_to() {
    let desk = Desk::of(
        "  step \"Flaky\" retry 2 {\n    $ echo try >> tries; test -e flag || { touch flag; exit 7; }\n    rollback { $ rm -f tries }\n  }",
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    let text = reported(&desk, "markdown");
    assert!(text.contains("`Flaky` failed, attempt 2 follows: ") && !text.contains("not ended"), "{text}");
    assert!(text.contains("| Flaky | failed |") && text.contains("| Flaky (attempt 2) | done |"), "{text}");
    let resolution = section(&text, "Resolution");
    assert!(resolution.contains("1 step is done and stays, 0 are undone"), "{resolution}");
    assert!(!resolution.contains("undone: "), "{resolution}");
    let junit = reported(&desk, "junit");
    assert!(junit.contains("tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\""), "{junit}");

    // Tried again for nothing: undone, and so counted and listed once.
    let text = reported(&undone(), "markdown");
    let resolution = section(&text, "Resolution");
    assert!(resolution.contains("0 steps are done and stay, 2 are undone"), "{resolution}");
    assert_eq!(resolution.matches("undone: ").count(), 2, "{resolution}");
}

#[test]
fn what_a_try_has_caught_is_no_failure_of_the_run() {
    let desk = Desk::of(
        "  try {\n    step \"Fast\" {\n      $ touch fast; exit 3\n      rollback { $ rm fast }\n    }\n  } else {\n    step \"Slow\" {\n      $ touch slow\n      rollback { $ rm slow }\n    }\n  }",
    );
    desk.say(&["run", "book.rbk"]).ended(0).says(&["its `else` follows"]);
    let junit = reported(&desk, "junit");
    assert!(junit.contains("tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\""), "{junit}");
    assert!(junit.contains("it failed, and the `else` of its `try` followed"), "{junit}");
    assert!(reported(&desk, "markdown").contains("the `else` of its `try` follows"));
}

#[test]
fn of_a_run_that_was_killed_its_end_is_not_known_and_of_a_wait_it_is_said_what_for() {
    let desk = Desk::of(
        "  step \"mark\" {\n    $ touch marked\n    rollback none \"nothing\"\n  }\n  wait up to 1m every 20ms until $ ./look",
    );
    desk.killed_at(&["run", "book.rbk"], "ready");
    let text = reported(&desk, "markdown");
    assert!(section(&text, "Summary").contains(" UTC - unknown: last heard of at "), "{text}");
    assert!(text.contains("waits `until $ ./look`, 1m at most"), "{text}");
    assert!(reported(&desk, "html").contains("<td>wait</td><td>until $ ./look</td>"));
    shown(&desk, &[]).ended(0).says(&["until then, and no word of it after that"]);
    desk.write("go", "");
    desk.resume(&[]).ended(0);
    assert!(!reported(&desk, "markdown").contains("unknown: last heard of"));
}
