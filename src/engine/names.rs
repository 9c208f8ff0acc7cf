//! What names are bound to, block in block. A name is bound once in all that can see it, so that keeping the chain is
//! keeping the values.
use std::cell::RefCell;
use std::rc::Rc;

use crate::check::program::NameId;
use crate::value::Value;

#[derive(Default)]
pub(super) struct Names {
    parent: Option<Rc<Names>>,
    /// By number. Names are numbered as they are written, so that a new one is nearly always the last.
    bound: RefCell<Vec<(NameId, Value)>>,
}

impl Names {
    pub fn child(parent: &Rc<Names>) -> Rc<Names> {
        Rc::new(Names { parent: Some(parent.clone()), bound: RefCell::default() })
    }

    pub fn bind(&self, name: NameId, value: Value) {
        let mut bound = self.bound.borrow_mut();
        match bound.binary_search_by_key(&name, |(name, _)| *name) {
            Ok(at) => bound.splice(at..=at, [(name, value)]).for_each(drop),
            Err(at) => bound.insert(at, (name, value)),
        }
    }

    pub fn get(&self, name: NameId) -> Option<Value> {
        let mut at = Some(self);
        while let Some(names) = at {
            let bound = names.bound.borrow();
            if let Ok(at) = bound.binary_search_by_key(&name, |(name, _)| *name) {
                return bound.get(at).map(|(_, value)| value.clone());
            }
            at = names.parent.as_deref();
        }
        None
    }

    pub fn each(&self, each: &mut dyn FnMut(NameId, &Value)) {
        self.bound.borrow().iter().for_each(|(name, value)| each(*name, value));
    }

    /// What was bound here becomes known in the block around: a step hides no names.
    pub fn merge_into(&self, outer: &Names) {
        for (name, value) in self.bound.borrow().iter() {
            outer.bind(*name, value.clone());
        }
    }
}
