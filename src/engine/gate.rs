//! What waits when another process goes on with a run: every call in a block that something runs beside, until that is
//! there again; and every write of the way forward, until each running invariant has held once.
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use crate::engine::cx::{Cx, Mode};
use crate::engine::executor::Queue;
use crate::engine::failure::Stop;

#[derive(Default)]
pub(super) struct Gate {
    /// Of each running invariant: whether it has held since the process began.
    running: RefCell<Vec<Rc<Cell<bool>>>>,
}

impl Gate {
    /// A new process.
    pub fn shut(&self) {
        self.running.borrow().iter().for_each(|held| held.set(false));
    }

    /// An invariant that has just held runs from now on.
    pub fn enter(&self) -> Rc<Cell<bool>> {
        let held = Rc::new(Cell::new(true));
        self.running.borrow_mut().push(held.clone());
        held
    }

    pub fn hold(&self, queue: &Queue<'_>, held: &Cell<bool>) {
        if !held.replace(true) {
            queue.wake_all();
        }
    }

    pub fn leave(&self, queue: &Queue<'_>, gone: &Rc<Cell<bool>>) {
        self.running.borrow_mut().retain(|held| !Rc::ptr_eq(held, gone));
        if !gone.get() {
            queue.wake_all();
        }
    }

    fn is_open(&self) -> bool {
        self.running.borrow().iter().all(|held| held.get())
    }
}

/// Before a write.
///
/// # Errors
/// It is cancelled.
pub(super) async fn pass(cx: &Cx<'_>) -> Result<(), Stop> {
    let open = || cx.mode != Mode::Forward || cx.world.gate.is_open();
    wait(cx, || open() && cx.scope.is_attended(&cx.world)).await
}

/// Before any other call.
///
/// # Errors
/// It is cancelled.
pub(super) async fn beside(cx: &Cx<'_>) -> Result<(), Stop> {
    wait(cx, || cx.scope.is_attended(&cx.world)).await
}

/// Whatever opens wakes every task.
async fn wait(cx: &Cx<'_>, open: impl Fn() -> bool) -> Result<(), Stop> {
    poll_fn(|_| if cx.cancelled() || open() { Poll::Ready(()) } else { Poll::Pending }).await;
    cx.check()
}
