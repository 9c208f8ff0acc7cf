//! `copy_in` and `copy_out`.
use super::*;

impl Db {
    async fn copy(&self, action: &str, sql: &str, values: &[Value], key: &str, path: &std::path::Path) -> Outcome {
        let file = Arg::Value(Value::str(path.to_str().unwrap()));
        self.act(action, vec![("statement", code(sql, &params(values))), (key, file)]).await
    }
}

#[test]
fn rows_go_into_a_file_and_back_all_or_none() {
    block_on(async {
        let (db, dir) = (db(), tempfile::tempdir().unwrap());
        let file = dir.path().join("t.csv");
        db.psql("CREATE TABLE t (n int PRIMARY KEY, s text); INSERT INTO t SELECT g, 'row, \"' || g FROM generate_series(1, 50000) g");
        let out = "COPY (SELECT * FROM t WHERE n > ? AND s <> ? ORDER BY n) TO STDOUT (FORMAT csv)";
        let outcome = db.copy("copy_out", out, &[Value::Int(0), Value::str("it's")], "to", &file).await;
        let size = std::fs::metadata(&file).unwrap().len();
        assert_eq!(outcome.result, Ok(Value::Size(i64::try_from(size).unwrap())));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing lies beside it");
        // What is there is not written over.
        let again = db.copy("copy_out", out, &[Value::Int(0), Value::str("")], "to", &file).await;
        assert!(
            said(&again).starts_with("None failed") && said(&again).contains("is there already"),
            "{}",
            said(&again)
        );
        let into = "COPY t FROM STDIN (FORMAT csv)";
        // A row that is there already: none of them is taken.
        let twice = db.copy("copy_in", into, &[], "from", &file).await;
        assert!(said(&twice).starts_with("None failed: duplicate key"), "{}", said(&twice));
        db.psql("DELETE FROM t");
        assert_eq!(said(&db.copy("copy_in", into, &[], "from", &file).await), "50000");
        assert_eq!(db.psql("SELECT count(*), sum(n), max(s) FROM t"), "50000|1250025000|row, \"9999");
        // In a transaction.
        let (on, tx) = (db.on.clone(), TxId(1));
        db.tx(What::Begin { on: on.clone(), tx }).await;
        let inside = async |call| {
            let (_keep, cancel) = Cancel::new();
            said(&db.provider.call(&in_tx(call, 1), cancel).await)
        };
        let path = Arg::Value(Value::str(file.to_str().unwrap()));
        assert_eq!(inside(native("postgres.exec", Some(&on), vec![("s", code("DELETE FROM t", &[]))])).await, "50000");
        let copy = native("postgres.copy_in", Some(&on), vec![("s", code(into, &[])), ("from", path)]);
        assert_eq!(inside(copy).await, "50000");
        db.tx(What::Abort { on, tx }).await;
        assert_eq!(db.psql("SELECT count(*) FROM t"), "50000");
    });
}

#[test]
fn what_cannot_be_copied_has_left_nothing() {
    block_on(async {
        let (db, dir) = (db(), tempfile::tempdir().unwrap());
        let file = dir.path().join("f");
        db.psql("CREATE TABLE t (n int)");
        std::fs::write(dir.path().join("bad"), "1\n2\nthree\n").unwrap();
        let table = [
            ("copy_out", "SELECT 1", "None value: `copy_out` takes one statement"),
            ("copy_out", "COPY t TO PROGRAM 'cat'", "None value: `copy_out` takes one statement"),
            ("copy_out", "COPY t TO '/tmp/x'", "None value: `copy_out` takes one statement"),
            ("copy_out", "COPY t TO STDOUT; DROP TABLE t", "None value: `copy_out` takes one statement"),
            (
                "copy_out",
                "COPY (SELECT 1/(n-n) FROM generate_series(1,1) n) TO STDOUT",
                "None failed: division by zero",
            ),
            ("copy_out", "COPY (INSERT INTO t VALUES (1) RETURNING n) TO STDOUT", "None failed: cannot execute"),
            ("copy_out", "COPY nowhere TO STDOUT", "None failed: relation"),
            ("copy_in", "COPY t TO STDOUT", "None value: `copy_in` takes one statement"),
            ("copy_in", "COPY t FROM STDIN", "None failed: "),
        ];
        for (action, sql, expected) in table {
            let (key, path) =
                if action == "copy_out" { ("to", file.clone()) } else { ("from", dir.path().join("bad")) };
            let outcome = db.copy(action, sql, &[], key, &path).await;
            assert!(said(&outcome).starts_with(expected), "{sql}: {}", said(&outcome));
        }
        let missing = db.copy("copy_in", "COPY t FROM STDIN", &[], "from", &dir.path().join("none")).await;
        assert!(
            said(&missing).starts_with("None failed: `") && said(&missing).contains("No such file"),
            "{}",
            said(&missing)
        );
        assert_eq!(db.psql("SELECT count(*) FROM t"), "0");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        // Where no rows are copied from or to, `COPY` is told where it belongs, and the session lives on.
        for (action, sql) in
            [("exec", "COPY t FROM STDIN"), ("rows", "COPY t TO STDOUT"), ("exec", "SELECT 1; COPY t FROM STDIN")]
        {
            let outcome = db.ask(action, sql, &[]).await;
            assert!(said(&outcome).starts_with("None value"), "{sql}: {}", said(&outcome));
        }
        assert_eq!(said(&db.ask("value", "SELECT 1", &[]).await), "1");
    });
}

#[test]
fn a_copy_that_is_cancelled_has_left_nothing() {
    block_on(async {
        let (db, dir) = (db(), tempfile::tempdir().unwrap());
        let file = dir.path().join("f");
        let sql = "COPY (SELECT pg_sleep(0.01), g FROM generate_series(1, 60000) g) TO STDOUT";
        let path = Arg::Value(Value::str(file.to_str().unwrap()));
        let call = native("postgres.copy_out", Some(&db.on), vec![("query", code(sql, &[])), ("to", path)]);
        let (canceller, cancel) = Cancel::new();
        let (outcome, ()) = tokio::join!(db.provider.call(&call, cancel), async {
            while std::fs::read_dir(dir.path()).unwrap().count() == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            canceller.cancel();
        });
        assert_eq!(said(&outcome), "None cancelled: the call was cancelled");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    });
}
