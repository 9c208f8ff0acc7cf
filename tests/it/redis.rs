//! The Redis provider against a real server.
use std::sync::Arc;

use rbk::check::program::Effect;
use rbk::effects::Cancel;
use rbk::effects::redis::Redis;
use rbk::engine::Outcome;
use rbk::engine::call::Arg;
use rbk::value::types::ConnKind;
use rbk::value::{Connection, Value, read};

use crate::lab::calls::{block_on, connection, native, said};
use crate::lab::redis::shared;

mod actions;
mod command;
mod coverage;
mod faults;
mod injection;
mod places;
mod undo;

const READS: [&str; 26] = [
    "ping",
    "get",
    "exists",
    "ttl",
    "scan",
    "keys",
    "count",
    "info",
    "dbsize",
    "config_get",
    "state",
    "states",
    "hget",
    "hgetall",
    "lrange",
    "sismember",
    "type",
    "role",
    "memory",
    "hlen",
    "llen",
    "scard",
    "smembers",
    "xlen",
    "zcard",
    "zscore",
];

struct Cache {
    provider: Redis,
    on: Arc<Connection>,
}

fn cache(url: &str) -> Cache {
    limited(url, Value::Null)
}

/// With a `timeout`.
fn limited(url: &str, timeout: Value) -> Cache {
    let on = connection(ConnKind::Redis, &[("url", Value::str(url)), ("timeout", timeout)]);
    Cache { provider: Redis::new("r1".into()), on }
}

fn local() -> Cache {
    cache(&format!("unix://{}?db=3", shared().socket()))
}

/// `30s`, `5`, `null`, or a string.
fn v(text: &str) -> Value {
    match text {
        "null" => Value::Null,
        _ => text
            .parse()
            .map(Value::Int)
            .or_else(|_| read::duration(text).map(Value::Duration))
            .unwrap_or_else(|_| Value::str(text)),
    }
}

impl Cache {
    async fn values(&self, action: &str, args: Vec<(&str, Value)>) -> Outcome {
        let (_keep, cancel) = Cancel::new();
        self.until(action, args, cancel).await
    }

    async fn until(&self, action: &str, args: Vec<(&str, Value)>, cancel: Cancel) -> Outcome {
        let args = args.into_iter().map(|(k, v)| (k, Arg::Value(v))).collect();
        let mut call = native(&format!("redis.{action}"), Some(&self.on), args);
        let writes = !READS.contains(&action);
        call.effect = if writes { Effect::Write } else { Effect::Read };
        self.provider.call(&call, cancel).await
    }

    /// `set key=a value=b`.
    async fn run(&self, line: &str) -> Outcome {
        let mut words = line.split(' ');
        let action = words.next().unwrap();
        self.values(action, words.map(|w| w.split_once('=').unwrap()).map(|(k, text)| (k, v(text))).collect()).await
    }
}

#[test]
fn every_action() {
    let table = [
        ("ping", "true"),
        ("get key=a", "null"),
        ("exists key=a", "false"),
        ("set key=a value=hello ttl=null", "true"),
        ("get key=a", "\"hello\""),
        ("ttl key=a", "null"),
        ("ttl key=none", "None value: there is no such key"),
        ("expire key=a ttl=1h", "true"),
        ("expire key=none ttl=1h", "false"),
        ("expire key=a ttl=1ns", "None value: `ttl` is at least a millisecond"),
        ("exists key=a", "true"),
        ("incr key=n by=5", "5"),
        ("incr key=n by=-2", "3"),
        ("incr key=a by=1", "None failed: `db` answered: ERR value is not an integer or out of range"),
        ("scan match=*", "[\"a\", \"n\"]"),
        ("scan match=nothing*", "[]"),
        ("dbsize", "2"),
        ("del key=a", "1"),
        ("del key=a", "0"),
        ("set key=t value=1 ttl=250ms", "true"),
        ("config_get name=databases", "\"16\""),
        ("config_get name=nothing", "None value: there is no such setting"),
        ("config_set name=maxmemory-policy value=allkeys-lru", "null"),
        ("config_get name=maxmemory-policy", "\"allkeys-lru\""),
        ("config_set name=maxmemory-policy value=never", "None failed: `db` answered: ERR"),
        ("set key=a value=null ttl=null", "None value: `value`: null has no text: the value is absent"),
    ];
    block_on(async {
        let cache = local();
        for (line, expected) in table {
            let found = said(&cache.run(line).await);
            assert!(found == expected || expected.ends_with("ERR") && found.starts_with(expected), "{line}: {found}");
        }
        let info = cache.run("info section=server").await.result.unwrap();
        let field = |name: &str| rbk::value::method::field(&info, name).unwrap();
        assert!(matches!(field("tcp_port"), Value::Int(n) if n == i64::from(shared().port)), "{info:?}");
        assert!(matches!(field("redis_version"), Value::Str(_)));
    });
}

#[test]
fn rights_are_the_servers() {
    block_on(async {
        let app = cache(&format!("redis://app:app-password@127.0.0.1:{}/0", shared().port));
        assert_eq!(said(&app.run("set key=app:x value=1 ttl=null").await), "true");
        assert!(
            said(&app.run("set key=other value=1 ttl=null").await).starts_with("None failed: `db` answered: NOPERM")
        );
        assert!(said(&app.run("config_get name=port").await).starts_with("None failed: `db` answered: NOPERM"));
        let wrong = cache(&format!("redis://app:not-the-password@127.0.0.1:{}/0", shared().port));
        let refused = said(&wrong.run("ping").await);
        assert!(refused.contains("refused the login: WRONGPASS") && !refused.contains("not-the-password"), "{refused}");
        assert!(
            said(&cache("http://x/").run("ping").await).starts_with("None value: the URL of `db` begins with none of")
        );
    });
}

#[test]
fn rediss_proves_the_server() {
    let url = format!("rediss://localhost:{}/0", shared().tls_port);
    let book = "runbook \"r\" {\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
                connect cache = redis(env(\"CACHE_URL\"))\n  guard \"up\": cache.ping()\n}\n";
    let ca = crate::lab::postgres::certificate().join("ca.crt").display().to_string();
    let (code, said) = crate::lab::rbk(book, &[("CACHE_URL", &url), ("SSL_CERT_FILE", &ca)]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = crate::lab::rbk(book, &[("CACHE_URL", &url), ("SSL_CERT_FILE", "/dev/null")]);
    assert!(code == 1 && said.contains("cannot connect to `cache`"), "{said}");
}

#[test]
fn no_password_of_a_url_is_ever_shown() {
    let book = "runbook \"r\" {\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
                secret value = env(\"VALUE\")\n  connect cache = redis(env(\"CACHE_URL\"))\n  \
                let said = readonly $ printf '%s' \"${CACHE_URL##*=}\"\n  log \"#{said}\"\n  \
                step \"s\" {\n    cache.set(\"app:k\", value)\n    cache.hset(\"app:k\", \"f\", value)\n    rollback none \"a test\"\n  }\n}\n";
    let sentinel = "redis+sentinel://app:first-canary@127.0.0.1:1/main?sentinel_password=second-canary";
    let socket = format!("unix://{}?user=app&pass=app-password", shared().socket());
    let plain = format!("redis://app:app-password@127.0.0.1:{}/0", shared().port);
    for (url, why) in [(sentinel, "cannot connect"), (&socket, "WRONGTYPE"), (&plain, "WRONGTYPE")] {
        let (code, said) = crate::lab::rbk(book, &[("CACHE_URL", url), ("VALUE", "third-canary")]);
        assert!(code == 1 && said.contains(why), "{said}");
        for canary in ["first-canary", "second-canary", "third-canary", "app-password"] {
            assert!(!said.contains(canary), "{said}");
        }
    }
}
