//! `rbk run` against real processes: signals, timeouts, what is undone and what is left.
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::stage;

/// A runbook in a directory of its own, where its commands run.
struct Book {
    dir: TempDir,
}

struct Ended {
    code: Option<i32>,
    /// Both outputs.
    said: String,
    took: Duration,
}

impl Book {
    fn new(text: &str) -> Book {
        let dir = stage::dir();
        std::fs::write(dir.path().join("book.rbk"), text).unwrap();
        Book { dir }
    }

    /// Header and statements of the usual length.
    fn of(body: &str) -> Book {
        Book::new(&format!("runbook \"Test\" {{\n  deadline 2m\n  rollback within 1m\n{body}\n}}\n"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Nobody at a terminal, a short grace, state of its own.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rbk"));
        command.args(["run", "book.rbk"]);
        self.settle(&mut command);
        command
    }

    fn settle(&self, command: &mut Command) {
        command.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", stage::path()).env("RBK_STATE_DIR", self.path("state")).env("RBK_GRACE", "1s");
        command.env("NO_COLOR", "1");
    }

    fn start(&self) -> Running {
        Running { child: self.command().spawn().unwrap(), started: Instant::now() }
    }

    fn run(&self) -> Ended {
        self.start().end()
    }

    /// Wait for a file that a command writes, and read the pid in it.
    #[track_caller]
    fn pid(&self, name: &str) -> i32 {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(pid) = self.read(name).trim().parse() {
                return pid;
            }
            assert!(Instant::now() < until, "no pid in {name}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn nothing_of(&self, names: &[&str]) {
        for name in names {
            let pid = self.pid(name);
            assert!(!lives(pid), "{name} ({pid}) lives");
        }
    }
}

struct Running {
    child: Child,
    started: Instant,
}

impl Running {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    fn end(mut self) -> Ended {
        let mut said = String::new();
        let mut err = self.child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        if let Some(mut out) = self.child.stdout.take() {
            let _ = out.read_to_string(&mut said);
        }
        let code = self.child.wait().unwrap().code();
        Ended { code, said: said + &errors.join().unwrap(), took: self.started.elapsed() }
    }
}

impl Ended {
    #[track_caller]
    fn with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{}", self.said);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Ended {
        assert!(self.said.contains(text), "no {text:?} in:\n{}", self.said);
        self
    }

    #[track_caller]
    fn within(self, limit: Duration) -> Ended {
        assert!(self.took < limit, "took {:?}:\n{}", self.took, self.said);
        self
    }
}

/// A zombie does not.
fn lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// A step whose command ignores TERM, and so do a background child, one that has left by `setsid` and a double fork,
/// and one that has cleared its environment on the way.
fn stubborn(timeout: &str) -> String {
    format!(
        r#"  step "before" {{
    $ touch before
    rollback {{ $ rm before }}
  }}
  step "stubborn" {timeout} {{
    $ """
      trap '' TERM
      (while :; do sleep 0.2; done) & echo $! > background
      (setsid bash -c '(while :; do sleep 0.2; done) & echo $! > detached' &)
      (env -i setsid bash -c '(while :; do sleep 0.2; done) & echo $! > nameless' &)
      while [ ! -s background ] || [ ! -s detached ] || [ ! -s nameless ]; do sleep 0.05; done
      echo $$ > direct
      while :; do sleep 0.2; done
      """
    rollback {{ $ echo undone > undone }}
  }}"#
    )
}

const TREE: [&str; 4] = ["direct", "background", "detached", "nameless"];

#[test]
fn a_timeout_ends_the_whole_tree_and_the_run_is_undone() {
    let book = Book::of(&stubborn("timeout 1s"));
    // 1s, a grace of 1s, and a margin for a busy machine.
    book.run().with(1).within(secs(6.0));
    book.nothing_of(&TREE);
    assert!(book.has("undone") && !book.has("before"));
}

#[test]
fn a_signal_ends_the_whole_tree_and_the_run_is_undone() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let book = Book::of(&stubborn(""));
        let running = book.start();
        book.pid("direct");
        running.signal(signal);
        running.end().with(1);
        book.nothing_of(&TREE);
        assert!(book.has("undone") && !book.has("before"), "{signal}");
    }
}

#[test]
fn a_second_signal_stops_at_once_and_leaves_no_process() {
    let book = Book::of(&stubborn(""));
    let mut command = book.command();
    let running = Running { child: command.env("RBK_GRACE", "60s").spawn().unwrap(), started: Instant::now() };
    book.pid("direct");
    running.signal(Signal::SIGINT);
    std::thread::sleep(secs(0.3));
    let second = Instant::now();
    running.signal(Signal::SIGINT);
    running.end().with(4);
    assert!(second.elapsed() < secs(5.0));
    book.nothing_of(&TREE);
    assert!(book.has("before") && !book.has("undone"));
}

#[test]
fn a_lost_terminal_is_told_several_times_and_is_one_signal() {
    let book = Book::of(&stubborn(""));
    let running = book.start();
    book.pid("direct");
    for _ in 0..4 {
        running.signal(Signal::SIGHUP);
        std::thread::sleep(secs(0.1));
    }
    running.end().with(1);
    assert!(book.has("undone") && !book.has("before"));
}

#[test]
fn a_run_started_to_survive_its_terminal_does() {
    let book = Book::of("  step \"a\" { $ echo $$ > pid; sleep 1; touch done\n rollback none \"a file\" }");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" run book.rbk", env!("CARGO_BIN_EXE_rbk")]);
    book.settle(&mut command);
    let running = Running { child: command.spawn().unwrap(), started: Instant::now() };
    book.pid("pid");
    running.signal(Signal::SIGHUP);
    running.end().with(0);
    assert!(book.has("done"));
}

#[test]
fn a_closed_standard_output_stops_nothing_half_way() {
    let book = Book::of(
        r#"  step "one" {
    $ touch one
    rollback { $ rm one; touch undone }
  }
  step "loud" {
    $ for i in $(seq 2000); do echo "line $i of something long enough to fill what waits"; done; touch two
    rollback { $ rm two }
  }
  guard "never": 1 == 2"#,
    );
    let mut running = book.start();
    let mut out = BufReader::new(running.child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    drop(out);
    running.end().with(1);
    assert!(book.has("undone") && !book.has("one") && !book.has("two"));
}

#[test]
fn a_daemon_lives_on_after_its_step_and_after_the_run() {
    let book = Book::of(
        r#"  step "daemon" timeout 10s {
    $ """
      setsid sleep 60 &
      echo $! > daemon
      """
    rollback { $ kill "$(cat daemon)" }
  }"#,
    );
    book.run().with(0).within(secs(3.0));
    let pid = book.pid("daemon");
    assert!(lives(pid));
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[test]
fn a_daemon_under_a_timeout_that_hits_is_gone() {
    let book = Book::of(
        r#"  step "daemon" timeout 1s {
    $ """
      setsid sleep 60 &
      echo $! > daemon
      sleep 60
      """
    rollback { $ touch undone }
  }"#,
    );
    book.run().with(1);
    book.nothing_of(&["daemon"]);
    assert!(book.has("undone"));
}

#[test]
fn a_daemon_that_has_ended_is_no_zombie_for_those_who_wait_for_it() {
    let book = Book::of(
        r#"  step "start" {
    $ (setsid sleep 60 >/dev/null 2>&1 & echo $! > daemon)
    rollback none "ended below"
  }
  step "stop" timeout 10s {
    $ pid=$(cat daemon); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done
    rollback none "ended"
  }"#,
    );
    book.run().with(0).within(secs(8.0));
}

#[test]
fn rollbacks_have_their_own_budget_after_the_deadline() {
    let step = |n: u32, work: &str| {
        format!(
            "  step \"{n}\" {{\n    $ echo +{n} >> log; {work}\n    rollback {{ $ sleep 0.7; echo -{n} >> log }}\n  }}\n"
        )
    };
    let body = [step(1, ":"), step(2, ":"), step(3, "sleep 60"), step(4, ":")].concat();
    let book = Book::new(&format!("runbook \"Test\" {{\n  deadline 1s\n  rollback within 30s\n{body}}}\n"));
    book.run().with(1);
    assert_eq!(book.read("log"), "+1\n+2\n+3\n-3\n-2\n-1\n");
}

fn hosts(how: &str) -> Book {
    Book::of(&format!(
        r#"  for host in ["a", "b", "c"] {how} {{
    step "upgrade #{{host}}" {{
      $ echo "+#{{host}}" >> log
      $ if [ #{{host}} = c ]; then while [ $(grep -c + log) -lt 3 ]; do sleep 0.05; done; sleep 0.2; exit 1; else true; fi
      rollback {{ $ echo "<#{{host}}" >> log; sleep 0.5; echo "-#{{host}}" >> log }}
    }}
  }}"#
    ))
}

#[test]
fn hosts_in_sequence_are_undone_last_first() {
    let book = hosts("");
    book.run().with(1);
    assert_eq!(book.read("log"), "+a\n+b\n+c\n<c\n-c\n<b\n-b\n<a\n-a\n");
}

#[test]
fn hosts_in_parallel_are_undone_in_parallel() {
    let book = hosts("parallel 3");
    book.run().with(1);
    let log = book.read("log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 9, "{log}");
    for (part, sign) in lines.chunks(3).zip(["+", "<", "-"]) {
        assert!(part.iter().all(|line| line.starts_with(sign)), "all {sign} together:\n{log}");
    }
}

#[test]
fn a_rollback_is_repeated_until_it_works() {
    let book = Book::of(
        r#"  step "one" {
    $ touch one
    rollback { $ echo try >> tries; [ $(wc -l < tries) -ge 3 ]; rm one }
  }
  fail "on purpose""#,
    );
    book.run().with(1);
    assert_eq!(book.read("tries").lines().count(), 3);
    assert!(!book.has("one"));
}

#[test]
fn a_rollback_that_never_works_names_each_step_still_in_place() {
    let book = Book::of(
        r#"  step "first" {
    $ touch first
    rollback { $ rm first }
  }
  step "second" {
    $ touch second
    rollback { $ false }
  }
  step "third" {
    $ touch third
    rollback { $ rm third }
  }
  fail "on purpose""#,
    );
    let ended = book.run().with(3).says("first").says("second");
    assert!(book.has("first") && book.has("second") && !book.has("third"), "{}", ended.said);
}

#[test]
fn an_answer_for_another_question_stops_the_run_which_is_undone() {
    let text = r#"  param n: int = 3
  step "one" {
    $ touch one
    rollback { $ rm one; touch undone }
  }
  confirm "End #{n} sessions?" within 1m"#;
    for (answer, code) in
        [("End #{n} sessions?=yes:\"End 3 sessions?\"", 0), ("End #{n} sessions?=yes:\"End 4 sessions?\"", 1)]
    {
        let book = Book::of(text);
        let mut command = book.command();
        command.args(["--answer", answer]);
        Running { child: command.spawn().unwrap(), started: Instant::now() }.end().with(code);
        assert_eq!(book.has("undone"), code == 1);
    }
}

#[test]
fn a_no_fails_and_is_undone() {
    let book = Book::of(
        r#"  step "one" {
    $ touch one
    rollback { $ rm one; touch undone }
  }
  confirm "Go on?" within 1m"#,
    );
    let mut command = book.command();
    command.args(["--answer", "Go on?=no"]);
    Running { child: command.spawn().unwrap(), started: Instant::now() }.end().with(1);
    assert!(book.has("undone"));
}

const HOSTILE: [&str; 9] = [
    "it's \"quoted\"",
    "$(touch pwned) `touch pwned`",
    "a; touch pwned & touch pwned | touch pwned > pwned",
    "${HOME} $HOME %s \\n",
    "line one\nline two",
    "EOF\nEOF",
    "*.rbk ~ [a-z]? {a,b}",
    "-rf --",
    "grüße 😀",
];

#[test]
fn hostile_values_reach_commands_unchanged_in_every_place() {
    for shell in ["bash", "dash"] {
        let text = format!(
            r##"runbook "Test" {{
  deadline        1m
  rollback within 1m
  shell           "{shell}"
  param value: string
  step "write" {{
    $ printf %s #{{value}} > bare
    $ printf %s "#{{value}}" > double
    $ printf %s '#{{value}}' > single
    $ x="$(printf %s. #{{value}})"; printf %s "${{x%.}}" > nested
    $ """
      cat > heredoc <<EOF
      #{{value}}
      EOF
      """
    $ tee #{{value}}.txt
    rollback none "files of a test"
  }}
  guard "one word": $(printf %s #{{value}}) == value
}}
"##
        );
        for value in HOSTILE {
            let book = Book::new(&text);
            let mut command = book.command();
            let params = serde_json::json!({ "value": value }).to_string();
            std::fs::write(book.path("params.json"), params).unwrap();
            command.args(["--params", "params.json"]);
            // `tee` would take a name with a leading dash as options, and so it should: that is not the shell's doing.
            let ended = Running { child: command.spawn().unwrap(), started: Instant::now() }.end();
            if !value.starts_with('-') {
                let ended = ended.with(0);
                for place in ["bare", "double", "single", "nested"] {
                    assert_eq!(book.read(place), value, "{shell} {place}: {}", ended.said);
                }
                assert_eq!(book.read("heredoc").trim_end_matches('\n'), value, "{shell}");
                assert!(book.has(&format!("{value}.txt")), "{shell} {value:?}");
            }
            assert!(!book.has("pwned"), "{shell} {value:?}");
        }
    }
}

/// Under a terminal of its own, made by `script`.
fn at_terminal(book: &Book) -> Running {
    let mut command = Command::new("script");
    command.args(["-qec", &format!("{} run book.rbk", env!("CARGO_BIN_EXE_rbk")), "/dev/null"]);
    book.settle(&mut command);
    command.stdin(Stdio::piped());
    Running { child: command.spawn().unwrap(), started: Instant::now() }
}

#[test]
fn a_command_that_wants_the_terminal_fails_and_says_so() {
    let book = Book::of(
        r#"  step "ask" timeout 30s {
    $ read answer < /dev/tty; touch answered
    rollback { $ touch undone }
  }"#,
    );
    at_terminal(&book).end().with(1).says("wants to use the terminal").within(secs(15.0));
    assert!(book.has("undone") && !book.has("answered"));
}

/// The letter of a process's state.
fn state(pid: i32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('?')
}

fn parent(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn ctrl_z_stops_the_run_with_its_command_and_fg_goes_on_without_counting_the_time() {
    let book = Book::of(
        r#"  step "slow" timeout 4s {
    $ echo $$ > pid; sleep 2; touch done
    rollback { $ touch undone }
  }"#,
    );
    let running = at_terminal(&book);
    let command = book.pid("pid");
    let rbk = parent(command);
    kill(Pid::from_raw(rbk), Signal::SIGTSTP).unwrap();
    stage::until("rbk and its command stop", secs(5.0), || state(rbk) == 'T' && state(command) == 'T');
    std::thread::sleep(secs(4.0));
    assert!(!book.has("done"));
    // `script` stops with its child, as a shell would show it.
    running.signal(Signal::SIGCONT);
    kill(Pid::from_raw(rbk), Signal::SIGCONT).unwrap();
    running.end().with(0);
    assert!(book.has("done") && !book.has("undone"));
}

#[test]
fn the_limit_of_open_files_is_raised_for_the_run() {
    let book = Book::of("  guard \"raised\": $ test \"$(ulimit -Sn)\" = \"$(ulimit -Hn)\"");
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -Sn 256; exec \"$0\" run book.rbk", env!("CARGO_BIN_EXE_rbk")]);
    book.settle(&mut command);
    Running { child: command.spawn().unwrap(), started: Instant::now() }.end().with(0);
}

#[test]
fn much_output_needs_little_memory() {
    let book = Book::of(
        r#"  step "loud" timeout 1m {
    $ (yes "a line of output" || true) | head -c 30000000; echo $PPID > rbk; sleep 1
    rollback none "nothing"
  }"#,
    );
    let mut command = book.command();
    command.arg("-q").stdout(Stdio::null());
    let running = Running { child: command.spawn().unwrap(), started: Instant::now() };
    stage::until("the output is written", secs(50.0), || book.has("rbk"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches("kB").trim().parse().unwrap();
    running.end().with(0);
    assert!(kib < 28_000, "{kib} KiB");
}

#[test]
fn a_takeover_ends_the_holder_which_undoes_itself_first() {
    let holder = Book::new(
        r#"runbook "Deploy" {
  deadline        1m
  rollback within 30s
  lock            "production"
  step "deploy" {
    $ touch deployed; echo $$ > pid; sleep 60
    rollback { $ rm deployed; sleep 0.5; touch undone }
  }
}
"#,
    );
    let first = holder.start();
    holder.pid("pid");
    let text = |takeover: &str| {
        format!(
            "runbook \"Emergency\" {{\n  deadline 1m\n  rollback within 30s\n  lock \"production\" {takeover}\n  \
             step \"check\" {{\n    $ test -e {}; touch done\n    rollback none \"a file\"\n  }}\n}}\n",
            holder.path("undone").display()
        )
    };
    let same_state = |book: &Book| {
        let mut command = book.command();
        command.env("RBK_STATE_DIR", holder.path("state"));
        Running { child: command.spawn().unwrap(), started: Instant::now() }
    };
    let refused = Book::new(&text(""));
    same_state(&refused).end().with(2).says("production").says(&first.child.id().to_string());
    assert!(!refused.has("done") && holder.has("deployed"));
    let taker = Book::new(&text("takeover"));
    same_state(&taker).end().with(0);
    assert!(taker.has("done"));
    first.end().with(1);
}

#[test]
fn another_host_and_another_user_are_refused_before_the_first_action() {
    for context in ["ssh(\"web-1\")", "sudo(\"postgres\")"] {
        let book = Book::of(&format!(
            "  step \"one\" {{\n    $ touch one\n    rollback {{ $ rm one }}\n  }}\n  \
             step \"two\" {{\n    with {context} {{ $ touch two }}\n    rollback none \"a file\"\n  }}"
        ));
        book.run().with(2).says("unsupported-here");
        assert!(!book.has("one"));
    }
}

/// nginx is a real daemon: it forks, leaves its session and keeps its descriptors.
#[test]
fn nginx_is_started_by_a_step_that_ends_at_once() {
    let port = stage::port();
    let book = |timeout: &str, more: &str| {
        let book = Book::of(&format!(
            r#"  step "start nginx" {timeout} {{
    $ """
      nginx -p "$PWD" -c nginx.conf
      {more}
      """
    rollback {{ $ nginx -p "$PWD" -c nginx.conf -s stop }}
  }}"#
        ));
        let conf = format!(
            "pid nginx.pid; error_log stderr; events {{}} http {{ access_log off; server {{ listen 127.0.0.1:{port}; \
             return 200 ok; }} }}\n"
        );
        std::fs::write(book.path("nginx.conf"), conf).unwrap();
        book
    };
    let lives_on = book("timeout 20s", "");
    lives_on.run().with(0).within(secs(3.0));
    let pid = lives_on.pid("nginx.pid");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok(), "nginx serves after rbk has exited");
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    stage::until("nginx stops", secs(5.0), || !lives(pid));
    let cut = book("timeout 1s", "sleep 60");
    cut.run();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "nothing of nginx is left");
}
