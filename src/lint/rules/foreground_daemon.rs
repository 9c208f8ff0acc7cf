//! A server in the foreground: what stands below it is never reached. In the background nobody watches it.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran, Then};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::ForegroundDaemon, severity: Severity::Error, look: Look::Command(look) };

static SERVERS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "gunicorn ![--check-config --version -v --help --print-config]",
        "uvicorn ![--version --help]",
        "daphne ![--version -h --help]",
        "hypercorn ![--version --help]",
        "uwsgi ![--version --stop --reload]",
        "flask run",
        "npm start",
        "npm run dev",
        "npm run start",
        "yarn start",
        "yarn dev",
        "rails server",
        "rails s",
        "php artisan serve",
        "docker compose up ![-d --detach --wait --no-start]",
        "docker-compose up ![-d --detach --wait --no-start]",
        "redis-server ![--version --daemonize]",
    ])
});

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let (place, ran) = (ran.place, &ran.it);
    if place.role == Role::Beside || ran.runs_in("timeout") || !serves(ran) {
        return None;
    }
    let (message, label) = if ran.option("daemon", '\0') || ran.option("detach", '\0') && ran.name == "celery" {
        ("`NAME` leaves a server behind that nothing knows", "no unit, no pid, no way to stop it")
    } else if ran.then == Then::Background {
        ("`NAME` runs on in the background, where nobody watches it", "it ends with the command, or is lost")
    } else {
        ("`NAME` is a server: it does not end", "what stands below it is never reached")
    };
    let found = RULE.found(message.replace("NAME", &ran.name), ran.span, label);
    Some(found.help(
        "start it as a unit (`systemd.start(\"web\")` waits until it runs and stops it on rollback), or for as long as a block: `with running($(…), ready: …) { … }`",
    ))
}

pub(super) fn serves(ran: &Ran) -> bool {
    if ran.is(&SERVERS) {
        return true;
    }
    let mut words = std::iter::once(ran.name.as_str()).chain(ran.operands().map(|a| a.text.as_str()));
    match ran.name.as_str() {
        "celery" => words.any(|w| matches!(w, "worker" | "beat" | "flower")),
        "python" | "python3" => words.any(|w| w == "http.server" || w == "runserver"),
        _ => words.any(|w| w == "runserver"),
    }
}
