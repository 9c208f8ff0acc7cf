//! `rbk resume --last`, `--due`, and the timer that calls it.
use super::*;

fn book(title: &str, body: &str) -> String {
    format!("runbook \"{title}\" {{\n  deadline 2h\n  rollback within 1m\n{body}\n}}\n")
}

/// Says that it is there, waits, and goes on.
fn waits(name: &str, time: &str) -> String {
    book(
        name,
        &format!(
            "  step \"first\" {{\n    $ touch {name}-ready\n    rollback none \"a file\"\n  }}\n  wait {time}\n  step \"then\" {{\n    $ touch {name}-done\n    rollback none \"a file\"\n  }}"
        ),
    )
}

/// Runs of four books: one whose hour has come, one whose has not, one that asks, one of another place.
fn four() -> Desk {
    let desk = Desk::new(&waits("soon", "1s"));
    desk.write("late.rbk", &waits("late", "1h"));
    desk.write("asks.rbk", &book("asks", "  confirm \"Go on?\"\n  log \"went on\""));
    desk.write("away.rbk", &waits("away", "1s"));
    desk.killed_at(&["run", "book.rbk"], "soon-ready");
    desk.killed_at(&["run", "late.rbk"], "late-ready");
    desk.say(&["run", "asks.rbk", "--on-question", "stop"]).ended(4);
    let mut away = desk.command(&["run", "away.rbk"]).env("KUBECONFIG", "/elsewhere").spawn().unwrap();
    desk.until("away-ready");
    std::thread::sleep(Duration::from_millis(300));
    away.kill().unwrap();
    away.wait().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    desk
}

fn states(desk: &Desk) -> Vec<(String, String)> {
    let said = desk.say(&["runs", "--format", "json"]).ended(0);
    let listed: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let text = |run: &serde_json::Value, field: &str| run[field].as_str().unwrap().to_owned();
    listed["runs"].as_array().unwrap().iter().map(|run| (text(run, "book"), text(run, "state"))).collect()
}

#[test]
fn what_is_due_goes_on_and_the_rest_is_left_alone_and_named() {
    let desk = four();
    let said = desk.say(&["resume", "--due"]).ended(0);
    let said = said.says(&[
        "(late) is left alone: it waits until",
        "(asks) is left alone: it waits for an answer to `Go on?`",
        "(away) is left alone: the run was started in another place",
    ]);
    assert!(desk.has("soon-done") && !desk.has("late-done") && !desk.has("away-done"), "{}{}", said.out, said.err);
    let expected = [("away", "interrupted"), ("asks", "stopped"), ("late", "interrupted"), ("soon", "succeeded")];
    assert_eq!(states(&desk), expected.map(|(book, state)| (book.to_owned(), state.to_owned())));
    desk.say(&["resume", "--due", "--answer", "Go on?=yes"]).ended(0).says(&["went on"]);
    assert_eq!(states(&desk)[1], ("asks".to_owned(), "succeeded".to_owned()));
}

#[test]
fn what_a_failure_stopped_is_left_alone_until_somebody_has_looked() {
    let desk = Desk::new(&book(
        "broken",
        "  step \"look\" {\n    $ echo tried >> log; test -e mended\n    rollback none \"a file\"\n  }",
    ));
    desk.say(&["run", "book.rbk", "--on-failure", "stop"]).ended(4);
    desk.say(&["resume", "--due"])
        .ended(0)
        .says(&["(broken) is left alone: it failed and was stopped there", "exited with code 1"]);
    assert_eq!((desk.read("log").as_str(), desk.last().1.as_str()), ("tried\n", "stopped"));
}

#[test]
fn the_worst_of_what_is_due_is_the_exit_code() {
    let failing = |name: &str, undo: &str| {
        book(
            name,
            &format!(
                "  step \"a\" {{\n    $ touch {name}-ready\n    rollback timeout 2s {{ $ {undo} }}\n  }}\n  wait 500ms\n  fail \"on purpose\""
            ),
        )
    };
    let desk = Desk::new(&failing("left", "false"));
    desk.write("undone.rbk", &failing("undone", "true"));
    desk.killed_at(&["run", "book.rbk"], "left-ready");
    desk.killed_at(&["run", "undone.rbk"], "undone-ready");
    desk.say(&["resume", "--due"]).ended(3).says(&["a person is needed", "everything done is undone"]);
    desk.say(&["resume", "--due"]).ended(0).says(&["no run was left"]);
}

#[test]
fn the_last_run_of_all_or_of_a_book_is_resumed() {
    let desk = Desk::new(&waits("soon", "500ms"));
    desk.write("other.rbk", &waits("other", "500ms"));
    desk.killed_at(&["run", "book.rbk"], "soon-ready");
    desk.killed_at(&["run", "other.rbk"], "other-ready");
    desk.say(&["resume", "--last", "soon"]).ended(0);
    assert!(desk.has("soon-done") && !desk.has("other-done"));
    desk.say(&["resume", "--last"]).ended(0);
    assert!(desk.has("other-done"));
    desk.say(&["resume", "--last"]).ended(2).says(&["it succeeded"]);
    desk.say(&["resume", "--last", "none"]).ended(2).says(&["no run of `none`"]);
    desk.say(&["resume"]).ended(2);
}

/// The units of `docs/resume.md`, with this rbk in them.
fn units() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(stage::repo("docs/resume.md")).unwrap();
    let fences = page.split("```ini\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let named = fences.map(|text| {
        let name = text.lines().next().unwrap().trim_start_matches("# ").rsplit('/').next().unwrap();
        (name.to_owned(), text.replace("%h/.cargo/bin/rbk", env!("CARGO_BIN_EXE_rbk")))
    });
    named.collect()
}

#[test]
fn the_timer_of_the_docs_is_one_and_its_command_resumes_what_is_due() {
    let units = units();
    let names: Vec<&str> = units.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["rbk-resume.service", "rbk-resume.timer"]);
    let dir = stage::dir();
    for (name, text) in &units {
        std::fs::write(dir.path().join(name), text).unwrap();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let section = line.starts_with('[') && line.ends_with(']');
            assert!(
                section || line.split_once('=').is_some_and(|(key, value)| !key.is_empty() && !value.is_empty()),
                "{line}"
            );
        }
    }
    let paths = units.iter().map(|(name, _)| dir.path().join(name));
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).args(paths).output() {
        Ok(output) => {
            let said = stage::text(&output.stderr);
            assert!(!said.contains("rbk-resume"), "{said}");
        }
        Err(error) => println!("not verified: {error}"),
    }
    let start = units[0].1.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let words: Vec<&str> = start.split(' ').skip(1).collect();
    let desk = Desk::new(&waits("soon", "500ms"));
    desk.killed_at(&["run", "book.rbk"], "soon-ready");
    std::thread::sleep(Duration::from_millis(500));
    desk.say(&words).ended(0);
    assert!(desk.has("soon-done"));
}
