//! An incident, worked at a terminal from nothing against real servers, to a runbook that does the same by itself.
use std::time::Duration;

use regex::Regex;

use super::*;
use crate::cli::Desk;
use crate::cli::terminal::{Terminal, open};
use crate::stage::redis::Redis;
use crate::stage::systemd::Manager;
use crate::stage::until;

const PROMPT: &str = "rbk>";

/// Type one input, wait until the console asks for the next one.
#[track_caller]
fn says(terminal: &mut Terminal, text: &str) {
    let before = prompts(terminal);
    terminal.keys(&format!("{}\r", text.replace('\n', "\r")));
    until(&format!("the prompt after `{text}`:\n{}", terminal.shown()), Duration::from_secs(30), || {
        prompts(terminal) > before && terminal.shown().trim_end().ends_with(PROMPT)
    });
}

/// So many inputs were typed, and one is open.
fn prompts(terminal: &Terminal) -> usize {
    terminal.all().lines().filter(|line| line.starts_with(PROMPT)).count()
}

/// The screen without what is another one each time.
fn steady(shown: &str, volatile: &[(&str, &str)]) -> String {
    let mut text = shown.to_owned();
    for (from, to) in volatile {
        text = text.replace(from, to);
    }
    for (pattern, to) in [
        (r"\d{8}-\d{4}-[a-z0-9]{4}", "RUN"),
        (r"\b\d+(\.\d+)?m?s\b", "TIME"),
        (r"127\.0\.0\.1:\d+", "HOST:PORT"),
        (r"(?m) +$", ""),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, to).into_owned();
    }
    text
}

/// The end of a console: what is in place stays.
fn kept(terminal: &mut Terminal) {
    terminal.keys("\x04");
    terminal.until("keep, undo or leave it?");
    terminal.keys("keep\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

fn checked(desk: &Desk, file: &str) -> String {
    let text = std::fs::read_to_string(desk.path(file)).unwrap();
    for args in [&["check", file][..], &["fmt", "--check", file]] {
        let output = desk.command(args).output().unwrap();
        assert!(output.status.success(), "{}{}\n{text}", stage::text(&output.stdout), stage::text(&output.stderr));
    }
    text
}

/// Takes tasks off the list as a Celery worker does, and ends at one that it cannot read.
const WORKER: &str = r#"
while :; do
  task=$(redis-cli -p "$1" LMOVE celery unacked RIGHT LEFT)
  case $task in
    '') sleep 0.05 ;;
    *broken*) redis-cli -p "$1" LMOVE unacked celery LEFT RIGHT >/dev/null; exit 1 ;;
    *) redis-cli -p "$1" INCR done >/dev/null; redis-cli -p "$1" LPOP unacked >/dev/null ;;
  esac
done
"#;

/// DC-27: tasks are queued and nothing takes them: the worker dies at one of them.
#[test]
fn celery_tasks_are_not_processed() {
    let dir = stage::dir();
    let redis = Redis::start(dir.path());
    let units = Manager::new(dir.path());
    let worker = dir.path().join("worker.sh");
    std::fs::write(&worker, WORKER).unwrap();
    let unit = format!("[Service]\nExecStart=/bin/sh {} {}\n", worker.display(), redis.port);
    units.unit("celery-worker", &unit);
    let fill = || {
        redis.cli(&["DEL", "celery", "celery:aside", "unacked", "done"]);
        redis.cli(&["LPUSH", "celery", "{\"task\": broken"]);
        for n in 0..5 {
            redis.cli(&["LPUSH", "celery", &format!("{{\"task\": \"mail\", \"id\": {n}}}")]);
        }
    };
    fill();
    let mut desk = Desk::new();
    for (name, value) in units.env() {
        desk = desk.variable(name, &value);
    }
    let mut terminal = open(&desk, 100, &["repl"]);
    terminal.until("rbk> ");
    says(&mut terminal, "use \"std/systemd\"");
    says(&mut terminal, &format!("connect queue = redis(\"{}\")", redis.url()));
    says(&mut terminal, "queue.ping()");
    says(&mut terminal, "queue.llen(\"celery\")");
    says(&mut terminal, "systemd.active(\"celery-worker\", user: true)");
    // The first try: it is started, dies at once, and what was done is undone.
    let check = "wait up to 1s every 100ms until queue.llen(\"celery\") == 0";
    says(
        &mut terminal,
        &format!("step \"Start the worker\" {{\nsystemd.start(\"celery-worker\", user: true)\n{check}\n}}"),
    );
    says(&mut terminal, "queue.lrange(\"celery\", from: -1)");
    says(&mut terminal, ":note the worker dies at the oldest task: it is no JSON");
    says(
        &mut terminal,
        "step \"Set the broken task aside\" {\nqueue.command(\"LMOVE\", [\"celery\", \"celery:aside\", \"RIGHT\", \"LEFT\"])\n\
         rollback { queue.command(\"LMOVE\", [\"celery:aside\", \"celery\", \"LEFT\", \"RIGHT\"]) }\n}",
    );
    says(&mut terminal, "systemd.start(\"celery-worker\", user: true)");
    says(&mut terminal, &check.replace("1s", "20s"));
    says(&mut terminal, "queue.get(\"done\")");
    says(&mut terminal, ":steps");
    says(&mut terminal, ":save restart-celery.rbk");
    let port = redis.port.to_string();
    insta::assert_snapshot!("celery_tasks", steady(&terminal.all(), &[(&port, "PORT")]));
    kept(&mut terminal);
    assert!(units.active("celery-worker"));
    assert_eq!((redis.cli(&["GET", "done"]), redis.cli(&["LLEN", "celery:aside"])), ("5".to_owned(), "1".to_owned()));

    let text = checked(&desk, "restart-celery.rbk");
    assert!(!text.contains("Start the worker"), "{text}");
    units.ctl(&["stop", "celery-worker"]);
    fill();
    let mut terminal = open(&desk, 100, &["run", "restart-celery.rbk"]);
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}\n{text}");
    assert_eq!((redis.cli(&["GET", "done"]), redis.cli(&["LLEN", "celery:aside"])), ("5".to_owned(), "1".to_owned()));
    units.ctl(&["stop", "celery-worker"]);
}
