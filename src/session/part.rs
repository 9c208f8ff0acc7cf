//! Which part of a run a person wants undone, by a step's title or path.
use std::collections::BTreeMap;

use crate::diag::did_you_mean;
use crate::engine::call::Path;
use crate::engine::{Engine, Extent, Stands, Undoable};
use crate::journal::Trouble;
use crate::value::SmolStr;

/// How much, in a person's words.
pub enum Part {
    All,
    /// This step and all that came after it.
    From(String),
    /// This step; what came after it stays in place, when that was said to be right.
    Only {
        step: String,
        out_of_order: bool,
    },
}

impl Part {
    /// In the run as it stands. `started`: its steps, by name.
    ///
    /// # Errors
    /// It names no step or several, there is nothing to undo of it, or it cannot be undone for itself.
    pub fn of(&self, engine: &Engine, started: &BTreeMap<Path, SmolStr>) -> Result<Extent, Trouble> {
        let (extent, step): (fn(Path) -> Extent, &str) = match self {
            Part::All => return Ok(Extent::All),
            Part::From(step) => (Extent::From, step),
            Part::Only { step, .. } => (Extent::Only, step),
        };
        let path = place(step, engine, started)?;
        if engine.under_way() == Some(Extent::All) {
            return Err(Trouble::new("all of the run is being undone already")
                .with_help("leave the step out, and the rollback goes on"));
        }
        let units = engine.undoable(&Extent::Only(path.clone()));
        if units.is_empty() {
            let message = format!("`{step}` has left nothing that an undo is written for");
            return Err(Trouble::new(message).with_help(in_place(engine)));
        }
        let from = engine.undoable(&Extent::From(path.clone()));
        let extent = extent(path.clone());
        if let Some(wall) = engine.undoable(&extent).iter().find(|unit| unit.stands == Stands::Final) {
            let message = format!("`{}` cannot be undone: it is a point of no return", wall.step);
            return Err(Trouble::new(message).with_help("a step that came after it can be undone"));
        }
        let later: Vec<Undoable> =
            from.into_iter().filter(|unit| unit.stands != Stands::Undone && !unit.path.is_in(&path)).collect();
        if let Part::Only { out_of_order: false, .. } = self
            && !later.is_empty()
        {
            let message = format!(
                "what came after `{step}` is in place, and may stand on it: {}",
                listed(later.iter().map(|unit| (&unit.path, &unit.step)))
            );
            let help = format!(
                "undo it from there on with `--from '{step}'`; or say with `--out-of-order REASON` why it may go alone"
            );
            return Err(Trouble::new(message).with_help(help));
        }
        Ok(extent)
    }
}

/// A title that is also somebody's path is a title.
fn place(step: &str, engine: &Engine, started: &BTreeMap<Path, SmolStr>) -> Result<Path, Trouble> {
    let mut names = started.clone();
    for unit in engine.undoable(&Extent::All) {
        names.entry(unit.path).or_insert(unit.step);
    }
    let called: Vec<&Path> = names.iter().filter(|(_, name)| *name == step).map(|(path, _)| path).collect();
    // An action that a step of the same name calls is meant with it.
    let outer: Vec<&Path> =
        called.iter().copied().filter(|path| !called.iter().any(|other| path != other && path.is_in(other))).collect();
    match outer.as_slice() {
        [path] => Ok((*path).clone()),
        [] => {
            let path = Path::read(step).filter(|path| names.contains_key(path));
            path.ok_or_else(|| {
                let near = did_you_mean(step, names.values().map(SmolStr::as_str));
                let help = near.map_or_else(|| in_place(engine), |near| format!("did you mean `{near}`?"));
                Trouble::new(format!("the run has started no step `{step}`")).with_help(help)
            })
        }
        several => {
            let known = |path: &Path| {
                let units = engine.undoable(&Extent::Only(path.clone()));
                if units.iter().any(|unit| unit.stands == Stands::InPlace) { "in place" } else { "nothing in place" }
            };
            let paths: Vec<String> = several.iter().map(|path| format!("`{path}` ({})", known(path))).collect();
            let message = format!("several steps are called `{step}`: {}", paths.join(", "));
            Err(Trouble::new(message).with_help("name one by its path"))
        }
    }
}

/// For whoever looks for the right name.
fn in_place(engine: &Engine) -> String {
    let units = engine.undoable(&Extent::All);
    let units: Vec<&Undoable> = units.iter().filter(|unit| unit.stands == Stands::InPlace).collect();
    if units.is_empty() {
        return "nothing of the run is in place".to_owned();
    }
    format!("in place, last first: {}", listed(units.iter().map(|unit| (&unit.path, &unit.step))))
}

fn listed<'a>(units: impl Iterator<Item = (&'a Path, &'a SmolStr)>) -> String {
    units.map(|(path, step)| format!("`{step}` ({path})")).collect::<Vec<_>>().join(", ")
}
