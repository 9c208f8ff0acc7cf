//! What is known about a call when the network, the server or the caller does not cooperate.
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use rbk::effects::Cancel;
use rbk::engine::Ending;
use rbk::value::Value;

use super::{Cache, cache, limited, read, v};
use crate::lab::calls::{block_on, said};
use crate::lab::proxy::{Fault, Greeting, Proxy, Trigger, Way};
use crate::lab::redis::Redis as Server;

const SET: &str = "set key=a value=1 ttl=null";

fn at(port: u16) -> Cache {
    cache(&format!("redis://127.0.0.1:{port}/0"))
}

fn patient(port: u16, limit: &str) -> Cache {
    limited(&format!("redis://127.0.0.1:{port}/0"), Value::Duration(read::duration(limit).unwrap()))
}

/// `before` is known on the connection already, so that what comes is about the command.
async fn warm(port: u16) -> Cache {
    let warm = at(port);
    assert_eq!(said(&warm.run("ping").await), "true");
    warm
}

#[test]
fn who_is_not_reached_has_done_nothing() {
    block_on(async {
        let port = crate::lab::free_port();
        for (url, why) in [
            (format!("redis://127.0.0.1:{port}"), "Connection refused"),
            ("redis://no-such-host.invalid".to_owned(), "no address for `no-such-host.invalid`"),
            ("unix:///no/such/socket".to_owned(), "No such file"),
        ] {
            for action in ["ping", SET] {
                let found = said(&cache(&url).run(action).await);
                assert!(found.starts_with("None connection: cannot connect to `db`") && found.contains(why), "{found}");
            }
        }
    });
}

#[test]
fn an_answer_that_is_lost_leaves_a_write_unknown_and_a_read_is_made_again() {
    block_on(async {
        let server = Server::start();
        let proxy = Proxy::to(server.port);
        for fault in [Fault::Cut, Fault::Reset] {
            let far = warm(proxy.port).await;
            proxy.when_answered(b"INCRBY", fault);
            let lost = far.run("incr key=n by=1").await;
            assert_eq!(lost.ending, Ending::Unknown, "{}", said(&lost));
            assert!(said(&lost).contains("connection: the connection to `db` (127.0.0.1:"), "{}", said(&lost));
            proxy.when_answered(b"GET", fault);
            let count = said(&far.run("get key=n").await);
            assert!(proxy.happened());
            assert_eq!(count, if fault == Fault::Cut { "\"1\"" } else { "\"2\"" });
        }
        // Both answers to one read: a failure, and nothing has happened.
        let far = warm(proxy.port).await;
        proxy.when_answered(b"GET", Fault::Cut);
        proxy.when_answered(b"GET", Fault::Cut);
        let lost = said(&far.run("get key=n").await);
        assert!(lost.starts_with("None connection: the connection to `db`"), "{lost}");
    });
}

#[test]
fn what_was_not_sent_whole_has_no_effect_and_is_sent_again() {
    block_on(async {
        let server = Server::start();
        let proxy = Proxy::to(server.port);
        let long = || vec![("key", v("long")), ("value", Value::str("x".repeat(40 << 20))), ("ttl", Value::Null)];
        let far = warm(proxy.port).await;
        proxy.when(Way::Up, Trigger::Bytes(1000), Fault::Reset);
        assert_eq!(said(&far.values("set", long()).await), "true");
        assert!(proxy.happened());
        assert_eq!(server.cli(&["strlen", "long"]), (40 << 20).to_string());
        server.cli(&["del", "long"]);
        // A server that takes no more: the limit ends it, and it is known that nothing was set.
        let near = patient(proxy.port, "500ms");
        assert_eq!(said(&near.run("ping").await), "true");
        proxy.when(Way::Up, Trigger::Bytes(1000), Fault::Hang);
        let late = said(&near.values("set", long()).await);
        assert_eq!(late, "None timeout: the call did not end within 500ms");
        proxy.heal();
        assert_eq!(server.cli(&["exists", "long"]), "0");
    });
}

#[test]
fn an_idle_connection_that_died_is_opened_anew_before_anything_is_sent() {
    block_on(async {
        let server = Server::start();
        let proxy = Proxy::to(server.port);
        for fault in [Fault::Cut, Fault::Reset] {
            let far = warm(proxy.port).await;
            let before = proxy.accepted();
            proxy.all(fault);
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(said(&far.run(SET).await), "true");
            assert_eq!(proxy.accepted(), before + 1);
        }
    });
}

#[test]
fn a_stopped_server_and_a_killed_one() {
    block_on(async {
        let server = Server::start();
        let pid = server.pid();
        let near = patient(server.port, "300ms");
        assert_eq!(said(&near.run("ping").await), "true");
        kill(pid, Signal::SIGSTOP).unwrap();
        assert_eq!(said(&near.run("get key=a").await), "None timeout: the call did not end within 300ms");
        // A connection that is new: it is accepted by the system, and nobody greets.
        let unheard = said(&near.run(SET).await);
        assert!(unheard.starts_with("None timeout:"), "{unheard}");
        kill(pid, Signal::SIGCONT).unwrap();
        assert_eq!(said(&near.run("ping").await), "true");
        kill(pid, Signal::SIGSTOP).unwrap();
        let lost = near.run("incr key=n by=1").await;
        assert_eq!(
            (lost.ending, lost.running.as_deref()),
            (Ending::Unknown, Some("a command on `db`")),
            "{}",
            said(&lost)
        );
        kill(pid, Signal::SIGCONT).unwrap();
        // It was carried out after all, as `unknown` says that it might be.
        crate::lab::wait_for("the increment", || (server.cli(&["get", "n"]) == "1").then_some(()));
        // The answer comes in time, after the limit: then it is known.
        let proxy = Proxy::to(server.port);
        let slow = patient(proxy.port, "300ms");
        assert_eq!(said(&slow.run("ping").await), "true");
        proxy.when(Way::Down, Trigger::Next, Fault::Delay(Duration::from_secs(1)));
        assert_eq!(said(&slow.run("incr key=n by=1").await), "2");
        proxy.heal();
        assert_eq!(said(&near.run("ping").await), "true");
        kill(pid, Signal::SIGSTOP).unwrap();
        let (sent, dead) = tokio::join!(near.run("incr key=n by=1"), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            kill(pid, Signal::SIGKILL).unwrap();
        });
        let () = dead;
        assert_eq!(sent.ending, Ending::Unknown, "{}", said(&sent));
        assert_eq!(sent.running, None);
        for action in ["ping", SET] {
            let gone = said(&near.run(action).await);
            assert!(gone.starts_with("None connection: cannot connect to `db`"), "{gone}");
        }
    });
}

#[test]
fn limits_and_cancels_end_every_phase() {
    block_on(async {
        let server = Server::start();
        let proxy = Proxy::to(server.port);
        proxy.greet(Greeting::Silence);
        for action in ["ping", SET] {
            // Connected, and nobody greets.
            let silent = said(&patient(proxy.port, "200ms").run(action).await);
            assert!(silent.starts_with("None timeout:"), "{silent}");
            let far = at(proxy.port);
            let (cancel, token) = Cancel::new();
            let args =
                if action == "ping" { vec![] } else { vec![("key", v("a")), ("value", v("1")), ("ttl", v("null"))] };
            let name = action.split(' ').next().unwrap();
            let (ended, ()) = tokio::join!(far.until(name, args, token), async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                cancel.cancel();
            });
            assert_eq!(said(&ended), "None cancelled: the call was cancelled");
        }
        // While it is answered.
        for (action, key, ending) in [("get", "a", Ending::None), ("incr", "n", Ending::Unknown)] {
            let proxy = Proxy::to(server.port);
            let far = warm(proxy.port).await;
            proxy.when(Way::Down, Trigger::Next, Fault::Hang);
            let (cancel, token) = Cancel::new();
            let args = vec![("key", v(key)), ("by", v("1"))];
            let (ended, ()) = tokio::join!(far.until(action, args, token), async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                cancel.kill();
            });
            assert_eq!(ended.ending, ending, "{}", said(&ended));
            assert!(said(&ended).contains("cancelled: the call was cancelled"), "{}", said(&ended));
        }
        let (cancel, token) = Cancel::new();
        cancel.cancel();
        assert_eq!(
            said(&at(server.port).until("incr", vec![("key", v("m")), ("by", v("1"))], token).await),
            "None cancelled: cancelled before it was sent"
        );
        assert_eq!(server.cli(&["exists", "m"]), "0");
    });
}

#[test]
fn an_error_reply_had_no_effect_and_tells_a_way_out() {
    let help = |outcome: rbk::engine::Outcome| {
        let found = said(&outcome);
        let failure = outcome.result.unwrap_err();
        (found, failure.help.unwrap_or_default())
    };
    let told = |(found, help): (String, String), code: &str, way: &str| {
        assert!(found.starts_with(&format!("None failed: `db` answered: {code} ")), "{found}");
        assert!(help.contains(way), "{code}: {help}");
    };
    block_on(async {
        let server = Server::with("maxmemory-policy noeviction");
        let near = at(server.port);
        server.cli(&["rpush", "list", "1"]);
        told(help(near.run("get key=list").await), "WRONGTYPE", "`db.type(…)`");
        server.cli(&["config", "set", "maxmemory", "1"]);
        told(help(near.run(SET).await), "OOM", "`maxmemory`");
        server.cli(&["config", "set", "maxmemory", "0"]);
        // A replica of nobody who answers.
        server.cli(&["replicaof", "127.0.0.1", &crate::lab::free_port().to_string()]);
        told(help(near.run(SET).await), "READONLY", "redis+sentinel://");
        server.cli(&["config", "set", "replica-serve-stale-data", "no"]);
        told(help(near.run("get key=a").await), "MASTERDOWN", "ask the master");
        server.cli(&["replicaof", "no", "one"]);
        server.cli(&["config", "set", "min-replicas-to-write", "1"]);
        told(help(near.run(SET).await), "NOREPLICAS", "min-replicas-to-write");
        server.cli(&["config", "set", "min-replicas-to-write", "0"]);
        // A script that does not end.
        server.cli(&["config", "set", "busy-reply-threshold", "10"]);
        let socket = server.socket();
        let script = std::thread::spawn(move || {
            let redis = crate::lab::program("redis-cli", "redis-tools");
            std::process::Command::new(redis).args(["-s", &socket, "eval", "while true do end", "0"]).output().unwrap();
        });
        crate::lab::wait_for("a busy server", || server.cli(&["get", "a"]).starts_with("BUSY").then_some(()));
        told(help(near.run(SET).await), "BUSY", "SCRIPT KILL");
        server.cli(&["script", "kill"]);
        script.join().unwrap();
        assert_eq!(said(&near.run("exists key=a").await), "false");
    });
}

#[test]
fn a_server_that_still_loads_says_so() {
    block_on(async {
        // Each key takes it a while.
        let server =
            Server::with("rdbcompression no\nkey-load-delay 100000\nloading-process-events-interval-bytes 1024");
        for i in 0..30 {
            server.cli(&["set", &format!("k{i}"), &"x".repeat(2000)]);
        }
        let socket = server.socket();
        let reload = std::thread::spawn(move || {
            let redis = crate::lab::program("redis-cli", "redis-tools");
            std::process::Command::new(redis).args(["-s", &socket, "debug", "reload"]).output().unwrap();
        });
        crate::lab::wait_for("loading", || server.cli(&["get", "k1"]).starts_with("LOADING").then_some(()));
        let loading = at(server.port).run(SET).await;
        let found = said(&loading);
        assert!(found.starts_with("None failed: `db` answered: LOADING"), "{found}");
        assert!(loading.result.unwrap_err().help.unwrap().contains("`wait up to 1m until db.ping()`"));
        kill(server.pid(), Signal::SIGKILL).unwrap();
        reload.join().unwrap();
    });
}

#[test]
fn a_login_that_is_refused_says_why_and_never_with_what() {
    block_on(async {
        let server = Server::start();
        server.cli(&["acl", "setuser", "root", "on", ">root-password", "~*", "&*", "+@all"]);
        server.cli(&["acl", "setuser", "default", "off"]);
        for (login, why) in
            [("", "NOAUTH"), ("root:not-the-password@", "WRONGPASS"), (":not-the-password@", "without any password")]
        {
            for action in ["ping", SET] {
                let refused = cache(&format!("redis://{login}127.0.0.1:{}/0", server.port)).run(action).await;
                let found = said(&refused);
                assert!(found.starts_with("None connection: `db` (127.0.0.1:") && found.contains(why), "{found}");
                assert!(!format!("{refused:?}").contains("not-the-password"), "{refused:?}");
                assert!(refused.result.unwrap_err().help.unwrap().contains("URL"));
            }
        }
        assert_eq!(
            said(&cache(&format!("redis://root:root-password@127.0.0.1:{}/9", server.port)).run(SET).await),
            "true"
        );
        let beyond = said(&cache(&format!("redis://root:root-password@127.0.0.1:{}/99", server.port)).run(SET).await);
        assert!(beyond.contains("refused its database: ERR DB index is out of range"), "{beyond}");
        let full = Server::start();
        let first = warm(full.port).await;
        full.cli(&["config", "set", "maxclients", "1"]);
        let second = said(&at(full.port).run(SET).await);
        assert!(second.contains("max number of clients reached"), "{second}");
        drop(first);
    });
}

#[test]
fn connections_carry_the_runs_name_and_parallel_calls_have_one_each() {
    block_on(async {
        let server = Server::start();
        let near = at(server.port);
        let (a, b, c) =
            tokio::join!(near.run("incr key=n by=1"), near.run("incr key=n by=1"), near.run("incr key=n by=1"));
        let mut counts = [said(&a), said(&b), said(&c)];
        counts.sort();
        assert_eq!(counts, ["1", "2", "3"]);
        assert_eq!(server.cli(&["client", "list"]).matches("name=rbk/r1").count(), 3);
        assert_eq!(said(&near.run("incr key=n by=1").await), "4");
        assert_eq!(server.cli(&["client", "list"]).matches("name=rbk/r1").count(), 3);
    });
}
