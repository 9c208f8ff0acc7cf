//! How things stand: `:steps`, `:plan`, `:connect`, `:env`.
use super::{Desk, Done};
use crate::effects::world::address;
use crate::engine::{Part, Stands};
use crate::front::repl::{Talked, listed};
use crate::journal::Trouble;
use crate::plan::{self, Node};
use crate::report::plan as drawn;
use crate::report::style::{Line, Tone};
use crate::run::Turn;
use crate::session::console::{self, Console};
use crate::session::{environment, journal, place};

const NOTHING: &str = "nothing is in place";

pub fn steps(desk: &mut Desk, _: &str) -> Done {
    let mut lines = desk.course_lines();
    match desk.in_place() {
        [] => lines.push(Line::new(0).put(Tone::Dim, NOTHING)),
        stands => {
            lines.extend((!lines.is_empty()).then(|| Line::new(0).put(Tone::Strong, "in place:")));
            lines.extend(listed(stands));
        }
    }
    desk.say(&lines);
    Ok(None)
}

pub fn plan(desk: &mut Desk, statement: &str) -> Done {
    if !statement.is_empty() {
        let mut tried = desk.console.clone();
        let Some(Turn::Enter(_)) = desk.checked(&mut tried, statement, Part::Own) else { return Ok(None) };
        let last = u32::try_from(tried.count()).unwrap_or(u32::MAX).saturating_sub(1);
        let (nodes, unwinding) = plan::input(&tried.program, &tried.sources, last);
        desk.say(&plain(&drawn::input(&nodes, &unwinding)));
        return Ok(None);
    }
    let stands = desk.in_place();
    let mut lines = vec![match stands {
        [] => Line::new(0).put(Tone::Dim, NOTHING),
        _ => Line::new(0).put(Tone::Plain, "`:undo all` would go through this, in this order:"),
    }];
    for unit in stands.iter().rev() {
        let line = Line::new(1).put(Tone::Strong, unit.step.as_str());
        let how = way_back(&desk.console, &unit.path.to_string(), console::number(&unit.path));
        lines.push(match (unit.stands, how) {
            (Stands::Final, _) => line.put(Tone::Warn, "  cannot be undone: it stops here; `:undo past all` goes on"),
            (Stands::InPlace | Stands::Undone, Some(how)) => line.put(Tone::Dim, format!("  {how}")),
            (Stands::InPlace | Stands::Undone, None) => line,
        });
    }
    desk.say(&lines);
    Ok(None)
}

/// How what stands there would be undone, as written.
fn way_back(console: &Console, path: &str, number: Option<u32>) -> Option<String> {
    let (nodes, _) = plan::input(&console.program, &console.sources, number?);
    let undo = found(&nodes, path)?.undo.as_ref()?;
    Some(drawn::way_back(undo))
}

fn found<'a>(nodes: &'a [Node], path: &str) -> Option<&'a Node> {
    nodes.iter().find_map(|node| if node.path == path { Some(node) } else { found(&node.children, path) })
}

fn plain(text: &str) -> Vec<Line> {
    text.lines().map(|line| Line::new(0).put(Tone::Plain, line)).collect()
}

pub fn connections(desk: &mut Desk, _: &str) -> Done {
    let width = desk.connections.iter().map(|on| on.name.len()).max().unwrap_or(0);
    let lines: Vec<Line> = desk
        .connections
        .iter()
        .map(|on| {
            let line = Line::new(0).put(Tone::Strong, format!("{:width$}  ", on.name));
            let line = line.put(Tone::Dim, format!("{:<10}  ", on.kind.name()));
            let line = line.put(Tone::Plain, address(on).unwrap_or_else(|| "where it leads cannot be read".to_owned()));
            match desk.talked.iter().find(|(other, _)| other == on).map(|(_, how)| how) {
                None => line.put(Tone::Dim, "  not asked yet"),
                Some(Talked::Answered) => line.put(Tone::Good, "  answered"),
                Some(Talked::Silent) => line.put(Tone::Bad, "  did not answer"),
            }
        })
        .collect();
    let none = || vec![Line::new(0).put(Tone::Dim, "no connection is declared: `connect db = postgres(url)`")];
    desk.say(&if lines.is_empty() { none() } else { lines });
    Ok(None)
}

pub fn environment(desk: &mut Desk, _: &str) -> Done {
    let here = place::here();
    let named = environment::here().map_err(Trouble::new)?;
    let (tone, said) = match &named {
        Some(named) if named.is_production() => (Tone::Bad, named.0.clone()),
        Some(named) => (Tone::Plain, named.0.clone()),
        None => (Tone::Dim, "not said (`RBK_ENVIRONMENT`, or `environment` in `rbk.toml`)".to_owned()),
    };
    let line =
        |what: &str, tone: Tone, said: String| Line::new(0).put(Tone::Dim, format!("{what:<12}")).put(tone, said);
    let lines = [
        line("environment", tone, said),
        line("run", Tone::Plain, desk.run.id.to_string()),
        line("journal", Tone::Plain, journal::shown(desk.run.journal.as_deref())?),
        line("user", Tone::Plain, here.user),
        line("host", Tone::Plain, here.host_name),
        line("directory", Tone::Plain, here.dir),
    ];
    desk.say(&lines);
    Ok(None)
}
