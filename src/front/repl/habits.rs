//! What people type by habit at other consoles, and which line does it at this one.
use std::sync::Arc;

use super::orders::ALL;
use crate::journal::Trouble;
use crate::value::{ConnKind, Connection, SmolStr};

/// The way to it here; none where nobody else's console takes such a line. `connections`: those that there are; `known`: what is called so
/// is no habit.
pub fn habit(text: &str, connections: &[Arc<Connection>], known: impl Fn(&str) -> bool) -> Option<Trouble> {
    let line = line(text)?;
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let named = |kind: &ConnKind| connections.iter().rev().find(|on| on.kind == *kind).map(|on| on.name.clone());
    if let Some(command) = line.strip_prefix('!') {
        return Some(shell("`!`", command.trim_start_matches('!').trim()));
    }
    if known(word) || known(word.trim_end_matches("()")) {
        return None;
    }
    let (db, cache) = (named(&ConnKind::Postgres), named(&ConnKind::Redis));
    end(line)
        .or_else(|| screen(word, rest))
        .or_else(|| order(word, rest, line))
        .or_else(|| {
            (is_redis(word, rest) && (cache.is_some() || db.is_none() || !is_sql(word, rest)))
                .then(|| redis(word, rest, cache))?
        })
        .or_else(|| is_sql(word, rest).then(|| sql(line, word, db.clone()))?)
        .or_else(|| client(line, word, db))
        .or_else(|| place(word, rest))
        .or_else(|| program(line, word, rest))
}

/// One of these is whole where it ends, whatever the language would wait for: `KEYS *`.
pub fn is_whole(text: &str) -> bool {
    let Some(line) = line(text) else { return false };
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    is_redis(word, rest.trim()) || is_sql(word, rest) || line.starts_with(['!', '\\'])
}

/// `$ cd DIR` alone: where to. It is over with its command.
pub fn goes_nowhere(text: &str) -> Option<&str> {
    let rest = text.trim().strip_prefix('$')?.trim_start().strip_prefix("cd")?;
    let dir = rest.trim();
    let alone = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (alone && !dir.contains(['\n', ';', '&', '|'])).then_some(dir)
}

/// The way to commands that run in a directory.
pub fn in_dir(dir: &str) -> String {
    let dir = match dir.trim_matches(['"', '\'']) {
        "" | "~" | "-" => "/tmp",
        dir => dir,
    };
    format!("`with dir({}) {{ $ … }}` runs commands there", quoted(dir))
}

fn line(text: &str) -> Option<&str> {
    let line = text.trim().trim_end_matches(';').trim_end();
    (!line.is_empty() && !line.contains('\n') && !line.starts_with(['$', '#', ':'])).then_some(line)
}

fn trouble(what: &str, help: impl Into<String>) -> Option<Trouble> {
    Some(Trouble::new(what.to_owned()).with_help(help))
}

fn end(line: &str) -> Option<Trouble> {
    let words = ["exit", "quit", "exit()", "quit()", "logout", "bye", "q", "\\q"];
    words
        .contains(&line)
        .then(|| trouble(&format!("`{line}` ends other consoles"), "Ctrl-D or `:quit` ends this one"))?
}

fn screen(word: &str, rest: &str) -> Option<Trouble> {
    match (word, rest) {
        ("clear" | "cls", "") => trouble(&format!("`{word}` is no line of this console"), "Ctrl-L clears the screen"),
        ("history", _) => trouble(
            "`history` is no line of this console",
            "the arrows and Ctrl-R bring back what was typed, `:steps` lists what is in place, `:report` tells all of it",
        ),
        ("?" | "\\?" | "man" | "usage" | "--help" | "-h", _) => trouble(
            &format!("`{word}` is no line of this console"),
            "`:help` lists its orders; `help NAME` tells what can be called",
        ),
        _ => None,
    }
}

/// An order without its colon. Words of the language are none.
fn order(word: &str, rest: &str, line: &str) -> Option<Trouble> {
    const ORDERS: [&str; 11] =
        ["undo", "redo", "steps", "load", "save", "plan", "goto", "report", "explain", "docs", "env"];
    let known = ORDERS.contains(&word) && ALL.iter().any(|order| order.names.contains(&format!(":{word}").as_str()));
    // `plan.x`, `load = 1` are no orders; neither is `env A=1`.
    let is_one = known && !rest.starts_with(['=', '+', '-', '*', '/', '.']) && (word != "env" || rest.is_empty());
    is_one.then(|| {
        trouble(&format!("`{word}` is an order to the console, which begins with a colon"), format!("`:{line}`"))
    })?
}

fn is_sql(word: &str, rest: &str) -> bool {
    const STATEMENTS: [&str; 20] = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "TRUNCATE", "EXPLAIN", "VACUUM", "GRANT",
        "REVOKE", "SHOW", "REINDEX", "ANALYZE", "WITH", "SET", "BEGIN", "COMMIT", "ROLLBACK",
    ];
    /// Written small they are statements of this language as well, or names.
    const LARGE: usize = 13;
    let small = !rest.is_empty() && !rest.starts_with(['=', '(', '.', '+', '-', '/']);
    STATEMENTS
        .iter()
        .enumerate()
        .any(|(at, statement)| *statement == word || (at < LARGE && small && statement.eq_ignore_ascii_case(word)))
}

fn sql(line: &str, word: &str, db: Option<SmolStr>) -> Option<Trouble> {
    let what = "SQL needs a connection in front of it";
    if ["BEGIN", "COMMIT", "ROLLBACK"].contains(&word) {
        let db = db.as_deref().unwrap_or("db");
        return trouble(what, format!("`transaction {db} {{ … }}` is one transaction, which ends with its bracket"));
    }
    let reads = ["select", "show", "explain", "with"].iter().any(|read| read.eq_ignore_ascii_case(word));
    let method = if reads { "query" } else { "exec" };
    trouble(what, through(db, |db| format!("`{db}.{method}({})`", quoted(line))))
}

/// By the connection that there is; else how one is made.
fn through(db: Option<SmolStr>, call: impl Fn(&str) -> String) -> String {
    match db {
        Some(db) => call(&db),
        None => format!("`connect db = postgres(env(\"DATABASE_URL\"))`, then {}", call("db")),
    }
}

fn is_redis(word: &str, rest: &str) -> bool {
    const COMMANDS: [&str; 36] = [
        "KEYS", "SCAN", "GET", "SET", "DEL", "UNLINK", "EXISTS", "TTL", "EXPIRE", "PERSIST", "TYPE", "HGET", "HGETALL",
        "HSET", "HLEN", "LLEN", "LRANGE", "LPUSH", "RPUSH", "LPOP", "RPOP", "SCARD", "SMEMBERS", "SADD", "ZCARD",
        "ZRANGE", "XLEN", "INFO", "PING", "DBSIZE", "FLUSHALL", "FLUSHDB", "CONFIG", "CLIENT", "SLOWLOG", "MONITOR",
    ];
    const SMALL: [&str; 8] = ["keys", "get", "del", "ttl", "hgetall", "smembers", "lrange", "info"];
    let small = SMALL.contains(&word) && !rest.is_empty() && !rest.starts_with(['=', '(', '.', '+', '-', '/']);
    // `SET statement_timeout = 0`, `SET x TO y` are SQL.
    let mut after = rest.split_whitespace().skip(1);
    let sql = word == "SET" && matches!(after.next(), Some("=" | "TO" | "to") | None);
    (COMMANDS.contains(&word) || small) && !sql
}

fn redis(word: &str, rest: &str, cache: Option<SmolStr>) -> Option<Trouble> {
    const METHODS: [&str; 11] =
        ["GET", "EXISTS", "TTL", "TYPE", "HGETALL", "HLEN", "LLEN", "SCARD", "SMEMBERS", "ZCARD", "XLEN"];
    let large = word.to_ascii_uppercase();
    let words: Vec<String> = rest.split_whitespace().map(|word| quoted(word.trim_matches(['"', '\'']))).collect();
    let call = match (large.as_str(), words.as_slice()) {
        ("KEYS" | "SCAN", [pattern, ..]) => format!("scan({pattern})"),
        (method, [key]) if METHODS.contains(&method) => format!("{}({key})", method.to_ascii_lowercase()),
        ("PING", []) => "ping()".to_owned(),
        (_, words) => {
            let all: Vec<String> = std::iter::once(quoted(&large)).chain(words.iter().cloned()).collect();
            format!("command({})", all.join(", "))
        }
    };
    let help = match cache {
        Some(cache) => format!("`{cache}.{call}`"),
        None => format!("`connect cache = redis(env(\"REDIS_URL\"))`, then `cache.{call}`"),
    };
    trouble("a command of Redis needs a connection in front of it", help)
}

/// What opens a console of a server's own.
fn client(line: &str, word: &str, db: Option<SmolStr>) -> Option<Trouble> {
    if line.starts_with('\\') {
        let tables = "SELECT table_schema, table_name FROM information_schema.tables";
        let about = match word {
            "\\l" => "SELECT datname FROM pg_database".to_owned(),
            "\\du" => "SELECT rolname FROM pg_roles".to_owned(),
            "\\d" | "\\d+" if line != word => {
                let table = line.trim_start_matches(word).trim().replace('\'', "''");
                format!("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '{table}'")
            }
            _ => tables.to_owned(),
        };
        return trouble(
            &format!("`{word}` is an order of psql"),
            through(db, |db| format!("`{db}.query({})`", quoted(&about))),
        );
    }
    match word {
        "psql" => trouble(
            "psql has no terminal here",
            format!(
                "{}; `$ psql -c '…'` runs one statement by itself",
                through(db, |db| format!("`{db}.query(\"…\")`"))
            ),
        ),
        "redis-cli" | "valkey-cli" => trouble(
            &format!("{word} has no terminal here"),
            "`connect cache = redis(env(\"REDIS_URL\"))`, then `cache.get(\"…\")` or `cache.command(\"…\")`",
        ),
        _ => None,
    }
}

/// What changes the shell that it is typed at: a command here has one of its own.
fn place(word: &str, rest: &str) -> Option<Trouble> {
    match word {
        "cd" | "pushd" => {
            trouble("each command starts in the console's directory: `cd` would be over with its own", in_dir(rest))
        }
        "export" | "source" | "." | "alias" | "unset" if !rest.starts_with('=') => trouble(
            &format!("each command has a shell of its own: `{word}` would be over with it"),
            "`with env({ NAME: \"value\" }) { $ … }` gives commands a variable; `$ . FILE && …` reads a file for one",
        ),
        "vi" | "vim" | "nvim" | "nano" | "emacs" | "less" | "more" | "top" | "htop" | "ssh" | "screen" | "tmux" => {
            trouble(
                &format!("`{word}` needs a terminal, and a command here has none"),
                if word == "ssh" {
                    "`with ssh(\"HOST\") { $ … }` runs commands over there; Ctrl-Z stops the console, `fg` goes on with it"
                } else {
                    "Ctrl-Z stops the console, `fg` goes on with it"
                },
            )
        }
        "sudo" | "doas" => {
            let help = if rest.is_empty() { "…".to_owned() } else { rest.to_owned() };
            trouble(
                "a command begins with `$`, and cannot ask for a password",
                format!("`with sudo() {{ $ {help} }}`, or `$ sudo -n {help}`"),
            )
        }
        _ => None,
    }
}

/// Known names, paths, and whatever has options as programs have them.
fn program(line: &str, word: &str, rest: &str) -> Option<Trouble> {
    const PROGRAMS: [&str; 62] = [
        "ls",
        "ll",
        "cat",
        "cp",
        "mv",
        "rm",
        "mkdir",
        "rmdir",
        "touch",
        "ln",
        "grep",
        "rg",
        "awk",
        "sed",
        "find",
        "ps",
        "pgrep",
        "pkill",
        "kill",
        "killall",
        "df",
        "du",
        "free",
        "uptime",
        "tail",
        "head",
        "wc",
        "sort",
        "pwd",
        "whoami",
        "id",
        "hostname",
        "date",
        "echo",
        "printf",
        "which",
        "chmod",
        "chown",
        "systemctl",
        "service",
        "journalctl",
        "docker",
        "podman",
        "kubectl",
        "helm",
        "git",
        "make",
        "curl",
        "wget",
        "ping",
        "dig",
        "nslookup",
        "ss",
        "netstat",
        "ip",
        "tar",
        "rsync",
        "scp",
        "pg_dump",
        "celery",
        "python",
        "rbk",
    ];
    let name = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let dashes = rest.strip_prefix("--").or_else(|| rest.strip_prefix('-'));
    let options = name && dashes.is_some_and(|option| option.starts_with(|c: char| c.is_ascii_alphabetic()));
    let path = ["./", "../", "/", "~/"].iter().any(|start| word.starts_with(start)) && word.len() > 2;
    let calls = rest.starts_with(['=', '(']) || word.contains('(');
    let is_one = !calls && (PROGRAMS.contains(&word) || options || path);
    is_one.then(|| shell(&format!("`{word}`"), line))
}

fn shell(what: &str, command: &str) -> Trouble {
    Trouble::new(format!("a command of the shell begins with `$`, not with {what}")).with_help(format!("`$ {command}`"))
}

/// As a string of the language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace("#{", "\\#{"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::console::pieces;

    fn said(text: &str) -> Option<String> {
        let trouble = habit(text, &[], |word| word == "top")?;
        Some(format!("{}: {}", trouble.message, trouble.help.unwrap_or_default()))
    }

    #[test]
    fn each_has_its_line() {
        for (text, line) in [
            ("ls -la", "`$ ls -la`"),
            ("!ls", "`$ ls`"),
            ("kubectl get pods", "`$ kubectl get pods`"),
            ("mytool --all", "`$ mytool --all`"),
            ("./deploy.sh now", "`$ ./deploy.sh now`"),
            ("cd /tmp", "`with dir(\"/tmp\") { $ … }`"),
            ("exit", "`:quit`"),
            ("quit;", "`:quit`"),
            ("\\q", "`:quit`"),
            ("SELECT 1;", "`db.query(\"SELECT 1\")`"),
            ("select \"a\" from t", "`db.query(\"select \\\"a\\\" from t\")`"),
            ("DELETE FROM t", "`db.exec(\"DELETE FROM t\")`"),
            ("SET statement_timeout = 0", "`db.exec(\"SET statement_timeout = 0\")`"),
            ("BEGIN", "`transaction db { … }`"),
            ("psql -h db", "`db.query(\"…\")`"),
            ("\\d", "information_schema.tables"),
            ("\\d orders", "table_name = 'orders'"),
            ("KEYS *", "`cache.scan(\"*\")`"),
            ("get a", "`cache.get(\"a\")`"),
            ("SET a b", "`cache.command(\"SET\", \"a\", \"b\")`"),
            ("sudo systemctl restart x", "`with sudo() { $ systemctl restart x }`"),
            ("history", "Ctrl-R"),
            ("clear", "Ctrl-L"),
            ("undo 3", "`:undo 3`"),
            ("export A=1", "`with env("),
            ("vim x", "Ctrl-Z"),
        ] {
            assert!(said(text).is_some_and(|said| said.contains(line)), "{text}: {:?}", said(text));
        }
    }

    #[test]
    fn what_is_of_this_language_is_no_habit() {
        for text in [
            "",
            "# ls",
            "$ ls",
            ":undo",
            "top - 1",
            "let x = 1",
            "step \"a\" {",
            "f(1)",
            "plan.x",
            "get = 1",
            "update(x)",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
        assert!(is_whole("KEYS *") && is_whole("SELECT *") && !is_whole("let x = ") && !is_whole("with dir(\"/\") {"));
        assert_eq!(goes_nowhere("$ cd /tmp"), Some("/tmp"));
        assert_eq!(goes_nowhere("$ cd /tmp && ls"), None);
        assert_eq!(goes_nowhere("$ cdrom"), None);
        // What is offered can be typed.
        assert!(!pieces("db.query(\"SELECT 1\")").is_empty());
    }
}
