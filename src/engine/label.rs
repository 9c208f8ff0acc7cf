//! What a person calls an action that was called: its name, and the arguments that tell it from another.
use crate::check::program::Action;
use crate::engine::names::Names;
use crate::engine::world::World;
use crate::value::{SmolStr, Value, format_smolstr, show};

/// Characters of the first argument: what the action is about.
const FIRST: usize = 64;
/// A longer one of the others is content: it says nothing, and fills the line.
const OTHER: usize = 32;

/// `files.put("/etc/app.conf", …)`; a secret as its name.
pub(super) fn label(world: &World<'_>, action: &Action, names: &Names) -> SmolStr {
    let given = action.params.iter().filter_map(|param| names.get(param.name)).filter(|value| *value != Value::Null);
    let mut shown: Vec<String> = Vec::new();
    for value in given {
        let mut text = show::literal(&value);
        // Before anything is cut: half of a secret is not found any more.
        world.redact_text(&mut text);
        let length = text.chars().count();
        shown.push(match shown.is_empty() {
            true if length > FIRST => text.chars().take(FIRST - 1).chain(['…']).collect(),
            false if length > OTHER => "…".to_owned(),
            true | false => text,
        });
    }
    if shown.is_empty() { action.name.clone() } else { format_smolstr!("{}({})", action.name, shown.join(", ")) }
}
