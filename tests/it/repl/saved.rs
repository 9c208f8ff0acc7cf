//! `:save`: what worked becomes a runbook, which is checked, in style, and does the same again.
use super::*;
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;

/// A console to its end; its runbook is checked and in style.
fn saved(desk: &Desk, args: &[&str], script: &str) -> String {
    pipe(desk, args, &format!("{script}:save saved.rbk\n")).ended(0);
    let text = desk.read("saved.rbk");
    let checked = desk.say(&["check", "saved.rbk"]);
    assert_eq!(checked.code, Some(0), "{}{}\n{text}", checked.out, checked.err);
    let styled = desk.say(&["fmt", "--check", "saved.rbk"]);
    assert_eq!(styled.code, Some(0), "{}{}\n{text}", styled.out, styled.err);
    text
}

/// What is there afterwards, when all was undone in between and the runbook is run.
fn files(desk: &Desk) -> Vec<(String, String)> {
    let mut found: Vec<_> = std::fs::read_dir(desk.path())
        .unwrap()
        .flatten()
        .filter(|file| file.path().is_file() && file.file_name() != "saved.rbk")
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .map(|name| (name.clone(), desk.read(&name)))
        .collect();
    found.sort();
    found
}

/// Each console, and what `rbk run` of what it saved has to be told.
const CONSOLES: &[(&str, &[&str])] = &[
    ("step \"one\" {\n  $ touch one\n  rollback { $ rm one }\n}\n", &[]),
    // A name that a later step uses, one that none does, one that is bound anew.
    (
        "let a = \"x\"\nlet unused = 3\nlet b = $ echo #{a} y\nlet a = b + \"z\"\na\n\
         step \"one\" {\n  $ echo #{a} #{b} > one\n  rollback { $ rm one }\n}\n",
        &[],
    ),
    // The same name in two steps, and in their rollbacks.
    (
        "step \"one\" {\n  let at = \"1\"\n  $ echo #{at} > one\n  rollback { $ rm one }\n}\n\
         step \"two\" {\n  let at = \"2\"\n  $ echo #{at} > two\n  rollback { $ rm two && echo #{at} }\n}\n",
        &[],
    ),
    // Tries that failed, what was undone, what was typed again.
    (
        "step \"gone\" {\n  $ touch gone\n  rollback { $ rm gone }\n}\n:undo\n\
         step \"kept\" {\n  $ touch kept\n  rollback { $ rm kept }\n}\n:undo\n:redo\n$ ls\n1 + 1\nlog \"it is #{run.id}\"\n",
        &[],
    ),
    // A bare write.
    ("let name = \"a \\\"b\\\"\"\n$ echo \"it is #{name}\" > bare\n", &["$ echo \"it is #{name}\" > bare"]),
    // What it declares, and libraries.
    (
        "use \"std/files\"\nuse \"std/git\"\naction put(name: string) {\n  $ touch #{name}\n  rollback { $ rm #{name} }\n}\n\
         put(\"first\")\naction put(name: string) {\n  $ echo again > #{name}\n  rollback { $ rm #{name} }\n}\n:undo\nput(\"second\")\n\
         reads \"wc -l\"\nlet lines = $ wc -l < book.rbk\nstep \"count\" {\n  $ echo #{lines} > count\n  rollback { $ rm count }\n}\n",
        &[],
    ),
    // Guards, waits, loops and blocks.
    (
        "guard \"it is there\": $ test -e book.rbk\nwait up to 5s until $ test -e book.rbk\n\
         for n in [1, 2] {\n  step \"file #{n}\" {\n    $ touch file-#{n}\n    rollback { $ rm file-#{n} }\n  }\n}\n\
         if true {\n  step \"then\" {\n    $ touch then\n    rollback none \"a mark\"\n  }\n}\n",
        &[],
    ),
];

#[test]
fn what_worked_does_the_same_again() {
    for (script, bare) in CONSOLES {
        let desk = console();
        let yes: Vec<String> = bare.iter().map(|bare| format!("{bare}=yes")).collect();
        let args: Vec<&str> = yes.iter().flat_map(|yes| ["--answer", yes]).collect();
        let before = files(&desk);
        let text = saved(&desk, &args, script);
        let there = files(&desk);
        assert_ne!(before, there, "{script}");
        for (name, _) in there.iter().filter(|file| !before.contains(file)) {
            std::fs::remove_file(desk.path().join(name)).unwrap();
        }
        let answers = yes.iter().flat_map(|yes| ["--answer", yes]);
        let args: Vec<&str> = ["run", "saved.rbk"].into_iter().chain(answers).collect();
        let said = desk.say(&args);
        assert_eq!(said.code, Some(0), "{}{}\n{text}", said.out, said.err);
        assert_eq!(files(&desk), there, "{text}");
    }
}

#[test]
fn what_is_not_needed_is_not_in_it() {
    let desk = console();
    let text = saved(&desk, &[], CONSOLES[1].0);
    assert!(!text.contains("unused"), "{text}");
    let text = saved(&console(), &[], CONSOLES[3].0);
    assert!(!text.contains("gone") && !text.contains("$ ls") && !text.contains("1 + 1"), "{text}");
    let text = saved(&console(), &[], CONSOLES[5].0);
    assert!(!text.contains("std/") && text.matches("action put").count() == 1 && !text.contains("first"), "{text}");
    let text = saved(&console(), &["--answer", &format!("{}=yes", CONSOLES[4].1[0])], CONSOLES[4].0);
    assert!(text.contains("irreversible \"no undo is known for it\""), "{text}");
}

#[test]
fn no_file_is_written_over_and_nothing_wrong_is_silent() {
    let desk = console();
    let script = |order: &str| format!("{}{order}\n", touch("one"));
    pipe(&desk, &[], &script(":save a.rbk")).ended(0).says(&["what worked is in `a.rbk`"]);
    let before = desk.read("a.rbk");
    pipe(&desk, &[], &format!("{}:save a.rbk\n", touch("two")))
        .ended(2)
        .says(&["`a.rbk` is there already, and stays as it is", "`:save! a.rbk`"]);
    assert_eq!(desk.read("a.rbk"), before);
    pipe(&desk, &[], &format!("{}:save! a.rbk\n", touch("three"))).ended(0);
    assert!(desk.read("a.rbk").contains("three"), "{}", desk.read("a.rbk"));
    pipe(&desk, &[], ":save b.rbk\n").ended(2).says(&["nothing that ran and stands would do anything"]);
    pipe(&desk, &[], &script(":save")).ended(2).says(&["a runbook needs a file"]);
    pipe(&desk, &[], &script(":save b.txt")).ended(2).says(&["a runbook needs a file"]);
    assert!(!desk.has("b.rbk") && !desk.has("b.txt"));
    // Found from elsewhere, a library beside the console is another one.
    desk.write("lib.rbk", "action hello() {\n  $ touch hello\n  rollback { $ rm hello }\n}\n");
    std::fs::create_dir(desk.path().join("sub")).unwrap();
    let said = pipe(&desk, &[], "use \"./lib.rbk\"\nlib.hello()\n:save sub/c.rbk\n").ended(2);
    said.says(&["the runbook is not good yet", "sub/lib.rbk"]);
    assert!(desk.has("sub/c.rbk"));
}

/// Nobody declared it a secret; it is found as `rbk check` finds it, before the journal has it.
#[test]
fn a_password_that_is_typed_runs_nothing_and_is_written_nowhere() {
    let typed = [
        "step \"ask\" {\n  $ curl -u bob:typedpw11 --help > help\n  rollback { $ rm -f help }\n}\n",
        "step \"ask\" {\n  $ DB_PASSWORD=typedpw11 touch help\n  rollback { $ rm -f help }\n}\n",
        "connect c = redis(\"redis://u:typedpw11@127.0.0.1:1/0\")\n",
        "let address = \"postgres://u:typedpw11@127.0.0.1:1/x\"\n",
        "secret password = \"typedpw11\"\n",
        ":note it was psql postgres://u:typedpw11@127.0.0.1/x\n",
        "psql postgres://u:typedpw11@127.0.0.1/x\n",
    ];
    for typed in typed {
        let desk = console();
        let said = pipe(&desk, &[], &format!("{}{typed}log \"never\"\n", touch("first"))).ended(2);
        assert!(desk.has("first") && !desk.has("help") && !said.out.contains("never"), "{typed}: {}", said.out);
        if typed.starts_with(['s', 'c', 'l']) && !typed.starts_with("secret") {
            said.says(&["shows a secret", "`secret password = env(\"PASSWORD\")`"]);
        }
        let (run, _) = desk.last();
        desk.say(&["show", &run]).ended(0);
        let mut kept = Vec::new();
        crate::cli::canaries::files(desk.path(), &mut kept);
        assert!(kept.iter().any(|(name, _)| name.contains("state")), "{typed}");
        for (name, bytes) in kept {
            assert!(!String::from_utf8_lossy(&bytes).contains("typedpw11"), "{typed}: {name}");
        }
    }
    // Somebody says that it is none.
    let allowed = "step \"ask\" {\n  # rbk: allow(sample-secret) the password of an example\n  $ DB_PASSWORD=typedpw11 touch help\n  rollback { $ rm -f help }\n}\n";
    let desk = console();
    pipe(&desk, &[], allowed).ended(0);
    assert!(desk.has("help"));
}

/// Four parts: a `let` that a later one uses, two steps, a look at the end.
const PUT: &str = r##"#!/usr/bin/env rbk
# How the shop is put up.
use "std/files"

action mark(name: string) {
  $ echo old > #{name}
  rollback { $ rm #{name} }
}

## Puts it up.
runbook "Put" {
  owner "me"
  deadline 30m
  rollback within 10m
  ## Where to.
  param to: string = "part"
  secret token = env("TOKEN")

  # Named after the day.
  let file = "#{to}.txt" # not the whole path
  step "Put" {
    $ touch #{file}
    rollback { $ rm #{file} }
  }

  # It takes long.
  step "Index" {
    $ test -e index
  }
  step "Mark" {
    mark("mark")
  }

  step "Look" readonly {
    let there = $ ls #{file}
    log "there is #{there}"
  }
}
"##;

/// A part is skipped, an action and a name of it are typed anew, a step between: the file that comes of it does the same.
#[test]
fn a_runbook_is_saved_as_it_was_worked() {
    let desk = console().env("TOKEN", "Zq8canary-of-a-file");
    desk.write("put.rbk", PUT);
    let typed = "use \"std/files\"\nlet file = file + \".2\"\nlet unused = 3\naction mark(name: string) {\n  $ echo new > #{name}\n  \
                 rollback { $ rm #{name} }\n}\nstep \"Between\" {\n  $ echo #{file} > between; touch #{file}\n  rollback { $ rm between #{file} }\n}\n";
    let script = format!(":load put.rbk --set to=a\n:step\n:step\n{typed}:goto Mark\n:run\n");
    let text = saved(&desk, &[], &script);
    let there = files(&desk);
    assert_eq!((desk.read("between"), desk.read("mark")), ("a.txt.2\n".to_owned(), "new\n".to_owned()), "{text}");
    insta::assert_snapshot!("put_as_worked", super::incidents::steady(&text, &[]));
    for name in ["a.txt", "a.txt.2", "between", "mark"] {
        std::fs::remove_file(desk.path().join(name)).unwrap();
    }
    let said = desk.say(&["run", "saved.rbk", "--set", "to=a"]);
    assert_eq!(said.code, Some(0), "{}{}\n{text}", said.out, said.err);
    assert_eq!(files(&desk), there, "{text}");
    assert_eq!(desk.read("put.rbk"), PUT);
}

/// Its declarations keep their names, its `finally` stays, and what was undone is named as not run.
#[test]
fn what_a_runbook_declares_stays_as_it_is() {
    let desk = console();
    let book = "runbook \"Short\" { # tight\n  deadline 1m; rollback within 1m\n  param to: string = \"part\"\n  on success { log \"#{to} is done\" }\n  \
                finally { $ rm -f fin }\n  step \"One\" { file.write(to, \"x\"); rollback { file.remove(to) } }; step \"Two\" { $ touch two\n    \
                rollback { $ rm two } }\n  owner \"test\"\n}\n";
    desk.write("short.rbk", book);
    let script = format!(
        "{}:load short.rbk\n:step\n:step\nlet to = \"typed\"\nstep \"Typed\" {{\n  $ touch #{{to}}\n  rollback {{ $ rm #{{to}} }}\n}}\n:run\n:undo\n",
        touch("first")
    );
    let text = saved(&desk, &[], &script);
    for words in [
        "  param to: string = \"part\"\n",
        "{\n  # tight\n",
        "on success { log \"#{to} is done\" }",
        "finally {",
        "# not run: Two\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for name in ["first", "part", "typed"] {
        std::fs::remove_file(desk.path().join(name)).unwrap();
    }
    let said = desk.say(&["run", "saved.rbk", "--set", "to=other"]);
    assert_eq!(said.code, Some(0), "{}{}\n{text}", said.out, said.err);
    assert!(
        desk.has("first") && desk.has("other") && desk.has("typed") && !desk.has("part") && !desk.has("two"),
        "{text}"
    );
    pipe(&desk, &[], ":load short.rbk\n:save none.rbk\n")
        .ended(2)
        .says(&["nothing that ran and stands would do anything"]);
}

#[test]
fn connections_and_secrets_are_declared_and_no_value_is_written() {
    let dir = stage::dir();
    let (redis, postgres) = (Redis::start(dir.path()), Postgres::start(dir.path()));
    let url = postgres.url("postgres");
    let desk = console().env("DATABASE_URL", &url).env("TOKEN", "Zq8canary-of-a-file");
    let script = format!(
        "use \"std/redis\"\nuse \"std/postgres\" as pg\nsecret url = env(\"DATABASE_URL\")\nsecret token = env(\"TOKEN\")\n\
         connect wrong = redis(\"redis://127.0.0.1:1\")\nconnect db = postgres(url)\nconnect cache = redis(\"{}\")\n\
         cache.config_get(\"maxmemory-policy\")\ndb.value(\"SHOW work_mem\")\n\
         redis.config_set(cache, \"maxmemory-policy\", \"allkeys-lru\")\npg.set(db, \"work_mem\", \"64MB\")\n\
         step \"mark\" {{\n  with env({{ T: token }}) {{ $ test -n \"$T\" && touch mark }}\n  rollback {{ $ rm mark }}\n}}\n",
        redis.url()
    );
    let text = saved(&desk, &[], &script);
    assert!(!text.contains("Zq8canary") && !text.contains(&url) && !text.contains("wrong"), "{text}");
    let policy = || redis.cli(&["CONFIG", "GET", "maxmemory-policy"]);
    let (policies, mem) = (policy(), postgres.psql("postgres", "SHOW work_mem"));
    desk.rollback(&[]).ended(0);
    assert_ne!(policy(), policies);
    desk.say(&["run", "saved.rbk"]).ended(0);
    assert_eq!((policy(), postgres.psql("postgres", "SHOW work_mem"), desk.has("mark")), (policies, mem, true));
    desk.rollback(&["--last", "saved.rbk"]);
    // A secret that is known only later stands in an earlier entry.
    let late = "step \"x\" {\n  $ echo Zq8canary-of-a-file\n  rollback none \"x\"\n}\nsecret token = env(\"TOKEN\")\n:save late.rbk\n";
    pipe(&desk, &[], late).ended(2).says(&["shows a secret"]);
    assert!(!desk.has("late.rbk"));
}
