//! Several processes on one journal.
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rbk::journal::{Filter, State, Store};

use super::child::{Running, first};
use super::made::{at, entries, head, holder, keep, open, room, said, stand, written};

#[test]
fn of_all_that_take_a_run_at_once_one_has_it() {
    let (_dir, path) = room();
    written(&mut open(&path), "r1", &entries());
    for _ in 0..10 {
        let (together, took) = (Barrier::new(6), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for n in 0..6 {
                let (path, together, took) = (&path, &together, &took);
                scope.spawn(move || {
                    let mut store = open(path);
                    together.wait();
                    match store.take("r1", &holder(n)) {
                        Ok(()) => _ = took.fetch_add(1, Ordering::SeqCst),
                        Err(trouble) => assert!(trouble.message.starts_with("run r1 is driven by"), "{trouble:?}"),
                    }
                    together.wait();
                });
            }
        });
        assert_eq!(took.into_inner(), 1);
    }
}

#[test]
fn who_only_looks_never_keeps_anybody_from_a_run() {
    let (_dir, path) = room();
    written(&mut open(&path), "r1", &entries());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut store = open(&path);
                while !over.load(Ordering::SeqCst) {
                    store.runs(&Filter::default()).unwrap();
                }
            });
        }
        let mut store = open(&path);
        for n in 0..200 {
            store.take("r1", &holder(n)).unwrap();
            store.release("r1");
        }
        over.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_new_journal_can_be_made_by_several_at_once() {
    let (dir, path) = room();
    let together = Barrier::new(6);
    std::thread::scope(|scope| {
        for n in 0..6 {
            let (path, together) = (&path, &together);
            scope.spawn(move || {
                together.wait();
                written(&mut open(path), &format!("r{n}"), &entries());
            });
        }
    });
    assert_eq!(open(&path).runs(&Filter::default()).unwrap().len(), 6);
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains(".new-")), "{names:?}");
}

#[test]
fn a_killed_process_has_lost_nothing_that_it_was_told_is_kept() {
    for stop_after in [0, 1, 7, 60] {
        let (_dir, path) = room();
        let mut writer = Running::start("write", &path);
        assert_eq!(writer.next().unwrap(), "begun");
        let mut kept = 0;
        while kept < stop_after {
            kept = writer.next().unwrap().parse().unwrap();
        }
        let pid = Pid::from_raw(writer.child.id().cast_signed());
        let mut store = open(&path);
        assert_eq!(store.runs(&Filter::default()).unwrap()[0].held.as_ref().unwrap().pid, pid.as_raw());

        kill(pid, Signal::SIGSTOP).unwrap();
        let refused = said(store.take("r1", &holder(1)));
        assert!(refused.contains(&format!("pid {pid} on db-1")), "a stopped process keeps its run: {refused}");
        kill(pid, Signal::SIGKILL).unwrap();
        writer.child.wait().unwrap();
        while let Some(line) = writer.next() {
            kept = line.parse().unwrap();
        }

        store.take("r1", &holder(1)).unwrap();
        let (loaded, found) = store.load("r1").unwrap();
        assert_eq!(loaded, head("r1"));
        let count = found.len() as u64;
        assert!(count == kept || count == kept + 1, "{kept} are kept, {count} are there");
        assert_eq!(found, first(count));
        keep(&mut store, "r1", &entries()).unwrap();
        assert_eq!(store.load("r1").unwrap().1, [first(count), entries()].concat());
        stand(&mut store, "r1", State::Closed, at(9)).unwrap();
    }
}
