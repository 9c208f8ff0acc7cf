//! How much of what is in place an undo takes in, read off the tree: what a person names by its path, and what came after it.
use std::rc::Rc;

use crate::engine::call::Path;
use crate::engine::event::{Extent, LeftWhy};
use crate::engine::tree::{Node, Par, Seq};
use crate::value::SmolStr;

/// What a run has to undo, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undoable {
    pub path: Path,
    pub step: SmolStr,
    pub stands: Stands,
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    InPlace,
    Undone,
    /// A point of no return.
    Final,
}

/// What an undo of this much of a sequence comes to, last first, and how much of each. What stays says so.
pub(super) fn of<'p>(seq: &Seq<'p>, extent: &Extent) -> Vec<(Node<'p>, Extent)> {
    let children = seq.children.borrow();
    let (chosen, stay): (Vec<_>, Vec<_>) =
        parts(&children, extent).into_iter().rev().partition(|(_, part)| part.is_some());
    stay.into_iter().for_each(|(child, _)| keep(child));
    chosen.into_iter().filter_map(|(child, part)| Some((child.clone(), part?))).collect()
}

/// Those of what ran at once, last started first. What ran beside the chosen is not after it.
pub(super) fn beside<'p>(par: &Par<'p>, extent: &Extent) -> Vec<Rc<Seq<'p>>> {
    let children = par.children.borrow();
    let (chosen, stay): (Vec<_>, Vec<_>) = children.iter().rev().partition(|seq| match extent {
        Extent::All => true,
        Extent::From(path) | Extent::Only(path) => places(seq).iter().any(|place| place.is_in(path)),
    });
    stay.into_iter().for_each(|seq| keep(&Node::Seq(seq.clone())));
    chosen.into_iter().cloned().collect()
}

/// What stands in this much of it, last first.
pub(super) fn undoable(seq: &Seq<'_>, extent: &Extent) -> Vec<Undoable> {
    let children = seq.children.borrow();
    let parts = parts(&children, extent).into_iter().rev();
    let chosen = parts.filter_map(|(child, part)| Some((child, part?)));
    let found = chosen.flat_map(|(child, part)| match child {
        Node::Seq(seq) => undoable(seq, &part),
        Node::Par(par) => {
            let elements = par.children.borrow();
            elements.iter().rev().flat_map(|seq| undoable(seq, &part)).collect()
        }
        Node::Unit(unit) => {
            let stands = if unit.undone.get() { Stands::Undone } else { Stands::InPlace };
            vec![Undoable { path: unit.place.path.clone(), step: unit.place.step.clone(), stands }]
        }
        Node::Wall(wall) => {
            vec![Undoable { path: wall.path.clone(), step: wall.step.clone(), stands: Stands::Final }]
        }
    });
    found.collect()
}

/// What an earlier undo passed over may be reached by the next.
pub(super) fn forget_kept(seq: &Seq<'_>) {
    for unit in seq.in_place() {
        unit.why.borrow_mut().take_if(|why| matches!(why, LeftWhy::Kept));
    }
}

/// Each child with how much of it is taken in; nothing: it stays.
fn parts<'n, 'p>(children: &'n [Node<'p>], extent: &Extent) -> Vec<(&'n Node<'p>, Option<Extent>)> {
    let (path, and_later) = match extent {
        Extent::All => return children.iter().map(|child| (child, Some(Extent::All))).collect(),
        Extent::From(path) => (path, true),
        Extent::Only(path) => (path, false),
    };
    let mut reached = false;
    let part = |child: &'n Node<'p>| {
        let places = within(child);
        let inside = places.iter().filter(|place| place.is_in(path)).count();
        let part = match inside {
            _ if reached && and_later => Some(Extent::All),
            0 => None,
            all if all == places.len() => Some(Extent::All),
            _ => Some(extent.clone()),
        };
        reached |= inside > 0;
        (child, part)
    };
    children.iter().map(part).collect()
}

/// Where the units, the points of no return and the `finally`s of it were written.
fn within(node: &Node<'_>) -> Vec<Path> {
    match node {
        Node::Seq(seq) => places(seq),
        Node::Par(par) => par.children.borrow().iter().flat_map(|seq| places(seq)).collect(),
        Node::Unit(unit) => vec![unit.place.path.clone()],
        Node::Wall(wall) => vec![wall.path.clone()],
    }
}

fn places(seq: &Seq<'_>) -> Vec<Path> {
    let finallys = seq.finallys.borrow();
    let finallys = finallys.iter().filter(|finally| finally.open.get()).map(|finally| finally.place.path.clone());
    seq.children.borrow().iter().flat_map(within).chain(finallys).collect()
}

fn keep(node: &Node<'_>) {
    match node {
        Node::Seq(seq) => seq.children.borrow().iter().for_each(keep),
        Node::Par(par) => par.children.borrow().iter().for_each(|seq| seq.children.borrow().iter().for_each(keep)),
        Node::Unit(unit) if !unit.undone.get() => {
            unit.why.borrow_mut().get_or_insert(LeftWhy::Kept);
        }
        Node::Unit(_) | Node::Wall(_) => {}
    }
}
