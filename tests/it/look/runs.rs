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
    let kind = listed(&desk)[0]["waits_for"][0]["kind"].clone();
    assert!(kind == "step" || kind == "action", "{kind}");
    desk.write("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
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
