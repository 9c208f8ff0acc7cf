//! What was typed at consoles of this user, kept for the next one. What showed a secret is not given to it.
use std::collections::VecDeque;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

fn path() -> Option<PathBuf> {
    Some(crate::state::dir()?.join("console.history"))
}

/// The oldest first; nothing where there is none. One JSON string a line.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the waist reads the files of its doors")]
pub fn read() -> Vec<String> {
    let text = path().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// All of it anew. That it cannot be kept is no reason to stop.
#[allow(clippy::disallowed_methods, reason = "the waist writes the files of its doors")]
pub fn write(past: &VecDeque<String>) {
    let Some(path) = path() else { return };
    let lines = past.iter().map(|text| format!("{}\n", serde_json::Value::from(text.as_str())));
    let next = path.with_extension("history.new");
    if let Some(dir) = path.parent() {
        let _ = std::fs::create_dir_all(dir);
    }
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next);
    let written = file.and_then(|mut file| file.write_all(lines.collect::<String>().as_bytes()));
    let _ = written.and_then(|()| std::fs::rename(&next, &path));
}
