//! What a run decided by an answer that held a secret: without a key it is not kept, and nothing is guessed in its place.
use super::*;

/// Files are made by what is decided in `body`; the environment holds a secret.
fn desk(body: &str) -> Desk {
    let step = "step \"Second\" {\n    $ touch second\n    rollback { $ rm -f second }\n  }";
    let text = format!(
        "  secret dbu = env(\"DBU\")\n  step \"First\" {{\n    $ touch first\n    rollback {{ $ rm -f first }}\n  }}\n{body}\n  {step}"
    );
    let mut desk = Desk::of(&text);
    desk.env.push(("DBU".into(), "canary-Zq8-of-a-database".into()));
    desk
}

const DECIDES: [&str; 6] = [
    "  let got = result($(echo \"leak $DBU\" >&2; exit 4))\n  if got.err.contains(\"leak\") { log \"it leaks\" } else { fail \"another run\" }",
    "  let hosts = $ echo \"a b $DBU\" | tr \" \" \"\\n\"\n  for host in hosts.lines() { log \"#{host.len()}\" }",
    "  let answer = $ echo \"{\\\"a\\\": \\\"$DBU\\\"}\"\n  log answer.json().a",
    "  let answer = $ echo \"$DBU\"\n  if answer != \"\" { log \"there\" } else { fail \"another run\" }",
    "  let answer = $ echo \"$DBU\"\n  guard \"long\": answer.len() > 3",
    "  let answer = $ echo \"$DBU\"\n  guard \"one\": [answer, \"x\"].where(it.starts_with(\"canary\")).len() == 1",
];

#[test]
fn nothing_is_guessed_from_it() {
    for body in DECIDES {
        let desk = desk(body);
        desk.say(&["run", "book.rbk"]).ended(0);
        desk.rollback(&[]).ended(2).says(&[
            "what the run did next follows from the secret `dbu`, which is not kept without `RBK_JOURNAL_KEY`",
            "undo by hand",
        ]);
        assert!(desk.has("first") && desk.has("second"), "nothing was half undone: {body}");
        let (run, state) = desk.last();
        assert_eq!(state, "succeeded", "{body}");
        let told = desk.say(&["show", &run]).ended(0).says(&["follows from the secret `dbu`"]);
        assert!(!told.out.contains("Going back") && !told.out.contains("canary"), "{}", told.out);
    }
}

#[test]
fn with_a_key_it_is_known_again() {
    for body in DECIDES {
        let mut desk = desk(body);
        desk.env.push(("RBK_JOURNAL_KEY".into(), "correct horse battery staple".into()));
        desk.say(&["run", "book.rbk"]).ended(0);
        desk.rollback(&[]).ended(0).says(&["undone: Second", "undone: First"]);
        assert!(!desk.has("first") && !desk.has("second"), "{body}");
    }
}

/// What is only put into a text or a list decides nothing.
#[test]
fn what_is_not_looked_into_is_not_missed() {
    let desk = desk("  let answer = $ echo \"$DBU\"\n  let all = [answer, \"x\"]\n  log \"#{answer} #{all.len()}\"");
    desk.say(&["run", "book.rbk"]).ended(0);
    desk.rollback(&[]).ended(0).says(&["undone: Second", "undone: First"]);
    assert!(!desk.has("first") && !desk.has("second"));
}
