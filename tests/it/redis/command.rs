//! `command(…)`: any command, against a real server, whose own table is the one that `check` looks into.
use std::collections::BTreeMap;

use proptest::prelude::*;
use rbk::check::program::Effect;
use rbk::check::redis::table::{self, Verdict};
use rbk::effects::Cancel;
use rbk::engine::Outcome;
use rbk::engine::call::Arg;
use rbk::value::Value;

use super::{Cache, cache, v};
use crate::lab;
use crate::lab::calls::{block_on, native, said};
use crate::lab::redis::{Redis as Server, shared};
use crate::stage::repo;

impl Cache {
    pub async fn command(&self, name: &str, words: Vec<Value>) -> Outcome {
        let (_keep, cancel) = Cancel::new();
        let args = std::iter::once(Value::str(name)).chain(words).map(|word| ("word", Arg::Value(word))).collect();
        let mut call = native("redis.command", Some(&self.on), args);
        let entry = name.to_lowercase().replace(' ', "|");
        call.effect = match table::find(&entry).unwrap().verdict {
            Verdict::Does(effect) => effect,
            Verdict::Refused { .. } => panic!("{name} is refused"),
        };
        self.provider.call(&call, cancel).await
    }

    async fn line(&self, line: &str) -> String {
        let (name, words) = line.split_once(": ").unwrap_or((line, ""));
        said(&self.command(name, words.split_whitespace().map(v).collect()).await)
    }
}

/// A private one: commands change settings.
fn server() -> &'static Server {
    static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// `name arity effect`, in the order of names.
fn told(reply: &redis::Value, into: &mut BTreeMap<String, String>) {
    use redis::Value as R;
    let R::Array(commands) = reply else { panic!("{reply:?}") };
    for command in commands {
        let R::Array(fields) = command else { panic!("{command:?}") };
        let (R::BulkString(name), R::Int(arity), R::Array(flags)) = (&fields[0], &fields[1], &fields[2]) else {
            panic!("{fields:?}")
        };
        let has = |flag: &str| flags.iter().any(|f| matches!(f, R::SimpleString(f) if f == flag));
        let effect = if has("write") {
            "w"
        } else if has("readonly") {
            "r"
        } else {
            "-"
        };
        let waits = if has("blocking") { " blocking" } else { "" };
        let name = String::from_utf8_lossy(name).into_owned();
        into.insert(name.clone(), format!("{name} {arity} {effect}{waits}"));
        if let Some(inner) = fields.get(9) {
            told(inner, into);
        }
    }
}

#[test]
fn the_table_is_the_servers_own() {
    let server = server();
    let mut connection =
        redis::Client::open(format!("redis://127.0.0.1:{}/", server.port)).unwrap().get_connection().unwrap();
    let mut found = BTreeMap::new();
    told(&redis::cmd("COMMAND").query(&mut connection).unwrap(), &mut found);
    let version = server.cli(&["info", "server"]);
    let version = version.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap().trim().to_owned();
    let path = repo("src/check/redis/commands.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
    if std::env::var_os("BLESS").is_some() {
        let all: Vec<&str> = head.into_iter().chain(found.values().map(String::as_str)).collect();
        std::fs::write(&path, all.join("\n") + "\n").unwrap();
        return;
    }
    if version.starts_with("7.0.") {
        assert_eq!(lines, found.values().collect::<Vec<_>>());
        return;
    }
    // Another server has more commands; those of both do the same.
    let mut both = 0;
    for line in lines {
        let (name, told) = line.split_once(' ').unwrap();
        let Some(now) = found.get(name) else { continue };
        both += 1;
        let effect = |line: &str| line.split(' ').nth(1).map(str::to_owned);
        assert_eq!(effect(told), effect(now.split_once(' ').unwrap().1), "{name} of {version}");
    }
    assert!(both > 150, "{version} knows {both} of them");
}

/// By the server's categories, which are another word for it than its flags.
#[test]
fn what_counts_as_a_read_is_no_write() {
    let writes = server().cli(&["acl", "cat", "write"]);
    let writes: Vec<&str> = writes.lines().collect();
    assert!(writes.contains(&"lpush"), "{writes:?}");
    for known in table::all() {
        assert!(known.verdict != Verdict::Does(Effect::Read) || !writes.contains(&known.name), "{}", known.name);
    }
}

#[test]
fn commands_of_every_kind() {
    let table = [
        ("SET: n 0", "\"OK\""),
        ("LPUSH: jobs a b 3", "3"),
        ("LRANGE: jobs 0 -1", "[\"3\", \"b\", \"a\"]"),
        ("lpos: jobs b", "1"),
        ("BLPOP: jobs 1", "[\"jobs\", \"3\"]"),
        ("BLPOP: none 0.01", "null"),
        ("BLPOP: none 0", "None value: `BLPOP` would wait for ever: 0 is no limit"),
        ("XREAD: BLOCK 10 STREAMS none 0", "null"),
        ("ZADD: board 1.5 ann 2 bob", "2"),
        ("ZRANGE: board 0 -1 WITHSCORES", "[\"ann\", \"1.5\", \"bob\", \"2\"]"),
        ("CONFIG SET: maxmemory-samples 7", "\"OK\""),
        ("CONFIG GET: maxmemory-samples", "[\"maxmemory-samples\", \"7\"]"),
        ("OBJECT ENCODING: n", "\"int\""),
        ("SETBIT: bits 7 1", "0"),
        ("INCRBYFLOAT: n 0.5", "\"0.5\""),
        ("INCR: jobs", "None failed: `db` answered: WRONGTYPE"),
        ("LPUSH: jobs", "None failed: `db` answered: ERR wrong number of arguments"),
        ("SET: k null", "None value: null has no text: the value is absent"),
        ("EXPIRE: jobs 5s", "None value: Redis counts seconds in some commands and milliseconds in others"),
    ];
    block_on(async {
        let near = cache(&format!("redis://127.0.0.1:{}/7", server().port));
        for (line, expected) in table {
            let found = near.line(line).await;
            let fits = if expected.starts_with("None ") { found.starts_with(expected) } else { found == expected };
            assert!(fits, "{line}: {found}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]
    #[test]
    fn a_word_is_never_looked_into(texts in proptest::collection::vec((super::injection::hostile(), super::injection::hostile()), 40)) {
        block_on(async {
            let near = cache(&format!("redis://127.0.0.1:{}/8", server().port));
            near.command("SET", vec![Value::str("untouched"), Value::str("1")]).await.result.unwrap();
            for (key, text) in texts {
                let (key, text) = (Value::str(format!("k{key}")), Value::str(text));
                near.command("DEL", vec![key.clone()]).await.result.unwrap();
                // A list is a word for each.
                let both = Value::list(vec![text.clone(), key.clone()]);
                let pushed = near.command("RPUSH", vec![key.clone(), both, text.clone()]).await;
                assert_eq!(pushed.result.unwrap(), Value::Int(3));
                let found = near.command("LRANGE", vec![key.clone(), Value::Int(0), Value::Int(-1)]).await;
                assert_eq!(found.result.unwrap(), Value::list(vec![text.clone(), key.clone(), text]));
            }
            assert_eq!(near.line("GET: untouched").await, "\"1\"");
        });
    }
}

/// Past a command's own limit, that of the connection ends it.
#[test]
fn a_command_that_waits_is_ended() {
    let slow = super::limited(&format!("unix://{}?db=4", shared().socket()), v("200ms"));
    block_on(async {
        let started = std::time::Instant::now();
        let (kept, found) = (slow.line("WAIT: 1 60000").await, started.elapsed());
        assert!(kept.contains("timeout") && found.as_secs() < 5, "{kept} after {found:?}");
    });
}

#[test]
fn a_runbook_runs_commands_and_takes_them_back() {
    let book = "runbook \"r\" {\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
                param broken: bool = false\n  secret value = env(\"VALUE\")\n  connect cache = redis(env(\"CACHE_URL\"))\n  \
                guard \"empty\": cache.command(\"LLEN\", \"list:x\") == 0\n  \
                step \"Push\" {\n    cache.command(\"RPUSH\", \"list:x\", [\"a b\", value])\n    rollback { cache.command(\"UNLINK\", \"list:x\") }\n  }\n  \
                guard \"both\": cache.command(\"LLEN\", \"list:x\") == 2\n  guard \"not\": not broken\n}\n";
    let url = format!("redis://127.0.0.1:{}/9", server().port);
    let env = [("CACHE_URL", url.as_str()), ("VALUE", "canary-of-a-command")];
    let (code, said) = lab::rbk(&book.replace("bool = false", "bool = true"), &env);
    assert!(code == 1 && said.contains("cache.command(\"UNLINK\", \"list:x\")"), "{said}");
    assert_eq!(server().cli(&["-n", "9", "exists", "list:x"]), "0");
    let (code, said) = lab::rbk(book, &env);
    assert!(code == 0 && said.contains("cache.command(\"RPUSH\", \"list:x\", ["), "{said}");
    assert!(!said.contains("canary-of"), "{said}");
    assert_eq!(server().cli(&["-n", "9", "lrange", "list:x", "0", "-1"]), "a b\ncanary-of-a-command");
}
