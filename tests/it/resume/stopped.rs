//! A run that was stopped on purpose can go on.
use std::process::Stdio;

use super::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn a_second_signal_leaves_a_run_that_can_be_resumed() {
    let gate = gate("go");
    let desk = Desk::of(&format!(
        "  step \"a\" {{\n    $ echo a >> log\n    rollback {{ $ echo -a >> log; touch undoing; trap '' TERM; {gate} }}\n  }}\n  wait up to 1m every 20ms until $ ./look"
    ));
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("ready");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    desk.until("undoing");
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(desk.last().1, "stopped");
    desk.say(&["runs"]).ended(0).says(&["in the undo of: a"]);
    let (run, _) = desk.last();
    desk.say(&["show", &run]).ended(0).says(&["a: its rollback was interrupted by a second signal"]);
    desk.write("go", "");
    desk.resume(&[]).ended(1).says(&["undone: a"]);
    assert_eq!(desk.read("log"), "a\n-a\n-a\n", "a rollback that was cut off runs again");
}

#[test]
fn a_failure_that_stops_is_looked_at_again() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"look\" readonly {\n    guard \"mended\": $ test -e mended\n  }\n  log \"went on\"",
    );
    desk.say(&["run", "book.rbk", "--on-failure", "stop"]).ended(4).says(&["rbk resume", "rbk rollback"]);
    assert_eq!(desk.read("log"), "a\n");
    desk.resume(&[]).ended(4);
    desk.write("mended", "");
    desk.resume(&[]).ended(0).says(&["went on"]);
    assert_eq!(desk.read("log"), "a\n");
}

#[test]
fn a_question_that_stops_is_answered_at_the_resume() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  confirm \"Go on?\"\n  step \"b\" {\n    $ echo b >> log\n    rollback none \"nothing\"\n  }",
    );
    desk.say(&["run", "book.rbk"]).ended(2);
    desk.say(&["run", "book.rbk", "--on-question", "stop"])
        .ended(4)
        .says(&["rbk resume", "nobody is there to answer `Go on?`"]);
    assert_eq!(desk.read("log"), "a\n");
    desk.resume(&[]).ended(4).says(&["nobody is there to answer `Go on?`"]);
    desk.resume(&["--answer", "Go=yes"]).ended(2).says(&["has no question `Go`"]);
    let said = desk.resume(&["--answer", "Go on?=maybe"]).ended(2);
    let said = said.says(&["the answer `maybe` to `Go on?` does not fit", "neither `yes` nor `no`"]);
    assert!(!said.out.contains("resumed"), "{}", said.out);
    assert_eq!(desk.last().1, "stopped");
    desk.rollback(&["--answer", "Go on?=maybe"]).ended(2);
    desk.say(&["resume", "--due", "--answer", "Go on?=maybe"]).ended(0).says(&["is left alone", "does not fit"]);
    assert_eq!(desk.read("log"), "a\n", "nothing is undone for want of an answer");
    desk.resume(&["--answer", "Go on?=yes"]).ended(0);
    assert_eq!(desk.read("log"), "a\nb\n");
}

#[test]
fn an_answer_to_what_was_answered_before_is_not_taken_and_that_is_said() {
    let desk = Desk::of("  confirm \"Go on?\"\n  wait up to 1m every 20ms until $ ./look\n  confirm \"On?\"");
    desk.killed_at(&["run", "book.rbk", "--answer", "Go on?=yes", "--answer", "On?=yes"], "ready");
    desk.write("go", "");
    let said = desk.resume(&["--answer", "Go on?=no", "--answer", "On?=yes"]).ended(0);
    let said = said.says(&["! `Go on?` was answered already, with `yes` by ", "`--answer` does not change that"]);
    assert!(!said.err.contains("`On?` was answered already"), "{}", said.err);
}

#[test]
fn without_a_journal_nothing_can_stop_and_that_is_said() {
    let desk = Desk::of("  log \"hello\"");
    desk.say(&["run", "book.rbk", "--journal", "none", "--on-failure", "stop"]).ended(2).says(&["--journal none"]);
    desk.say(&["run", "book.rbk", "--journal", "none"]).ended(0).says(&["not kept"]);
    assert!(!desk.has("state/journal.db"));
    desk.say(&["runs"]).ended(0).says(&["no runs"]);
}

#[test]
fn a_question_that_stops_names_its_answer_and_is_the_reason_that_is_kept() {
    // Something else runs beside it, and ends later.
    let desk = Desk::of(
        "  parallel {\n    step \"a\" {\n      confirm \"It's \\\"on\\\"?\"\n    }\n    step \"b\" {\n      $ sleep 1\n      rollback none \"nothing\"\n    }\n  }",
    );
    let answer = "give `--answer 'It'\\''s \"on\"?=yes'`";
    desk.say(&["run", "book.rbk", "--on-question", "stop"]).ended(4).says(&[answer, "rbk close"]);
    let (run, _) = desk.last();
    let said = desk.say(&["show", &run]).ended(0);
    assert!(said.out.contains(&format!("nobody is there to answer `It's \"on\"?`: {answer}")), "{}", said.out);
    assert!(!said.out.contains("second signal"), "{}", said.out);
}

#[test]
fn what_a_failure_stopped_is_told_until_it_is_mended_and_what_was_done_is_not_done_again() {
    let desk = crate::look::stopped();
    let (run, state) = desk.last();
    assert_eq!(state, "stopped");
    desk.say(&["runs"]).ended(0).says(&["stopped", "failed: Second: `$ touch second", "exited with code 5"]);
    desk.say(&["runs", "--state", "stopped"]).ended(0).says(&[&run]);
    let told =
        ["failed: Second", "exited with code 5", "no room", "left in place", "First: not undone", "Second: not undone"];
    desk.say(&["show", &run]).ended(0).says(&told);
    let report = |format| desk.say(&["report", &run, "--format", format]).ended(0).out;
    let junit = report("junit");
    assert!(junit.contains("<failure message") && junit.contains("exited with code 5"), "{junit}");
    for text in [report("markdown"), report("html")] {
        assert!(text.contains("failed first: ") && text.contains("exited with code 5"), "{text}");
        assert!(text.contains("Left in place") && text.contains("no room"), "{text}");
    }
    let text = report("markdown");
    assert!(!text.contains("not ended") && !text.contains("in doubt:"), "{text}");
    // Half done: undone, and the run with it.
    desk.resume(&[]).ended(4);
    desk.rollback(&[]).ended(0);
    assert!(!desk.has("first") && !desk.has("second"));
    let (junit, text) = (report("junit"), report("markdown"));
    assert!(junit.contains("<failure message") && !junit.contains("<error"), "{junit}");
    assert!(text.contains("failed first: `Second`") && !text.contains("not ended"), "{text}");
    assert_eq!(text.matches("step `Second` failed").count(), 3, "{text}");
}

#[test]
fn what_failed_without_any_effect_is_called_again_once_it_is_mended() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ ./tool\n    rollback { $ rm ready }\n  }",
    );
    desk.say(&["run", "book.rbk", "--on-failure", "stop"]).ended(4);
    std::fs::copy(desk.path().join("look"), desk.path().join("tool")).unwrap();
    desk.write("go", "");
    desk.resume(&[]).ended(0);
    assert!(desk.has("ready") && desk.read("log") == "a\n");
}

#[test]
fn what_failed_half_way_is_undone_and_begins_anew_once_it_is_mended() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ echo b >> log; test -e mended\n    rollback { $ echo -b >> log }\n  }",
    );
    desk.say(&["run", "book.rbk", "--on-failure", "stop"]).ended(4);
    assert_eq!(desk.read("log"), "a\nb\n");
    let again = desk.resume(&[]).ended(4).says(&["exited with code 1"]);
    assert!(!again.out.contains("nobody saw") && !again.out.contains("did it happen"), "{}", again.out);
    assert_eq!(desk.read("log"), "a\nb\n-b\nb\n", "undone, then tried again");
    desk.say(&["runs"]).ended(0).says(&["stopped", "failed: b: `$ echo b", "exited with code 1"]);
    let (run, _) = desk.last();
    let junit = desk.say(&["report", &run, "--format", "junit"]).ended(0).out;
    assert!(junit.contains("exited with code 1") && !junit.contains("nobody saw"), "{junit}");
    desk.write("mended", "");
    desk.resume(&[]).ended(0);
    assert_eq!(desk.read("log"), "a\nb\n-b\nb\n-b\nb\n");
    let text = desk.say(&["report", &run]).ended(0).out;
    assert!(!text.contains("in doubt") && !text.contains("nobody saw"), "{text}");
}

#[test]
fn a_rollback_of_what_a_failure_stopped_tells_how_it_failed_and_undoes_it() {
    let desk = Desk::of(
        "  step \"b\" timeout 300ms {\n    $ echo b >> log; test -e mended || sleep 60\n    rollback { $ echo -b >> log }\n  }",
    );
    desk.say(&["run", "book.rbk", "--on-failure", "stop"]).ended(4);
    desk.resume(&[]).ended(4).says(&["300ms"]);
    assert_eq!(desk.read("log"), "b\n-b\nb\n");
    let back = desk.rollback(&[]).ended(0);
    assert!(!back.out.contains("nobody saw") && !back.out.contains("did it happen"), "{}", back.out);
    assert_eq!(desk.read("log"), "b\n-b\nb\n-b\n");
}

#[test]
fn a_command_that_a_second_signal_ended_is_undone_as_what_it_is() {
    let desk = Desk::of(
        "  step \"b\" {\n    $ echo b >> log; touch ready; trap '' TERM; sleep 60\n    rollback { $ echo -b >> log }\n  }",
    );
    let mut command = desk.command(&["run", "book.rbk"]);
    let mut child = command.env("RBK_GRACE", "60s").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    desk.until("ready");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    // Two that come at once are one.
    let code = loop {
        kill(pid, Signal::SIGTERM).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
    };
    assert_eq!(code, Some(4));
    let back = desk.resume(&[]).ended(1);
    assert!(!back.out.contains("nobody saw") && !back.out.contains("did it happen"), "{}", back.out);
    assert_eq!(desk.read("log"), "b\n-b\n");
}
