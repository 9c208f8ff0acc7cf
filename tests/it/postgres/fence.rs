//! A read does not write, whatever it tries; and costs one round trip.
use super::*;

#[test]
fn no_read_can_switch_off_what_keeps_it_from_writing() {
    block_on(async {
        let db = db();
        db.psql(
            "CREATE TABLE t (n int); \
             CREATE FUNCTION put() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING n'; \
             CREATE FUNCTION off() RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
               PERFORM set_config('default_transaction_read_only', 'off', false); RETURN 1; END $$; \
             CREATE FUNCTION set_off() RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
               SET default_transaction_read_only = off; SET transaction_read_only = off; RETURN put(); END $$; \
             CREATE FUNCTION clause() RETURNS int LANGUAGE sql SET transaction_read_only = off AS 'SELECT put()'; \
             CREATE FUNCTION characteristics() RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
               SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; SET TRANSACTION READ WRITE; RETURN put(); END $$; \
             CREATE FUNCTION swallow() RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
               BEGIN SET TRANSACTION READ WRITE; EXCEPTION WHEN OTHERS THEN NULL; END; RETURN put(); END $$; \
             CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN \
               SET default_transaction_read_only = off; COMMIT; SET TRANSACTION READ WRITE; INSERT INTO t VALUES (1); END $$",
        );
        let attempts = [
            "SELECT put()",
            "SELECT 1; INSERT INTO t VALUES (1)",
            "COMMIT; INSERT INTO t VALUES (1)",
            "BEGIN READ WRITE",
            "COMMIT",
            "SELECT set_config('transaction_read_only', 'off', true), put()",
            "SELECT set_config('default_transaction_read_only', 'off', false)",
            "SELECT off()",
            "SELECT set_off()",
            "SELECT clause()",
            "SELECT characteristics()",
            "SELECT swallow()",
            "CALL p()",
            "DO $$ BEGIN COMMIT; SET TRANSACTION READ WRITE; INSERT INTO t VALUES (1); END $$",
            "SET default_transaction_read_only = off",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            "SET TRANSACTION READ WRITE",
            "EXPLAIN ANALYZE INSERT INTO t VALUES (1)",
            "WITH w AS (INSERT INTO t VALUES (1) RETURNING n) SELECT n FROM w",
            "PREPARE x AS INSERT INTO t VALUES (1)",
            "SELECT * INTO u FROM t",
            "COPY t FROM PROGRAM 'echo 1'",
        ];
        for first in attempts {
            // Each after each: what one leaves behind must not help the next.
            let _ = db.ask("rows", first, &[]).await;
            for second in ["SELECT put()", "CALL p()", "EXPLAIN ANALYZE INSERT INTO t VALUES (1)"] {
                let outcome = db.ask("rows", second, &[]).await;
                assert_eq!(outcome.ending, Ending::None, "{first}, then {second}: {}", said(&outcome));
            }
            assert_eq!(db.psql("SELECT count(*) FROM t"), "0", "{first}");
        }
        // And inside a transaction that writes.
        let (on, tx) = (db.on.clone(), TxId(1));
        assert_eq!(said(&db.tx(What::Begin { on: on.clone(), tx }).await), "null");
        for attempt in attempts {
            let (_keep, cancel) = Cancel::new();
            let call = native("postgres.rows", Some(&on), vec![("query", code(attempt, &[]))]);
            let _ = db.provider.call(&in_tx(call, 1), cancel).await;
        }
        let commit = db.tx(What::Commit { on, tx }).await;
        assert_eq!(db.psql("SELECT count(*) FROM t"), "0", "{}", said(&commit));
        assert_eq!(db.psql("SELECT count(*) FROM pg_class WHERE relname = 'u'"), "0");
    });
}

#[test]
fn a_read_is_one_round_trip_and_sees_what_its_session_holds() {
    block_on(async {
        let db = db();
        let pid = said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await);
        for _ in 0..2 {
            assert_eq!(said(&db.ask("value", "SELECT 'again' || ?", &[Value::str("!")]).await), "\"again!\"");
        }
        let log = shared().server.log();
        let mine: Vec<&str> = log.lines().filter(|line| line.contains(&format!("[{pid}]"))).collect();
        let said_again: Vec<usize> =
            mine.iter().enumerate().filter(|(_, l)| l.contains("SELECT 'again'")).map(|(i, _)| i).collect();
        let [first, second] = said_again[..] else { panic!("{mine:#?}") };
        let between: Vec<_> = mine[first + 1..second].iter().filter(|l| l.contains("LOG:")).collect();
        assert!(between.iter().all(|l| !l.contains("statement:") && !l.contains("execute ")), "{between:#?}");
        // The session is the same for reads and writes: temporary tables and locks stay.
        assert_eq!(said(&db.ask("exec", "CREATE TEMP TABLE mine AS SELECT 7 AS n", &[]).await), "1");
        assert_eq!(said(&db.ask("exec", "SELECT pg_advisory_lock(42)", &[]).await), "1");
        assert_eq!(said(&db.ask("value", "SELECT n FROM mine", &[]).await), "7");
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
        assert_eq!(said(&db.ask("value", held, &[]).await), "1");
        assert_eq!(said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await), pid);
        // And a write that cannot run in a transaction leaves the fence as it was.
        assert_eq!(said(&db.ask("exec", "VACUUM", &[]).await), "0");
        assert!(said(&db.ask("rows", "CREATE TABLE u ()", &[]).await).contains("read-only"));
        assert_eq!(said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await), pid);
    });
}

#[test]
fn what_was_prepared_and_does_not_fit_any_more_is_prepared_anew() {
    block_on(async {
        let db = db();
        db.psql("CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
        let read = async || said(&db.ask("rows", "SELECT * FROM t WHERE n = ?", &[Value::Int(1)]).await);
        let write = async || said(&db.ask("exec", "UPDATE t SET n = ? RETURNING *", &[Value::Int(1)]).await);
        assert_eq!((read().await.as_str(), write().await.as_str()), ("[{ n: 1 }]", "1"));
        db.psql("ALTER TABLE t ADD m text DEFAULT 'x'");
        assert_eq!((read().await.as_str(), write().await.as_str()), ("[{ n: 1, m: \"x\" }]", "1"));
        db.psql("DROP TABLE t; CREATE TABLE t (n bigint); INSERT INTO t VALUES (1)");
        assert_eq!((write().await.as_str(), read().await.as_str()), ("1", "[{ n: 1 }]"));
        let before = said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await);
        assert_eq!(said(&db.ask("exec", "DEALLOCATE ALL", &[]).await), "0");
        assert_eq!((read().await.as_str(), write().await.as_str()), ("[{ n: 1 }]", "1"));
        assert_eq!(said(&db.ask("value", "SELECT pg_backend_pid()", &[]).await), before);
    });
}

#[test]
fn a_role_that_only_reads_by_default_stays_so() {
    block_on(async {
        let db = db();
        let url = shared()
            .url("postgres", &db.name)
            .replace("port=", "options=-c%20default_transaction_read_only%3Don&port=");
        let cautious = at(&url, &db.name);
        let outcome = cautious.ask("exec", "CREATE TABLE t ()", &[]).await;
        assert!(
            said(&outcome).starts_with("None failed: cannot execute CREATE TABLE in a read-only"),
            "{}",
            said(&outcome)
        );
    });
}
