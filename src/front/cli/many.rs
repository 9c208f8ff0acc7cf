//! Many files at once, told in their order.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::STACK;

/// How many files a thread takes at most before it tells of them: each time it tells, another thread is woken.
const AT_ONCE: usize = 16;

/// Look at each file on every core; `tell` hears of them one by one, in their order, on this thread.
pub fn each<T: Send>(files: &[String], look: impl Fn(&String) -> T + Sync, mut tell: impl FnMut(T)) {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    if cores <= 1 {
        files.iter().for_each(|file| tell(look(file)));
        return;
    }
    let pieces: Vec<&[String]> = files.chunks((files.len() / cores / 4).clamp(1, AT_ONCE)).collect();
    let (pieces, next, look) = (&pieces, &AtomicUsize::new(0), &look);
    thread::scope(|scope| {
        let (sender, seen) = mpsc::channel();
        let mut started = 0;
        for _ in 0..cores {
            let sender = sender.clone();
            let work = move || {
                while let Some((n, piece)) = at(pieces, next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((n, piece.iter().map(look).collect::<Vec<T>>())).is_err() {
                        return;
                    }
                }
            };
            // A text may be nested deeply.
            started += usize::from(thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).is_ok());
        }
        drop(sender);
        if started == 0 {
            files.iter().for_each(|file| tell(look(file)));
            return;
        }
        let mut waiting = BTreeMap::new();
        let mut told = 0;
        for (n, some) in seen {
            waiting.insert(n, some);
            while let Some(some) = waiting.remove(&told) {
                some.into_iter().for_each(&mut tell);
                told += 1;
            }
        }
    });
}

fn at<'f>(pieces: &[&'f [String]], n: usize) -> Option<(usize, &'f [String])> {
    pieces.get(n).map(|piece| (n, *piece))
}
