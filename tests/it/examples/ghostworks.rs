//! Ghostworks, emergency rollback: production is on a broken green, blue is the version before.
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::stage::client::pool;
use crate::stage::inbox::Inbox;
use crate::stage::nginx::Nginx;
use crate::stage::redis::Redis;
use crate::stage::{self, Process, Run, app, repo, snapshot};

struct Ghostworks {
    nginx: Nginx,
    redis: Redis,
    _pools: Vec<Process>,
    blue: u16,
    blue_fault: PathBuf,
    inbox: Inbox,
    messages: u16,
    _dir: TempDir,
}

fn ghostworks() -> Ghostworks {
    let dir = stage::dir();
    let here = dir.path();
    let home = |pool: &str| {
        let home = here.join(pool);
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join("VERSION"), format!("{pool}-1\n")).unwrap();
        home
    };
    let (blue, green) = (stage::port(), stage::port());
    let blue_fault = here.join("blue-fault");
    let pools = vec![
        app::start(green, "green", &home("green"), &here.join("green-fault"), &[]),
        app::start(blue, "blue", &home("blue"), &blue_fault, &[]),
    ];
    let nginx = Nginx::start(here, "ghostworks", &[("green", green), ("blue", blue)]);
    let redis = Redis::start(here);
    redis.cli(&["SET", "deploy:current", "green-1"]);
    let (inbox, messages) = Inbox::start();
    Ghostworks { nginx, redis, _pools: pools, blue, blue_fault, inbox, messages, _dir: dir }
}

impl Ghostworks {
    fn run(&self) -> Run {
        let messages = format!("http://127.0.0.1:{}", self.messages);
        Run::new(&repo("examples/ghostworks/emergency_rollback.rbk"))
            .set("to", "blue")
            .set("reason", "it's \"down\"; $(rm -rf /) since 03:00")
            .set("upstreams", self.nginx.upstreams().display())
            .set("nginx_pid", self.nginx.pid().display())
            .params(&serde_json::json!({ "nginx_command": self.nginx.words() }))
            .env("REDIS_URL", self.redis.url())
            .env("SITE_URL", format!("http://127.0.0.1:{}", self.nginx.port))
            .env("TARGET_URL", format!("http://127.0.0.1:{}", self.blue))
            .env("PAGER_URL", format!("{messages}/pager"))
            .env("TICKETS_URL", &messages)
            .env("PAGER_KEY", "pager-key-for-the-lab")
    }

    fn outside(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let tickets = self.inbox.tickets.lock().unwrap().clone();
        (snapshot::files(&self.nginx.upstreams()), pool(self.nginx.port), self.redis.keys(), tickets)
    }
}

#[test]
fn production_is_back_within_thirty_seconds() {
    let it = ghostworks();
    let ran = it.run().go().ended(0);
    assert!(ran.took < Duration::from_secs(6), "30 s at its worst, five times less here: {:?}", ran.took);
    assert_eq!(pool(it.nginx.port), "blue");
    assert!(it.redis.cli(&["GET", "deploy:freeze"]).ends_with(": it's \"down\"; $(rm -rf /) since 03:00"));
    let tickets = it.inbox.tickets.lock().unwrap().clone();
    assert_eq!(tickets["GW-1"]["reason"], "it's \"down\"; $(rm -rf /) since 03:00");
    assert_eq!(it.inbox.texts("/pager").len(), 1);
    assert!(!ran.out.contains("pager-key-for-the-lab"));
}

#[test]
fn a_previous_version_that_dies_too_is_not_kept() {
    let it = ghostworks();
    let before = it.outside();
    // It dies as the last write happens: the ticket.
    let fault = it.blue_fault.clone();
    it.inbox.on_ticket(move || std::fs::write(&fault, "").unwrap());
    let ran = it.run().go().ended(1);
    assert!(it.blue_fault.exists(), "{}", ran.out);
    assert_eq!(before, it.outside(), "{}", ran.out);
    assert_eq!(it.inbox.texts("/pager").len(), 2, "both the switch and its failure page somebody");
}

#[test]
fn a_dead_previous_version_is_no_way_out() {
    let it = ghostworks();
    std::fs::write(&it.blue_fault, "").unwrap();
    let before = it.outside();
    it.run().go().ended(1);
    assert_eq!(before, it.outside());
}
