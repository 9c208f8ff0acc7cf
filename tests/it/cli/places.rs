//! What a person reads when something went wrong: where it stands, what was running, what is still in place.
use super::{Desk, Said, book};

fn events(said: &Said) -> Vec<serde_json::Value> {
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn event<'e>(events: &'e [serde_json::Value], name: &str) -> &'e serde_json::Value {
    events.iter().rev().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name} in {events:?}"))
}

fn place(of: &serde_json::Value) -> (&str, u64) {
    (of["place"]["file"].as_str().unwrap_or(""), of["place"]["line"].as_u64().unwrap_or(0))
}

#[test]
fn a_failure_names_its_place_and_its_line() {
    let guarded = "  step \"One\" {\n    $ touch one\n    rollback { $ rm one }\n  }\n  step \"Check\" readonly {\n    guard \"room\":\n      83 < 80\n  }";
    let desk = Desk::with(&book(guarded));
    desk.rbk(&["run", "a.rbk"]).exits(1).says(&[
        "✗ Check failed after ",
        "  a.rbk:9",
        "failed: Check: guard `room` does not hold: 83 < 80",
        "at a.rbk:9: guard \"room\":",
    ]);
    let said = desk.rbk(&["run", "a.rbk", "--format", "json"]);
    let events = events(&said);
    assert_eq!(place(&event(&events, "step.finished")["failure"]), ("a.rbk", 9));
    assert_eq!(place(&event(&events, "unwinding")["failure"]), ("a.rbk", 9));
    assert_eq!(place(&event(&events, "run.finished")["failure"]), ("a.rbk", 9));
}

#[test]
fn every_kind_of_failure_names_the_statement() {
    let write = |statement: &str| format!("  step \"One\" {{\n    {statement}\n    rollback none \"nothing\"\n  }}");
    for (body, line) in [
        (write("$ exit 3"), 5),
        (write("$ \"\"\"\n    echo one\n    exit 3\n    \"\"\""), 5),
        ("  let a = [1]\n  log \"#{a[7]}\"".to_owned(), 5),
        ("  let a = $(exit 3)\n  log a".to_owned(), 4),
        ("  log \"on\"\n  fail \"broken\"".to_owned(), 5),
        ("  log \"on\"\n  wait up to 100ms every 20ms until $(false)".to_owned(), 5),
        ("  step \"Slow\" timeout 200ms readonly {\n    log \"on\"\n    let a = $ sleep 60\n    log a\n  }".to_owned(), 6),
        ("  step \"Slow\" timeout 200ms readonly {\n    log \"on\"\n    wait up to 150ms every 50ms until $(false)\n  }".to_owned(), 6),
        ("  parallel {\n    log \"on\"\n    fail \"broken\"\n  }".to_owned(), 6),
        ("  for n in [1] {\n    fail \"broken\"\n  }".to_owned(), 5),
    ] {
        let said = Desk::with(&book(&body)).rbk(&["run", "a.rbk"]);
        said.exits(1).says(&["failed: ", &format!("at a.rbk:{line}: ")]);
    }
    let late =
        "runbook \"Late\" {\n  deadline 300ms\n  rollback within 5s\n  log \"on\"\n  let a = $ sleep 60\n  log a\n}\n";
    let said = Desk::with(late).rbk(&["run", "a.rbk"]);
    said.exits(1).says(&["the deadline of 300ms is over; `$ sleep 60` was running", "at a.rbk:5: let a = $ sleep 60"]);
}

#[test]
fn a_failure_in_an_action_also_names_who_called_it() {
    let library =
        "action deploy(version: string) {\n  $ echo #{version} > version\n  $ exit 3\n  rollback { $ rm version }\n}\n";
    let text = format!("use \"./lib.rbk\"\n{}", book("  step \"Ship\" {\n    lib.deploy(\"v2\")\n  }"));
    let desk = Desk::with(&text).file("lib.rbk", library);
    let said = desk.rbk(&["run", "a.rbk"]);
    said.exits(1).says(&["failed: Ship: ", "at lib.rbk:3: $ exit 3", "called at a.rbk:6: lib.deploy(\"v2\")"]);
    let said = desk.rbk(&["run", "a.rbk", "--format", "json"]);
    let events = events(&said);
    let failure = &event(&events, "run.finished")["failure"];
    assert_eq!(place(failure), ("lib.rbk", 3));
    assert_eq!((failure["called"]["file"].as_str(), failure["called"]["line"].as_u64()), (Some("a.rbk"), Some(6)));
}

const STUCK: &str = r#"  finally { $ touch finally }
  step "One" {
    $ touch one
    rollback { $ rm one }
  }
  step "Two" {
    $ touch two
    rollback {
      $ rm two
      $ echo no such host >&2; exit 7
    }
  }
  fail "broken""#;

#[test]
fn what_is_left_in_place_names_its_place_and_the_finally_that_did_not_run() {
    let desk = Desk::with(&book(STUCK));
    let said = desk.rbk(&["run", "a.rbk"]);
    said.exits(3).says(&[
        "✗ not undone: Two",
        "at a.rbk:13: $ echo no such host",
        "left in place:",
        "Two: its rollback failed",
        "at a.rbk:13: $ echo no such host",
        "One: not undone, because unwinding stopped before it",
        "at a.rbk:5: step \"One\" {",
        "the runbook: its `finally` did not run to its end",
        "at a.rbk:4: finally {",
    ]);
    assert!(desk.has("one") && !desk.has("finally"));
    std::fs::remove_file(desk.path("one")).unwrap();
    let said = desk.rbk(&["run", "a.rbk", "--format", "json"]);
    let events = events(&said);
    assert_eq!(place(&event(&events, "rollback.finished")["failure"]), ("a.rbk", 13));
    let left = event(&events, "run.finished")["left"].as_array().unwrap();
    let told: Vec<_> = left.iter().map(|left| (left["why"].as_str().unwrap(), place(left))).collect();
    assert_eq!(told, [("failed", ("a.rbk", 13)), ("not_reached", ("a.rbk", 5)), ("finally_open", ("a.rbk", 4))]);
}

#[test]
fn what_an_action_did_is_told_with_what_it_did_it_to() {
    let body = "  secret token = env(\"TOKEN\")\n  step \"Configure\" {\n    files.put(\"conf\\u{1b}/app.conf\", \"a long text\\n\" + \"of many lines, that tells nothing\")\n    lib.login(\"tester\", token)\n  }\n  fail \"broken\"";
    let library = "action login(who: string, token: secret<string>) {\n  with env({ T: token }) { $ test -n \"$T\" && touch login }\n  rollback { $ rm login }\n}\n";
    let desk = Desk::with(&format!("use \"std/files\"\nuse \"./lib.rbk\"\n{}", book(body))).file("lib.rbk", library);
    let desk = desk.file("conf\u{1b}/app.conf", "old").variable("TOKEN", "hunter2-hunter2");
    let said = desk.rbk(&["run", "a.rbk"]);
    said.exits(1).says(&[
        "undo: Configure: lib.login(\"tester\", ‹token›)",
        "undo: Configure: files.put(\"conf\\e/app.conf\", …)",
    ]);
    assert!(!said.out.contains("hunter2") && !said.out.contains('\x1b'));
}

#[test]
fn a_limit_names_the_quiet_command_that_was_running() {
    let body = "  step \"Look\" timeout 200ms readonly {\n    guard \"up\": $ sleep 61\n  }";
    let said = Desk::with(&book(body)).rbk(&["run", "a.rbk"]);
    said.exits(1).says(&["`Look` took longer than 200ms; `$ sleep 61` was running", "at a.rbk:5: guard \"up\""]);
}

#[test]
fn a_run_that_wrote_nothing_says_that_nothing_was_done() {
    let said = Desk::with(&book("  fail \"broken\"")).rbk(&["run", "a.rbk"]);
    said.exits(1).says(&["✗ Failed after ", "; nothing was done"]);
    assert!(!said.out.contains("Going back"), "{}", said.out);
    let kept = "  step \"Tell\" {\n    $ touch told\n    rollback none \"it is only told\"\n  }\n  fail \"broken\"";
    let said = Desk::with(&book(kept)).rbk(&["run", "a.rbk"]);
    said.exits(1).says(&["✗ Failed after ", "; nothing had to be undone"]);
}

/// Every path of a node of a plan that has this kind.
fn planned(node: &serde_json::Value, kind: &str, paths: &mut std::collections::BTreeSet<String>) {
    if node["kind"] == kind {
        paths.insert(node["path"].as_str().unwrap().to_owned());
    }
    let fields = node.as_object().into_iter().flat_map(|fields| fields.values());
    for inner in fields.chain(node.as_array().into_iter().flatten()) {
        planned(inner, kind, paths);
    }
}

#[test]
fn a_plan_and_a_run_name_places_alike() {
    let library = "action one(n: int) {\n  step \"one\" readonly { log \"#{n}\" }\n  return n\n}\n";
    let body = "  let a = lib.one(lib.one(1))\n  lib.one(a + lib.one(2))\n  let b = $(echo 3).int() + lib.one(4)\n  guard \"x\": lib.one(5) == 5\n  guard \"y\": lib.one(6) == 6 and lib.one(7) == 7\n  if lib.one(8) == 9 { log \"no\" } else if lib.one(9) == 9 { lib.one(10) }\n  for n in [1, 2] { lib.one(lib.one(n + b)) }\n  on success {\n    log \"on\"\n    $ touch done\n  }\n  on failure { $ touch failed }";
    let desk = Desk::with(&format!("use \"./lib.rbk\"\n{}", book(body))).file("lib.rbk", library);
    let plan: serde_json::Value = serde_json::from_str(&desk.rbk(&["plan", "a.rbk", "--format", "json"]).out).unwrap();
    let said = desk.rbk(&["run", "a.rbk", "--format", "json"]);
    said.exits(0);
    let events = events(&said);
    let ran = |name: &str, effect: Option<&str>| -> std::collections::BTreeSet<String> {
        let meant = events.iter().filter(|event| event["event"] == name && event["effect"].as_str() == effect);
        meant.map(|event| event["path"].as_str().unwrap().to_owned()).collect()
    };
    let mut steps = Default::default();
    planned(&plan, "step", &mut steps);
    assert_eq!(steps.len(), 15, "{steps:?}");
    assert_eq!(ran("step.started", None), steps);
    let mut handlers = Default::default();
    planned(&plan["on_success"], "do", &mut handlers);
    assert_eq!(ran("action.started", Some("write")), handlers);
}

#[test]
fn an_action_that_an_expression_calls_again_is_an_element_of_its_place() {
    let library = "action made(n: int) {\n  $ touch made-#{n}\n  rollback { $ rm made-#{n} }\n  return n\n}\n";
    let body = "  let all = [1, 2, 3].map(lib.made(it))\n  fail \"broken\"";
    let desk = Desk::with(&format!("use \"./lib.rbk\"\n{}", book(body))).file("lib.rbk", library);
    let said = desk.rbk(&["run", "a.rbk", "--format", "json"]);
    let events = events(&said);
    let undone = event(&events, "run.finished")["undone"].as_array().unwrap();
    let paths: Vec<&str> = undone.iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["2.100[2]", "2.100[1]", "2.100"], "{}", said.out);
}
