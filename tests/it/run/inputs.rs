//! What is refused before the first action, what answers mean, and how values reach commands.
use super::*;

#[test]
fn a_question_without_a_person_is_refused_before_the_first_action() {
    let book = Book::of(
        r#"  step "one" {
    $ touch one
    rollback { $ rm one }
  }
  confirm "Go on?" within 1m"#,
    );
    book.run().with(2).says("Go on?");
    assert!(!book.has("one"));
    let mut command = book.command();
    command.args(["--answer", "Go on?=yes"]);
    Running { child: command.spawn().unwrap(), started: Instant::now() }.end().with(0);
    assert!(book.has("one"));
}

#[test]
fn an_answer_for_another_question_stops_the_run_which_is_undone() {
    let text = r#"  param n: int = 3
  step "one" {
    $ touch one
    rollback { $ rm one; touch undone }
  }
  confirm "End #{n} sessions?" within 1m"#;
    for (answer, code) in
        [("End #{n} sessions?=yes:\"End 3 sessions?\"", 0), ("End #{n} sessions?=yes:\"End 4 sessions?\"", 1)]
    {
        let book = Book::of(text);
        let mut command = book.command();
        command.args(["--answer", answer]);
        Running { child: command.spawn().unwrap(), started: Instant::now() }.end().with(code);
        assert_eq!(book.has("undone"), code == 1);
    }
}

#[test]
fn a_no_fails_and_is_undone() {
    let book = Book::of(
        r#"  step "one" {
    $ touch one
    rollback { $ rm one; touch undone }
  }
  confirm "Go on?" within 1m"#,
    );
    let mut command = book.command();
    command.args(["--answer", "Go on?=no"]);
    Running { child: command.spawn().unwrap(), started: Instant::now() }.end().with(1);
    assert!(book.has("undone"));
}

const HOSTILE: [&str; 9] = [
    "it's \"quoted\"",
    "$(touch pwned) `touch pwned`",
    "a; touch pwned & touch pwned | touch pwned > pwned",
    "${HOME} $HOME %s \\n",
    "line one\nline two",
    "EOF\nEOF",
    "*.rbk ~ [a-z]? {a,b}",
    "-rf --",
    "grüße 😀",
];

#[test]
fn hostile_values_reach_commands_unchanged_in_every_place() {
    for shell in ["bash", "dash"] {
        let text = format!(
            r##"runbook "Test" {{
  deadline        1m
  rollback within 1m
  shell           "{shell}"
  param value: string
  step "write" {{
    $ printf %s #{{value}} > bare
    $ printf %s "#{{value}}" > double
    $ printf %s '#{{value}}' > single
    $ x="$(printf %s. #{{value}})"; printf %s "${{x%.}}" > nested
    $ """
      cat > heredoc <<EOF
      #{{value}}
      EOF
      """
    $ tee #{{value}}.txt
    rollback none "files of a test"
  }}
  guard "one word": $(printf %s #{{value}}) == value
}}
"##
        );
        for value in HOSTILE {
            let book = Book::new(&text);
            let mut command = book.command();
            let params = serde_json::json!({ "value": value }).to_string();
            std::fs::write(book.path("params.json"), params).unwrap();
            command.args(["--params", "params.json"]);
            // `tee` would take a name with a leading dash as options, and so it should: that is not the shell's doing.
            let ended = Running { child: command.spawn().unwrap(), started: Instant::now() }.end();
            if !value.starts_with('-') {
                let ended = ended.with(0);
                for place in ["bare", "double", "single", "nested"] {
                    assert_eq!(book.read(place), value, "{shell} {place}: {}", ended.said);
                }
                assert_eq!(book.read("heredoc").trim_end_matches('\n'), value, "{shell}");
                assert!(book.has(&format!("{value}.txt")), "{shell} {value:?}");
            }
            assert!(!book.has("pwned"), "{shell} {value:?}");
        }
    }
}

#[test]
fn e2_a_takeover_ends_the_holder_which_undoes_itself_first() {
    let holder = Book::new(
        r#"runbook "Deploy" {
  deadline        1m
  rollback within 30s
  lock            "production"
  step "deploy" {
    $ touch deployed; echo $$ > pid; sleep 60
    rollback { $ rm deployed; sleep 0.5; touch undone }
  }
}
"#,
    );
    let first = holder.start();
    holder.pid("pid");
    let text = |takeover: &str| {
        format!(
            "runbook \"Emergency\" {{\n  deadline 1m\n  rollback within 30s\n  lock \"production\" {takeover}\n  \
             step \"check\" {{\n    $ test -e {}; touch done\n    rollback none \"a file\"\n  }}\n}}\n",
            holder.path("undone").display()
        )
    };
    let same_state = |book: &Book| {
        let mut command = book.command();
        command.env("RBK_STATE_DIR", holder.path("state"));
        Running { child: command.spawn().unwrap(), started: Instant::now() }
    };
    let refused = Book::new(&text(""));
    same_state(&refused).end().with(2).says("production").says(&first.child.id().to_string());
    assert!(!refused.has("done") && holder.has("deployed"));
    let taker = Book::new(&text("takeover"));
    same_state(&taker).end().with(0);
    assert!(taker.has("done"));
    first.end().with(1);
}
