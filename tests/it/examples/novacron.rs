//! NovaCron, gradual traffic shift: two pools behind nginx, clients that never stop, a Prometheus that scrapes both.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::nobody_was_turned_away;
use crate::stage::client::{Hammer, Hit, pool};
use crate::stage::inbox::Inbox;
use crate::stage::nginx::Nginx;
use crate::stage::prometheus::Prometheus;
use crate::stage::{self, Process, Run, app, repo, snapshot};

struct Novacron {
    nginx: Nginx,
    prometheus: Prometheus,
    _pools: Vec<Process>,
    blue: u16,
    green: u16,
    green_fault: PathBuf,
    inbox: Inbox,
    messages: u16,
    books: PathBuf,
    _database: std::net::TcpListener,
    _dir: TempDir,
}

fn novacron() -> Novacron {
    let dir = stage::dir();
    let here = dir.path();
    let (blue, green) = (stage::port(), stage::port());
    let green_fault = here.join("green-fault");
    let database = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let env = [("PGHOST", "127.0.0.1".to_owned()), ("PGPORT", database.local_addr().unwrap().port().to_string())];
    let pools = vec![
        app::start(blue, "blue", here, &here.join("blue-fault"), &env),
        app::start(green, "green", here, &green_fault, &env),
    ];
    let nginx = Nginx::start(here, "novacron", &[("blue", blue), ("green", green)]);
    let text = format!(
        "upstream novacron {{\n  zone novacron 64k;\n  server 127.0.0.1:{blue} weight=100;\n  server 127.0.0.1:{green} down;\n}}\n"
    );
    std::fs::write(nginx.upstreams().join("novacron.conf"), text).unwrap();
    let prometheus = Prometheus::start(here, &[blue, green]);
    let (inbox, messages) = Inbox::start();
    let books = here.join("books");
    std::fs::create_dir(&books).unwrap();
    for (from, to) in
        [("traffic_shift.rbk", "traffic_shift.rbk"), ("rollback.rbk", "rollback.rbk"), ("local/mesh.rbk", "mesh.rbk")]
    {
        std::fs::copy(repo("examples/novacron").join(from), books.join(to)).unwrap();
    }
    Novacron {
        nginx,
        prometheus,
        _pools: pools,
        blue,
        green,
        green_fault,
        inbox,
        messages,
        books,
        _database: database,
        _dir: dir,
    }
}

impl Novacron {
    fn run(&self, book: &str) -> Run {
        Run::new(&self.books.join(book))
            .env("SITE_URL", format!("http://127.0.0.1:{}", self.nginx.port))
            .env("SLACK_WEBHOOK", format!("http://127.0.0.1:{}/slack", self.messages))
            .env("PROMETHEUS_URL", self.prometheus.url())
            .env("NOVACRON_EDGE", &self.nginx.dir)
            .env("NOVACRON_BLUE", format!("127.0.0.1:{}", self.blue))
            .env("NOVACRON_GREEN", format!("127.0.0.1:{}", self.green))
    }

    fn shift(&self) -> Run {
        self.shift_watched("5s")
    }

    fn shift_watched(&self, time: &str) -> Run {
        self.run("traffic_shift.rbk").set("watch_for", time).set("sample", "1s").set("over", "4s")
    }

    /// Weight of green as nginx reads it: what the clients compare their answers with.
    fn share(&self) -> impl Fn() -> String + Clone + Send + 'static {
        let (file, green) = (self.nginx.upstreams().join("novacron.conf"), format!("server 127.0.0.1:{}", self.green));
        move || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let line = text.lines().find(|l| l.contains(&green)).unwrap_or_default();
            line.split("weight=").nth(1).map_or("0", |w| w.trim_end_matches(';')).to_owned()
        }
    }

    fn outside(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        (snapshot::files(&self.nginx.upstreams()), pool(self.nginx.port))
    }

    /// Traffic from now on, and enough of it scraped for the baseline.
    fn traffic(&self, each: impl Fn(&Hit) + Clone + Send + 'static) -> Hammer {
        let clients = Hammer::start(self.nginx.port, 4, self.share(), each);
        self.prometheus.until_data("rate(http_request_duration_seconds_count[3s])");
        std::thread::sleep(Duration::from_secs(2));
        clients
    }
}

#[test]
fn green_gets_its_share_of_the_requests_at_every_step() {
    let it = novacron();
    let clients = it.traffic(|_| {});
    it.shift().go().ended(0);
    std::thread::sleep(Duration::from_millis(500));
    let hits = clients.stop();
    nobody_was_turned_away(&hits);

    let mut counted: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for hit in hits.iter().filter(|h| h.before == h.after) {
        let (all, green) = counted.entry(hit.before.clone()).or_default();
        *all += 1;
        *green += usize::from(hit.answer == "green");
    }
    for (share, expected) in [("0", 0.0), ("5", 5.0), ("25", 25.0), ("100", 100.0)] {
        let (all, green) = counted[share];
        let percent = green as f64 * 100.0 / all as f64;
        assert!(all >= 100, "too few requests at {share} %: {counted:?}");
        // Just after a change the old workers of nginx still answer those who came before it.
        assert!(
            (percent - expected).abs() <= 2.5 + expected * 0.06,
            "green got {percent:.1} % of {all} requests at {share} %: {counted:?}"
        );
    }
    assert_eq!(it.inbox.texts("/slack"), [r#"{"text":"NovaCron is on green"}"#]);
}

#[test]
fn a_green_that_breaks_at_full_traffic_sends_everybody_back_to_blue() {
    let it = novacron();
    let before = it.outside();
    let fault = it.green_fault.clone();
    let clients = it.traffic(move |hit| {
        if hit.before == "100" && hit.answer == "green" {
            std::fs::write(&fault, "").unwrap();
        }
    });
    let ran = it.shift().go().ended(1);
    clients.stop();
    assert!(it.green_fault.exists(), "the fault never struck:\n{}", ran.out);
    assert_eq!(before, it.outside(), "{}", ran.out);
}

#[test]
fn all_at_once_needs_a_yes() {
    let it = novacron();
    let clients = it.traffic(|_| {});
    let before = it.outside();
    it.shift().set("immediate", true).go().ended(2);
    assert_eq!(before, it.outside(), "without an answer nothing is touched");
    it.shift().set("immediate", true).answer("Send all traffic to green at once?", "no").go().ended(1);
    assert_eq!(before, it.outside(), "no means no");
    it.shift().set("immediate", true).answer("Send all traffic to green at once?", "yes").go().ended(0);
    nobody_was_turned_away(&clients.stop());
    assert_eq!(pool(it.nginx.port), "green");
}

#[test]
fn a_blue_that_breaks_under_traffic_leaves_everybody_where_they_were() {
    let it = novacron();
    let clients = it.traffic(|_| {});
    it.shift_watched("1s").set("immediate", true).answer("Send all traffic to green at once?", "yes").go().ended(0);
    let on_green = it.outside();

    // It looks ready; what is wrong shows when the traffic is there, after the last write.
    std::fs::write(it.green_fault.with_file_name("blue-fault"), "/api/v1/dwcp/status").unwrap();
    let ran = it.run("rollback.rbk").go().ended(1).says(&["✓ Send everything to blue", "✗ the DWCP protocol"]);
    assert_eq!(on_green, it.outside(), "{}", ran.out);
    nobody_was_turned_away(&clients.stop());
    let told = it.inbox.texts("/slack");
    assert!(told.last().unwrap().contains("the quick rollback of NovaCron failed: Verify"), "{told:?}");
}

#[test]
fn the_quick_rollback_looks_at_blue_first() {
    let it = novacron();
    let clients = it.traffic(|_| {});
    it.shift_watched("1s").set("immediate", true).answer("Send all traffic to green at once?", "yes").go().ended(0);
    let on_green = it.outside();

    let blue_fault = it.green_fault.with_file_name("blue-fault");
    std::fs::write(&blue_fault, "").unwrap();
    it.run("rollback.rbk").go().ended(1);
    assert_eq!(on_green, it.outside(), "a dead blue gets nobody");

    std::fs::remove_file(&blue_fault).unwrap();
    let ran = it.run("rollback.rbk").go().ended(0);
    assert!(ran.took < Duration::from_secs(24), "two minutes at its worst: {:?}", ran.took);
    assert_eq!(pool(it.nginx.port), "blue");
    nobody_was_turned_away(&clients.stop());
}
