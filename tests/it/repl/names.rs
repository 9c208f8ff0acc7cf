//! Names of live connections, offered where they may stand: fetched beside the console, which waits for none of it.
use std::net::TcpListener;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::incidents::says;
use crate::cli::Desk;
use crate::cli::terminal::{Terminal, open};
use crate::stage;
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;

/// Typed with Tab behind it, again and again, until it has become this.
#[track_caller]
fn becomes(terminal: &mut Terminal, typed: &str, whole: &str) {
    terminal.keys(typed);
    let since = Instant::now();
    while !terminal.shown().contains(whole) {
        assert!(since.elapsed() < Duration::from_secs(20), "`{typed}` is not `{whole}`:\n{}", terminal.shown());
        terminal.keys("\t");
        std::thread::sleep(Duration::from_millis(50));
    }
    away(terminal);
}

/// The line is taken away.
#[track_caller]
fn away(terminal: &mut Terminal) {
    terminal.keys("\x03");
    terminal.until("\nrbk> ");
    stage::until("an empty prompt", Duration::from_secs(20), || terminal.shown().trim_end().ends_with("\nrbk>"));
}

/// Tab adds nothing to it, and is no key that is waited for.
#[track_caller]
fn offers_nothing(terminal: &mut Terminal, typed: &str) {
    terminal.keys(typed);
    terminal.until(typed);
    terminal.keys("\t\t+go-on");
    terminal.until(&format!("{typed}+go-on"));
    away(terminal);
}

#[test]
fn tables_columns_and_keys_of_live_connections_are_offered() {
    let dir = stage::dir();
    let (postgres, redis) = (Postgres::start(dir.path()), Redis::start(dir.path()));
    postgres.psql("postgres", "CREATE TABLE orders_of_today (id int, customer_name text); CREATE SCHEMA audit");
    postgres.psql("postgres", "CREATE TABLE audit.changes (who text, secret_token text)");
    postgres.psql("postgres", "INSERT INTO audit.changes VALUES ('me', 'Zq8canary-of-a-column')");
    for key in ["session:17:cart", "session:18:Zq8canary-of-a-key", "celery-queue"] {
        redis.cli(&["SET", key, "Zq8canary-of-a-value"]);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.set_nonblocking(true).unwrap();
    let port = nobody.local_addr().unwrap().port();
    let desk = Desk::new();
    let mut terminal = open(&desk, 100, &["repl"]);
    terminal.until("rbk> ");
    says(&mut terminal, "use \"std/redis\"");
    says(&mut terminal, &format!("connect never = postgres(\"postgres://u@127.0.0.1:{port}/x\")"));
    std::fs::write(desk.path("url"), postgres.url("postgres")).unwrap();
    says(&mut terminal, "secret url = file(\"url\")");
    says(&mut terminal, "connect db = postgres(url)");
    says(&mut terminal, &format!("connect cache = redis(\"{}\")", redis.url()));
    // Declared, not used: nobody is asked.
    for typed in ["never.query(\"select 1 from ord", "db.query(\"select 1 from ord"] {
        offers_nothing(&mut terminal, typed);
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rbk/%'";
    assert_eq!(postgres.psql("postgres", sessions), "0");
    says(&mut terminal, "db.ping()");
    says(&mut terminal, "cache.ping()");
    becomes(&mut terminal, "db.query(\"select count(*) from ord", "from orders_of_today");
    becomes(&mut terminal, "db.query(\"select o.cust", "select o.cust");
    becomes(&mut terminal, "step \"x\" {\r  db.exec(\"update orders_of_today set cust", "set customer_name");
    becomes(&mut terminal, "db.value(\"\"\"\r  select secr", "select secret_token");
    becomes(&mut terminal, "db.rows(\"select 1 from audit.ch", "audit.changes");
    becomes(&mut terminal, "db.rows(\"select 1 from pg_stat_act", "pg_stat_activity");
    becomes(&mut terminal, "cache.get(\"sess", "session:");
    becomes(&mut terminal, "redis.set(cache, ttl: 1h, key: \"cel", "celery-queue");
    becomes(&mut terminal, "cache.command(\"STRLEN\", \"session:17", "session:17:");
    // A value is no key, and the end of a key no prefix.
    for typed in ["redis.set(cache, \"a\", \"sess", "cache.get(\"session:17:"] {
        offers_nothing(&mut terminal, typed);
    }
    stage::until("the sessions that asked to be gone", Duration::from_secs(20), || {
        postgres.psql("postgres", &format!("{sessions} AND application_name LIKE '%/names'")) == "0"
    });
    let stats = redis.cli(&["INFO", "commandstats"]);
    assert!(stats.contains("cmdstat_scan:calls=1,") && !stats.contains("cmdstat_keys:"), "{stats}");
    assert!(nobody.accept().is_err());
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    // They are no reads of the run, and no value was.
    let mut kept = Vec::new();
    crate::cli::canaries::files(&desk.path("."), &mut kept);
    kept.push(("the terminal".to_owned(), terminal.raw().into_bytes()));
    for (name, bytes) in kept {
        let text = stage::text(&bytes);
        assert!(!text.contains("Zq8canary") && !text.contains("pg_class") && !text.contains("SCAN"), "{name}");
    }
}

/// It is stopped, and taken up again with this value.
struct Stopped(Pid);

impl Stopped {
    fn new(pid: &str) -> Stopped {
        let pid = Pid::from_raw(pid.parse().unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        Stopped(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

/// Within what one server may take, many times over less.
#[test]
fn a_server_that_does_not_answer_costs_nothing() {
    let dir = stage::dir();
    let (postgres, redis) = (Postgres::start(dir.path()), Redis::start(dir.path()));
    postgres.psql("postgres", "CREATE TABLE orders (id int)");
    redis.cli(&["SET", "session:1", "x"]);
    let desk = Desk::new();
    let mut terminal = open(&desk, 100, &["repl"]);
    terminal.until("rbk> ");
    std::fs::write(desk.path("url"), postgres.url("postgres")).unwrap();
    says(&mut terminal, "secret url = file(\"url\")");
    says(&mut terminal, "connect db = postgres(url)");
    says(&mut terminal, &format!("connect cache = redis(\"{}\")", redis.url()));
    says(&mut terminal, "db.ping()");
    says(&mut terminal, "cache.ping()");
    let server = std::fs::read_to_string(postgres.data.join("postmaster.pid")).unwrap();
    let info = redis.cli(&["INFO", "server"]);
    let redis_pid = info.lines().find_map(|line| line.trim().strip_prefix("process_id:")).unwrap();
    let stopped = [Stopped::new(server.lines().next().unwrap()), Stopped::new(redis_pid)];
    for typed in ["db.query(\"select 1 from ord", "cache.get(\"sess"] {
        let since = Instant::now();
        offers_nothing(&mut terminal, typed);
        says(&mut terminal, "40 + 2");
        assert!(since.elapsed() < Duration::from_secs(4), "{typed}: {:?}", since.elapsed());
    }
    drop(stopped);
    // No error is said of it, and the end does not wait for it.
    let shown = terminal.all();
    assert!(!shown.contains("error") && !shown.contains("failed"), "{shown}");
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}
