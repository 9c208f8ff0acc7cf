//! What is left of a command's processes: nothing when it was ended, its daemon when it ended well.
use super::*;

#[test]
fn a_timeout_ends_the_whole_tree_and_the_run_is_undone() {
    let book = Book::of(&stubborn("timeout 1s"));
    // 1s, a grace of 1s, and a margin for a busy machine.
    book.run().with(1).within(secs(6.0));
    book.nothing_of(&TREE);
    assert!(book.has("undone") && !book.has("before"));
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
    assert!(kib < 36_000, "{kib} KiB");
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
