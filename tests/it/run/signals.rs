//! Signals, closed outputs and terminals.
use super::*;

#[test]
fn a_signal_ends_the_whole_tree_and_the_run_is_undone() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let book = Book::of(&stubborn(""));
        let running = book.start();
        book.pid("direct");
        running.signal(signal);
        let said = "stopping \"stubborn\", then undoing; Ctrl-C again stops at once and leaves things in place";
        running.end().with(1).says(said);
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
fn a_hangup_after_another_signal_changes_nothing() {
    let book = Book::of(&stubborn(""));
    let running = book.start();
    book.pid("direct");
    running.signal(Signal::SIGTERM);
    running.signal(Signal::SIGHUP);
    running.end().with(1);
    assert!(book.has("undone") && !book.has("before"));
}

#[test]
fn a_second_signal_names_what_is_in_place() {
    let book = Book::of(&format!("  finally {{ $ touch finally }}\n{}", stubborn("")));
    let running = book.start();
    book.pid("direct");
    running.signal(Signal::SIGINT);
    running.signal(Signal::SIGTERM);
    let said = running.end().with(4).said;
    for part in [
        "left in place:\n    stubborn: not undone, because the run was stopped\n        at book.rbk:9: step \"stubborn\"",
        "    before: not undone, because the run was stopped\n        at book.rbk:5: step \"before\" {",
        "    the runbook: its `finally` did not run to its end\n        at book.rbk:4: finally {",
    ] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    assert!(!book.has("finally"));
}

#[test]
fn a_second_signal_in_a_rollback_says_that_it_was_interrupted_and_where() {
    let book = Book::of(
        r#"  step "one" {
    $ touch one
    rollback {
      let left = $ ls
      $ echo $$ > pid; sleep 60 # slow
    }
  }
  fail "broken""#,
    );
    let running = book.start();
    book.pid("pid");
    running.signal(Signal::SIGTERM);
    std::thread::sleep(secs(0.3));
    running.signal(Signal::SIGTERM);
    let said = running.end().with(4).said;
    let place = "\n        at book.rbk:8: $ echo $$ > pid; sleep 60";
    let left = format!("left in place:\n    one: its rollback was interrupted by a second signal{place}");
    assert!(said.contains(&left), "{said}");
    assert!(said.contains("✗ not undone: one: its rollback was interrupted by a second signal"), "{said}");
}

#[test]
fn quit_is_a_stop_and_what_means_nothing_to_a_run_ends_nothing() {
    let book = Book::of(&stubborn(""));
    let running = book.start();
    book.pid("direct");
    let nothing = [Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGALRM, Signal::SIGVTALRM, Signal::SIGPROF];
    for signal in [&nothing[..], &[Signal::SIGIO, Signal::SIGPIPE, Signal::SIGXFSZ]].concat() {
        running.signal(signal);
    }
    std::thread::sleep(secs(0.3));
    assert!(book.has("before") && !book.has("undone"));
    running.signal(Signal::SIGQUIT);
    running.end().with(1).says("stopping \"stubborn\", then undoing");
    book.nothing_of(&TREE);
    assert!(book.has("undone") && !book.has("before"));
}

/// The system repeats it every second: it is one signal, as a hang-up is.
#[test]
fn a_limit_of_processor_time_is_a_stop() {
    let book = Book::of(&stubborn(""));
    let running = book.start();
    book.pid("direct");
    for _ in 0..3 {
        running.signal(Signal::SIGXCPU);
        std::thread::sleep(secs(0.1));
    }
    running.end().with(1);
    book.nothing_of(&TREE);
    assert!(book.has("undone") && !book.has("before"));
}

/// What rbk does not let end itself ends a command as ever.
#[test]
fn a_command_hears_the_signals_that_a_run_does_not() {
    let book = Book::of(
        r#"  step "one" readonly {
    guard "ended": $ sh -c 'kill -USR1 $$' || test $? = 138
  }"#,
    );
    book.run().with(0);
}
