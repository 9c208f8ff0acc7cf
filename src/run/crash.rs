//! Instants at which a test may kill this process for good: before and after each write of the journal, each start and
//! each end of a call. `RBK_CRASH_AT=N` dies at the N-th; a release does not look.
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static AT: OnceLock<u64> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

#[allow(clippy::disallowed_methods, reason = "asked for by a test")]
pub fn point() {
    if !cfg!(debug_assertions) {
        return;
    }
    let at = *AT.get_or_init(|| std::env::var("RBK_CRASH_AT").ok().and_then(|text| text.parse().ok()).unwrap_or(0));
    if at > 0 && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == at {
        // As the kernel does it: nothing is cleaned up.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        loop {
            std::thread::park();
        }
    }
}
