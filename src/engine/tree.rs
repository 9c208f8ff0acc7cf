//! What the way forward has left to undo: grows before the effect it stands for, in the shape of the run.
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::check::program::{Block, Expr};
use crate::engine::call::{CallId, Context, Path};
use crate::engine::companion::Companion;
use crate::engine::cx::Goal;
use crate::engine::event::{Failure, Left, LeftWhy};
use crate::engine::names::Names;
use crate::source::Span;
use crate::value::SmolStr;

pub(super) enum Node<'p> {
    Seq(Rc<Seq<'p>>),
    Par(Rc<Par<'p>>),
    Unit(Rc<Unit<'p>>),
    /// A point of no return.
    Wall(Rc<Wall>),
}

impl Clone for Node<'_> {
    fn clone(&self) -> Self {
        match self {
            Node::Seq(seq) => Node::Seq(seq.clone()),
            Node::Par(par) => Node::Par(par.clone()),
            Node::Unit(unit) => Node::Unit(unit.clone()),
            Node::Wall(wall) => Node::Wall(wall.clone()),
        }
    }
}

/// What ran in sequence.
#[derive(Default)]
pub(super) struct Seq<'p> {
    pub children: RefCell<Vec<Node<'p>>>,
    pub finallys: RefCell<Vec<Rc<Finally<'p>>>>,
    /// Runs beside its undo.
    pub companion: Option<Rc<Companion<'p>>>,
    /// Of a step that ended well, when it has a `done when`.
    pub completed: RefCell<Option<Completed<'p>>>,
}

/// A step that ended well, and what was true then.
#[derive(Clone)]
pub(super) struct Completed<'p> {
    pub place: Place,
    /// Its name as written.
    pub source: SmolStr,
    pub goals: Vec<Rc<Goal<'p>>>,
}

/// What ran at once: one for each element, in the order they started.
pub(super) struct Par<'p> {
    pub bound: usize,
    pub children: RefCell<Vec<Rc<Seq<'p>>>>,
}

/// What a block does at its end; open until it has run.
pub(super) struct Finally<'p> {
    pub block: &'p Block,
    pub place: Place,
    pub open: Cell<bool>,
}

/// Where something was written, with all that it may read, by value.
#[derive(Clone)]
pub(super) struct Place {
    pub path: Path,
    pub span: Option<Span>,
    pub step: SmolStr,
    pub attempts: SmolStr,
    pub attempt: u32,
    pub names: Rc<Names>,
    pub contexts: Arc<[Context]>,
}

/// One attempt of one leaf that has started to write.
pub(super) struct Unit<'p> {
    pub place: Place,
    pub how: UndoHow<'p>,
    pub undone: Cell<bool>,
    /// Its calls whose end was not seen, and what of them may still run.
    pub running: RefCell<Vec<String>>,
    /// Its calls that run now.
    pub calls: RefCell<Vec<(CallId, SmolStr)>>,
    /// Why its undo did not work.
    pub why: RefCell<Option<LeftWhy>>,
}

pub(super) enum UndoHow<'p> {
    Rollback(&'p Block, Option<&'p Expr>),
    Manual(String),
}

pub(super) struct Wall {
    pub path: Path,
    pub span: Option<Span>,
    pub step: SmolStr,
    pub why: String,
}

impl Place {
    /// As what is still in place.
    pub fn left(&self, why: LeftWhy) -> Left {
        let step = if self.step.is_empty() { SmolStr::new_static("the runbook") } else { self.step.clone() };
        Left { path: self.path.clone(), step, span: self.span, why }
    }
}

impl<'p> Seq<'p> {
    pub fn push(&self, node: Node<'p>) {
        self.children.borrow_mut().push(node);
    }

    pub fn open(&self) -> Rc<Seq<'p>> {
        let seq = Rc::new(Seq::default());
        self.push(Node::Seq(seq.clone()));
        seq
    }

    pub fn open_beside(&self, companion: Rc<Companion<'p>>) -> Rc<Seq<'p>> {
        let seq = Rc::new(Seq { companion: Some(companion), ..Seq::default() });
        self.push(Node::Seq(seq.clone()));
        seq
    }

    /// What stands first in the way of its undo, if there is anything to do.
    pub fn next(&self) -> Option<Rc<Unit<'p>>> {
        self.children.borrow().iter().rev().find_map(|node| match node {
            Node::Seq(seq) => seq.next(),
            Node::Par(par) => par.children.borrow().iter().rev().find_map(|seq| seq.next()),
            Node::Unit(unit) => (!unit.undone.get()).then(|| unit.clone()),
            Node::Wall(_) => None,
        })
    }

    /// Something in it is to be undone, or to be run at its end.
    pub fn needs_it(&self) -> bool {
        self.next().is_some() || self.is_open()
    }

    fn is_open(&self) -> bool {
        let inside = |node: &Node<'p>| match node {
            Node::Seq(seq) => seq.is_open(),
            Node::Par(par) => par.children.borrow().iter().any(|seq| seq.is_open()),
            Node::Unit(_) | Node::Wall(_) => false,
        };
        self.finallys.borrow().iter().any(|f| f.open.get()) || self.children.borrow().iter().any(inside)
    }

    /// Its undo could not begin.
    pub fn blame(&self, failure: Failure) {
        if let Some(unit) = self.next() {
            *unit.why.borrow_mut() = Some(LeftWhy::Failed(failure));
        }
    }

    pub fn has_wall(&self) -> bool {
        self.children.borrow().iter().any(|node| match node {
            Node::Seq(seq) => seq.has_wall(),
            Node::Par(par) => par.children.borrow().iter().any(|seq| seq.has_wall()),
            Node::Unit(_) => false,
            Node::Wall(_) => true,
        })
    }

    /// What an undo would run, in no order.
    pub fn in_place(&self) -> Vec<Rc<Unit<'p>>> {
        let children = self.children.borrow();
        let found = children.iter().flat_map(|node| match node {
            Node::Seq(seq) => seq.in_place(),
            Node::Par(par) => par.children.borrow().iter().flat_map(|seq| seq.in_place()).collect(),
            Node::Unit(unit) if !unit.undone.get() => vec![unit.clone()],
            Node::Unit(_) | Node::Wall(_) => Vec::new(),
        });
        found.collect()
    }

    fn is_empty(&self) -> bool {
        self.children.borrow().is_empty() && self.finallys.borrow().iter().all(|f| !f.open.get())
    }

    /// Drop a block that has left nothing.
    pub fn prune(&self, done: &Rc<Seq<'p>>) {
        if done.is_empty() {
            self.remove(|node| matches!(node, Node::Seq(seq) if Rc::ptr_eq(seq, done)));
        }
    }

    pub fn remove_unit(&self, gone: &Rc<Unit<'p>>) {
        self.remove(|node| matches!(node, Node::Unit(unit) if Rc::ptr_eq(unit, gone)));
    }

    pub fn remove_wall(&self, gone: &Rc<Wall>) {
        self.remove(|node| matches!(node, Node::Wall(wall) if Rc::ptr_eq(wall, gone)));
    }

    /// Newest first: what goes is nearly always the last.
    fn remove(&self, is: impl Fn(&Node<'p>) -> bool) {
        let mut children = self.children.borrow_mut();
        if let Some(at) = children.iter().rposition(is) {
            children.remove(at);
        }
    }

    /// `commit`: what was done so far stays. Walls stand.
    pub fn commit(&self) {
        self.children.borrow_mut().retain(|node| match node {
            Node::Seq(seq) => {
                seq.commit();
                !seq.is_empty()
            }
            Node::Par(par) => {
                par.children.borrow().iter().for_each(|seq| seq.commit());
                true
            }
            Node::Unit(_) => false,
            Node::Wall(_) => true,
        });
    }

    /// What is still in place, in the order an undo would come to it.
    pub fn left(&self) -> Vec<Left> {
        let mut left = Vec::new();
        self.collect(&mut None, &mut left);
        left
    }

    /// `wall`: the point of no return that stands after what comes now.
    fn collect(&self, wall: &mut Option<String>, left: &mut Vec<Left>) {
        for node in self.children.borrow().iter().rev() {
            match node {
                Node::Seq(seq) => seq.collect(wall, left),
                Node::Par(par) => {
                    for seq in par.children.borrow().iter().rev() {
                        seq.collect(&mut wall.clone(), left);
                    }
                }
                Node::Unit(unit) if unit.undone.get() => {}
                Node::Unit(unit) => {
                    let (unseen, running) = (unit.running.borrow(), unit.calls.borrow());
                    let running = running.iter().map(|(_, text)| text.as_str());
                    let running: Vec<&str> = unseen.iter().map(String::as_str).chain(running).collect();
                    if !running.is_empty() {
                        left.push(unit.place.left(LeftWhy::Running(running.join(", "))));
                        continue;
                    }
                    let why = match (&*unit.why.borrow(), &unit.how, &wall) {
                        (Some(why), _, _) => why.clone(),
                        (None, UndoHow::Manual(what), _) => LeftWhy::Manual(what.clone()),
                        (None, UndoHow::Rollback(..), Some(wall)) => LeftWhy::Irreversible(wall.clone()),
                        (None, UndoHow::Rollback(..), None) => LeftWhy::NotReached,
                    };
                    left.push(unit.place.left(why));
                }
                Node::Wall(found) => {
                    let why = LeftWhy::Irreversible(found.why.clone());
                    left.push(Left { path: found.path.clone(), step: found.step.clone(), span: found.span, why });
                    *wall = Some(format!("stands before the point of no return `{}`", found.step));
                }
            }
        }
        for finally in self.finallys.borrow().iter().rev().filter(|finally| finally.open.get()) {
            left.push(finally.place.left(LeftWhy::FinallyOpen));
        }
    }
}

impl<'p> Seq<'p> {
    /// An attempt that was undone completely leaves nothing.
    pub fn drop_undone(&self, undone: &Rc<Seq<'p>>) {
        self.remove(|node| matches!(node, Node::Seq(seq) if Rc::ptr_eq(seq, undone)));
    }
}
