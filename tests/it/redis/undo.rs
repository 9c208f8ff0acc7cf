//! `std/redis` against a real server: a run that fails later leaves every key as it was, with its time to live, unless
//! somebody else has changed it meanwhile.
use std::collections::BTreeMap;

use rbk::value::Value;

use super::{cache, v};
use crate::lab::calls::{block_on, said};
use crate::lab::proxy::{Fault, Proxy};
use crate::lab::redis::Redis as Server;
use crate::stage::{self, Ran, Run};

/// Statements, and whether the run fails after them. `poke` is a command that somebody else runs in between.
fn ran(url: &str, statements: &str, spoil: bool, poke: &str) -> Ran {
    let dir = stage::dir();
    let file = dir.path().join("lab.rbk");
    let text = format!(
        "use \"std/redis\"\nrunbook \"Lab\" {{\n  owner \"lab\"\n  reviewed 2026-11-01 every 365d\n  deadline 2m\n  \
         rollback within 1m\n  param spoil: bool\n  connect cache = redis(env(\"REDIS_URL\"))\n  secret token = env(\"TOKEN\")\n  \
         {statements}\n  step \"Somebody else\" {{\n    $ {poke}\n    rollback none \"not ours\"\n  }}\n  guard \"not told to fail\": not spoil\n}}\n"
    );
    std::fs::write(&file, text).unwrap();
    let run = Run::new(&file).env("REDIS_URL", url).env("TOKEN", "correct-horse-battery").set("spoil", spoil);
    let run = if statements.contains("redis.flush") { run.answer("redis.flush", "yes") } else { run };
    run.go()
}

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}/0", server.port)
}

fn poke(server: &Server, command: &str) -> String {
    let cli = crate::lab::program("redis-cli", "redis-tools");
    format!("{} -s {} {command} >/dev/null", cli.display(), server.socket())
}

/// One key of each type, some that expire.
fn world() -> Server {
    let server = Server::start();
    for command in [
        "set text before",
        "set binary \u{1}\u{0}x",
        "hset hash a 1 b 2",
        "rpush list 3 1 2",
        "sadd set x y z",
        "sadd numbers 1 2 3",
        "zadd sorted 1 one 2.5 two",
        "xadd stream 1-1 k v",
        "set short before ex 1000",
        "hset hash-short a 1",
        "expire hash-short 2000",
        "set asgi:1 a",
        "set asgi:2 b ex 3000",
        "set asgi*:3 c",
        "set other d",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        if words[1] == "binary" {
            server.cli(&["eval", "redis.call('set', 'binary', '\\0\\255\\r\\n\"')", "0"]);
        } else {
            server.cli(&words);
        }
    }
    server
}

/// Every key: what it holds, and when it expires.
#[derive(Debug)]
struct All(BTreeMap<String, (String, i64)>);

fn all(server: &Server) -> All {
    let keys = server.cli(&["--scan"]);
    let keys = keys.lines().map(|key| {
        let digest = server.cli(&["debug", "digest-value", key]);
        (key.to_owned(), (digest, server.cli(&["pexpiretime", key]).parse().unwrap()))
    });
    All(keys.collect())
}

impl PartialEq for All {
    /// An expiry is read with a clock in between: some milliseconds are nothing.
    fn eq(&self, other: &All) -> bool {
        let near = |(a, x): &(String, i64), (b, y): &(String, i64)| a == b && (x - y).abs() <= 10;
        self.0.len() == other.0.len() && self.0.iter().all(|(k, v)| other.0.get(k).is_some_and(|w| near(v, w)))
    }
}

const CHANGES: [&str; 12] = [
    r#"redis.set(cache, "text", "after")"#,
    r#"redis.set(cache, "text", "after", ttl: 1h)"#,
    r#"redis.set(cache, "new", "after", ttl: 1h)"#,
    r#"redis.set(cache, "short", token)"#,
    r#"redis.set(cache, "stream", "after")"#,
    r#"redis.del(cache, "hash-short")"#,
    r#"for key in ["text", "binary", "hash", "list", "set", "numbers", "sorted", "stream", "none"] { redis.del(cache, key) }"#,
    r#"redis.expire(cache, "sorted", ttl: 1h)"#,
    r#"redis.expire(cache, "short", ttl: 5h)"#,
    r#"redis.expire(cache, "hash-short", ttl: null)"#,
    r#"redis.delete_prefix(cache, "asgi", at_most: 3)"#,
    r#"redis.config_set(cache, "maxmemory", "100mb")"#,
];

#[test]
fn each_action_is_done_and_undone() {
    let server = Server::start();
    drop(server);
    let server = world();
    server.cli(&["config", "set", "maxmemory", "200mb"]);
    let settings = |server: &Server| server.cli(&["config", "get", "*"]);
    let (was, set) = (all(&server), settings(&server));
    for change in CHANGES {
        let failed = ran(&url(&server), change, true, "true").ended(1);
        let now = all(&server);
        assert!(now == was, "{change}: {now:#?}\n{was:#?}\n{}", failed.out);
        assert_eq!(settings(&server), set, "{change}");
        assert!(!failed.out.contains("correct-horse"), "{}", failed.out);
        assert!(!failed.out.contains("somebody else has"), "{change}: {}", failed.out);
    }
    for (change, (key, expected)) in CHANGES.into_iter().zip([
        ("get text", "after"),
        ("get text", "after"),
        ("get new", "after"),
        ("get short", "correct-horse-battery"),
        ("get stream", "after"),
        ("exists hash-short", "0"),
        ("exists text binary hash list set numbers sorted stream", "0"),
    ]) {
        ran(&url(&server), change, false, "true").ended(0);
        assert_eq!(server.cli(&key.split(' ').collect::<Vec<_>>()), expected, "{change}");
    }
    let server = world();
    for change in &CHANGES[7..] {
        ran(&url(&server), change, false, "true").ended(0);
    }
    let near = |text: String, seconds: i64| (seconds - 60..=seconds).contains(&text.parse().unwrap());
    assert!(near(server.cli(&["ttl", "sorted"]), 3600) && near(server.cli(&["ttl", "short"]), 18_000));
    assert_eq!(server.cli(&["ttl", "hash-short"]), "-1");
    assert_eq!(server.cli(&["keys", "asgi*"]), "");
    assert_eq!(server.cli(&["exists", "other"]), "1");
    assert!(server.cli(&["config", "get", "maxmemory"]).ends_with("104857600"));
}

#[test]
fn what_somebody_else_has_changed_stays_and_is_told() {
    for (change, other, look, left) in [
        (CHANGES[0], "set text theirs", "get text", "theirs"),
        (CHANGES[0], "expire text 5000", "get text", "after"),
        (CHANGES[1], "persist text", "get text", "after"),
        (CHANGES[2], "del new", "exists new", "0"),
        (CHANGES[5], "set hash-short theirs", "get hash-short", "theirs"),
        (CHANGES[7], "zadd sorted 9 theirs", "zcard sorted", "3"),
        (CHANGES[10], "set asgi:1 theirs", "get asgi:1", "theirs"),
        (CHANGES[11], "config set maxmemory 7", "config get maxmemory", "maxmemory\n7"),
    ] {
        let server = world();
        let failed = ran(&url(&server), change, true, &poke(&server, other)).ended(1);
        let found = server.cli(&look.split(' ').collect::<Vec<_>>());
        assert_eq!(found, left, "{change}, {other}: {}", failed.out);
        // What is as it was is not called changed.
        if look != "exists new" {
            assert!(failed.out.contains("somebody else has"), "{change}, {other}: {}", failed.out);
        }
        if change == CHANGES[10] {
            assert_eq!(server.cli(&["get", "asgi:2"]), "b", "the others come back");
        }
    }
}

#[test]
fn what_was_set_for_a_while_and_is_over_goes_back_too() {
    let server = world();
    let was = all(&server);
    let wait = poke(&server, "--raw ping; sleep 1; true");
    ran(&url(&server), r#"redis.set(cache, "text", "after", ttl: 300ms)"#, true, &wait).ended(1);
    assert_eq!(all(&server), was);
}

#[test]
fn a_set_whose_answer_is_lost_is_put_back_if_it_happened() {
    let server = world();
    let was = all(&server);
    for (bytes, change) in [("SET", CHANGES[1]), ("UNLINK", CHANGES[5]), ("PEXPIRE", CHANGES[7])] {
        let proxy = Proxy::to(server.port);
        proxy.when_answered(format!("${}\r\n{bytes}\r\n", bytes.len()).as_bytes(), Fault::Cut);
        let ran = ran(&format!("redis://127.0.0.1:{}/0", proxy.port), change, false, "true");
        let lost = ran.ended(1).says(&["the connection to `cache`", "broke"]);
        assert!(proxy.happened());
        assert_eq!(all(&server), was, "{change}: {}", lost.out);
    }
}

#[test]
fn guards_stop_before_anything_is_deleted() {
    let server = world();
    let was = all(&server);
    for (change, why) in [
        (r#"redis.delete_prefix(cache, "asgi", at_most: 2)"#, "at most 2 keys begin with `asgi`"),
        (r#"redis.delete_prefix(cache, "", at_most: 1000)"#, "the prefix is not empty"),
        (r#"redis.expire(cache, "none", ttl: 1m)"#, "there is a key `none`"),
        (r#"redis.flush(cache, db: 1, at_most: 1000)"#, "the connection is to database 1"),
        (r#"redis.flush(cache, db: 0, at_most: 10)"#, "at most 10 keys are in database 0"),
    ] {
        ran(&url(&server), change, false, "true").ended(1).says(&[why]);
        assert_eq!(all(&server), was, "{change}");
    }
    // A star in a prefix is a star.
    ran(&url(&server), r#"redis.delete_prefix(cache, "asgi*", at_most: 1)"#, false, "true").ended(0);
    assert_eq!(server.cli(&["exists", "asgi*:3", "asgi:1"]), "1");
    server.cli(&["-n", "1", "set", "a", "1"]);
    ran(&url(&server), r#"redis.flush(cache, db: 0, at_most: 100)"#, false, "true").ended(0);
    assert_eq!((server.cli(&["dbsize"]), server.cli(&["-n", "1", "dbsize"])), ("0".to_owned(), "1".to_owned()));
}

#[test]
fn a_user_who_may_not_put_back_is_told_before_the_write() {
    let server = world();
    server.cli(&["acl", "setuser", "app", "+@all", "-@dangerous", "~*"]);
    let url = format!("redis://app:app-password@127.0.0.1:{}/0", server.port);
    ran(&url, CHANGES[0], false, "true").ended(1).says(&["lets nobody put a key back", "+dump +restore"]);
    assert_eq!(server.cli(&["get", "text"]), "before");
}

#[test]
fn a_key_that_changes_between_the_look_and_the_write_is_not_overwritten() {
    block_on(async {
        let server = world();
        let near = cache(&url(&server));
        let before = near.run("state key=text").await.result.unwrap();
        server.cli(&["set", "text", "theirs"]);
        let put = |before: &Value| {
            vec![("key", v("text")), ("value", v("x")), ("before", before.clone()), ("ttl", Value::Null)]
        };
        let refused = near.values("put", put(&before)).await;
        assert_eq!(said(&refused), "None guard: the key `text` was changed by somebody else after it was read");
        let now = near.run("state key=text").await.result.unwrap();
        let after = near.values("put", put(&now)).await.result.unwrap();
        assert_eq!(server.cli(&["get", "text"]), "x");
        // Twice does no harm.
        for _ in 0..2 {
            let back = vec![("key", v("text")), ("before", now.clone()), ("ours", after.clone())];
            assert_eq!(said(&near.values("restore", back).await), "true");
        }
        assert_eq!(server.cli(&["get", "text"]), "theirs");
        let long = "x".repeat(2 << 20);
        near.values("set", vec![("key", v("long")), ("value", Value::str(long)), ("ttl", Value::Null)]).await;
        server.cli(&["config", "set", "rdbcompression", "no"]);
        assert!(said(&near.run("state key=long").await).contains("too much to keep for the way back"));
    });
}
