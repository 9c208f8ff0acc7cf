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
            ("postgres://h/d?sslpassword=x", "`sslpassword` is not supported: name a key without a password"),
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
        &["its certificate is for `db.other.example`, `db2.other.example`, and `localhost` was called"],
    );
    assert!(found.help.unwrap().contains("subject alternative name"));
    present("IP:127.0.0.2", None);
    until("127.0.0.1", &["its certificate is for `127.0.0.2`, and `127.0.0.1` was called"]);
    present("DNS:localhost", Some(("20200101000000Z", "20200601000000Z")));
    let found = until("localhost", &["its certificate expired 2020-06-01 00:00:00 UTC"]);
    assert!(found.help.unwrap().contains("renew it"));
    present("DNS:localhost", None);
    crate::lab::wait_for("the right one", || (said(&tried("localhost")) == "true").then_some(()));
    // Nobody here knows its authority.
    let stranger = at(&cluster.tcp("postgres", "?sslmode=verify-full&sslrootcert=system"), "");
    let found = failure(block_on(stranger.act("ping", vec![])));
    assert!(found.message.contains("its certificate is signed by nobody who is known here"), "{found:?}");
    assert!(found.help.unwrap().contains("sslrootcert=FILE"));
}

/// A server that lets nobody in without a certificate that names the user.
fn choosy() -> (Cluster, std::path::PathBuf) {
    let hba = crate::lab::directory().join("hba");
    let rules = "local all all scram-sha-256\nhostssl all postgres 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n\
                 hostssl all all 127.0.0.1/32 cert\n";
    std::fs::write(&hba, rules).unwrap();
    crate::lab::give(hba.parent().unwrap());
    let cluster = Cluster::with(&["ssl_ca_file=ca.crt", &format!("hba_file={}", hba.display())]);
    cluster.psql("postgres", "CREATE ROLE ann LOGIN").unwrap();
    let own = cluster.server.dir.join("own");
    std::fs::create_dir(&own).unwrap();
    for file in ["ca.crt", "ca.key"] {
        std::fs::copy(cluster.server.dir.join("pg").join(file), own.join(file)).unwrap();
    }
    (cluster, own)
}

/// `NAME.crt` and `NAME.key` for a user, of the authority in the directory.
fn certify_user(dir: &std::path::Path, name: &str) {
    crate::lab::postgres::certify_as(dir, name);
    for (from, to) in [("server.crt", "crt"), ("server.key", "key")] {
        std::fs::rename(dir.join(from), dir.join(format!("{name}.{to}"))).unwrap();
    }
}

#[test]
fn a_certificate_of_ours_opens_the_door() {
    let (cluster, own) = choosy();
    certify_user(&own, "postgres");
    certify_user(&own, "ann");
    // Of an authority that the server does not know.
    let foreign = tempfile::tempdir().unwrap();
    crate::lab::postgres::authority(foreign.path());
    certify_user(foreign.path(), "ann");
    let ca = cluster.ca();
    let file = |dir: &std::path::Path, name: &str| dir.join(name).display().to_string();
    let own_file = |name: &str| file(&own, name);
    let query =
        |mode: &str, cert: &str, key: &str| format!("?sslmode={mode}&sslrootcert={ca}&sslcert={cert}&sslkey={key}");
    let asked = |user: &str, query: &str| {
        let url = cluster.tcp("postgres", query).replace("//postgres:", &format!("//{user}:"));
        block_on(async { at(&url, "").act("ping", vec![]).await })
    };
    let (mine, key) = (own_file("postgres.crt"), own_file("postgres.key"));
    // With the password as well, and without one where the certificate is enough.
    assert_eq!(said(&asked("postgres", &query("verify-full", &mine, &key))), "true");
    assert_eq!(said(&asked("ann", &query("require", &own_file("ann.crt"), &own_file("ann.key")))), "true");
    // Somebody else's, none, one of another authority.
    let other = said(&asked("ann", &query("verify-full", &mine, &key)));
    assert!(other.starts_with("None connection: `db` (localhost"), "{other}");
    let none = failure(asked("postgres", &format!("?sslmode=verify-full&sslrootcert={ca}")));
    assert!(
        none.message.contains("client certificate") && none.help.unwrap().contains("sslcert=FILE"),
        "{}",
        none.message
    );
    let strange = failure(asked(
        "ann",
        &query("verify-full", &file(foreign.path(), "ann.crt"), &file(foreign.path(), "ann.key")),
    ));
    assert!(strange.message.contains("the server refused our certificate"), "{strange:?}");
    assert!(strange.help.unwrap().contains("of the right authority"));
    // Half of it, a key of another certificate, files that are not there or hold something else.
    for (cert, key, why) in [
        (mine.as_str(), "", "`sslcert` needs its key"),
        ("", key.as_str(), "`sslkey` needs its certificate"),
        (&mine, &own_file("ann.key"), "do not make an identity"),
        (&mine, "/no/such", "cannot read the key in `/no/such`"),
        ("/no/such", &key, "cannot read the certificate in `/no/such`"),
        (&mine, &ca, "holds no private key"),
    ] {
        if key == ca {
            std::fs::set_permissions(&ca, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let found = said(&asked("postgres", &query("verify-full", cert, key)));
        assert!(found.starts_with("None ") && found.contains(why), "{cert} {key}: {found}");
    }
    // A key that others may read is not used; root's may be its group's.
    let uid = std::fs::metadata(&key).map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap();
    for (mode, fits) in [(0o600, true), (0o400, true), (0o644, false), (0o660, false), (0o640, uid == 0)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let found = said(&asked("postgres", &query("verify-full", &mine, &key)));
        assert_eq!(found == "true", fits, "{mode:o}: {found}");
        assert!(fits || found.contains("others may read or change the key"), "{found}");
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    // The variables of libpq, for rbk and for what runs in `with db`; and those that the URL names win.
    let book = "runbook \"r\" {\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
                connect db = postgres(env(\"DATABASE_URL\"))\n  guard \"up\": db.ping()\n  \
                with db { note \"psql\": $(psql -XAtwc \"SELECT current_user\") }\n}\n";
    let url = cluster.tcp("postgres", "?sslmode=verify-full");
    let variables = [("PGSSLROOTCERT", ca.as_str()), ("PGSSLCERT", &mine), ("PGSSLKEY", &key)];
    let (code, out) = crate::lab::rbk(book, &[&[("DATABASE_URL", url.as_str())], &variables[..]].concat());
    assert_eq!(code, 0, "{out}");
    let url = cluster.tcp("postgres", &query("verify-full", &mine, &key));
    let wrong = [("DATABASE_URL", url.as_str()), ("PGSSLROOTCERT", "/no"), ("PGSSLCERT", "/no"), ("PGSSLKEY", "/no")];
    let (code, out) = crate::lab::rbk(book, &wrong);
    assert_eq!(code, 0, "{out}");
}
