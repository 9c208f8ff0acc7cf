//! A statement whose process dies: the server knows.
use super::*;
use crate::stage::postgres::Postgres;

fn desk(server: &Postgres, body: &str) -> Desk {
    let text = format!("  connect db = postgres(env(\"DB\"))\n{body}");
    Desk::of(&text).env("DB", &server.url("postgres"))
}

fn rows(server: &Postgres) -> String {
    server.psql("postgres", "SELECT string_agg(t, ',' ORDER BY n) FROM log").trim().to_owned()
}

#[test]
fn e5_a_statement_that_was_cut_off_did_not_happen_and_is_done_again() {
    let home = stage::dir();
    let server = Postgres::start(home.path());
    server.psql("postgres", "CREATE TABLE log (n serial, t text)");
    let desk = desk(
        &server,
        "  step \"a\" {\n    db.exec(\"INSERT INTO log (t) SELECT 'a' FROM pg_sleep(3)\")\n    rollback { db.exec(\"INSERT INTO log (t) VALUES ('-a')\") }\n  }",
    );
    let mut child = desk.start(&["run", "book.rbk"]);
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT%pg_sleep%' AND state = 'active'";
    stage::until("the statement runs", Duration::from_secs(30), || server.psql("postgres", busy).trim() == "1");
    child.kill().unwrap();
    child.wait().unwrap();
    desk.resume(&[]).ended(0);
    assert_eq!(rows(&server), "a", "once");
}

#[test]
fn e6_a_transaction_that_was_open_begins_anew() {
    let home = stage::dir();
    let server = Postgres::start(home.path());
    server.psql("postgres", "CREATE TABLE log (n serial, t text)");
    let desk = desk(
        &server,
        "  step \"a\" {\n    transaction db {\n      db.exec(\"INSERT INTO log (t) VALUES ('a')\")\n      db.exec(\"INSERT INTO log (t) SELECT 'b' FROM pg_sleep(3)\")\n    }\n    rollback { db.exec(\"INSERT INTO log (t) VALUES ('-')\") }\n  }",
    );
    let mut child = desk.start(&["run", "book.rbk"]);
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT%pg_sleep%' AND state = 'active'";
    stage::until("the statement runs", Duration::from_secs(30), || server.psql("postgres", busy).trim() == "1");
    child.kill().unwrap();
    child.wait().unwrap();
    desk.resume(&[]).ended(0);
    assert_eq!(rows(&server), "a,b");
}

/// The process dies between its COMMIT and hearing of it: a trigger that waits holds the commit up.
#[test]
fn e5_a_commit_that_was_not_heard_of_is_asked_for() {
    let home = stage::dir();
    let server = Postgres::start(home.path());
    server.psql(
        "postgres",
        "CREATE TABLE log (n serial, t text);
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow();",
    );
    let desk = desk(
        &server,
        "  step \"a\" {\n    db.exec(\"INSERT INTO log (t) VALUES ('a')\")\n    rollback { db.exec(\"INSERT INTO log (t) VALUES ('-a')\") }\n  }\n  log \"went on\"",
    );
    let mut child = desk.start(&["run", "book.rbk"]);
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'";
    stage::until("the commit runs", Duration::from_secs(30), || server.psql("postgres", busy).trim() == "1");
    child.kill().unwrap();
    child.wait().unwrap();
    desk.resume(&[]).ended(0).says(&["went on"]);
    assert_eq!(rows(&server), "a", "done once, whoever won");
}

const MOVED: &str = "  step \"a\" {\n    db.exec(\"INSERT INTO log (t) VALUES ('a')\")\n    rollback { db.exec(\"INSERT INTO log (t) VALUES ('-a')\") }\n  }\n  wait up to 1m every 20ms until $ ./look\n  fail \"on purpose\"";

#[test]
fn e3_a_connection_that_leads_elsewhere_stops_unless_a_person_says_why() {
    let (home, other) = (stage::dir(), stage::dir());
    let (server, staging) = (Postgres::start(home.path()), Postgres::start(other.path()));
    for each in [&server, &staging] {
        each.psql("postgres", "CREATE TABLE log (n serial, t text)");
    }
    for door in ["resume", "rollback"] {
        let desk = desk(&server, MOVED);
        desk.killed_at(&["run", "book.rbk"], "ready");
        desk.write("go", "");
        let (run, _) = desk.last();
        let new = "changed: env(\"DB\")=the new one";
        let at = |args: &[&str]| {
            let mut command = desk.command(&[&[door, run.as_str(), "--answer", new], args].concat());
            let output = command.env("DB", staging.url("postgres")).output().unwrap();
            (output.status.code(), stage::text(&output.stderr) + &stage::text(&output.stdout))
        };
        let (code, said) = at(&[]);
        assert_eq!(code, Some(2), "{said}");
        let place = |port: u16| format!("`postgres@127.0.0.1:{port}/postgres`");
        let moved = format!("connection `db`: {} then, {} now", place(server.port), place(staging.port));
        assert!(said.contains(&moved) && said.contains("--here REASON"), "{said}");
        assert!(!said.contains("lab-only-password"), "{said}");
        assert_eq!(rows(&staging), "", "nothing happened there");
        let (code, said) = at(&["--here", "it was moved, with all its rows"]);
        assert_eq!(code, Some(if door == "resume" { 1 } else { 0 }), "{said}");
        assert_eq!(rows(&staging), "-a");
        staging.psql("postgres", "DELETE FROM log");
    }
}

/// Whoever connects reaches the port that is written there.
fn forward(to: &std::sync::Arc<std::sync::atomic::AtomicU16>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let to = to.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let port = to.load(std::sync::atomic::Ordering::SeqCst);
            let Ok(server) = std::net::TcpStream::connect(("127.0.0.1", port)) else { continue };
            let copy = |mut from: std::net::TcpStream, mut to: std::net::TcpStream| {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            };
            copy(client.try_clone().unwrap(), server.try_clone().unwrap());
            copy(server, client);
        }
    });
    port
}

#[test]
fn e3_another_server_at_the_same_address_is_seen_and_one_that_is_away_is_no_other() {
    let (home, other) = (stage::dir(), stage::dir());
    let (mut server, staging) = (Postgres::start(home.path()), Postgres::start(other.path()));
    for each in [&server, &staging] {
        each.psql("postgres", "CREATE TABLE log (n serial, t text)");
    }
    let to = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(server.port));
    let port = forward(&to);
    let url = server.url("postgres").replace(&format!(":{}/", server.port), &format!(":{port}/"));
    let desk = Desk::of(&format!("  connect db = postgres(env(\"DB\"))\n{MOVED}")).env("DB", &url);
    desk.killed_at(&["run", "book.rbk"], "ready");
    to.store(staging.port, std::sync::atomic::Ordering::SeqCst);
    desk.rollback(&[]).ended(2).says(&["connection `db`: at", "answers another server than then"]);
    assert_eq!(rows(&staging), "");
    to.store(server.port, std::sync::atomic::Ordering::SeqCst);
    server.stop();
    // Not reached: no difference; its undo says what is wrong.
    desk.rollback(&[]).ended(3).says(&["left in place"]);
}

/// As [`forward`], and the server does not see that a client has gone, as over a network that has gone silent.
fn silent(to: u16) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = std::net::TcpStream::connect(("127.0.0.1", to)) else { continue };
            let copy = |mut from: std::net::TcpStream, mut to: std::net::TcpStream| {
                std::thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
            };
            copy(client.try_clone().unwrap(), server.try_clone().unwrap());
            copy(server.try_clone().unwrap(), client);
            std::mem::forget(server);
        }
    });
    port
}

#[test]
fn a_statement_that_goes_on_at_its_server_is_ended_first_and_that_is_said() {
    let home = stage::dir();
    let server = Postgres::start(home.path());
    let nap = "INSERT INTO log (t) SELECT 'b' FROM pg_sleep((SELECT s FROM nap))";
    let alone = format!("    db.exec(\"{nap}\")\n");
    let both = format!(
        "    transaction db {{\n      db.exec(\"INSERT INTO log (t) VALUES ('a')\")\n      db.exec(\"{nap}\")\n    }}\n"
    );
    for (body, done) in [(alone, "b"), (both, "a,b")] {
        server.psql(
            "postgres",
            "DROP TABLE IF EXISTS log, nap; CREATE TABLE log (n serial, t text); CREATE TABLE nap AS SELECT 600 AS s",
        );
        let url = server.url("postgres");
        let url = url.replace(&format!(":{}/", server.port), &format!(":{}/", silent(server.port)));
        let undo = "    rollback { db.exec(\"INSERT INTO log (t) VALUES ('-')\") }\n";
        let desk = Desk::of(&format!("  connect db = postgres(env(\"DB\"))\n  step \"a\" {{\n{body}{undo}  }}"))
            .env("DB", &url);
        let mut child = desk.start(&["run", "book.rbk"]);
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT%pg_sleep%' AND state = 'active'";
        let runs = || server.psql("postgres", busy).trim() == "1";
        stage::until("the statement runs", Duration::from_secs(30), runs);
        child.kill().unwrap();
        child.wait().unwrap();
        std::thread::sleep(Duration::from_secs(3));
        assert!(runs(), "the server has not noticed");
        server.psql("postgres", "UPDATE nap SET s = 0");
        let (run, _) = desk.last();
        desk.resume(&[])
            .ended(0)
            .says(&["(its server process ", "was still running, left by the process that died: it was ended"]);
        assert!(!runs());
        assert_eq!(rows(&server), done);
        desk.say(&["show", &run]).ended(0).says(&["(its server process ", "running: it was ended"]);
    }
}
