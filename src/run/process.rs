//! What rbk does with its own process before a run.
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use nix::sys::signal::{SigSet, Signal};

use crate::effects::shell;

/// Call first in `main`: until a run listens to signals, a file that may not get larger (`ulimit -f`) is an error of the write, and
/// not the silent end of the process.
pub fn outlive_large_files() {
    // A system that refuses leaves it as it was.
    let _ = SigSet::from(Signal::SIGXFSZ).thread_block();
}

/// It is listened to: blocked, it would be so for every command.
pub(super) fn hear_large_files() {
    let _ = SigSet::from(Signal::SIGXFSZ).thread_unblock();
}

/// Call once, in `main`'s thread, before a run is driven in this process: raises the soft limit of open files to the
/// hard one, and becomes the parent of what commands leave behind (on Linux), so that a detached child is found again.
pub fn prepare() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // A system that refuses leaves the limit as it was.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    shell::adopt_orphans();
}

/// Run a future to its end on this thread, with its timers, sockets and processes.
///
/// # Errors
/// When the system gives no event queue.
pub fn block_on<T>(future: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(future);
    // What still reads a terminal or a daemon's output is not waited for.
    runtime.shutdown_background();
    Ok(result)
}
