//! `run`: its lines, its exit codes, its events, what it refuses, what it shows and hides.
use std::process::Stdio;

use super::{Desk, book, drained};

const UNDONE: &str = r#"
  step "One" timeout 5s {
    $ echo first; touch one
    rollback { $ rm one; echo gone }
  }
  step "Two" {
    $ touch two
    rollback { $ rm two }
  }
  step "Check" readonly {
    let n = $ echo 83
    guard "room": n.int() < 80
    guard "there": $ test -e one
  }
"#;

#[test]
fn a_run_that_fails_is_undone_last_first() {
    let desk = Desk::with(&book(UNDONE));
    let said = desk.rbk(&["run", "a.rbk"]);
    said.exits(1);
    insta::assert_snapshot!(said.story(), @r#"
    Test
    run RUN, deadline TIME, rollback within TIME

    ▸ One  up to TIME
      $ echo first; touch one
        first
    ✓ One  TIME
    ▸ Two
      $ touch two
    ✓ Two  TIME
    ▸ Check
      ✗ room: 83 < 80
      ✓ there
    ✗ Check failed after TIME  a.rbk:15

    Going back: what was done is undone within TIME, last first
    ↩ undo: Two
      $ rm two
    ✓ undone: Two  TIME
    ↩ undo: One
      $ rm one; echo gone
        gone
    ✓ undone: One  TIME

    ✗ Failed after TIME; everything done is undone
      failed: Check: guard `room` does not hold: 83 < 80
            at a.rbk:15: guard "room": n.int() < 80
      undone: Two
              One
    "#);
    assert!(!desk.has("one") && !desk.has("two"));
    assert_eq!(said.err, "");
}

#[test]
fn a_run_that_succeeds_exits_0() {
    let desk = Desk::with(&book("  step \"One\" {\n    $ echo first; touch one\n    rollback { $ rm one }\n  }"));
    let said = desk.rbk(&["run", "a.rbk"]);
    said.exits(0).says(&["▸ One", "first", "✓ One", "✓ Done"]);
    assert!(desk.has("one"));
}

#[test]
fn what_cannot_be_undone_exits_3_and_says_what_is_left() {
    let body =
        "  step \"One\" {\n    $ touch one\n    rollback { $ echo no such host >&2; exit 7 }\n  }\n  fail \"broken\"";
    let said = Desk::with(&book(body)).rbk(&["run", "a.rbk"]);
    said.exits(3).says(&["✗ not undone: One", "a person is needed", "left in place:", "One: its rollback failed", "7"]);
    let by_hand = "  step \"One\" {\n    $ touch one\n    rollback manual \"call the bank\"\n  }\n  fail \"broken\"";
    let said = Desk::with(&book(by_hand)).rbk(&["run", "a.rbk"]);
    said.exits(3).says(&["✗ Failed", "failed: broken", "One: by hand: call the bank"]);
}

#[test]
fn findings_refuse_the_run() {
    let said = Desk::with(&book("  $ touch one")).rbk(&["run", "a.rbk"]);
    said.exits(2).complains(&["write-outside-step", "1 error in `a.rbk`: nothing was run"]);
    assert_eq!(said.out, "");
    Desk::new().rbk(&["run", "none.rbk"]).exits(2).complains(&["cannot read `none.rbk`: there is no such file"]);
    Desk::with("let a = 1\n").rbk(&["run", "a.rbk"]).exits(2).complains(&["there is no runbook in `a.rbk`"]);
}

#[test]
fn a_question_of_several_lines_has_a_label_of_one() {
    let desk = Desk::with(&book("  let old = readonly $ printf 'a\\nb'\n  confirm \"Delete these?\\n#{old}\"\n"));
    let label = "Delete these?\\n#{old}=yes";
    desk.rbk(&["run", "a.rbk"])
        .exits(2)
        .complains(&[&format!("  help: --answer '{label}'   it asks: Delete these?\\n#{{old}}\n")]);
    desk.rbk(&["plan", "a.rbk"]).exits(0).says(&["Delete these?\\n#{old} (yes or no)\n"]);
    desk.rbk(&["run", "a.rbk", "--answer", label]).exits(0).says(&["Delete these?", "a\n", "b\n"]);
}

#[test]
fn questions_without_a_terminal_are_refused_before_the_first_action() {
    let body = r#"
  param pool: string = "green"
  step "One" {
    $ touch one
    rollback { $ rm one }
  }
  confirm "Send traffic to #{pool}?" within 5s
"#;
    let desk = Desk::with(&book(body));
    let said = desk.rbk(&["run", "a.rbk"]);
    said.exits(2).complains(&["Send traffic to #{pool}?", "--answer 'Send traffic to #{pool}?=yes'"]);
    assert!(!desk.has("one"));
    desk.rbk(&["run", "a.rbk", "--answer", "Send traffic to #{pool}?=yes"]).exits(0).says(&["Send traffic to green?"]);
    std::fs::remove_file(desk.path("one")).unwrap();
    let no = desk.rbk(&["run", "a.rbk", "--answer", "Send traffic to #{pool}?=no"]);
    no.exits(1);
    assert!(!desk.has("one"));
    let other = desk.rbk(&["run", "a.rbk", "--answer", "Send trafic?=yes"]);
    other.exits(2).complains(&["the runbook has no question `Send trafic?`", "Send traffic to #{pool}?"]);
    let odd = desk.rbk(&["run", "a.rbk", "--answer", "Send traffic to #{pool}?=perhaps"]);
    odd.exits(2).complains(&["the answer `perhaps`", "does not fit"]);
    assert!(!desk.has("one"));
    desk.rbk(&["run", "a.rbk", "--answer", "yes"]).exits(2).complains(&["LABEL=VALUE"]);
}

#[test]
fn an_irreversible_step_can_be_answered_on_the_command_line() {
    let body = "  step \"Drop\" {\n    irreversible \"its rows are gone\"\n    $ touch gone\n  }";
    let desk = Desk::with(&book(body));
    desk.rbk(&["run", "a.rbk"]).exits(2).complains(&["--answer 'Drop=yes'"]);
    assert!(!desk.has("gone"));
    desk.rbk(&["run", "a.rbk", "--answer", "Drop=yes"]).exits(0);
    assert!(desk.has("gone"));
}

#[test]
fn events_are_one_json_object_a_line() {
    let said = Desk::with(&book(UNDONE)).rbk(&["run", "a.rbk", "--format", "json"]);
    said.exits(1);
    let events: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        for field in ["v", "event", "run", "path", "at"] {
            assert!(event.get(field).is_some(), "no {field} in {event}");
        }
    }
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names[0], "run.started");
    for name in [
        "step.started",
        "action.started",
        "output",
        "action.finished",
        "step.finished",
        "condition",
        "rollback.started",
        "rollback.finished",
    ] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    let last = events.last().unwrap();
    assert_eq!((last["event"].as_str(), last["outcome"].as_str()), (Some("run.finished"), Some("rolled_back")));
    assert_eq!(last["undone"][0]["step"], "Two");
    let undone = events.iter().filter(|event| event["event"] == "rollback.finished").count();
    assert_eq!(undone, 2);
}

#[test]
fn a_secret_is_shown_nowhere() {
    let body = r##"
  secret token = env("TOKEN")
  step "One" {
    with env({ T: token }) { $ echo "token $T"; echo "$T" | base64; echo "$T" | tr a-z A-Z >/dev/null; exit 3 }
    rollback none "nothing"
  }
  log "#{token}"
"##;
    for format in ["human", "json"] {
        let desk = Desk::with(&book(body)).variable("TOKEN", "hunter2-hunter2");
        let said = desk.rbk(&["run", "a.rbk", "-v", "--format", format]);
        said.exits(1);
        let all = format!("{}{}", said.out, said.err);
        assert!(!all.contains("hunter2") && !all.contains("aHVudGVyMi1odW50ZXIy"), "{all}");
        assert!(all.contains("token ‹token›"), "{all}");
    }
}

#[test]
fn control_characters_of_commands_are_shown() {
    let body = "  step \"One\" {\n    $ printf '\\033[2J\\033[31mred\\033[0m\\007\\n'\n    rollback none \"\"\n  }";
    let said = Desk::with(&book(body)).rbk(&["run", "a.rbk"]);
    said.exits(0).says(&["\\e[2Jred\\x07"]);
    assert!(!said.out.contains('\x1b'));
}

#[test]
fn an_empty_value_makes_no_path_from_the_root() {
    for command in ["ls #{dir}/etc", "ls \"#{dir}/etc\" | head -n 1", "true; ls #{dir}/*"] {
        let body = format!("  param dir: string\n  step \"One\" readonly {{ let found = readonly $ {command}\n }}");
        let desk = Desk::with(&book(&body));
        let said = desk.rbk(&["run", "--set", "dir=", "a.rbk"]);
        said.exits(1).says(&["a value is empty, and the path behind it would begin at the root: `/"]);
        desk.rbk(&["run", "--set", "dir=/", "a.rbk"]).exits(0);
    }
}

#[test]
fn a_closed_standard_output_never_stops_a_run() {
    let desk = Desk::with(&book(UNDONE));
    let mut child = desk.command(&["run", "a.rbk"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let err = drained(child.stderr.take().unwrap());
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(1), ""));
    assert!(!desk.has("one") && !desk.has("two"));
}

#[test]
fn a_reader_that_never_reads_does_not_hold_the_run_up() {
    let body = "  step \"One\" timeout 10s {\n    $ head -c 20000000 /dev/zero | tr '\\0' x | fold -w 5000; touch one\n    rollback { $ rm one }\n  }";
    for (arguments, left_out, done) in [
        (&["run", "a.rbk"][..], "lines of output are left out here", "✓ Done"),
        (&["run", "--format", "json", "a.rbk"], "\"output.left_out\"", "\"run.finished\""),
    ] {
        let desk = Desk::with(&book(body));
        let mut child = desk.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let since = std::time::Instant::now();
        while !desk.has("one") {
            assert!(since.elapsed().as_secs() < 20, "the run waits for its reader");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let out = drained(child.stdout.take().unwrap());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(out.contains(left_out) && out.contains(done));
        assert!(out.len() < 10_000_000, "{} bytes waited", out.len());
    }
}

#[test]
fn quiet_and_verbose_change_what_is_said() {
    let desk = Desk::with(&book(UNDONE));
    let quiet = desk.rbk(&["run", "-q", "a.rbk"]);
    quiet.exits(1).says(&["✗ room: 83 < 80", "✗ Check failed", "everything done is undone"]);
    assert!(!quiet.out.contains("▸") && !quiet.out.contains("echo"), "{}", quiet.out);
    desk.rbk(&["run", "-v", "a.rbk"]).exits(1).says(&["$ test -e one"]);
}

#[test]
fn a_script_runs_by_its_first_line() {
    let text = format!("#!/usr/bin/env -S rbk run\n{}", book("  log \"hello\""));
    let desk = Desk::with(&text);
    let path = desk.path("a.rbk");
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&path, permissions).unwrap();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_rbk")).parent().unwrap().to_owned();
    let paths = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let output = std::process::Command::new(path).env("PATH", paths).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("hello"));
}

#[test]
fn a_runbook_from_standard_input_runs() {
    let said = Desk::new().input(&book("  log \"hello\"")).rbk(&["run", "-"]);
    said.exits(0).says(&["hello"]);
}

#[test]
fn a_plan_shows_what_would_run_and_runs_nothing() {
    let desk = Desk::with(&book(&format!("  param count: int\n{UNDONE}")));
    desk.rbk(&["plan", "a.rbk"]).exits(0).says(&["One", "rm one", "Two", "Check"]);
    desk.rbk(&["plan", "a.rbk", "--format", "mermaid"]).exits(0).says(&["flowchart"]);
    let json = desk.rbk(&["plan", "a.rbk", "--format", "json", "--set", "count=3"]);
    json.exits(0);
    serde_json::from_str::<serde_json::Value>(&json.out).unwrap();
    desk.rbk(&["plan", "a.rbk", "--set", "count=x"]).exits(2).complains(&["`x` is not an int"]);
    assert!(!desk.has("one"));
}

#[test]
fn a_run_that_did_nothing_does_not_speak_of_going_back() {
    let said =
        Desk::with(&book("  step \"Look\" readonly { guard \"there\": $ test -e nothing }")).rbk(&["run", "a.rbk"]);
    said.exits(1).says(&["✗ there", "✗ Look failed", "nothing was done"]);
    assert!(!said.out.contains("Going back"), "{}", said.out);
}

#[test]
fn a_secret_that_is_not_there_refuses_the_run() {
    let said = Desk::with(&book("  secret token = env(\"NOT_SET\")\n  log \"hello\"")).rbk(&["run", "a.rbk"]);
    said.exits(2).says(&["✗ Refused before the first action; nothing was done", "`NOT_SET` is not set", "help:"]);
    assert!(!said.out.contains("hello"));
}

#[test]
fn an_answer_that_is_not_of_its_type_is_refused_before_the_start() {
    let body = "  step \"One\" {\n    $ touch one\n    rollback { $ rm one }\n  }\n  let a = ask \"How many?\": int\n  log \"#{a}\"";
    let desk = Desk::with(&book(body));
    let odd = desk.rbk(&["run", "a.rbk", "--answer", "How many?=abc"]);
    odd.exits(2).complains(&["the answer `abc` to `How many?` does not fit"]);
    assert!(!desk.has("one"));
    desk.rbk(&["run", "a.rbk", "--answer", "How many?=3"]).exits(0).says(&["3"]);
}

#[test]
fn an_answer_that_turns_out_not_to_fit_says_so() {
    let body = "  let hosts = $(echo a; echo b).lines()\n  let host = choose \"Which?\" from hosts\n  log \"#{host}\"";
    let said = Desk::with(&book(body)).rbk(&["run", "a.rbk", "--answer", "Which?=c"]);
    said.says(&["the answer given for `Which?` does not fit: `c` is none of `a`, `b`"]);
    assert!(said.code != 0 && !said.out.contains("signal"), "{}", said.out);
}

#[test]
fn an_answer_to_no_question_or_given_twice_is_refused() {
    let body = "  param pool: string = \"green\"\n  confirm \"Go on, x=1?\" within 5s\n  log \"gone on\"";
    let desk = Desk::with(&book(body));
    let other = ["run", "a.rbk", "--answer", "Go on, x=1?=yes", "--answer", "Go onn=yes"];
    desk.rbk(&other).exits(2).complains(&["the runbook has no question `Go onn`", "Go on, x=1?"]);
    let twice = ["run", "a.rbk", "--answer", "Go on, x=1?=yes", "--answer", "Go on, x=1?=no"];
    desk.rbk(&twice).exits(2).complains(&["`Go on, x=1?` is answered twice"]);
    let set = ["run", "a.rbk", "--answer", "Go on, x=1?=yes", "--set", "pool=a", "--set", "pool=b"];
    desk.rbk(&set).exits(2).complains(&["`--set pool` is given twice"]);
    desk.rbk(&["run", "a.rbk", "--answer", "Go on, x=1?=yes", "--set", "pool=a"]).exits(0).says(&["gone on"]);
    let near = Desk::with(&book("  confirm \"Send traffic?\" within 5s")).rbk(&[
        "run",
        "a.rbk",
        "--answer",
        "Send trafic?=yes",
    ]);
    near.exits(2).complains(&["did you mean `Send traffic?`?"]);
}

/// A value cannot pass for lines of the report: what follows its first line stands further in.
#[test]
fn a_value_of_several_lines_forges_none() {
    let text = "  param v: string\n  step \"One\" {\n    log \"said #{v}\"\n    note \"kept\": v\n    confirm \"Go #{v}?\"\n    \
                guard \"label #{v}\": true\n    $ touch one\n    rollback manual \"call #{v}\"\n  }\n  fail \"broken\"";
    let forged = "x\n✓ Done in 3s\n▸ Two\n✓ Two  1s\r✗ Failed\u{1b}[2J";
    let desk = Desk::with(&book(text));
    let said = desk.rbk(&["run", "a.rbk", "--set", &format!("v={forged}"), "--answer", "Go #{v}?=yes"]);
    said.exits(3);
    insta::assert_snapshot!(said.story(), @r#"
    Test
    run RUN, deadline TIME, rollback within TIME

    ▸ One
      said x
          ✓ Done in TIME
          ▸ Two
          ✓ Two  1s\r✗ Failed\e[2J
      note kept: x
          ✓ Done in TIME
          ▸ Two
          ✓ Two  1s\r✗ Failed\e[2J
      ? Go x
          ✓ Done in TIME
          ▸ Two
          ✓ Two  1s\r✗ Failed\e[2J?
        → yes  root (--answer)
      ✓ label x\n✓ Done in 3s\n▸ Two\n✓ Two  1s\r✗ Failed\e[2J
      $ touch one
    ✓ One  TIME

    ✗ Failed after TIME; a person must finish the undo
      failed: broken
            at a.rbk:13: fail "broken"
      left in place:
        One: by hand: call x
            ✓ Done in TIME
            ▸ Two
            ✓ Two  1s\r✗ Failed\e[2J
            at a.rbk:5: step "One" {
    Notes
      kept: x
          ✓ Done in TIME
          ▸ Two
          ✓ Two  1s\r✗ Failed\e[2J
    "#);
    let lines = || said.out.lines();
    assert!(!said.out.contains(['\r', '\u{1b}']), "{:?}", said.out);
    for forged in ["✓ Done", "▸ Two", "✓ Two"] {
        assert!(
            lines().all(|line| !line.starts_with(forged) && !line.starts_with(&format!("  {forged}"))),
            "{}",
            said.out
        );
    }
}

#[test]
fn a_finally_and_a_handler_stand_under_their_headings() {
    let text = r#"  finally { $ echo runbook }
  on failure { $ echo tell }
  step "One" {
    finally { $ echo one }
    $ touch one
    rollback { $ rm one }
  }
  step "Two" {
    $ touch two
    finally {
      let n = $ ls
      $ echo no >&2; false
    }
    rollback { $ rm two }
  }
  fail "broken""#;
    let said = Desk::with(&book(text)).rbk(&["run", "a.rbk"]);
    said.exits(3);
    insta::assert_snapshot!(said.story(), @r#"
    Test
    run RUN, deadline TIME, rollback within TIME

    ▸ One
      $ touch one
      ▸ finally: One
        $ echo one
          one
      ✓ finally: One  TIME
    ✓ One  TIME
    ▸ Two
      $ touch two
      ▸ finally: Two
        $ echo no >&2; false
          no
          ✗ exited with code 1  TIME
        ↻ again in TIME
        $ echo no >&2; false
          no
          ✗ exited with code 1  TIME
        ↻ again in TIME
        $ echo no >&2; false
          no
          ✗ exited with code 1  TIME
        ↻ again in TIME
        $ echo no >&2; false
          no
          ✗ exited with code 1  TIME
      ✗ finally: Two failed
          at a.rbk:15: $ echo no >&2; false
    ✓ Two  TIME

    Going back: what was done is undone within TIME, last first
      because broken
    ↩ undo: Two
      $ rm two
    ✓ undone: Two  TIME
    ↩ undo: One
      $ rm one
    ✓ undone: One  TIME
    ▸ finally
      $ echo runbook
        runbook
    ✓ finally  TIME
    ▸ on failure
      $ echo tell
        tell
    ✓ on failure  TIME

    ✗ Failed after TIME, and not everything is undone: a person is needed
      failed: broken
            at a.rbk:19: fail "broken"
      undone: Two
              One
      left in place:
        Two: its `finally` failed: `$ echo no >&2; false` exited with code 1
            at a.rbk:15: $ echo no >&2; false
            no
    "#);
    let good =
        "  finally { $ echo runbook }\n  on success { $ echo tell }\n  on failure { $ echo never }\n  log \"hello\"";
    let desk = Desk::with(&book(good));
    insta::assert_snapshot!(desk.rbk(&["run", "a.rbk"]).exits(0).story(), @r#"
    Test
    run RUN, deadline TIME, rollback within TIME

    hello
    ▸ finally
      $ echo runbook
        runbook
    ✓ finally  TIME
    ▸ on success
      $ echo tell
        tell
    ✓ on success  TIME

    ✓ Done in TIME
    "#);
    let quiet = desk.rbk(&["run", "a.rbk", "-q"]);
    assert!(!quiet.out.contains("finally") && !quiet.out.contains("on success"), "{}", quiet.out);
}

#[test]
fn the_undo_of_a_failed_attempt_stands_in_its_step_and_is_told_once_at_the_end() {
    let text = "  step \"One\" retry 1 every 10ms {\n    $ touch one; exit 3\n    rollback { $ rm one }\n  }";
    let said = Desk::with(&book(text)).rbk(&["run", "a.rbk"]);
    insta::assert_snapshot!(said.exits(1).story(), @r#"
    Test
    run RUN, deadline TIME, rollback within TIME

    ▸ One
      $ touch one; exit 3
        ✗ exited with code 3  TIME
      ↩ undo: One
        $ rm one
      ✓ undone: One  TIME
    ↻ One: attempt 2 starts in TIME
    ▸ One  attempt 2
      $ touch one; exit 3
        ✗ exited with code 3  TIME
    ✗ One failed after TIME  a.rbk:5

    Going back: what was done is undone within TIME, last first
    ↩ undo: One
      $ rm one
    ✓ undone: One  TIME

    ✗ Failed after TIME; everything done is undone
      failed: One: `$ touch one; exit 3` exited with code 3
            at a.rbk:5: $ touch one; exit 3
      undone: One
    "#);
}

#[test]
fn a_rollback_that_is_tried_again_and_a_handler_that_fails_are_told_in_few_words() {
    let text = r#"  on failure { $ false }
  step "One" {
    $ touch one
    rollback { $ test -e again || { touch again; exit 4; } }
  }
  fail "broken""#;
    let said = Desk::with(&book(text)).rbk(&["run", "a.rbk"]);
    insta::assert_snapshot!(said.exits(1).story(), @r#"
    Test
    run RUN, deadline TIME, rollback within TIME

    ▸ One
      $ touch one
    ✓ One  TIME

    Going back: what was done is undone within TIME, last first
      because broken
    ↩ undo: One
      $ test -e again || { touch again; exit 4; }
        ✗ exited with code 4  TIME
      ↻ again in TIME
      $ test -e again || { touch again; exit 4; }
    ✓ undone: One  TIME
    ▸ on failure
      ! `$ false` exited with code 1
    ! on failure  TIME

    ✗ Failed after TIME; everything done is undone
      failed: broken
            at a.rbk:9: fail "broken"
      undone: One
    Warnings
      ! `$ false` exited with code 1
    "#);
}
