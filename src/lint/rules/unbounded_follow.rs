//! A command that never ends: `tail -f`, `kubectl logs -f`, `watch`.
use std::sync::LazyLock;

use crate::check::shell::ran::{Kinds, Ran};
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Role, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::UnboundedFollow, severity: Severity::Error, look: Look::Command(look) };

static FOLLOWS: LazyLock<Kinds> = LazyLock::new(|| {
    Kinds::new(&[
        "tail ?[-f -F --follow --follow=*]",
        "journalctl ?[-f --follow]",
        "dmesg ?[-w --follow]",
        "kubectl logs ?[-f --follow --follow=true]",
        "kubectl get ?[-w --watch --watch-only]",
        "oc logs ?[-f --follow]",
        "stern",
        "docker logs ?[-f --follow]",
        "docker compose logs ?[-f --follow]",
        "docker-compose logs ?[-f --follow]",
        "docker events",
        "podman logs ?[-f --follow]",
        "systemctl status ?[-f --follow]",
        "redis-cli monitor",
        "redis-cli ?[--stat --latency --latency-history]",
        "inotifywait ?[-m --monitor]",
        "aws logs tail ?[--follow]",
        "heroku logs ?[-t --tail]",
        "celery events",
        "yes",
        "watch ![-g --chgexit]",
        "ping ![-c -w]",
        "tcpdump ![-c]",
        "docker stats ![--no-stream]",
        "kubectl port-forward",
    ])
});

fn look(_: &Script<'_>, ran: &Placed<Ran>) -> Option<Diagnostic> {
    let (place, ran) = (ran.place, &ran.it);
    if place.role == Role::Beside || ran.runs_in("timeout") {
        return None;
    }
    // Behind a `&` it holds nothing up; that nobody watches it is said by `lost-exit-code`.
    if ran.background || !ran.is(&FOLLOWS) {
        return None;
    }
    let found =
        RULE.found(format!("`{}` never ends here", shown(ran)), ran.span, "what stands below it is never reached");
    Some(found.help(
        "read what is there (`tail -n 100`, `kubectl logs --since=10m`), look for as long as it takes with `watch \"…\" for 5m every 5s { guard … }`, or let it run beside a block: `with running($(…)) { … }`",
    ))
}

/// The command as far as it tells what it does.
fn shown(ran: &Ran) -> String {
    const TELLS: [&str; 9] = ["-f", "-F", "--follow", "-w", "--watch", "monitor", "port-forward", "stats", "events"];
    let word = ran.args.iter().find(|a| TELLS.contains(&a.text.as_str()));
    let of = ran.args.first().filter(|first| {
        matches!(ran.name.as_str(), "docker" | "podman" | "kubectl" | "oc" | "systemctl" | "heroku")
            && !first.text.starts_with('-')
    });
    let of = of.filter(|of| word.is_none_or(|word| word.text != of.text)).map(|of| of.text.as_str());
    let words = [Some(ran.name.as_str()), of, word.map(|word| word.text.as_str())];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
