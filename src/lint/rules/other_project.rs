//! `docker compose` with a file here and without one there: two projects.
use crate::check::shell::ran::Ran;
use crate::diag::{Code, Diagnostic, Severity};
use crate::lint::script::{Placed, Script};
use crate::lint::{Look, Rule};

pub const RULE: Rule = Rule { code: Code::OtherProject, severity: Severity::Warning, look: Look::Script(look) };

fn look(script: &Script<'_>) -> Vec<Diagnostic> {
    let compose = |ran: &&Placed<Ran>| {
        ran.it.name == "docker-compose"
            || ran.it.name == "docker" && ran.it.args.first().is_some_and(|a| a.text == "compose")
    };
    let named = |ran: &&Placed<Ran>| ran.it.value_of(&["-f", "--file"]).is_some() && file(&ran.it);
    let Some(first) = script.commands.iter().filter(compose).find(named) else { return Vec::new() };
    let others = script
        .commands
        .iter()
        .filter(compose)
        .filter(|ran| !named(ran) && ran.it.value_of(&["-p", "--project-name"]).is_none());
    let mut told = Vec::new();
    // Once a block.
    let others = others.filter(|ran| {
        let block = (ran.place.step, ran.place.role);
        let new = !told.contains(&block);
        told.push(block);
        new
    });
    let found = others.map(|ran| {
        RULE.found("this is another project", ran.it.span, "the file of this folder, not the one above")
            .label(first.it.span, "a file is named here")
            .help("name the file every time, or once for all: `with env({ COMPOSE_FILE: \"docker-compose.prod.yml\" }) { … }`")
    });
    found.collect()
}

/// The `-f` before the subcommand; behind `logs` it follows.
fn file(ran: &Ran) -> bool {
    let words = ran.args.iter().map(|a| a.text.as_str()).filter(|w| *w != "compose");
    words.take(4).any(|w| w == "-f" || w == "--file" || w.starts_with("--file="))
        && ran.args.iter().any(|a| a.text.ends_with(".yml") || a.text.ends_with(".yaml"))
}
