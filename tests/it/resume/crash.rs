//! kill -9 in the middle of a run.
use super::*;

/// Twenty steps, each writes its line; `here` stops the run between two of them.
fn twenty(here: &str) -> Desk {
    Desk::of(&format!(
        r#"  for n in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] {{
    step "first #{{n}}" {{
      $ echo a#{{n}} >> log
      rollback {{ $ echo -a#{{n}} >> log }}
    }}
  }}
{here}
  for n in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] {{
    step "then #{{n}}" {{
      $ echo b#{{n}} >> log
      rollback {{ $ echo -b#{{n}} >> log }}
    }}
  }}"#
    ))
}

fn lines(prefix: &str, numbers: impl Iterator<Item = u32>) -> String {
    numbers.map(|n| format!("{prefix}{n}\n")).collect()
}

#[test]
fn a_run_that_was_killed_is_interrupted_and_resume_finishes_it() {
    let desk = twenty("  wait up to 1m every 20ms until $ ./look");
    desk.killed_at(&["run", "book.rbk"], "ready");
    assert_eq!(desk.last().1, "interrupted");
    assert_eq!(desk.read("log"), lines("a", 1..=10));
    desk.write("go", "");
    desk.resume(&[]).ended(0).says(&["resumed", "then 10"]);
    assert_eq!(desk.last().1, "succeeded");
    assert_eq!(desk.read("log"), lines("a", 1..=10) + &lines("b", 1..=10), "nothing is done twice");
    desk.resume(&[]).ended(2).says(&["has ended: it succeeded", "rbk rollback"]);
}

#[test]
fn a_run_that_was_killed_can_be_rolled_back() {
    let desk = twenty("  wait up to 1m every 20ms until $ ./look");
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.rollback(&[]).ended(0).says(&["undone: first 10", "✓ Undone"]);
    assert_eq!(desk.last().1, "undone");
    assert_eq!(desk.read("log"), lines("a", 1..=10) + &lines("-a", (1..=10).rev()));
    desk.rollback(&[]).ended(0).says(&["undone already"]);
    desk.resume(&[]).ended(2).says(&["it was undone"]);
}

#[test]
fn a_wait_keeps_its_hour() {
    let desk = Desk::of(
        "  step \"mark\" {\n    $ touch ready\n    rollback none \"nothing\"\n  }\n  wait 4s\n  log \"waited\"",
    );
    desk.killed_at(&["run", "book.rbk"], "ready");
    std::thread::sleep(Duration::from_secs(5));
    let wait = took(|| drop(desk.resume(&[]).ended(0).says(&["waited"])));
    assert!(wait < Duration::from_secs(3), "it was over while nobody held the run: {wait:?}");
}

#[test]
fn a_long_wait_is_gone_on_with() {
    let desk = Desk::of("  step \"mark\" {\n    $ touch ready\n    rollback none \"nothing\"\n  }\n  wait 5m");
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    let said = std::fs::File::create(desk.path().join("said")).unwrap();
    let mut child = desk.command(&["resume", &run]).stdout(said).spawn().unwrap();
    stage::until("what is left is told", Duration::from_secs(30), || desk.read("said").contains("… wait "));
    assert!(child.try_wait().unwrap().is_none(), "the wait is not over");
    assert_eq!(desk.last().1, "running");
    child.kill().unwrap();
    child.wait().unwrap();
    desk.rollback(&[]).ended(0);
}

#[test]
fn e7_of_two_that_resume_at_the_same_instant_exactly_one_does() {
    let desk = twenty("  wait up to 1m every 20ms until $ ./look");
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    let mut both = [desk.start(&["resume", &run]), desk.start(&["resume", &run])];
    let refused = loop {
        let ended = both.iter_mut().position(|child| child.try_wait().unwrap().is_some());
        if let Some(ended) = ended {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(both[refused].wait().unwrap().code(), Some(2));
    desk.say(&["resume", &run]).ended(2).says(&[&run, "pid"]);
    desk.write("go", "");
    assert_eq!(both[1 - refused].wait().unwrap().code(), Some(0));
    assert_eq!(desk.read("log"), lines("a", 1..=10) + &lines("b", 1..=10));
}

#[test]
fn e2_a_lock_stays_with_a_run_that_is_not_over() {
    let text = r#"runbook "Test" {
  deadline 1m
  rollback within 1m
  lock "site"
  param hold: bool = true
  step "a" {
    $ echo a >> log
    rollback { $ echo -a >> log }
  }
  if hold {
    wait up to 30s every 20ms until $ ./look
  }
}
"#;
    let desk = Desk::new(text);
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    desk.say(&["run", "book.rbk", "--set", "hold=false"]).ended(2).says(&[
        "the lock `site`",
        &run,
        &format!("rbk resume {run}"),
        "rbk rollback",
        "rbk close",
    ]);
    desk.say(&["close", &run, "--reason", "undone by hand"]).ended(0).says(&["is closed"]);
    desk.say(&["run", "book.rbk", "--set", "hold=false"]).ended(0);
    assert_eq!(desk.read("log"), "a\na\n");
    desk.say(&["resume", &run]).ended(2).says(&["closed"]);
}

#[test]
fn a_run_that_was_killed_before_its_first_word_starts_or_is_undone() {
    for (door, log) in [("resume", "a\n"), ("rollback", "")] {
        let desk = Desk::of("  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }");
        let killed = desk.command(&["run", "book.rbk"]).env("RBK_CRASH_AT", "1").output().unwrap();
        assert_eq!(killed.status.code(), None);
        let (run, state) = desk.last();
        assert_eq!(state, "interrupted");
        desk.say(&[door, &run]).ended(0);
        assert_eq!(desk.read("log"), log, "{door}");
    }
}

#[test]
fn two_waits_that_began_at_once_are_each_told_where_they_stand() {
    let desk = Desk::of(
        "  step \"mark\" {\n    $ touch ready\n    rollback none \"nothing\"\n  }\n  parallel {\n    wait 3s\n    wait 4s\n  }",
    );
    desk.killed_at(&["run", "book.rbk"], "ready");
    let said = desk.resume(&["--format", "json"]).ended(0).out;
    let events = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let waits: Vec<String> = events
        .filter(|event| event["event"] == "wait")
        .map(|event| event["path"].as_str().unwrap().to_owned())
        .collect();
    assert!(waits.len() == 2 && waits[0] != waits[1], "{waits:?}");
}

#[test]
fn where_processes_are_written_down_is_for_their_owner_alone_also_where_it_was_not() {
    let desk = Desk::of("  step \"a\" {\n    $ touch a\n    rollback { $ rm a }\n  }");
    let dir = desk.path().join("state/processes");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(desk.path().join("state"), std::fs::Permissions::from_mode(0o700)).unwrap();
    desk.say(&["run", "book.rbk"]).ended(0);
    assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_the_project_knew_to_read_is_known_to_the_resume() {
    let desk = Desk::of(
        "  step \"mark\" {\n    $ touch ready\n    rollback none \"nothing\"\n  }\n  step \"ask\" {\n    $ sh ask.sh\n  }\n  wait up to \
         1m every 20ms until $ ./look\n  step \"again\" {\n    $ sh ask.sh\n  }\n  log \"heard\"",
    );
    desk.write("ask.sh", "echo asked >> log\n");
    desk.write("rbk.toml", "reads = [\"sh ask.sh\"]\n");
    desk.killed_at(&["run", "book.rbk"], "ready");
    // Whatever the project says by now.
    desk.write("rbk.toml", "reads = []\n");
    desk.write("go", "");
    desk.resume(&[]).ended(0).says(&["heard"]);
    assert_eq!(desk.last().1, "succeeded");
    assert!(desk.read("log").ends_with("asked\nasked\n"), "{}", desk.read("log"));
}
