//! The journal in a database: made by whoever comes first, refused where it cannot be kept, and checked as a file is.
use std::sync::Barrier;
use std::time::Duration;

use rbk::journal::postgres::{LEASE, Postgres};
use rbk::journal::{Entry, Filter, Kind, State, Store, Trouble};

use super::made::{at, database, entries, head, holder, keep, open_team, said, written};
use crate::lab::postgres::{Cluster, PASSWORD, shared};

fn refused(url: &str) -> Trouble {
    Postgres::open(url, None, LEASE).map(|_| ()).unwrap_err()
}

/// A role that may log in, and no more.
fn role(name: &str) {
    let sql = format!("DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'");
    shared().psql("postgres", &sql).unwrap();
}

#[test]
fn a_new_journal_can_be_made_by_several_at_once() {
    let url = database();
    let together = Barrier::new(6);
    std::thread::scope(|scope| {
        for n in 0..6 {
            let (url, together) = (&url, &together);
            scope.spawn(move || {
                together.wait();
                written(&mut open_team(url), &format!("r{n}"), &entries());
            });
        }
    });
    let mut store = open_team(&url);
    assert_eq!(store.runs(&Filter::default()).unwrap().len(), 6);
    for n in 0..6 {
        assert_eq!(store.load(&format!("r{n}")).unwrap().1, entries());
    }
}

#[test]
fn of_all_that_take_a_run_at_once_one_has_it() {
    let url = database();
    written(&mut open_team(&url), "r1", &entries());
    let together = Barrier::new(5);
    let took = std::thread::scope(|scope| {
        let all: Vec<_> = (0..5)
            .map(|n| {
                let (url, together) = (&url, &together);
                scope.spawn(move || {
                    let mut store = open_team(url);
                    together.wait();
                    let took = store.take("r1", &holder(n));
                    together.wait();
                    took
                })
            })
            .collect();
        all.into_iter()
            .map(|one| one.join().unwrap())
            .filter(|took| match took {
                Ok(()) => true,
                Err(trouble) => {
                    assert!(trouble.message.starts_with("run r1 is driven by another process (pid "), "{trouble:?}");
                    false
                }
            })
            .count()
    });
    assert_eq!(took, 1);
}

#[test]
fn a_newer_journal_is_refused_with_both_versions() {
    let cluster = shared();
    let name = cluster.database();
    let url = cluster.url("postgres", &name);
    drop(open_team(&url));
    cluster.psql(&name, "UPDATE rbk.version SET version = 9").unwrap();
    let trouble = refused(&url);
    let mine = env!("CARGO_PKG_VERSION");
    let expected = format!("/{name}` was made by a newer rbk (its version is 9, rbk {mine} knows 3)");
    assert!(trouble.message.ends_with(&expected), "{trouble:?}");
    assert!(trouble.help.unwrap().starts_with("use that rbk, or name another database"));
}

#[test]
fn an_older_journal_is_brought_up_to_date_and_keeps_what_it_holds() {
    let cluster = shared();
    let name = cluster.database();
    let url = cluster.url("postgres", &name);
    written(&mut open_team(&url), "r1", &entries());
    cluster
        .psql(&name, "ALTER TABLE rbk.tip DROP COLUMN wanted, DROP COLUMN lived; UPDATE rbk.version SET version = 1")
        .unwrap();
    let mut store = open_team(&url);
    assert_eq!(store.load("r1").unwrap().1, entries());
    store.take("r1", &holder(2)).unwrap();
}

#[test]
fn a_schema_of_another_program_is_left_alone() {
    let cluster = shared();
    let name = cluster.database();
    cluster.psql(&name, "CREATE SCHEMA rbk; CREATE TABLE rbk.mine (x int)").unwrap();
    let trouble = refused(&cluster.url("postgres", &name));
    assert!(trouble.message.ends_with("is not a journal of rbk"), "{trouble:?}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'rbk'";
    assert_eq!(cluster.psql(&name, tables).unwrap(), "1");
}

#[test]
fn a_role_without_rights_is_told_what_to_ask_for() {
    let cluster = shared();
    let name = cluster.database();
    role("nobody_much");
    role("newcomer");
    let of = |user: &str| cluster.url(user, &name);
    // What stands between back quotes is what an administrator types.
    let way_out = |trouble: &Trouble| {
        let help = trouble.help.clone().unwrap();
        help.split('`').nth(1).unwrap_or_else(|| panic!("{help}")).to_owned()
    };
    let trouble = refused(&of("nobody_much"));
    assert!(trouble.message.starts_with("the role `nobody_much` may not make the journal's tables at "), "{trouble:?}");
    cluster.psql(&name, &way_out(&trouble)).unwrap();
    written(&mut open_team(&of("nobody_much")), "r1", &entries());

    let trouble = refused(&of("newcomer"));
    assert!(trouble.message.starts_with("the role `newcomer` may not use the journal at "), "{trouble:?}");
    cluster.psql(&name, &way_out(&trouble)).unwrap();
    let mut store = open_team(&of("newcomer"));
    written(&mut store, "r2", &entries());
    store.take("r1", &holder(2)).unwrap();
    keep(&mut store, "r1", &entries()).unwrap();
    assert_eq!(store.prune(at(100)).unwrap(), 0);
}

#[test]
fn a_server_that_takes_no_writes_is_refused() {
    let primary = Cluster::with(&["wal_level=replica", "max_wal_senders=4"]);
    let url = primary.url("postgres", "postgres");
    written(&mut open_team(&url), "r1", &entries());
    let standby = primary.standby();
    let trouble = refused(&standby.url("postgres", "postgres"));
    assert!(trouble.message.ends_with("takes no writes: it is a standby"), "{trouble:?}");
    // Of several the one that does.
    let both = format!(
        "postgres://postgres:{PASSWORD}@localhost:{},localhost:{}/postgres?sslmode=disable",
        standby.port, primary.port
    );
    assert_eq!(open_team(&both).load("r1").unwrap().1, entries());

    primary.psql("postgres", "ALTER ROLE postgres SET default_transaction_read_only = on").unwrap();
    let trouble = refused(&url);
    assert!(trouble.message.ends_with("takes no writes: `default_transaction_read_only` is on"), "{trouble:?}");
}

#[test]
fn a_commit_is_on_the_disk_whatever_the_server_does_otherwise() {
    let cluster = shared();
    let name = cluster.database();
    for settings in ["synchronous_commit = off", "default_transaction_isolation = serializable"] {
        cluster.psql("postgres", &format!("ALTER DATABASE {name} SET {settings}")).unwrap();
    }
    let mut store = open_team(&cluster.url("postgres", &name));
    store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
    // What its session says of itself, as its own statement: the log has every one.
    let log = cluster.server.log();
    let set = "set_config('synchronous_commit', 'on', false)";
    assert!(log.contains(set), "it was not asked for");
    keep(&mut store, "r1", &entries()).unwrap();
    assert_eq!(store.load("r1").unwrap().1, entries());
}

#[test]
fn no_message_holds_the_password() {
    let cluster = shared();
    let urls = [
        format!("postgres://postgres:hunter-22@localhost:{}/postgres?sslmode=disable", cluster.port),
        "postgres://postgres:hunter-22@localhost:1/postgres".to_owned(),
        "postgres://postgres:hunter-22@localhost:no/postgres".to_owned(),
        "postgres://postgres:hunter-22@localhost/postgres?sslmode=perhaps".to_owned(),
    ];
    for url in urls {
        let trouble = refused(&url);
        let all = format!("{trouble:?}");
        assert!(!all.contains("hunter-22") && trouble.help.is_some(), "{all}");
    }
}

/// Change the tables as somebody with a tool would.
fn changed(statement: &str) -> String {
    let cluster = shared();
    let name = cluster.database();
    let url = cluster.url("postgres", &name);
    written(&mut open_team(&url), "r1", &entries());
    cluster.psql(&name, statement).unwrap();
    let mut store = open_team(&url);
    let message = said(store.load("r1"));
    let (kept, proved) = (store.look("r1").unwrap(), store.verify("r1").unwrap());
    assert_eq!(kept.broken.unwrap().message, message);
    assert_eq!(proved.broken.unwrap().message, message);
    assert_eq!(proved.entries, kept.entries.len());
    assert_eq!(kept.entries, entries()[..proved.entries]);
    message.split_once("is damaged: ").unwrap_or_else(|| panic!("{message}")).1.to_owned()
}

#[test]
fn what_was_changed_later_is_named() {
    let other = |of: &str, from: &str, to: &str| {
        format!("convert_to(replace(convert_from({of}, 'UTF8'), '{from}', '{to}'), 'UTF8')")
    };
    let (body, text, titled) =
        (other("body", "v1", "v2"), other("text", "runbook", "Runbook"), other("head", "Upgrade", "Destroy"));
    for (statement, expected) in [
        (&*format!("UPDATE rbk.entry SET body = {body} WHERE no = 5"), "entry 5 of run r1 is not what was written"),
        ("DELETE FROM rbk.entry WHERE no = 3", "entry 3 of run r1 is not what was written"),
        ("DELETE FROM rbk.entry WHERE no = 14", "run r1 has 14 entries, and 13 are found"),
        ("UPDATE rbk.entry SET no = 20 WHERE no = 2", "entry 2 of run r1 is not what was written"),
        ("UPDATE rbk.entry SET hash = '' WHERE no = 4", "entry 4 of run r1 is not what was written"),
        ("UPDATE rbk.tip SET count = 8", "where a run ends cannot be read"),
        ("UPDATE rbk.tip SET state = 'succeeded'", "where a run ends cannot be read"),
        ("UPDATE rbk.tip SET hash = ''", "where a run ends cannot be read"),
        (&*format!("UPDATE rbk.text SET text = {text}"), "the text of `upgrade.rbk` is not what was written"),
        (&*format!("UPDATE rbk.run SET head = {titled}"), "the head or entry 1 of run r1 is not what was written"),
        ("DELETE FROM rbk.tip", "where a run ends cannot be read"),
    ] {
        assert_eq!(changed(statement), expected, "{statement}");
    }
}

#[test]
fn a_run_that_is_damaged_is_not_driven_and_keeps_nobody_out() {
    let cluster = shared();
    let name = cluster.database();
    let mut store = open_team(&cluster.url("postgres", &name));
    written(&mut store, "r1", &entries());
    cluster.psql(&name, "UPDATE rbk.tip SET wrote = NOT wrote").unwrap();
    for _ in 0..2 {
        assert!(said(store.take("r1", &holder(1))).ends_with("is damaged: where a run ends cannot be read"));
    }
    assert!(said(store.whole()).ends_with("is damaged: how run r1 stands is not what was written"));
    cluster.psql(&name, "UPDATE rbk.tip SET wrote = NOT wrote").unwrap();
    store.whole().unwrap();
    store.take("r1", &holder(1)).unwrap();
}

#[test]
fn a_run_that_cannot_be_read_is_listed_and_can_be_closed() {
    for damage in [
        "DELETE FROM rbk.tip WHERE run = 1",
        "UPDATE rbk.tip SET hash = '' WHERE run = 1",
        "UPDATE rbk.run SET head = '' WHERE no = 1",
    ] {
        let cluster = shared();
        let name = cluster.database();
        let mut store = open_team(&cluster.url("postgres", &name));
        written(&mut store, "r1", &entries());
        written(&mut store, "r2", &entries());
        store.take("r1", &holder(1)).unwrap();
        store.lock("pool", "r1", false, at(1)).unwrap();
        store.release("r1");
        cluster.psql(&name, damage).unwrap();
        let mut listed = || {
            let mut rows = store.runs(&Filter::default()).unwrap();
            rows.sort_by(|a, b| a.run.cmp(&b.run));
            rows.into_iter().map(|row| (row.damaged, row.state)).collect::<Vec<_>>()
        };
        assert_eq!(listed(), [(true, State::Open), (false, State::Open)], "{damage}");
        assert!(said(store.whole()).contains("r1"));
        assert_eq!(store.prune(at(1_000_000)).unwrap(), 0);
        store.look("r2").unwrap();
        let closed = Entry::Closed { who: "ada".into(), reason: "by hand".into(), wall: at(9) };
        store.put_down("r1", &holder(1), &closed, at(9)).unwrap();
        let mut rows = store.runs(&Filter::default()).unwrap();
        rows.retain(|row| row.run == "r1");
        assert_eq!((rows[0].damaged, rows[0].state, rows[0].locks.len()), (false, State::Closed, 0), "{damage}");
        store.whole().unwrap();
        assert!(said(store.put_down("r3", &holder(1), &closed, at(9))).contains("r3"));
        store.take("r2", &holder(2)).unwrap();
        let mut other = open_team(&cluster.url("postgres", &name));
        assert!(other.put_down("r2", &holder(1), &closed, at(9)).is_err(), "somebody drives it");
    }
}

#[test]
fn a_lock_is_not_taken_from_a_run_that_goes_on() {
    let url = database();
    let (mut a, mut b) = (open_team(&url), open_team(&url));
    a.begin(&head("a"), &holder(41), &[], at(0)).unwrap();
    b.begin(&head("b"), &holder(42), &[], at(0)).unwrap();
    a.lock("pool", "a", false, at(1)).unwrap();
    let trouble = b.lock("pool", "b", true, at(2)).unwrap_err();
    assert_eq!(trouble.message, "the lock `pool` belongs to run a, which pid 41 on db-1 drives (user ada)");
    assert!(trouble.help.unwrap().starts_with("stop it there: `kill 41` makes it undo what it did (a console is left as it is, for `rbk repl --resume`); if it is dead, "));
    a.release("a");
    let from = b.lock("pool", "b", true, at(3)).unwrap().unwrap();
    assert_eq!((&*from.name, &*from.run, from.since), ("pool", "a", at(1)));
}

/// As a role whose server is wrong by a day: each side of a lease is the server's own.
#[test]
fn what_the_servers_clock_shows_does_not_matter() {
    let cluster = shared();
    for (by, holds) in
        [("+ interval '1 day'", "> interval '23 hours'"), ("- interval '1 day'", "< interval '-23 hours'")]
    {
        let name = cluster.database();
        let clock =
            "CREATE SCHEMA skewed; CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS";
        cluster.psql(&name, &format!("{clock} $$SELECT pg_catalog.clock_timestamp() {by}$$")).unwrap();
        cluster.psql("postgres", &format!("ALTER DATABASE {name} SET search_path = skewed, pg_catalog")).unwrap();
        let open = || Postgres::open(&cluster.url("postgres", &name), None, Duration::from_secs(3)).unwrap();
        let (mut a, mut b) = (open(), open());
        a.begin(&head("r1"), &holder(41), &[], at(0)).unwrap();
        let off = format!("SELECT lease - pg_catalog.now() {holds} FROM rbk.tip");
        assert_eq!(cluster.psql(&name, &off).unwrap(), "t");
        a.ready("r1").unwrap();
        assert!(said(b.take("r1", &holder(42))).contains("is driven by another process (pid 41"));
        // Longer than its lease: it is renewed meanwhile.
        std::thread::sleep(Duration::from_secs(4));
        assert!(b.runs(&Filter::default()).unwrap()[0].held.is_some());
        keep(&mut a, "r1", &entries()).unwrap();
        // As if it had died.
        cluster
            .psql(&name, "UPDATE rbk.tip SET lease = clock_timestamp() + interval '1 second', epoch = epoch + 1")
            .unwrap();
        b.take("r1", &holder(42)).unwrap();
        assert_eq!(a.append("r1", &entries(), &super::made::nothing(), None).unwrap_err().kind, Kind::Lost);
    }
}

#[test]
fn no_new_run_starts_beside_a_left_one_of_which_an_entry_is_damaged() {
    let cluster = shared();
    let name = cluster.database();
    let url = cluster.url("postgres", &name);
    written(&mut open_team(&url), "r1", &entries());
    open_team(&url).whole().unwrap();
    cluster.psql(&name, "UPDATE rbk.entry SET body = '{}' WHERE no = 2").unwrap();
    let trouble = open_team(&url).whole().unwrap_err();
    assert!(
        trouble.message.contains("damaged") && trouble.help.unwrap().contains("rbk close r1"),
        "{}",
        trouble.message
    );
    cluster.psql(&name, "UPDATE rbk.tip SET lease = clock_timestamp() + interval '1 minute'").unwrap();
    open_team(&url).whole().unwrap();
}
