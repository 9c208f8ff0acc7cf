//! Instants at which a test may kill this process for good, or stop it: before and after each write of the journal, each
//! start and each end of a call. `RBK_CRASH_AT=N` dies at the N-th, `RBK_STOP_AT=N` stops there; only a build for tests
//! looks: one with debug assertions or the feature `crash-points`.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

static AT: OnceLock<[u64; 2]> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

pub fn point() {
    if !cfg!(any(debug_assertions, feature = "crash-points")) {
        return;
    }
    let [crash, stop] = *AT.get_or_init(|| [number("RBK_CRASH_AT"), number("RBK_STOP_AT")]);
    if crash == 0 && stop == 0 {
        return;
    }
    let now = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
    if now == crash {
        // As the kernel does it: nothing is cleaned up.
        let _ = kill(Pid::this(), Signal::SIGKILL);
        loop {
            std::thread::park();
        }
    }
    if now == stop {
        // To this very thread: it goes no further before it is continued.
        let _ = nix::sys::signal::raise(Signal::SIGSTOP);
    }
}

#[allow(clippy::disallowed_methods, reason = "asked for by a test")]
fn number(name: &str) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}
