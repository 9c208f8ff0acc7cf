//! An incident, worked at a terminal from nothing against real servers, to a runbook that does the same by itself.
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use regex::Regex;

use super::*;
use crate::cli::Desk;
use crate::cli::terminal::{Terminal, open};
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;
use crate::stage::systemd::Manager;
use crate::stage::until;

const PROMPT: &str = "rbk>";

/// Type one input, wait until the console asks for the next one.
#[track_caller]
pub(super) fn says(terminal: &mut Terminal, text: &str) {
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
pub(super) fn steady(shown: &str, volatile: &[(&str, &str)]) -> String {
    let mut text = shown.to_owned();
    for (from, to) in volatile {
        text = text.replace(from, to);
    }
    for (pattern, to) in [
        (r"\d{8}-\d{4}-[a-z0-9]{4}", "RUN"),
        (r"\b\d{4}-\d\d-\d\d\b", "DAY"),
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

pub(super) fn checked(desk: &Desk, file: &str) -> String {
    let text = std::fs::read_to_string(desk.path(file)).unwrap();
    for args in [&["check", file][..], &["fmt", "--check", file]] {
        let output = desk.command(args).output().unwrap();
        assert!(output.status.success(), "{}{}\n{text}", stage::text(&output.stdout), stage::text(&output.stderr));
    }
    text
}

/// Takes tasks off the list as a Celery worker does, and dies of one that it cannot read.
const WORKER: &str = r#"
while :; do
  case $(redis-cli -p "$1" LINDEX celery -1) in
    '') sleep 0.05 ;;
    *broken*) sleep 5; exit 1 ;;
    *) redis-cli -p "$1" LMOVE celery unacked RIGHT LEFT >/dev/null
       redis-cli -p "$1" INCR done >/dev/null; redis-cli -p "$1" LPOP unacked >/dev/null ;;
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
    // The first try: it is started, takes nothing, and what was done is undone.
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

/// DO-44: the site gets no connection any more: sessions that nobody uses hold them.
#[test]
fn the_database_has_no_connections_left() {
    let dir = stage::dir();
    let mut postgres = Postgres::init(dir.path());
    let conf = postgres.data.join("postgresql.conf");
    let text = std::fs::read_to_string(&conf).unwrap();
    std::fs::write(&conf, format!("{text}max_connections = 12\nsuperuser_reserved_connections = 4\n")).unwrap();
    postgres.go();
    postgres.psql("postgres", "CREATE ROLE shop LOGIN PASSWORD 'shop'");
    let mut shop = postgres.client("psql");
    shop.env("PGPASSWORD", "shop").env("PGAPPNAME", "shop-web").args(["-U", "shop", "-XAtq", "-d", "postgres"]);
    shop.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let held = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop' AND state = 'idle'";
    // Workers that hold their sessions, up to the last one that there is.
    let leak = |shop: &mut Command| {
        let (mut leaked, since) = (Vec::new(), Instant::now());
        while leaked.len() < 8 {
            assert!(since.elapsed() < Duration::from_secs(20), "only {} sessions", leaked.len());
            leaked.extend(Leaked::open(shop));
        }
        leaked
    };
    let leaked = leak(&mut shop);
    let mut refused = postgres.client("psql");
    refused.env("PGPASSWORD", "shop").args(["-U", "shop", "-d", "postgres", "-c", "SELECT 1"]);
    assert!(!refused.output().unwrap().status.success());
    // Long enough to be called idle.
    let old = format!("{held} AND state_change < now() - interval '1 second'");
    stage::until("a second", Duration::from_secs(20), || postgres.psql("postgres", &old) == "8");

    let desk = Desk::new().variable("DATABASE_URL", &postgres.url("postgres"));
    let mut terminal = open(&desk, 100, &["repl"]);
    terminal.until("rbk> ");
    says(&mut terminal, "use \"std/postgres\" as pg");
    says(&mut terminal, "secret url = env(\"DATABASE_URL\")");
    says(&mut terminal, "connect db = postgres(url)");
    says(
        &mut terminal,
        "db.row(\"SELECT count(*) AS used, current_setting('max_connections')::int AS most FROM pg_stat_activity WHERE backend_type = 'client backend'\")",
    );
    says(
        &mut terminal,
        "db.rows(\"\"\"\nSELECT usename AS role, application_name AS application, state, count(*) AS sessions\nFROM pg_stat_activity\n\
         WHERE backend_type = 'client backend' AND usename = 'shop' GROUP BY 1, 2, 3\n\"\"\")",
    );
    says(&mut terminal, ":note eight sessions of shop-web do nothing: its pool never gives them back");
    says(&mut terminal, "pg.idle(db, longer_than: 1s).len()");
    // That would need a restart, and is refused.
    says(&mut terminal, "pg.set(db, \"max_connections\", \"200\")");
    terminal.keys("pg.end_idle(db, longer_than: 1s, at_most: 20)\r");
    terminal.until("yes or no:");
    let preview = terminal.all().replace('\n', "");
    assert_eq!(preview.matches("  shop  shop-web     127.0.0.1  ").count(), 8, "{preview}");
    assert_eq!(postgres.psql("postgres", held), "8");
    says(&mut terminal, "yes");
    says(&mut terminal, "pg.set(db, \"idle_session_timeout\", \"10min\")");
    says(&mut terminal, "db.value(\"SHOW idle_session_timeout\")");
    says(&mut terminal, "db.value(\"SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop'\")");
    says(&mut terminal, ":steps");
    says(&mut terminal, ":report incident.md");
    says(&mut terminal, ":save free-connections.rbk");
    insta::assert_snapshot!("no_connections_left", steady(&without_sessions(&terminal.all()), &[]));
    kept(&mut terminal);
    drop(leaked);
    assert_eq!(
        (postgres.psql("postgres", held), postgres.psql("postgres", "SHOW idle_session_timeout")),
        ("0".into(), "10min".into())
    );
    let report = std::fs::read_to_string(desk.path("incident.md")).unwrap();
    for words in [
        "eight sessions of shop-web do nothing",
        "End the 8 sessions of postgres",
        "ALTER SYSTEM SET idle_session_timeout",
    ] {
        assert!(report.contains(words), "{words}: {report}");
    }

    let text = checked(&desk, "free-connections.rbk");
    assert!(!text.contains("max_connections"), "{text}");
    postgres.psql("postgres", "ALTER SYSTEM RESET idle_session_timeout");
    postgres.psql("postgres", "SELECT pg_reload_conf()");
    let leaked = leak(&mut shop);
    stage::until("a second", Duration::from_secs(20), || postgres.psql("postgres", &old) == "8");
    let mut terminal = open(&desk, 100, &["run", "free-connections.rbk"]);
    terminal.until("yes or no:");
    terminal.keys("yes\r");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}\n{text}");
    drop(leaked);
    assert_eq!(
        (postgres.psql("postgres", held), postgres.psql("postgres", "SHOW idle_session_timeout")),
        ("0".into(), "10min".into())
    );
    // And back again.
    let mut terminal = open(&desk, 100, &["rollback", "--last", "free-connections.rbk"]);
    let (code, shown) = terminal.end();
    assert_eq!((code, postgres.psql("postgres", "SHOW idle_session_timeout").as_str()), (0, "0"), "{shown}");
}

/// Without the sessions that stand in it, and who answered.
fn without_sessions(shown: &str) -> String {
    let mut text = shown.to_owned();
    for (pattern, to) in [
        (r"(?s)note idle sessions:\n.*?\n  8 rows", "note idle sessions: SESSIONS"),
        (r#"(?s)db.exec\("SELECT pg_terminate_backend.*?"\)"#, "db.exec(TERMINATE)"),
        (r"→ yes  \S+", "→ yes  USER"),
        // A server may take a setting at the first look or later.
        (r"(?m)^ *· not yet: .*\n", ""),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, to).into_owned();
    }
    text
}

/// A client that holds its session.
struct Leaked(Child);

impl Leaked {
    /// None: there was no room for it.
    fn open(client: &mut Command) -> Option<Leaked> {
        let mut one = Leaked(client.spawn().unwrap());
        // It is refused before it has read anything.
        let _ = one.0.stdin.as_mut().unwrap().write_all(b"SELECT 1;\n");
        let mut answer = [0; 1];
        one.0.stdout.as_mut().unwrap().read_exact(&mut answer).ok().map(|()| one)
    }
}

impl Drop for Leaked {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
