//! `rbk repl < script`.
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use super::*;

#[test]
fn values_are_shown_as_a_person_reads_them() {
    let said = pipe(
        &console(),
        &[],
        "let a = 40\na + 2\nlet r = { size: 2GB, tags: [\"x\", 3s] }\nr\n\"#{a}\"\n$ echo from a command\n",
    );
    let said = said.ended(0);
    assert_eq!(
        said.out, "42\nsize: 2GB\ntags:\n  - \"x\"\n  - 3s\n40\n$ echo from a command\n  from a command\n",
        "{}",
        said.err
    );
}

#[test]
fn what_is_undone_can_be_typed_again() {
    let desk = console();
    let script = [touch("one"), touch("two"), ":undo\n:steps\n:redo\n:undo one\n:steps\n:redo 1\n".to_owned()].concat();
    let said = pipe(&desk, &[], &script).ended(0);
    assert!(desk.has("one") && !desk.has("two"), "{}", said.out);
    let (run, state) = desk.last();
    said.says(&[
        "1  one  entry 1\n",
        "to be undone, in this order: `two`, `one`\n",
        "nothing is in place\n",
        &format!("kept in place: `one`; `rbk rollback {run}` undoes it"),
    ]);
    assert_eq!(state, "succeeded");
    desk.rollback(&[]).ended(0);
    assert!(!desk.has("one"));
}

/// Each once, the last undone first; a line that was only looked at in between changes nothing.
#[test]
fn all_that_was_undone_is_typed_again_one_by_one() {
    let add = |name: &str| {
        format!("step \"{name}\" {{\n  $ echo {name} >> log\n  rollback {{ $ sed -i '/{name}/d' log }}\n}}\n")
    };
    let desk = console();
    let script = [add("one"), add("two"), add("three"), ":undo all\n:redo\n1 + 1\n:redo\n".to_owned()].concat();
    pipe(&desk, &[], &script).ended(0);
    assert_eq!(desk.read("log"), "one\ntwo\n");

    // What was typed again and undone once more can be typed again.
    let desk = console();
    let script = [add("one"), add("two"), ":undo\n:undo\n:redo\n:redo\n:undo\n:redo\n".to_owned()].concat();
    pipe(&desk, &[], &script).ended(0);
    assert_eq!(desk.read("log"), "one\ntwo\n");

    // The one that is named is done again too.
    let desk = console();
    let script = [add("one"), add("two"), ":undo all\n:redo 2\n:redo\n:redo\n".to_owned()].concat();
    pipe(&desk, &[], &script).ended(2).says(&["all that was undone is done again", "`:redo 3` types entry 3 again"]);
    assert_eq!(desk.read("log"), "two\none\n");
}

/// What stands before a point of no return can be undone one by one: it is named, and how.
#[test]
fn at_the_end_it_is_said_what_can_be_undone_before_a_point_of_no_return() {
    let desk = console();
    let typed = format!("{}$ touch wall\n", touch("one"));
    let said = pipe(&desk, &["--answer", "$ touch wall=yes"], &typed).ended(0);
    let (run, _) = desk.last();
    said.says(&[&format!(
        "kept in place: `one`, `$ touch wall`; `$ touch wall` cannot be undone, and an undo of all stops there: \
         `rbk rollback {run} --only STEP --reason … --out-of-order …` undoes one of `one`\n"
    )]);
    let alone = ["rollback", &run, "--only", "one", "--reason", "it was asked", "--out-of-order", "a mark only"];
    desk.say(&alone).says(&["undone"]);
    assert!(!desk.has("one") && desk.has("wall"));
}

#[test]
fn a_report_counts_what_was_done_outside_a_step() {
    let desk = console();
    let put = |name: &str| format!("files.put(\"{name}\", \"{name}\")\n");
    let typed =
        ["use \"std/files\"\n", &put("one"), &put("two"), ":undo\n", &put("three"), &touch("four"), ":report a.md\n"];
    pipe(&desk, &[], &typed.concat()).ended(0);
    let (run, _) = desk.last();
    for text in [desk.read("a.md"), desk.say(&["report", &run]).ended(0).out] {
        let resolution = text.split_once("## Resolution\n").unwrap().1;
        let count = "1 step is done and stays, 1 is undone; 2 writes outside a step are done and stay";
        assert!(resolution.contains(count), "{text}");
        assert_eq!(resolution.matches("\n- outside a step: `files.put(").count(), 2, "{text}");
    }
}

#[test]
fn an_address_without_a_password_can_be_typed_again() {
    let twice = "connect cache = redis(\"redis://127.0.0.1:1/0\")\n".repeat(2);
    pipe(&console(), &[], &twice).ended(0);
    let secret = "connect cache = redis(\"redis://:Zq8canary@127.0.0.1:1/0\")\n".repeat(2);
    pipe(&console(), &[], &secret).ended(2).says(&["shows a secret"]);
}

#[test]
fn names_of_what_failed_or_was_undone_are_unset() {
    let failed = "let a = 1\nstep \"x\" {\n  let b = 2\n  $ touch x\n  rollback { $ rm x }\n}\nb\n:undo\na\nb\n";
    let said = pipe(&console(), &[], failed).ended(2);
    assert!(said.out.contains("\n2\n") && said.out.ends_with("\n1\n"), "{}", said.out);
    said.says(&["nothing is called `b`"]);
    let said = pipe(&console(), &[], "let a = 1\nlet a = a + 1\na\n").ended(0);
    assert_eq!(said.out, "2\n");
}

#[test]
fn a_script_ends_with_its_first_error() {
    let after = "log \"never\"\n";
    let refused = |script: &str| pipe(&console(), &[], &format!("{script}{after}"));
    let never = |said: Said| assert!(!said.out.contains("never"), "{}", said.out);
    never(refused("let a = \n").ended(2));
    never(refused("1 + true\n").ended(2).says(&["entry 1"]));
    never(refused(":unod\n").ended(2).says(&["did you mean `:undo`?"]));
    never(refused("step \"x\" {\n  $ touch x\n").ended(2));
    let desk = console();
    let script =
        format!("{}{}fail \"no\"\n{after}", touch("one"), touch("two").replace("touch two", "touch two; false"));
    never(pipe(&desk, &[], &script).ended(1).says(&["everything it did is undone", "kept in place: `one`"]));
    assert!(desk.has("one") && !desk.has("two"));
    let desk = console();
    let script = format!("step \"x\" {{\n  $ touch x; false\n  rollback {{ $ false }}\n}}\n{after}");
    never(pipe(&desk, &[], &script).ended(3).says(&["left in place:", "its rollback failed"]));
}

#[test]
fn a_write_without_an_undo_needs_a_yes_and_is_a_wall() {
    let desk = console();
    let script = format!("{}$ touch bare\n{}:undo all\n", touch("one"), touch("two"));
    let said =
        pipe(&desk, &[], &script).ended(1).says(&["$ touch bare: no undo is known for it. Run it all the same?"]);
    assert!(!desk.has("bare") && desk.has("one"), "{}", said.out);
    let said = pipe(&console(), &["--answer", "$ touch bare=yes"], &script).ended(3);
    said.says(&["one: cannot be undone: stands before the point of no return `$ touch bare`", "`:undo past` goes on"]);
    let last = "$ touch bare\n:undo\n";
    let said = pipe(&console(), &["--answer", "$ touch bare=yes"], last).ended(2);
    said.says(&["error: nothing that is in place can be undone", "`$ touch bare`, which cannot be undone"]);
    let desk = console();
    let script = script.replace(":undo all", ":undo\n:undo past all");
    pipe(&desk, &["--answer", "$ touch bare=yes"], &script).ended(0);
    assert!(desk.has("bare") && !desk.has("one") && !desk.has("two"));
}

#[test]
fn actions_and_libraries_are_known_from_there_on() {
    let desk = console();
    desk.write("lib.rbk", "action hello(name: string) {\n  log \"hello, #{name}\"\n}\n");
    let script = "use \"./lib.rbk\"\nlib.hello(\"you\")\naction twice(n: int) {\n  return n * 2\n}\ntwice(21)\n\
        use \"std/files\"\nfiles.snapshot(\"none\")\n";
    let said = pipe(&desk, &[], script).ended(0);
    assert_eq!(said.out, "hello, you\n42\n-\n", "{}", said.err);
}

/// Killed for good in the middle of an input: what ended is there, what was under way is undone or goes on.
#[test]
fn a_console_that_was_killed_goes_on() {
    let desk = console();
    let (mut child, mut keys) = open(&desk, &[]);
    let library = "use \"./lib.rbk\"\n";
    desk.write("lib.rbk", "action three() {\n  return 3\n}\n");
    let slow = "step \"slow\" {\n  $ touch slow; touch ready; while [ ! -e go ]; do sleep 0.02; done\n  rollback { $ rm slow }\n}\n";
    write!(keys, "{library}let a = lib.three()\n{}{slow}", touch("one")).unwrap();
    desk.until("ready");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it used is as it was.
    desk.write("lib.rbk", "broken {");
    let (run, state) = desk.last();
    assert_eq!(state, "interrupted");
    desk.resume(&[]).ended(2).says(&[&format!("rbk repl --resume {run}")]);
    desk.say(&["resume", "--due"]).ended(0).says(&["is left alone: it is a console"]);
    desk.say(&["show", &run]).ended(0).says(&["typed: let a = lib.three()"]);
    let said = pipe(&desk, &["--resume", &run], "a\nlib.three() + 1\n:steps\n:undo all\n").ended(0);
    assert!(!desk.has("one") && !desk.has("slow"), "{}{}", said.out, said.err);
    assert!(said.out.contains("undone: slow") && said.out.contains("\n3\n4\n1  one  entry 3\n"), "{}", said.out);
}

#[test]
fn a_console_between_two_inputs_goes_on_with_its_names() {
    let desk = console();
    let (mut child, mut keys) = open(&desk, &[]);
    write!(keys, "let a = 3\n{}", touch("one")).unwrap();
    desk.until("one");
    std::thread::sleep(Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    let (run, _) = desk.last();
    let said = pipe(&desk, &["--resume", &run], "a\n:steps\n:undo all\na + 1\n").ended(0);
    assert!(said.out.starts_with("3\n1  one  entry 2\n") && said.out.ends_with("4\n"), "{}", said.out);
    assert!(!desk.has("one"));
    assert_eq!(desk.last().1, "succeeded");
    pipe(&desk, &["--resume", &run], "").ended(2).says(&["has ended"]);
}

/// How it ended stands in the list of the runs, and why in its account.
#[test]
fn a_script_that_came_to_an_error_has_failed() {
    let states = |script: &str, code: i32, state: &str, why: &str| {
        let desk = console();
        pipe(&desk, &[], script).ended(code);
        let (run, stands) = desk.last();
        assert_eq!(stands, state, "{script}");
        desk.say(&["show", &run]).ended(0).says(&[why]);
        desk
    };
    let one = touch("one");
    let desk = states(&format!("{one}fail \"on purpose\"\nlog \"never\"\n"), 1, "failed", "on purpose");
    desk.say(&["runs", "--state", "failed"]).ended(0).says(&["failed"]);
    desk.rollback(&[]).ended(0);
    assert!(!desk.has("one"));
    let desk = states(&format!("{one}nothing\n"), 2, "failed", "nothing is called `nothing`");
    assert!(desk.has("one"));
    states("nothing\n", 2, "refused", "nothing is called `nothing`");
    states(":load none.rbk\n", 2, "refused", "cannot read `none.rbk`");
    states(&one, 0, "succeeded", "one");
}

/// A read has changed nothing: it is asked again, and a person is told which.
#[test]
fn a_read_that_was_under_way_is_asked_again_and_named() {
    let desk = console();
    desk.write("once", "5\n");
    let pipe_file = desk.path().join("pipe");
    nix::unistd::mkfifo(&pipe_file, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (mut child, mut keys) = open(&desk, &[]);
    write!(keys, "let before = $ cat once\nlet a = $ cat pipe\n").unwrap();
    let reads = || std::fs::OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(&pipe_file).is_ok();
    stage::until("it reads", Duration::from_secs(20), reads);
    child.kill().unwrap();
    child.wait().unwrap();
    desk.write("once", "6\n");
    let (run, _) = desk.last();
    let answers = std::thread::spawn(move || std::fs::write(pipe_file, "7\n").unwrap());
    let said = pipe(&desk, &["--resume", &run], "a\nbefore\n").ended(0);
    assert_eq!(said.out, "`$ cat pipe` was interrupted, and is asked again\n7\n5\n", "{}", said.err);
    answers.join().unwrap();
}

/// Each input is checked by itself: those before it are not looked at again.
#[test]
fn a_thousand_inputs_cost_what_they_cost_one_by_one() {
    let desk = console();
    let script = |count: usize| (0..count).map(|n| format!("let v{n} = {n}\n")).collect::<String>() + "v1\n";
    let took = |count: usize| {
        let since = std::time::Instant::now();
        assert_eq!(pipe(&desk, &["--journal", "none"], &script(count)).ended(0).out, "1\n");
        since.elapsed()
    };
    let few = took(50);
    let many = took(1000);
    assert!(many < few * 100, "{few:?} for 50, {many:?} for 1000");
}

#[test]
fn a_hangup_leaves_it_and_cancels_what_runs() {
    let desk = console();
    let (mut child, mut keys) = open(&desk, &[]);
    write!(keys, "{}step \"slow\" {{\n  $ touch slow; sleep 60\n  rollback {{ $ rm slow }}\n}}\n", touch("one"))
        .unwrap();
    desk.until("slow");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGHUP).unwrap();
    let (code, out, err) = child_output(&mut child);
    let (run, state) = desk.last();
    assert_eq!((code, state.as_str()), (Some(4), "stopped"), "{out}{err}");
    assert!(err.contains(&format!("`rbk repl --resume {run}` goes on")), "{err}");
    assert!(desk.has("one") && !desk.has("slow"), "{out}");
    desk.rollback(&[]).ended(0);
    assert!(!desk.has("one"));
}

/// Ctrl-C ends what runs, and the console goes on.
#[test]
fn an_interrupt_ends_the_input_and_not_the_console() {
    let desk = console();
    let (mut child, mut keys) = open(&desk, &["--answer", "$ touch bare; sleep 60=yes"]);
    writeln!(keys, "$ touch bare; sleep 60").unwrap();
    desk.until("bare");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let (code, out, err) = child_output(&mut child);
    // A script ends with its first error; it is not stopped.
    assert_eq!((code, desk.last().1.as_str()), (Some(3), "failed"), "{out}{err}");
}

const TOKEN: &str = "Zq8canary-of-a-console";

#[test]
fn a_secret_is_neither_shown_nor_kept() {
    let desk = console().env("TOKEN", TOKEN);
    let script = format!(
        "secret token = env(\"TOKEN\")\ntoken\nwith env({{ T: token }}) {{ $ echo \"got $T\" }}\nlog \"{TOKEN}\"\n"
    );
    let said = pipe(&desk, &[], &script).ended(2).says(&["shows a secret", "write the secret's name"]);
    assert!(said.out.contains("‹token›"), "{}", said.out);
    assert!(!said.out.contains(TOKEN) && !said.err.contains(TOKEN), "{}{}", said.out, said.err);
    let mut kept = 0;
    for file in glob::glob(&format!("{}/state/**/*", desk.path().display())).unwrap().flatten().filter(|f| f.is_file())
    {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "{}", file.display());
        kept += 1;
    }
    assert!(kept > 0);
}

#[test]
fn nothing_is_kept_where_that_is_asked_for() {
    let desk = console();
    let said = pipe(&desk, &["--journal", "none"], &touch("one")).ended(0).says(&["kept in place: `one`"]);
    assert!(!said.err.contains("rollback"), "{}", said.err);
    assert!(!desk.has("state"));
}

/// At a terminal the next try follows; here both stand in one console that goes on.
#[test]
fn a_secret_of_a_library_is_read_again_at_the_next_use() {
    let desk = crate::cli::Desk::new()
        .file("lib.rbk", "secret token = file(\"token\")\naction len() {\n  return token.len()\n}\n");
    let mut terminal = crate::cli::terminal::open(&desk, 100, &["repl"]);
    terminal.until("rbk> ");
    terminal.keys("use \"./lib.rbk\"\r");
    terminal.until("failed:");
    std::fs::write(desk.path("token"), "Zq8canary").unwrap();
    terminal.keys("use \"./lib.rbk\"\rlib.len()\r");
    terminal.until("‹token›");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
}
