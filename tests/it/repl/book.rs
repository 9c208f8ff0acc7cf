//! A runbook at the console.
use super::*;

/// Three files, one after the other; the second needs `ready`, the last looks at what the first has bound.
const BOOK: &str = r##"runbook "Three files" {
  deadline 1m
  rollback within 1m
  param name: string = "one"
  let first = "#{name}.txt"
  step "One" {
    $ touch #{first}
    rollback { $ rm #{first} }
  }
  step "Two" {
    $ test -e ready
    $ touch two.txt
    rollback { $ rm -f two.txt }
  }
  step "Look" readonly {
    let there = $ ls #{first}
    log "there is #{there}"
  }
}
"##;

fn desk() -> Desk {
    let desk = console();
    desk.write("deploy.rbk", BOOK);
    desk
}

const LOADED: &str = "Three files  4 parts: `:steps` lists them, `:step` and `:run` run them\n";

#[test]
fn its_steps_are_known_and_run_when_it_is_said() {
    let desk = desk();
    desk.write("ready", "");
    let said = pipe(&desk, &["deploy.rbk", "--set", "name=a"], "name\n:steps\n:run\n:steps\n:undo all\n").ended(0);
    assert!(said.out.starts_with(LOADED), "{}", said.out);
    said.says(&[
        "a\nThree files  deploy.rbk\n▸ let first = \"#{name}.txt\"  next\n· One  not yet\n· Two  not yet\n· Look  not yet\nnothing is in place\n",
        "there is a.txt\n",
        "`Three files` is at its end\n",
        "✓ Look  done\nin place:\n1  One  entry 4\n2  Two  entry 5\n",
        "to be undone, in this order: `Two`, `One`",
    ]);
    assert!(!desk.has("a.txt") && !desk.has("two.txt"));
}

/// It failed, somebody mended it by hand, and it goes on; what was typed in between is undone with it, in its order.
#[test]
fn a_failed_step_runs_again_once_it_was_mended_by_hand() {
    let desk = desk();
    let script = format!(":load deploy.rbk\n:run\n{}", touch("never"));
    let said = pipe(&desk, &[], &script).ended(1).says(&["Two failed", "kept in place: `One`"]);
    assert!(desk.has("one.txt") && !desk.has("never"), "{}", said.out);
    let desk = self::desk();
    let (mut child, mut keys) = open(&desk, &[]);
    write!(keys, ":load deploy.rbk --set name=\"my one\"\n:step\n:step\n{}:run\n:undo all\nname\n", touch("ready"))
        .unwrap();
    drop(keys);
    let (code, out, err) = child_output(&mut child);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("to be undone, in this order: `Two`, `ready`, `One`") && out.ends_with("my one\n"), "{out}");
    assert!(!desk.has("my one.txt") && !desk.has("ready") && !desk.has("two.txt"), "{out}");
}

#[test]
fn what_is_jumped_over_is_skipped_and_its_names_are_unset() {
    let desk = desk();
    desk.write("ready", "");
    let script = ":load deploy.rbk\n:goto Two\n:steps\n:run Two\n:run\n";
    let said = pipe(&desk, &[], script).ended(2).says(&[
        "skipped: `let first = \"#{name}.txt\"`, `One`\n",
        "- One  skipped\n▸ Two  next\n",
        "nothing is called `first`",
        "deploy.rbk:",
    ]);
    assert!(desk.has("two.txt") && !desk.has("one.txt"), "{}", said.out);
    let script = ":load deploy.rbk\nlet first = \"ready\"\n:goto Look\n:run\n";
    pipe(&desk, &[], script).ended(0).says(&["there is ready", "at its end; 3 of its parts skipped"]);
}

#[test]
fn going_back_over_what_is_in_place_needs_its_undo() {
    let desk = desk();
    desk.write("ready", "");
    let script = ":load deploy.rbk\n:run\n:goto One\n";
    pipe(&desk, &[], script).ended(2).says(&["`One` is in place, and would be done again", "`:undo One` undoes it"]);
    let desk = self::desk();
    desk.write("ready", "");
    let script = ":load deploy.rbk\n:run\n:undo One\n:steps\n:run\n";
    let said = pipe(&desk, &[], script)
        .ended(0)
        .says(&["✓ let first = \"#{name}.txt\"  done\n▸ One  next\n· Two  not yet\n· Look  not yet\n"]);
    assert_eq!(said.out.matches("there is one.txt").count(), 2, "{}", said.out);
    assert!(desk.has("one.txt") && desk.has("two.txt"));
    pipe(&desk, &[], ":load deploy.rbk\n:run\n:run One\n")
        .ended(2)
        .says(&["`One` is in place: to run it again would do it twice"]);
}

#[test]
fn a_breakpoint_holds_it() {
    let desk = desk();
    desk.write("ready", "");
    let script = ":load deploy.rbk\n:break Two\n:break\n:run\n:steps\n:run\n";
    pipe(&desk, &[], script).ended(0).says(&[
        "`:run` stops before `Two`\nTwo\n",
        "breakpoint: `Two` is next",
        "▸ Two  next  breakpoint\n",
        "there is one.txt",
    ]);
    let script = ":load deploy.rbk\n:break Two\n:unbreak Two\n:break\n:run\n";
    let said = pipe(&desk, &[], script).ended(0).says(&["there are no breakpoints", "is at its end"]);
    assert!(!said.out.contains("breakpoint: "), "{}", said.out);
}

#[test]
fn mistakes_are_said_and_nothing_is_run() {
    let desk = desk();
    let wrong = |script: &str, parts: &[&str]| drop(pipe(&desk, &[], script).ended(2).says(parts));
    wrong(":run\n", &["no runbook is loaded", "`:load FILE` loads one"]);
    wrong(":load\n", &["`:load` needs a file"]);
    wrong(":load missing.rbk\n", &["cannot read `missing.rbk`: there is no such file"]);
    wrong(":load deploy.rbk --set nane=a\n", &["no parameter `nane`", "did you mean `name`?", "it is not loaded"]);
    wrong(":load deploy.rbk\n:run Tow\n", &["the runbook has no step `Tow`", "did you mean `Two`?"]);
    // A name is none that begins so, and none that stands inside another statement.
    for order in [":goto", ":run", ":break", ":unbreak"] {
        let script = format!(":load deploy.rbk\n{order} Tw\n");
        wrong(&script, &["the runbook has no step `Tw`", "did you mean `Two`?"]);
    }
    wrong(":load deploy.rbk\n:goto first\n", &["the runbook has no step `first`", "`:steps` lists them"]);
    wrong(":load deploy.rbk\n:load deploy.rbk\n", &["`deploy.rbk` is loaded already"]);
    desk.write("broken.rbk", "runbook \"x\" {\n  deadline 1m\n  step \"a\" { $ touch a }\n}\n");
    wrong(":load broken.rbk\n", &["1 error in `broken.rbk`: it is not loaded"]);
    pipe(&desk, &["broken.rbk"], "").ended(2).says(&["1 error in `broken.rbk`"]);
    pipe(&desk, &["--set", "a=b"], "").ended(2).says(&["none is named"]);
}

/// What stands in the runbook, not in steps: declarations, libraries, actions, `if`, `for`, invariants, `finally`.
const WHOLE: &str = r##"use "./lib.rbk"
secret token = env("TOKEN")
action greet(name: string) {
  log "#{lib.word()}, #{name}"
}
runbook "Whole" {
  deadline 1m
  rollback within 1m
  lock "shop"
  param names: list<string> = ["a", "b"]
  finally { $ touch closed-#{names.len()} }
  invariant "not broken" every 1s: not $(test -e broken)
  greet(names[0])
  for name in names {
    step "Make #{name}" {
      $ touch made-#{name}
      rollback { $ rm made-#{name} }
    }
  }
  if names.len() == 2 {
    log "two of them"
  }
  step "Wait" {
    $ touch waits; test -e slow && sleep 30 || true
    rollback { $ rm -f waits }
  }
}
"##;

fn whole() -> Desk {
    let desk = console().env("TOKEN", "Zq8canary-of-a-book");
    std::fs::create_dir(desk.path().join("books")).unwrap();
    desk.write("books/whole.rbk", WHOLE);
    desk.write("books/lib.rbk", "action word() {\n  return \"hello\"\n}\n");
    desk
}

#[test]
fn all_of_a_runbook_goes_on_at_a_console() {
    let desk = whole();
    let said = pipe(&desk, &["books/whole.rbk"], "token\ngreet(\"you\")\n:run\n:steps\n").ended(0);
    assert!(desk.has("made-a") && desk.has("made-b") && desk.has("closed-2"), "{}", said.out);
    said.says(&["‹token›\n", "hello, you\n", "hello, a\n", "two of them\n", "✓ finally  done\n", "1  Make a  entry 7"]);
    let (run, _) = desk.last();
    desk.say(&["runs"]).ended(0).says(&["Whole"]);
    desk.say(&["show", &run]).ended(0).says(&["typed: :load books/whole.rbk", "run as written: for name in names {"]);
    // Its lock is the run's, which is not over until it is undone.
    desk.rollback(&[]).ended(0);
    assert!(!desk.has("made-a"));
}

#[test]
fn an_invariant_holds_what_comes_after_it() {
    let desk = whole();
    desk.write("broken", "");
    let said = pipe(&desk, &["books/whole.rbk"], ":run\n").ended(1).says(&["not broken"]);
    assert!(!desk.has("made-a"), "{}", said.out);
    let desk = whole();
    desk.write("slow", "");
    let (mut child, mut keys) = open(&desk, &["books/whole.rbk"]);
    keys.write_all(b":run\n").unwrap();
    desk.until("made-b");
    std::thread::sleep(std::time::Duration::from_millis(300));
    desk.write("broken", "");
    drop(keys);
    let (code, out, err) = child_output(&mut child);
    assert!(code == Some(1) && err.contains("not broken") | out.contains("not broken"), "{out}{err}");
    // The end closes it.
    assert!(desk.has("closed-2") && desk.has("made-a"), "{out}{err}");
}

/// Killed in the middle of a step: the runbook is the one that was loaded, and what is done is not done again.
#[test]
fn a_killed_console_goes_on_with_its_runbook() {
    let desk = whole();
    desk.write("slow", "");
    let (mut child, mut keys) = open(&desk, &["books/whole.rbk", "--set", "names=[\"x\",\"y\"]"]);
    keys.write_all(b":run\n").unwrap();
    desk.until("made-y");
    std::thread::sleep(std::time::Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_dir_all(desk.path().join("books")).unwrap();
    std::fs::remove_file(desk.path().join("slow")).unwrap();
    let (run, state) = desk.last();
    assert_eq!(state, "interrupted");
    let said = pipe(&desk, &["--resume", &run], ":steps\n:run\n:steps\n:undo all\n").ended(0);
    assert!(said.out.contains("Whole  `Wait` is next"), "{}{}", said.out, said.err);
    said.says(&["✓ for name in names  done", "Wait  failed", "✓ Wait  done", "✓ undone: Make x"]);
    assert!(desk.has("closed-2") && !desk.has("made-x") && !desk.has("made-y"));
}

#[test]
fn its_deadline_counts_while_a_part_of_it_runs() {
    let desk = console();
    let text = "runbook \"Slow\" {\n  deadline 1s\n  step \"Sleep\" {\n    $ sleep 30\n    rollback none \"nothing\"\n  }\n}\n";
    desk.write("slow.rbk", text);
    pipe(&desk, &["slow.rbk"], ":run\n").ended(1).says(&["deadline"]);
}

#[test]
fn nobody_at_a_terminal_cannot_be_asked() {
    let desk = desk();
    let said = desk.say(&["run", "deploy.rbk", "--on-failure", "ask"]).ended(2);
    said.says(&["nobody is at a terminal: nothing was run", "`--on-failure stop` stops there"]);
    assert!(!desk.has("one.txt") && !desk.has("state"));
}

/// What is typed may ask it still: it is told, and the console goes on.
#[test]
fn an_answer_to_no_question_is_told() {
    let desk = console();
    desk.write("a.rbk", "runbook \"Asks\" {\n  deadline 1m\n  confirm \"Go on?\"\n  log \"went on\"\n}\n");
    let said = pipe(&desk, &["a.rbk", "--answer", "nosuch=yes", "--answer", "Go on?=yes"], ":run\n").ended(0);
    said.says(&["the runbook has no question `nosuch`, given by `--answer`; its questions are `Go on?`", "went on"]);
    let said = pipe(&desk, &["a.rbk", "--answer", "Go om?=yes", "--answer", "$ touch x=yes"], "$ touch x\n").ended(0);
    assert!(
        said.err.contains("did you mean `Go on?`?") && !said.err.contains("no question `$ touch x`"),
        "{}",
        said.err
    );
    let said = pipe(&desk, &["a.rbk", "--answer", "Go on?=yes"], ":run\n").ended(0);
    assert!(!said.err.contains("no question"), "{}", said.err);
}

#[test]
fn long_notes_are_tables() {
    let rows = "[{ pid: 11, role: \"shop\" }, { pid: 12, role: \"other\" }]";
    let keys: Vec<String> = (0..40).map(|n| format!("\"asgi:key-{n}\"")).collect();
    let script = format!(
        "step \"Look\" readonly {{\n  note \"idle\": {rows}\n  note \"keys\": [{}]\n  note \"few\": [1, 2]\n}}\n",
        keys.join(", ")
    );
    let said = pipe(&console(), &[], &script).ended(0);
    said.says(&[
        "note idle:\n    pid  role\n     11  shop\n     12  other\n",
        "note keys:\n    asgi:key-0\n    asgi:key-1\n",
        "note few: [1, 2]",
    ]);
}
