//! DeltaCrown: blue-green with a real git remote, pip, a unit manager, nginx and Postgres; and an incident of a database
//! that runs under the unit manager.
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::nobody_was_turned_away;
use crate::stage::client::{self, Hammer, pool};
use crate::stage::inbox::Inbox;
use crate::stage::nginx::Nginx;
use crate::stage::postgres::{self, Postgres};
use crate::stage::systemd::Manager;
use crate::stage::{self, Run, app, repo, sh, snapshot, until};

struct Deltacrown {
    nginx: Nginx,
    units: Manager,
    db: Postgres,
    root: PathBuf,
    blue: u16,
    green: u16,
    inbox: Inbox,
    messages: u16,
    _dir: TempDir,
}

fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir).args([
        "-c",
        "user.name=lab",
        "-c",
        "user.email=lab@localhost",
        "-c",
        "commit.gpgsign=false",
    ]);
    sh(command.args(args)).trim_end().to_owned()
}

/// The application as a repository with two commits; the pools are clones of the first.
fn repository(here: &Path, root: &Path) {
    let work = here.join("work");
    app::manage(&work, "deltacrown");
    std::fs::create_dir_all(work.join("static")).unwrap();
    std::fs::create_dir_all(work.join("vendor")).unwrap();
    std::fs::write(work.join("static/site.css"), "body { color: black }\n").unwrap();
    std::fs::write(work.join("VERSION"), "1\n").unwrap();
    std::fs::write(work.join(".gitignore"), "packages/\nstaticfiles*/\n__pycache__/\n").unwrap();
    std::fs::write(work.join("requirements.txt"), "--no-index\n--find-links vendor\nbanner==1.0\n").unwrap();
    let wheel = "import zipfile\n\
        z = zipfile.ZipFile('vendor/banner-1.0-py3-none-any.whl', 'w')\n\
        z.writestr('banner.py', 'TEXT = \"hello\"\\n')\n\
        z.writestr('banner-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: banner\\nVersion: 1.0\\n')\n\
        z.writestr('banner-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: lab\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        z.writestr('banner-1.0.dist-info/RECORD', 'banner.py,,\\nbanner-1.0.dist-info/METADATA,,\\nbanner-1.0.dist-info/WHEEL,,\\nbanner-1.0.dist-info/RECORD,,\\n')\n\
        z.close()\n";
    sh(Command::new("python3").arg("-c").arg(wheel).current_dir(&work));
    git(&work, &["init", "--quiet", "--initial-branch=main"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "-m", "one"]);
    for pool in ["blue", "green"] {
        sh(Command::new("git").args(["clone", "--quiet"]).arg(&work).arg(root.join(format!("deltacrown-{pool}"))));
    }
    std::fs::write(work.join("VERSION"), "2\n").unwrap();
    std::fs::write(work.join("static/site.css"), "body { color: green }\n").unwrap();
    app::migration(&work, "0002_crowns", "CREATE TABLE crowns (id int PRIMARY KEY)", "DROP TABLE crowns");
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "-m", "two"]);
}

/// `of_blue`: more lines of blue's unit; `HERE` is the folder of everything.
fn deltacrown(of_blue: &str) -> Deltacrown {
    let dir = stage::dir();
    let here = dir.path();
    let root = here.join("www");
    std::fs::create_dir(&root).unwrap();
    repository(here, &root);
    std::fs::create_dir(root.join("deltacrown-green/staticfiles")).unwrap();
    std::fs::write(root.join("deltacrown-green/staticfiles/site.css"), "body { color: black }\n").unwrap();

    let db = Postgres::start(here);
    db.psql("postgres", "CREATE DATABASE deltacrown");
    db.psql(
        "deltacrown",
        "CREATE TABLE django_migrations (app text, name text, PRIMARY KEY (app, name)); \
         CREATE TABLE accounts_user (id int PRIMARY KEY, name text); \
         INSERT INTO django_migrations VALUES ('deltacrown', '0001_initial')",
    );

    let units = Manager::new(here);
    let (blue, green) = (stage::port(), stage::port());
    for (pool, port) in [("blue", blue), ("green", green)] {
        let home = root.join(format!("deltacrown-{pool}"));
        let more = if pool == "blue" { of_blue.replace("HERE", here.to_str().unwrap()) } else { String::new() };
        units.unit(
            &format!("deltacrown-{pool}"),
            &format!(
                "[Service]\nEnvironment=PGHOST=127.0.0.1 PGPORT={}\nExecStart=/usr/bin/env python3 {} {port} {pool} {} {}\n{more}\n[Install]\nWantedBy=default.target\n",
                db.port,
                repo("tests/fixtures/app.py").display(),
                home.display(),
                here.join(format!("{pool}-fault")).display(),
            ),
        );
    }
    assert_eq!(units.ctl(&["start", "deltacrown-blue"]).0, 0);
    until("blue", std::time::Duration::from_secs(10), || client::get(blue, "/version").is_ok());
    let nginx = Nginx::start(here, "deltacrown", &[("blue", blue), ("green", green)]);
    let (inbox, messages) = Inbox::start();
    Deltacrown { nginx, units, db, root, blue, green, inbox, messages, _dir: dir }
}

impl Deltacrown {
    fn run(&self) -> Run {
        let mut run = Run::new(&repo("examples/deltacrown/blue_green.rbk"));
        for (name, value) in self.units.env() {
            run = run.env(name, value);
        }
        run.set("root", self.root.display())
            .set("blue_port", self.blue)
            .set("green_port", self.green)
            .set("upstreams", self.nginx.upstreams().display())
            .set("nginx_pid", self.nginx.pid().display())
            .params(&serde_json::json!({ "nginx_command": self.nginx.words() }))
            .set("user_units", true)
            .set("watch_for", "3s")
            .set("sample", "500ms")
            .env("DATABASE_URL", self.db.url("deltacrown"))
            .env("SITE_URL", format!("http://127.0.0.1:{}", self.nginx.port))
            .env("SLACK_WEBHOOK", format!("http://127.0.0.1:{}/slack", self.messages))
            .answer("Send production traffic to green?", "yes")
    }

    /// Working trees and what is checked out, nginx and who answers, the database, which units run.
    fn outside(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let green = self.root.join("deltacrown-green");
        let trees =
            (snapshot::files(&self.root), git(&green, &["rev-parse", "HEAD"]), git(&green, &["status", "--porcelain"]));
        let edge = (snapshot::files(&self.nginx.upstreams()), pool(self.nginx.port));
        let units = (self.units.active("deltacrown-blue"), self.units.active("deltacrown-green"));
        (trees, edge, self.db.dump("deltacrown"), units)
    }
}

#[test]
fn green_takes_over_and_nobody_is_turned_away() {
    let it = deltacrown("");
    let clients = Hammer::start(it.nginx.port, 4, String::new, |_| {});
    it.run().go().ended(0);
    nobody_was_turned_away(&clients.stop());
    assert_eq!(pool(it.nginx.port), "green");
    assert!(it.units.active("deltacrown-green") && !it.units.active("deltacrown-blue"));
    assert_eq!(it.db.psql("deltacrown", "SELECT count(*) FROM crowns"), "0");
    let green = it.root.join("deltacrown-green");
    assert_eq!(std::fs::read_to_string(green.join("staticfiles/site.css")).unwrap(), "body { color: green }\n");
    let commit = git(&green, &["rev-parse", "HEAD"]);
    assert!(green.join("packages").join(commit).join("banner.py").exists());
    assert_eq!(it.inbox.texts("/slack"), [r#"{"text":"DeltaCrown is on green"}"#]);
}

#[test]
fn a_green_that_cannot_stand_alone_leaves_everything_as_it_was() {
    // Green breaks as the last write happens: blue is stopped.
    let it = deltacrown("ExecStopPost=/usr/bin/touch HERE/green-fault");
    let before = it.outside();
    let ran = it.run().go().ended(1);
    assert!(it.root.with_file_name("green-fault").exists(), "the fault never struck:\n{}", ran.out);
    assert_eq!(before, it.outside(), "{}", ran.out);
    assert_eq!(it.inbox.texts("/slack").len(), 1);
}

#[test]
fn the_way_back_waits_until_blue_answers() {
    // Green fails its last check only, so that every other answer is a pool's; blue runs long before it listens.
    let late = "ExecStopPost=/bin/sh -c 'echo /healthz/ > HERE/green-fault'\nEnvironment=START_DELAY=1.5";
    let it = deltacrown(late);
    let before = it.outside();
    let clients = Hammer::start(it.nginx.port, 4, String::new, |_| {});
    let ran = it.run().go().ended(1).says(&["production stands without blue"]);
    nobody_was_turned_away(&clients.stop());
    assert_eq!(before, it.outside(), "{}", ran.out);
}

struct Incident {
    db: Postgres,
    units: Manager,
    site: stage::Process,
    port: u16,
    dir: TempDir,
}

/// A Postgres that the unit manager runs, with an application beside it.
fn incident() -> Incident {
    let dir = stage::dir();
    let here = dir.path();
    let db = Postgres::init(here);
    let units = Manager::new(here);
    let words = [postgres::as_server().join(" "), postgres::bin().join("postgres").display().to_string()].join(" ");
    let program = sh(Command::new("sh").args(["-c", &format!("command -v {}", postgres::as_server()[0])]));
    let words = words.replacen(postgres::as_server()[0], program.trim(), 1);
    let unit = format!("[Service]\nExecStart={words} -D {}\nKillSignal=SIGINT\n", db.data.display());
    units.unit("postgresql", &unit);
    assert_eq!(units.ctl(&["start", "postgresql"]).0, 0);
    until("postgres", std::time::Duration::from_secs(10), || db.answers());
    let port = stage::port();
    let env = [("PGHOST", "127.0.0.1".to_owned()), ("PGPORT", db.port.to_string())];
    let site = app::start(port, "blue", here, &here.join("fault"), &env);
    Incident { db, units, site, port, dir }
}

impl Incident {
    fn run(&self) -> Run {
        let mut run = Run::new(&repo("examples/deltacrown/incident_db.rbk"));
        for (name, value) in self.units.env() {
            run = run.env(name, value);
        }
        run.set("conf", self.db.data.join("postgresql.conf").display())
            .set("user_units", true)
            .env("DATABASE_URL", self.db.url("postgres"))
            .env("SITE_URL", format!("http://127.0.0.1:{}", self.port))
    }

    fn raise(&self) -> Run {
        self.run()
            .answer("#{used} of #{limit} connections in use. What now?", "Raise the limit")
            .answer("Restart PostgreSQL with max_connections = #{new_limit}? Every session ends.", "yes")
    }

    fn limit(&self) -> String {
        self.db.psql("postgres", "SHOW max_connections")
    }

    fn outside(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let conf = std::fs::read_to_string(self.db.data.join("postgresql.conf")).unwrap();
        (
            conf,
            self.limit(),
            self.units.active("postgresql"),
            self.db.dump("postgres"),
            client::get(self.port, "/readiness/").unwrap(),
        )
    }
}

#[test]
fn the_diagnosis_changes_nothing() {
    let it = incident();
    let before = it.outside();
    let started = it.db.psql("postgres", "SELECT pg_postmaster_start_time()");
    it.run().answer("#{used} of #{limit} connections in use. What now?", "Nothing yet").go().ended(0);
    assert_eq!(before, it.outside());
    assert_eq!(started, it.db.psql("postgres", "SELECT pg_postmaster_start_time()"));
}

#[test]
fn the_limit_is_raised() {
    let it = incident();
    it.raise().go().ended(0);
    assert_eq!(it.limit(), "200");
}

#[test]
fn a_limit_that_does_not_take_effect_is_taken_back() {
    let it = incident();
    // An earlier ALTER SYSTEM wins over the file: after the restart the new limit is not in force.
    it.db.psql("postgres", "ALTER SYSTEM SET max_connections = 100");
    let before = it.outside();
    let ran = it.raise().go().ended(1).says(&["the new limit is in force"]);
    assert_eq!(before, it.outside(), "{}", ran.out);
    assert!(it.site.pid() > 0 && it.dir.path().exists());
}

#[test]
fn nobody_restarts_a_database_by_accident() {
    let it = incident();
    let before = it.outside();
    it.run().answer("#{used} of #{limit} connections in use. What now?", "Raise the limit").go().ended(2);
    assert_eq!(before, it.outside());
}
