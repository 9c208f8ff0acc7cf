//! What a directory holds, to be compared with what it held before.
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Path → mode and content (a symlink's target).
pub type Files = BTreeMap<String, String>;

/// Everything below but logs, pid files, caches of Python and the insides of `.git`.
pub fn files(dir: &Path) -> Files {
    let mut found = Files::new();
    walk(dir, dir, &mut found);
    found
}

fn walk(root: &Path, dir: &Path, found: &mut Files) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().unwrap();
        let passing = name.ends_with(".log") || name.ends_with(".pid") || name == "__pycache__" || name == ".git";
        if passing {
            continue;
        }
        let what = if kind.is_symlink() {
            format!("-> {}", std::fs::read_link(&path).unwrap().display())
        } else {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
            if kind.is_dir() {
                walk(root, &path, found);
                format!("{mode:o} folder")
            } else {
                format!("{mode:o} {}", super::text(&std::fs::read(&path).unwrap()))
            }
        };
        found.insert(path.strip_prefix(root).unwrap().display().to_string(), what);
    }
}
