//! What the finished program must keep. A case is a script with `§` where the finding is to stand, and its code.
use rbk::check::{self, stdlib::Embedded};
use rbk::diag::{Code, Diagnostic};
use rbk::source::Sources;
use rbk::syntax;

/// The findings of a text, with their codes and byte offsets.
fn findings(text: &str) -> Vec<(usize, Diagnostic)> {
    let mut sources = Sources::default();
    let file = sources.add("test.rbk", text);
    let parsed = syntax::parse(file, text);
    let mut all = parsed.diagnostics;
    all.extend(check::check(&mut sources, file, &parsed.ast, &Embedded).diagnostics);
    all.into_iter().map(|d| (d.span().start as usize, d)).collect()
}

/// A whole runbook around declarations and a body.
fn book(body: &str) -> String {
    format!(
        "runbook \"test\" {{\n  owner \"me\"\n  deadline 1h\n  rollback within 10m\n  param version: string = \"v1\"\n  \
         secret db_url = env(\"DATABASE_URL\")\n  connect db = postgres(db_url)\n  connect cache = redis(\"redis://x\")\n{body}\n}}\n"
    )
}

/// Codes with the places they were found at.
fn check(text: &str) -> Vec<(usize, &'static str)> {
    findings(text).into_iter().map(|(at, d)| (at, d.code.name())).collect()
}

fn expect(case: &str, code: &str) {
    let marked = if case.contains("runbook ") || case.starts_with("action ") { case.to_owned() } else { book(case) };
    let at = marked.find('§');
    let text = marked.replace('§', "");
    let found = findings(&text);
    let shown: Vec<String> = found
        .iter()
        .map(|(at, d)| {
            format!(
                "{} at {:?}: {}",
                d.code.name(),
                text.get(*at..).unwrap_or("").lines().next().unwrap_or(""),
                d.message
            )
        })
        .collect();
    let right = found.len() == 1 && found[0].1.code.name() == code && at.is_none_or(|at| at == found[0].0);
    assert!(
        right,
        "expected {code} alone{} in\n{text}\nfound {shown:#?}",
        if at.is_some() { " at the mark" } else { "" }
    );
    let diagnostic = &found[0].1;
    assert!(diagnostic.help.is_some(), "no help: {diagnostic:?}");
    assert!(!diagnostic.message.ends_with('.') && !diagnostic.labels.is_empty(), "{diagnostic:?}");
}

fn clean(case: &str) {
    let text = if case.contains("runbook ") || case.starts_with("action ") { case.to_owned() } else { book(case) };
    let found = check(&text);
    assert!(found.is_empty(), "expected nothing in\n{text}\nfound {:#?}", findings(&text));
}

#[test]
fn b1_a_step_is_a_leaf_or_a_branch() {
    for (case, code) in [
        ("step \"x\" { §$ rm -rf build }", "missing-rollback"),
        ("step \"x\" { let a = $ cat f\n §$ make\n let b = $ cat f }", "missing-rollback"),
        ("step \"x\" { if version == \"v1\" { §$ make } }", "missing-rollback"),
        ("step \"x\" { §cache.set(\"a\", \"b\") }", "missing-rollback"),
        ("step \"x\" { §$ make; rollback { $ make undo } }", "missing-rollback"),
        ("step \"x\" { with dir(\"/\") { §$ make } }", "missing-rollback"),
        ("step \"x\" { transaction db { §db.exec(\"DELETE FROM t\") } }", "missing-rollback"),
        ("step \"a\" { §$ make\n step \"b\" { $ make b\n rollback none \"w\" } }", "mixed-step"),
        ("step \"a\" { step \"b\" { $ make b\n rollback none \"w\" }\n §rollback { $ make c } }", "mixed-step"),
        (
            "step \"a\" { §$ make\n try { step \"b\" { $ make b\n rollback none \"w\" } } else { log \"x\" } }",
            "mixed-step",
        ),
        ("step \"a\" { $ make\n rollback none \"w\"\n §rollback { $ make b } }", "mixed-step"),
    ] {
        expect(case, code);
    }
    clean("step \"x\" { $ make\n rollback { $ make undo } }");
    clean("step \"x\" { $ make\n rollback none \"w\" }");
    clean("step \"x\" { $ make\n rollback manual \"w\" }");
    clean("step \"x\" { $ make\n irreversible \"w\" }");
    expect("step \"x\" { let a = $ cat f\n §rollback { $ make undo } }", "idle-undo");
    clean(
        "step \"a\" { step \"b\" { $ make b\n rollback none \"w\" }\n step \"c\" readonly { guard \"g\": $ test -f x } }",
    );
    clean("step \"a\" { $ make\n step \"b\" readonly { guard \"g\": $ test -f x }\n rollback none \"w\" }");
}

#[test]
fn b1_actions_are_leaves_or_branches_too() {
    let with = |action: &str| format!("{action}\n{}", book("step \"s\" { go() }"));
    expect(&with("action go() { §$ make }"), "missing-rollback");
    clean(&with("action go() { $ make\n rollback { $ make undo } }"));
    let two = "action go() { $ make\n rollback { $ make undo } }";
    expect(&format!("{two}\n{}", book("step \"s\" { §$ make\n go() }")), "mixed-step");
    expect(&format!("{two}\n{}", book("step \"s\" { go()\n §rollback { $ make undo } }")), "mixed-step");
    clean(&format!("{two}\n{}", book("go()\nfor x in [1, 2] { go() }")));
}

#[test]
fn b2_a_write_has_a_step() {
    for case in [
        "§$ make",
        "if version == \"v1\" { §$ make }",
        "for x in [1, 2] { §$ make #{x} }",
        "choose \"what?\" { option \"a\" { §$ make } }",
        "§db.exec(\"DELETE FROM t\")",
        "try { §$ make } else { log \"x\" }",
        "parallel { §$ make }",
        "let a = §$ make",
    ] {
        expect(case, "write-outside-step");
    }
    clean("finally { $ make clean }");
    clean("on failure { $ make cry }");
    clean("guard \"g\": $ ./check");
    clean("let a = readonly $ ./look");
}

#[test]
fn g1_the_place_makes_nothing_a_read() {
    for (case, code) in [
        ("guard \"x\": §cache.set(\"a\", \"b\")", "write-in-condition"),
        ("guard \"x\": §$ rm -rf build", "write-in-condition"),
        ("warn \"x\": §$ rm -rf build", "write-in-condition"),
        ("if §$(rm x) { log \"a\" }", "write-in-condition"),
        ("wait up to 5s until §$ kubectl delete pod x", "write-in-condition"),
        ("invariant \"x\" every 5s: §$ touch f", "write-in-condition"),
        ("watch \"x\" for 5s every 1s { guard \"g\": §$ echo a > f }", "write-in-condition"),
        ("step \"x\" when §$(rm x) { log \"a\" }", "write-in-condition"),
        ("step \"x\" { done when §$ mv a b\n $ make\n rollback none \"w\" }", "write-in-condition"),
        ("step \"x\" readonly { §db.exec(\"DELETE FROM t\") }", "write-in-readonly"),
        ("step \"x\" readonly { §$ rm f }", "write-in-readonly"),
        ("step \"x\" readonly { §step \"y\" { $ rm f\n rollback none \"w\" } }", "write-in-readonly"),
    ] {
        expect(case, code);
    }
    clean("guard \"x\": $ ./unknown");
    clean("step \"x\" readonly { $ ./unknown }");
    clean("guard \"x\": $ grep -q a f > /dev/null");
}

#[test]
fn g4_reading_queries_only_read() {
    expect("let a = db.rows(\"SELECT §pg_terminate_backend(1)\")", "write-in-read-sql");
    expect("guard \"x\": db.value(\"§DELETE FROM t RETURNING 1\") == 1", "write-in-read-sql");
    clean("let a = db.rows(\"SELECT 1\")");
}

#[test]
fn b7_names_set_after_the_first_write_may_be_null_in_the_rollback() {
    for case in [
        "step \"x\" { $ make\n let id = $ ./create\n rollback { $ ./delete #{§id} } }",
        "step \"x\" { $ make\n let id = $ ./create\n rollback { if §id == \"a\" { $ ./delete } } }",
        "step \"x\" { $ make\n let id = $ ./create\n rollback { if id == null { $ ./delete #{§id} } } }",
        "step \"x\" { if version == \"v1\" { $ make }\n let id = $ ./create\n rollback { log \"#{§id}\" } }",
        "step \"x\" { transaction db { db.exec(\"DELETE FROM t\") }\n let id = $ ./create\n rollback { cache.del(§id) } }",
    ] {
        expect(case, "unset-in-rollback");
    }
    for case in [
        "step \"x\" { let id = $ ./look\n $ make\n rollback { $ ./delete #{id} } }",
        "step \"x\" { $ make\n let id = $ ./create\n rollback { if id != null { $ ./delete #{id} } } }",
        "step \"x\" { $ make\n let id = $ ./create\n rollback { if id == null { log \"no\" } else { $ ./delete #{id} } } }",
        "step \"x\" { $ make\n let id = $ ./create\n rollback { $ ./delete #{if id == null then \"none\" else id} } }",
        "step \"x\" { $ make\n let id = $ ./create\n rollback { if id != null and id != \"\" { $ ./delete #{id} } } }",
        "step \"x\" { $ make\n let id = $ ./create\n guard \"g\": id != \"\"\n rollback none \"w\" }",
    ] {
        clean(case);
    }
}

#[test]
fn b6_what_may_be_skipped_may_be_unset() {
    for case in [
        "step \"x\" when version == \"v1\" { let a = $ cat f }\nlog \"#{§a}\"",
        "step \"x\" { done when $ test -f y\n let a = $ cat f\n $ make\n rollback none \"w\" }\nlog \"#{§a}\"",
        "if version == \"v1\" { let x = 1 }\nlog \"#{§x}\"",
        "for h in [1] { let x = h }\nlog \"#{§x}\"",
        "try { let x = 1 } else { log \"a\" }\nlog \"#{§x}\"",
        "let a = $ cat f\non failure { log \"#{§a}\" }",
    ] {
        expect(case, "maybe-unset");
    }
    clean("step \"x\" { let a = $ cat f\n done when $ test -f y\n $ make\n rollback none \"w\" }\nlog \"#{a}\"");
    clean("step \"x\" { done when $ test -f y\n let a = $ cat f\n $ make #{a}\n rollback { log \"#{a}\" } }");
    clean("step \"x\" { let a = $ cat f }\nlog \"#{a}\"");
}

#[test]
fn b8_points_of_no_return_stand_in_a_sequence() {
    for case in [
        "parallel { step \"x\" { $ make\n §irreversible \"w\" } }",
        "for h in [1, 2] parallel 2 { step \"x\" { $ make\n §irreversible \"w\" } }",
        "try { step \"x\" { $ make\n §irreversible \"w\" } } else { log \"a\" }",
        "try { log \"a\" } else { step \"x\" { $ make\n §irreversible \"w\" } }",
        "step \"x\" retry 2 { $ make\n §irreversible \"w\" }",
        "step \"a\" retry 2 { step \"x\" { $ make\n §irreversible \"w\" } }",
    ] {
        expect(case, "misplaced-irreversible");
    }
    clean("for h in [1, 2] { step \"x\" { $ make\n irreversible \"w\" } }");
    clean("step \"x\" retry 2 { cache.del(\"k\")\n irreversible \"w\" }");
    let action = "action go() { $ make\n irreversible \"w\" }";
    expect(&format!("{action}\n{}", book("parallel { §go() }")), "misplaced-irreversible");
    expect(&format!("{action}\n{}", book("step \"x\" { $ make\n rollback { §go() } }")), "misplaced-irreversible");
    clean(&format!("{action}\n{}", book("go()")));
}

#[test]
fn c3_a_write_that_stays_is_not_repeated() {
    expect("step \"x\" retry 3 { §$ mail boss\n rollback none \"w\" }", "unsafe-retry");
    clean("step \"x\" retry 3 { cache.del(\"k\")\n rollback none \"w\" }");
    clean("step \"x\" retry 3 { $ make\n rollback { $ make undo } }");
}

#[test]
fn b4_b6_b15_statements_stand_where_they_make_sense() {
    for case in [
        "step \"x\" { $ make\n §done when $ test -f y\n rollback none \"w\" }",
        "step \"x\" { confirm \"sure?\"\n §done when $ test -f y\n $ make\n rollback none \"w\" }",
        "step \"x\" { done when $ test -f y\n §done when $ test -f z\n $ make\n rollback none \"w\" }",
        "step \"x\" { $ make\n rollback { §step \"y\" { log \"a\" } } }",
        "step \"x\" { $ make\n rollback { §fail \"a\" } }",
        "finally { §confirm \"sure?\" }",
        "§rollback { $ make }",
        "§done when $ test -f y",
        "transaction db { §wait 5s }",
        "watch \"x\" for 5s every 1s { §wait 1s }",
        "§return 1",
    ] {
        expect(case, "misplaced-statement");
    }
    expect("fail \"no\"\n§log \"a\"", "unreachable");
}

#[test]
fn local_actions_do_not_follow_a_context() {
    for case in [
        "with ssh(\"h\") { let n = §file.size(\"/x\") }",
        "with sudo(\"root\") { guard \"g\": §file.exists(\"/x\") }",
        "with ssh(\"h\") { with dir(\"/\") { log \"#{§file.read(\"/x\")}\" } }",
    ] {
        expect(case, "local-in-context");
    }
    clean("with dir(\"/\") { let n = file.size(\"x\") }");
    clean("let n = file.size(\"x\")\nwith ssh(\"h\") { guard \"g\": $ test -f x }");
    let action = "action size() { return file.size(\"x\") }";
    expect(&format!("{action}\n{}", book("with ssh(\"h\") { let n = §size() }")), "local-in-context");
}

#[test]
fn budgets_add_up() {
    let with = |deadline: &str, back: &str, body: &str| {
        format!("runbook \"t\" {{\n owner \"me\"\n deadline {deadline}\n rollback within {back}\n{body}\n}}")
    };
    let undo = "rollback timeout 20s { $ make undo }";
    for (deadline, back, body) in [
        ("§1m", "1m", "step \"x\" timeout 2m { guard \"g\": $ test -f x }".to_owned()),
        ("§30m", "1m", "wait 24h".to_owned()),
        ("§1m", "1m", "wait 40s\nwait 40s".to_owned()),
        ("§1m", "1m", "for x in [1, 2, 3] { wait 30s }".to_owned()),
        ("§1m", "1m", "for x in [1, 2, 3] parallel 2 { wait 40s }".to_owned()),
        ("§1m", "1m", "step \"x\" timeout 20s retry 2 every 5s { guard \"g\": $ test -f x }".to_owned()),
        ("§1m", "5m", format!("step \"x\" timeout 20s retry 1 {{ $ make\n {undo} }}\nwait 5s")),
        ("§1m", "1m", "step \"x\" timeout 20s { confirm \"?\" within 50s }".to_owned()),
        ("§1m", "1m", "if $(test -f x) { wait 2m } else { wait 1s }".to_owned()),
        ("§1m", "1m", "choose \"?\" { option \"a\" { wait 1s }\n option \"b\" { wait 2m } }".to_owned()),
        ("§1m", "1m", "try { wait 40s } else { wait 40s }".to_owned()),
        ("§1m", "1m", "watch \"w\" for 2m every 5s { guard \"g\": $ test -f x }".to_owned()),
        ("§1m", "1m", "wait up to 2m until $ test -f x".to_owned()),
        ("1h", "§10s", format!("step \"x\" {{ $ make\n {undo} }}\nstep \"y\" {{ $ make\n {undo} }}")),
        ("1h", "§30s", format!("for x in [1, 2] {{ step \"x\" {{ $ make\n {undo} }} }}")),
        ("1h", "1m", "step \"x\" timeout 10s { wait §1m }".to_owned()),
    ] {
        expect(&with(deadline, back, &body), "budget-exceeded");
    }
    for (deadline, back, body) in [
        ("1m", "1m", "step \"x\" { wait 30s }".to_owned()),
        ("1m", "1m", "if $(test -f x) { wait 40s } else { wait 30s }".to_owned()),
        ("1m", "1m", "parallel { wait 40s\n wait 50s }".to_owned()),
        ("1m", "30s", format!("for x in [1, 2] parallel 2 {{ step \"x\" {{ $ make\n {undo} }} }}")),
        ("1m", "30s", format!("for x in [1, 2] {{ step \"x\" {{ $ make\n {undo} }}\ncommit \"done\" }}")),
        (
            "1m",
            "30s",
            format!(
                "step \"x\" {{ $ make\n {undo} }}\nstep \"w\" {{ $ make\n irreversible \"w\" }}\nstep \"y\" {{ $ make\n {undo} }}"
            ),
        ),
        ("1m", "10s", "step \"x\" { $ make\n rollback { $ make undo } }".to_owned()),
    ] {
        clean(&with(deadline, back, &body));
    }
    let found = findings(&with("1m", "1m", "step \"long\" timeout 2m { guard \"g\": $ test -f x }"));
    let texts: Vec<&str> = found[0].1.labels.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(texts, ["1m in all", "2m: step \"long\""]);
}

#[test]
fn actions_that_multiply_are_looked_at_in_time() {
    let mut text = String::from("action a0() { step \"s\" { $ make\n rollback timeout 1s { $ make undo } } }\n");
    for i in 1..40 {
        text.push_str(&format!("action a{i}() {{ a{0}()\n a{0}() }}\n", i - 1));
    }
    text.push_str(&book("parallel { a39() }"));
    let codes: Vec<&str> = check(&text).into_iter().map(|(_, c)| c).collect();
    assert_eq!(codes, ["budget-exceeded"]);
}

#[test]
fn a_way_back_too_long_to_add_up_is_said_to_be_unbounded() {
    let mut text = String::from("action a0() { step \"s\" { $ make\n rollback { $ make undo } } }\n");
    for i in 1..18 {
        text.push_str(&format!("action a{i}() {{ a{0}()\n a{0}() }}\n", i - 1));
    }
    text.push_str(&book("a17()"));
    let opened = rbk::session::open_text("t.rbk", &text, &rbk::session::Disk);
    let sum = rbk::check::budget::back(&opened.program.unwrap(), &[]);
    assert!(sum.unbounded.iter().any(|one| one.why.contains("too much to add it all up")), "{sum:?}");
}

#[test]
fn every_refusal_of_the_samples() {
    for (case, code) in [
        ("wait up to 5 until $ true", "unit-mismatch"),
        ("step \"x\" { $ make #{verison}\n rollback none \"w\" }", "unknown-name"),
        ("let q = \"SELECT #{version}\"\nlet a = db.query(q)", "built-code"),
        ("guard \"g\": $ echo `date #{version}`", "value-in-backticks"),
        ("step \"a\" { log \"x\" }\nstep \"a\" { log \"y\" }", "duplicate-step"),
        ("guard \"g\": $ curl -H \"Authorization: Bearer #{db_url}\" http://x", "secret-in-arguments"),
        ("with env({ T: db_url }) { guard \"g\": $ curl -H \"X: $T\" http://x }", "secret-in-arguments"),
    ] {
        expect(case, code);
    }
    expect(
        "runbook \"t\" {\n owner \"me\"\n deadline 1h\n rollback within 1m\n param n: int = §\"3\"\n log \"#{n}\"\n}",
        "type-mismatch",
    );
    clean("log \"#{db_url}\"");
}

#[test]
fn every_code_is_documented_by_an_example_that_has_it() {
    let mut wrong = Vec::new();
    for code in Code::ALL {
        let text = code.documentation();
        let name = code.name();
        assert!(text.starts_with(&format!("# {name}\n")), "{name}");
        let blocks = fences(text);
        let has = |what: &str| blocks.iter().any(|(mark, _)| mark.contains(what));
        assert!(has("refused") || has("warned") || has("at-run"), "{name} has no bad example");
        assert!(blocks.iter().any(|(mark, _)| is_good(mark)), "{name} has no good example");
        for (mark, script) in &blocks {
            let found = advice(script);
            let all: Vec<&str> = found.iter().map(|d| d.code.name()).collect();
            let bad = mark.contains("refused") || mark.contains("warned");
            let right = if bad { !all.is_empty() && all.iter().all(|c| *c == name) } else { all.is_empty() };
            if !right && !mark.contains("at-run") {
                let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
                wrong.push(format!("{name} ({mark}): {all:?} {messages:?}\n{script}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All that `rbk check` says, on a day on which no review is due.
fn advice(text: &str) -> Vec<Diagnostic> {
    let opened = rbk::session::open_text("test.rbk", text, &rbk::session::Disk);
    rbk::session::advice::advise(opened, "2026-01-01T00:00:00Z".parse().unwrap()).found
}

fn is_good(mark: &str) -> bool {
    mark == "rbk" || mark == "rbk whole"
}

/// The fences of a Markdown text: what stands after the backticks, and the script, a runbook put around a fragment.
fn fences(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(mark) = line.strip_prefix("```").filter(|m| m.starts_with("rbk")) else { continue };
        let script: String = lines.by_ref().take_while(|l| *l != "```").map(|l| format!("{l}\n")).collect();
        let whole = script.contains("runbook \"") || mark.contains("whole");
        out.push((mark.to_owned(), if whole { script } else { book(&script) }));
    }
    out
}
