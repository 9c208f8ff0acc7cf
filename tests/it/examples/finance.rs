//! Django Finance, blue-green: two pools behind nginx, Postgres, Redis.
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::nobody_was_turned_away;
use crate::stage::client::{Hammer, pool};
use crate::stage::inbox::Inbox;
use crate::stage::nginx::Nginx;
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;
use crate::stage::{self, Process, Run, app, repo, snapshot};

struct Finance {
    nginx: Nginx,
    redis: Redis,
    db: Postgres,
    _pools: Vec<Process>,
    app: PathBuf,
    fault: PathBuf,
    green: u16,
    inbox: Inbox,
    messages: u16,
    book: PathBuf,
    dir: TempDir,
}

fn finance() -> Finance {
    let dir = stage::dir();
    let here = dir.path();
    let home = here.join("app");
    for pool in ["blue", "green"] {
        std::fs::create_dir_all(home.join("releases").join(pool)).unwrap();
        std::fs::write(home.join("releases").join(pool).join("VERSION"), "v1.0.0\n").unwrap();
    }
    app::manage(&home, "finance");
    app::migration(&home, "0002_ledger", "CREATE TABLE ledger (id int PRIMARY KEY, cents bigint)", "DROP TABLE ledger");
    let deploy = "#!/bin/sh\nset -e\necho \"$2\" > releases/$1/VERSION\n";
    std::fs::write(home.join("deploy.sh"), deploy).unwrap();
    stage::sh(Command::new("chmod").arg("755").arg(home.join("deploy.sh")));

    let db = Postgres::start(here);
    db.psql("postgres", "CREATE DATABASE finance");
    db.psql(
        "finance",
        "CREATE TABLE django_migrations (app text, name text, PRIMARY KEY (app, name)); \
         CREATE TABLE accounts_user (id int PRIMARY KEY, name text); INSERT INTO accounts_user VALUES (1, 'ann'); \
         INSERT INTO django_migrations VALUES ('finance', '0001_initial')",
    );
    let redis = Redis::start(here);
    redis.cli(&["SET", "finance:cache_version", "v1.0.0"]);
    redis.cli(&["SET", "session:1", "ann", "EX", "3600"]);

    let fault = here.join("fault");
    let (blue, green) = (stage::port(), stage::port());
    let pools = vec![app::start(blue, "blue", &home, &fault, &[]), app::start(green, "green", &home, &fault, &[])];
    let nginx = Nginx::start(here, "live", &[("blue", blue), ("green", green)]);
    let (inbox, messages) = Inbox::start();

    // The runbook as it is; the load balancer's library is the local twin.
    let books = here.join("books");
    std::fs::create_dir(&books).unwrap();
    let book = books.join("blue_green.rbk");
    std::fs::copy(repo("examples/finance/blue_green.rbk"), &book).unwrap();
    std::fs::copy(repo("examples/finance/local/elb.rbk"), books.join("elb.rbk")).unwrap();
    Finance { nginx, redis, db, _pools: pools, app: home, fault, green, inbox, messages, book, dir }
}

impl Finance {
    fn run(&self) -> Run {
        self.run_of("v2.0.0")
    }

    fn run_of(&self, version: &str) -> Run {
        Run::new(&self.book)
            .set("version", version)
            .set("app", self.app.display())
            .set("pool_url", format!("http://127.0.0.1:{}", self.green))
            .set("watch_for", "3s")
            .set("sample", "500ms")
            .env("DATABASE_URL", self.db.url("finance"))
            .env("REDIS_URL", self.redis.url())
            .env("SITE_URL", format!("http://127.0.0.1:{}", self.nginx.port))
            .env("SLACK_WEBHOOK", format!("http://127.0.0.1:{}/slack", self.messages))
            .env("FINANCE_EDGE", &self.nginx.dir)
            .answer("Send production traffic to #{pool} (#{version})?", "yes")
    }

    /// Files of the application, nginx's upstreams and who answers, the database, the cache.
    fn outside(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let upstreams = snapshot::files(&self.nginx.upstreams());
        (snapshot::files(&self.app), upstreams, pool(self.nginx.port), self.db.dump("finance"), self.redis.keys())
    }
}

fn unobserved() -> String {
    String::new()
}

#[test]
fn the_new_version_goes_live_and_nobody_is_turned_away() {
    let it = finance();
    let clients = Hammer::start(it.nginx.port, 4, unobserved, |_| {});
    it.run().go().ended(0);
    nobody_was_turned_away(&clients.stop());
    assert_eq!(pool(it.nginx.port), "green");
    assert_eq!(std::fs::read_to_string(it.app.join("releases/green/VERSION")).unwrap(), "v2.0.0\n");
    assert_eq!(it.db.psql("finance", "SELECT count(*) FROM ledger"), "0");
    assert_eq!(it.redis.cli(&["GET", "finance:cache_version"]), "v2.0.0");
    assert_eq!(it.inbox.texts("/slack"), [r#"{"text":"v2.0.0 is live on green"}"#]);
}

#[test]
fn a_pool_that_breaks_under_traffic_leaves_everything_as_it_was() {
    let it = finance();
    let before = it.outside();
    let fault = it.fault.clone();
    // It breaks with the first request that production sends to green.
    let break_it = move |hit: &stage::client::Hit| {
        if hit.answer == "green" {
            std::fs::write(&fault, "").unwrap();
        }
    };
    let clients = Hammer::start(it.nginx.port, 2, unobserved, break_it);
    let ran = it.run().go().ended(1);
    clients.stop();
    assert!(Path::new(&it.fault).exists(), "the fault never struck:\n{}", ran.out);
    std::fs::remove_file(&it.fault).unwrap();
    assert_eq!(before, it.outside(), "{}", ran.out);
    assert_eq!(it.inbox.texts("/slack").len(), 1, "{}", ran.out);
    assert!(it.dir.path().exists());
}

#[test]
fn a_version_that_is_not_one_is_refused_before_anything_happens() {
    let it = finance();
    let before = it.outside();
    it.run_of("v2; rm -rf /").go().ended(2);
    assert_eq!(before, it.outside());
}
