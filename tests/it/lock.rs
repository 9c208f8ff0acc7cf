//! Locks between runs, and where secrets come from.
use std::os::unix::fs::PermissionsExt;
use std::path::Path as File;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rbk::check::program::{Effect, Want};
use rbk::effects::lock::Locks;
use rbk::effects::secret::Secrets;
use rbk::effects::shell::started;
use rbk::effects::{Cancel, Chunk, Output};
use rbk::engine::call::{Key, Path};
use rbk::engine::{Arg, Call, CallId, Context, Ending, FailureKind, Outcome, What};
use rbk::source::Span;
use rbk::value::Value;
use tokio::sync::mpsc;

fn call(what: What) -> Call {
    Call {
        id: CallId(1),
        path: Path::default(),
        attempt: 1,
        key: Key::default(),
        what,
        effect: Effect::Read,
        idempotent: true,
        want: Want::Value,
        contexts: Arc::new([]),
        limit: None,
        text: "the call".into(),
        span: Span::default(),
    }
}

fn lock(name: &str, takeover: bool) -> Call {
    call(What::Lock { name: name.into(), takeover })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Take a lock, or give up after a while.
fn take(locks: &Locks, call: &Call, patience: Duration) -> (Outcome, String) {
    block_on(async {
        let (canceller, cancel) = Cancel::new();
        let (to, mut chunks) = mpsc::channel::<Chunk>(8);
        let mut taking = std::pin::pin!(locks.call(call, cancel, Output { call: call.id, to }));
        let outcome = tokio::select! {
            outcome = &mut taking => outcome,
            () = tokio::time::sleep(patience) => {
                canceller.cancel();
                taking.await
            }
        };
        let mut said = String::new();
        while let Ok(chunk) = chunks.try_recv() {
            said += &String::from_utf8_lossy(&chunk.bytes);
        }
        (outcome, said)
    })
}

fn locks(run: &str, dir: &File) -> Locks {
    Locks::new(run.into(), Some(dir.join("state")))
}

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_lock_is_held_by_one_run_which_the_other_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (locks("run-a", dir.path()), locks("run-b", dir.path()));
    assert_eq!(take(&first, &lock("prod", false), SOON).0, Outcome::done(Value::Null));
    // Its own once more, and another name, are free.
    assert_eq!(take(&first, &lock("prod", false), SOON).0, Outcome::done(Value::Null));
    assert_eq!(take(&second, &lock("staging", false), SOON).0, Outcome::done(Value::Null));
    let (refused, _) = take(&second, &lock("prod", false), SOON);
    assert_eq!(refused.ending, Ending::None);
    let message = refused.result.unwrap_err().message;
    let pid = std::process::id();
    assert!(message.starts_with(&format!("the lock `prod` is held by run run-a (pid {pid}, since 20")), "{message}");
    assert!(message.ends_with(" UTC)"), "hours as everywhere: {message}");
    drop(first);
    assert_eq!(take(&second, &lock("prod", false), SOON).0, Outcome::done(Value::Null));
}

#[test]
fn the_state_directory_is_private_and_any_name_is_a_lock_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let one = locks("run-a", dir.path());
    let names = ["../../etc/passwd", "a/b", "a b", "a%2Fb", "", "ü", &"x".repeat(500), &"x".repeat(501)];
    for name in names {
        assert_eq!(take(&one, &lock(name, false), SOON).0, Outcome::done(Value::Null), "{name}");
    }
    let state = dir.path().join("state");
    assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(state.join("locks")).unwrap().count(), names.len());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let none = Locks::new("run-b".into(), None);
    assert!(take(&none, &lock("x", false), SOON).0.result.unwrap_err().help.unwrap().contains("RBK_STATE_DIR"));
}

/// A lock file that says what we want, held by this test.
fn held_by(dir: &File, pid: u32, started: u64) -> nix::fcntl::Flock<std::fs::File> {
    let path = dir.join("state/locks/prod.lock");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = format!(
        r#"{{"v":1,"lock":"prod","run":"run-a","pid":{pid},"started":{started},"since":"2026-11-21T10:00:00Z"}}"#
    );
    std::fs::write(&path, text).unwrap();
    let file = std::fs::File::open(path).unwrap();
    nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive).unwrap()
}

#[test]
fn a_takeover_stops_the_holder_waits_for_its_end_and_says_from_whom() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Command::new("sleep").arg("60").spawn().unwrap();
    let pid = holder.id();
    let held = held_by(dir.path(), pid, started(i32::try_from(pid).unwrap()));
    let release = std::thread::spawn(move || {
        let ended = holder.wait().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        drop(held);
        ended
    });
    let second = locks("run-b", dir.path());
    let (outcome, said) = take(&second, &lock("prod", true), SOON);
    assert!(!release.join().unwrap().success(), "the holder was told to stop");
    let Ok(Value::Record(record)) = outcome.result else { panic!("{outcome:?}") };
    assert_eq!(record.get("taken_from"), Some(&Value::str("run-a")));
    assert!(said.contains("from run run-a"), "{said}");
    let file = std::fs::read_to_string(dir.path().join("state/locks/prod.lock")).unwrap();
    assert!(file.contains(r#""run":"run-b""#) && file.contains(r#""taken_from":"run-a""#), "{file}");
}

#[test]
fn a_takeover_does_not_stop_a_process_that_only_has_the_number_of_an_old_holder() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let held = held_by(dir.path(), other.id(), 1);
    let second = locks("run-b", dir.path());
    let (outcome, said) = take(&second, &lock("prod", true), Duration::from_millis(300));
    assert_eq!(outcome.result.unwrap_err().kind, FailureKind::Cancelled);
    assert_eq!(said, "");
    assert!(other.try_wait().unwrap().is_none(), "the wrong process was stopped");
    other.kill().unwrap();
    other.wait().unwrap();
    drop(held);
    assert_eq!(take(&second, &lock("prod", true), SOON).0, Outcome::done(Value::Null));
}

fn secret(action: &str, text: &str, contexts: Vec<Context>) -> Outcome {
    let args = vec![("x".into(), Arg::Value(Value::str(text)))];
    let mut call = call(What::Native { action: action.into(), on: None, args, tx: None });
    call.contexts = contexts.into();
    block_on(Secrets.call(&call, Cancel::new().1))
}

#[test]
fn a_secret_comes_from_the_environment_or_a_file_or_says_why_not() {
    let path = std::env::var("PATH").unwrap();
    assert_eq!(secret("secret.env", "PATH", vec![]), Outcome::done(Value::str(path)));
    let missing = secret("secret.env", "RBK_NO_SUCH_VARIABLE", vec![]);
    assert_eq!(missing.ending, Ending::None);
    assert_eq!(missing.result.unwrap_err().message, "the environment variable `RBK_NO_SUCH_VARIABLE` is not set");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "one\n\n").unwrap();
    let there = vec![Context::Dir(dir.path().to_str().unwrap().into())];
    assert_eq!(secret("secret.file", "token", there.clone()), Outcome::done(Value::str("one\n")));
    std::fs::write(dir.path().join("token"), [0xff]).unwrap();
    assert!(secret("secret.file", "token", there.clone()).result.unwrap_err().message.contains("UTF-8"));
    assert!(secret("secret.file", "none", there).result.unwrap_err().message.contains("there is no such file"));
}
