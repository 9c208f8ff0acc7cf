//! Where a run belongs: the machine, the user, the directory, and the variables that decide what a command means.
use sha2::{Digest, Sha256};

use crate::effects::shell;
use crate::journal::{Holder, Place, Trouble};

/// What changes the meaning of a command without being written in it.
const VARIABLES: &[&str] = &[
    "PATH",
    "HOME",
    "KUBECONFIG",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AZURE_CONFIG_DIR",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "CLOUDSDK_CONFIG",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DJANGO_SETTINGS_MODULE",
    "VIRTUAL_ENV",
    "PGHOST",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGSERVICE",
];

/// Of this process.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the waist tells where a run belongs")]
pub fn here() -> Place {
    let variables = VARIABLES.iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some(((*name).to_owned(), fingerprint(value.as_encoded_bytes())))
    });
    Place {
        host: machine(),
        host_name: host_name(),
        user: user(),
        dir: std::env::current_dir().map(|dir| dir.to_string_lossy().into_owned()).unwrap_or_default(),
        variables: variables.collect(),
        path: std::env::var("PATH").ok(),
    }
}

/// This process.
#[must_use]
pub fn holder() -> Holder {
    let pid = nix::unistd::Pid::this().as_raw();
    Holder { host_name: host_name(), user: user(), pid, started: shell::started(pid) }
}

/// What is different from the place where the run started, a line each.
#[must_use]
pub fn differences(then: &Place, now: &Place) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, then: &str, now: &str| {
        if then != now {
            found.push(format!("{what}: {} then, {} now", named(then), named(now)));
        }
    };
    if then.host != now.host {
        differ("machine", &then.host_name, &format!("{} ({})", now.host_name, now.host));
    }
    differ("user", &then.user, &now.user);
    // Its commands are looked for where they were at its start.
    for name in VARIABLES.iter().filter(|name| **name != "PATH" || then.path.is_none()) {
        let of = |place: &Place| place.variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        match (of(then), of(now)) {
            (Some(_), None) => found.push(format!("`{name}`: set then, not set now")),
            (None, Some(_)) => found.push(format!("`{name}`: not set then, set now")),
            (Some(then), Some(now)) if then != now => found.push(format!("`{name}` has another value now")),
            _ => {}
        }
    }
    found
}

/// Why a run does not go on here.
#[must_use]
pub fn elsewhere(differences: &[String]) -> Trouble {
    let message = format!("the run was started in another place: {}", differences.join("; "));
    Trouble::new(message).with_help("go on there; or here, with `--here REASON`")
}

fn named(text: &str) -> String {
    if text.is_empty() { "unknown".to_owned() } else { format!("`{text}`") }
}

/// Tells a change; too short to give the value away.
fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What the system calls itself for ever; its name where it does not.
#[allow(clippy::disallowed_methods, reason = "the waist tells where a run belongs")]
fn machine() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").map(|id| id.trim().to_owned()).unwrap_or_default();
    if id.is_empty() { host_name() } else { id }
}

fn host_name() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn user() -> String {
    let uid = nix::unistd::Uid::effective();
    let found = nix::unistd::User::from_uid(uid).ok().flatten();
    found.map_or_else(|| uid.to_string(), |user| user.name)
}
