//! Runs futures on one thread, first come, first served: the same events wake the same tasks in the same order.
//! A task waits for a [`Slot`]; wakers are not used.
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::engine::failure::Fut;

/// Which tasks are ready, and which are new.
#[derive(Default)]
pub(super) struct Queue<'p> {
    ready: RefCell<VecDeque<usize>>,
    queued: RefCell<Vec<bool>>,
    spawned: RefCell<Vec<Fut<'p, ()>>>,
    current: Cell<usize>,
}

impl<'p> Queue<'p> {
    pub fn wake(&self, task: usize) {
        if let Some(queued) = self.queued.borrow_mut().get_mut(task)
            && !*queued
        {
            *queued = true;
            self.ready.borrow_mut().push_back(task);
        }
    }

    /// For a cancel: every task looks again whether it is meant.
    pub fn wake_all(&self) {
        let count = self.queued.borrow().len();
        (0..count).for_each(|task| self.wake(task));
    }

    /// Start a task; its result goes into the slot.
    pub fn spawn<T: 'p>(&self, task: impl Future<Output = T> + 'p, done: impl FnOnce(T) + 'p) {
        self.spawned.borrow_mut().push(Box::pin(async move { done(task.await) }));
    }
}

/// Holds the tasks themselves; apart from [`Queue`], so that a task can hold the queue.
#[derive(Default)]
pub(super) struct Tasks<'p> {
    tasks: Vec<Option<Fut<'p, ()>>>,
    free: Vec<usize>,
}

impl<'p> Tasks<'p> {
    /// Run until nothing is ready.
    pub fn run(&mut self, queue: &Queue<'p>) {
        loop {
            for task in queue.spawned.take() {
                self.adopt(queue, task);
            }
            let Some(id) = queue.ready.borrow_mut().pop_front() else { return };
            if let Some(queued) = queue.queued.borrow_mut().get_mut(id) {
                *queued = false;
            }
            queue.current.set(id);
            let Some(slot) = self.tasks.get_mut(id) else { continue };
            let Some(task) = slot else { continue };
            if task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                *slot = None;
                self.free.push(id);
            }
        }
    }

    pub fn clear(&mut self, queue: &Queue<'p>) {
        self.tasks.clear();
        self.free.clear();
        queue.queued.take();
        queue.spawned.take();
        queue.ready.take();
    }

    fn adopt(&mut self, queue: &Queue<'p>, task: Fut<'p, ()>) {
        let id = self.free.pop().unwrap_or(self.tasks.len());
        match self.tasks.get_mut(id) {
            Some(slot) => *slot = Some(task),
            None => {
                self.tasks.push(Some(task));
                queue.queued.borrow_mut().push(false);
            }
        }
        queue.wake(id);
    }
}

/// Values on their way to the one task that takes them, in the order they were put.
pub(super) struct Slot<T> {
    /// Apart from what comes after it: most slots take one value.
    next: Cell<Option<T>>,
    more: RefCell<VecDeque<T>>,
    waiter: Cell<Option<usize>>,
}

impl<T> Slot<T> {
    pub fn new() -> Rc<Slot<T>> {
        Rc::new(Slot { next: Cell::new(None), more: RefCell::default(), waiter: Cell::new(None) })
    }

    pub fn put(&self, queue: &Queue<'_>, value: T) {
        match self.next.take() {
            None => self.next.set(Some(value)),
            first => {
                self.next.set(first);
                self.more.borrow_mut().push_back(value);
            }
        }
        if let Some(task) = self.waiter.take() {
            queue.wake(task);
        }
    }

    fn pop(&self) -> Option<T> {
        let value = self.next.take()?;
        self.next.set(self.more.borrow_mut().pop_front());
        Some(value)
    }

    /// The next value, whatever happens meanwhile.
    pub async fn take(&self, queue: &Queue<'_>) -> T {
        poll_fn(|_| match self.pop() {
            Some(value) => Poll::Ready(value),
            None => {
                self.waiter.set(Some(queue.current.get()));
                Poll::Pending
            }
        })
        .await
    }

    /// The next value; none as soon as the condition holds (it is asked again whenever this task runs).
    pub async fn take_unless(&self, queue: &Queue<'_>, given_up: impl Fn() -> bool) -> Option<T> {
        poll_fn(|_| match self.pop() {
            Some(value) => Poll::Ready(Some(value)),
            None if given_up() => Poll::Ready(None),
            None => {
                self.waiter.set(Some(queue.current.get()));
                Poll::Pending
            }
        })
        .await
    }
}
