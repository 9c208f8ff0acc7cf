//! What rbk keeps on this machine beyond one run: where it is, and files that one process at a time holds.
pub mod held;

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A directory for this user alone, also where it was there and open to others.
///
/// # Errors
/// It cannot be made, or is another user's.
pub fn private(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if dir.metadata()?.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Where rbk keeps what outlives a run: `$RBK_STATE_DIR`, `$XDG_STATE_HOME/rbk`, `~/.local/state/rbk`.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the edge that reads the environment")]
pub fn dir() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("RBK_STATE_DIR")
        .or_else(|| set("XDG_STATE_HOME").map(|d| d.join("rbk")))
        .or_else(|| set("HOME").map(|d| d.join(".local/state/rbk")))
}
