//! Sessions that wait for their next call: kept for each recipe, given back when healthy.
use std::cell::RefCell;
use std::sync::Arc;

use super::session::Session;
use crate::value::Connection;

/// Idle sessions kept for one recipe.
const IDLE: usize = 8;

/// The idle sessions of a run.
#[derive(Default)]
pub struct Pool {
    idle: RefCell<Vec<(Arc<Connection>, Vec<Session>)>>,
}

impl Pool {
    /// An idle session that was healthy when last seen.
    pub fn take(&self, recipe: &Connection) -> Option<Session> {
        let mut idle = self.idle.borrow_mut();
        let (_, sessions) = idle.iter_mut().find(|(known, _)| same(known, recipe))?;
        while let Some(session) = sessions.pop() {
            if !session.client.is_closed() {
                return Some(session);
            }
        }
        None
    }

    /// Of an idle session: which server it has reached.
    pub fn server(&self, recipe: &Connection) -> Option<String> {
        let idle = self.idle.borrow();
        let (_, sessions) = idle.iter().find(|(known, _)| same(known, recipe))?;
        let identity = sessions.last()?.about.identity.as_ref()?;
        let [system, _] = &identity.server;
        Some(system.clone())
    }

    pub fn give_back(&self, recipe: &Arc<Connection>, session: Session) {
        if session.client.is_closed() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        match idle.iter_mut().find(|(known, _)| same(known, recipe)) {
            Some((_, sessions)) if sessions.len() < IDLE => sessions.push(session),
            Some(_) => {}
            None => idle.push((recipe.clone(), vec![session])),
        }
    }
}

/// Whether two recipes reach the same thing; what they are called does not matter.
fn same(a: &Connection, b: &Connection) -> bool {
    a.kind == b.kind && a.args == b.args
}
