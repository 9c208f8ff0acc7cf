//! Where to connect, as whom, over which TLS; and what is said when that does not work.
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::lab::proxy::Greeting;

async fn who(url: &str) -> String {
    said(&at(url, "").ask("value", "SELECT current_user || '@' || current_database()", &[]).await)
}

#[test]
fn urls_and_keywords_say_the_same() {
    let cluster = shared();
    block_on(async {
        let (dir, port) = (cluster.server.dir.display().to_string(), cluster.port);
        let odd = "odd d'b \\ =name";
        cluster.psql("postgres", &format!("CREATE DATABASE \"{odd}\"")).unwrap();
        let encoded = dir.replace('/', "%2F");
        let table = [
            (format!("postgres://postgres:{PASSWORD}@localhost:{port}/postgres"), "\"postgres@postgres\""),
            (format!("postgresql+psycopg://postgres:{PASSWORD}@localhost:{port}"), "\"postgres@postgres\""),
            (format!("postgresql://postgres:{PASSWORD}@{encoded}:{port}/postgres"), "\"postgres@postgres\""),
            (
                format!("postgresql:///postgres?host={encoded}&port={port}&user=postgres&password={PASSWORD}"),
                "\"postgres@postgres\"",
            ),
            (format!("host={dir} port={port} user=postgres password={PASSWORD}"), "\"postgres@postgres\""),
            (
                format!(
                    "host = localhost hostaddr=127.0.0.1 port={port} user='postgres' password={PASSWORD} dbname = 'odd d\\'b \\\\ =name'"
                ),
                "\"postgres@odd d'b \\\\ =name\"",
            ),
            (
                format!("hostaddr=127.0.0.1 port={port} user=postgres password={PASSWORD} sslmode=disable"),
                "\"postgres@postgres\"",
            ),
            (
                format!("postgres://postgres:{PASSWORD}@localhost:{port}/odd%20d'b%20%5C%20=name"),
                "\"postgres@odd d'b \\\\ =name\"",
            ),
            (
                format!(
                    "postgres://postgres:{PASSWORD}@localhost:{port}/x?dbname=postgres&sslmode=require&channel_binding=require"
                ),
                "\"postgres@postgres\"",
            ),
            (
                format!("postgres://postgres:{PASSWORD}@localhost:{port}/postgres?ssl=true&client_encoding=utf8"),
                "\"postgres@postgres\"",
            ),
        ];
        for (url, expected) in table {
            assert_eq!(who(&url).await, expected, "{url}");
        }
        let wrong = [
            ("mysql://x", "it starts with `postgresql://`, or is written as `host=… dbname=…`"),
            (
                "postgres://h/d?target_session_attr=any",
                "there is no parameter `target_session_attr`: did you mean `target_session_attrs`?",
            ),
            ("postgres://h/d?sslcert=x", "`sslcert` is not supported: use a password"),
            ("host=a port=nine", "`nine` is not a port"),
            ("host=a,b,c port=1,2", "it names several hosts, and not as many ports or addresses"),
            ("host=a password='x", "a quote in it is not closed"),
            ("just words", "it is a URL, or `key=value` words"),
            ("host=a target_session_attrs=write", "`target_session_attrs` is one of `any`, `read-write`"),
            ("host=a channel_binding=maybe", "`channel_binding` is one of `disable`, `prefer`, `require`"),
            ("host=a connect_timeout=soon", "`connect_timeout` is a number of seconds"),
            ("postgres://u:%FFsecret@h/d", "a `%…` in it is not UTF-8"),
        ];
        for (url, expected) in wrong {
            let found = who(url).await;
            assert!(
                found.starts_with(&format!("None value: the URL of `db` is not understood: {expected}")),
                "{found}"
            );
            assert!(!found.contains("secret"), "{found}");
        }
    });
}

#[test]
fn one_of_several_hosts_will_do() {
    let cluster = shared();
    block_on(async {
        let (silent, broken, port) = (Proxy::to(1), Proxy::to(1), cluster.port);
        silent.greet(Greeting::Silence);
        broken.greet(Greeting::Reset);
        let rest = format!("user=postgres password={PASSWORD} connect_timeout=2 sslmode=disable");
        let hosts = format!(
            "host=no-such.invalid,127.0.0.1,127.0.0.1,localhost port=5432,{},{},{port}",
            silent.port, broken.port
        );
        assert_eq!(who(&format!("{hosts} {rest}")).await, "\"postgres@postgres\"");
        assert_eq!(
            who(&format!("postgres://postgres:{PASSWORD}@127.0.0.1:{},localhost:{port}/postgres", broken.port)).await,
            "\"postgres@postgres\""
        );
        for (attrs, expected) in [
            ("read-write", true),
            ("primary", true),
            ("any", true),
            ("prefer-standby", true),
            ("standby", false),
            ("read-only", false),
        ] {
            let found = who(&format!("host=localhost port={port} {rest} target_session_attrs={attrs}")).await;
            assert_eq!(found == "\"postgres@postgres\"", expected, "{attrs}: {found}");
            assert!(expected || found.contains("it is not"), "{found}");
        }
        let none = at(&format!("host=127.0.0.1,127.0.0.1 port={},{} {rest}", broken.port, silent.port), "");
        let none = failure(none.act("ping", vec![]).await);
        assert_eq!(none.message, "cannot connect to `db`: none of its 2 hosts will do");
        assert!(none.notes[1].contains("no answer within 2s"), "{none:?}");
        // A wrong password is not tried at the next host.
        let wrong = failure(
            at(&format!("host=localhost,localhost port={port} user=postgres password=wrong"), "")
                .act("ping", vec![])
                .await,
        );
        assert!(wrong.message.contains("refused the connection") && !wrong.message.contains("hosts"), "{wrong:?}");
    });
}

#[test]
fn a_standby_is_found_among_several_and_reads() {
    let primary = Cluster::with(&["wal_level=replica", "max_wal_senders=4"]);
    let standby = primary.standby();
    block_on(async {
        let hosts = format!(
            "host=localhost,localhost port={},{} user=postgres password={PASSWORD}",
            primary.port, standby.port
        );
        for (attrs, recovering) in [
            ("standby", "true"),
            ("prefer-standby", "true"),
            ("read-only", "true"),
            ("primary", "false"),
            ("read-write", "false"),
            ("any", "false"),
        ] {
            let db = at(&format!("{hosts} target_session_attrs={attrs}"), "");
            assert_eq!(said(&db.ask("value", "SELECT pg_is_in_recovery()", &[]).await), recovering, "{attrs}");
        }
        let db = at(&format!("{hosts} target_session_attrs=standby"), "");
        assert!(
            said(&db.ask("exec", "CREATE TABLE t ()", &[]).await)
                .starts_with("None failed: cannot execute CREATE TABLE in a read-only")
        );
        assert_eq!(said(&db.ask("exec", "SELECT pg_wal_replay_pause()", &[]).await), "1");
        assert_eq!(said(&db.ask("exec", "SELECT pg_wal_replay_resume()", &[]).await), "1");
    });
}

#[test]
fn a_password_comes_from_a_file_that_only_its_owner_reads() {
    let cluster = shared();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pass");
    let line = format!("localhost:{}:*:postgres:{PASSWORD}\n", cluster.port);
    std::fs::write(&file, format!("other:1:a:b:c\n{line}")).unwrap();
    let allow = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o600);
    let book = "runbook \"r\" {\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
                connect db = postgres(env(\"DB_URL\"))\n  guard \"in\": db.ping()\n  with db { guard \"psql\": $ psql -XAtwc \"SELECT 1\" }\n}\n";
    let url = format!("postgresql://postgres@localhost:{}/postgres", cluster.port);
    let path = file.to_str().unwrap();
    let (code, said) = crate::lab::rbk(book, &[("DB_URL", &url), ("PGPASSFILE", path)]);
    assert_eq!(code, 0, "{said}");
    let named = format!("{url}?passfile={path}");
    let (code, said) = crate::lab::rbk(book, &[("DB_URL", &named), ("PGPASSFILE", "/nowhere")]);
    assert_eq!(code, 0, "{said}");
    std::fs::rename(&file, dir.path().join(".pgpass")).unwrap();
    let (code, said) =
        crate::lab::rbk(book, &[("DB_URL", &url), ("HOME", dir.path().to_str().unwrap()), ("PGPASSFILE", "")]);
    assert_eq!(code, 0, "{said}");
    std::fs::rename(dir.path().join(".pgpass"), &file).unwrap();
    allow(0o644);
    let (code, said) = crate::lab::rbk(book, &[("DB_URL", &url), ("PGPASSFILE", path)]);
    assert!(code == 1 && said.contains("was not read: others may read it too; `chmod 600` it"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

#[test]
fn sessions_carry_the_run_in_their_name() {
    block_on(async {
        let db = db();
        let name = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        assert_eq!(said(&db.ask("value", name, &[]).await), "\"rbk/r1\"");
        db.psql("CREATE TABLE t (s text)");
        db.ask("exec", "INSERT INTO t SELECT current_setting('application_name')", &[]).await;
        assert!(db.psql("SELECT s FROM t").starts_with("rbk/r1/"));
        assert_eq!(said(&db.ask("value", name, &[]).await), "\"rbk/r1\"");
    });
}

#[test]
fn scram_is_bound_to_the_channel() {
    let cluster = shared();
    block_on(async {
        assert_eq!(
            who(&cluster.tcp("postgres", "?sslmode=require&channel_binding=require")).await,
            "\"postgres@postgres\""
        );
        let plain = who(&cluster.tcp("postgres", "?sslmode=disable&channel_binding=require")).await;
        assert!(plain.starts_with("None connection: cannot connect") && plain.contains("channel"), "{plain}");
    });
}

#[test]
fn a_certificate_of_another_name_or_time_is_explained() {
    let cluster = Cluster::with(&[]);
    let data = cluster.server.dir.join("pg");
    let ca = cluster.ca();
    let present = |name: &str, time: Option<(&str, &str)>| {
        crate::lab::postgres::certify(&data, name, time);
        crate::lab::give(&data.join("server.crt"));
        crate::lab::give(&data.join("server.key"));
        cluster.psql("postgres", "SELECT pg_reload_conf()").unwrap();
    };
    let tried = |host: &str| {
        let url = cluster.tcp("postgres", &format!("?sslmode=verify-full&sslrootcert={ca}")).replace("localhost", host);
        // The new certificate is there a moment after the reload.
        block_on(async { at(&url, "").act("ping", vec![]).await })
    };
    let until = |host: &str, words: &[&str]| {
        crate::lab::wait_for(&format!("{words:?}"), || {
            let outcome = tried(host);
            let text = said(&outcome);
            words.iter().all(|w| text.contains(w)).then(|| failure(outcome))
        })
    };
    present("DNS:db.other.example,DNS:db2.other.example", None);
    let found = until(
        "localhost",
        &["is for another name: `localhost` was expected, `db.other.example`, `db2.other.example` was found"],
    );
    assert!(found.help.unwrap().contains("subject alternative name"));
    present("IP:127.0.0.2", None);
    until("127.0.0.1", &["`127.0.0.1` was expected", "127.0.0.2"]);
    present("DNS:localhost", Some(("20200101000000Z", "20200601000000Z")));
    let found = until("localhost", &["the server's certificate expired at 2020-06-01T00:00:00Z"]);
    assert!(found.help.unwrap().contains("renew it"));
    present("DNS:localhost", None);
    crate::lab::wait_for("the right one", || (said(&tried("localhost")) == "true").then_some(()));
    // Nobody here knows its authority.
    let stranger = at(&cluster.tcp("postgres", "?sslmode=verify-full&sslrootcert=system"), "");
    let found = failure(block_on(stranger.act("ping", vec![])));
    assert!(found.message.contains("nobody that is trusted here vouches for"), "{found:?}");
    assert!(found.help.unwrap().contains("sslrootcert=FILE"));
}
