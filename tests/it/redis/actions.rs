//! The actions on hashes, lists, sets, streams and settings, each against a real server: what they answer, where the key is
//! missing, and where it holds something else.
use rbk::value::Value;

use super::cache;
use crate::lab::calls::{block_on, said};
use crate::lab::redis::Redis as Server;

#[test]
fn every_kind_of_key() {
    let wrong = "None failed: `db` answered: WRONGTYPE";
    let table = [
        ("lpush key=l value=a", "1"),
        ("lpush key=l value=b", "2"),
        ("lrange key=l from=0 to=-1", "[\"b\", \"a\"]"),
        ("lpush key=h value=a", wrong),
        ("hlen key=h", "2"),
        ("hlen key=none", "0"),
        ("hlen key=l", wrong),
        ("hdel key=h field=x", "true"),
        ("hdel key=h field=x", "false"),
        ("hdel key=l field=x", wrong),
        ("hlen key=h", "1"),
        ("smembers key=s", "[\"one\"]"),
        ("smembers key=none", "[]"),
        ("smembers key=l", wrong),
        ("scard key=s", "1"),
        ("scard key=none", "0"),
        ("scard key=l", wrong),
        ("srem key=s member=two", "false"),
        ("srem key=s member=one", "true"),
        ("srem key=l member=one", wrong),
        ("scard key=s", "0"),
        ("zcard key=z", "2"),
        ("zcard key=none", "0"),
        ("zcard key=l", wrong),
        ("zscore key=z member=ann", "1.25"),
        ("zscore key=z member=bob", "-3"),
        ("zscore key=z member=nobody", "null"),
        ("zscore key=none member=ann", "null"),
        ("zscore key=l member=ann", wrong),
        ("xlen key=x", "2"),
        ("xlen key=none", "0"),
        ("xlen key=l", wrong),
        ("persist key=t", "true"),
        ("persist key=t", "false"),
        ("persist key=none", "false"),
        ("ttl key=t", "null"),
        ("memory key=none", "null"),
    ];
    let server = Server::start();
    for line in [
        "hset h x 1 y 2",
        "sadd s one",
        "zadd z 1.25 ann -3 bob",
        "xadd x * f 1",
        "xadd x * f 2",
        "set t 1 ex 900",
        "set big 0123456789012345678901234567890123456789",
    ] {
        server.cli(&line.split(' ').collect::<Vec<_>>());
    }
    block_on(async {
        let near = cache(&format!("redis://127.0.0.1:{}/0", server.port));
        for (line, expected) in table {
            let found = said(&near.run(line).await);
            assert!(found == expected || expected == wrong && found.starts_with(wrong), "{line}: {found}");
        }
        let size = async |key: &str| match near.run(&format!("memory key={key}")).await.result.unwrap() {
            Value::Size(n) => n,
            other => panic!("{other:?}"),
        };
        assert!((40..1000).contains(&size("big").await) && size("t").await < size("big").await);
    });
    assert_eq!(server.cli(&["ttl", "t"]), "-1");
}

/// What a setting is after the server starts again stands in its file.
#[test]
fn settings_are_kept() {
    let server = Server::start();
    block_on(async {
        let near = cache(&format!("redis://127.0.0.1:{}/0", server.port));
        assert_eq!(said(&near.run("config_set name=maxmemory-samples value=9").await), "null");
        let file = || std::fs::read_to_string(server.server.dir.join("conf")).unwrap();
        assert!(!file().contains("maxmemory-samples 9"));
        assert_eq!(said(&near.run("config_rewrite").await), "null");
        assert!(file().contains("maxmemory-samples 9"), "{}", file());
    });
}
