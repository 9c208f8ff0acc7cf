//! Connections that break, hang and lie, servers that stop and die: what is said of each call is what happened.
use std::time::Duration;

use nix::sys::signal::Signal;
use rbk::effects::Cancel;
use rbk::engine::call::TxId;

use super::*;
use crate::lab::proxy::{Fault, Greeting, Trigger, Way};

/// A table, a proxy before its server, and a provider behind the proxy.
struct Spoilt {
    proxy: Proxy,
    db: Db,
}

fn spoilt(cluster: &Cluster) -> Spoilt {
    let name = cluster.database();
    cluster.psql(&name, "CREATE TABLE t (n int)").unwrap();
    let proxy = Proxy::to(cluster.port);
    let url = format!("postgresql://postgres:{PASSWORD}@127.0.0.1:{}/{name}?sslmode=disable", proxy.port);
    Spoilt { db: at(&url, &name), proxy }
}

impl Spoilt {
    /// What is there in the end, once what hung has gone on.
    async fn rows(&self, cluster: &Cluster) -> String {
        self.proxy.heal();
        cluster.quiet(&self.db.name).await;
        cluster.psql(&self.db.name, "SELECT count(*) FROM t").unwrap()
    }

    /// Where the fault leaves nothing but waiting, the call is cancelled as soon as it has struck.
    async fn call(&self, call: &rbk::engine::Call, fault: Fault) -> Outcome {
        let (canceller, cancel) = Cancel::new();
        let ended = std::cell::Cell::new(false);
        let (outcome, ()) = tokio::join!(
            async {
                let outcome = ends(self.db.provider.call(call, cancel)).await;
                ended.set(true);
                outcome
            },
            async {
                while !ended.get() {
                    if fault == Fault::Hang && self.proxy.happened() {
                        canceller.cancel();
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        );
        outcome
    }

    async fn ask(&self, action: &str, sql: &str, fault: Fault) -> Outcome {
        let call = native(&format!("postgres.{action}"), Some(&self.db.on), vec![("query", code(sql, &[]))]);
        self.call(&call, fault).await
    }
}

/// At most this long in all, or the test fails instead of hanging.
async fn ends<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), work).await.expect("it hangs")
}

const FAULTS: [Fault; 4] = [Fault::Cut, Fault::Reset, Fault::HalfClose, Fault::Hang];

#[test]
fn a_write_is_none_until_its_commit_arrives_and_done_from_then_on() {
    let cluster = shared();
    // Where it strikes, and what has happened then.
    let table = [
        ("BEGIN READ WRITE", false, "None", "0"),
        ("BEGIN READ WRITE", true, "None", "0"),
        ("INSERT INTO t", false, "None", "0"),
        ("INSERT INTO t", true, "None", "0"),
        ("txid_current", true, "None", "0"),
        ("COMMIT", false, "None", "0"),
        ("COMMIT", true, "1", "1"),
    ];
    block_on(async {
        let cases: Vec<_> = table.iter().flat_map(|case| FAULTS.map(|fault| (*case, fault, spoilt(cluster)))).collect();
        let asked = cases.iter().map(async |((word, answered, ..), fault, it)| {
            if *answered {
                it.proxy.when_answered(word.as_bytes(), *fault);
            } else {
                it.proxy.when(Way::Up, Trigger::Before((*word).into()), *fault);
            }
            it.ask("exec", "INSERT INTO t VALUES (1)", *fault).await
        });
        let outcomes = futures_util::future::join_all(asked).await;
        for (((word, answered, said_is, rows), fault, it), outcome) in cases.iter().zip(&outcomes) {
            let said = said(outcome);
            assert!(said.starts_with(said_is), "{word} {answered} {fault:?}: {said}");
            assert!(it.proxy.happened(), "{word} {answered} {fault:?}: {said}");
            assert!(outcome.running.is_none() && !said.contains(PASSWORD), "{said}");
            assert_eq!(it.rows(cluster).await, *rows, "{word} {answered} {fault:?}: {said}");
            // Nothing is in the way of the next.
            assert_eq!(super::said(&it.db.ask("exec", "DELETE FROM t", &[]).await), *rows, "{word} {fault:?}");
        }
    });
}

#[test]
fn a_transaction_is_none_until_its_commit_arrives_and_done_from_then_on() {
    let cluster = shared();
    let table = [
        ("BEGIN READ WRITE", false, "begin", "None", "0"),
        ("INSERT INTO t", true, "insert", "None", "0"),
        ("SAVEPOINT rbk_read", false, "read", "None", "0"),
        ("COMMIT", false, "commit", "None", "0"),
        ("COMMIT", true, "commit", "null", "1"),
    ];
    block_on(async {
        let cases: Vec<_> = table.iter().flat_map(|case| FAULTS.map(|fault| (*case, fault, spoilt(cluster)))).collect();
        let asked = cases.iter().map(async |((word, answered, ..), fault, it)| {
            if *answered {
                it.proxy.when_answered(word.as_bytes(), *fault);
            } else {
                it.proxy.when(Way::Up, Trigger::Before((*word).into()), *fault);
            }
            let (on, tx) = (it.db.on.clone(), TxId(1));
            let inside = |action: &str, sql: &str| {
                in_tx(native(&format!("postgres.{action}"), Some(&it.db.on), vec![("query", code(sql, &[]))]), 1)
            };
            let steps = [
                ("begin", call(What::Begin { on: on.clone(), tx })),
                ("insert", inside("exec", "INSERT INTO t VALUES (1)")),
                ("read", inside("value", "SELECT count(*) FROM t")),
                ("commit", call(What::Commit { on: on.clone(), tx })),
                ("abort", call(What::Abort { on: on.clone(), tx })),
            ];
            let mut done = Vec::new();
            for (step, call) in &steps {
                done.push((*step, it.call(call, *fault).await));
            }
            done
        });
        let outcomes = futures_util::future::join_all(asked).await;
        for (((word, _, at, said_is, rows), fault, it), done) in cases.iter().zip(&outcomes) {
            let told: Vec<_> = done.iter().map(|(step, outcome)| format!("{step}: {}", said(outcome))).collect();
            let (_, outcome) = done.iter().find(|(step, _)| step == at).unwrap();
            assert!(said(outcome).starts_with(said_is), "{word} {fault:?}: {told:#?}");
            assert_eq!(it.rows(cluster).await, *rows, "{word} {fault:?}: {told:#?}");
        }
    });
}

#[test]
fn a_commit_that_nobody_can_be_asked_about_is_unknown() {
    let cluster = shared();
    block_on(async {
        let it = spoilt(cluster);
        it.proxy.when_answered(b"COMMIT", Fault::Reset);
        let (canceller, cancel) = Cancel::new();
        let call = native("postgres.exec", Some(&it.db.on), vec![("statement", code("INSERT INTO t VALUES (1)", &[]))]);
        let (outcome, ()) = tokio::join!(ends(it.db.provider.call(&call, cancel)), async {
            // From the lost answer on, nobody gets through.
            while !it.proxy.happened() {
                tokio::time::sleep(Duration::from_millis(1)).await;
                it.proxy.greet(if it.proxy.accepted() > 0 { Greeting::Reset } else { Greeting::Server });
            }
            canceller.cancel();
        });
        let text = said(&outcome);
        assert!(
            text.starts_with("Unknown ") && text.contains("whether the transaction was committed is not known"),
            "{text}"
        );
        // It was, and it was done once.
        assert_eq!(it.rows(cluster).await, "1");
    });
}

#[test]
fn a_read_has_no_effect_whatever_becomes_of_it() {
    let cluster = shared();
    block_on(async {
        let cases = FAULTS.into_iter().flat_map(|fault| {
            [
                (Way::Up, Trigger::Before(b"SELECT 4711".to_vec()), fault),
                (Way::Down, Trigger::Bytes(700), fault),
                (Way::Up, Trigger::Bytes(20), fault),
                (Way::Down, Trigger::Next, fault),
            ]
        });
        let cases: Vec<_> = cases.map(|case| (case, spoilt(cluster))).collect();
        let all = cases.iter().map(async |((way, trigger, fault), it)| {
            it.proxy.when(*way, trigger.clone(), *fault);
            let outcome = it.ask("value", "SELECT 4711, repeat('x', 4000)", *fault).await;
            assert_eq!(outcome.ending, Ending::None, "{way:?} {trigger:?} {fault:?}: {}", said(&outcome));
            it.proxy.heal();
            assert_eq!(said(&it.db.ask("value", "SELECT 1", &[]).await), "1", "{way:?} {trigger:?} {fault:?}");
        });
        futures_util::future::join_all(all).await;
    });
}

#[test]
fn what_no_transaction_takes_back_is_not_said_to_be_none() {
    let cluster = shared();
    block_on(async {
        let it = spoilt(cluster);
        it.proxy.when_answered(b"pg_reload_conf", Fault::Cut);
        let lost = ends(it.db.ask("exec", "SELECT pg_reload_conf()", &[])).await;
        assert!(said(&lost).starts_with("Unknown connection"), "{}", said(&lost));
        assert_eq!(it.proxy.accepted(), 1, "and it is not tried again");
        let failed = it.db.ask("exec", "SELECT pg_reload_conf(), 1/(random()::int * 0)", &[]).await;
        assert!(said(&failed).starts_with("Some failed: division by zero"), "{}", said(&failed));
        // Outside a transaction; an idle session that has died is found out before.
        it.proxy.when(Way::Up, Trigger::Before(b"SET application_name".to_vec()), Fault::Reset);
        assert_eq!(said(&ends(it.db.ask("exec", "VACUUM t", &[])).await), "0");
        it.proxy.when_answered(b"VACUUM", Fault::Cut);
        let vacuum = ends(it.db.ask("exec", "VACUUM t", &[])).await;
        assert!(said(&vacuum).starts_with("Unknown connection"), "{}", said(&vacuum));
    });
}

#[test]
fn a_lost_statement_is_sent_again_only_when_it_cannot_have_had_an_effect() {
    let cluster = shared();
    block_on(async {
        let it = spoilt(cluster);
        let insert = async || said(&ends(it.db.ask("exec", "INSERT INTO t VALUES (1)", &[])).await);
        assert_eq!(insert().await, "1");
        // The idle session has died, and nobody noticed: BEGIN finds out.
        it.proxy.when(Way::Up, Trigger::Before(b"BEGIN".to_vec()), Fault::Reset);
        assert_eq!((insert().await.as_str(), it.proxy.accepted()), ("1", 2));
        // The statement itself was on its way.
        it.proxy.when(Way::Up, Trigger::After(b"INSERT".to_vec()), Fault::Reset);
        let lost = insert().await;
        assert!(lost.starts_with("None connection: the connection to `db` broke"), "{lost}");
        assert_eq!((it.rows(cluster).await.as_str(), it.proxy.accepted()), ("2", 2));
        // A read is asked again.
        assert_eq!(said(&it.db.ask("value", "SELECT count(*) FROM t", &[]).await), "2");
        let accepted = it.proxy.accepted();
        it.proxy.all(Fault::Cut);
        assert_eq!(said(&it.db.ask("value", "SELECT count(*) FROM t", &[]).await), "2");
        assert_eq!(it.proxy.accepted(), accepted + 1);
    });
}

/// A statement that takes its time, where, and what is to be said of it when its process is stopped, and when it is killed.
const SLOW: [(&str, &str, &str, &str); 3] = [
    ("value", "SELECT 1 FROM pg_sleep(600)", "None cancelled", "None connection"),
    ("exec", "INSERT INTO t SELECT 1 FROM pg_sleep(600)", "None cancelled", "None connection"),
    ("exec", "INSERT INTO slow VALUES (1)", "Unknown cancelled", "None connection"),
];

/// A row in `slow` is there at once; its COMMIT takes ten minutes.
const SLOW_COMMIT: &str = "CREATE TABLE slow (n int); \
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NULL; END'; \
    CREATE CONSTRAINT TRIGGER w AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()";

#[test]
fn a_server_process_that_stands_still_or_dies_in_a_read_a_write_a_commit() {
    // Its own: the death of one process ends the sessions of all.
    let cluster = Cluster::start();
    block_on(async {
        for (action, sql, stopped, killed) in SLOW {
            for (signal, expected) in [(Signal::SIGSTOP, stopped), (Signal::SIGKILL, killed)] {
                let it = spoilt(&cluster);
                cluster.psql(&it.db.name, SLOW_COMMIT).unwrap();
                let seen = if sql.contains("slow ") { "COMMIT" } else { sql };
                let call = native(&format!("postgres.{action}"), Some(&it.db.on), vec![("query", code(sql, &[]))]);
                let (canceller, cancel) = Cancel::new();
                let (outcome, pid) = tokio::join!(ends(it.db.provider.call(&call, cancel)), async {
                    let at_it = format!(
                        "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND datname = '{}' AND query = '{seen}'",
                        it.db.name
                    );
                    let pid = cluster.until(&at_it, |pid| !pid.is_empty()).await;
                    cluster.signal(&pid, signal);
                    if signal == Signal::SIGSTOP {
                        canceller.cancel();
                    }
                    pid
                });
                let told = said(&outcome);
                assert!(told.starts_with(expected), "{sql} {signal}: {told}");
                assert_eq!(outcome.running.is_some(), expected.starts_with("Unknown"), "{sql} {signal}: {told}");
                if signal == Signal::SIGSTOP {
                    cluster.signal(&pid, Signal::SIGCONT);
                }
                crate::lab::wait_for("the server", || cluster.psql("postgres", "SELECT 1").ok());
                cluster.quiet(&it.db.name).await;
                let rows = cluster.psql(&it.db.name, "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM slow)");
                assert_eq!(rows.unwrap(), "0", "{sql} {signal}: {told}");
            }
        }
    });
}

#[test]
fn a_server_without_room_and_a_host_without_a_name_have_done_nothing() {
    let cluster = Cluster::with(&["max_connections=4", "superuser_reserved_connections=0"]);
    block_on(async {
        let db = at(&cluster.url("postgres", "postgres"), "postgres");
        let many: Vec<Db> = (0..4).map(|_| at(&cluster.url("postgres", "postgres"), "postgres")).collect();
        for one in &many {
            assert_eq!(said(&one.act("ping", vec![]).await), "true");
        }
        for outcome in [db.act("ping", vec![]).await, db.ask("exec", "CREATE TABLE t ()", &[]).await] {
            let text = said(&outcome);
            assert!(text.starts_with("None connection: `db` (") && text.contains("too many clients"), "{text}");
            assert_eq!(failure(outcome).notes, ["SQLSTATE 53300"]);
        }
        let asked = db
            .act("login", vec![("role", Arg::Value(Value::str("x"))), ("password", Arg::Value(Value::str("y")))])
            .await;
        assert!(said(&asked).starts_with("None connection"), "that there is no room is no refusal: {}", said(&asked));
        drop(many);
        let again = async { while said(&db.act("ping", vec![]).await) != "true" {} };
        ends(again).await;

        let nowhere = at("postgresql://a:b@no-such-host.invalid/x?connect_timeout=5", "");
        let outcome = ends(nowhere.ask("exec", "CREATE TABLE t ()", &[])).await;
        assert!(
            said(&outcome).starts_with("None connection: cannot connect to `db` (no-such-host.invalid:5432/x): "),
            "{}",
            said(&outcome)
        );
    });
}

/// What the server itself cuts: a row of a violated constraint, after 64 bytes of a cell.
#[test]
fn a_secret_that_the_server_cuts_is_not_shown_in_part() {
    let cluster = shared();
    let database = cluster.database();
    cluster.psql(&database, "CREATE TABLE t (note text, n int NOT NULL)").unwrap();
    let key: String = ('a'..='z').cycle().take(150).collect();
    let book = "runbook \"r\" {\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
                secret key = env(\"KEY\")\n  connect db = postgres(env(\"DATABASE_URL\"))\n  \
                step \"s\" {\n    db.exec(\"INSERT INTO t VALUES (#{key}, NULL)\")\n    rollback none \"x\"\n  }\n}\n";
    let url = cluster.url("postgres", &database);
    let (code, out) = crate::lab::rbk(book, &[("KEY", &key), ("DATABASE_URL", &url)]);
    assert!(code == 1 && out.contains("Failing row contains (‹key›..., null)"), "{out}");
    assert!(!out.contains("abcd"), "{out}");
}
