//! `std/postgres` against a real server: what each action does, and that nothing of it is left when the run fails later.
use std::path::Path;

use super::*;
use crate::stage::{self, Ran, Run};

/// A server that counts its statements, and a directory for dumps.
struct Lab {
    cluster: Cluster,
    dir: tempfile::TempDir,
}

impl Lab {
    fn new() -> Lab {
        let settings = ["shared_preload_libraries=pg_stat_statements", "wal_level=replica", "max_wal_senders=4"];
        let lab = Lab { cluster: Cluster::with(&settings), dir: stage::dir() };
        lab.psql("postgres", "CREATE DATABASE shop");
        lab.psql("shop", "CREATE TABLE orders (id int PRIMARY KEY, customer text); INSERT INTO orders SELECT g, 'c' || g FROM generate_series(1, 500) g");
        lab
    }

    fn psql(&self, database: &str, sql: &str) -> String {
        self.cluster.psql(database, sql).unwrap()
    }

    fn run(&self, statements: &str, spoil: bool) -> Run {
        let file = self.dir.path().join("lab.rbk");
        let text = format!(
            "use \"std/postgres\"\nrunbook \"Lab\" {{\n  owner \"lab\"\n  reviewed 2026-11-01 every 365d\n  deadline 3m\n  \
             rollback within 1m\n  param dir: string\n  param spoil: bool\n  secret url = env(\"DB_URL\")\n  \
             connect db = postgres(url, database: \"shop\")\n  {statements}\n  guard \"not told to fail\": not spoil\n}}\n"
        );
        std::fs::write(&file, text).unwrap();
        let path = format!(
            "{}:{}",
            stage::path(),
            crate::lab::program("pg_dump", "postgresql-client").parent().unwrap().display()
        );
        Run::new(&file)
            .set("dir", self.dir.path().display())
            .set("spoil", spoil)
            .env("DB_URL", self.cluster.url("postgres", "postgres"))
            .env("PATH", path)
    }

    fn go(&self, statements: &str) -> Ran {
        self.run(statements, false).go().ended(0)
    }

    /// Undone when the run fails later, then done.
    fn undone_then_done(&self, statements: &str, state: impl Fn() -> String) {
        let was = state();
        let ran = self.run(statements, true).go().ended(1);
        assert_eq!(was, state(), "{statements} is undone:\n{}", ran.out);
        self.go(statements);
        assert_ne!(was, state(), "{statements} is done");
    }

    fn databases(&self) -> String {
        self.psql(
            "postgres",
            "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate",
        )
    }
}

/// What dumps have left there.
fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().flatten().map(|f| f.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains("dump")).collect();
    names.sort();
    names
}

#[test]
fn what_it_tells_of_a_server() {
    let lab = Lab::new();
    lab.psql("shop", "CREATE EXTENSION pg_stat_statements; SELECT count(*) FROM orders");
    lab.psql("shop", "VACUUM ANALYZE orders");
    block_on(async {
        // One session that holds a lock, one that waits for it, one that is idle.
        let url = lab.cluster.url("postgres", "shop");
        let (holder, waiter, idler) = (at(&url, "shop"), at(&url, "shop"), at(&url, "shop"));
        assert_eq!(said(&idler.act("ping", vec![]).await), "true");
        let (on, tx) = (holder.on.clone(), TxId(1));
        holder.tx(What::Begin { on: on.clone(), tx }).await;
        let lock = native("postgres.exec", Some(&on), vec![("s", code("LOCK TABLE orders", &[]))]);
        let (_keep, cancel) = Cancel::new();
        assert_eq!(holder.provider.call(&in_tx(lock, 1), cancel).await.ending, Ending::Done);
        let (stop, cancel) = Cancel::new();
        let wait = native("postgres.value", Some(&waiter.on), vec![("s", code("SELECT count(*) FROM orders", &[]))]);
        let told = async {
            lab.cluster.until("SELECT count(*) FROM pg_locks WHERE NOT granted", |n| n == "1").await;
            let ran = lab.go("note \"blocked\": postgres.blocked(db).map({ who: it.query, by: it.blocker_state })
  note \"locks\": postgres.locks(db).where(not it.granted).map(it.table)
  note \"sessions\": postgres.sessions(db).map(it.application).where(it == \"rbk/r1\").len()
  note \"idle\": postgres.idle(db, longer_than: 1ms).len()
  note \"long\": postgres.long_queries(db, longer_than: 1ms).map(it.waits_for)
  guard \"room\": postgres.connections_used(db) > 0 and postgres.connections_used(db) < 80%
  note \"slow\": postgres.slow_queries(db, top: 100).any(it.query.contains(\"count(*)\") and it.calls >= 1)
  guard \"it has a size\": postgres.size(db) > 1_000_000
  note \"standbys\": postgres.standbys(db)");
            stop.cancel();
            ran
        };
        let (waited, ran) = tokio::join!(waiter.provider.call(&wait, cancel), told);
        assert!(said(&waited).starts_with("None cancelled"), "{}", said(&waited));
        ran.says(&["Notes", "SELECT count(*) FROM orders", "idle in transaction", "orders", "standbys"]);
        holder.tx(What::Abort { on, tx }).await;
        lab.go("note \"sizes\": postgres.sizes(db, top: 1).map({ table: it.table, rows: it.rows })")
            .says(&["orders", "500"]);
    });
}

#[test]
fn idle_sessions_are_shown_asked_for_and_ended() {
    let lab = Lab::new();
    let url = lab.cluster.url("postgres", "shop");
    block_on(async {
        let (idler, elsewhere) = (at(&url, "shop"), at(&lab.cluster.url("postgres", "postgres"), "postgres"));
        for one in [&idler, &elsewhere] {
            assert_eq!(said(&one.act("ping", vec![]).await), "true");
        }
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rbk/r1'";
        let label = "End the #{idle.len()} sessions of #{database} that are idle for over #{longer_than}?";
        let end = "postgres.end_idle(db, longer_than: 1ms)";
        // Nobody says yes.
        lab.run(end, false).go().ended(2);
        lab.run(end, false).answer(label, "no").go().ended(1);
        lab.run("postgres.end_idle(db, longer_than: 1ms, at_most: 0)", false).answer(label, "yes").go().ended(1);
        assert_eq!(lab.psql("postgres", count), "2");
        lab.run(end, false).answer(label, "yes").go().ended(0).says(&["idle sessions", "rbk/r1"]);
        // That of the other database is still there.
        lab.cluster.until(count, |n| n == "1").await;
        assert_eq!(said(&elsewhere.act("ping", vec![]).await), "true");
    });
}

#[test]
fn what_it_changes_is_put_back() {
    let lab = Lab::new();
    lab.go("postgres.vacuum(db, \"orders\")\n  postgres.vacuum_all(db)");
    assert_eq!(
        lab.psql("shop", "SELECT last_vacuum IS NOT NULL FROM pg_stat_user_tables WHERE relname = 'orders'"),
        "t"
    );

    let indexes = || {
        lab.psql(
            "shop",
            "SELECT string_agg(indexdef, ';' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'orders'",
        )
    };
    lab.undone_then_done(
        "postgres.create_index(db, \"by \\\"customer\\\"\", table: \"orders\", columns: [\"customer\", \"id\"])",
        indexes,
    );
    assert!(indexes().contains("(customer, id)"), "{}", indexes());
    // One that fails half-way leaves an invalid index, which goes.
    let before = indexes();
    let broken = "postgres.create_index(db, \"x\", table: \"orders\", columns: [\"customer\", \"nobody\"])";
    lab.run(broken, false).go().ended(1);
    assert_eq!(indexes(), before);

    let setting = || lab.psql("postgres", "SELECT setting FROM pg_settings WHERE name = 'log_min_duration_statement'");
    let auto = || std::fs::read_to_string(lab.cluster.server.dir.join("pg/postgresql.auto.conf")).unwrap();
    let state = || {
        crate::lab::wait_for("the reload", || (setting() == "500" || !auto().contains("'500ms'")).then_some(()));
        auto()
    };
    lab.undone_then_done("postgres.set(db, \"log_min_duration_statement\", \"500ms\")", state);
    crate::lab::wait_for("the setting", || (setting() == "500").then_some(()));
    // Over one that was set before: that one comes back.
    let again = "postgres.set(db, \"log_min_duration_statement\", \"7s\")";
    lab.run(again, true).go().ended(1);
    assert!(auto().contains("log_min_duration_statement = '500ms'"), "{}", auto());
    for wrong in ["postgres.set(db, \"max_connections\", \"7\")", "postgres.set(db, \"no_such_setting\", \"7\")"] {
        let was = auto();
        lab.run(wrong, false).go().ended(1).says(&["takes effect without a restart"]);
        assert_eq!(auto(), was);
    }
}

#[test]
fn a_dump_is_whole_and_comes_back() {
    let lab = Lab::new();
    let dir = lab.dir.path().to_owned();
    let dump = "postgres.dump(db, to: \"#{dir}/shop.dump\")";
    lab.undone_then_done(dump, || files(&dir).join(" "));
    assert!(files(&dir).contains(&"shop.dump".to_owned()), "{:?}", files(&dir));
    lab.run(dump, false).go().ended(1).says(&["nothing is at"]);
    lab.go("guard \"whole\": postgres.whole(\"#{dir}/shop.dump\")");

    let restore = "postgres.restore(url, into: \"copy of shop\", from: \"#{dir}/shop.dump\")";
    lab.undone_then_done(restore, || lab.databases());
    assert_eq!(lab.psql("copy of shop", "SELECT count(*) FROM orders"), "500");
    lab.run(restore, false).go().ended(1).says(&["no database copy of shop yet"]);

    let was = lab.databases();
    lab.go("postgres.restore_test(url, from: \"#{dir}/shop.dump\", expect: [\"orders\"])");
    lab.run("postgres.restore_test(url, from: \"#{dir}/shop.dump\", expect: [\"nothing\"])", false).go().ended(1);
    assert_eq!(lab.databases(), was, "the scratch database is gone in every case");

    // The old one keeps its rows under another name, and its name comes back.
    lab.psql("shop", "DELETE FROM orders WHERE id > 7");
    let rows = || format!("{} {}", lab.databases(), lab.psql("shop", "SELECT count(*) FROM orders"));
    lab.undone_then_done("postgres.replace(url, database: \"shop\", from: \"#{dir}/shop.dump\")", rows);
    assert_eq!(lab.psql("shop", "SELECT count(*) FROM orders"), "500");
    assert_eq!(lab.psql("shop_before", "SELECT count(*) FROM orders"), "7");

    // Half of one is refused before anything is done.
    let bytes = std::fs::read(dir.join("shop.dump")).unwrap();
    std::fs::write(dir.join("half.dump"), &bytes[..bytes.len() / 2]).unwrap();
    let was = lab.databases();
    for action in [
        "postgres.restore(url, into: \"x\"",
        "postgres.restore_test(url",
        "postgres.replace(url, database: \"copy of shop\"",
    ] {
        let ran = lab.run(&format!("{action}, from: \"#{{dir}}/half.dump\")"), false).go().ended(1);
        ran.says(&["the dump is whole"]);
    }
    assert_eq!(lab.databases(), was);
}

#[test]
fn a_standby_tells_how_far_it_is_behind() {
    let lab = Lab::new();
    let standby = lab.cluster.standby();
    lab.psql("shop", "INSERT INTO orders VALUES (1000, 'x')");
    crate::lab::wait_for("replication", || {
        standby.psql("shop", "SELECT count(*) FROM orders").ok().filter(|n| n == "501")
    });
    lab.go("wait up to 30s every 100ms until postgres.standbys(db).all(it.bytes_behind == 0)\n  note \"standbys\": postgres.standbys(db)")
        .says(&["streaming"]);
    let file = "connect standby = postgres(env(\"STANDBY_URL\"))\n  guard \"fresh\": postgres.lag(standby) < 1h";
    lab.run(file, false).env("STANDBY_URL", standby.url("postgres", "shop")).go().ended(0);
    // A primary is not behind anything: that is an error, not a zero.
    lab.run("guard \"fresh\": postgres.lag(db) < 1h", false).go().ended(1);
}
