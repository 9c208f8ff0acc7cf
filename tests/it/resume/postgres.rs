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
fn a_statement_that_was_cut_off_did_not_happen_and_is_done_again() {
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
fn a_transaction_that_was_open_begins_anew() {
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
fn a_commit_that_was_not_heard_of_is_asked_for() {
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
