//! `rbk rollback` of runs that ended one way or the other.
use super::*;

#[test]
fn e13_a_run_that_succeeded_is_undone_later() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ echo b >> log\n    rollback { $ echo -b >> log }\n  }\n  finally { $ echo end >> log }",
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    desk.say(&["rollback", "--last", "Test"]).ended(0).says(&["undone: b", "undone: a"]);
    assert_eq!(desk.read("log"), "a\nb\nend\n-b\n-a\n", "a `finally` that has run does not run again");
    assert_eq!(desk.last().1, "undone");
    desk.say(&["rollback", "--last", "book"]).ended(0).says(&["undone already"]);
    desk.say(&["rollback", "--last", "other"]).ended(2).says(&["no run of `other`"]);
}

#[test]
fn a_rollback_that_failed_goes_on_later() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"b\" {\n    $ echo b >> log\n    rollback timeout 3s { $ test -e mended && echo -b >> log }\n  }\n  fail \"on purpose\"",
    );
    desk.say(&["run", "book.rbk"]).ended(3).says(&["left in place", "rbk rollback"]);
    assert_eq!(desk.last().1, "incomplete");
    desk.rollback(&[]).ended(3);
    desk.write("mended", "");
    desk.rollback(&[]).ended(0).says(&["undone: b", "undone: a"]);
    assert_eq!(desk.read("log"), "a\nb\n-b\n-a\n");
}

#[test]
fn e12_a_run_that_another_one_stands_on_is_not_undone_without_a_reason() {
    let desk = Desk::of("  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }");
    desk.say(&["run", "book.rbk"]).ended(0);
    let (first, _) = desk.last();
    std::thread::sleep(Duration::from_millis(20));
    desk.say(&["run", "book.rbk"]).ended(0);
    let (second, _) = desk.last();
    desk.say(&["rollback", &first]).ended(2).says(&[&second, "came later", "--reason"]);
    assert_eq!(desk.read("log"), "a\na\n");
    desk.say(&["rollback", &first, "--reason", "the second wrote elsewhere"]).ended(0);
    desk.say(&["rollback", &second]).ended(0);
    assert_eq!(desk.read("log"), "a\na\n-a\n-a\n");
}

/// Three steps; the run has gone well.
fn three() -> Desk {
    let step = |name: &str| {
        format!("  step \"{name}\" {{\n    $ echo {name} >> log\n    rollback {{ $ echo -{name} >> log }}\n  }}\n")
    };
    let desk = Desk::of(&["a", "b", "c"].map(step).concat());
    desk.say(&["run", "book.rbk"]).ended(0);
    desk
}

#[test]
fn k5_a_step_and_all_after_it_is_undone_and_the_rest_later() {
    let desk = three();
    desk.rollback(&["--from", "b"]).ended(2).says(&["--reason"]);
    let said = desk.rollback(&["--from", "b", "--reason", "b was wrong"]).ended(0);
    said.says(&["undone: c", "undone: b", "what was asked for", "a: it was not asked for", "undoes the rest"]);
    assert_eq!(desk.read("log"), "a\nb\nc\n-c\n-b\n");
    assert_eq!(desk.last().1, "incomplete", "something is in place");
    desk.resume(&[]).ended(2).says(&["not everything is undone", "rbk rollback"]);
    desk.rollback(&[]).ended(0).says(&["everything that was in place"]);
    assert_eq!(desk.read("log"), "a\nb\nc\n-c\n-b\n-a\n", "what is undone stays so");
    assert_eq!(desk.last().1, "undone");
}

#[test]
fn k5_a_step_that_others_came_after_is_undone_alone_only_for_a_reason_of_its_own() {
    let desk = three();
    desk.rollback(&["--only", "a", "--reason", "wrong host"]).ended(2).says(&[
        "what came after `a` is in place, and may stand on it: `c` (4), `b` (3)",
        "--from 'a'",
        "--out-of-order REASON",
    ]);
    assert_eq!(desk.read("log"), "a\nb\nc\n", "nothing is undone");
    assert_eq!(desk.last().1, "succeeded");
    desk.rollback(&["--only", "c", "--reason", "the last one"]).ended(0);
    desk.rollback(&["--only", "2", "--reason", "wrong host", "--out-of-order", "b is elsewhere"]).ended(0);
    assert_eq!(desk.read("log"), "a\nb\nc\n-c\n-a\n");
    desk.rollback(&["--only", "a", "--reason", "again", "--out-of-order", "again"]).ended(0);
    desk.rollback(&[]).ended(0);
    assert_eq!(desk.read("log"), "a\nb\nc\n-c\n-a\n-b\n");
}

#[test]
fn k5_the_last_word_of_a_part_is_its_own() {
    let desk = three();
    let said = desk.rollback(&["--only", "c", "--reason", "x", "--format", "json"]).ended(0);
    let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["outcome"], &last["exit"]), (&"rolled_back_in_part".into(), &0.into()), "{last}");
    let why: Vec<_> = last["left"].as_array().unwrap().iter().map(|left| &left["why"]).collect();
    assert_eq!(why, ["kept", "kept"]);
    let said = desk.rollback(&["--format", "json"]).ended(0);
    let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["outcome"], &last["exit"]), (&"rolled_back".into(), &0.into()), "{last}");
}

#[test]
fn e9_a_name_that_several_steps_have_is_refused_with_their_paths() {
    let desk = Desk::of(
        "  for host in [\"x\", \"y\"] {\n    step \"drain\" {\n      $ echo #{host} >> log\n      rollback { $ echo -#{host} >> log }\n    }\n  }\n  step \"look\" readonly { guard \"well\": true }",
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    let because = |step: &str| desk.rollback(&["--from", step, "--reason", "x"]);
    because("drain").ended(2).says(&["several steps are called `drain`: `2[0]/0` (in place), `2[1]/0` (in place)"]);
    because("drian").ended(2).says(&["no step `drian`", "did you mean `drain`?"]);
    because("look")
        .ended(2)
        .says(&["`look` has left nothing", "in place, last first: `drain` (2[1]/0), `drain` (2[0]/0)"]);
    because("7").ended(2).says(&["no step `7`"]);
    because("2[1]/0").ended(0);
    assert_eq!(desk.read("log"), "x\ny\n-y\n");
}

#[test]
fn k5_a_rollback_of_a_part_that_is_killed_goes_on_with_just_that_part() {
    let gate = gate("go");
    let step = |name: &str, more: &str| {
        format!(
            "  step \"{name}\" {{\n    $ echo {name} >> log\n    rollback {{ $ {more}echo -{name} >> log }}\n  }}\n"
        )
    };
    let desk = Desk::of(&(step("a", "") + &step("b", "") + &step("c", &format!("touch undoing; {gate}; "))));
    desk.say(&["run", "book.rbk"]).ended(0);
    let (run, _) = desk.last();
    desk.killed_at(&["rollback", &run, "--from", "b", "--reason", "b was wrong"], "undoing");
    assert_eq!(desk.last().1, "interrupted", "whatever it was before");
    std::fs::remove_file(desk.path().join("undoing")).unwrap();
    let mut resumed = desk.start(&["resume", &run]);
    desk.until("undoing");
    desk.write("go", "");
    // Who resumes it has asked for nothing: something is in place.
    assert_eq!(resumed.wait().unwrap().code(), Some(3));
    assert_eq!(desk.read("log"), "a\nb\nc\n-c\n-b\n");
    desk.rollback(&[]).ended(0);
    assert_eq!(desk.read("log"), "a\nb\nc\n-c\n-b\n-a\n");
}

#[test]
fn k5_what_stands_behind_a_point_of_no_return_stays() {
    let desk = Desk::of(
        "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  step \"drop\" {\n    $ echo drop >> log\n    irreversible \"gone\"\n  }\n  step \"b\" {\n    $ echo b >> log\n    rollback { $ echo -b >> log }\n  }",
    );
    desk.say(&["run", "book.rbk", "--answer", "drop=yes"]).ended(0);
    for part in [["--from", "a"], ["--only", "drop"]] {
        desk.rollback(&[&part[..], &["--reason", "x"]].concat()).ended(2).says(&["`drop` cannot be undone"]);
    }
    desk.rollback(&["--from", "b", "--reason", "x"]).ended(0);
    assert_eq!(desk.read("log"), "a\ndrop\nb\n-b\n");
}

#[test]
fn a_quiet_rollback_says_only_how_it_ended() {
    let desk = three();
    let (run, _) = desk.last();
    let said = desk.say(&["rollback", "-q", &run]).ended(0);
    assert!(!said.out.contains("undo:") && !said.out.contains("Going back"), "{}", said.out);
    said.says(&["everything that was in place"]);
}

#[test]
fn e12_a_later_run_is_told_also_when_a_reason_overrides_it() {
    let desk = three();
    let (first, _) = desk.last();
    std::thread::sleep(Duration::from_millis(20));
    desk.say(&["run", "book.rbk"]).ended(0);
    let (second, _) = desk.last();
    let said = desk.say(&["rollback", &first, "--only", "c", "--reason", "c was wrong"]).ended(0);
    said.says(&[&format!("run {second} came later")]);
}

#[test]
fn e12_a_step_that_was_changed_since_is_undone_after_a_yes_by_the_label_that_is_told() {
    let desk = Desk::of(
        "  step \"a\" {\n    done when $ test -e a\n    $ touch a\n    rollback { $ rm -f a; echo -a >> log }\n  }",
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    std::fs::remove_file(desk.path().join("a")).unwrap();
    desk.rollback(&[]).ended(3).says(&["it was changed since", "`--answer 'undo: a=yes'` undoes it all the same"]);
    assert_eq!(desk.read("log"), "");
    desk.rollback(&["--answer", "undo: a=yes"]).ended(0);
    assert_eq!(desk.read("log"), "-a\n");
}

#[test]
fn of_two_rollbacks_at_once_one_undoes_and_the_other_says_that_it_was_done() {
    for _ in 0..3 {
        let desk = Desk::of("  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log; sleep 0.15 }\n  }");
        desk.say(&["run", "book.rbk"]).ended(0);
        let (run, _) = desk.last();
        let start = || desk.command(&["rollback", &run]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = [start(), start()].map(|child| {
            let output = child.wait_with_output().unwrap();
            stage::text(&output.stdout) + &stage::text(&output.stderr)
        });
        assert_eq!(desk.read("log"), "a\n-a\n");
        let undid = said.iter().filter(|said| said.contains("undone: a")).count();
        let saw =
            said.iter().filter(|said| said.contains("was undone already") || said.contains("is driven by")).count();
        assert_eq!((undid, saw), (1, 1), "{said:?}");
    }
}

#[test]
fn a_rollback_that_is_refused_leaves_the_run_as_it_stood() {
    let text =
        |body: &str| format!("runbook \"Test\" {{\n  deadline 1m\n  rollback within 1m\n  lock \"site\"\n{body}\n}}\n");
    let desk = Desk::new(&text("  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }"));
    desk.say(&["run", "book.rbk"]).ended(0);
    let (first, _) = desk.last();
    desk.write("holder.rbk", &text("  wait up to 30s every 20ms until $ ./look").replace("Test", "Holder"));
    desk.killed_at(&["run", "holder.rbk"], "ready");
    let (holder, _) = desk.last();
    desk.say(&["rollback", &first]).ended(2).says(&["the lock `site` belongs to run", &holder]);
    assert_eq!(desk.read("log"), "a\n");
    desk.say(&["runs", "--state", "succeeded"]).ended(0).says(&[&first]);
    let said = desk.say(&["show", &first]).ended(0).says(&["let go of it: the lock `site` belongs to run"]);
    assert!(!said.out.contains("died") && said.out.contains(", succeeded"), "{}", said.out);
    desk.say(&["close", &holder, "--reason", "it only looked"]).ended(0);
    desk.say(&["rollback", &first]).ended(0);
    assert_eq!(desk.read("log"), "a\n-a\n");
}

#[test]
fn where_only_a_person_can_do_the_rest_a_rollback_is_not_offered_again() {
    let desk = Desk::of(
        "  step \"By hand\" {\n    $ touch a\n    rollback manual \"tell the network team\"\n  }\n  fail \"on purpose\"",
    );
    let offers = |said: Said| {
        let said = said.ended(3).says(&["when that is done by hand, `rbk close"]);
        assert!(!said.err.contains("goes on with undoing"), "{}", said.err);
    };
    offers(desk.say(&["run", "book.rbk"]));
    offers(desk.rollback(&[]));
    let desk = Desk::of(
        "  step \"a\" {\n    $ touch a\n    rollback timeout 1s { $ test -e mended }\n  }\n  fail \"on purpose\"",
    );
    desk.say(&["run", "book.rbk"]).ended(3).says(&["goes on with undoing; `rbk close", "leaves it as it is"]);
}

/// Two steps, the second waits for a file where `hold` is true.
fn held_or_not() -> Desk {
    let hold = gate("go");
    Desk::of(&format!(
        "  param hold: bool = false\n  step \"a\" {{\n    $ echo a >> log\n    rollback {{ $ echo -a >> log }}\n  }}\n  if hold {{\n    step \"b\" {{\n      $ touch ready; {hold}\n      rollback {{ $ echo -b >> log }}\n    }}\n  }}"
    ))
}

#[test]
fn e12_a_later_run_that_was_killed_or_still_runs_is_stood_upon() {
    let desk = held_or_not();
    desk.say(&["run", "book.rbk"]).ended(0);
    let (first, _) = desk.last();
    let mut second = desk.start(&["run", "book.rbk", "--set", "hold=true"]);
    desk.until("ready");
    std::thread::sleep(Duration::from_millis(300));
    let (later, state) = desk.last();
    assert_eq!(state, "running");
    desk.say(&["rollback", &first]).ended(2).says(&[&later, "is running", "--reason"]);
    second.kill().unwrap();
    second.wait().unwrap();
    desk.say(&["rollback", &first]).ended(2).says(&[&later, "came later and has changed something", "--reason"]);
    assert_eq!(desk.read("log"), "a\na\n", "nothing is undone");
    desk.write("go", "");
    desk.say(&["rollback", &later]).ended(0);
    desk.say(&["rollback", &first]).ended(0);
    assert_eq!(desk.read("log"), "a\na\n-b\n-a\n-a\n");
}

#[test]
fn e12_a_run_that_was_left_does_not_go_on_over_a_later_one() {
    let desk = held_or_not();
    let mut first = desk.start(&["run", "book.rbk", "--set", "hold=true"]);
    desk.until("ready");
    std::thread::sleep(Duration::from_millis(300));
    first.kill().unwrap();
    first.wait().unwrap();
    let (first, _) = desk.last();
    desk.say(&["run", "book.rbk"]).ended(0);
    let (second, _) = desk.last();
    let came = format!("run {second} came later and has changed something");
    desk.say(&["resume", &first]).ended(2).says(&[&came, &format!("rbk close {first} --reason"), "--reason"]);
    desk.say(&["resume", "--due"]).ended(0).says(&[&format!("run {first}"), "is left alone", &came]);
    assert_eq!(desk.read("log"), "a\na\n");
    desk.say(&["rollback", &second]).ended(0);
    desk.say(&["resume", &first]).ended(1);
    assert_eq!(desk.read("log"), "a\na\n-a\n-b\n-a\n");
}

#[test]
fn e12_a_later_run_of_the_same_lock_is_stood_upon_also_when_it_has_ended() {
    let text = |title: &str, lock: &str| {
        format!(
            "runbook \"{title}\" {{\n  deadline 1m\n  rollback within 1m\n  lock \"{lock}\"\n  step \"a\" {{\n    $ echo {title} >> log\n    rollback {{ $ echo -{title} >> log }}\n  }}\n}}\n"
        )
    };
    let desk = Desk::new(&text("one", "site"));
    desk.write("two.rbk", &text("two", "site"));
    desk.write("three.rbk", &text("three", "other"));
    desk.say(&["run", "book.rbk"]).ended(0);
    let (first, _) = desk.last();
    desk.say(&["run", "two.rbk"]).ended(0);
    let (second, _) = desk.last();
    desk.say(&["run", "three.rbk"]).ended(0);
    desk.say(&["rollback", &first]).ended(2).says(&[&second, "came later", "--reason"]);
    desk.say(&["rollback", &second]).ended(0);
    desk.say(&["rollback", &first]).ended(0);
    assert_eq!(desk.read("log"), "one\ntwo\nthree\n-two\n-one\n");
}

#[test]
fn a_part_that_is_undone_is_no_failure_because_an_earlier_one_needs_a_person() {
    let step =
        |name: &str, undo: &str| format!("  step \"{name}\" {{\n    $ echo {name} >> log\n    rollback {undo}\n  }}\n");
    let desk = Desk::of(
        &[
            step("a", "{ $ echo -a >> log }"),
            step("b", "{ $ echo -b >> log }"),
            step("h", "manual \"tell the network team\""),
        ]
        .concat(),
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    let said = desk.rollback(&["--only", "h", "--reason", "r1"]).ended(3);
    let said = said.says(&["Undone in part: a person must finish it", "tell the network team"]);
    assert!(!said.out.contains("Failed") && !said.out.contains("cause is mended"), "{}", said.out);
    let said = desk.rollback(&["--only", "b", "--reason", "r2"]).ended(0);
    assert!(!said.out.contains("Failed") && !said.out.contains("r1"), "{}", said.out);
    let said = desk.rollback(&[]).ended(3);
    let said = said.says(&["Undone in part: a person must finish it"]);
    assert!(!said.out.contains("failed:"), "{}", said.out);
    assert_eq!(desk.read("log"), "a\nb\nh\n-b\n-a\n");
    let (run, _) = desk.last();
    let report = desk.say(&["report", &run]).ended(0).out;
    assert!(report.contains("succeeded, then a person asked for its undo"), "{report}");
    assert!(!report.contains("failed first"), "{report}");
    let junit = desk.say(&["report", &run, "--format", "junit"]).ended(0).out;
    assert!(junit.contains("<skipped message=\"undone\"/>") && !junit.contains("<failure"), "{junit}");
}

#[test]
fn each_undo_of_a_part_tells_its_own_reason() {
    let desk = three();
    desk.rollback(&["--only", "c", "--reason", "r2"]).ended(0).says(&["r2"]);
    let said = desk.rollback(&["--from", "b", "--reason", "r3"]).ended(0);
    assert!(said.out.contains("r3") && !said.out.contains("r2"), "{}", said.out);
}

#[test]
fn a_name_that_no_step_has_is_told_before_that_all_is_being_undone() {
    let desk = Desk::of(
        "  step \"Host a\" {\n    $ echo a >> log\n    rollback { $ touch going; until test -e go; do sleep 0.05; done; touch gone }\n  }\n  fail \"on purpose\"",
    );
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("going");
    child.kill().unwrap();
    child.wait().unwrap();
    let only = |step| desk.rollback(&["--only", step, "--reason", "x"]).ended(2);
    only("Host z").says(&["no step `Host z`", "did you mean `Host a`"]);
    only("Host a").says(&["all of the run is being undone already"]);
    desk.write("go", "");
    desk.until("gone");
}

#[test]
fn a_rollback_that_was_killed_and_is_resumed_has_not_failed() {
    let desk = Desk::of(&format!(
        "  step \"a\" {{\n    $ echo a >> log\n    rollback {{ $ touch undoing; {}; echo -a >> log }}\n  }}",
        gate("go")
    ));
    desk.say(&["run", "book.rbk"]).ended(0);
    let (run, _) = desk.last();
    desk.killed_at(&["rollback", &run], "undoing");
    desk.write("go", "");
    let said = desk.resume(&[]).ended(1).says(&["✓ Undone: everything that was in place", "undone: a"]);
    assert!(!said.out.contains("Failed") && !said.out.contains("failed: "), "{}", said.out);
}
