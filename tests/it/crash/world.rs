//! Where one thread's runs have their effects: a directory, a database and a Redis database of its own.
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Filter, Row, Store, Trouble};
use tempfile::TempDir;

use super::laws::{self, Log};
use crate::stage::postgres::Postgres;
use crate::stage::redis::Redis;
use crate::stage::{self, snapshot};

/// After so many cases a journal is put away: the runs of one show each other that their lock is free.
const RUNS: usize = 20;
/// A process that takes longer hangs.
const HANGS: Duration = Duration::from_secs(90);

pub struct World {
    dir: TempDir,
    /// What is killed.
    binary: PathBuf,
    env: [(&'static str, String); 2],
    database: tokio_postgres::Client,
    runtime: tokio::runtime::Runtime,
    redis: BufReader<TcpStream>,
    runs: usize,
    /// The last run that the journal has shown.
    pub last: Option<String>,
}

/// When a process of rbk is killed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    Never,
    /// At its n-th point, by itself: always the same instant of its work.
    At(u64),
    /// After this time, wherever it is.
    After(Duration),
}

/// What a process of rbk came to.
pub struct Said {
    /// None: killed.
    pub code: Option<i32>,
    pub text: String,
}

/// What the outside holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    files: snapshot::Files,
    accounts: Vec<(i32, i64)>,
    keys: BTreeMap<String, String>,
    /// By the logs: done, and not undone.
    pub done: BTreeSet<String>,
}

/// `RBK_CRASH_BINARY`, seen from the root of the project: an optimised one with the feature `crash-points` makes more cases.
fn binary() -> PathBuf {
    match std::env::var_os("RBK_CRASH_BINARY") {
        Some(path) => stage::repo("").join(path),
        None => PathBuf::from(env!("CARGO_BIN_EXE_rbk")),
    }
}

impl World {
    pub fn new(number: usize, postgres: &Postgres, redis: &Redis) -> World {
        let dir = stage::dir();
        let name = format!("crash{number}");
        postgres.psql("postgres", &format!("CREATE DATABASE {name}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = postgres.url(&name);
        let database = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            let tables = "CREATE TABLE log (id serial, line text); CREATE TABLE accounts (id int, cents bigint)";
            client.batch_execute(tables).await.unwrap();
            client
        });
        let stream = TcpStream::connect(("127.0.0.1", redis.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let env = [("DATABASE_URL", url), ("REDIS_URL", format!("redis://127.0.0.1:{}/{number}", redis.port))];
        let binary = binary();
        let mut world =
            World { dir, binary, env, database, runtime, redis: BufReader::new(stream), runs: 0, last: None };
        world.ask(&format!("SELECT {number}"));
        world
    }

    /// As before any run, for a runbook with this text.
    pub fn begin(&mut self, book: &str) {
        if self.runs == RUNS {
            self.forget();
        }
        self.runs += 1;
        let site = self.site();
        let _ = std::fs::remove_dir_all(&site);
        let _ = std::fs::remove_file(self.dir.path().join("tried"));
        std::fs::create_dir(&site).unwrap();
        std::fs::write(site.join("text"), "old\n").unwrap();
        std::fs::write(self.dir.path().join("book.rbk"), book).unwrap();
        let sql = "DELETE FROM log; DELETE FROM accounts; INSERT INTO accounts VALUES (1, 100), (2, 0)";
        self.runtime.block_on(self.database.batch_execute(sql)).unwrap();
        for command in ["FLUSHDB", "SET state before", "SET old here"] {
            self.ask(command);
        }
    }

    /// Put the journal away, with whatever it holds.
    pub fn forget(&mut self) {
        self.runs = 0;
        self.last = None;
        let _ = std::fs::remove_dir_all(self.dir.path().join("state"));
    }

    fn site(&self) -> PathBuf {
        self.dir.path().join("site")
    }

    /// One process of rbk.
    pub fn rbk(&self, args: &[&str], death: Death) -> Result<Said, String> {
        let path = self.dir.path().join("said");
        let file = std::fs::File::create(&path).unwrap();
        let mut command = Command::new(&self.binary);
        command.args(args).current_dir(self.site()).env("PATH", stage::path()).env("NO_COLOR", "1");
        command.env("RBK_STATE_DIR", self.dir.path().join("state")).env("RBK_GRACE", "1s");
        command.env_remove("RBK_JOURNAL").env_remove("RBK_JOURNAL_KEY").env_remove("RBK_CRASH_AT");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Death::At(at) = death {
            command.env("RBK_CRASH_AT", at.to_string());
        }
        let mut child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if matches!(death, Death::After(time) if started.elapsed() >= time) {
                child.kill().unwrap();
            }
            if started.elapsed() > HANGS {
                child.kill().unwrap();
                child.wait().unwrap();
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                return Err(format!("`rbk {}` hangs; it said:\n{text}", args.join(" ")));
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let text = stage::text(&std::fs::read(&path).unwrap());
        match (status.code(), status.signal()) {
            (None, Some(9)) if death != Death::Never => Ok(Said { code: None, text }),
            (Some(code), _) => Ok(Said { code: Some(code), text }),
            (None, signal) => Err(format!("`rbk {}` was ended by {signal:?}; it said:\n{text}", args.join(" "))),
        }
    }

    /// The runs of the journal, the last first; it must be whole.
    pub fn listed(&self) -> Result<Vec<Row>, String> {
        let path = self.dir.path().join("state/journal.db");
        if !path.exists() {
            return Ok(Vec::new());
        }
        let wrong = |trouble: Trouble| trouble.message;
        let mut store = Sqlite::open(&path, None).map_err(wrong)?;
        store.whole().map_err(wrong)?;
        store.runs(&Filter::default()).map_err(wrong)
    }

    /// The log of each place; what each holds.
    pub fn logs(&mut self) -> [Log; 3] {
        let file = std::fs::read_to_string(self.site().join("log")).unwrap_or_default();
        let rows = self.runtime.block_on(self.database.query("SELECT line FROM log ORDER BY id", &[])).unwrap();
        [
            Log::of("file", file.lines().map(str::to_owned)),
            Log::exact("postgres", rows.iter().map(|row| row.get(0))),
            Log::of("redis", self.ask("LRANGE log 0 -1").into_iter()),
        ]
    }

    pub fn state(&mut self) -> State {
        let done = self.logs().iter().flat_map(laws::done).collect();
        let mut files = snapshot::files(&self.site());
        files.remove("log");
        let sql = "SELECT id, cents FROM accounts ORDER BY id";
        let rows = self.runtime.block_on(self.database.query(sql, &[])).unwrap();
        let mut keys = BTreeMap::new();
        for key in self.ask("KEYS *") {
            if key != "log" {
                let value = self.ask(&format!("GET {key}")).join("");
                keys.insert(key, value);
            }
        }
        State { files, accounts: rows.iter().map(|row| (row.get(0), row.get(1))).collect(), keys, done }
    }

    /// What of a run still lives: its processes, its sessions.
    pub fn alive(&self, run: &str) -> Vec<String> {
        let action = format!("RBK_ACTION={run}/");
        let mut found = Vec::new();
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let environ = std::fs::read(process.path().join("environ")).unwrap_or_default();
            if environ.split(|byte| *byte == 0).any(|pair| pair.starts_with(action.as_bytes())) {
                found.push(format!("process {}", process.file_name().display()));
            }
        }
        let sql = "SELECT application_name, state, query FROM pg_stat_activity WHERE datname = current_database() AND \
                   application_name LIKE 'rbk/%'";
        let rows = self.runtime.block_on(self.database.query(sql, &[])).unwrap();
        found.extend(rows.iter().map(|row| {
            format!(
                "session {} {:?} {}",
                row.get::<_, String>(0),
                row.get::<_, Option<String>>(1),
                row.get::<_, String>(2)
            )
        }));
        found
    }

    /// One inline command of Redis and its answer, a line each.
    fn ask(&mut self, command: &str) -> Vec<String> {
        write!(self.redis.get_mut(), "{command}\r\n").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Vec<String> {
        let mut line = String::new();
        self.redis.read_line(&mut line).unwrap();
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "*" => (0..rest.parse().unwrap()).flat_map(|_: usize| self.answer()).collect(),
            "$" if rest == "-1" => Vec::new(),
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.redis.read_exact(&mut bytes).unwrap();
                vec![stage::text(&bytes).trim_end().to_owned()]
            }
            "+" | ":" => vec![rest.to_owned()],
            _ => panic!("redis: {line}"),
        }
    }
}
