//! One command from spawn to end.
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::Shell;
use super::context::{Launch, nothing_done, refused};
use super::exit::{self, short, with_output};
use super::output::{Kept, Pipe};
use super::tree::Tree;
use crate::check::program::{Effect, Want};
use crate::effects::{Cancel, Output, Stream};
use crate::engine::{Call, Ending, Failure, FailureKind, Outcome};

/// After the end: for what is on its way through the pipes. A daemon may hold them open for ever.
const DRAIN: Duration = Duration::from_millis(100);
/// And when the reader of the output is slow.
const SLOW: Duration = Duration::from_secs(5);

/// How the wait for a command ended.
enum Why {
    Exited(ExitStatus),
    Cancelled,
    WantsTerminal,
    TooLong,
    /// Its end could not be seen.
    Lost(std::io::Error),
}

pub async fn run(shell: &Shell, call: &Call, mut launch: Launch, mut cancel: Cancel, output: Output) -> Outcome {
    if cancel.is_cancelled() {
        return nothing_done(Failure::new(FailureKind::Cancelled, "cancelled before it started"));
    }
    let (mut tree, mut child) = match spawn(shell, call, &launch) {
        Ok(started) => started,
        Err(failure) => return nothing_done(failure),
    };
    let feeding = feed(&mut child, launch.stdin.take());
    let pipes = pipes(shell, call, &mut child, output);
    let (mut out, mut err) = match pipes {
        Ok(pipes) => pipes,
        Err(e) => {
            let left = tree.end(&mut child, shell.grace, &mut cancel).await;
            return ended(call, Why::Lost(e), &left, &Kept::excerpt(), &Kept::excerpt(), shell.limit);
        }
    };
    let (why, left) = attend(shell, call, &mut tree, &mut child, &mut cancel, (&out, &err)).await;
    if let Some(feeding) = feeding {
        feeding.abort();
    }
    out.finish().await;
    err.finish().await;
    ended(call, why, &left, &out.kept(), &err.kept(), shell.limit)
}

/// Until it ends, is ended, or cannot be ended (then its processes come back).
async fn attend(
    shell: &Shell,
    call: &Call,
    tree: &mut Tree,
    child: &mut Child,
    cancel: &mut Cancel,
    (out, err): (&Pipe, &Pipe),
) -> (Why, Vec<i32>) {
    let pumps = async { tokio::join!(out.pump(), err.pump()) };
    tokio::pin!(pumps);
    let mut drained = false;
    let why = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break Why::Cancelled,
            status = child.wait() => break status.map_or_else(Why::Lost, Why::Exited),
            _ = &mut pumps, if !drained => drained = true,
            () = sleep(Duration::from_millis(200)) => {
                if tree.wants_terminal() {
                    break Why::WantsTerminal;
                }
                if call.effect <= Effect::Read && too_long(call.want, out, err) {
                    break Why::TooLong;
                }
            }
        }
    };
    let mut left = Vec::new();
    if !matches!(&why, Why::Exited(status) if status.success()) {
        // It may have to write before it can end.
        let end = tree.end(child, shell.grace, cancel);
        tokio::pin!(end);
        left = loop {
            tokio::select! {
                _ = &mut pumps, if !drained => drained = true,
                left = &mut end => break left,
            }
        };
    }
    let slow = Instant::now() + SLOW;
    let mut until = Instant::now() + DRAIN;
    while !drained {
        tokio::select! {
            biased;
            _ = &mut pumps => drained = true,
            () = sleep_until(until) => {
                if until >= slow || !(out.is_busy() || err.is_busy()) {
                    break;
                }
                until += Duration::from_millis(10);
            }
        }
    }
    (why, left)
}

fn too_long(want: Want, out: &Pipe, err: &Pipe) -> bool {
    match want {
        Want::Value => out.kept().overflowed(),
        Want::Result => out.kept().overflowed() || err.kept().overflowed(),
        Want::Nothing | Want::Condition => false,
    }
}

/// In its own process group, and never through `pre_exec` or another user: so that std may use `posix_spawn`.
#[allow(clippy::disallowed_methods, reason = "the edge that starts processes")]
fn spawn(shell: &Shell, call: &Call, launch: &Launch) -> Result<(Tree, Child), Failure> {
    let Some((program, args)) = launch.argv.split_first() else { return Err(refused("the command is empty")) };
    if let Some(dir) = launch.dir.as_ref().filter(|d| !d.is_dir()) {
        let failure = Failure::new(FailureKind::Failed, format!("the directory `{}` does not exist", dir.display()));
        return Err(failure.with_help("`with dir(…)` needs a directory that is there when the command starts"));
    }
    let mut command = Command::new(program);
    command.args(args).process_group(0).kill_on_drop(true);
    command.stdin(if launch.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(dir) = &launch.dir {
        command.current_dir(dir);
    }
    for name in &launch.unset {
        command.env_remove(name);
    }
    command.envs(launch.env.iter().map(|(name, value)| (name, value)));
    let marks = shell.marks(call);
    command.envs(marks.iter().map(|(name, value)| (name, value)));
    let marks = marks.map(|(name, value)| format!("{name}={value}").into_bytes());
    Tree::start(&mut command, marks).map_err(|e| not_started(program, &e))
}

#[allow(clippy::disallowed_methods, reason = "the edge that looks for programs")]
fn not_started(program: &str, error: &std::io::Error) -> Failure {
    let failed = |message: String| Failure::new(FailureKind::Failed, message);
    match error.kind() {
        std::io::ErrorKind::NotFound if program.contains('/') => failed(format!(
            "`{program}` could not be started: there is no such file, or the interpreter its first line names is missing"
        )),
        std::io::ErrorKind::NotFound => {
            let failure = failed(format!("the command `{program}` was not found"));
            let paths = std::env::var_os("PATH").unwrap_or_default();
            let names: Vec<String> = std::env::split_paths(&paths)
                .filter_map(|dir| std::fs::read_dir(dir).ok())
                .flat_map(|entries| entries.flatten().filter_map(|e| e.file_name().into_string().ok()))
                .collect();
            match crate::diag::did_you_mean(program, names.iter().map(String::as_str)) {
                Some(name) => failure.with_help(format!("did you mean `{name}`?")),
                None => failure.with_help("it is in no directory of `PATH`"),
            }
        }
        std::io::ErrorKind::PermissionDenied => {
            failed(format!("`{program}` could not be started: it is not executable, or not for this user"))
        }
        std::io::ErrorKind::ArgumentListTooLong => {
            failed(format!("`{program}` could not be started: its arguments are too long"))
                .with_help("pass the value with `with stdin(…)`, or in a file")
        }
        _ => failed(format!("`{program}` could not be started: {error}")),
    }
}

/// Write its standard input; a command that does not read it to the end is no error.
fn feed(child: &mut Child, text: Option<Vec<u8>>) -> Option<JoinHandle<()>> {
    let mut stdin = child.stdin.take()?;
    Some(tokio::spawn(async move {
        let _ = stdin.write_all(&text.unwrap_or_default()).await;
    }))
}

fn pipes(shell: &Shell, call: &Call, child: &mut Child, output: Output) -> std::io::Result<(Pipe, Pipe)> {
    let gone = || std::io::Error::other("the command has no output");
    let out = child.stdout.take().ok_or_else(gone)?.into_owned_fd()?;
    let err = child.stderr.take().ok_or_else(gone)?.into_owned_fd()?;
    let (keep_out, keep_err) = match call.want {
        Want::Nothing | Want::Condition => (Kept::excerpt(), Kept::excerpt()),
        Want::Value => (Kept::value(shell.limit), Kept::excerpt()),
        Want::Result => (Kept::value(shell.limit), Kept::value(shell.limit)),
    };
    let to = (call.want == Want::Nothing).then_some(output);
    Ok((Pipe::new(Stream::Out, out, keep_out, to.clone())?, Pipe::new(Stream::Err, err, keep_err, to)?))
}

fn ended(call: &Call, why: Why, left: &[i32], out: &Kept, err: &Kept, limit: usize) -> Outcome {
    let what = short(&call.text);
    let failed = |failure| Outcome::failed(Ending::Some, failure);
    let mut outcome = match why {
        Why::Exited(status) => exit::outcome(call, status, out, err, limit),
        Why::Cancelled => {
            failed(with_output(Failure::new(FailureKind::Cancelled, format!("{what} was cancelled")), out, err))
        }
        Why::WantsTerminal => {
            let failure =
                Failure::new(FailureKind::Failed, format!("{what} stopped because it wants to use the terminal"));
            let failure = failure.with_help("a command has no terminal here: give it the option that makes it ask nothing, or its input with `with stdin(…)`");
            failed(with_output(failure, out, err))
        }
        Why::TooLong => failed(exit::too_long(limit)),
        Why::Lost(e) => failed(Failure::new(FailureKind::Failed, format!("how {what} ended could not be seen: {e}"))),
    };
    if !left.is_empty() {
        let pids: Vec<String> = left.iter().map(|pid| format!("pid {pid}")).collect();
        outcome.ending = Ending::Unknown;
        outcome.running = Some(pids.join(", "));
        if outcome.result.is_ok() {
            outcome.result =
                Err(Failure::new(FailureKind::Failed, format!("{what} left processes that cannot be ended")));
        }
    }
    outcome
}
