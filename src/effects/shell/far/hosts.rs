//! One shared connection to each host, for as long as the run: later commands need no new login.
//! Its control socket lies in a directory that only this user can enter, with a short name: a socket's path has a hundred bytes.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;

use super::explain;
use crate::effects::shell::tree::Held;
use crate::engine::{Failure, FailureKind};

/// What ssh may say before it gives up.
const SAID: u64 = 16 * 1024;
const READY: &str = "rbk: ready";
/// Never a question; a dead network is noticed within half a minute.
const OPTIONS: [&str; 8] = [
    "BatchMode=yes",
    "ConnectTimeout=30",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
    "RemoteCommand=none",
    "PermitLocalCommand=no",
    "ControlPersist=no",
    "ControlMaster=yes",
];

/// Where a command that reaches a host is itself started.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct From {
    pub dir: Option<PathBuf>,
    pub env: Vec<(String, String)>,
}

/// Of one host: none is connected. Whoever connects keeps others waiting.
type Place = Rc<Mutex<Option<Master>>>;

/// The hosts of one run.
#[derive(Default)]
pub struct Hosts {
    masters: RefCell<BTreeMap<(String, From), Place>>,
    dir: RefCell<Option<Directory>>,
}

impl std::fmt::Debug for Hosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hosts({})", self.masters.borrow().len())
    }
}

struct Master {
    child: Child,
    /// Its end ends the connection: also when rbk is killed.
    _lease: ChildStdin,
    control: PathBuf,
    _kept: Held,
}

struct Directory(PathBuf);

impl Drop for Directory {
    #[allow(clippy::disallowed_methods, reason = "takes away what it made")]
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Hosts {
    /// The control socket of an open connection. Dropped half-way, it opens none.
    ///
    /// # Errors
    /// When there is none to be had, and why.
    pub async fn reach(&self, host: &str, from: &From) -> Result<PathBuf, Failure> {
        let key = (host.to_owned(), from.clone());
        let place = self.masters.borrow_mut().entry(key).or_default().clone();
        let mut place = place.lock().await;
        if let Some(master) = place.as_mut()
            && matches!(master.child.try_wait(), Ok(None))
        {
            return Ok(master.control.clone());
        }
        *place = None;
        let control = self.control()?;
        let master = connect(host, from, control).await?;
        let control = master.control.clone();
        *place = Some(master);
        Ok(control)
    }

    /// A path that no other connection of the run has.
    fn control(&self) -> Result<PathBuf, Failure> {
        let mut dir = self.dir.borrow_mut();
        if dir.is_none() {
            *dir = Some(directory()?);
        }
        let dir = dir.as_ref().map(|dir| dir.0.clone()).unwrap_or_default();
        Ok(dir.join(format!("{:06x}", fastrand::u32(..0x0100_0000))))
    }
}

#[allow(clippy::disallowed_methods, reason = "the edge")]
fn directory() -> Result<Directory, Failure> {
    // Twenty bytes for our names, seventeen for what ssh adds while it binds.
    let fits = |dir: &PathBuf| dir.is_dir() && dir.as_os_str().len() < 60;
    let places = [std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), Some(std::env::temp_dir())];
    let base = places.into_iter().flatten().find(fits).unwrap_or_else(|| PathBuf::from("/tmp"));
    nix::unistd::mkdtemp(&base.join("rbk-XXXXXX")).map(Directory).map_err(|e| {
        let message =
            format!("no directory for the connections of ssh could be made in `{}`: {}", base.display(), e.desc());
        Failure::new(FailureKind::Failed, message)
    })
}

#[allow(clippy::disallowed_methods, reason = "the edge that starts processes")]
async fn connect(host: &str, from: &From, control: PathBuf) -> Result<Master, Failure> {
    let mut command = Command::new("ssh");
    for option in OPTIONS {
        command.args(["-o", option]);
    }
    command.arg("-o").arg(format!("ControlPath={}", control.display()));
    // Its input is what keeps it: see `Master`.
    command.args(["-T", "--", host]).arg(super::command(&[
        "sh".into(),
        "-c".into(),
        format!("echo {READY}; exec cat >/dev/null"),
    ]));
    command.process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(dir) = &from.dir {
        command.current_dir(dir);
    }
    command.envs(from.env.iter().map(|(name, value)| (name, value)));
    let (kept, mut child) = Held::start(&mut command).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Failure::new(FailureKind::Failed, "the command `ssh` was not found")
            .with_help("`with ssh(…)` uses the OpenSSH client: install it"),
        _ => Failure::new(FailureKind::Failed, format!("`ssh` could not be started: {e}")),
    })?;
    let gone = || Failure::new(FailureKind::Failed, "`ssh` has no input or output");
    let lease = child.stdin.take().ok_or_else(gone)?;
    let mut out = child.stdout.take().ok_or_else(gone)?;
    let mut err = child.stderr.take().ok_or_else(gone)?;
    let mut said = Vec::new();
    let open = {
        let mut ready = std::pin::pin!(ready(&mut out));
        tokio::select! {
            open = &mut ready => open,
            _ = read(&mut err, &mut said) => ready.await,
        }
    };
    if open {
        tokio::spawn(forget(out));
        tokio::spawn(forget(err));
        return Ok(Master { child, _lease: lease, control, _kept: kept });
    }
    // It has closed its output: what else it says is on its way.
    let _ = read(&mut err, &mut said).await;
    let _ = child.wait().await;
    Err(explain::ssh(host, &String::from_utf8_lossy(&said)))
}

/// Whether the far side answers; a login shell may say something of its own first.
async fn ready(out: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut heard = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(n) = out.read(&mut buffer).await {
        if n == 0 {
            return false;
        }
        heard.extend_from_slice(buffer.get(..n).unwrap_or_default());
        if String::from_utf8_lossy(&heard).contains(READY) {
            return true;
        }
        let old = heard.len().saturating_sub(READY.len());
        heard.drain(..old);
    }
    false
}

async fn read(from: &mut (impl AsyncRead + Unpin), into: &mut Vec<u8>) -> std::io::Result<usize> {
    let room = SAID.saturating_sub(into.len() as u64);
    from.take(room).read_to_end(into).await
}

async fn forget(mut from: impl AsyncRead + Unpin) {
    let mut buffer = [0; 1024];
    while matches!(from.read(&mut buffer).await, Ok(n) if n > 0) {}
}
