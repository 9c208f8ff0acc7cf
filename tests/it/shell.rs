//! Commands as real processes: what reaches them, what comes back, and what is left of them afterwards.
use std::path::Path as File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rbk::check::program::{Effect, How, Shell as Interpreter, Want};
use rbk::effects::shell::Shell;
use rbk::effects::{Cancel, Canceller, Chunk, Output, Stream};
use rbk::engine::call::{Key, Path, Segment};
use rbk::engine::{Call, CallId, Context, Ending, FailureKind, Outcome, Piece, What};
use rbk::source::Span;
use rbk::value::{Secret, Value};
use tokio::sync::mpsc;

fn text(text: &str) -> Piece {
    Piece::Text { text: text.into(), span: Span::default() }
}

fn value(value: impl Into<Arc<str>>, how: How) -> Piece {
    Piece::Value { value: Value::Str(value.into()), how, span: Span::default() }
}

/// A call with an id of its own, so that tests that run at the same time are neighbours, not the same.
fn call(code: Vec<Piece>, want: Want) -> Call {
    let id = fastrand::u64(1..u64::MAX);
    Call {
        id: CallId(id),
        path: Path::default().join(Segment::At(7)),
        attempt: 1,
        key: Key { ordinal: fastrand::u32(..), ..Key::default() },
        what: What::Shell { code, direct: false, shell: Interpreter::Bash },
        effect: Effect::Write,
        idempotent: false,
        want,
        contexts: Arc::new([]),
        limit: None,
        text: "the command".into(),
        span: Span::default(),
    }
}

fn script(code: &str, want: Want) -> Call {
    call(vec![text(code)], want)
}

fn with(mut call: Call, contexts: Vec<Context>) -> Call {
    call.contexts = contexts.into();
    call
}

fn shell() -> Shell {
    let mut shell = Shell { grace: Duration::from_millis(300), ..Shell::new("test-run".into()).unwrap() };
    shell.shelf.dir = None;
    shell
}

struct Ran {
    outcome: Outcome,
    /// What was streamed.
    out: Vec<u8>,
    took: Duration,
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn run(call: &Call) -> Ran {
    cancelled(call, None)
}

/// Cancelled after a while.
fn cancelled(call: &Call, after: Option<Duration>) -> Ran {
    block_on(async {
        let (canceller, cancel) = Cancel::new();
        let (to, mut chunks) = mpsc::channel::<Chunk>(4);
        let started = Instant::now();
        let shell = shell();
        let work = shell.call(call, cancel, Output { call: call.id, to });
        let stop = async {
            match after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            canceller.cancel();
            std::future::pending::<()>().await;
        };
        let collect = async {
            let mut out = Vec::new();
            while let Some(chunk) = chunks.recv().await {
                if chunk.stream != Stream::Kept {
                    out.extend(chunk.bytes);
                }
            }
            out
        };
        let (outcome, out) = tokio::select! {
            both = async { tokio::join!(work, collect) } => both,
            () = stop => unreachable!(),
        };
        Ran { outcome, out, took: started.elapsed() }
    })
}

fn string(ran: &Ran) -> String {
    match &ran.outcome.result {
        Ok(Value::Str(s)) => s.to_string(),
        other => panic!("no string: {other:?}"),
    }
}

fn message(ran: &Ran) -> String {
    ran.outcome.result.as_ref().unwrap_err().message.clone()
}

/// Whether a process lives (a zombie does not).
fn lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

fn read_pid(path: &File) -> i32 {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        if let Ok(pid) = std::fs::read_to_string(path).unwrap_or_default().trim().parse() {
            return pid;
        }
        assert!(Instant::now() < until, "no pid in {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

const HOSTILE: [&str; 14] = [
    "",
    "two words",
    "it's",
    "say \"hi\"",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME} $HOME",
    "a;b & c | d > e < f",
    "back\\slash \\n",
    "line one\nline two\n",
    "EOF\nEOF\n",
    "100% *.? [a] {b} ~ #c !d",
    "grüße 😀 \u{202e}x",
    "-n -e --",
];

/// `printf %s` in each place that a value can stand in.
fn places(v: &str) -> Vec<(&'static str, Vec<Piece>)> {
    vec![
        ("bare", vec![text("printf %s "), value(v, How::Bare)]),
        ("double", vec![text("printf %s \""), value(v, How::InDouble), text("\"")]),
        ("single", vec![text("printf %s '"), value(v, How::InSingle), text("'")]),
        ("heredoc", vec![text("cat <<EOF\n"), value(v, How::InHeredoc), text("\nEOF\n")]),
        ("nested", vec![text("x=\"$(printf %s "), value(v, How::Bare), text("; printf .)\"; printf %s \"${x%.}\"")]),
    ]
}

#[test]
fn hostile_values_reach_a_command_unchanged_in_every_place_of_bash_and_dash() {
    let dir = tempfile::tempdir().unwrap();
    for interpreter in [Interpreter::Bash, Interpreter::Other("dash".into())] {
        for v in HOSTILE {
            for (place, code) in places(v) {
                let mut call = call(code, Want::Result);
                call.what = match call.what {
                    What::Shell { code, direct, .. } => What::Shell { code, direct, shell: interpreter.clone() },
                    other => other,
                };
                let call = with(call, vec![Context::Dir(dir.path().to_str().unwrap().into())]);
                let ran = run(&call);
                let Ok(Value::Record(record)) = &ran.outcome.result else { panic!("{place} {v:?}: {:?}", ran.outcome) };
                let expected = v.trim_end_matches('\n');
                assert_eq!(record.get("out"), Some(&Value::str(expected)), "{interpreter:?} {place} {v:?}");
            }
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was interpreted");
}

#[test]
fn hostile_values_reach_a_direct_command_unchanged() {
    for v in HOSTILE {
        let mut call = call(vec![text("printf %s "), value(v, How::Bare)], Want::Value);
        call.what = match call.what {
            What::Shell { code, shell, .. } => What::Shell { code, direct: true, shell },
            other => other,
        };
        assert_eq!(string(&run(&call)), v.trim_end_matches('\n'), "{v:?}");
    }
}

#[test]
fn a_nul_is_refused_before_anything_starts() {
    for direct in [true, false] {
        let mut call = call(vec![text("touch /nonexistent/x "), value("a\0b", How::Bare)], Want::Nothing);
        if let What::Shell { direct: d, .. } = &mut call.what {
            *d = direct;
        }
        let ran = run(&call);
        assert_eq!(ran.outcome.ending, Ending::None);
        assert!(message(&ran).to_lowercase().contains("nul"), "{}", message(&ran));
    }
}

#[test]
fn exit_codes_are_results_conditions_and_failures() {
    let cases: [(&str, Want, Result<Value, &str>); 9] = [
        ("exit 0", Want::Nothing, Ok(Value::Null)),
        ("echo said >&2; exit 3", Want::Nothing, Err("exited with code 3")),
        ("true", Want::Condition, Ok(Value::Bool(true))),
        ("exit 1", Want::Condition, Ok(Value::Bool(false))),
        ("exit 125", Want::Condition, Ok(Value::Bool(false))),
        ("exit 126", Want::Condition, Err("code 126")),
        ("nosuchcommand", Want::Condition, Err("code 127")),
        ("kill -9 $$", Want::Condition, Err("SIGKILL")),
        ("false | true", Want::Condition, Ok(Value::Bool(false))),
    ];
    for (code, want, expected) in cases {
        let ran = run(&script(code, want));
        match expected {
            Ok(value) => {
                let says = code.strip_prefix("exit ").or((code == "false | true").then_some("1"));
                let why = (value == Value::Bool(false)).then(|| format!("exited with code {}", says.unwrap_or("?")));
                assert_eq!(ran.outcome, Outcome { why, ..Outcome::done(value) }, "{code}");
            }
            Err(part) => {
                assert!(message(&ran).contains(part), "{code}: {}", message(&ran));
                assert_eq!(ran.outcome.ending, Ending::Some, "{code}");
            }
        }
    }
    let ran = run(&script("echo said >&2; exit 3", Want::Nothing));
    assert_eq!(ran.out, b"said\n");
    assert_eq!(ran.outcome.result.unwrap_err().notes, ["said"]);
}

#[test]
fn a_death_by_a_signal_is_told_in_words() {
    let cases = [
        ("kill -9 $$", "was ended by SIGKILL: somebody ended it at once, or the system did for want of memory"),
        ("kill -PIPE $$", "was ended by SIGPIPE: a reader of its output went away"),
        ("kill -SEGV $$", "was ended by SIGSEGV: it crashed"),
        ("yes | true", "exited with code 141: a command in it was ended by SIGPIPE: a reader of its output went away"),
        (
            "(kill -TERM $BASHPID)",
            "exited with code 143: a command in it was ended by SIGTERM: somebody asked it to end",
        ),
        ("exit 255", "exited with code 255"),
    ];
    for (code, expected) in cases {
        let said = message(&run(&script(code, Want::Nothing)));
        assert!(said.ends_with(expected), "{code}: {said}");
    }
}

#[test]
fn result_gives_code_out_and_err_whatever_the_code() {
    let ran = run(&script("echo a; echo b >&2; exit 4", Want::Result));
    let expected = Value::record([
        ("code".into(), Value::Int(4)),
        ("out".into(), Value::str("a")),
        ("err".into(), Value::str("b")),
    ]);
    assert_eq!(ran.outcome, Outcome::done(expected));
}

#[test]
fn a_value_loses_only_its_trailing_newlines_and_must_be_text() {
    assert_eq!(string(&run(&script("printf ' a\\n\\nb \\n\\n\\n'", Want::Value))), " a\n\nb ");
    let nul = run(&script("printf 'a\\0b'", Want::Value));
    assert!(message(&nul).contains("NUL"));
    let bytes = run(&script("printf '\\377'", Want::Value));
    assert!(message(&bytes).contains("UTF-8"));
    assert_eq!(bytes.outcome.result.unwrap_err().kind, FailureKind::Value);
}

#[test]
fn a_value_of_one_mebibyte_is_taken_and_more_is_not() {
    let ran = run(&script("head -c 1048576 /dev/zero | tr '\\0' x", Want::Value));
    assert_eq!(string(&ran).len(), 1 << 20);
    let ran = run(&script("head -c 1048577 /dev/zero | tr '\\0' x", Want::Value));
    assert!(message(&ran).contains("use a file"), "{}", message(&ran));
    // A read that would never end is ended.
    let mut endless = script("yes", Want::Value);
    endless.effect = Effect::Read;
    let ran = run(&endless);
    assert!(message(&ran).contains("use a file"));
    assert!(ran.took < Duration::from_secs(5));
}

#[test]
fn a_program_that_is_not_there_is_provably_without_effect() {
    let mut missing = script("gti", Want::Nothing);
    missing.what = What::Shell { code: vec![text("sedd -n p")], direct: true, shell: Interpreter::Bash };
    let ran = run(&missing);
    assert_eq!(ran.outcome.ending, Ending::None);
    let failure = ran.outcome.result.unwrap_err();
    assert_eq!(failure.message, "the command `sedd` was not found");
    assert!(failure.help.unwrap().starts_with("did you mean `sed"));
}

#[test]
fn a_directory_that_is_not_there_is_said_to_be_it() {
    let call = with(script("true", Want::Nothing), vec![Context::Dir("/nonexistent".into())]);
    let ran = run(&call);
    assert_eq!(ran.outcome.ending, Ending::None);
    assert!(message(&ran).contains("`/nonexistent` does not exist"));
}

fn env(pairs: &[(&str, Value)]) -> Context {
    Context::Env(pairs.iter().map(|(k, v)| ((*k).into(), v.clone())).collect())
}

fn wrap(argv: &[&str], reparses: bool, carries_env: bool) -> Context {
    Context::Wrap { argv: argv.iter().map(|w| Value::str(*w)).collect(), reparses, carries_env }
}

#[test]
fn each_context_is_taken_in_the_world_of_those_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    std::fs::create_dir(dir.join("sub")).unwrap();
    let at = |d: &File| Context::Dir(d.to_str().unwrap().into());
    let sub = || Context::Dir("sub".into());
    let pwd = |contexts| string(&run(&with(script("pwd; printf %s \"${A-unset}\"", Want::Value), contexts)));
    let expected = format!("{}\nx y", dir.join("sub").display());
    let a = || env(&[("A", Value::str("x y"))]);
    assert_eq!(pwd(vec![at(&dir), sub(), a()]), expected);
    assert_eq!(pwd(vec![at(&dir), wrap(&["nice"], false, true), sub(), a()]), expected);
    // What does not carry the environment gets plain values through `env`.
    assert_eq!(pwd(vec![at(&dir), wrap(&["env", "-i", "PATH=/usr/bin:/bin"], false, false), sub(), a()]), expected);
    // A shell in between reads every word once more.
    let again = || wrap(&["sh", "-c", "eval \"$*\"", "sh"], true, false);
    assert_eq!(pwd(vec![at(&dir), again(), sub(), a()]), expected);
    assert_eq!(pwd(vec![at(&dir), again(), again(), sub(), a()]), expected);
    // The inner environment wins.
    assert!(pwd(vec![env(&[("A", Value::str("outer"))]), a()]).ends_with("x y"));
    let ours = std::env::current_dir().unwrap();
    assert_eq!(pwd(vec![]), format!("{}\nunset", ours.display()));
}

#[test]
fn a_secret_travels_in_the_environment_or_on_standard_input_only() {
    let secret = Secret::hide("token".into(), Value::str("hunter2-and-more"));
    let show = "printf %s \"$T\"; tr '\\0' ' ' < /proc/$$/cmdline >&2";
    let ran = run(&with(script(show, Want::Result), vec![env(&[("T", secret.clone())])]));
    let Ok(Value::Record(record)) = &ran.outcome.result else { panic!("{:?}", ran.outcome) };
    assert_eq!(record.get("out"), Some(&Value::str("hunter2-and-more")));
    let Some(Value::Str(cmdline)) = record.get("err") else { panic!() };
    assert!(!cmdline.contains("hunter2"));
    let ran = run(&with(script("cat", Want::Value), vec![Context::Stdin(secret.clone())]));
    assert_eq!(string(&ran), "hunter2-and-more");
    let refused = run(&with(script("true", Want::Value), vec![wrap(&["nice"], false, false), env(&[("T", secret)])]));
    assert_eq!(refused.outcome.ending, Ending::None);
    assert!(message(&refused).contains("`T`"));
    assert!(!format!("{:?}", refused.outcome).contains("hunter2"));
}

#[test]
fn standard_input_is_closed_unless_given() {
    assert_eq!(string(&run(&script("cat; echo end", Want::Value))), "end");
    // One that does not read its input is not stopped by it.
    let much = Value::str("x".repeat(1 << 20));
    let ran = run(&with(script("echo done", Want::Value), vec![Context::Stdin(much)]));
    assert_eq!(string(&ran), "done");
    assert!(ran.took < Duration::from_secs(3));
}

#[test]
fn output_streams_whole_and_in_order_through_a_slow_reader() {
    let call = script("seq 1 200000", Want::Nothing);
    let (outcome, out) = block_on(async {
        let (_canceller, cancel) = Cancel::new();
        let (to, mut chunks) = mpsc::channel::<Chunk>(1);
        let shell = shell();
        let work = shell.call(&call, cancel, Output { call: call.id, to });
        let slow = async {
            let mut out = Vec::new();
            while let Some(chunk) = chunks.recv().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
                if chunk.stream != Stream::Kept {
                    out.extend(chunk.bytes);
                }
            }
            out
        };
        tokio::join!(work, slow)
    });
    assert_eq!(outcome, Outcome::done(Value::Null));
    let expected: String = (1..=200_000).map(|n| format!("{n}\n")).collect();
    assert!(out == expected.as_bytes(), "{} bytes of {}", out.len(), expected.len());
}

#[test]
fn a_call_ends_with_its_direct_child_and_its_daemon_lives_on() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    // The daemon keeps both outputs open, and writes to them later.
    let code = format!("(sleep 0.5; echo late; exec sleep 60) & echo $! > {}; echo started", pid.display());
    let ran = run(&script(&code, Want::Value));
    assert_eq!(string(&ran), "started");
    assert!(ran.took < Duration::from_millis(900), "{:?}", ran.took);
    let daemon = read_pid(&pid);
    assert!(lives(daemon));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(daemon), nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// Ignores TERM, and so do a background child and one that has left by `setsid` and a double fork.
fn stubborn(dir: &File) -> String {
    format!(
        "trap '' TERM
         cd {}
         (trap '' TERM; while :; do sleep 0.2; done) & echo $! > background
         (setsid bash -c 'trap \"\" TERM; (while :; do sleep 0.2; done) & echo $! > detached' &)
         echo $$ > direct
         while :; do sleep 0.2; done",
        dir.display()
    )
}

#[test]
fn a_cancelled_command_takes_its_whole_tree_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let ran = cancelled(&script(&stubborn(dir.path()), Want::Nothing), Some(Duration::from_millis(700)));
    assert_eq!(ran.outcome.result.as_ref().unwrap_err().kind, FailureKind::Cancelled);
    assert_eq!((ran.outcome.ending, &ran.outcome.running), (Ending::Some, &None));
    assert!(ran.took < Duration::from_secs(3), "{:?}", ran.took);
    for name in ["direct", "background", "detached"] {
        let pid = read_pid(&dir.path().join(name));
        assert!(!lives(pid), "{name} ({pid}) lives");
    }
}

#[test]
fn a_failed_command_takes_its_tree_with_it_but_not_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let neighbour = script(&format!("sleep 60 & echo $! > {}; wait", file("neighbour").display()), Want::Nothing);
    let failing = format!(
        "sleep 60 & echo $! > {}; (setsid sleep 61 & echo $! > {}); exit 3",
        file("child").display(),
        file("gone").display()
    );
    let failing = script(&failing, Want::Nothing);
    let outcome = block_on(async {
        let (canceller, cancel) = Cancel::new();
        let (to, _chunks) = mpsc::channel::<Chunk>(4);
        let shell = shell();
        let beside = shell.call(&neighbour, cancel, Output { call: neighbour.id, to: to.clone() });
        let first = async {
            while !file("neighbour").exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let (_canceller, cancel) = Cancel::new();
            let outcome = shell.call(&failing, cancel, Output { call: failing.id, to }).await;
            assert!(lives(read_pid(&file("neighbour"))), "the neighbour was ended");
            canceller.cancel();
            outcome
        };
        let (_, outcome) = tokio::join!(beside, first);
        outcome
    });
    assert_eq!(outcome.ending, Ending::Some);
    for name in ["child", "gone", "neighbour"] {
        let pid = read_pid(&file(name));
        assert!(!lives(pid), "{name} ({pid}) lives");
    }
}

#[test]
fn a_kill_waits_for_no_grace() {
    let call = script("trap '' TERM; while :; do sleep 0.1; done", Want::Nothing);
    let (outcome, took) = block_on(async {
        let (canceller, cancel): (Canceller, Cancel) = Cancel::new();
        let (to, _chunks) = mpsc::channel::<Chunk>(4);
        let shell = Shell { grace: Duration::from_secs(60), ..shell() };
        let work = shell.call(&call, cancel, Output { call: call.id, to });
        let stop = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            canceller.cancel();
            tokio::time::sleep(Duration::from_millis(200)).await;
            canceller.kill();
        };
        let started = Instant::now();
        let (outcome, ()) = tokio::join!(work, stop);
        (outcome, started.elapsed())
    });
    assert_eq!(outcome.ending, Ending::Some);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_command_knows_which_action_it_is() {
    let ran = run(&script("printf %s \"$RBK_ACTION\"", Want::Value));
    assert_eq!(string(&ran), "test-run/7/1");
}
