//! Another machine, another shell, another text.
use super::*;

const BOOK: &str = "  step \"a\" {\n    $ echo a >> log\n    rollback { $ echo -a >> log }\n  }\n  wait up to 1m every 20ms until $ ./look\n  step \"b\" {\n    $ echo b >> log\n    rollback none \"nothing\"\n  }";

#[test]
fn e8_a_text_that_changed_on_disk_changes_nothing_and_is_told() {
    let desk = Desk::of(BOOK);
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.write("book.rbk", "runbook \"Other\" {\n  deadline 1m\n  rollback within 1m\n  fail \"another text\"\n}\n");
    desk.write("go", "");
    desk.resume(&[]).ended(0).says(&["`book.rbk` has changed since"]);
    assert_eq!(desk.read("log"), "a\nb\n");
}

#[test]
fn e8_a_text_that_is_gone_changes_nothing_and_is_told() {
    let desk = Desk::of(BOOK);
    desk.killed_at(&["run", "book.rbk"], "ready");
    std::fs::remove_file(desk.path().join("book.rbk")).unwrap();
    desk.write("go", "");
    desk.resume(&[]).ended(0).says(&["`book.rbk` is not there any more: the run goes on with the text"]);
    assert_eq!(desk.read("log"), "a\nb\n");
}

#[test]
fn e3_a_run_goes_on_in_its_own_directory_without_its_file() {
    let desk = Desk::of(BOOK);
    desk.killed_at(&["run", "book.rbk"], "ready");
    std::fs::remove_file(desk.path().join("book.rbk")).unwrap();
    desk.write("go", "");
    let (run, _) = desk.last();
    let output = desk.command(&["resume", &run]).current_dir("/").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stage::text(&output.stderr));
    assert_eq!(desk.read("log"), "a\nb\n");
}

#[test]
fn e3_another_home_is_another_place_unless_a_person_says_why() {
    let desk = Desk::of(BOOK).env("HOME", "/nonexistent/then").env("KUBECONFIG", "/then");
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.write("go", "");
    let (run, _) = desk.last();
    let other = |args: &[&str]| {
        let mut command = desk.command(&[&["resume", run.as_str()], args].concat());
        let output = command.env("HOME", "/nonexistent/now").env_remove("KUBECONFIG").output().unwrap();
        (output.status.code(), stage::text(&output.stderr))
    };
    let (code, said) = other(&[]);
    assert_eq!(code, Some(2), "{said}");
    for word in ["`HOME` has another value", "`KUBECONFIG`: set then, not set now", "--here"] {
        assert!(said.contains(word), "no {word} in {said}");
    }
    assert_eq!(desk.last().1, "interrupted", "it can still be resumed");
    let (code, said) = other(&["--here", "the same cluster"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(desk.read("log"), "a\nb\n");
}

#[test]
fn a_run_that_stood_still_for_longer_than_its_deadline_asks_first() {
    let text = "runbook \"Test\" {\n  deadline 2s\n  rollback within 10s\n  step \"a\" {\n    $ touch ready\n    rollback { $ rm ready }\n  }\n  wait 500ms\n}\n";
    let desk = Desk::new(text);
    desk.killed_at(&["run", "book.rbk"], "ready");
    std::thread::sleep(Duration::from_secs(3));
    desk.resume(&[]).ended(2).says(&["stood still", "--late REASON"]);
    desk.resume(&["--late", "looked, it is fine"]).ended(0);
}

#[test]
fn e3_commands_are_found_where_they_were_whatever_path_says_now() {
    let step = |name: &str| format!("  step \"{name}\" {{\n    $ mine >> log\n    rollback none \"nothing\"\n  }}\n");
    let desk = Desk::of(&(step("a") + "  wait up to 1m every 20ms until $ ./look\n" + &step("b")));
    for (dir, word) in [("then", "one"), ("now", "two")] {
        std::fs::create_dir(desk.path().join(dir)).unwrap();
        let mine = desk.path().join(dir).join("mine");
        std::fs::write(&mine, format!("#!/bin/sh\necho {word}\n")).unwrap();
        std::fs::set_permissions(&mine, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = |dir: &str| format!("{}:{}", desk.path().join(dir).display(), stage::path());
    let mut child = desk.command(&["run", "book.rbk"]).env("PATH", path("then")).spawn().unwrap();
    desk.until("ready");
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    desk.write("go", "");
    let (run, _) = desk.last();
    let output = desk.command(&["resume", &run]).env("PATH", path("now")).output().unwrap();
    let said = stage::text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("`PATH` is another one here"), "{said}");
    assert_eq!(desk.read("log"), "one\none\n");
}

#[test]
fn e8_a_run_of_other_rules_is_refused_and_the_version_named() {
    let desk = Desk::of(BOOK);
    let journal = desk.path().join("other.db");
    let (head, holder) = (crate::journal::made::head("r9"), crate::journal::made::holder(1));
    let head = rbk::journal::Head { semantics: rbk::journal::entry::SEMANTICS + 1, version: "7.7.7".into(), ..head };
    let mut store = rbk::journal::open(&rbk::journal::Which::Named(journal.clone())).unwrap();
    store.begin(&head, &holder, &[], crate::journal::made::at(0)).unwrap();
    drop(store);
    for door in ["resume", "rollback"] {
        let said = desk.say(&[door, "r9", "--journal", journal.to_str().unwrap()]).ended(2);
        said.says(&["started by rbk 7.7.7, which ran some things differently", "go on with it by rbk 7.7.7"]);
    }
}
