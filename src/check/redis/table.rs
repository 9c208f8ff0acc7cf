//! What each command of Redis does to the server: its own COMMAND tells, and where it says neither, or too little, the
//! lists below do.
use crate::check::program::Effect;

/// One line a command, as the test that compares it with a running server writes it.
const COMMANDS: &str = include_str!("commands.txt");

/// A command, or a subcommand of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// `lpush`, `config|get`.
    pub name: &'static str,
    /// Words, the command's own among them; negative: at least so many.
    pub arity: i64,
    pub verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Does(Effect),
    /// It does not belong in a runbook.
    Refused {
        why: &'static str,
        help: &'static str,
    },
}

/// The server calls them neither reads nor writes, and they change nothing. What stands in no list here counts as a write.
const READS: &[&str] = &[
    "acl|cat",
    "acl|dryrun",
    "acl|genpass",
    "acl|getuser",
    "acl|list",
    "acl|users",
    "acl|whoami",
    "client|getname",
    "client|getredir",
    "client|id",
    "client|info",
    "client|list",
    "client|trackinginfo",
    "cluster|count-failure-reports",
    "cluster|countkeysinslot",
    "cluster|getkeysinslot",
    "cluster|info",
    "cluster|keyslot",
    "cluster|links",
    "cluster|myid",
    "cluster|nodes",
    "cluster|replicas",
    "cluster|shards",
    "cluster|slaves",
    "cluster|slots",
    "command",
    "command|count",
    "command|docs",
    "command|getkeys",
    "command|getkeysandflags",
    "command|info",
    "command|list",
    "config|get",
    "echo",
    "function|dump",
    "function|list",
    "function|stats",
    "info",
    "lastsave",
    "latency|doctor",
    "latency|graph",
    "latency|histogram",
    "latency|history",
    "latency|latest",
    "memory|doctor",
    "memory|malloc-stats",
    "memory|stats",
    "module|list",
    "ping",
    "pubsub|channels",
    "pubsub|numpat",
    "pubsub|numsub",
    "pubsub|shardchannels",
    "pubsub|shardnumsub",
    "role",
    "script|exists",
    "slowlog|get",
    "slowlog|len",
    "time",
    "wait",
];

type Refusal = (&'static [&'static str], &'static str, &'static str);

const REFUSED: &[Refusal] = &[
    (
        &["keys"],
        "stops the server while it looks at every key",
        "use `.keys(prefix)`, `.scan(match)` or `.count(match)`, which ask for a few at a time",
    ),
    (
        &["flushall", "flushdb"],
        "deletes every key without naming the database",
        "use `redis.flush(cache, db: 1, at_most: 1_000)` of `std/redis` for each database, or `redis.delete_prefix`",
    ),
    (
        &["eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro"],
        "runs code in the server: nobody can say what it changes",
        "write its commands one by one; a change of a key that nobody else has made meanwhile is `redis.set` of `std/redis`",
    ),
    (
        &[
            "script|load",
            "script|flush",
            "script|debug",
            "function|load",
            "function|delete",
            "function|flush",
            "function|restore",
        ],
        "changes the code that the server runs for its clients",
        "let the application bring its own scripts and functions",
    ),
    (
        &["module|load", "module|loadex", "module|unload"],
        "changes the program that the server is",
        "say it in the server's configuration file, and restart it",
    ),
    (
        &["shutdown"],
        "ends the server, and nothing here could start it again",
        "stop the service where it runs: `systemd.stop` of `std/systemd`, which starts it again on the way back",
    ),
    (
        &["save"],
        "stops the server until its data is written",
        "use `BGSAVE`, and wait: `wait up to 5m until cache.info(\"persistence\").rdb_bgsave_in_progress == 0`",
    ),
    (
        &["debug", "pfdebug", "pfselftest", "restore-asking"],
        "is for the server's own tests, and can crash it",
        "ask what is to be known by another command: `OBJECT ENCODING`, `MEMORY USAGE`, `INFO`",
    ),
    (
        &["sync", "psync", "replconf"],
        "makes a replica of its connection",
        "`.info(\"replication\")` tells of the replicas",
    ),
    (
        &["monitor", "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"],
        "never ends: messages follow instead of one answer",
        "poll what the message is about: `wait up to … until …`",
    ),
    (
        &["multi", "exec", "discard", "watch", "unwatch"],
        "belongs to several commands on one connection, and each call may have another",
        "use one command that does it all (`MSET`, `SET … NX`), or `redis.set` of `std/redis`, which makes its change under WATCH",
    ),
    (
        &["select", "auth", "hello"],
        "changes the connection, which other calls use too",
        "say it in the URL, or make another connection: `redis(url, database: 1)`",
    ),
    (
        &[
            "asking",
            "client|caching",
            "client|no-evict",
            "client|reply",
            "client|setname",
            "client|tracking",
            "quit",
            "readonly",
            "readwrite",
            "reset",
        ],
        "changes the connection, which other calls use too",
        "leave it out: connections are looked after",
    ),
];

fn parsed(line: &'static str) -> Option<Known> {
    let mut words = line.split(' ');
    let (name, arity, effect) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    let refused = REFUSED.iter().find(|(names, ..)| names.contains(&name));
    let verdict = match (refused, effect) {
        (Some((_, why, help)), _) => Verdict::Refused { why, help },
        (None, "r") => Verdict::Does(Effect::Read),
        (None, "-") if READS.contains(&name) || name.ends_with("|help") => Verdict::Does(Effect::Read),
        (None, _) => Verdict::Does(Effect::Write),
    };
    Some(Known { name, arity, verdict })
}

/// Every command and subcommand.
pub fn all() -> impl Iterator<Item = Known> {
    COMMANDS.lines().filter_map(parsed)
}

/// `name` in lower case, a subcommand behind `|`.
#[must_use]
pub fn find(name: &str) -> Option<Known> {
    all().find(|known| known.name == name)
}

/// The subcommands of a command.
pub fn subcommands(of: &str) -> impl Iterator<Item = &'static str> {
    all().filter_map(move |known| known.name.strip_prefix(of)?.strip_prefix('|'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_by_hand_is_a_command() {
        let listed = READS.iter().chain(REFUSED.iter().flat_map(|(names, ..)| *names));
        for name in listed {
            assert!(find(name).is_some(), "{name}");
        }
        assert!(all().count() > 300);
    }
}
