//! A program that asks at the keyboard: in a run nobody types, its standard input is closed.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::InteractiveCommand, severity: Severity::Error, look: Look::Command(look) };

/// Whatever their arguments.
const ALWAYS: [&str; 24] = [
    "vi",
    "vim",
    "nvim",
    "nano",
    "emacs",
    "ed",
    "less",
    "more",
    "most",
    "man",
    "htop",
    "atop",
    "btop",
    "iotop",
    "nmtui",
    "visudo",
    "vipw",
    "telnet",
    "ftp",
    "whiptail",
    "dialog",
    "screen",
    "mysql_secure_installation",
    "k9s",
];

static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "crontab ?[-e]",
        "kubectl edit",
        "oc edit",
        "systemctl edit ![--stdin]",
        "git rebase ?[-i --interactive]",
        "git add ?[-p --patch -i --interactive]",
        "passwd ![--stdin -l -u -d -e --lock --unlock --delete --expire -S --status]",
        "rails console",
        "rails dbconsole",
    ])
});

/// Consoles: these stay when they are given nothing to do. The options that take a value.
const CONSOLES: [(&str, &[&str]); 8] = [
    ("psql", &["-h", "-p", "-U", "-d", "-v", "--host", "--port", "--username", "--dbname", "--set"]),
    ("mysql", &["-h", "-P", "-u", "-D", "--host", "--port", "--user", "--database"]),
    ("mariadb", &["-h", "-P", "-u", "-D", "--host", "--port", "--user", "--database"]),
    ("redis-cli", &["-h", "-p", "-n", "-a", "-u", "-s", "--user", "--pass", "--cacert", "--cert", "--key"]),
    ("mongosh", &["--host", "--port", "-u", "-p", "--username", "--password"]),
    ("python", &[]),
    ("python3", &[]),
    ("node", &[]),
];

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let (place, ran) = (ran.place, &ran.it);
    if ran.fed || place.fed || place.role == Role::Beside {
        return None;
    }
    if ran.has("--version") || ran.has("--help") {
        return None;
    }
    let name = ran.name.as_str();
    let (what, instead) = if ALWAYS.contains(&name) || ran.is(&KINDS) {
        (
            name.to_owned(),
            "write what it would be told as a command, a file, or a question of the runbook (`confirm`, `ask`)",
        )
    } else if name == "top" && !ran.option("", 'b') {
        ("top".to_owned(), "`top -b -n 1` prints once; `ps aux --sort=-%mem | head` tells the same")
    } else if let Some(said) = django(ran) {
        said
    } else if console(ran) {
        (
            name.to_owned(),
            "give it what to do: `psql -c`, `redis-cli PING`, a file, or a connection of the runbook (`db.query(…)`)",
        )
    } else if shell(ran) {
        (name.to_owned(), "give it the command to run: `sh -c '…'`, `ssh host '…'`, `with ssh(…) { $ … }`")
    } else {
        return None;
    };
    let found =
        RULE.found(format!("`{what}` waits for somebody to type"), ran.span, "in a run its standard input is closed");
    Some(found.help(instead))
}

/// `manage.py shell`, `dbshell`, `createsuperuser`
fn django(ran: &Ran) -> Option<(String, &'static str)> {
    let words = ran.operands().map(|a| a.text.as_str());
    let mut words = std::iter::once(ran.name.as_str()).chain(words).skip_while(|w| !manages(w)).skip(1);
    let instead = match words.next()? {
        "shell" | "shell_plus" if !ran.option("command", 'c') => "`manage.py shell -c '…'` runs code and ends",
        "dbshell" if !ran.has("--") && !ran.has("-c") => {
            "use a connection of the runbook: `connect db = postgres(…)`, then `db.query(…)`"
        }
        "createsuperuser" if !ran.option("noinput", '\0') && !ran.option("no-input", '\0') => {
            "`--noinput` takes what it needs from `DJANGO_SUPERUSER_…` variables: `with env({ … })`"
        }
        "changepassword" => "set it in `manage.py shell -c '…'`, from a secret in the environment",
        _ => return None,
    };
    let command = ran.operands().map(|a| a.text.as_str()).find(|w| !manages(w))?;
    Some((format!("manage.py {command}"), instead))
}

fn manages(word: &str) -> bool {
    word.rsplit('/').next() == Some("manage.py") || word == "django-admin"
}

/// A console that is given nothing to do.
fn console(ran: &Ran) -> bool {
    let Some((name, values)) = CONSOLES.iter().find(|(name, _)| *name == ran.name) else { return false };
    let asked = ["-V", "-l", "--list"].iter().any(|o| ran.has(o));
    if asked || !ran.code.is_empty() {
        return false;
    }
    match *name {
        "psql" => !ran.option("file", 'f') && !ran.option("command", 'c'),
        "mysql" | "mariadb" => !ran.option("execute", 'e'),
        "redis-cli" => {
            !gives(ran, values)
                && [
                    "--scan",
                    "--bigkeys",
                    "--rdb",
                    "--pipe",
                    "--eval",
                    "--cluster",
                    "--stat",
                    "--latency",
                    "--memkeys",
                    "--hotkeys",
                ]
                .iter()
                .all(|o| !ran.has(o))
        }
        "mongosh" => !ran.option("eval", '\0') && !ran.option("file", 'f'),
        _ => ran.args.is_empty() || ran.args.iter().all(|a| a.text == "-i"),
    }
}

/// Whether there is an operand besides what its options take.
fn gives(ran: &Ran, values: &[&str]) -> bool {
    let mut args = ran.args.iter();
    while let Some(arg) = args.next() {
        if values.contains(&arg.text.as_str()) {
            args.next();
        } else if !arg.text.starts_with('-') {
            return true;
        }
    }
    false
}

/// A shell without a command: `bash`, `ssh host`, `su`, `kubectl exec -it pod -- sh`.
fn shell(ran: &Ran) -> bool {
    match ran.name.as_str() {
        "bash" | "sh" | "zsh" | "dash" | "ash" => {
            ran.args.iter().all(|a| matches!(a.text.as_str(), "-l" | "-i" | "-il" | "--login"))
        }
        "su" => !ran.option("command", 'c'),
        _ => false,
    }
}
