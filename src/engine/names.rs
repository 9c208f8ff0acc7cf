//! What names are bound to, block in block. A name is bound once in all that can see it, so that keeping the chain is
//! keeping the values.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::check::program::NameId;
use crate::value::Value;

#[derive(Default)]
pub(super) struct Names {
    parent: Option<Rc<Names>>,
    bound: RefCell<BTreeMap<NameId, Value>>,
}

impl Names {
    pub fn child(parent: &Rc<Names>) -> Rc<Names> {
        Rc::new(Names { parent: Some(parent.clone()), bound: RefCell::default() })
    }

    pub fn bind(&self, name: NameId, value: Value) {
        self.bound.borrow_mut().insert(name, value);
    }

    pub fn get(&self, name: NameId) -> Option<Value> {
        let mut at = Some(self);
        while let Some(names) = at {
            if let Some(value) = names.bound.borrow().get(&name) {
                return Some(value.clone());
            }
            at = names.parent.as_deref();
        }
        None
    }

    /// What was bound here becomes known in the block around: a step hides no names.
    pub fn merge_into(&self, outer: &Names) {
        let bound = self.bound.borrow();
        if !bound.is_empty() {
            outer.bound.borrow_mut().extend(bound.iter().map(|(name, value)| (*name, value.clone())));
        }
    }
}
