//! What was under way when the process died.
use super::*;

/// Waits, writes its line, waits; rbk is killed while it waits, and the command lives on.
fn slow(more: &str) -> Desk {
    let (before, after) = (gate("one"), gate("two"));
    Desk::of(&format!(
        "  step \"slow\" {{\n{more}\n    $ touch started; {before}; echo line >> log; touch written; {after}\n    rollback {{ $ echo undone >> log }}\n  }}"
    ))
}

fn killed_when_written(more: &str) -> Desk {
    let desk = slow(more);
    let mut child = desk.start(&["run", "book.rbk"]);
    desk.until("started");
    desk.write("one", "");
    desk.until("written");
    child.kill().unwrap();
    child.wait().unwrap();
    desk
}

#[test]
fn a_goal_that_is_reached_is_done() {
    let desk = killed_when_written("    done when $ grep -q line log");
    desk.resume(&[]).ended(0);
    assert_eq!(desk.read("log"), "line\n");
}

#[test]
fn e1_a_command_that_lived_on_is_ended_before_its_step_is_undone() {
    let desk = slow("");
    desk.killed_at(&["run", "book.rbk"], "started");
    desk.resume(&[]).ended(1).says(&["whether it had its effect is not known", "undone: slow"]);
    desk.write("one", "");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(desk.read("log"), "undone\n", "the line does not turn up after the rollback");
}

#[test]
fn a_goal_that_is_not_reached_says_nothing() {
    let desk = slow("    done when $ grep -q line log");
    desk.killed_at(&["run", "book.rbk"], "started");
    desk.resume(&[]).ended(1).says(&["undone: slow"]);
    assert_eq!(desk.read("log"), "undone\n");
}

#[test]
fn e15_a_step_that_may_be_retried_starts_anew() {
    let gate = gate("go");
    let desk = Desk::of(&format!(
        "  step \"again\" retry 1 {{\n    $ echo try >> log; touch started; {gate}\n    rollback {{ $ echo undone >> log }}\n  }}"
    ));
    desk.killed_at(&["run", "book.rbk"], "started");
    desk.write("go", "");
    desk.resume(&[]).ended(0);
    assert_eq!(desk.read("log"), "try\nundone\ntry\n", "never twice without its undo in between");
}

#[test]
fn what_undoes_is_called_again() {
    let gate = gate("go");
    let desk = Desk::of(&format!(
        "  step \"a\" {{\n    $ echo a >> log\n    rollback {{ $ touch undoing; {gate}; echo undone >> log }}\n  }}\n  step \"b\" readonly {{\n    guard \"no\": false\n  }}"
    ));
    desk.killed_at(&["run", "book.rbk"], "undoing");
    std::fs::remove_file(desk.path().join("undoing")).unwrap();
    let mut resumed = desk.start(&["resume", &desk.last().0]);
    desk.until("undoing");
    desk.write("go", "");
    assert_eq!(resumed.wait().unwrap().code(), Some(1));
    assert_eq!(desk.read("log"), "a\nundone\n");
}

#[test]
fn f1_a_secret_of_the_environment_is_read_again_and_must_be_the_same() {
    let text = r#"  secret token = env("TOKEN")
  step "a" {
    with env({ T: token }) { $ touch ready; while [ ! -e go ]; do sleep 0.02; done; printf %s "$T" > got }
    done when_ok
    rollback { $ rm -f got }
  }"#
    .replace("    done when_ok\n", "");
    let desk = Desk::of(&text.replace("step \"a\"", "step \"a\" retry 1")).env("TOKEN", "first-secret-value");
    desk.killed_at(&["run", "book.rbk"], "ready");
    let journal = ["journal.db", "journal.db-wal"].map(|name| std::fs::read(desk.path().join("state").join(name)));
    for bytes in journal.into_iter().flatten() {
        assert!(!bytes.windows(18).any(|part| part == b"first-secret-value"), "it stands in the journal");
    }
    desk.write("go", "");
    let (run, _) = desk.last();
    let other = desk.command(&["resume", &run]).env("TOKEN", "second-secret-value").output().unwrap();
    assert_eq!(other.status.code(), Some(2), "{}", stage::text(&other.stderr));
    assert!(stage::text(&other.stderr).contains("another secret"), "{}", stage::text(&other.stderr));
    desk.resume(&[]).ended(0);
    assert_eq!(desk.read("got"), "first-secret-value");
}

#[test]
fn f1_a_secret_that_would_be_gone_after_a_crash_needs_a_key() {
    let text = r#"  secret made = $ printf %s-%s new secret-value
  step "a" {
    $ printf %s "${RBK_JOURNAL_KEY-none}" > key
    with stdin(made) { $ cat > got }
    rollback { with stdin(made) { $ cat > undone } }
  }
  wait up to 30s every 20ms until $ ./look
  fail "on purpose""#;
    let desk = Desk::of(text);
    desk.say(&["run", "book.rbk"]).ended(2).says(&["RBK_JOURNAL_KEY", "book.rbk:8", "--journal none"]);
    assert!(!desk.has("got"));
    let desk = Desk::of(text).env("RBK_JOURNAL_KEY", "a passphrase for this test");
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.write("go", "");
    desk.resume(&[]).ended(1);
    assert_eq!(desk.read("undone"), "new-secret-value");
    assert_eq!(desk.read("key"), "none", "the key is for rbk alone");
}

#[test]
fn e1_a_command_without_an_environment_is_found_and_ended_too() {
    let gate = gate("go");
    let desk = Desk::of(&format!(
        "  step \"bare\" {{\n    $ env -i PATH=\"$PATH\" sh -c 'touch started; {gate}; echo line >> log'\n    rollback {{ $ echo undone >> log }}\n  }}"
    ));
    desk.killed_at(&["run", "book.rbk"], "started");
    desk.resume(&[]).ended(1).says(&["undone: bare"]);
    desk.write("go", "");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(desk.read("log"), "undone\n");
}

#[test]
fn e1_what_became_of_it_can_be_said_beforehand_by_the_label_that_is_told() {
    let desk = killed_when_written("");
    desk.resume(&["--answer", "in doubt: slwo=it happened"]).ended(2).says(&["did you mean `in doubt: slow`?"]);
    desk.resume(&["--answer", "in doubt: slow=maybe"]).ended(2).says(&["none of `it happened`, `it did not happen`"]);
    let said = desk.resume(&["--answer", "in doubt: slow=it happened"]).ended(0);
    said.says(&["▸ slow  was under way", "`--answer 'in doubt: slow=…'` answers it", "  → it happened"]);
    assert_eq!(desk.read("log"), "line\n");
}

#[test]
fn a_call_in_doubt_is_told_once_under_its_step() {
    let desk = slow("");
    desk.killed_at(&["run", "book.rbk"], "started");
    let said = desk.resume(&[]).ended(1);
    assert_eq!(said.out.matches("was interrupted; did it happen?").count(), 1, "{}", said.out);
    let lines: Vec<&str> = said.out.lines().collect();
    let at = |word: &str| lines.iter().position(|line| line.contains(word)).unwrap_or_else(|| panic!("no `{word}`"));
    assert!(
        at("▸ slow  was under way") < at("did it happen?") && at("did it happen?") < at("→ undo it"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("not known: interrupted while it ran; whether"), "{}", said.out);
}

const TOKEN: &str = r#"  secret token = env("TOKEN")
  step "a" {
    $ echo a >> log
    rollback { with env({ T: token }) { $ printf %s "$T" > got } }
  }
  wait up to 1m every 20ms until $ ./look
  fail "on purpose""#;

#[test]
fn f1_a_secret_that_is_kept_and_is_another_one_now_stops_the_resume_too() {
    for (answer, got) in [("the old one", "first-secret-value"), ("the new one", "second-secret-value")] {
        let desk = Desk::of(TOKEN).env("TOKEN", "first-secret-value").env("RBK_JOURNAL_KEY", "a passphrase");
        desk.killed_at(&["run", "book.rbk"], "ready");
        desk.write("go", "");
        let (run, _) = desk.last();
        let other = |args: &[&str]| {
            let mut command = desk.command(&[&["resume", run.as_str()], args].concat());
            let output = command.env("TOKEN", "second-secret-value").output().unwrap();
            (output.status.code(), stage::text(&output.stderr))
        };
        let (code, said) = other(&[]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("`env(\"TOKEN\")` gives another secret now") && !said.contains("-value"), "{said}");
        let given = format!("changed: env(\"TOKEN\")={answer}");
        assert!(said.contains("--answer 'changed: env(\"TOKEN\")="), "{said}");
        assert_eq!(desk.last().1, "interrupted");
        assert_eq!(other(&["--answer", &given]).0, Some(1));
        assert_eq!(desk.read("got"), got);
    }
}

#[test]
fn f1_a_secret_that_is_kept_need_not_be_there_any_more() {
    let desk = Desk::of(TOKEN).env("TOKEN", "first-secret-value").env("RBK_JOURNAL_KEY", "a passphrase");
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.write("go", "");
    let (run, _) = desk.last();
    let output = desk.command(&["resume", &run]).env_remove("TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stage::text(&output.stderr));
    assert_eq!(desk.read("got"), "first-secret-value");
}

#[test]
fn f1_a_secret_that_is_not_kept_and_not_there_is_asked_for_in_words_of_a_resume() {
    let desk = Desk::of(TOKEN).env("TOKEN", "first-secret-value");
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (run, _) = desk.last();
    let output = desk.command(&["resume", &run]).env_remove("TOKEN").output().unwrap();
    let said = stage::text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("`TOKEN` is not set") && said.contains("`TOKEN=… rbk …`") && !said.contains("rbk run"),
        "{said}"
    );
}

#[test]
fn f1_a_run_with_sealed_secrets_goes_nowhere_without_its_key_and_asks_for_it() {
    let desk = Desk::of(TOKEN).env("TOKEN", "first-secret-value").env("RBK_JOURNAL_KEY", "a passphrase");
    desk.killed_at(&["run", "book.rbk"], "ready");
    desk.write("go", "");
    let (run, _) = desk.last();
    for (key, says) in [(None, "are sealed, and `RBK_JOURNAL_KEY` is not set"), (Some("another"), "does not open")] {
        for door in ["resume", "rollback"] {
            let mut command = desk.command(&[door, &run]);
            match key {
                Some(key) => command.env("RBK_JOURNAL_KEY", key),
                None => command.env_remove("RBK_JOURNAL_KEY"),
            };
            let output = command.output().unwrap();
            let said = stage::text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{said}");
            for word in [says, "set the key that the run was started with", "rbk close"] {
                assert!(said.contains(word), "no `{word}` in {said}");
            }
        }
    }
    assert_eq!(desk.last().1, "interrupted");
    assert!(!desk.has("got"));
    desk.rollback(&[]).ended(0);
    assert_eq!(desk.read("got"), "first-secret-value");
}

/// The undo of `b` needs the secret, that of `a` does not.
fn with_a_secret(uses: &str) -> Desk {
    let desk = Desk::of(&format!(
        "  secret token = env(\"TOKEN\")\n  step \"a\" {{\n    $ echo a >> log\n    rollback {{ {uses} }}\n  }}\n  \
         step \"b\" {{\n    with env({{ T: token }}) {{ $ echo b >> log }}\n    rollback {{ $ echo -b >> log }}\n  }}"
    ));
    let mut run = desk.command(&["run", "book.rbk"]);
    assert!(run.env("TOKEN", "first-secret-value").output().unwrap().status.success());
    desk
}

#[test]
fn f1_a_rollback_that_does_not_need_a_secret_does_not_ask_for_it() {
    for now in [Some("second-secret-value"), None] {
        let desk = with_a_secret("$ echo -a >> log");
        let (run, _) = desk.last();
        let token = now.map(|now| ("TOKEN", now));
        let output = desk.command(&["rollback", &run]).envs(token).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stage::text(&output.stderr));
        assert_eq!(desk.read("log"), "a\nb\n-b\n-a\n");
    }
}

#[test]
fn f1_an_undo_that_needs_a_secret_that_is_another_one_is_left_and_says_what_to_do() {
    let desk = with_a_secret("with env({ T: token }) { $ printf %s \"$T\" > got }");
    let (run, _) = desk.last();
    let other = |args: &[&str]| {
        let mut command = desk.command(&[&["rollback", run.as_str()], args].concat());
        let output = command.env("TOKEN", "second-secret-value").output().unwrap();
        (output.status.code(), stage::text(&output.stdout))
    };
    let (code, said) = other(&[]);
    assert_eq!(code, Some(3), "{said}");
    for word in ["it needs the secret `token`, which is not known any more", "--answer 'changed: env("] {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    assert!(!desk.has("got"));
    let (code, said) = other(&["--answer", "changed: env(\"TOKEN\")=the new one"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(desk.read("got"), "second-secret-value");
}

#[test]
fn f1_an_answer_that_is_none_of_the_choices_is_refused_and_one_to_no_question_too() {
    let desk = with_a_secret("with env({ T: token }) { $ printf %s \"$T\" > got }");
    let (run, state) = desk.last();
    let other = |answer: &str| {
        let mut command = desk.command(&["rollback", &run, "--answer", answer]);
        let output = command.env("TOKEN", "second-secret-value").output().unwrap();
        (output.status.code(), stage::text(&output.stderr))
    };
    let log = desk.read("log");
    for (answer, word) in [
        ("changed: env(\"TOKEN\")=the newer one", "none of `the old one`, `the new one`, `neither: stop`"),
        // It was not kept.
        ("changed: env(\"TOKEN\")=the old one", "`the old one` is none of `the new one`, `neither: stop`"),
        ("changed: env(\"TOKNE\")=the new one", "did you mean `changed: env(\"TOKEN\")`?"),
    ] {
        let (code, said) = other(answer);
        assert!(code == Some(2) && said.contains(word), "{code:?} {said}");
        assert_eq!((desk.read("log"), desk.last().1), (log.clone(), state.clone()), "nothing was undone");
    }
}
