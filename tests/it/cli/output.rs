//! Where what is said goes: a standard output that cannot be written, findings without end, refusals for programs.
use std::process::Stdio;

use super::{Desk, Said, book};

/// With a standard output on which no byte finds room.
fn full(desk: &Desk, arguments: &[&str]) -> Said {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = desk.command(arguments).stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).output().unwrap();
    Said::of(output, &desk.path(""))
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let desk = Desk::with(&book("  log \"hello\"")).file("wrong.rbk", "runbook \"x\" {\n");
    for arguments in [
        &["plan", "a.rbk"][..],
        &["plan", "a.rbk", "--format", "json"],
        &["check", "a.rbk"],
        &["check", "wrong.rbk"],
        &["check", "a.rbk", "--format", "json"],
        &["explain"],
        &["explain", "missing-rollback"],
        &["docs"],
        &["docs", "http"],
    ] {
        let said = full(&desk, arguments);
        said.exits(2).complains(&["error: standard output cannot be written: no space left on device"]);
    }
}

#[test]
fn help_that_cannot_be_written_is_an_error() {
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"], &["help", "check"]] {
        full(&Desk::new(), arguments).exits(2).complains(&["standard output cannot be written: no space left"]);
        let said = Desk::new().rbk(arguments);
        assert!(!said.exits(0).out.is_empty() && said.err.is_empty(), "{}", said.err);
    }
}

#[test]
fn an_argument_that_is_no_text_is_named() {
    let desk = Desk::with(&book("  param s: string\n  log s"));
    let bytes = |text: &'static [u8]| std::os::unix::ffi::OsStrExt::from_bytes(text);
    let cases: [(&[&[u8]], &str, &str); 7] = [
        (&[b"run", b"a.rbk", b"--set", b"s=\xff"], "`--set s=\\xff` is not", "give it in UTF-8"),
        (&[b"run", b"a.rbk", b"--set=s=\xff"], "`--set=s=\\xff` is not", "give it in UTF-8"),
        (&[b"run", b"a.rbk", b"--answer", b"Go?=\xe9"], "`--answer Go?=\\xe9` is not", "give it in UTF-8"),
        (&[b"plan", b"a.rbk", b"--params", b"\xff.json"], "`--params \\xff.json` is not", "rename it"),
        (&[b"run", b"caf\xe9.rbk"], "`caf\\xe9.rbk` is not UTF-8 text", "rename it"),
        (&[b"run", b"--quiet", b"caf\xe9.rbk"], "`caf\\xe9.rbk` is not UTF-8 text", "rename it"),
        (&[b"check", b"a.rbk", b"\xffb.rbk"], "`\\xffb.rbk` is not UTF-8 text", "rename it"),
    ];
    for (arguments, what, help) in cases {
        let arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(|text| bytes(text)).collect();
        let output = desk.command(&[]).args(arguments).stdin(Stdio::null()).output().unwrap();
        Said::of(output, &desk.path("")).exits(2).complains(&[what, help]);
    }
}

#[test]
fn a_run_whose_output_is_lost_goes_on_and_says_so() {
    let undone = "  step \"One\" {\n    $ touch one\n    rollback { $ rm one; touch undone }\n  }\n  fail \"broken\"";
    for format in ["human", "json"] {
        let desk = Desk::with(&book(undone));
        let said = full(&desk, &["run", "a.rbk", "--format", format]);
        said.exits(1).complains(&[
            "standard output cannot be written: no space left on device",
            "✗ Failed after",
            "\n  failed: broken\n        at a.rbk:8: fail \"broken\"\n  undone: One\n",
        ]);
        assert!(desk.has("undone") && !desk.has("one"));
        let desk = Desk::with(&book("  step \"One\" {\n    $ touch one\n    rollback { $ rm one }\n  }"));
        let said = full(&desk, &["run", "a.rbk", "--format", format]);
        said.exits(3).complains(&[
            "standard output cannot be written: no space left on device",
            "went on to its end; it exits with 3",
        ]);
        assert!(desk.has("one"));
    }
}

fn the_event(said: &Said) -> serde_json::Value {
    said.exits(2);
    assert_eq!(said.out.lines().count(), 1, "{}", said.out);
    let event: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    for field in ["v", "event", "run", "path", "at"] {
        assert!(event.get(field).is_some(), "no {field} in {event}");
    }
    assert_eq!((event["event"].as_str(), event["run"].as_str()), (Some("run.refused"), Some("")));
    assert_eq!((event["outcome"].as_str(), event["exit"].as_u64()), (Some("refused"), Some(2)));
    event
}

#[test]
fn a_refused_run_is_one_event() {
    let run = |desk: &Desk, more: &[&str]| {
        let said = desk.rbk(&[&["run", "a.rbk", "--format", "json"], more].concat());
        assert!(!said.err.is_empty(), "a person is told too");
        the_event(&said)
    };
    let desk = Desk::with(&book("  param count: int where count > 0\n  confirm \"Go on?\"\n  log \"#{count}\""));
    let missing = run(&desk, &[]);
    assert_eq!(missing["diagnostics"][0]["code"], "missing-input");
    assert_eq!(missing["diagnostics"][0]["labels"][0]["line"], 4);
    assert_eq!(run(&desk, &["--set", "count=-1"])["diagnostics"][0]["code"], "bad-input");
    let question = run(&desk, &["--set", "count=1"]);
    assert_eq!(question["diagnostics"], serde_json::json!([]));
    assert!(question["reasons"][0]["message"].as_str().unwrap().contains("nobody is at a terminal"), "{question}");
    assert!(question["reasons"][0]["help"].as_str().unwrap().contains("--answer 'Go on?=yes'"), "{question}");
    let other = run(&desk, &["--set", "count=1", "--answer", "Go?=yes"]);
    assert!(other["reasons"][0]["message"].as_str().unwrap().contains("no question `Go?`"), "{other}");
    let wrong = Desk::with(&book("  $ touch one"));
    assert_eq!(run(&wrong, &[])["diagnostics"][0]["code"], "write-outside-step");
    let none = the_event(&Desk::new().rbk(&["run", "none.rbk", "--format", "json"]));
    assert!(none["reasons"][0]["message"].as_str().unwrap().contains("there is no such file"), "{none}");
}

#[test]
fn a_file_without_a_runbook_is_told_what_one_looks_like() {
    for empty in ["", "# only a comment\n"] {
        let said = Desk::with(empty).rbk(&["run", "a.rbk"]);
        said.exits(2).complains(&["there is nothing in this file", "runbook \"Deploy\" {", "deadline 30m"]);
        assert!(!said.err.contains("library"));
    }
    let said = Desk::with("action a() {\n  log \"x\"\n}\n").rbk(&["run", "a.rbk"]);
    said.exits(2).complains(&["there is no runbook in `a.rbk`: it is a library", "use \"./a.rbk\""]);
    // What it shows can be checked.
    let shown = Desk::with("").rbk(&["run", "a.rbk"]).err;
    let sketch: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("          ")).collect();
    let desk = Desk::with(&sketch.join("\n"));
    desk.rbk(&["check", "a.rbk"]).exits(0);
}

/// So many steps without an undo, and one unused warning-free rest.
fn wrong(count: usize) -> String {
    let steps: String = (0..count).map(|n| format!("  step \"{n}\" {{ $ touch {n} }}\n")).collect();
    book(&steps)
}

#[test]
fn findings_beyond_what_a_person_reads_are_counted() {
    let desk = Desk::with(&wrong(300)).file("b.rbk", &wrong(51)).file("c.rbk", &wrong(50));
    let said = desk.rbk(&["check", "a.rbk", "b.rbk", "c.rbk"]);
    said.exits(1).says(&["… and 250 more here, not shown", "… and 1 more here, not shown", "401 errors in 3 files"]);
    assert_eq!(said.out.matches("missing-rollback\n").count(), 150);
    assert_eq!(desk.rbk(&["check", "a.rbk", "--format", "short"]).out.lines().count(), 300);
    let json: serde_json::Value = serde_json::from_str(&desk.rbk(&["check", "a.rbk", "--format", "json"]).out).unwrap();
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), 300);
    desk.rbk(&["run", "a.rbk"]).exits(2).complains(&["… and 250 more here", "300 errors in `a.rbk`: nothing was run"]);
}
