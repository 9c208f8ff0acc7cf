//! What is undone, in which order, within which budget, and what is left.
use super::*;

#[test]
fn rollbacks_have_their_own_budget_after_the_deadline() {
    let step = |n: u32, work: &str| {
        format!(
            "  step \"{n}\" {{\n    $ echo +{n} >> log; {work}\n    rollback {{ $ sleep 0.7; echo -{n} >> log }}\n  }}\n"
        )
    };
    let body = [step(1, ":"), step(2, ":"), step(3, "sleep 60"), step(4, ":")].concat();
    let book = Book::new(&format!("runbook \"Test\" {{\n  deadline 1s\n  rollback within 30s\n{body}}}\n"));
    book.run().with(1);
    assert_eq!(book.read("log"), "+1\n+2\n+3\n-3\n-2\n-1\n");
}

fn hosts(how: &str) -> Book {
    Book::of(&format!(
        r#"  for host in ["a", "b", "c"] {how} {{
    step "upgrade #{{host}}" {{
      $ echo "+#{{host}}" >> log
      $ if [ #{{host}} = c ]; then while [ $(grep -c + log) -lt 3 ]; do sleep 0.05; done; sleep 0.2; exit 1; else true; fi
      rollback {{ $ echo "<#{{host}}" >> log; sleep 0.5; echo "-#{{host}}" >> log }}
    }}
  }}"#
    ))
}

#[test]
fn hosts_in_sequence_are_undone_last_first() {
    let book = hosts("");
    book.run().with(1);
    assert_eq!(book.read("log"), "+a\n+b\n+c\n<c\n-c\n<b\n-b\n<a\n-a\n");
}

#[test]
fn hosts_in_parallel_are_undone_in_parallel() {
    let book = hosts("parallel 3");
    book.run().with(1);
    let log = book.read("log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 9, "{log}");
    for (part, sign) in lines.chunks(3).zip(["+", "<", "-"]) {
        assert!(part.iter().all(|line| line.starts_with(sign)), "all {sign} together:\n{log}");
    }
}

#[test]
fn a_rollback_is_repeated_until_it_works() {
    let book = Book::of(
        r#"  step "one" {
    $ touch one
    rollback { $ echo try >> tries; [ $(wc -l < tries) -ge 3 ]; rm one }
  }
  fail "on purpose""#,
    );
    book.run().with(1);
    assert_eq!(book.read("tries").lines().count(), 3);
    assert!(!book.has("one"));
}

#[test]
fn a_rollback_that_never_works_names_each_step_still_in_place() {
    let book = Book::of(
        r#"  step "first" {
    $ touch first
    rollback { $ rm first }
  }
  step "second" {
    $ touch second
    rollback { $ false }
  }
  step "third" {
    $ touch third
    rollback { $ rm third }
  }
  fail "on purpose""#,
    );
    let ended = book.run().with(3).says("first").says("second");
    assert!(book.has("first") && book.has("second") && !book.has("third"), "{}", ended.said);
}
