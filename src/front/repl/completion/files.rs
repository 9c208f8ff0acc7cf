//! Files whose paths begin so.

/// Directories end in `/`.
#[allow(clippy::disallowed_methods, reason = "the door looks at what its user names")]
pub fn beginning(word: &str) -> Vec<String> {
    let (folder, name) = word.rsplit_once('/').map_or(("", word), |(folder, name)| (folder, name));
    let dir = match (folder, word.starts_with('/')) {
        ("", true) => "/",
        ("", false) => ".",
        (folder, _) => folder,
    };
    let before = if word.contains('/') { format!("{folder}/") } else { String::new() };
    let files = std::fs::read_dir(dir).into_iter().flatten().take(10_000).flatten();
    files
        .filter_map(|file| {
            let own = file.file_name().into_string().ok()?;
            let hidden = own.starts_with('.') && !name.starts_with('.');
            if hidden || !own.starts_with(name) {
                return None;
            }
            let slash = if file.path().is_dir() { "/" } else { "" };
            Some(format!("{before}{own}{slash}"))
        })
        .collect()
}
