//! What ssh and sudo say when they let nothing start, in words that say what to do.
use crate::engine::{Failure, FailureKind};

/// Nothing was reached: why, from the end of what `ssh` said.
#[must_use]
pub fn ssh(host: &str, said: &str) -> Failure {
    let has = |part: &str| said.contains(part);
    let last = last_line(said);
    let known_by = || {
        said.lines()
            .find_map(|line| line.strip_prefix("Offending "))
            .map(|at| format!(" ({})", at.trim_end()))
            .unwrap_or_default()
    };
    let name = host_name(host);
    let (why, help) = if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("Offending ") {
        (
            format!(
                "its host key is not the one that is known{}: it was installed anew, or another machine answers",
                known_by()
            ),
            Some(format!(
                "find out which; if it was installed anew: `ssh-keygen -R {name}`, then connect once by hand"
            )),
        )
    } else if has("Host key verification failed") || has("host key is known for") {
        (
            "its host key is not known here".to_owned(),
            Some(format!(
                "connect once by hand (`ssh {host}`) and compare the fingerprint, or put its key into `known_hosts`"
            )),
        )
    } else if has("Permission denied") {
        (
            format!("it lets nobody in without a question: {last}"),
            Some(format!(
                "rbk never asks: give it a key or an agent with which `ssh -o BatchMode=yes {host} true` works"
            )),
        )
    } else if has("Could not resolve hostname") {
        (
            "there is no host of this name".to_owned(),
            Some("check the name, or its `Host` entry in the ssh configuration".to_owned()),
        )
    } else if has("Connection refused") {
        ("the connection was refused".to_owned(), Some("is sshd running there, on this port?".to_owned()))
    } else if has("timed out") || has("No route to host") || has("Network is unreachable") {
        (format!("it cannot be reached: {last}"), None)
    } else if last.is_empty() {
        ("ssh ended without a word".to_owned(), None)
    } else {
        (last.to_owned(), None)
    };
    let mut failure = Failure::new(FailureKind::Connection, format!("no connection to `{host}`: {why}"));
    failure.help = help;
    failure
}

/// Nothing was started: why, from what `sudo` said.
#[must_use]
pub fn sudo(user: &str, said: &str) -> Failure {
    let last = said.lines().rev().find_map(|line| line.strip_prefix("sudo: ")).unwrap_or(last_line(said));
    let refused = said.contains("password is required")
        || said.contains("not in the sudoers")
        || said.contains("not allowed")
        || said.contains("may not run");
    let why = if last.is_empty() { "it ended without a word" } else { last };
    let failure = Failure::new(FailureKind::Failed, format!("`sudo` lets nothing run as `{user}`: {why}"));
    if !refused {
        return failure;
    }
    failure.with_help(format!(
        "rbk never answers for a person: allow `sh` without a password in sudoers, like `deploy ALL=({user}) NOPASSWD: ALL`"
    ))
}

fn last_line(said: &str) -> &str {
    said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// As `known_hosts` has it.
fn host_name(host: &str) -> &str {
    let host = host.strip_prefix("ssh://").unwrap_or(host);
    host.rsplit_once('@').map_or(host, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_explained() {
        let said = "No ED25519 host key is known for [127.0.0.2]:2222 and you have requested strict checking.\r\nHost key verification failed.\r\n";
        let failure = ssh("deploy@web-1", said);
        assert_eq!(failure.message, "no connection to `deploy@web-1`: its host key is not known here");
        let failure =
            ssh("web-1", "@@@\nOffending ED25519 key in /home/ann/.ssh/known_hosts:3\nHost key verification failed.\n");
        assert!(failure.message.contains("is not the one that is known (ED25519 key in /home/ann/.ssh/known_hosts:3)"));
        let failure = ssh("a@b", "a@b: Permission denied (publickey).\r\n");
        assert!(failure.message.ends_with("it lets nobody in without a question: a@b: Permission denied (publickey)."));
        assert!(failure.help.unwrap().contains("`ssh -o BatchMode=yes a@b true`"));
        assert_eq!(ssh("h", "").message, "no connection to `h`: ssh ended without a word");
    }

    #[test]
    fn what_sudo_says_is_explained() {
        let failure = sudo("postgres", "sudo: a password is required\n");
        assert_eq!(failure.message, "`sudo` lets nothing run as `postgres`: a password is required");
        assert!(failure.help.unwrap().contains("NOPASSWD"));
        let failure =
            sudo("nosuch", "sudo: unknown user nosuch\nsudo: error initializing audit plugin sudoers_audit\n");
        assert!(failure.message.contains("nosuch"));
    }
}
