//! Idle sessions of a run, and what its sentinels and clusters have told.
use std::cell::RefCell;
use std::sync::Arc;

use super::cluster::Slots;
use super::session::Session;
use super::target::Address;
use crate::value::Connection;

/// Idle sessions kept for one server of one recipe.
const IDLE: usize = 8;

#[derive(Default)]
pub struct Pool {
    idle: RefCell<Vec<(Arc<Connection>, Session)>>,
    masters: RefCell<Vec<(Arc<Connection>, Address)>>,
    slots: RefCell<Vec<(Arc<Connection>, Slots)>>,
}

/// Whether two recipes reach the same thing; what they are called does not matter.
fn same(a: &Connection, b: &Connection) -> bool {
    a.kind == b.kind && a.args == b.args
}

fn put<T>(all: &RefCell<Vec<(Arc<Connection>, T)>>, on: &Arc<Connection>, new: T) {
    let mut all = all.borrow_mut();
    all.retain(|(known, _)| !same(known, on));
    all.push((on.clone(), new));
}

impl Pool {
    pub fn take(&self, on: &Connection, address: &Address) -> Option<Session> {
        let mut idle = self.idle.borrow_mut();
        let at = idle.iter().rposition(|(known, session)| session.address == *address && same(known, on))?;
        Some(idle.swap_remove(at).1)
    }

    pub fn give_back(&self, on: &Arc<Connection>, session: Session) {
        let mut idle = self.idle.borrow_mut();
        let kept = idle.iter().filter(|(known, other)| other.address == session.address && same(known, on));
        if kept.count() < IDLE {
            idle.push((on.clone(), session));
        }
    }

    #[must_use]
    pub fn master(&self, on: &Connection) -> Option<Address> {
        self.masters.borrow().iter().find(|(known, _)| same(known, on)).map(|(_, address)| address.clone())
    }

    pub fn learn_master(&self, on: &Arc<Connection>, address: Address) {
        put(&self.masters, on, address);
    }

    #[must_use]
    pub fn slots(&self, on: &Connection) -> Option<Slots> {
        self.slots.borrow().iter().find(|(known, _)| same(known, on)).map(|(_, slots)| slots.clone())
    }

    pub fn learn_slots(&self, on: &Arc<Connection>, slots: Slots) {
        put(&self.slots, on, slots);
    }

    /// After a break or a failover: every server is asked anew who it is.
    pub fn forget(&self, on: &Connection) {
        self.idle.borrow_mut().retain(|(known, _)| !same(known, on));
        self.masters.borrow_mut().retain(|(known, _)| !same(known, on));
        self.slots.borrow_mut().retain(|(known, _)| !same(known, on));
    }
}
