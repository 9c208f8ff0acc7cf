//! One command from spawn to end.
use std::ffi::OsString;
use std::io::PipeReader;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Shell;
use super::archive::Archive;
use super::context::{Far, Launch, nothing_done, refused};
use super::exit::short;
use super::far::{self, Lease, Signs, Stage, Token};
use super::output::{Kept, Pipe};
use super::tree::{self, Tree};
use super::verdict;
use crate::check::program::{Effect, Want};
use crate::effects::{Cancel, Output, Stream};
use crate::engine::{Call, Failure, FailureKind, Outcome};

/// After the end: for what is on its way through the pipes. A daemon may hold them open for ever.
const DRAIN: Duration = Duration::from_millis(100);
/// And when the reader of the output is slow.
const SLOW: Duration = Duration::from_secs(5);
/// A far `sh` that was asked to end its command gets this long more than the grace: KILL, five seconds, and the way back.
const FAR: Duration = Duration::from_secs(9);

/// How the wait for a command ended.
pub enum Why {
    Exited(ExitStatus),
    /// The far `sh` said that it ended.
    Told,
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
    let argv = tokio::select! {
        biased;
        () = cancel.cancelled() => {
            let message = format!("{} was cancelled before it started", short(&call.text));
            return nothing_done(Failure::new(FailureKind::Cancelled, message));
        }
        // What few calls need is boxed: each running command holds the rest.
        argv = Box::pin(reach(shell, &launch)) => match argv {
            Ok(argv) => argv,
            Err(failure) => return nothing_done(failure),
        },
    };
    let Started { mut tree, mut child, out, err } = match spawn(shell, call, &launch, &argv) {
        Ok(started) => started,
        Err(failure) => return nothing_done(failure),
    };
    let token = launch.far.as_ref().map(|_| Token::new());
    let input = feed(shell, call, &mut child, &mut launch, token.as_ref());
    let (mut out, mut err) = match pipes(shell, call, (out, err), output, token.as_ref()) {
        Ok(pipes) => pipes,
        Err(e) => {
            let left = tree.end(&mut child, shell.grace, &mut cancel).await;
            return verdict::here(call, Why::Lost(e), &left, &Kept::excerpt(), &Kept::excerpt(), shell.limit);
        }
    };
    let mut at = Attended { shell, call, tree: &mut tree, child: &mut child, out: &out, err: &err, input: &input };
    let (why, left) = at.attend(&mut cancel).await;
    out.finish().await;
    err.finish().await;
    let archived = [out.archived().await, err.archived().await];
    let mut outcome = match (&launch.far, &token) {
        (Some(far), Some(token)) => {
            let heard = (&out, &err);
            Box::pin(judge_far(shell, call, &launch, (far, token), (child, why), heard, &mut cancel)).await
        }
        _ => {
            if let Input::Text(feeding) = &input {
                feeding.abort();
            }
            verdict::here(call, why, &left, &out.kept(), &err.kept(), shell.limit)
        }
    };
    if let Err(failure) = &mut outcome.result {
        failure.notes.extend(archived.into_iter().flatten());
    }
    outcome
}

/// What came of a command somewhere else; what a broken connection has left there is ended first.
async fn judge_far(
    shell: &Shell,
    call: &Call,
    launch: &Launch,
    (far, token): (&Far, &Token),
    (mut child, why): (Child, Why),
    (out, err): (&Pipe, &Pipe),
    cancel: &mut Cancel,
) -> Outcome {
    if let Ok(None) = child.try_wait() {
        stay(child);
    }
    let stage = err.stage();
    let swept = match (&stage, &why) {
        (Stage::Started, _) => sweep(shell, launch, token, cancel).await,
        // It may have started all the same: the sign is lost with the connection.
        (Stage::Before, why) if verdict::in_doubt(&far.places, why) => sweep(shell, launch, token, cancel).await,
        _ => None,
    };
    let told = verdict::Told { places: &far.places, dirs: &far.inside.dirs, stage, before: err.before(), swept };
    verdict::far(call, why, told, &out.kept(), &err.kept(), shell.limit)
}

/// The words to start here: a host is reached over the run's connection to it.
async fn reach(shell: &Shell, launch: &Launch) -> Result<Vec<String>, Failure> {
    let Some(host) = &launch.host else { return Ok(launch.argv.clone()) };
    let from = far::hosts::From { dir: launch.dir.clone(), env: launch.env.clone() };
    let control = shell.hosts.reach(host, &from).await?;
    let control = format!("ControlPath={}", control.display());
    let options = ["BatchMode=yes", "ControlMaster=no", &control, "RemoteCommand=none"];
    let options = options.iter().flat_map(|option| ["-o", option]);
    let words = ["ssh"].into_iter().chain(options).chain(["-T", "--", host]).map(str::to_owned);
    Ok(words.chain([far::command(&launch.argv)]).collect())
}

/// A daemon over there holds the connection's output open: it is read and forgotten, and lives on.
fn stay(mut child: Child) {
    let kept = tree::Held::hold(&child);
    tokio::spawn(async move {
        let _ = child.wait().await;
        drop(kept);
    });
}

/// What a command is given on its standard input.
enum Input {
    None,
    Text(JoinHandle<()>),
    Far(Lease),
}

struct Attended<'a> {
    shell: &'a Shell,
    call: &'a Call,
    tree: &'a mut Tree,
    child: &'a mut Child,
    out: &'a Pipe,
    err: &'a Pipe,
    input: &'a Input,
}

impl Attended<'_> {
    /// Until it ends, is ended, or cannot be ended (then its processes come back).
    async fn attend(&mut self, cancel: &mut Cancel) -> (Why, Vec<i32>) {
        let (out, err) = (self.out, self.err);
        let pumps = async { tokio::join!(out.pump(), err.pump()) };
        tokio::pin!(pumps);
        let mut drained = false;
        let why = loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break Why::Cancelled,
                () = err.told() => break Why::Told,
                status = self.child.wait() => break status.map_or_else(Why::Lost, Why::Exited),
                _ = &mut pumps, if !drained => drained = true,
                () = sleep(Duration::from_millis(200)) => {
                    if self.tree.wants_terminal() {
                        break Why::WantsTerminal;
                    }
                    if self.call.effect <= Effect::Read && too_long(self.call.want, out, err) {
                        break Why::TooLong;
                    }
                }
            }
        };
        let mut left = Vec::new();
        // A far daemon lives on with what connects to it.
        let well = match (&why, err.stage()) {
            // Whatever it has put into the background was to end with the block.
            _ if self.call.want == Want::Runs => false,
            (_, Stage::Ended(code, _)) => code == 0,
            (Why::Exited(status), _) => status.success(),
            _ => false,
        };
        if !well {
            // It may have to write before it can end.
            let mut end = Box::pin(self.end(&why, cancel));
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

    async fn end(&mut self, why: &Why, cancel: &mut Cancel) -> Vec<i32> {
        if let Input::Far(lease) = self.input {
            if matches!(why, Why::Cancelled | Why::WantsTerminal | Why::TooLong) {
                far_end(lease, self.child, self.err, self.shell.grace, cancel).await;
            }
            // What connected to it goes by itself, mostly.
            let _ = timeout(Duration::from_secs(1), self.child.wait()).await;
        }
        self.tree.end(self.child, self.shell.grace, cancel).await
    }
}

/// Ask the far `sh` to end its command, and wait until it says so.
async fn far_end(lease: &Lease, child: &mut Child, err: &Pipe, grace: Duration, cancel: &mut Cancel) {
    lease.end();
    let gone = async {
        tokio::select! {
            () = err.told() => {}
            _ = child.wait() => {}
        }
    };
    tokio::pin!(gone);
    tokio::select! {
        () = &mut gone => return,
        () = sleep(grace + FAR) => return,
        () = cancel.killed() => lease.kill(),
    }
    let _ = timeout(FAR, gone).await;
}

/// Whether what runs over there could be ended after all, over a new connection: then the processes that could not.
async fn sweep(shell: &Shell, launch: &Launch, swept: &Token, cancel: &mut Cancel) -> Option<Vec<String>> {
    let token = Token::new();
    let work = async {
        let argv = reach(shell, launch).await.ok()?;
        let (program, args) = argv.split_first()?;
        let (_kept, mut child) = tree::Held::start(&mut command(program, args, launch, shell.path.as_deref())).ok()?;
        let lease = Lease::hold(child.stdin.take()?, far::sweep(&token, swept));
        let mut err = child.stderr.take()?;
        let mut signs = Signs::new(&token);
        let mut buffer = [0; 1024];
        loop {
            let n = tokio::io::AsyncReadExt::read(&mut err, &mut buffer).await.ok()?;
            signs.feed(buffer.get(..n).unwrap_or_default());
            match &signs.stage {
                Stage::Ended(_, left) => {
                    drop(lease);
                    return Some(left.clone());
                }
                _ if n == 0 => return None,
                _ => {}
            }
        }
    };
    tokio::select! {
        left = timeout(FAR * 2, work) => left.ok().flatten(),
        () = cancel.killed() => None,
    }
}

fn too_long(want: Want, out: &Pipe, err: &Pipe) -> bool {
    match want {
        Want::Value => out.kept().overflowed(),
        Want::Result => out.kept().overflowed() || err.kept().overflowed(),
        Want::Nothing | Want::Condition | Want::Runs => false,
    }
}

/// In its own process group, and never through `pre_exec` or another user: so that std may use `posix_spawn`.
#[allow(clippy::disallowed_methods, reason = "the edge that starts processes")]
fn command(program: &str, args: &[String], launch: &Launch, path: Option<&str>) -> Command {
    let mut command = Command::new(program);
    command.envs(path.map(|path| ("PATH", path)));
    command.args(args).process_group(0).kill_on_drop(true);
    let given = launch.stdin.is_some() || launch.far.is_some();
    command.stdin(if given { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(dir) = &launch.dir {
        command.current_dir(dir);
    }
    for name in &launch.unset {
        command.env_remove(name);
    }
    // What opens the secrets of the journal is for rbk alone.
    command.env_remove("RBK_JOURNAL_KEY");
    command.envs(launch.env.iter().map(|(name, value)| (name, value)));
    command
}

/// A command that runs, and the ends of its two outputs that are read.
struct Started {
    tree: Tree,
    child: Child,
    out: PipeReader,
    err: PipeReader,
}

fn spawn(shell: &Shell, call: &Call, launch: &Launch, argv: &[String]) -> Result<Started, Failure> {
    let Some((program, args)) = argv.split_first() else { return Err(refused("the command is empty")) };
    if let Some(dir) = launch.dir.as_ref().filter(|d| !d.is_dir()) {
        let failure = Failure::new(FailureKind::Failed, format!("the directory `{}` does not exist", dir.display()));
        return Err(failure.with_help("`with dir(…)` needs a directory that is there when the command starts"));
    }
    let mut command = command(program, args, launch, shell.path.as_deref());
    let marks = shell.marks(call);
    command.envs(marks.iter().map(|(name, value)| (name, value)));
    let marks = marks.map(|(name, value)| format!("{name}={value}").into_bytes());
    let start = || {
        // Pipes of our own: those of tokio are registered with its event queue, and would be taken out of it again.
        let ((out, out_end), (err, err_end)) = (std::io::pipe()?, std::io::pipe()?);
        command.stdout(out_end).stderr(err_end);
        let (tree, child) = Tree::start(&mut command, marks)?;
        let (root, born) = tree.root();
        shell.note(call.id, root, born);
        Ok(Started { tree, child, out, err })
    };
    start().map_err(|e| not_started(program, shell.path.as_deref(), &e))
}

#[allow(clippy::disallowed_methods, reason = "the edge that looks for programs")]
fn not_started(program: &str, path: Option<&str>, error: &std::io::Error) -> Failure {
    let failed = |message: String| Failure::new(FailureKind::Failed, message);
    match error.kind() {
        std::io::ErrorKind::NotFound if program.contains('/') => failed(format!(
            "`{program}` could not be started: there is no such file, or the interpreter its first line names is missing"
        )),
        std::io::ErrorKind::NotFound => {
            let failure = failed(format!("the command `{program}` was not found"));
            let paths = path.map(OsString::from).or_else(|| std::env::var_os("PATH")).unwrap_or_default();
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
fn feed(shell: &Shell, call: &Call, child: &mut Child, launch: &mut Launch, token: Option<&Token>) -> Input {
    let Some(mut stdin) = child.stdin.take() else { return Input::None };
    if let (Some(far), Some(token)) = (&launch.far, token) {
        let program = far::program(&far.inside, token, &shell.marks(call), shell.grace);
        return Input::Far(Lease::hold(stdin, program));
    }
    let text = launch.stdin.take().unwrap_or_default();
    Input::Text(tokio::spawn(async move {
        let _ = stdin.write_all(&text).await;
    }))
}

fn pipes(
    shell: &Shell,
    call: &Call,
    (out, err): (PipeReader, PipeReader),
    output: Output,
    token: Option<&Token>,
) -> std::io::Result<(Pipe, Pipe)> {
    let (keep_out, keep_err) = match call.want {
        Want::Nothing | Want::Condition | Want::Runs => (Kept::excerpt(), Kept::excerpt()),
        Want::Value => (Kept::value(shell.limit), Kept::excerpt()),
        Want::Result => (Kept::value(shell.limit), Kept::value(shell.limit)),
    };
    let pipe = |stream, from: PipeReader, kept| Pipe::new(stream, from.into(), kept, shell.known.clone());
    let signs = || token.map(Signs::new);
    let (out, err) = (pipe(Stream::Out, out, keep_out)?, pipe(Stream::Err, err, keep_err)?);
    let (out, err) = (out.with_signs(signs()), err.with_signs(signs()));
    if !matches!(call.want, Want::Nothing | Want::Runs) {
        return Ok((out, err));
    }
    let archive = |end: &str| Archive::new(shell.shelf.clone(), format!("{}.{end}", call.id.0));
    Ok((out.streamed(output.clone(), archive("out")), err.streamed(output, archive("err"))))
}
