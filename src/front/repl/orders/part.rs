//! Which part of what is in place a person means: the last, the last so many, a step and what came after it, all.
use crate::diag::did_you_mean;
use crate::engine::{Extent, Stands, Undoable};
use crate::journal::Trouble;

pub struct Part {
    pub extent: Extent,
    /// What it takes in, first to last.
    pub goes: Vec<Undoable>,
}

/// Of what is in place, first to last. `what`: a number, a step's name, `all`, or nothing.
///
/// # Errors
/// It names nothing that is in place.
pub fn of(stands: &[Undoable], what: &str) -> Result<Part, Trouble> {
    if stands.is_empty() {
        return Err(Trouble::new("nothing is in place"));
    }
    if what == "all" {
        return Ok(Part { extent: Extent::All, goes: stands.to_vec() });
    }
    let first = match (what, what.parse::<usize>()) {
        ("", _) => {
            let last = stands.iter().rposition(|unit| unit.stands == Stands::InPlace);
            last.ok_or_else(|| Trouble::new("nothing that is in place can be undone"))?
        }
        (_, Ok(0)) => return Err(Trouble::new("`:undo 0` undoes nothing")),
        (_, Ok(last)) if last <= stands.len() => stands.len() - last,
        (_, Ok(_)) => {
            let s = if stands.len() == 1 { " is" } else { "s are" };
            let message = format!("only {} step{s} in place", stands.len());
            return Err(Trouble::new(message).with_help("`:undo all` undoes all of them"));
        }
        (name, Err(_)) => named(stands, name.trim_matches('"'))?,
    };
    let goes: Vec<Undoable> = stands.iter().skip(first).cloned().collect();
    let path = goes.first().map(|unit| unit.path.clone()).unwrap_or_default();
    Ok(Part { extent: Extent::From(path), goes })
}

/// The last of this name.
fn named(stands: &[Undoable], name: &str) -> Result<usize, Trouble> {
    let exact = stands.iter().rposition(|unit| unit.step == name);
    let begins = || stands.iter().rposition(|unit| unit.step.starts_with(name));
    exact.or_else(begins).ok_or_else(|| {
        let near = did_you_mean(name, stands.iter().map(|unit| unit.step.as_str()));
        let help =
            near.map_or_else(|| "`:steps` lists what is in place".to_owned(), |near| format!("did you mean `{near}`?"));
        Trouble::new(format!("no step `{name}` is in place")).with_help(help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::call::{Path, Segment};

    fn unit(number: u32, step: &str) -> Undoable {
        let path = Path::default().join(Segment::At(number)).join(Segment::At(0));
        Undoable { path, step: step.into(), stands: Stands::InPlace }
    }

    #[test]
    fn a_step_takes_all_after_it_along() {
        let stands = [unit(0, "a"), unit(1, "b"), unit(4, "c")];
        let goes = |what: &str| {
            let part = of(&stands, what).unwrap_or_else(|trouble| panic!("{}", trouble.message));
            part.goes.iter().map(|unit| unit.step.to_string()).collect::<Vec<_>>().join("")
        };
        assert_eq!(
            [goes(""), goes("1"), goes("2"), goes("b"), goes("\"b\""), goes("all")],
            ["c", "c", "bc", "bc", "bc", "abc"]
        );
        assert_eq!(of(&stands, "b").ok().map(|part| part.extent), Some(Extent::From(stands[1].path.clone())));
        let wrong = |what: &str| of(&stands, what).err().map(|trouble| trouble.message);
        assert_eq!(wrong("4"), Some("only 3 steps are in place".to_owned()));
        assert_eq!(wrong("d"), Some("no step `d` is in place".to_owned()));
        assert_eq!(of(&[], "1").err().map(|trouble| trouble.message), Some("nothing is in place".to_owned()));
    }
}
