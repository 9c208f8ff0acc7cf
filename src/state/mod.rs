//! What rbk keeps on this machine beyond one run: where it is, and files that one process at a time holds.
pub mod held;

use std::path::PathBuf;

/// Where rbk keeps what outlives a run: `$RBK_STATE_DIR`, `$XDG_STATE_HOME/rbk`, `~/.local/state/rbk`.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
pub fn dir() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("RBK_STATE_DIR")
        .or_else(|| set("XDG_STATE_HOME").map(|d| d.join("rbk")))
        .or_else(|| set("HOME").map(|d| d.join(".local/state/rbk")))
}
