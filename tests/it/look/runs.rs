//! `rbk runs`: where a run stands that is not over, and which run a person means.
use super::*;

fn listed(desk: &Desk) -> J {
    json(&desk.say(&["runs", "--format", "json"]).ended(0))["runs"].clone()
}

#[test]
fn a_run_that_is_not_over_tells_what_it_waits_for() {
    let desk = asking();
    desk.say(&["runs"]).ended(0).says(&["stopped", "asks: Go on?"]);
    let waits = listed(&desk)[0]["waits_for"][0].clone();
    assert_eq!((&waits["kind"], &waits["text"]), (&"answer".into(), &"Go on?".into()));
    desk.resume(&["--answer", "Go on?=yes"]).ended(0);
    assert!(listed(&desk)[0].get("waits_for").is_none());

    let desk = Desk::of("  step \"mark\" {\n    $ touch ready\n    rollback none \"nothing\"\n  }\n  wait 5m");
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.say(&["runs"]).ended(0).says(&["waits until 20"]);
    let waits = listed(&desk)[0]["waits_for"][0].clone();
    assert_eq!(waits["kind"], "wait");
    let due: rbk::value::Timestamp = waits["due"].as_str().unwrap().parse().unwrap();
    let left = due.duration_since(rbk::value::Timestamp::now()).as_secs();
    assert!((200..=300).contains(&left), "{left}");
    shown(&desk, &[]).ended(0).says(&["It stands here", "waits until 20"]);

    let gate = gate("go");
    let desk =
        Desk::of(&format!("  step \"slow\" {{\n    $ touch started; {gate}\n    rollback {{ $ rm started }}\n  }}"));
    desk.killed_at(&["run", "book.rbk"], "started");
    desk.say(&["runs"]).ended(0).says(&["in doubt (slow): $ touch started"]);
    assert_eq!(listed(&desk)[0]["waits_for"][0]["kind"], "doubt");
    desk.write("go", "");

    // What only reads is not on the disk at once: what was done before it is.
    let desk = Desk::of(
        "  step \"mark\" {\n    $ touch marked\n    rollback none \"nothing\"\n  }\n  step \"look at it\" readonly {\n    wait up to 1m every 20ms until $ ./look\n  }",
    );
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("ready");
    crate::stage::until("it is on the disk", std::time::Duration::from_secs(30), || {
        listed(&desk)[0].get("waits_for").is_some()
    });
    desk.say(&["runs"]).ended(0).says(&["running", "(pid "]);
    desk.write("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_run_that_waits_for_a_condition_tells_which_since_when_and_how_long_at_most() {
    let desk = Desk::of("  step \"late\" readonly {\n    wait up to 5m every 20ms until $ ./look\n  }");
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("ready");
    let words = ["waits since 20", "at most until 20", "(late): until $ ./look"];
    desk.say(&["runs"]).ended(0).says(&words);
    let waits = listed(&desk)[0]["waits_for"][0].clone();
    assert_eq!((&waits["kind"], &waits["text"]), (&"until".into(), &"until $ ./look".into()));
    let hour = |of: &str| waits[of].as_str().unwrap().parse::<rbk::value::Timestamp>().unwrap();
    let most = hour("due").duration_since(hour("since")).as_secs();
    assert!((299..=301).contains(&most), "{waits}");
    child.kill().unwrap();
    child.wait().unwrap();
    desk.say(&["runs"]).ended(0).says(&["waits since 20", "for ", " more (late): until $ ./look"]);
    let waits = listed(&desk)[0]["waits_for"][0].clone();
    let left = waits["left"].as_f64().unwrap();
    assert!(waits["due"].is_null() && (200.0..=300.0).contains(&left), "{waits}");
    shown(&desk, &[]).ended(0).says(&["It stands here", " more (late): until $ ./look"]);
    desk.write("go", "");
    desk.resume(&[]).ended(0).says(&["… until $ ./look  up to "]);
}

#[test]
fn a_runbook_that_no_run_is_of_is_told_with_the_nearest_name() {
    let desk = asking();
    for name in ["Test", "book.rbk", "book"] {
        let said = desk.say(&["runs", "--book", name]).ended(0).says(&["Test"]);
        assert!(!said.out.contains("no run"), "{}", said.out);
    }
    desk.say(&["runs", "--book", "other.rbk"]).ended(0).says(&["no run of `other.rbk`"]);
    desk.say(&["runs", "--book", "Tset"]).ended(0).says(&["no run of `Tset`", "did you mean `Test`?"]);
}

/// A run that is undone, and a newer one that was refused: another holds its lock.
fn with_one_refused() -> (Desk, String) {
    let text = |lock: &str| {
        format!(
            "runbook \"Test\" {{\n  deadline 1m\n  rollback within 1m\n  param hold: bool = false\n{lock}  step \"a\" {{\n    $ touch a\n    rollback {{ $ rm a }}\n  }}\n  if hold {{\n    wait up to 30s every 20ms until $ ./look\n  }}\n}}\n"
        )
    };
    let desk = Desk::new(&text("  lock \"site\"\n"));
    desk.write("holder.rbk", &text("  lock \"site\"\n").replace("Test", "Holder"));
    desk.killed_at(&["run", "holder.rbk", "--set", "hold=true"], "ready");
    let (holder, _) = desk.last();
    desk.say(&["run", "book.rbk"]).ended(2).says(&["the lock `site`"]);
    (desk, holder)
}

#[test]
fn a_refused_run_is_listed_by_its_state_and_meant_only_where_there_is_no_other() {
    let (desk, holder) = with_one_refused();
    let (refused, state) = desk.last();
    assert_eq!(state, "refused");
    let only = json(&desk.say(&["runs", "--state", "refused", "--format", "json"]).ended(0));
    assert_eq!(only["runs"].as_array().unwrap().len(), 1);
    assert_eq!(only["runs"][0]["run"], refused.as_str());
    // Both ids begin alike.
    desk.say(&["show", "20"]).ended(0).says(&[&holder]);
    desk.say(&["show", &refused]).ended(0).says(&["refused", "the lock `site`"]);
    desk.say(&["rollback", "--last", "Test"]).ended(2).says(&[&refused, "refused before its first action"]);
    desk.say(&["rollback", &holder]).ended(0);
    desk.say(&["run", "book.rbk"]).ended(0);
    let (good, _) = desk.last();
    desk.say(&["rollback", "--last", "Test"]).ended(0);
    assert_eq!(desk.last(), (good, "undone".to_owned()));
}
