//! Where a journal may be: a file of this user alone, on a disk of this machine.
use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::statfs::{Statfs, statfs};

use crate::journal::Trouble;

/// The one path of the journal, whichever way leads there: what stands beside it is for all who use it. The directory is
/// made when it is not there; the file is not.
pub fn find(path: &Path) -> Result<PathBuf, Trouble> {
    let dir = directory(path);
    let unmade = |e| wrong(format!("the journal's directory `{}` cannot be made: {e}", dir.display()));
    make(dir).map_err(unmade)?;
    let real = match (path.canonicalize(), path.file_name()) {
        (Ok(real), _) => real,
        (Err(_), Some(name)) => dir.canonicalize().map_err(unmade)?.join(name),
        (Err(e), None) => return Err(wrong(format!("the journal `{}` cannot be read: {e}", path.display()))),
    };
    check(&real)?;
    Ok(real)
}

fn check(path: &Path) -> Result<(), Trouble> {
    let (shown, dir) = (path.display(), directory(path));
    let of_dir = std::fs::metadata(dir).map_err(|e| wrong(format!("`{}`: {e}", dir.display())))?;
    if of_dir.mode() & 0o022 != 0 {
        return Err(wrong(format!(
            "the journal `{shown}` cannot stand in `{}`: others may write there",
            dir.display()
        )));
    }
    let system = statfs(dir).map_err(|e| wrong(format!("`{}`: {}", dir.display(), e.desc())))?;
    if let Some(name) = far(&system) {
        return Err(wrong(format!("the journal `{shown}` is on {name}: its locks do not hold there")));
    }
    match std::fs::metadata(path) {
        Ok(file) => check_file(path, &file),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(wrong(format!("the journal `{shown}` cannot be read: {e}"))),
    }
}

pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn make(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    // So that it is still there after the power went off.
    File::open(directory(dir))?.sync_all()
}

fn check_file(path: &Path, file: &Metadata) -> Result<(), Trouble> {
    let shown = path.display();
    if file.is_dir() {
        return Err(wrong(format!("the journal `{shown}` is a directory")));
    }
    if !file.is_file() {
        return Err(wrong(format!("the journal `{shown}` is no file")));
    }
    if file.len() == 0 {
        return Err(Trouble::new(format!("the journal `{shown}` is empty: what it held is gone"))
            .with_help("put a copy of it back, or remove it to start a new one"));
    }
    if file.mode() & 0o077 != 0 {
        let private = std::fs::set_permissions(path, Permissions::from_mode(file.mode() & 0o700));
        private.map_err(|e| wrong(format!("the journal `{shown}` can be read by others: {e}")))?;
    }
    Ok(())
}

/// What people call the file system when it is not of this machine alone.
#[cfg(target_os = "linux")]
fn far(system: &Statfs) -> Option<&'static str> {
    const FAR: [(u32, &str); 13] = [
        (0x6969, "NFS"),
        (0x517B, "SMB"),
        (0xFE53_4D42, "SMB"),
        (0xFF53_4D42, "CIFS"),
        (0x6573_5546, "FUSE"),
        (0x0102_1997, "9P"),
        (0x00C3_6400, "Ceph"),
        (0x5346_414F, "AFS"),
        (0x7375_7245, "Coda"),
        (0x0BD0_0BD0, "Lustre"),
        (0x4750_4653, "GPFS"),
        (0x0116_1970, "GFS2"),
        (0x7461_636F, "OCFS2"),
    ];
    // The kernel's word is 32 bits wide, its type is not the same everywhere.
    let kind = system.filesystem_type().0 as u32;
    FAR.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
}

#[cfg(not(target_os = "linux"))]
fn far(system: &Statfs) -> Option<&'static str> {
    let local = system.flags().contains(nix::mount::MntFlags::MNT_LOCAL);
    (!local).then_some("a network file system")
}

fn wrong(message: String) -> Trouble {
    Trouble::new(message)
        .with_help("set `RBK_STATE_DIR` to a directory of your own on a local disk, or `RBK_JOURNAL` to a file in one")
}
