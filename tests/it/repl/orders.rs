//! What begins with `:`.
use super::*;
use crate::stage::postgres::Postgres;

#[test]
fn a_note_stands_in_the_journal_and_in_every_report() {
    let desk = console().env("TOKEN", "Zq8canary-of-a-note");
    let script = format!(
        "secret token = env(\"TOKEN\")\n{}:note the pool is full since 02:50\n:report\n:report now.md\n:report now.html\n:report now.json\n:report now.xml\n",
        touch("one")
    );
    let said = pipe(&desk, &[], &script).ended(0);
    assert!(said.out.contains("notes: the pool is full since 02:50"), "{}", said.out);
    for file in ["now.md", "now.html", "now.json"] {
        assert!(desk.read(file).contains("the pool is full since 02:50"), "{file}: {}", desk.read(file));
    }
    assert!(desk.read("now.xml").starts_with("<?xml"), "{}", desk.read("now.xml"));
    let (run, _) = desk.last();
    desk.say(&["show", &run]).ended(0).says(&[": the pool is full since 02:50"]);
    desk.say(&["show", &run, "--format", "json"]).ended(0).says(&["\"noted\"", "the pool is full since 02:50"]);
    // What a person wrote changes nothing of what can be undone.
    desk.rollback(&[]).ended(0);
    assert!(!desk.has("one"));
    let refused = |script: &str| pipe(&desk, &[], script).ended(2);
    refused("secret token = env(\"TOKEN\")\n:note it is Zq8canary-of-a-note\n").says(&["the note shows a secret"]);
    refused(":note\n").says(&["a note says something"]);
    refused(":report now.md\n").says(&["`now.md` is there already, and stays as it is", "`:report! now.md`"]);
    refused(":report now.doc\n").says(&["end its name in `.md`"]);
    pipe(&desk, &[], ":report! now.md\n").ended(0);
    assert!(!desk.read("now.md").contains("the pool is full"), "{}", desk.read("now.md"));
    pipe(&desk, &["--journal", "none"], ":note x\n").ended(2).says(&["nothing is kept of this console"]);
}

/// Killed right after it: a note is on the disk.
#[test]
fn a_note_outlives_its_console() {
    let desk = console();
    let (mut child, mut keys) = open(&desk, &[]);
    write!(keys, ":note who is on call?\n{}", touch("one")).unwrap();
    desk.until("one");
    std::thread::sleep(std::time::Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    let (run, _) = desk.last();
    desk.say(&["show", &run]).ended(0).says(&["who is on call?"]);
    pipe(&desk, &["--resume", &run], ":report\n:undo all\n").ended(0).says(&["notes: who is on call?"]);
}

#[test]
fn what_there_is_to_know_is_told_as_the_commands_tell_it() {
    let desk = console();
    let told = |order: &str, args: &[&str]| {
        let (console, command) = (pipe(&desk, &[], &format!("{order}\n")).ended(0), desk.say(args).ended(0));
        assert_eq!(console.out, command.out, "{order}");
    };
    told(":explain missing-rollback", &["explain", "missing-rollback"]);
    told(":explain", &["explain"]);
    told(":docs db.nothing".trim_end_matches(" db.nothing"), &["docs"]);
    told(":docs git.checkout", &["docs", "git.checkout"]);
    told("help git.checkout", &["docs", "git.checkout"]);
    told("help http", &["docs", "http"]);
    let own = "action twice(n: int) {\n  return n * 2\n}\nhelp twice\nhelp :undo\nhelp\n";
    let said = pipe(&desk, &[], own).ended(0);
    said.says(&["action twice(n: int)", ":undo [past] [N|STEP|all]", ":connect"]);
    pipe(&desk, &[], "help git.checkot\n").ended(2).says(&["did you mean `git.checkout`?"]);
    pipe(&desk, &[], ":explain missing-rolback\n").ended(2).says(&["did you mean `missing-rollback`?"]);
}

#[test]
fn a_plan_runs_nothing() {
    let desk = console();
    let step = "step \"two\" {\n  $ touch two\n  rollback { $ rm two }\n}";
    let said = pipe(
        &desk,
        &["--answer", "$ touch bare=yes"],
        &format!(":plan\n{}:plan {step}\n:plan\n$ touch bare\n:plan\n", touch("one")),
    )
    .ended(0);
    assert!(!desk.has("two"));
    said.says(&[
        "nothing is in place\n",
        "step \"two\"",
        "\"two\": $ rm two",
        "`:undo all` would go through this, in this order:\n  one  undone by $ rm one\n",
        "  $ touch bare  cannot be undone: it stops here; `:undo past all` goes on\n  one  undone by $ rm one\n",
    ]);
    pipe(&desk, &[], ":plan 1 + true\n").ended(2);
}

#[test]
fn connections_are_listed_with_where_they_lead_and_which_answered() {
    let dir = stage::dir();
    let postgres = Postgres::start(dir.path());
    let desk = console().env("DATABASE_URL", &postgres.url("postgres"));
    let desk = desk.env("FAR", "redis://:Zq8canary-of-a-url@127.0.0.1:1/3");
    let script = "secret url = env(\"DATABASE_URL\")\nconnect db = postgres(url)\nsecret far = env(\"FAR\")\nconnect other = redis(far)\n\
         :connect\ndb.value(\"SELECT 1\")\n:connect\ntry { other.get(\"x\") } else { log \"dead\" }\n:connect\n:env\n";
    let said = pipe(&desk, &[], script);
    assert!(!said.out.contains("Zq8canary") && !said.err.contains("Zq8canary"), "{}{}", said.out, said.err);
    said.ended(0).says(&["not asked yet", "answered", "did not answer", "127.0.0.1:1", "directory", "journal.db"]);
}

#[test]
fn an_environment_is_told_by_a_variable_or_by_the_folder() {
    let env = |desk: &Desk| pipe(desk, &[], ":env\n").ended(0).out;
    let desk = console();
    assert!(env(&desk).contains("not said"), "{}", env(&desk));
    desk.write("rbk.toml", "environment = \"staging\"\n");
    assert!(env(&desk).starts_with("environment staging\n"), "{}", env(&desk));
    let desk = desk.env("RBK_ENVIRONMENT", "production");
    assert!(env(&desk).starts_with("environment production\n"), "{}", env(&desk));
    desk.write("rbk.toml", "environment = 3\n");
    let desk = desk.env("RBK_ENVIRONMENT", "");
    pipe(&desk, &[], "").ended(2).says(&["rbk.toml"]);
}
