//! The embedded library: texts that cost nothing until a script names them.
use super::Library;

macro_rules! texts {
    ($($name:literal)*, $folder:literal) => {
        &[$(($name, include_str!(concat!("../../stdlib/", $folder, $name, ".rbk"))),)*]
    };
}

/// `use "std/NAME"`: one line a library.
pub const LIBRARIES: &[(&str, &str)] = texts!("files" "git" "http" "nginx" "notify" "postgres" "redis" "systemd", "");

/// Declarations of native actions, one file a provider.
pub const NATIVES: &[(&str, &str)] = texts!("postgres" "redis" "http" "prometheus" "file" "runs" "secret", "native/");

/// Commands that are known only to read.
pub const COMMANDS: &str = include_str!("../../stdlib/commands.rbk");

/// The shown name and the text of `std/NAME`.
#[must_use]
pub fn read(path: &str) -> Option<(String, &'static str)> {
    let name = path.strip_prefix("std/")?;
    let (name, text) = LIBRARIES.iter().find(|(n, _)| *n == name)?;
    Some((format!("<std>/{name}.rbk"), text))
}

/// Whether this is the text of such declarations, wherever it stands.
#[must_use]
pub fn declares(text: &str) -> bool {
    NATIVES.iter().any(|(_, native)| *native == text)
}

/// The declarations of a provider.
#[must_use]
pub fn native(provider: &str) -> Option<(&'static str, &'static str)> {
    NATIVES.iter().find(|(n, _)| *n == provider).copied()
}

/// The embedded library alone: for texts that stand nowhere on a disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Embedded;

impl Library for Embedded {
    fn read(&self, _from: &str, path: &str) -> Result<(String, String), String> {
        read(path).map(|(name, text)| (name, text.to_owned())).ok_or_else(|| "only `std/…` can be used here".to_owned())
    }
}
