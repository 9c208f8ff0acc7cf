//! Where secrets and settings come from: the environment, a file, a person. Read once, before the first action.
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::termios::{InputFlags, LocalFlags, SetArg, tcgetattr, tcsetattr};

use crate::effects::line::{self, Typed};
use crate::effects::stop::{Stopped, stoppable};
use crate::effects::{Cancel, file};
use crate::engine::{Arg, Call, Ending, Failure, FailureKind, Outcome, What};
use crate::value::{Value, show};

/// `secret.env`, `secret.file`, `secret.prompt`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Secrets;

impl Secrets {
    pub async fn call(&self, call: &Call, cancel: Cancel) -> Outcome {
        let What::Native { action, args, .. } = &call.what else { return none("this call reads no secret") };
        let text = args.iter().find_map(|(_, arg)| match arg {
            Arg::Value(value) => match value.expose().0 {
                Value::Str(text) => Some(text.to_string()),
                _ => None,
            },
            Arg::Code(_) => None,
        });
        let Some(text) = text else { return none(format!("`{action}` takes a string")) };
        let result = match action.as_str() {
            "secret.env" => env(&text),
            "secret.file" => file(call, &text, cancel).await,
            "secret.prompt" => prompt(text, cancel).await,
            other => Err(Failure::new(FailureKind::Value, format!("there is no action `{other}`"))),
        };
        match result {
            Ok(text) => Outcome::done(Value::str(text)),
            Err(failure) => Outcome::failed(Ending::None, failure),
        }
    }
}

fn none(message: impl Into<String>) -> Outcome {
    Outcome::failed(Ending::None, Failure::new(FailureKind::Value, message))
}

#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
fn env(name: &str) -> Result<String, Failure> {
    let wrong = |message: String| Failure::new(FailureKind::Value, message);
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(wrong(format!("`{name}` cannot be the name of an environment variable")));
    }
    match std::env::var(name) {
        Ok(text) => Ok(text),
        Err(std::env::VarError::NotPresent) => Err(wrong(format!("the environment variable `{name}` is not set"))
            .with_help(format!("start rbk with it: `{name}=… rbk …`"))),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(wrong(format!("the environment variable `{name}` is not UTF-8 text")))
        }
    }
}

/// The text of a file of this machine, without the newline at its end. A file system that hangs is not waited for.
async fn file(call: &Call, path: &str, mut cancel: Cancel) -> Result<String, Failure> {
    let wrong = |message: String| Failure::new(FailureKind::Value, message);
    let path = file::within(&call.contexts, path).map_err(wrong)?;
    let work = tokio::task::spawn_blocking(move || file::read(&path));
    let text = match stoppable(work, &mut cancel, None, std::future::pending::<()>).await {
        Stopped::Ended(read) => read.map_err(|e| wrong(format!("the file could not be read: {e}")))?.map_err(wrong)?,
        Stopped::Asked(_, why) | Stopped::Running(why) => return Err(why.failure(&call.text)),
    };
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t)).to_owned())
}

/// At the terminal, without echo.
async fn prompt(question: String, mut cancel: Cancel) -> Result<String, Failure> {
    let nobody = || {
        Failure::new(FailureKind::Value, "nobody is there to be asked for a secret: there is no terminal")
            .with_help("take it from `env(…)` or `file(…)` where nobody watches")
    };
    let tty = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(|_| nobody())?;
    let before = tcgetattr(&tty).map_err(|_| nobody())?;
    let other = tty.try_clone().map_err(|_| nobody())?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    silent.local_flags.insert(LocalFlags::ICANON | LocalFlags::ISIG);
    silent.input_flags.insert(InputFlags::ICRNL);
    tcsetattr(&tty, SetArg::TCSAFLUSH, &silent).map_err(|e| {
        Failure::new(FailureKind::Value, format!("the terminal cannot be kept from showing the secret: {}", e.desc()))
    })?;
    let (tx, rx) = tokio::sync::oneshot::channel();
    let called_off = Arc::new(AtomicBool::new(false));
    let nobody_waits = called_off.clone();
    std::thread::spawn(move || {
        let prompt = format!("\r? {} ", show::escape(&question));
        let _ = (&other).write_all(prompt.as_bytes());
        let _ = tx.send(line::read(other.as_fd(), &nobody_waits));
    });
    let typed = tokio::select! {
        typed = rx => typed.unwrap_or(Typed::End),
        () = cancel.cancelled() => Typed::CalledOff,
    };
    called_off.store(true, Ordering::SeqCst);
    let _ = tcsetattr(&tty, SetArg::TCSANOW, &before);
    let _ = writeln!(&tty);
    match typed {
        Typed::Line(text) => Ok(text.trim_end_matches('\r').to_owned()),
        Typed::CalledOff => Err(Failure::new(FailureKind::Cancelled, "cancelled before it was answered")),
        Typed::End => Err(nobody()),
    }
}
