//! The Postgres provider against real servers.
mod connecting;
mod copy;
mod faults;
mod fence;
mod library;
mod places;
mod stopping;
mod values;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rbk::check::program::How;
use rbk::effects::Cancel;
use rbk::effects::postgres::{Postgres, pg_environment};
use rbk::engine::call::{Arg, TxId, What};
use rbk::engine::{Ending, Outcome};
use rbk::value::types::ConnKind;
use rbk::value::{Connection, Secret, SmolStr, Value, json, show};

use crate::lab::calls::{block_on, call, code, connection, failure, in_tx, native, params, said};
use crate::lab::postgres::{Cluster, PASSWORD, shared};
use crate::lab::proxy::Proxy;

struct Db {
    provider: Postgres,
    on: Arc<Connection>,
    name: String,
}

fn recipe(url: &str) -> Arc<Connection> {
    connection(
        ConnKind::Postgres,
        &[("url", Secret::hide(SmolStr::new("db_url"), Value::str(url))), ("database", Value::Null)],
    )
}

/// Any other server, over a proxy or not; `database` is on the shared cluster.
fn at(url: &str, database: &str) -> Db {
    Db { provider: Postgres::new("r1".into()), on: recipe(url), name: database.to_owned() }
}

/// A database of its own on the shared cluster.
fn db() -> Db {
    let cluster = shared();
    let name = cluster.database();
    Db { provider: Postgres::new("r1".into()), on: recipe(&cluster.url("postgres", &name)), name }
}

impl Db {
    async fn ask(&self, action: &str, sql: &str, values: &[Value]) -> Outcome {
        self.code(action, code(sql, &params(values))).await
    }

    async fn code(&self, action: &str, sql: Arg) -> Outcome {
        let (_keep, cancel) = Cancel::new();
        self.provider.call(&native(&format!("postgres.{action}"), Some(&self.on), vec![("query", sql)]), cancel).await
    }

    async fn act(&self, action: &str, args: Vec<(&str, Arg)>) -> Outcome {
        let (_keep, cancel) = Cancel::new();
        self.provider.call(&native(&format!("postgres.{action}"), Some(&self.on), args), cancel).await
    }

    async fn tx(&self, what: What) -> Outcome {
        let (_keep, cancel) = Cancel::new();
        self.provider.call(&call(what), cancel).await
    }

    fn psql(&self, sql: &str) -> String {
        shared().psql(&self.name, sql).unwrap()
    }
}

#[test]
fn every_common_type_comes_back_without_loss() {
    let table = [
        ("1::int2", "1"),
        ("-2147483648", "-2147483648"),
        ("9223372036854775807", "9223372036854775807"),
        ("12345678901234567890123456.7890", "12345678901234567890123456.7890"),
        ("0.000000000000000000000000000000000001::numeric", "0.000000000000000000000000000000000001"),
        ("-0.10::numeric", "-0.10"),
        ("1e20::numeric", "100000000000000000000"),
        ("0::numeric(10,2)", "0.00"),
        ("0.1::float8", "0.1"),
        ("0.1::float4", "0.1"),
        ("1e300::float8 / 1e299", "10"),
        ("'NaN'::float8", "None value: the column `x`: `NaN` is not a number"),
        ("'infinity'::float8", "None value: the column `x`: `infinity` is not a number"),
        ("'NaN'::numeric", "None value: the column `x`: `NaN` is not a number"),
        ("true", "true"),
        ("NULL::int", "null"),
        ("'é'::text", "\"é\""),
        ("'a'::char(3)", "\"a  \""),
        ("'x'::name", "\"x\""),
        ("'a1b2c3d4-0000-4000-8000-00000000000f'::uuid", "\"a1b2c3d4-0000-4000-8000-00000000000f\""),
        ("'{\"b\": 1.50, \"a\": [null]}'::json", "{ b: 1.50, a: [null] }"),
        ("'{\"b\": 1.50, \"a\": [null]}'::jsonb", "{ a: [null], b: 1.50 }"),
        ("ARRAY[1,NULL,3]", "[1, null, 3]"),
        ("ARRAY[['a','b'],['c','d']]", "[[\"a\", \"b\"], [\"c\", \"d\"]]"),
        ("'{}'::int[]", "[]"),
        ("'\\x00ff'::bytea", "2 bytes"),
        ("'10.0.0.1'::inet", "\"10.0.0.1\""),
        ("'10.0.0.0/8'::cidr", "\"10.0.0.0/8\""),
        ("'::1'::inet", "\"::1\""),
        ("'08:00:2b:01:02:03'::macaddr", "\"08:00:2b:01:02:03\""),
        ("'2026-11-01 08:00:00+02'::timestamptz", "2026-11-01T06:00:00Z"),
        ("'2026-11-01'::date", "2026-11-01T00:00:00Z"),
        ("'08:30:00.25'::time", "\"08:30:00.25\""),
        (
            "'2026-11-01 08:00'::timestamp",
            "None value: the column `x`: a `timestamp` without time zone is not an instant: cast it, `x AT TIME ZONE 'UTC'`",
        ),
        ("interval '1 day 90 seconds'", "1d1m30s"),
        (
            "interval '1 month'",
            "None value: the column `x`: an interval with months or years has no fixed length: cast it, `extract(epoch FROM x)`",
        ),
        ("point(1,2)", "None value: the column `x`: the type `point` has no value here: cast it, `x::text`"),
        ("'0/16B3748'::pg_lsn", "\"0/16B3748\""),
        ("pg_sleep(0)", "null"),
    ];
    block_on(async {
        let db = db();
        for (sql, expected) in table {
            assert_eq!(said(&db.ask("value", &format!("SELECT {sql} AS x"), &[]).await), expected, "{sql}");
        }
        shared()
            .psql(&db.name, "CREATE TYPE colour AS ENUM ('red'); CREATE DOMAIN pos AS int CHECK (value > 0)")
            .unwrap();
        assert_eq!(
            said(&db.ask("row", "SELECT 'red'::colour AS c, 5::pos AS p, ARRAY['red'::colour] AS a", &[]).await),
            "{ c: \"red\", p: 5, a: [\"red\"] }"
        );
    });
}

#[test]
fn values_are_parameters_of_exactly_the_types_the_server_wants() {
    let v = |text: &str| {
        json::parse(text).unwrap_or_else(|_| rbk::value::read::read(&rbk::value::Type::Duration, text).unwrap())
    };
    let time = Value::Time("2026-11-01T06:00:00.5Z".parse().unwrap());
    let table: Vec<(&str, Vec<Value>, &str)> = vec![
        ("SELECT ?::int + 1", vec![v("41")], "42"),
        ("SELECT ?::numeric", vec![v("12345678901234567890.5")], "12345678901234567890.5"),
        ("SELECT ?", vec![Value::str("x")], "\"x\""),
        ("SELECT ? IS NULL", vec![Value::Null], "true"),
        ("SELECT ? IS NULL", vec![v("5")], "false"),
        ("SELECT now() - ? < now()", vec![v("30s")], "true"),
        ("SELECT ?::interval", vec![v("1h30m")], "1h30m"),
        ("SELECT ?::timestamptz", vec![time.clone()], "2026-11-01T06:00:00.5Z"),
        (
            "SELECT ?::timestamp",
            vec![time],
            "None value: a time is an instant, and a `timestamp` without time zone is not: cast it, `#{x}::timestamptz`",
        ),
        ("SELECT 2 = ANY(?)", vec![v("[1, 2, null]")], "true"),
        ("SELECT cardinality(?::text[])", vec![v("[\"a,b\", \"c\\\"}\"]")], "2"),
        ("SELECT (?::text[])[2]", vec![v("[\"a,b\", \"c\\\"}\\\\\"]")], "\"c\\\"}\\\\\""),
        ("SELECT ?::jsonb", vec![v("{\"a\": 1.50}")], "{ a: 1.50 }"),
        ("SELECT ?::jsonb", vec![Value::str("{\"a\": 1}")], "\"{\\\"a\\\": 1}\""),
        ("SELECT octet_length(?::bytea)", vec![Value::Bytes(vec![0, 255].as_slice().into())], "2"),
        ("SELECT ?::bool", vec![v("true")], "true"),
        ("SELECT 'x'?", vec![v("1")], "None failed"),
        ("SELECT ?::int", vec![v("[1]")], "None value: a list does not fit a parameter of type `int4`"),
        ("SELECT ?::int", vec![Value::str("1; DROP TABLE t")], "None failed"),
        (
            "SELECT ?",
            vec![Value::str("a\0b")],
            "None value: the value holds a NUL character, which PostgreSQL cannot hold",
        ),
        ("SELECT '?'", vec![Value::str("x")], "None value: a value cannot stand inside quotes"),
        ("SELECT 1 -- ?", vec![Value::str("x")], "None value: a value cannot stand inside a comment"),
        ("SELECT $$ ? $$", vec![Value::str("x")], "None value: a value cannot stand inside dollar quotes"),
        ("SELECT E'\\'', /* ' /* ' */ */ ?", vec![Value::str("x")], "None value: exactly one column"),
        ("SELECT $1::int + ?", vec![v("1")], "2"),
        ("SELECT $2::int + ?", vec![v("1")], "None value: the statement uses a parameter"),
    ];
    block_on(async {
        let db = db();
        for (sql, values, expected) in table {
            let found = said(&db.ask("value", sql, &values).await);
            assert!(found.starts_with(expected), "{sql}: {found}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, ..ProptestConfig::default() })]
    #[test]
    fn any_text_reaches_a_statement_unchanged(
        texts in proptest::collection::vec("([ -~]|[\\t\\n\\r'\"$;\\\\%]|\\PC){0,30}", 60)
    ) {
        block_on(async {
            let cluster = shared();
            let db = Db { provider: Postgres::new("r1".into()), on: recipe(&cluster.url("postgres", "postgres")), name: String::new() };
            for text in texts {
            let value = Value::str(text.clone());
            let bound = db.ask("value", "SELECT ?", std::slice::from_ref(&value)).await;
            assert_eq!(bound.result, Ok(value.clone()));
            // A statement that takes no parameters: quoted.
            if !text.is_empty() {
                let set = db.ask("exec", "COMMENT ON DATABASE postgres IS ?", std::slice::from_ref(&value)).await;
                assert_eq!(set.ending, Ending::Done, "{}", said(&set));
                let read = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'postgres'";
                assert_eq!(db.ask("value", read, &[]).await.result, Ok(value.clone()));
            }
            let name: String = text.chars().take(12).collect();
            if !name.is_empty() {
                let row = db.code("row", code("SELECT 1 AS ?", &[(Value::str(name.clone()), How::Ident)])).await;
                assert_eq!(show::show(&row.result.unwrap()), show::show(&Value::record([(name.into(), Value::Int(1))])));
            }
            }
        });
    }
}

#[test]
fn exactly_one_row_is_wanted_where_one_is_read() {
    block_on(async {
        let db = db();
        let cases = [
            ("value", "SELECT 1 WHERE false", "None value: exactly one row was expected, and the query returned none"),
            (
                "row",
                "SELECT generate_series(1, 2)",
                "None value: exactly one row was expected, and the query returned more",
            ),
            ("value", "SELECT 1, 2 AS b", "None value: exactly one column was expected, and the query returned 2"),
            ("row", "SELECT 1 AS a, 2 AS a", "None value: two columns are called `a`: name one of them with AS"),
            ("rows", "SELECT 1 AS a WHERE false", "[]"),
            ("rows", "SELECT g AS a FROM generate_series(1, 2) g", "[{ a: 1 }, { a: 2 }]"),
            ("value", "SHOW server_encoding", "\"UTF8\""),
        ];
        for (action, sql, expected) in cases {
            assert_eq!(said(&db.ask(action, sql, &[]).await), expected, "{sql}");
        }
    });
}

#[test]
fn the_server_itself_refuses_a_write_in_a_read() {
    block_on(async {
        let db = db();
        db.psql("CREATE TABLE t (n int); CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING n'");
        for sql in [
            "SELECT f()",
            "WITH x AS (INSERT INTO t VALUES (1) RETURNING n) SELECT n FROM x",
            "SELECT nextval('s')",
            "DELETE FROM t",
            "CREATE TABLE u ()",
        ] {
            let outcome = db.ask("rows", sql, &[]).await;
            assert!(said(&outcome).contains("read-only transaction"), "{sql}: {}", said(&outcome));
        }
        // Neither at once nor by what an earlier read has left behind.
        db.ask("rows", "SELECT set_config('default_transaction_read_only', 'off', false), set_config('transaction_read_only', 'off', false) AS b", &[]).await;
        assert!(said(&db.ask("rows", "SELECT f()", &[]).await).contains("read-only"));
        assert!(said(&db.ask("rows", "SELECT 1; DELETE FROM t", &[]).await).contains("multiple commands"));
        assert_eq!(db.psql("SELECT count(*) FROM t"), "0");
    });
}

#[test]
fn writes_say_what_they_changed_and_what_failed() {
    block_on(async {
        let db = db();
        let exec = async |sql: &str, values: &[Value]| said(&db.ask("exec", sql, values).await);
        assert_eq!(exec("CREATE TABLE t (n int UNIQUE DEFERRABLE INITIALLY DEFERRED, s text)", &[]).await, "0");
        assert_eq!(
            exec("INSERT INTO t VALUES (?, ?), (2, NULL)", &[Value::Int(1), Value::str("'; DROP TABLE t; --")]).await,
            "2"
        );
        assert_eq!(exec("UPDATE t SET s = 'x' WHERE n = ?", &[Value::Int(9)]).await, "0");
        assert_eq!(exec("SELECT pg_notify('c', 'x')", &[]).await, "1");
        assert_eq!(exec("INSERT INTO t VALUES (7); INSERT INTO t VALUES (8)", &[]).await, "2");
        // A deferred constraint fails at COMMIT: nothing has happened.
        let outcome = db.ask("exec", "INSERT INTO t VALUES (1)", &[]).await;
        assert_eq!(outcome.ending, Ending::None);
        let notes = failure(outcome).notes;
        assert!(
            notes.contains(&"SQLSTATE 23505".to_owned())
                && notes.contains(&"detail: Key (n)=(1) already exists.".to_owned()),
            "{notes:?}"
        );
        // Half of several statements does not stay.
        assert!(exec("INSERT INTO t VALUES (100); SELECT 1/0", &[]).await.starts_with("None failed: division by zero"));
        assert_eq!(db.psql("SELECT count(*) FROM t"), "4");
        // What cannot run in a transaction runs outside one.
        assert_eq!(exec("VACUUM t", &[]).await, "0");
        let scratch = Value::str(format!("{}_a\"b", db.name));
        let create = db.code("exec", code("CREATE DATABASE ?", &[(scratch.clone(), How::Ident)])).await;
        assert_eq!(said(&create), "0");
        let again = db.code("exec", code("CREATE DATABASE ?", &[(scratch.clone(), How::Ident)])).await;
        assert!(said(&again).starts_with("None failed: database"), "{}", said(&again));
        assert_eq!(said(&db.code("exec", code("DROP DATABASE ?", &[(scratch, How::Ident)])).await), "0");
        assert!(exec("CREATE UNIQUE INDEX CONCURRENTLY i ON t ((n - n))", &[]).await.starts_with("Some failed"));
        assert!(exec("COMMIT; DROP TABLE t", &[]).await.contains("cannot begin or end a transaction"));
        let secret = Secret::hide("pw".into(), Value::str("hunter2"));
        assert!(
            exec("CREATE ROLE x PASSWORD ?", &[secret])
                .await
                .contains("the secret `pw` would stand in the statement's text")
        );
        let log = shared().server.log();
        assert!(!log.contains("hunter2"));
        // And is not tried inside of one first.
        assert!(!log.contains("CREATE DATABASE cannot run inside a transaction block"));
    });
}

#[test]
fn an_error_points_into_the_source() {
    block_on(async {
        let db = db();
        let sql = "SELECT ?, 'é', colum FROM pg_class";
        let wrong = failure(db.ask("rows", sql, &[Value::Int(12345)]).await);
        let span = wrong.span.unwrap();
        assert_eq!(&sql[span.start as usize..span.end as usize], "colum");
        assert_eq!(wrong.message, "column \"colum\" does not exist");
        let wrong = failure(db.ask("rows", "SELECT ?::int", &[Value::str("x")]).await);
        assert_eq!(wrong.notes[0], "SQLSTATE 22P02");
    });
}

#[test]
fn transactions() {
    block_on(async {
        let db = db();
        db.psql("CREATE TABLE t (n int)");
        let (on, tx) = (db.on.clone(), TxId(7));
        let inside = async |action: &str, sql: &str, values: &[Value]| {
            let (_keep, cancel) = Cancel::new();
            let call = native(&format!("postgres.{action}"), Some(&db.on), vec![("query", code(sql, &params(values)))]);
            said(&db.provider.call(&in_tx(call, 7), cancel).await)
        };
        for (end, rows) in [("commit", "1"), ("abort", "1")] {
            assert_eq!(said(&db.tx(What::Begin { on: on.clone(), tx }).await), "null");
            assert_eq!(inside("exec", "INSERT INTO t VALUES (?)", &[Value::Int(1)]).await, "1");
            let seen = if end == "commit" { "1" } else { "2" };
            assert_eq!(inside("value", "SELECT count(*) FROM t WHERE ? IS NOT NULL", &[Value::Int(1)]).await, seen);
            // A read that fails, or would write, does not end the transaction.
            assert!(inside("rows", "DELETE FROM t", &[]).await.contains("read-only"));
            let done = match end {
                "commit" => db.tx(What::Commit { on: on.clone(), tx }).await,
                _ => db.tx(What::Abort { on: on.clone(), tx }).await,
            };
            assert_eq!(said(&done), "null");
            assert_eq!(db.psql("SELECT count(*) FROM t"), rows);
        }
        // A failed statement ends the transaction; its commit then has no effect, and says so.
        db.tx(What::Begin { on: on.clone(), tx }).await;
        assert!(inside("exec", "INSERT INTO nowhere VALUES (1)", &[]).await.starts_with("None failed"));
        let commit = db.tx(What::Commit { on: on.clone(), tx }).await;
        assert_eq!(commit.ending, Ending::None, "{}", said(&commit));
        assert!(said(&db.tx(What::Commit { on, tx }).await).contains("no longer open"));
    });
}

#[test]
fn a_cancel_ends_the_query_at_the_server() {
    block_on(async {
        let db = db();
        db.psql("CREATE TABLE t (n int)");
        let call = native(
            "postgres.exec",
            Some(&db.on),
            vec![("statement", code("INSERT INTO t SELECT 1 FROM pg_sleep(30)", &[]))],
        );
        let (canceller, cancel) = Cancel::new();
        let started = std::time::Instant::now();
        let (outcome, ()) = tokio::join!(db.provider.call(&call, cancel), async {
            let running = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rbk/r1/%' AND state = 'active' \
                           AND query LIKE '%pg_sleep(30)' AND pid <> pg_backend_pid() AND datname = current_database()";
            while db.psql(running) != "1" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            canceller.cancel();
        });
        assert_eq!(said(&outcome), "None cancelled: the call was cancelled");
        assert!(started.elapsed() < Duration::from_secs(25) && outcome.running.is_none());
        assert_eq!(db.psql("SELECT count(*) FROM t"), "0");
        assert_eq!(db.psql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()"), "0");
    });
}

#[test]
fn a_connections_timeout_limits_each_call() {
    block_on(async {
        let cluster = shared();
        let on = connection(
            ConnKind::Postgres,
            &[
                ("url", Value::str(cluster.url("postgres", "postgres"))),
                ("timeout", Value::Duration(Duration::from_secs(3).into())),
            ],
        );
        let db = Db { provider: Postgres::new("r1".into()), on, name: String::new() };
        assert_eq!(
            said(&db.ask("value", "SELECT 1 FROM pg_sleep(60)", &[]).await),
            "None timeout: the call did not end within 3s"
        );
        assert_eq!(said(&db.ask("value", "SELECT 1", &[]).await), "1");
    });
}

#[test]
fn sessions_are_kept_and_opened_anew_when_broken() {
    block_on(async {
        let db = db();
        let pid = said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await);
        assert_eq!(said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await), pid);
        assert!(db.psql("SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'rbk/%' AND datname = current_database()").starts_with("rbk/r1"));
        db.psql(&format!("SELECT pg_terminate_backend({pid})"));
        let next = said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await);
        assert!(next != pid && next.parse::<i32>().is_ok(), "{next}");
        // Parallel calls do not wait for each other.
        let (a, b) = tokio::join!(
            db.ask("value", "SELECT pg_backend_pid() FROM pg_sleep(0.2)", &[]),
            db.ask("value", "SELECT pg_backend_pid() FROM pg_sleep(0.2)", &[])
        );
        assert!(a.ending == Ending::Done && b.ending == Ending::Done && a.result != b.result);
    });
}

#[test]
fn passwords_are_set_without_being_sent_and_tried_for_real() {
    block_on(async {
        let db = db();
        let role = format!("role of {}", db.name);
        db.psql(&format!("CREATE ROLE \"{role}\" LOGIN"));
        let args = |password: &str| {
            vec![
                ("role", Arg::Value(Value::str(role.clone()))),
                ("password", Arg::Value(Secret::hide("pw".into(), Value::str(password)))),
            ]
        };
        assert_eq!(said(&db.act("set_password", args("new 'p\"w\\ é")).await), "null");
        assert_eq!(said(&db.act("login", args("new 'p\"w\\ é")).await), "\"accepted\"");
        assert_eq!(said(&db.act("login", args("old password")).await), "\"refused\"");
        let log = shared().server.log();
        assert!(log.contains("SCRAM-SHA-256$") && !log.contains("new 'p"));
        assert_eq!(said(&db.act("ping", vec![]).await), "true");
    });
}

#[test]
fn a_stopped_server_is_an_error_and_not_a_no() {
    block_on(async {
        let cluster = Cluster::start();
        let on = recipe(&cluster.url("postgres", "postgres"));
        let db = Db { provider: Postgres::new("r1".into()), on, name: String::new() };
        assert_eq!(said(&db.act("ping", vec![]).await), "true");
        cluster.server.kill();
        for outcome in [
            db.act("ping", vec![]).await,
            db.ask("exec", "CREATE TABLE t ()", &[]).await,
            db.act("login", vec![("role", Arg::Value(Value::str("x"))), ("password", Arg::Value(Value::str("y")))])
                .await,
        ] {
            let text = said(&outcome);
            assert!(
                text.starts_with("None connection: cannot connect to `db` (") && !text.contains(PASSWORD),
                "{text}"
            );
        }
    });
}

#[test]
fn a_lost_acknowledgement_is_decided_by_the_server() {
    block_on(async {
        let cluster = shared();
        let name = cluster.database();
        cluster.psql(&name, "CREATE TABLE t (n int)").unwrap();
        let proxy = Proxy::to(cluster.port);
        let on = recipe(&format!("postgresql://postgres:{PASSWORD}@127.0.0.1:{}/{name}?sslmode=disable", proxy.port));
        let db = Db { provider: Postgres::new("r1".into()), on, name: name.clone() };
        // The COMMIT arrives, its answer does not.
        proxy.cut_after(b"COMMIT");
        assert_eq!(said(&db.ask("exec", "INSERT INTO t VALUES (1)", &[]).await), "1");
        // The connection breaks before the COMMIT: certainly without effect.
        proxy.cut_after(b"VALUES (2)");
        let cut = db.ask("exec", "INSERT INTO t VALUES (2)", &[]).await;
        assert!(said(&cut).starts_with("None connection: the connection to `db` broke"), "{}", said(&cut));
        assert_eq!(cluster.psql(&name, "SELECT count(*) FROM t").unwrap(), "1");
        // What runs outside a transaction cannot be decided.
        proxy.cut_after(b"VACUUM");
        let vacuum = db.ask("exec", "VACUUM", &[]).await;
        assert!(matches!(vacuum.ending, Ending::None | Ending::Unknown), "{}", said(&vacuum));
    });
}

#[test]
fn tls_by_url() {
    block_on(async {
        let cluster = shared();
        let ca = cluster.ca();
        let table = [
            ("?sslmode=disable".to_owned(), "false"),
            ("?sslmode=require".to_owned(), "true"),
            (String::new(), "true"),
            (format!("?sslmode=verify-full&sslrootcert={ca}"), "true"),
            (format!("?sslmode=verify-ca&sslrootcert={ca}"), "true"),
            ("?sslmode=verify-full".to_owned(), "None connection: cannot connect"),
            ("?sslmode=never".to_owned(), "None value: `sslmode=never` is not one of"),
            ("?frobnicate=1".to_owned(), "None value: the URL of `db` is not understood"),
        ];
        for (more, expected) in table {
            let db = Db {
                provider: Postgres::new("r1".into()),
                on: recipe(&cluster.tcp("postgres", &more)),
                name: String::new(),
            };
            let found = said(&db.ask("value", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await);
            assert!(found.starts_with(expected) && !found.contains(PASSWORD), "{more}: {found}");
        }
        // The certificate is for `localhost`, not for the address.
        for (mode, expected) in [("verify-full", "None connection"), ("verify-ca", "true")] {
            let url =
                cluster.tcp("postgres", &format!("?sslmode={mode}&sslrootcert={ca}")).replace("localhost", "127.0.0.1");
            let db = Db { provider: Postgres::new("r1".into()), on: recipe(&url), name: String::new() };
            let found = said(&db.ask("value", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await);
            assert!(found.starts_with(expected), "{mode}: {found}");
        }
    });
}

#[test]
fn a_connection_is_a_context_for_programs() {
    let cluster = shared();
    let name = cluster.database();
    let on = connection(
        ConnKind::Postgres,
        &[("url", Value::str(cluster.url("postgres", "postgres"))), ("database", Value::str(name.clone()))],
    );
    let environment = pg_environment(&on).unwrap();
    assert!(environment.vars.iter().all(|(_, v)| !v.contains(PASSWORD)));
    let file = environment.password_file().unwrap().unwrap();
    let path = file.path().to_path_buf();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let out = std::process::Command::new(crate::lab::program("psql", "postgresql-client"))
        .args(["-XAtwc", "SELECT current_database()"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .envs(environment.vars.iter().map(|(k, v)| (k.as_str(), v.as_str())))
        .env("PGPASSFILE", &path)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap().trim(), name, "{}", String::from_utf8_lossy(&out.stderr));
    drop(file);
    assert!(!path.exists());
}

#[test]
fn a_server_that_stops_is_neither_up_nor_not_up() {
    let cluster = Cluster::start();
    let url = cluster.url("postgres", "postgres");
    let book = |condition: &str| {
        format!(
            "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
             secret url = env(\"DB_URL\")\n  connect db = postgres(url)\n  guard \"g\": {condition}\n}}\n"
        )
    };
    let (code, said) = crate::lab::rbk(&book("db.ping()"), &[("DB_URL", &url)]);
    assert_eq!(code, 0, "{said}");
    cluster.server.kill();
    for condition in ["db.ping()", "not db.ping()", "not (db.value(\"SELECT 1\") == 2)"] {
        let (code, said) = crate::lab::rbk(&book(condition), &[("DB_URL", &url)]);
        assert!(code == 1 && said.contains("cannot tell: cannot connect to `db`"), "{condition}: {said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn a_hostile_parameter_goes_from_the_command_line_into_a_table_and_back() {
    let cluster = shared();
    let name = cluster.database();
    let hostile = "o'neil\"; DROP TABLE people; -- $(touch x) `id` #{1} %s \\ \u{e9}\nEOF";
    let book = "runbook \"r\" {\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
                param who: string\n  secret url = env(\"DB_URL\")\n  connect db = postgres(url)\n  \
                step \"Keep\" {\n    db.exec(\"CREATE TABLE people (name text)\")\n    db.exec(\"INSERT INTO people VALUES (#{who})\")\n    \
                rollback { db.exec(\"DROP TABLE IF EXISTS people\") }\n  }\n  \
                guard \"same\": db.value(\"SELECT name FROM people WHERE name = #{who}\") == who\n  \
                guard \"shell\": $(printf %s #{who}) == who\n}\n";
    let (code, said) =
        crate::lab::rbk(book, &[("DB_URL", &cluster.url("postgres", &name)), ("RBK_PARAM_WHO", hostile)]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(cluster.psql(&name, "SELECT name FROM people").unwrap(), hostile);
}
