//! What `plan` says would happen, without doing it.
use rbk::check::budget;
use rbk::check::{self, stdlib::Embedded};
use rbk::plan::{self, Asked, Kind, Node, Plan, UnwindKind};
use rbk::report::plan::{Format, render};
use rbk::source::Sources;
use rbk::syntax;

fn program(text: &str) -> (Sources, check::Program) {
    let mut sources = Sources::default();
    let file = sources.add("test.rbk", text);
    let parsed = syntax::parse(file, text);
    assert!(parsed.diagnostics.is_empty(), "{:#?}", parsed.diagnostics);
    let checked = check::check(&mut sources, file, &parsed.ast, &Embedded);
    (sources, checked.program.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics)))
}

fn planned(text: &str) -> Plan {
    let (sources, program) = program(text);
    plan::plan(&program, &sources, &budget::defaults(&program))
}

/// The questions that are open with these answers, as `path source`.
fn open(text: &str, answers: &[(&str, &str)]) -> Vec<String> {
    let (sources, program) = program(text);
    let answer = |q: &Asked| answers.iter().find(|(l, _)| *l == q.source || *l == q.path).map(|(_, a)| (*a).to_owned());
    let open = plan::questions(&program, &sources, &budget::defaults(&program), &answer);
    open.into_iter().map(|q| format!("{} {}", q.path, q.source)).collect()
}

const DEPLOY: &str = r##"action drain(name: string) {
  $ lbctl drain #{name}
  rollback timeout 5s { $ lbctl enable #{name} }
}

## Put a release into service.
runbook "Deploy #{version}" {
  owner    "web"
  deadline 10m
  rollback within 2m
  lock     "deploy-#{pool}"
  param version: string = "v2"
  param pool: "blue" | "green" = "green"
  param hosts: list<string> = ["web-1", "web-2"]
  secret token = env("TOKEN")
  connect db = postgres(env("DATABASE_URL"))

  step "Pre-flight" readonly timeout 1m {
    guard "migrations": $ python migrations.py --check
    guard "room": db.value("SELECT 1") < 80
  }
  step "Build #{version}" timeout 2m retry 1 every 10s {
    let previous = $ cat VERSION
    $ ./build.sh #{pool} #{version}
    rollback timeout 20s { $ ./build.sh #{pool} #{previous} }
  }
  for host in hosts parallel 2 {
    drain(host)
  }
  step "Scratch" {
    db.exec("CREATE DATABASE scratch")
    rollback none "dropped by hand"
  }
  confirm "Switch to #{version}?" within 1m
  step "Switch" {
    $ ./switch.sh
    irreversible "the old pool is gone"
  }
  if pool == "green" { step "Tidy" { $ ./tidy.sh
    rollback manual "look" } }
  on failure { log "oh" }
}
"##;

fn find<'a>(nodes: &'a [Node], kind: Kind, text: &str) -> Option<&'a Node> {
    nodes.iter().find_map(
        |n| {
            if n.kind == kind && n.text.contains(text) { Some(n) } else { find(&n.children, kind, text) }
        },
    )
}

#[test]
fn the_tree_says_what_would_run_with_the_values_that_are_known() {
    let plan = planned(DEPLOY);
    let build = find(&plan.nodes, Kind::Step, "Build v2").unwrap();
    assert_eq!(build.path, "10");
    assert_eq!(build.retry.as_deref(), Some("1 every 10s"));
    assert_eq!(find(&build.children, Kind::Do, "").unwrap().text, "$ ./build.sh green v2");
    assert_eq!(build.undo.as_ref().unwrap().text, "$ ./build.sh green #{previous}");
    let drain = find(&plan.nodes, Kind::Element, "web-2").unwrap();
    assert_eq!(drain.path, "11[1]");
    assert_eq!(drain.children[0].kind, Kind::Action);
    assert_eq!(drain.children[0].undo.as_ref().unwrap().text, "$ lbctl enable web-2");
    assert_eq!(plan.locks, ["deploy-green"]);
    assert_eq!(plan.trusted.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["$ python migrations.py --check"]);
    assert_eq!(plan.inexact.len(), 1, "{:?}", plan.inexact);
}

#[test]
fn worst_cases_are_added_up() {
    let plan = planned(DEPLOY);
    // 1m + 2 * 2m + 10s + 20s of undo between the attempts + 1m to answer
    assert_eq!(rbk::value::show::duration(plan.forward.worst), "6m30s");
    // 20s and one round of 5s
    assert_eq!(rbk::value::show::duration(plan.back.worst), "25s");
    let unknown = planned(
        "runbook \"t\" {\n owner \"me\"\n deadline 1m\n rollback within 1m\n connect db = postgres(\"postgresql://x\")\n \
         let ids = db.rows(\"SELECT 1\")\n for id in ids { wait 1s }\n}",
    );
    assert_eq!(unknown.forward.unbounded.len(), 1);
}

#[test]
fn what_has_no_limit_is_named_beside_the_worst_case() {
    let text = r#"runbook "t" {
  deadline 15s
  rollback within 5s
  secret pw = prompt("Password of the database")
  let seen = readonly $ cat seen
  step "a" timeout 1s {
    $ touch a
    rollback timeout 1s { $ rm a }
  }
  step "b" {
    $ sleep 3
    rollback { $ rm b }
  }
  step "around" { step "inner" timeout 2s { guard "g": $ true } }
  step "asks" timeout 1s { confirm "sure?" }
  for x in seen.lines() { step "loop" { guard "h": $ true } }
}"#;
    let plan = planned(text);
    assert_eq!(plan.forward.unlimited, ["$ cat seen", "b", "asks", "loop"]);
    assert_eq!(plan.back.unlimited, ["b"]);
    let human = render(&plan, Format::Human);
    let said =
        r#"deadline         15s (at most 4s, and what has no limit of its own: "$ cat seen", "b", "asks", "loop")"#;
    assert!(human.contains(said), "{human}");
    assert!(human.contains(r#"rollback within  5s (at most 1s, and what has no limit of its own: "b")"#), "{human}");
    assert!(human.contains("first  Password of the database (secret pw, typed unseen)"), "{human}");
    let json: serde_json::Value = serde_json::from_str(&render(&plan, Format::Json)).unwrap();
    assert_eq!(json["forward"]["unlimited"], serde_json::json!(["$ cat seen", "b", "asks", "loop"]));
    assert_eq!(json["questions"][0]["kind"], "secret");
    assert_eq!(json["questions"][0]["label"], "pw");
    assert!(render(&plan, Format::Markdown).contains("(secret `pw`, typed unseen)"));
    let limited = planned("runbook \"t\" {\n deadline 1m\n step \"a\" timeout 1s { guard \"g\": $ true }\n}");
    assert_eq!(limited.forward.unlimited, [""; 0]);
    assert!(render(&limited, Format::Human).contains("1m (at most 1s)"));
}

#[test]
fn the_way_back_is_the_way_forward_in_reverse() {
    let plan = planned(DEPLOY);
    let order: Vec<(UnwindKind, &str)> = plan.unwinding.iter().map(|u| (u.kind, u.name.as_str())).collect();
    assert_eq!(order[0].0, UnwindKind::IfTaken);
    assert_eq!(plan.unwinding[0].inside[0].kind, UnwindKind::Manual);
    assert_eq!(order[1], (UnwindKind::Wall, "Switch"));
    assert_eq!(order[2], (UnwindKind::None, "Scratch"));
    assert_eq!(order[3].0, UnwindKind::Together);
    let hosts: Vec<&str> = plan.unwinding[3].inside.iter().map(|u| u.name.as_str()).collect();
    assert_eq!(hosts, ["host = web-2", "host = web-1"]);
    assert_eq!(order[4], (UnwindKind::Rollback, "Build v2"));
    assert_eq!(order.len(), 5);
}

#[test]
fn k1_only_questions_that_can_be_reached_are_asked_for() {
    assert_eq!(open(DEPLOY, &[]), ["13 Switch to #{version}?", "14 Switch"]);
    assert_eq!(open(DEPLOY, &[("Switch to #{version}?", "yes"), ("14", "yes")]), [""; 0]);
    let choose = "runbook \"t\" {\n owner \"me\"\n deadline 1m\n rollback within 1m\n param ask: bool = false\n \
                  choose \"what?\" {\n option \"a\" { confirm \"A?\" }\n option \"b\" { confirm \"B?\" }\n }\n \
                  if ask { confirm \"never\" }\n step \"s\" when not ask { confirm \"C?\" }\n}";
    assert_eq!(open(choose, &[]), ["4 what?", "4.0/0 A?", "4.1/0 B?", "6/0 C?"]);
    assert_eq!(open(choose, &[("what?", "b")]), ["4.1/0 B?", "6/0 C?"]);
    assert_eq!(open(choose, &[("what?", "b"), ("4.1/0", "yes"), ("C?", "no")]), [""; 0]);
}

#[test]
fn for_people_it_is_a_tree() {
    let text = render(&planned(DEPLOY), Format::Human);
    let expected = r#"Deploy #{version}
  Put a release into service.
  version = v2
  pool = green
  hosts = ["web-1", "web-2"]
  deadline         10m (at most 6m30s, and what has no limit of its own: "drain", "Scratch", "Switch", "Tidy")
  rollback within  2m (at most 25s)
  lock             deploy-green

  step "Pre-flight"   (readonly · at most 1m)
    guard "migrations": $ python migrations.py --check
    guard "room": db.value("SELECT 1") < 80
  step "Build v2"   (at most 2m · retry 1 every 10s · 4m30s in all)
    let previous = $ cat VERSION
    $ ./build.sh green v2
    ↩ undone by $ ./build.sh green #{previous} (at most 20s)
  for host in hosts parallel 2 (2 elements, at most 2 at once)
    host = web-1
      drain(host)
        $ lbctl drain web-1
        ↩ undone by $ lbctl enable web-1 (at most 5s)
    host = web-2
      drain(host)
        $ lbctl drain web-2
        ↩ undone by $ lbctl enable web-2 (at most 5s)
  step "Scratch"
    db.exec("CREATE DATABASE scratch")
    ↩ nothing to undo: dropped by hand
  confirm "Switch to v2?"   (at most 1m)
  step "Switch"
    $ ./switch.sh
    ↩ cannot be undone: the old pool is gone
  if pool == "green"
    step "Tidy"
      $ ./tidy.sh
      ↩ undone by a person: look
  on failure
    log "oh"

If it fails, what has run is undone in this order:
  if pool == "green":
    "Tidy": a person must: look
  "Switch": POINT OF NO RETURN, once reached nothing below is undone: the old pool is gone
  "Scratch": nothing to undo: dropped by hand
  host in hosts parallel 2 (2 elements, at most 2 at once), undone at once:
    host = web-2:
      drain(host): $ lbctl enable web-2 (at most 5s)
    host = web-1:
      drain(host): $ lbctl enable web-1 (at most 5s)
  "Build v2": $ ./build.sh green #{previous} (at most 20s)

A person is asked:
  13  Switch to v2? (yes or no)
  14  Switch (point of no return, by the step's name)

Not known to only read; taken as the author's word (`reads "…"` says it once):
  9/0  $ python migrations.py --check

Not exact: after a crash in the middle nobody can prove whether it happened:
  12/0  db.exec("CREATE DATABASE scratch")
"#;
    assert_eq!(text, expected, "{text}");
}

#[test]
fn values_are_shown_as_a_command_gets_them() {
    let plan = planned(
        "runbook \"t\" {\n owner \"me\"\n deadline 1m\n rollback within 1m\n param cmd: list<string> = [\"sudo\", \"nginx\"]\n \
         param name: string = \"it's a\"\n param grace: duration = 90s\n step \"s\" { $ #{cmd} -t #{name} #{grace}\n rollback none \"w\" }\n}",
    );
    assert_eq!(find(&plan.nodes, Kind::Do, "").unwrap().text, r"$ sudo nginx -t 'it'\''s a' 90");
}

#[test]
fn for_programs_it_is_one_object() {
    let text = render(&planned(DEPLOY), Format::Json);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["v"], 1);
    assert_eq!(json["steps"][1]["undo"]["kind"], "rollback");
    assert_eq!(json["steps"][1]["timeout"], 120);
    assert_eq!(json["forward"]["limit"], 600);
    assert_eq!(json["questions"][0]["label"], "Switch to #{version}?");
}

#[test]
fn a_ticket_and_a_chart() {
    let plan = planned(DEPLOY);
    let markdown = render(&plan, Format::Markdown);
    assert!(markdown.contains("## If it fails") && markdown.contains("- `step \"Build v2\"`"), "{markdown}");
    let chart = render(&plan, Format::Mermaid);
    assert!(chart.starts_with("flowchart TD\n") && chart.contains("-.->"), "{chart}");
    assert!(!chart.lines().any(|l| l.matches('"').count() % 2 == 1), "{chart}");
}
