//! E2: a run takes the lock of another one, which is stopped first; both journals say so.
use super::*;
use rbk::engine::Event;
use rbk::journal::{Entry, Which};
use rbk::value::Value;

const TAKER: &str = r#"runbook "Emergency" {
  deadline 1m
  rollback within 30s
  lock "site" takeover
  step "mend" {
    $ echo mended >> log
    rollback none "it is right now"
  }
}
"#;

fn holder(work: &str, undo: &str) -> Desk {
    let desk = Desk::new(&format!(
        "runbook \"Deploy\" {{\n  deadline 1m\n  rollback within 30s\n  lock \"site\"\n  step \"deploy\" {{\n    $ echo deployed >> log; touch ready; {work}\n    rollback {{ $ {undo} }}\n  }}\n}}\n"
    ));
    desk.write("taker.rbk", TAKER);
    desk
}

fn entries(desk: &Desk, run: &str) -> Vec<Entry> {
    let mut store = rbk::journal::open(&Which::Named(desk.path().join("state/journal.db"))).unwrap();
    store.load(run).unwrap().1
}

/// In the journal of the one who lost it, and of the one who took it.
fn told(desk: &Desk, loser: &str, taker: &str) {
    let lost = entries(desk, loser).into_iter().any(|entry| {
        matches!(&entry, Entry::LockTaken { lock, by, who, .. } if lock == "site" && by == taker && !who.is_empty())
    });
    assert!(lost, "{loser} does not say who has taken its lock");
    let took = entries(desk, taker).into_iter().any(|entry| match entry {
        Entry::Heard { input, .. } => match input.event {
            Event::Ended(_, outcome) => {
                matches!(outcome.result, Ok(Value::Record(record)) if record.get("taken_from") == Some(&Value::str(loser)))
            }
            _ => false,
        },
        _ => false,
    });
    assert!(took, "{taker} does not say whose lock it was");
}

#[test]
fn e2_a_holder_that_does_not_listen_is_ended_and_undone_before_the_lock_is_taken() {
    let desk = holder("trap '' TERM; while :; do sleep 0.1; done", "echo undone >> log");
    let said = std::fs::File::create(desk.path().join("said")).unwrap();
    let mut first = desk.command(&["run", "book.rbk"]).stdout(said).spawn().unwrap();
    desk.until("ready");
    std::thread::sleep(Duration::from_millis(300));
    let (loser, _) = desk.last();
    desk.say(&["run", "taker.rbk"]).ended(0).says(&[&format!("over from run {loser}"), "waiting for its end"]);
    assert_eq!(first.wait().unwrap().code(), Some(1));
    let (taker, _) = desk.last();
    let said = desk.read("said");
    assert!(said.contains(&format!("takes the lock `site` from this run for run {taker}")), "{said}");
    assert!(said.contains(&format!("stopped for run {taker}, with which ")), "{said}");
    assert!(!said.contains("stopped by a signal"), "{said}");
    let words = std::fs::read_dir(desk.path().join("state/locks")).unwrap().flatten();
    assert!(words.into_iter().all(|file| file.path().extension().is_some_and(|ending| ending == "lock")));
    assert_eq!(desk.read("log"), "deployed\nundone\nmended\n");
    told(&desk, &loser, &desk.last().0);
}

#[test]
fn e2_what_the_holder_could_not_undo_stays_for_a_rollback() {
    let desk = holder("sleep 60", "test -e mendable && echo undone >> log");
    let mut first = desk.start(&["run", "book.rbk"]);
    desk.until("ready");
    std::thread::sleep(Duration::from_millis(300));
    let (loser, _) = desk.last();
    let taken = desk.say(&["run", "taker.rbk"]).ended(0);
    assert_eq!(first.wait().unwrap().code(), Some(3));
    let (taker, _) = desk.last();
    told(&desk, &loser, &taker);
    taken.says(&[&format!(
        "taking the lock `site` over from run {loser}, which nobody drives: what it has in place stays"
    )]);
    desk.write("mendable", "");
    let words = [format!("has taken the lock `site` from this run for run {taker}"), format!("run {taker} came later")];
    desk.say(&["rollback", &loser, "--reason", "the page is well"]).ended(0).says(&[&words[0]]);
    assert_eq!(desk.read("log"), "deployed\nmended\nundone\n");
}

#[test]
fn e2_a_dead_holder_loses_the_lock_and_takes_nothing_back() {
    let gate = gate("go");
    let desk = holder("sleep 60", "echo undone >> log");
    desk.write(
        "taker.rbk",
        &TAKER.replace("echo mended >> log", &format!("echo mended >> log; touch mending; {gate}")),
    );
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (loser, _) = desk.last();
    let mut second = desk.start(&["run", "taker.rbk"]);
    desk.until("mending");
    let (taker, _) = desk.last();
    desk.say(&["rollback", &loser, "--reason", "now"]).ended(2).says(&["the lock `site`", &taker]);
    assert_eq!(desk.read("log"), "deployed\nmended\n");
    desk.write("go", "");
    assert_eq!(second.wait().unwrap().code(), Some(0));
    told(&desk, &loser, &taker);
    desk.say(&["rollback", &loser, "--reason", "now"]).ended(0);
    assert_eq!(desk.read("log"), "deployed\nmended\nundone\n");
}

#[test]
fn e2_what_a_dead_holder_has_left_running_is_ended_before_the_lock_is_taken() {
    let desk = holder("sleep 30; echo late >> log", "echo undone >> log");
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (loser, _) = desk.last();
    assert!(runs_on(&loser));
    desk.write("taker.rbk", &TAKER.replace("echo mended", "sleep 1; echo mended"));
    desk.say(&["run", "taker.rbk"]).ended(0).says(&[
        &format!("taking the lock `site` over from run {loser}, which nobody drives: ending `"),
        "which it left running",
    ]);
    assert!(!runs_on(&loser));
    let (taker, _) = desk.last();
    told(&desk, &loser, &taker);
    desk.say(&["show", &loser]).ended(0).says(&[&format!("running: it was ended for run {taker}")]);
    assert_eq!(desk.read("log"), "deployed\nmended\n");
}

/// As on a machine of another name.
fn say_elsewhere(desk: &Desk, args: &[&str]) -> Said {
    let run = desk.command(args);
    let named = "unshare -u true 2>/dev/null && U=-u || U=-ru
        exec unshare $U sh -c 'echo elsewhere > /proc/sys/kernel/hostname && exec \"$@\"' sh \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", named, "sh"]).arg(run.get_program()).args(run.get_args()).current_dir(desk.path());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    Said { code: output.status.code(), out: stage::text(&output.stdout), err: stage::text(&output.stderr) }
}

#[test]
fn e2_a_holder_that_died_elsewhere_while_a_command_ran_keeps_its_lock() {
    let desk = holder("sleep 30; echo late >> log", "echo undone >> log");
    desk.killed_at(&["run", "book.rbk"], "ready");
    let (loser, _) = desk.last();
    let host = nix::unistd::gethostname().unwrap().to_string_lossy().into_owned();
    say_elsewhere(&desk, &["run", "taker.rbk"]).ended(2).says(&[
        &format!("run {loser} has the lock `site` and was left on {host} while a command ran"),
        &format!("on {host} `rbk rollback {loser}` ends and undoes it"),
    ]);
    assert!(runs_on(&loser));
    desk.say(&["rollback", &loser]).ended(0);
    say_elsewhere(&desk, &["run", "taker.rbk"]).ended(0);
    assert_eq!(desk.read("log"), "deployed\nundone\nmended\n");
}
