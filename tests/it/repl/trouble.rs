//! What goes wrong under the hands of a person: the prompt is back, the state is intact, memory is bounded.
use std::time::Duration;

use super::*;
use crate::cli::Desk;
use crate::cli::terminal::{Terminal, open};
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;
use crate::stage::until;

const TOUCH: &str = "step \"one\" {\r  $ touch one\r  rollback { $ rm one }\r}\r";

fn ready(desk: &Desk) -> Terminal {
    let terminal = open(desk, 100, &["repl"]);
    terminal.until("rbk> ");
    terminal
}

/// What was bound and what is in place is as it was.
#[track_caller]
fn intact(terminal: &mut Terminal, desk: &Desk) {
    terminal.keys("log \"still #{kept + 1}\"\r");
    terminal.until("\nstill 42");
    terminal.keys(":undo all\r");
    terminal.until("✓ undone: one");
    assert!(!desk.has("one"));
    terminal.keys("\x04");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn a_query_that_hangs_ends_with_control_c_also_at_the_server() {
    let dir = stage::dir();
    let postgres = Postgres::start(dir.path());
    let desk = Desk::new().variable("DATABASE_URL", &postgres.url("postgres"));
    let mut terminal = ready(&desk);
    terminal.keys("let kept = 41\r");
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    terminal.keys("secret url = env(\"DATABASE_URL\")\rconnect db = postgres(url)\rdb.value(\"SELECT 'canary', pg_sleep(600)\")\r");
    let runs = || {
        postgres.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%canary%' AND pid <> pg_backend_pid() AND state = 'active'") == "1"
    };
    until("the query runs", Duration::from_secs(20), runs);
    terminal.until("── running");
    terminal.keys("\x03");
    until("the query is gone from the server", Duration::from_secs(20), || !runs());
    until("the prompt", Duration::from_secs(20), || terminal.shown().trim_end().ends_with("\nrbk>"));
    intact(&mut terminal, &desk);
}

#[test]
fn a_dead_server_costs_a_line() {
    let dir = stage::dir();
    let redis = Redis::start(dir.path());
    let url = redis.url();
    let desk = Desk::new();
    let mut terminal = ready(&desk);
    terminal.keys("let kept = 41\r");
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    terminal.keys(&format!("connect cache = redis(\"{url}\")\rcache.ping()\r"));
    terminal.until("true");
    drop(redis);
    terminal.keys("cache.get(\"x\")\r");
    terminal.until("failed:");
    // Neither does what is offered: nothing waits for it.
    terminal.keys("cache.get(\"x\t\t\x03");
    std::thread::sleep(Duration::from_millis(300));
    terminal.keys(":connect\r");
    terminal.until("did not answer");
    intact(&mut terminal, &desk);
}

#[test]
fn a_hundred_thousand_rows_are_folded() {
    let dir = stage::dir();
    let postgres = Postgres::start(dir.path());
    let desk = Desk::new().variable("DATABASE_URL", &postgres.url("postgres"));
    let mut terminal = ready(&desk);
    terminal.keys("let kept = 41\r");
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    terminal.keys("secret url = env(\"DATABASE_URL\")\rconnect db = postgres(url)\r");
    terminal.keys("db.rows(\"SELECT n, 'row ' || n AS name FROM generate_series(1, 100000) AS n\")\r");
    let shown = terminal.until("more");
    assert!(shown.contains("row 50"), "{shown}");
    assert!(!terminal.raw().contains("row 99999"));
    let peak = peak(terminal.pid());
    assert!(peak < 400 << 20, "{} MiB", peak >> 20);
    intact(&mut terminal, &desk);
}

/// The most memory that the process ever had, in bytes.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

/// One answer of 50 MB, and the same once more.
#[test]
fn fifty_megabytes_of_json_are_folded() {
    let desk = Desk::new();
    let one = format!("{{\"id\": 1, \"text\": \"{}\"}}", "x".repeat(1000));
    let all = vec![one; 50_000].join(",");
    std::fs::write(desk.path("big.json"), format!("[{all}]")).unwrap();
    let port = served(desk.path("big.json"));
    let mut terminal = ready(&desk);
    terminal.keys("let kept = 41\r");
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    let get = format!("http.get(\"http://127.0.0.1:{port}/big.json\", max_body: 100MB).json()\r");
    for _ in 0..2 {
        terminal.keys(&get);
        terminal.until("more");
        until("the prompt", Duration::from_secs(60), || terminal.shown().trim_end().ends_with("\nrbk>"));
        terminal.keys("log \"next\"\r");
        terminal.until("\nnext");
    }
    let peak = peak(terminal.pid());
    eprintln!("peak: {} MiB", peak >> 20);
    assert!(peak < 800 << 20, "{} MiB", peak >> 20);
    intact(&mut terminal, &desk);
}

/// One file, to whoever asks.
fn served(file: std::path::PathBuf) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::Read;
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let body = std::fs::read(&file).unwrap();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&body);
        }
    });
    port
}

/// The terminal goes away, as when an ssh session drops: what runs is ended, and the run goes on later.
#[test]
fn a_dropped_connection_leaves_a_run_that_goes_on() {
    let desk = Desk::new();
    let mut terminal = ready(&desk);
    terminal.keys("let kept = 41\r");
    terminal.keys(TOUCH);
    terminal.until("✓ one");
    terminal.keys("step \"two\" {\r  $ touch two; sleep 600\r  rollback { $ rm two }\r}\r");
    until("it runs", Duration::from_secs(20), || desk.has("two"));
    let (code, shown) = terminal.hang_up();
    assert_eq!(code, 4, "{shown}");
    assert!(desk.has("one") && !desk.has("two"));
    let runs = desk.command(&["runs", "--format", "json"]).output().unwrap();
    let runs = stage::text(&runs.stdout);
    let run = regex::Regex::new(r"\d{8}-\d{4}-[a-z0-9]{4}").unwrap().find(&runs).unwrap().as_str().to_owned();
    assert!(runs.contains("\"stopped\""), "{runs}");
    let mut terminal = open(&desk, 100, &["repl", "--resume", &run]);
    terminal.until("rbk> ");
    intact(&mut terminal, &desk);
}
