//! A limit or a person ends what runs at the server, wherever it is.
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rbk::engine::call::TxId;

use super::*;
use crate::lab::proxy::{Fault, Greeting};
use crate::lab::wait_for;

fn limited(url: &str, limit: Duration) -> Db {
    let timeout = Value::Duration(limit.into());
    let on = connection(ConnKind::Postgres, &[("url", Value::str(url)), ("timeout", timeout)]);
    Db { provider: Postgres::new("r1".into()), on, name: String::new() }
}

#[test]
fn connecting_and_begin_and_ping_end_with_the_limit_and_with_a_cancel() {
    let cluster = shared();
    block_on(async {
        let proxy = Proxy::to(cluster.port);
        let url = format!("postgresql://postgres:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=disable", proxy.port);
        let begin = |db: &Db, tx| call(What::Begin { on: db.on.clone(), tx: TxId(tx) });
        let login = vec![("role", Arg::Value(Value::str("x"))), ("password", Arg::Value(Value::str("y")))];
        for limit in [Some(Duration::from_secs(1)), None] {
            let db = limited(&url, limit.unwrap_or(Duration::from_secs(600)));
            let ended = async |call: &rbk::engine::Call| {
                let (canceller, cancel) = Cancel::new();
                let stop = async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    if limit.is_none() {
                        canceller.cancel();
                    }
                };
                let work = tokio::time::timeout(Duration::from_secs(60), db.provider.call(call, cancel));
                let (outcome, ()) = tokio::join!(work, stop);
                outcome.expect("it hangs")
            };
            let expected = if limit.is_some() { "None timeout" } else { "None cancelled" };
            // Nobody answers a new connection.
            proxy.greet(Greeting::Silence);
            let calls = [
                begin(&db, 1),
                native("postgres.ping", Some(&db.on), vec![]),
                native("postgres.exec", Some(&db.on), vec![("statement", code("SELECT 1", &[]))]),
                native("postgres.login", Some(&db.on), login.clone()),
            ];
            for call in &calls {
                let outcome = ended(call).await;
                assert!(said(&outcome).starts_with(expected), "{:?}: {}", call.what, said(&outcome));
            }
            // Nobody answers on one that is open.
            proxy.heal();
            assert_eq!(said(&db.act("ping", vec![]).await), "true");
            for call in &calls[..3] {
                proxy.all(Fault::Hang);
                let outcome = ended(call).await;
                assert!(said(&outcome).starts_with(expected), "{:?}: {}", call.what, said(&outcome));
                proxy.heal();
                assert_eq!(said(&db.act("ping", vec![]).await), "true");
            }
        }
    });
}

#[test]
fn a_host_that_does_not_answer_is_given_up_after_its_time() {
    block_on(async {
        let proxy = Proxy::to(1);
        proxy.greet(Greeting::Silence);
        let url = format!("host=127.0.0.1 port={} user=a password=b connect_timeout=2", proxy.port);
        let outcome = tokio::time::timeout(Duration::from_secs(60), at(&url, "").act("ping", vec![])).await.unwrap();
        assert!(said(&outcome).contains("no answer within 2s"), "{}", said(&outcome));
    });
}

/// `rbk run` of one step that sleeps at the server for a minute.
fn sleeper(cluster: &Cluster, name: &str, step: &str) -> (tempfile::TempDir, std::process::Child) {
    let dir = tempfile::tempdir().unwrap();
    let book = format!(
        "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 2m\n  rollback within 20s\n  \
         secret url = env(\"DB_URL\")\n  connect db = postgres(url)\n  guard \"up\": db.ping()\n  {step}\n}}\n"
    );
    std::fs::write(dir.path().join("book.rbk"), book).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_rbk"))
        .args(["run", "book.rbk"])
        .current_dir(dir.path())
        .env("DB_URL", cluster.url("postgres", name))
        .env("XDG_STATE_HOME", dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (dir, child)
}

#[test]
fn a_sleeping_statement_is_gone_after_its_timeout_after_ctrl_c_and_after_a_kill() {
    let cluster = shared();
    let read = "step \"Sleep\" readonly timeout LIMIT { let x = db.value(\"SELECT 1 FROM pg_sleep(60)\") }";
    let write = "step \"Sleep\" timeout LIMIT {\n  db.exec(\"CREATE TABLE t AS SELECT 1 FROM pg_sleep(60)\")\n  rollback { db.exec(\"DROP TABLE IF EXISTS t\") }\n}";
    let cases = [
        (read, "1s", None),
        (write, "1s", None),
        (read, "1m", Some(Signal::SIGINT)),
        (write, "1m", Some(Signal::SIGINT)),
        (read, "1m", Some(Signal::SIGTERM)),
        (read, "1m", Some(Signal::SIGKILL)),
        (write, "1m", Some(Signal::SIGKILL)),
    ];
    for (step, limit, signal) in cases {
        let name = cluster.database();
        let step = step.replace("LIMIT", limit).replace("SELECT 1 FROM", &format!("SELECT '{name}' FROM"));
        let (_dir, mut child) = sleeper(cluster, &name, &step);
        let sleeping = format!("SELECT '{name}' FROM pg_sleep(60)");
        wait_for("the statement", || cluster.server.log().contains(&sleeping).then_some(()));
        let since = Instant::now();
        if let Some(signal) = signal {
            kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        }
        let at_it = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE '%pg_sleep(60)%' AND state <> 'idle'"
        );
        wait_for("the end of the statement", || cluster.psql("postgres", &at_it).ok().filter(|n| n == "0"));
        println!("{limit} {signal:?}: gone after {:?}", since.elapsed());
        let code = child.wait().unwrap().code();
        assert_eq!(code, if signal == Some(Signal::SIGKILL) { None } else { Some(1) }, "{step} {signal:?}");
        assert_eq!(cluster.psql(&name, "SELECT count(*) FROM pg_class WHERE relname = 't'").unwrap(), "0");
    }
}

#[test]
fn the_server_has_a_limit_of_its_own_below() {
    let cluster = shared();
    block_on(async {
        let db = at(&cluster.url("postgres", "postgres"), "postgres");
        let asked = async |limit: Option<u64>, action: &str, sql: &str| {
            let mut call = native(&format!("postgres.{action}"), Some(&db.on), vec![("query", code(sql, &[]))]);
            call.limit = limit.map(|s| Duration::from_secs(s).into());
            let (_keep, cancel) = Cancel::new();
            said(&db.provider.call(&call, cancel).await)
        };
        let show = "SELECT setting::int / 1000 FROM pg_settings WHERE name = 'statement_timeout'";
        assert_eq!(asked(None, "value", show).await, "0");
        assert_eq!(asked(Some(1), "value", show).await, "16");
        assert_eq!(asked(Some(2), "value", show).await, "16");
        assert_eq!(asked(Some(30), "value", show).await, "128");
        assert_eq!(asked(None, "value", show).await, "0");
        // What the operator has set stands.
        let role = cluster.url("postgres", "postgres").replace("port=", "options=-c%20statement_timeout%3D9000&port=");
        let db = at(&role, "postgres");
        let mut call = native("postgres.value", Some(&db.on), vec![("query", code(show, &[]))]);
        call.limit = Some(Duration::from_secs(1).into());
        let (_keep, cancel) = Cancel::new();
        assert_eq!(said(&db.provider.call(&call, cancel).await), "9");
    });
}
