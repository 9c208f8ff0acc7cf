//! `check`, `explain`, `docs`: what runs nothing.
use std::process::Stdio;

use super::{Desk, book, drained};

const WRONG: &str = "runbook \"Test\" {\n  owner \"test\"; deadline 30s\n  step \"Clean\" { $ rm -rf build }\n}\n";

#[test]
fn a_clean_file_exits_0() {
    let said = Desk::with(&book("  step \"Look\" readonly { guard \"there\": $ test -e . }")).rbk(&["check", "a.rbk"]);
    said.exits(0);
    assert_eq!(said.out, "✓ 1 file checked, nothing found\n");
    assert_eq!(said.err, "");
}

#[test]
fn a_finding_is_shown_with_its_place_and_a_way_out() {
    let said = Desk::with(WRONG).rbk(&["check", "a.rbk"]);
    said.exits(1).says(&["missing-rollback", "a.rbk:3:", "rm -rf build", "help: ", "1 error in 1 file"]);
}

#[test]
fn short_findings_are_one_line_each() {
    let said = Desk::with(WRONG).rbk(&["check", "--format", "short", "a.rbk"]);
    said.exits(1).says(&["a.rbk:3:", "missing-rollback: "]);
    assert_eq!(said.out.lines().count(), 1);
}

#[test]
fn json_findings_have_their_documented_shape() {
    let said = Desk::with(WRONG).rbk(&["check", "--format", "json", "a.rbk"]);
    said.exits(1);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["v"], 1);
    let found = &json["diagnostics"][0];
    assert_eq!(found["code"], "missing-rollback");
    assert_eq!(found["severity"], "error");
    assert_eq!(found["file"], "a.rbk");
    assert_eq!(found["labels"][0]["line"], 3);
    for field in ["message", "help", "fix"] {
        assert!(found.get(field).is_some(), "no {field} in {found}");
    }
    for field in ["start", "end", "line", "column", "text"] {
        assert!(found["labels"][0].get(field).is_some(), "no {field} in {found}");
    }
    let clean = Desk::with(&book("")).rbk(&["check", "--format", "json", "a.rbk"]);
    assert_eq!(clean.out, "{\"v\":1,\"diagnostics\":[]}\n");
}

#[test]
fn directories_are_walked_and_sorted() {
    let desk = Desk::new().file("b/2.rbk", WRONG).file("b/1.rbk", WRONG).file(".git/x.rbk", WRONG).file("b/no.txt", "");
    let said = desk.rbk(&["check", "--format", "short", "."]);
    said.exits(1);
    let files: Vec<&str> = said.out.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(files, ["./b/1.rbk", "./b/2.rbk"]);
}

#[test]
fn a_pipe_in_a_directory_is_passed_over() {
    let desk = Desk::new().file("a.rbk", WRONG);
    nix::unistd::mkfifo(&desk.path("pipe.rbk"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let said = desk.rbk(&["check", "--format", "short", "."]);
    said.exits(1);
    assert_eq!(said.err, "");
    assert!(said.out.starts_with("./a.rbk:3:") && said.out.lines().count() == 1, "{}", said.out);
}

#[test]
fn thousands_of_steps_are_checked_in_seconds() {
    let step = |n| {
        format!("  step \"{n}\" timeout 5s {{\n    $ touch x{n}\n    rollback timeout 1s {{ $ rm -f x{n} }}\n  }}\n")
    };
    let steps: String = (0..4000).map(step).collect();
    let text = format!("runbook \"Test\" {{\n  owner \"me\"\n  deadline 10h\n  rollback within 1h\n{steps}}}\n");
    let desk = Desk::with(&text);
    let begun = std::time::Instant::now();
    // 4,000 rollbacks of a second each: the sum is right, and made in one pass.
    desk.rbk(&["check", "a.rbk"]).exits(1).says(&["budget-exceeded", "the way back may take 1h6m40s"]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(28), "{:?}", begun.elapsed());
}

#[test]
fn what_cannot_be_read_exits_2() {
    let desk = Desk::new().file("bytes.rbk", "").file("empty/x.txt", "");
    std::fs::write(desk.path("bytes.rbk"), b"# ok\nrunbook \"\xff\" {}\n").unwrap();
    desk.rbk(&["check", "none.rbk"]).exits(2).complains(&["cannot read `none.rbk`: there is no such file"]);
    desk.rbk(&["check", "bytes.rbk"]).exits(2).complains(&["it is not UTF-8 text, at line 2, column"]);
    desk.rbk(&["check", "empty"]).exits(2).complains(&["no `*.rbk` file in `empty`"]);
    desk.rbk(&["check"]).exits(2).complains(&["PATH"]);
}

#[test]
fn standard_input_is_a_file_too() {
    let said = Desk::new().input(WRONG).rbk(&["check", "-", "--format", "short"]);
    said.exits(1).says(&["<stdin>:3:", "missing-rollback"]);
}

#[test]
fn a_review_that_is_overdue_is_a_warning() {
    let text = book("").replace("owner", "reviewed 2026-01-01 every 90d\n  owner");
    let desk = Desk::with(&text);
    desk.rbk(&["check", "a.rbk", "--today", "2026-03-31"]).exits(0).says(&["nothing found"]);
    desk.rbk(&["check", "a.rbk", "--today", "2026-05-01"]).exits(0).says(&[
        "review-overdue",
        "for 30 days",
        "1 warning",
    ]);
    desk.rbk(&["check", "a.rbk", "--today", "2026-05-01", "--deny-warnings"]).exits(1);
    desk.rbk(&["check", "a.rbk", "--today", "May"]).exits(2).complains(&["is not a time"]);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let desk = Desk::with(&WRONG.replace("step", "#\n  step"));
    for i in 0..200 {
        std::fs::write(desk.path(&format!("{i}.rbk")), WRONG).unwrap();
    }
    let mut child = desk.command(&["check", "."]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let err = drained(child.stderr.take().unwrap());
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(1), ""));
}

#[test]
fn control_characters_in_a_script_are_shown() {
    let said = Desk::with("runbook \"a\x1b[2Jb\" {\n  deadlin\u{202e} 1s\n}\n").rbk(&["check", "a.rbk"]);
    assert!(!said.out.contains('\x1b') && !said.out.contains('\u{202e}'), "{}", said.out);
}

#[test]
fn explain_tells_what_a_code_means() {
    let desk = Desk::new();
    desk.rbk(&["explain", "missing-rollback"]).exits(0).says(&["missing-rollback"]);
    desk.rbk(&["explain", "mising-rollback"]).exits(2).complains(&["did you mean `missing-rollback`?"]);
    desk.rbk(&["explain"]).exits(0).says(&["missing-rollback", "a step writes"]);
}

#[test]
fn docs_show_signatures() {
    let desk = Desk::new();
    desk.rbk(&["docs"]).exits(0).says(&["postgres", "http"]);
    desk.rbk(&["docs", "http"]).exits(0).says(&["extern action get(\n", "  url: url,\n", ") -> response effect read"]);
    desk.rbk(&["docs", "redis.set"]).exits(0).says(&["extern action set(key: string", "Set a key."]);
    desk.rbk(&["docs", "redis.sett"]).exits(2).complains(&["did you mean `redis.set`?"]);
    desk.rbk(&["docs", "postgres.end_idle"]).exits(0).says(&["action end_idle(db: postgres"]);
    desk.rbk(&["docs", "postgres"]).exits(0).says(&["`rbk docs std/postgres`", "extern action value("]);
    let both = ["It is in redis and in std/redis.", "extern action config_set(", "action config_set(server: redis"];
    desk.rbk(&["docs", "redis.config_set"]).exits(0).says(&both);
    desk.rbk(&["docs", "wait"])
        .exits(0)
        .says(&["\nwait D\n  a pause\n", "wait up to D [every D] until c [unless c]\n  poll"]);
    assert!(!desk.rbk(&["docs", "wait"]).out.contains("retry"));
    desk.rbk(&["docs", "lines"]).exits(0).says(&["\nstrings\n", ".lines()"]);
    desk.rbk(&["docs", "now"]).exits(0).says(&["now()\n"]);
    desk.rbk(&["docs", "lock"]).exits(0).says(&["Header words: `owner \"…\"`"]);
    desk.rbk(&["docs", "language"]).exits(0).says(&["# The language", "## What a run tells"]);
    desk.rbk(&["docs", "gaurd"]).exits(2).complains(&["did you mean `guard`?"]);
    desk.rbk(&["docs", "nothing-like-it"]).exits(2).complains(&["`rbk docs` lists every module"]);
}

#[test]
fn only_what_exists_is_offered() {
    let desk = Desk::new();
    for missing in ["test", "rehearse"] {
        desk.rbk(&[missing, "a.rbk"]).exits(2).complains(&["unrecognized subcommand"]);
    }
    desk.rbk(&["--version"]).exits(0).says(&["rbk ", env!("CARGO_PKG_VERSION")]);
}

/// `run` and `check` are of one mind.
#[test]
fn an_empty_file_is_a_finding() {
    for text in ["", "\n\n", "# nothing but a comment\n", "#!/usr/bin/env -S rbk run\n"] {
        let desk = Desk::with(text);
        desk.rbk(&["check", "a.rbk"]).exits(1).says(&[
            "there is nothing in this file",
            "a runbook looks like this",
            "1 error",
        ]);
        desk.rbk(&["check", "--format", "short", "a.rbk"])
            .exits(1)
            .says(&["a.rbk:1:1: syntax: there is nothing in this file"]);
        desk.rbk(&["run", "a.rbk"]).exits(2).complains(&["there is nothing in this file", "nothing was run"]);
        desk.rbk(&["plan", "a.rbk"]).exits(2).complains(&["there is nothing in this file"]);
    }
    let desk = Desk::with("reads \"patronictl list\"\n");
    desk.rbk(&["check", "a.rbk"]).exits(0);
    desk.rbk(&["run", "a.rbk"]).exits(2).complains(&["there is no runbook in `a.rbk`: it is a library"]);
}

#[test]
fn shells_and_man_read_the_command_line() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        desk.rbk(&["completions", shell]).exits(0).says(&["deny-warnings"]);
    }
    desk.rbk(&["completions", "bsh"]).exits(2).complains(&["invalid value 'bsh'"]);
    let page = desk.rbk(&["man"]).exits(0).out.clone();
    assert!(page.contains(".TH rbk 1") && page.contains("rbk\\-rollback(1)"), "{page}");
    let page = desk.rbk(&["man", "run"]).exits(0).out.clone();
    assert!(page.contains(".TH rbk-run 1") && page.contains("\\-\\-on\\-failure"), "{page}");
    for part in ["EXIT STATUS", "\\fB4\\fR\n\\&stopped", "ENVIRONMENT", "RBK_JOURNAL_KEY", "FILES", "journal.db"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = desk.rbk(&["man", "check"]).exits(0).out.clone();
    assert!(page.contains("warnings alone") && !page.contains("\\&stopped"), "{page}");
    desk.rbk(&["man", "rol"]).exits(2).complains(&["there is no command `rol`"]);
    desk.rbk(&["man", "rolback"]).exits(2).complains(&["did you mean `rollback`?"]);
}

/// What bash offers behind `rbk r`, with the script sourced as a person would.
#[test]
fn bash_completes_a_command() {
    let desk = Desk::new();
    let script = desk.rbk(&["completions", "bash"]).exits(0).out.clone();
    for (typed, offered) in [("rol", "rollback"), ("explain curl", "curl-no-fail")] {
        let (before, last) = typed.rsplit_once(' ').unwrap_or(("", typed));
        let previous = if before.is_empty() { "rbk" } else { before };
        let asks = format!(
            "COMP_WORDS=(rbk {typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9; _rbk rbk {last} {previous}; echo \"${{COMPREPLY[@]}}\""
        );
        let out = std::process::Command::new("bash").args(["-c", &format!("{script}\n{asks}")]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), offered, "{}", String::from_utf8_lossy(&out.stderr));
    }
}
