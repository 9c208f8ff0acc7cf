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

/// The first limit in seconds that a process going on with the run tells, as an event of this kind; then it is killed, after
/// so many seconds.
fn told(desk: &Desk, kind: &str, lives: u64) -> i64 {
    let (run, _) = desk.last();
    let said = std::fs::File::create(desk.path().join("said")).unwrap();
    let mut child = desk.command(&["resume", &run, "--format", "json"]).stdout(said).spawn().unwrap();
    let find = || {
        let text = desk.read("said");
        let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut limits = events.filter(|event| event["event"] == kind).map(|event| event["limit"].clone());
        limits.find_map(|limit| limit.as_f64())
    };
    stage::until("its limit is told", Duration::from_secs(30), || find().is_some());
    std::thread::sleep(Duration::from_secs(lives));
    child.kill().unwrap();
    child.wait().unwrap();
    find().unwrap() as i64
}

fn waiting_long(env: &[(&str, &str)]) -> Desk {
    let desk = Desk::of("  wait up to 5m every 100ms until $ ./look");
    env.iter().fold(desk, |desk, (name, value)| desk.env(name, value))
}

#[test]
fn what_was_waited_before_each_death_is_charged() {
    let desk = waiting_long(&[]);
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("ready");
    std::thread::sleep(Duration::from_secs(3));
    child.kill().unwrap();
    child.wait().unwrap();
    // While nothing runs nothing is charged.
    std::thread::sleep(Duration::from_secs(2));
    let first = told(&desk, "wait", 3);
    assert!((250..=298).contains(&first), "{first} s are left");
    let second = told(&desk, "wait", 0);
    assert!(second <= first - 2, "{first} s, then {second} s are left");
    // Who only looks takes nothing away from that.
    let moved = desk.command(&["resume", &desk.last().0]).env("KUBECONFIG", "/elsewhere").output().unwrap();
    assert_eq!(moved.status.code(), Some(2), "{}", stage::text(&moved.stderr));
    let third = told(&desk, "wait", 0);
    assert!(third <= second, "{second} s, then {third} s are left");
    desk.write("go", "");
    desk.resume(&[]).ended(0);
    let left = std::fs::read_dir(desk.path().join("state/journal.db-runs")).unwrap().flatten();
    let left: Vec<_> = left.filter(|file| file.path().extension().is_some_and(|ending| ending == "lease")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_was_waited_until_a_second_signal_is_charged() {
    use nix::sys::signal::{Signal, kill};
    let desk = waiting_long(&[]);
    let mut child = desk.start(&["run", "book.rbk", "--on-failure", "stop"]);
    desk.until("ready");
    std::thread::sleep(Duration::from_secs(3));
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    while child.try_wait().unwrap().is_none() {
        kill(pid, Signal::SIGTERM).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let left = told(&desk, "wait", 0);
    assert!((250..=298).contains(&left), "{left} s are left");
}

#[test]
fn a_limit_of_a_step_goes_on_where_its_process_died() {
    let desk = Desk::of("  step \"a\" timeout 12s {\n    wait up to 5m every 100ms until $ ./look\n  }\n");
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("ready");
    std::thread::sleep(Duration::from_secs(8));
    child.kill().unwrap();
    child.wait().unwrap();
    let wait = took(|| drop(desk.resume(&[]).ended(1).says(&["took longer than 12s"])));
    assert!(wait < Duration::from_secs(10), "it had 4 s left, and took {wait:?}");
}

#[test]
fn a_watch_that_begins_its_window_anew_is_told_again() {
    let desk = Desk::of("  watch \"calm\" for 5m every 100ms {\n    guard \"seen\": $ ./look\n  }");
    desk.write("go", "");
    desk.killed_at(&["run", "book.rbk"], "ready");
    let left = told(&desk, "wait", 1);
    assert_eq!(left, 300, "its whole window");
    let report = desk.say(&["report", "--last", "--format", "json"]).ended(0).out;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let waits = report["steps"].as_array().unwrap().iter().filter(|step| step["kind"] == "wait");
    assert_eq!(waits.count(), 1, "{report}");
}
