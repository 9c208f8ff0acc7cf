//! What a rollback of a write could look like: a concrete line to start from, never applied by itself.
use crate::check::program::Program;
use crate::check::walk::Doing;

/// For the help of `missing-rollback`.
pub fn advice(doing: &Doing<'_>) -> String {
    match undo(doing) {
        Some(line) => format!(
            "add {line}, or `rollback none \"why\"`, `rollback manual \"what to do\"`, `irreversible \"why\"`"
        ),
        None => {
            "say how: `rollback { … }` puts back what was there before (read it into a `let` above the write), `rollback none \"why\"`, \
             `rollback manual \"what to do\"`, or `irreversible \"why\"`"
                .to_owned()
        }
    }
}

/// A whole step around the write.
pub fn step(program: &Program, doing: &Doing<'_>) -> String {
    let whole = undo(doing).filter(|l| l.starts_with("`rollback") && l.ends_with('`') && l.matches('`').count() == 2);
    let line = whole.map_or_else(|| "rollback { … }".to_owned(), |l| l.trim_matches('`').to_owned());
    let write = match doing {
        Doing::Command(c) if c.source.lines().count() > 1 => "…".to_owned(),
        Doing::Command(_) | Doing::Call(_) | Doing::Action(_) => doing.name(program),
    };
    format!("step \"…\" {{\n  {write}\n  {line}\n}}")
}

fn undo(doing: &Doing<'_>) -> Option<String> {
    match doing {
        Doing::Command(command) => {
            let line = command.source.trim();
            (line.lines().count() == 1).then(|| of_command(line))?
        }
        Doing::Call(call) => of_call(&call.action, &call.source),
        Doing::Action(_) => None,
    }
}

fn of_command(line: &str) -> Option<String> {
    if line.contains(['|', ';', '&', '>']) {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let swapped =
        |from: &str, to: &str| words.iter().map(|w| if *w == from { to } else { w }).collect::<Vec<_>>().join(" ");
    const PAIRS: &[(&str, &str, &str)] = &[
        ("systemctl", "start", "stop"),
        ("systemctl", "stop", "start"),
        ("systemctl", "enable", "disable"),
        ("systemctl", "disable", "enable"),
        ("systemctl", "mask", "unmask"),
        ("docker", "start", "stop"),
        ("docker", "stop", "start"),
        ("kubectl", "cordon", "uncordon"),
        ("kubectl", "uncordon", "cordon"),
        ("mkdir", "mkdir", "rmdir"),
        ("mount", "mount", "umount"),
        ("umount", "umount", "mount"),
    ];
    /// Undone like this, what was there before goes with it.
    const MADE: &[(&str, &str)] = &[
        ("createdb", "dropdb"),
        ("createuser", "dropuser"),
        ("useradd", "userdel"),
        ("groupadd", "groupdel"),
        ("touch", "rm -f"),
    ];
    let first = *words.first()?;
    if let Some((from, to)) = MADE.iter().find(|(name, _)| *name == first) {
        return Some(format!("`rollback {{ $ {} }}` and a guard above that it is not there before", swapped(from, to)));
    }
    let undone = PAIRS.iter().find(|(name, word, _)| *name == first && words.contains(word));
    if let Some((_, from, to)) = undone {
        return Some(format!("`rollback {{ $ {} }}`", swapped(from, to)));
    }
    match (first, words.as_slice()) {
        ("mv", ["mv", from, to]) => Some(format!("`rollback {{ $ mv {to} {from} }}`")),
        ("ln" | "cp", [_, .., to]) if words.len() >= 3 => {
            let action = if first == "ln" { "files.symlink" } else { "files.copy" };
            Some(format!(
                "`rollback {{ $ rm -f {to} }}` where nothing is there before, else take `{action}(…)` of `std/files`, which puts back what was,"
            ))
        }
        ("rm", _) => Some(
            "a `rollback` (what `rm` deletes is gone: move it aside first, `$ mv x x.old`, and back with `rollback { $ mv x.old x }`)"
                .to_owned(),
        ),
        ("kubectl", _) if words.contains(&"scale") => {
            Some("`rollback { $ kubectl scale … --replicas #{before} }` with the number read into `let before = $ …` above".to_owned())
        }
        ("kubectl", _) if words.contains(&"rollout") || words.contains(&"set") => {
            Some("`rollback { $ kubectl rollout undo … }`".to_owned())
        }
        ("helm", _) => Some("`rollback { $ helm rollback … }`".to_owned()),
        ("git", _) if words.contains(&"checkout") || words.contains(&"reset") => Some(
            "`rollback { $ git checkout --quiet #{before} }` with `let before = $ git rev-parse HEAD` above it".to_owned(),
        ),
        ("systemctl", _) if words.contains(&"restart") || words.contains(&"reload") => {
            Some("`rollback none \"a restart has nothing to go back to\"`".to_owned())
        }
        _ => None,
    }
}

fn of_call(action: &str, source: &str) -> Option<String> {
    let on = source.rsplit_once('.').map_or("", |(on, _)| on);
    match action {
        "redis.set" | "redis.del" | "redis.expire" => Some(format!(
            "`use \"std/redis\"` and write `{action}({on}, …)`, which puts back the old value and the time it had left,"
        )),
        "redis.incr" => Some(format!("`rollback {{ {on}.incr(…, by: -1) }}`")),
        "redis.config_set" => {
            Some(format!("`let before = {on}.config_get(…)` above and `rollback {{ {on}.config_set(…, before) }}`"))
        }
        "file.write" => Some("`let before = file.read(…)` above and `rollback { file.write(…, before) }`".to_owned()),
        "file.copy" => Some(
            "`rollback { file.remove(…) }` where nothing is there before, else take `files.copy(…)` of `std/files`, which puts back what was,"
                .to_owned(),
        ),
        "postgres.set_password" => Some(format!("`rollback {{ {on}.set_password(…, old_password) }}`")),
        "http.put" => {
            Some(format!("`let before = {on}.get(…).json()` above and `rollback {{ {on}.put(…, json: before) }}`"))
        }
        _ => None,
    }
}
