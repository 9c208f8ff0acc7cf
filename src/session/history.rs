//! What was typed at consoles of this user, kept for the next one. What showed a secret is not given to it.
use std::collections::VecDeque;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// One history.
pub struct History(Option<PathBuf>);

/// Of consoles with this runbook; of those without one, that of all of them.
#[must_use]
pub fn of(book: Option<&Path>) -> History {
    let file = match book {
        None => "console.history".to_owned(),
        Some(book) => {
            let whole = std::path::absolute(book).unwrap_or_else(|_| book.to_owned());
            let digest = Sha256::digest(whole.as_os_str().as_encoded_bytes());
            let number: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("console-{number}.history")
        }
    };
    History(crate::state::dir().map(|dir| dir.join(file)))
}

impl History {
    /// The oldest first; nothing where there is none. One JSON string a line.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the waist reads the files of its doors")]
    pub fn read(&self) -> Vec<String> {
        let text = self.0.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// All of it anew. That it cannot be kept is no reason to stop.
    #[allow(clippy::disallowed_methods, reason = "the waist writes the files of its doors")]
    pub fn write(&self, past: &VecDeque<String>) {
        let Some(path) = &self.0 else { return };
        let lines = past.iter().map(|text| format!("{}\n", serde_json::Value::from(text.as_str())));
        let next = path.with_extension("history.new");
        if let Some(dir) = path.parent() {
            let _ = std::fs::create_dir_all(dir);
        }
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next);
        let written = file.and_then(|mut file| file.write_all(lines.collect::<String>().as_bytes()));
        let _ = written.and_then(|()| std::fs::rename(&next, path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_book_has_its_own() {
        let name = |book: Option<&str>| of(book.map(Path::new)).0;
        assert_eq!(name(Some("a.rbk")), name(Some("./a.rbk")));
        assert_ne!(name(Some("a.rbk")), name(Some("b.rbk")));
        assert_ne!(name(Some("a.rbk")), name(None));
    }
}
