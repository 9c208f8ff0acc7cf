//! The samples: their first comments say what must be true of them.
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::stage::postgres::Postgres;
use crate::stage::{self, Run, proxy, repo, sh, snapshot};

fn sample(name: &str) -> PathBuf {
    repo("tests/samples").join(name)
}

#[test]
fn they_check_clean() {
    let out = Command::new(env!("CARGO_BIN_EXE_rbk"))
        .args(["check", "--deny-warnings", "--today", "2026-11-21"])
        .arg(sample(""))
        .output();
    let out = out.unwrap();
    assert!(out.status.success(), "{}{}", stage::text(&out.stdout), stage::text(&out.stderr));
}

#[test]
fn release_symlink_is_undone_when_the_site_is_not_healthy() {
    let dir = stage::dir();
    let run = |healthy: bool| {
        let site = dir.path().display().to_string();
        Run::new(&sample("release_symlink.rbk")).set("dir", site).set("release", "v2").set("healthy", healthy).go()
    };
    let current = || std::fs::read_link(dir.path().join("current")).unwrap().display().to_string();

    run(false).ended(1);
    assert_eq!(current(), "releases/v1");
    assert!(!dir.path().join("releases/v2").exists());

    run(true).ended(0);
    assert_eq!(current(), "releases/v2");

    let inode = || std::os::unix::fs::MetadataExt::ino(&std::fs::symlink_metadata(dir.path().join("current")).unwrap());
    let before = (snapshot::files(dir.path()), inode());
    run(true).ended(0);
    assert_eq!(before, (snapshot::files(dir.path()), inode()), "a second run skips what is done");
}

/// Another one for each server: the test beside this one may show its own to everybody.
fn old(db: &Postgres) -> String {
    format!("the-old-password-{}", db.port)
}

/// A role `app`, and an `openssl` that also tells the test what it made.
fn with_role(dir: &Path) -> (Postgres, PathBuf) {
    let db = Postgres::start(dir);
    db.psql("postgres", "ALTER SYSTEM SET log_statement = 'all'");
    db.psql("postgres", "SELECT pg_reload_conf()");
    db.psql("postgres", &format!("CREATE ROLE app LOGIN PASSWORD '{}'", old(&db)));
    std::fs::write(dir.join("postgres.log"), "").unwrap();
    let bin = dir.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let openssl = sh(Command::new("sh").args(["-c", "command -v openssl"]));
    let text = format!("#!/bin/sh\n{} \"$@\" | tee {}\n", openssl.trim(), dir.join("made").display());
    std::fs::write(bin.join("openssl"), text).unwrap();
    std::fs::set_permissions(bin.join("openssl"), std::fs::Permissions::from_mode(0o755)).unwrap();
    (db, bin)
}

fn rotate(db: &Postgres, bin: &Path) -> Run {
    Run::new(&sample("rotate_db_password.rbk"))
        .set("role", "app")
        .env("ADMIN_URL", db.url("postgres"))
        .env("OLD_PASSWORD", old(db))
        .env("PATH", format!("{}:{}", bin.display(), stage::path()))
}

fn logs_in(db: &Postgres, password: &str) -> bool {
    // Not in the URL: a generated password may hold `/` and `+`.
    let url = db.url_as("app", "", "postgres");
    let mut psql = Command::new("psql");
    psql.env("PGPASSWORD", password).args([url.as_str(), "-XAtqc", "SELECT 1"]).output().unwrap().status.success()
}

#[test]
fn a_password_is_rotated_and_shown_nowhere() {
    let dir = stage::dir();
    let (db, bin) = with_role(dir.path());
    // Somebody who looks at the process list all the time.
    let stop = Arc::new(AtomicBool::new(false));
    let watching = stop.clone();
    let watcher = std::thread::spawn(move || {
        let mut seen = std::collections::BTreeSet::new();
        while !watching.load(Ordering::Relaxed) {
            for process in std::fs::read_dir("/proc").unwrap().flatten() {
                if let Ok(words) = std::fs::read(process.path().join("cmdline")) {
                    seen.insert(stage::text(&words));
                }
            }
        }
        seen
    });
    let ran = rotate(&db, &bin).go().ended(0);
    stop.store(true, Ordering::Relaxed);
    let seen = watcher.join().unwrap();

    let new = std::fs::read_to_string(dir.path().join("made")).unwrap().trim().to_owned();
    assert!(logs_in(&db, &new) && !logs_in(&db, &old(&db)));
    let log = std::fs::read_to_string(dir.path().join("postgres.log")).unwrap();
    assert!(log.contains("SCRAM-SHA-256$"), "the verifier is what the server sees:\n{log}");
    for secret in [&old(&db), &new, &db.url("postgres")] {
        assert!(!ran.out.contains(secret), "{}", ran.out);
        assert!(!log.contains(secret), "{log}");
        assert!(!seen.iter().any(|words| words.contains(secret)), "{secret} was in the process list");
    }
}

#[test]
fn the_old_password_works_again_when_the_last_guard_fails() {
    let dir = stage::dir();
    let (db, bin) = with_role(dir.path());
    let ran = rotate(&db, &bin).set("break", true).go().ended(1).says(&["not told to break"]);
    let new = std::fs::read_to_string(dir.path().join("made")).unwrap().trim().to_owned();
    assert!(logs_in(&db, &old(&db)) && !logs_in(&db, &new), "{}", ran.out);
}

#[test]
fn a_server_that_is_gone_proves_nothing() {
    let dir = stage::dir();
    let (db, bin) = with_role(dir.path());
    // The first connection changes the password; the second one, which would log in, finds the server gone.
    let port = proxy::breaking_at(db.port, 2);
    let url = db.url("postgres").replace(&format!(":{}/", db.port), &format!(":{port}/"));
    let ran = rotate(&db, &bin).env("ADMIN_URL", url).go().ended(3).says(&["the new password logs in"]);
    assert!(!logs_in(&db, &old(&db)), "it had been changed, and nobody could change it back:\n{}", ran.out);
}

fn connections(db: &Postgres) -> Run {
    Run::new(&sample("db_connections.rbk")).set("severity", "P2").env("DATABASE_URL", db.url("postgres"))
}

#[test]
fn the_diagnosis_of_connections_changes_nothing() {
    let dir = stage::dir();
    let db = Postgres::start(dir.path());
    let before = (db.dump("postgres"), db.psql("postgres", "SELECT pg_postmaster_start_time()"));
    let question = "#{used} of #{limit} in use. What now?";
    connections(&db).answer(question, "Nothing yet").go().ended(0).says(&["left as it is"]);
    assert_eq!(before, (db.dump("postgres"), db.psql("postgres", "SELECT pg_postmaster_start_time()")));

    connections(&db).go().ended(2);
    connections(&db).answer(question, "End sessions idle for over an hour").go().ended(2);

    let mut idle = db.client("psql").arg("postgres").stdin(std::process::Stdio::piped()).spawn().unwrap();
    connections(&db)
        .answer(question, "End sessions idle for over an hour")
        .answer("End #{idle.len()} users' idle sessions?", "yes")
        .go()
        .ended(0);
    assert!(idle.try_wait().unwrap().is_none(), "a session that is idle for a moment stays");
    idle.kill().unwrap();
    idle.wait().unwrap();
}

/// A database with accounts and a dump of it.
fn dumped(dir: &Path, accounts: u32) -> (Postgres, PathBuf) {
    let db = Postgres::start(dir);
    db.psql("postgres", "CREATE DATABASE app");
    let rows = format!("INSERT INTO accounts_user SELECT n, md5(n::text) FROM generate_series(1, {accounts}) n");
    db.psql("app", &format!("CREATE TABLE accounts_user (id int PRIMARY KEY, name text); {rows}"));
    let dump = dir.join("app.dump");
    sh(db.client("pg_dump").args(["-Fc", "-d", "app", "-f"]).arg(&dump));
    (db, dump)
}

fn restore(db: &Postgres, dump: &Path) -> stage::Ran {
    let ran =
        Run::new(&sample("restore_test.rbk")).set("dump", dump.display()).env("ADMIN_URL", db.url("postgres")).go();
    let left = db.psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'restore_test%'");
    assert_eq!(left, "", "the scratch database is gone in every case:\n{}", ran.out);
    ran
}

#[test]
fn a_dump_is_restored_into_a_scratch_database_that_goes() {
    let dir = stage::dir();
    let (db, dump) = dumped(dir.path(), 5000);
    restore(&db, &dump).ended(0);

    let whole = std::fs::read(&dump).unwrap();
    let half = dir.path().join("half.dump");
    std::fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    restore(&db, &half).ended(1).says(&["the dump is whole"]);

    sh(Command::new("touch").args(["-d", "3 days ago"]).arg(&dump));
    restore(&db, &dump).ended(1).says(&["the dump is fresh"]);
}

#[test]
fn a_dump_without_accounts_is_no_backup() {
    let dir = stage::dir();
    let (db, dump) = dumped(dir.path(), 0);
    restore(&db, &dump).ended(1).says(&["accounts came back"]);
}
