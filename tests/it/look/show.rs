//! `rbk show`.
use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Door, Entry, Head, Store};
use rbk::value::redact::Redactor;

use super::*;

#[test]
fn a_run_is_told_as_it_happened() {
    for (name, desk) in each() {
        let said = shown(&desk, &[]).ended(0);
        assert!(!said.out.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{name}: {}", said.out);
        insta::assert_snapshot!(name, steady(&said.out, &desk));
    }
}

#[test]
fn a_run_is_told_to_programs_by_the_names_that_it_had_when_it_ran() {
    for (name, desk) in each() {
        let said = shown(&desk, &["--format", "json"]).ended(0);
        assert!(!said.out.contains(SECRET), "{name}");
        assert!(!said.out.chars().any(|c| c.is_control() && c != '\n' || c == '\u{202e}'), "{name}: {}", said.out);
        let run = json(&said);
        assert_eq!((&run["v"], &run["run"]), (&J::from(1), &J::from(desk.last().0)), "{name}");
        let events: Vec<&str> =
            run["timeline"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(events[0], "taken", "{name}");
        let has = |event: &str| events.contains(&event);
        match name {
            "succeeded" => {
                assert_eq!((run["state"].as_str(), run["exit"].as_u64()), (Some("succeeded"), Some(0)));
                assert!(run["params"]["said"].as_str().unwrap().starts_with("</title><script>alert(1)</script> ]]> &"));
                assert_eq!(run["finished"]["notes"][0]["value"], 2);
                let how: Vec<(&str, &str)> = run["steps"].as_array().unwrap().iter().map(words).collect();
                for found in [("Prepare", "done"), ("Not needed", "skipped"), ("Done before", "already_done")] {
                    assert!(how.contains(&found), "{found:?} in {how:?}");
                }
            }
            "undone" => {
                assert_eq!(run["outcome"], "rolled_back");
                assert_eq!(run["finished"]["failure"]["step"], "Try");
                assert!(run["finished"]["failure"]["place"]["line"].as_u64() > Some(9), "{run}");
                let how: Vec<(&str, &str)> = run["steps"].as_array().unwrap().iter().map(words).collect();
                assert!(how.contains(&("Unpack", "undone")) && how.contains(&("Try", "failed")), "{how:?}");
            }
            "incomplete" => {
                assert_eq!((run["state"].as_str(), run["exit"].as_u64()), (Some("incomplete"), Some(3)));
                assert_eq!(run["finished"]["left"].as_array().unwrap().len(), 3, "{run}");
            }
            "doubted" => {
                assert!(has("died") && has("doubt") && has("doubt.decided"), "{events:?}");
                let decided =
                    run["timeline"].as_array().unwrap().iter().find(|e| e["event"] == "doubt.decided").unwrap();
                assert_eq!(decided["how"], "half_done");
                let taken = run["timeline"].as_array().unwrap().iter().rfind(|e| e["event"] == "taken").unwrap();
                assert_eq!(taken["reasons"][0]["text"], "the night was long");
                let steps = run["steps"].as_array().unwrap();
                let died: Vec<_> = steps.iter().filter(|step| step["died"] == true).map(|step| &step["kind"]).collect();
                assert_eq!(died, ["step", "action"], "{steps:?}");
                assert!(steps.iter().any(|step| step["name"] == "its process died in here"), "{steps:?}");
            }
            "answered" => assert!(has("unanswered") && has("answer"), "{events:?}"),
            "stopped" => {
                assert_eq!((run["state"].as_str(), run["exit"].as_u64()), (Some("stopped"), Some(4)));
                assert_eq!(run["finished"]["failure"]["step"], "Second");
                assert_eq!(run["finished"]["left"].as_array().unwrap().len(), 2, "{run}");
                let waits = &run["waits_for"][0];
                assert_eq!((&waits["kind"], &waits["step"]), (&"failure".into(), &"Second".into()));
                let how: Vec<(&str, &str)> = run["steps"].as_array().unwrap().iter().map(words).collect();
                assert!(how.contains(&("First", "done")) && how.contains(&("Second", "failed")), "{how:?}");
            }
            "asking" => {
                assert_eq!((run["state"].as_str(), &run["outcome"]), (Some("stopped"), &"stopped".into()));
                assert_eq!(
                    (&run["waits_for"][0]["kind"], &run["waits_for"][0]["text"]),
                    (&"answer".into(), &"Go on?".into())
                );
            }
            other => panic!("{other}"),
        }
    }
}

fn words(step: &J) -> (&str, &str) {
    (step["name"].as_str().unwrap(), step["how"].as_str().unwrap())
}

#[test]
fn with_the_key_that_seals_them_secrets_are_hidden_all_the_same() {
    let desk = Desk::of(
        "  secret token = env(\"TOKEN\")\n  step \"a\" {\n    let out = $ echo \"is $TOKEN\"\n    log \"#{out}\"\n    $ touch a\n    rollback { $ rm a }\n  }",
    )
    .env("TOKEN", SECRET)
    .env("RBK_JOURNAL_KEY", "a passphrase that is long enough");
    desk.say(&["run", "book.rbk"]).ended(0);
    for format in ["human", "json"] {
        let said = shown(&desk, &["--format", format]).ended(0).says(&["‹token›"]);
        assert!(!said.out.contains(SECRET) && !said.out.contains("lost:"), "{}", said.out);
        let (run, _) = desk.last();
        let without = desk.command(&["show", &run, "--format", format]).env_remove("RBK_JOURNAL_KEY").output().unwrap();
        let out = crate::stage::text(&without.stdout);
        assert!(without.status.success() && out.contains("‹token›") && !out.contains("lost:"), "{out}");
    }
}

#[test]
fn a_doubt_that_a_goal_or_a_person_or_nobody_decides_is_told_so() {
    let (one, two) = (gate("one"), gate("two"));
    let text = format!(
        "  step \"slow\" {{\n    done when $ test -e written\n    $ touch started; {one}; touch written; {two}\n    rollback {{ $ echo undone >> log }}\n  }}"
    );
    let desk = Desk::of(&text);
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("started");
    desk.write("one", "");
    desk.until("written");
    child.kill().unwrap();
    child.wait().unwrap();
    shown(&desk, &[]).ended(0).says(&[
        "its process died",
        "It stands here",
        "in doubt (slow): $ touch started",
        "in place: slow",
    ]);
    desk.resume(&[]).ended(0);
    shown(&desk, &[]).ended(0).says(&["? in doubt: ", "→ the `done when` of its step is true"]);

    let desk = Desk::of(&text.replace("    done when $ test -e written\n", ""));
    desk.killed_at(&["run", "book.rbk"], "started");
    desk.rollback(&[]).ended(0);
    shown(&desk, &[]).ended(0).says(&["taken back by", "↩ its undo is asked for\n", "half done", "✓ Undone"]);
}

#[test]
fn what_was_closed_tells_who_and_why() {
    let desk = asking();
    let (run, _) = desk.last();
    desk.say(&["close", &run, "--reason", "done by hand"]).ended(0);
    shown(&desk, &[]).ended(0).says(&["closed as it was by", "done by hand", ", closed"]);
}

#[test]
fn of_a_process_that_took_the_run_and_did_nothing_it_is_not_said_that_it_died() {
    let desk = asking();
    let said = but(&desk, |head, entries| {
        let (door, holder) = (Door::Resume, crate::journal::made::holder(1));
        entries.push(Entry::Taken { door, holder, wall: head.started, reasons: Vec::new() });
    })
    .ended(0);
    let said = said.says(&["resumed by", "went no further"]);
    assert!(!said.out.contains("died"), "{}", said.out);
}

#[test]
fn a_run_is_found_by_a_part_of_its_id_or_it_is_said_why_not() {
    let desk = undone();
    let (run, _) = desk.last();
    desk.say(&["show", &run[run.len() - 4..]]).ended(0).says(&[&run]);
    desk.say(&["show", "nothing-like-it"]).ended(2).says(&["no run `nothing-like-it`"]);
    desk.say(&["show", "nothing-like-it", "--verify"]).ended(2);
    desk.say(&["show", ""]).ended(2).says(&["an empty word names no run"]);
}

#[test]
fn the_runs_own_text_is_told_when_the_file_is_another_one_by_now() {
    let desk = undone();
    desk.write("book.rbk", "runbook \"Other\" {\n  deadline 1m\n  rollback within 1m\n  log \"x\"\n}\n");
    shown(&desk, &[]).ended(0).says(&["✗ Try failed", "undone: Unpack"]);
}

#[test]
fn a_rollback_of_a_part_names_the_part_and_why() {
    let step = |name: &str| {
        format!("  step \"{name}\" {{\n    $ echo {name} >> log\n    rollback {{ $ echo -{name} >> log }}\n  }}\n")
    };
    let desk = Desk::of(&["a", "b", "c"].map(step).concat());
    desk.say(&["run", "book.rbk"]).ended(0);
    desk.rollback(&["--from", "b", "--reason", "b was wrong"]).ended(0);
    shown(&desk, &[]).ended(0).says(&["↩ its undo is asked for, from `b` on: b was wrong", "a: it was not asked for"]);
    let asked = json(&shown(&desk, &["--format", "json"]).ended(0))["timeline"].clone();
    let asked = asked.as_array().unwrap().iter().find(|told| told["event"] == "rollback.asked").unwrap();
    assert_eq!((&asked["why"], &asked["part"]), (&"b was wrong".into(), &"from `b` on".into()));
    desk.rollback(&["--only", "a", "--reason", "a too"]).ended(0);
    let (run, _) = desk.last();
    desk.say(&["report", &run]).ended(0).says(&["its undo is asked for, only \\`a\\`: a too"]);
}

#[test]
fn waits_beside_each_other_end_each_at_its_own_hour() {
    let desk = Desk::of(
        "  parallel {\n    wait 900ms\n    wait 300ms\n    wait up to 20s every 50ms until $ test -e done\n    step \"z\" {\n      $ sleep 0.6; touch done\n      \
         $ sleep 0.6\n      rollback none \"nothing\"\n    }\n  }",
    );
    desk.say(&["run", "book.rbk"]).ended(0);
    let run = json(&shown(&desk, &["--format", "json"]).ended(0));
    let waits = run["steps"].as_array().unwrap().iter().filter(|step| step["kind"] == "wait");
    let took: Vec<f64> = waits.map(|wait| wait["took"].as_f64().unwrap()).collect();
    let [long, short, until] = took[..] else { panic!("{took:?}") };
    assert!(short >= 0.3 && long >= 0.9 && long - short >= 0.3, "{took:?}");
    assert!(until >= 0.6, "{took:?}");
    let all = run["ran"].as_f64().unwrap();
    assert!(all >= 1.2 && until < all, "{took:?} of {all}");
}

#[test]
fn a_lock_that_another_run_has_taken_is_told() {
    let text = |lock: &str| {
        format!(
            "runbook \"Test\" {{\n  deadline 1m\n  rollback within 1m\n  {lock}\n  step \"a\" {{\n    $ touch a\n    rollback {{ $ rm a }}\n  }}\n  wait up to 30s every 20ms until $ ./look\n}}\n"
        )
    };
    let desk = Desk::new(&text("lock \"site\""));
    desk.write("taker.rbk", &text("lock \"site\" takeover"));
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (loser, _) = desk.last();
    desk.write("go", "");
    desk.say(&["run", "taker.rbk"]).ended(0);
    let (taker, _) = desk.last();
    let word = format!("has taken the lock `site` from it for run {taker}");
    desk.say(&["show", &loser]).ended(0).says(&["■ ", &word, "its process died"]);
    let timeline = json(&desk.say(&["show", &loser, "--format", "json"]).ended(0))["timeline"].clone();
    let taken = timeline.as_array().unwrap().iter().find(|told| told["event"] == "lock.taken").unwrap();
    assert_eq!((&taken["lock"], &taken["by"]), (&"site".into(), &taker.as_str().into()));
    desk.say(&["report", &loser]).ended(0).says(&["has taken the lock"]);
}

#[test]
fn where_a_connection_led_is_told() {
    let url = crate::journal::made::database();
    let desk = Desk::of(
        "  secret url = env(\"DATABASE_URL\")\n  connect db = postgres(url)\n  step \"a\" readonly {\n    let one = db.query(\"SELECT 1\")\n    log \"#{one.len()}\"\n  }",
    )
    .env("DATABASE_URL", &url);
    desk.say(&["run", "book.rbk"]).ended(0);
    let said = shown(&desk, &[]).ended(0).says(&["⇄ connection `db` leads to postgres@/"]);
    assert!(!said.out.contains("(server "), "{}", said.out);
    let said = shown(&desk, &["--verbose"]).ended(0).says(&[" (server "]);
    assert!(!said.out.contains(crate::lab::postgres::PASSWORD), "{}", said.out);
    let (run, _) = desk.last();
    desk.say(&["report", &run]).ended(0).says(&["connection `db` leads to `postgres@/"]);
}

/// The same run in a journal of its own, but for this.
fn but(desk: &Desk, change: impl Fn(&mut Head, &mut Vec<Entry>)) -> Said {
    let (run, _) = desk.last();
    let mut from = Sqlite::open(&desk.path().join("state/journal.db"), None).unwrap();
    let (mut head, mut entries) = from.load(&run).unwrap();
    change(&mut head, &mut entries);
    let other = crate::stage::dir();
    let path = other.path().join("journal.db");
    let mut to = Sqlite::open(&path, None).unwrap();
    to.begin(&head, &crate::journal::made::holder(1), &[], head.started).unwrap();
    let _ = to.append(&run, &entries, &Redactor::default(), None).unwrap();
    to.release(&run);
    drop(to);
    desk.say(&["show", &run, "--journal", path.to_str().unwrap()])
}

#[test]
fn what_this_rbk_cannot_replay_is_told_as_the_entries_say_it() {
    let desk = undone();
    let other = but(&desk, |head, _| head.semantics = 99).ended(0);
    other.says(&["which ran some things differently", "by themselves", "is done: v1", "failed: ", "may start: "]);
    let other = but(&desk, |head, _| head.texts[0].text = "runbook {".to_owned()).ended(0);
    other.says(&["finds errors in the run's own text", "is done: v1"]);
    // Another program: its calls are not those of the entries.
    let other = but(&desk, |head, _| {
        head.texts[0].text = "runbook \"Test\" {\n  deadline 1m\n  rollback within 1m\n  log \"x\"\n}\n".to_owned();
    })
    .ended(0);
    other.says(&["do not fit", "is done: v1"]);
}

#[test]
fn what_runs_beside_each_other_stands_under_each_other() {
    let step = |name: &str| {
        format!(
            "    step \"{name}\" {{\n      $ sleep 0.3; touch {name}\n      $ sleep 0.3; touch {name}-2\n      rollback {{ $ rm {name} }}\n    }}\n"
        )
    };
    let desk = Desk::of(&format!("  parallel {{\n{}{}  }}", step("a"), step("longer")));
    desk.say(&["run", "book.rbk"]).ended(0);
    let said = shown(&desk, &[]).ended(0).out;
    let at: Vec<usize> = said.lines().filter_map(|line| line.chars().position(|c| c == '│')).collect();
    assert!(at.len() >= 3 && at.iter().all(|column| *column == at[0]), "{said}");
}

#[test]
fn the_last_run_is_shown_and_reported_by_its_book_or_without() {
    let desk = super::undone();
    let (run, _) = desk.last();
    for look in ["show", "report"] {
        let named = desk.say(&[look, &run]).out;
        let book =
            serde_json::from_str::<serde_json::Value>(&desk.say(&["show", &run, "--format", "json"]).out).unwrap();
        assert_eq!(desk.say(&[look, "--last"]).out, named);
        assert_eq!(desk.say(&[look, "--last", book["book"].as_str().unwrap()]).out, named);
        desk.say(&[look, "--last", "other"]).ended(2).says(&["no run of `other`"]);
        desk.say(&[look]).ended(2);
    }
}
