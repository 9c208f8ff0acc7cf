//! Where a connection can lead: TLS with own certificates, sentinels through a failover, a cluster whose keys move.
use rbk::engine::Ending;
use rbk::value::Value;

use super::{Cache, cache, limited, read, v};
use crate::lab::calls::{block_on, said};
use crate::lab::proxy::{Fault, Proxy};
use crate::lab::redis::Redis as Server;
use crate::lab::{free_port, wait_for};

fn counted(key: &str) -> Vec<(&str, Value)> {
    vec![("key", v(key)), ("by", v("1"))]
}

#[test]
fn tls_proves_both_sides_and_says_which_name_was_wrong() {
    block_on(async {
        let server = Server::with("tls-auth-clients yes");
        let kept = crate::lab::postgres::certificate();
        let file = |name: &str| kept.join(name).display().to_string();
        let ca = format!("ssl_ca_certs={}", file("ca.crt"));
        let own = format!("{ca}&ssl_certfile={}&ssl_keyfile={}", file("server.crt"), file("server.key"));
        let at = |host: &str, query: &str| cache(&format!("rediss://{host}:{}/2?{query}", server.tls_port));
        assert_eq!(said(&at("localhost", &own).run("set key=a value=1 ttl=null").await), "true");
        assert_eq!(server.cli(&["-n", "2", "get", "a"]), "1");
        for (host, query, why) in [
            ("127.0.0.1", &own, "its certificate is for `localhost`, and `127.0.0.1` was called"),
            ("localhost", &ca, "ertificate"),
            ("localhost", &String::new(), "its certificate is signed by nobody who is known here"),
        ] {
            for action in ["ping", "set key=a value=2 ttl=null"] {
                let found = said(&at(host, query).run(action).await);
                assert!(
                    found.starts_with("None connection: cannot connect to `db` (") && found.contains(why),
                    "{found}"
                );
            }
        }
        let plain = limited(
            &format!("rediss://localhost:{}/0?{own}", server.port),
            Value::Duration(read::duration("1s").unwrap()),
        );
        let plain = said(&plain.run("set key=a value=2 ttl=null").await);
        assert!(plain.starts_with("None "), "{plain}");
        let none = said(
            &cache(&format!(
                "rediss://localhost:{}/0?{ca}&ssl_certfile=/no/such&ssl_keyfile=/no/such",
                server.tls_port
            ))
            .run("ping")
            .await,
        );
        assert!(none.starts_with("None value: the URL of `db` cannot be used: cannot read the certificate"), "{none}");
        // What is lost in the middle is as unknown as without TLS.
        let proxy = Proxy::to(server.tls_port);
        let far = cache(&format!("rediss://localhost:{}/2?{own}", proxy.port));
        assert_eq!(said(&far.run("get key=a").await), "\"1\"");
        proxy.when(crate::lab::proxy::Way::Down, crate::lab::proxy::Trigger::Next, Fault::Cut);
        assert_eq!(far.values("incr", counted("a")).await.ending, Ending::Unknown);
        assert_eq!(said(&far.run("get key=a").await), "\"2\"");
    });
}

/// A master, its replica, and a sentinel that watches them.
fn watched() -> (Server, Server, Server) {
    let master = Server::start();
    let replica = Server::with(&format!("replicaof 127.0.0.1 {}", master.port));
    wait_for("the replica", || replica.cli(&["info", "replication"]).contains("master_link_status:up").then_some(()));
    let sentinel = Server::sentinel(&format!(
        "sentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 500\n\
         sentinel failover-timeout main 4000\nrequirepass sentinel-password",
        master.port
    ));
    let ask = ["-a", "sentinel-password", "--no-auth-warning", "sentinel", "replicas", "main"];
    wait_for("the sentinel", || sentinel.cli(&ask).contains(&replica.port.to_string()).then_some(()));
    (master, replica, sentinel)
}

/// A sentinel looks around every ten seconds.
fn await_long(what: &str, ready: impl Fn() -> bool) {
    crate::stage::until(what, std::time::Duration::from_secs(60), || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        ready()
    });
}

fn role(server: &Server) -> String {
    server.cli(&["role"]).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn sentinels_name_the_master_also_after_it_has_changed() {
    block_on(async {
        let (first, second, sentinel) = watched();
        let nobody = free_port();
        let url = |password: &str, master: &str| {
            format!(
                "redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{}/{master}/0?sentinel_password={password}",
                sentinel.port
            )
        };
        let near = cache(&url("sentinel-password", "main"));
        assert_eq!(said(&near.values("incr", counted("n")).await), "1");
        wait_for("the copy", || (second.cli(&["get", "n"]) == "1").then_some(()));
        // A change of roles while everybody lives: the connection that is open leads to a replica now.
        await_long("the change", || {
            sentinel.cli(&["-a", "sentinel-password", "--no-auth-warning", "sentinel", "failover", "main"]);
            role(&second) == "master"
        });
        // The sentinel would do it too, at its next look around.
        first.cli(&["replicaof", "127.0.0.1", &second.port.to_string()]);
        let told = ["-a", "sentinel-password", "--no-auth-warning", "sentinel", "get-master-addr-by-name", "main"];
        await_long("the sentinel", || sentinel.cli(&told).contains(&second.port.to_string()));
        assert_eq!(said(&near.values("incr", counted("n")).await), "2");
        assert_eq!(second.cli(&["get", "n"]), "2");
        wait_for("the copy", || (first.cli(&["get", "n"]) == "2").then_some(()));
        let knows = ["-a", "sentinel-password", "--no-auth-warning", "sentinel", "replicas", "main"];
        await_long("the sentinel", || {
            let all = sentinel.cli(&knows);
            all.contains(&first.port.to_string()) && all.contains("master-link-status\nok")
        });
        // The master dies: the call waits until another one is there.
        second.server.kill();
        assert_eq!(said(&near.values("incr", counted("n")).await), "3");
        assert_eq!(first.cli(&["get", "n"]), "3");
        let brief = |url: &str| limited(url, Value::Duration(read::duration("2s").unwrap()));
        let unknown = said(&brief(&url("sentinel-password", "other")).run("ping").await);
        assert!(unknown.contains("knows no master `other`"), "{unknown}");
        let refused = brief(&url("wrong-password", "main")).run("ping").await;
        assert!(
            said(&refused).starts_with("None ") && !format!("{refused:?}").contains("wrong-password"),
            "{refused:?}"
        );
    });
}

#[test]
fn a_replica_that_is_promoted_is_seen_by_a_plain_connection_too() {
    block_on(async {
        let master = Server::start();
        let replica = Server::with(&format!("replicaof 127.0.0.1 {}", master.port));
        wait_for("the replica", || {
            replica.cli(&["info", "replication"]).contains("master_link_status:up").then_some(())
        });
        let near = cache(&format!("redis://127.0.0.1:{}", replica.port));
        let set = "set key=a value=1 ttl=null";
        let refused = said(&near.run(set).await);
        assert!(refused.starts_with("None failed: `db` answered: READONLY"), "{refused}");
        replica.cli(&["replicaof", "no", "one"]);
        assert_eq!(said(&near.run(set).await), "true");
        replica.cli(&["replicaof", "127.0.0.1", &master.port.to_string()]);
        let refused = said(&near.run(set).await);
        assert!(refused.starts_with("None failed: `db` answered: READONLY"), "{refused}");
    });
}

/// Three masters.
fn cluster() -> [Server; 3] {
    let bus: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let node = |i: usize| {
        Server::with(&format!(
            "cluster-enabled yes\ncluster-port {}\ncluster-node-timeout 3000\nloglevel verbose",
            bus[i]
        ))
    };
    let nodes = [node(0), node(1), node(2)];
    for (i, (from, to)) in [("0", "5460"), ("5461", "10922"), ("10923", "16383")].into_iter().enumerate() {
        nodes[i].cli(&["cluster", "addslotsrange", from, to]);
        nodes[i].cli(&["cluster", "set-config-epoch", &(i + 1).to_string()]);
    }
    for i in 1..3 {
        nodes[0].cli(&["cluster", "meet", "127.0.0.1", &nodes[i].port.to_string(), &bus[i].to_string()]);
    }
    for node in &nodes {
        wait_for("the cluster", || {
            let info = node.cli(&["cluster", "info"]);
            (info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")).then_some(())
        });
    }
    nodes
}

impl Cache {
    async fn set(&self, key: &str, value: &str) -> String {
        said(&self.values("set", vec![("key", Value::str(key)), ("value", v(value)), ("ttl", Value::Null)]).await)
    }

    async fn get(&self, key: &str) -> String {
        said(&self.values("get", vec![("key", Value::str(key))]).await)
    }
}

#[test]
fn a_cluster_is_followed_where_its_keys_are() {
    block_on(async {
        let nodes = cluster();
        let near = cache(&format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", free_port(), nodes[1].port));
        for i in 0..60 {
            assert_eq!(near.set(&format!("k{i}"), "1").await, "true");
        }
        assert!(nodes.iter().all(|node| node.cli(&["dbsize"]).parse::<u32>().unwrap() > 5));
        assert_eq!(said(&near.run("dbsize").await), "60");
        assert_eq!(said(&near.run("count match=k*").await), "60");
        assert_eq!(said(&near.run("keys prefix=k5").await).matches("\"k5").count(), 11);
        assert_eq!(said(&near.run("ping").await), "true");
        let own = said(&near.run("config_get name=port").await);
        assert!(own.contains("each node of `db` has its own answer"), "{own}");
        let numbered = format!("redis+cluster://127.0.0.1:{}/3", nodes[1].port);
        assert!(said(&cache(&numbered).run("ping").await).contains("is a cluster, which has database 0 only"));
        // One slot on its way to another node, with the key there already: ASK; then for good: MOVED.
        let slot = nodes[0].cli(&["cluster", "keyslot", "k1"]);
        let has = |node: &&Server| !node.cli(&["get", "k1"]).starts_with("MOVED");
        let from = nodes.iter().find(has).unwrap();
        let to = nodes.iter().find(|node| !has(node)).unwrap();
        let id = |node: &Server| node.cli(&["cluster", "myid"]);
        to.cli(&["cluster", "setslot", &slot, "importing", &id(from)]);
        from.cli(&["cluster", "setslot", &slot, "migrating", &id(to)]);
        let moved = from.cli(&["migrate", "127.0.0.1", &to.port.to_string(), "k1", "0", "5000"]);
        assert_eq!(moved, "OK");
        assert!(from.cli(&["get", "k1"]).starts_with("ASK"));
        assert_eq!(near.get("k1").await, "\"1\"");
        assert_eq!(near.set("k1", "2").await, "true");
        for node in &nodes {
            node.cli(&["cluster", "setslot", &slot, "node", &id(to)]);
        }
        assert!(from.cli(&["get", "k1"]).starts_with("MOVED"));
        assert_eq!(near.get("k1").await, "\"2\"");
        // All of a key, and back, where it lives now.
        let before = near.run("state key=k1").await.result.unwrap();
        let put = vec![("key", v("k1")), ("value", v("3")), ("before", before.clone()), ("ttl", v("null"))];
        let after = near.values("put", put).await.result.unwrap();
        assert_eq!(near.get("k1").await, "\"3\"");
        let back = vec![("key", v("k1")), ("before", before), ("ours", after)];
        assert_eq!(said(&near.values("restore", back).await), "true");
        assert_eq!(near.get("k1").await, "\"2\"");
        // A node that dies takes its keys with it, and only those.
        let gone = from.pid();
        nix::sys::signal::kill(gone, nix::sys::signal::Signal::SIGKILL).unwrap();
        let lost = near.values("incr", counted(&key_on(from, &nodes))).await;
        assert_eq!(lost.ending, Ending::None, "{}", said(&lost));
    });
}

/// A key whose slot is one of the first, second or third part, as the node's.
fn key_on(node: &Server, nodes: &[Server; 3]) -> String {
    let at = nodes.iter().position(|n| n.port == node.port).unwrap();
    let alive = nodes.iter().find(|n| n.port != node.port).unwrap();
    let part = |slot: u32| if slot < 5461 { 0 } else { 1 + usize::from(slot > 10_922) };
    (100..)
        .map(|i| format!("k{i}"))
        .find(|key| part(alive.cli(&["cluster", "keyslot", key]).parse().unwrap()) == at)
        .unwrap()
}

/// The master changes while a step has written half: what follows, and what is undone, is done on the new one.
#[test]
fn a_failover_in_the_middle_of_a_step() {
    let (first, second, sentinel) = watched();
    let url = format!("redis+sentinel://127.0.0.1:{}/main/0?sentinel_password=sentinel-password", sentinel.port);
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let book = format!(
        "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 5m\n  rollback within 1m\n  connect cache = redis(env(\"URL\"))\n  \
         step \"Whole\" {{\n    cache.set(\"a\", \"1\")\n    $ touch {0}; while ! test -e {1}; do sleep 0.02; done\n    cache.set(\"b\", \"1\")\n    \
         rollback {{ cache.del(\"a\") }}\n  }}\n  guard \"not yet\": cache.get(\"b\") == \"2\"\n}}\n",
        place("began").display(),
        place("go").display()
    );
    let run = std::thread::spawn(move || crate::lab::rbk(&book, &[("URL", &url)]));
    wait_for("the first half", || place("began").exists().then_some(()));
    wait_for("the copy", || (second.cli(&["get", "a"]) == "1").then_some(()));
    first.server.kill();
    await_long("the change", || role(&second) == "master");
    std::fs::write(place("go"), "").unwrap();
    let (code, said) = run.join().unwrap();
    assert!(code == 1 && said.contains("undone: Whole"), "{code} {said}");
    assert_eq!((second.cli(&["get", "b"]).as_str(), second.cli(&["exists", "a"]).as_str()), ("1", "0"), "{said}");
}
