//! What every store must do. `each` is the list of them; a test opens the same journal as often as it likes.
use rbk::engine::CallId;
use rbk::engine::event::End;
use rbk::journal::{Entry, Filter, Room, Standing, State, Store};

use super::made::{at, database, entries, head, holder, keep, nothing, open, open_team, room, said, stand, written};

/// Runs a promise against each store; the first argument opens the journal once more.
fn each(promise: impl Fn(&dyn Fn() -> Box<dyn Store>)) {
    let (_dir, path) = room();
    promise(&|| Box::new(open(&path)));
    let url = database();
    promise(&|| Box::new(open_team(&url)));
}

#[test]
fn what_was_appended_is_loaded_by_the_next_process() {
    each(|open| {
        let mut first = open();
        first.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
        let all = entries();
        for part in all.chunks(4) {
            assert_eq!(first.append("r1", part, &nothing(), None).unwrap(), Room::Enough);
        }
        drop(first);
        assert_eq!(open().load("r1").unwrap(), (head("r1"), all));
    });
}

#[test]
fn a_run_that_is_looked_at_is_told_as_far_as_it_is_whole_and_proved() {
    each(|open| {
        let mut driver = open();
        driver.begin(&head("r1"), &holder(1), &entries(), at(0)).unwrap();
        let mut reader = open();
        // Also while somebody drives it.
        let kept = reader.look("r1").unwrap();
        assert!(kept.broken.is_none(), "{:?}", kept.broken);
        assert_eq!((kept.head, kept.entries), (head("r1"), entries()));
        let proved = reader.verify("r1").unwrap();
        assert!(proved.broken.is_none(), "{:?}", proved.broken);
        let count = entries().len();
        assert_eq!((proved.entries, proved.written), (count, Some(count)));
        assert_eq!((proved.started, proved.last), (Some(at(0)), Some(at(3))));
        assert!(said(reader.look("r2")).contains("no run `r2`"));
        assert!(said(reader.verify("r2")).contains("no run `r2`"));
    });
}

#[test]
fn how_a_run_stands_is_kept_with_its_last_entries() {
    each(|open| {
        let (mut driver, mut reader) = (open(), open());
        let all = entries();
        let (first, last) = all.split_at(3);
        driver.begin(&head("r1"), &holder(1), first, at(0)).unwrap();
        assert_eq!(reader.load("r1").unwrap(), (head("r1"), first.to_vec()));
        driver.lock("pool", "r1", false, at(1)).unwrap();
        let standing = Standing { state: State::Ended(End::Succeeded), wrote: true, wall: at(70) };
        assert_eq!(driver.append("r1", last, &nothing(), Some(standing)).unwrap(), Room::Enough);
        let row = reader.runs(&Filter::default()).unwrap().remove(0);
        assert_eq!((row.state, row.wrote, row.last), (State::Ended(End::Succeeded), true, at(70)));
        assert_eq!(row.locks, Vec::<String>::new());
        assert_eq!(reader.load("r1").unwrap().1, all);
        // What comes after it changes nothing of that.
        keep(&mut *driver, "r1", &[Entry::Intent { call: CallId(9), key: "k".into() }]).unwrap();
        assert_eq!(reader.runs(&Filter::default()).unwrap()[0].state, State::Ended(End::Succeeded));
    });
}

#[test]
fn an_append_is_seen_whole_by_others_while_the_run_goes_on() {
    each(|open| {
        let (mut driver, mut reader) = (open(), open());
        driver.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
        assert_eq!(reader.load("r1").unwrap().1, []);
        keep(&mut *driver, "r1", &entries()).unwrap();
        assert_eq!(reader.load("r1").unwrap().1, entries());
        keep(&mut *driver, "r1", &[]).unwrap();
        assert_eq!(reader.load("r1").unwrap().1, entries());
    });
}

#[test]
fn runs_do_not_mix() {
    each(|open| {
        let mut store = open();
        for run in ["a", "b"] {
            store.begin(&head(run), &holder(1), &[], at(0)).unwrap();
        }
        for n in 0..10 {
            for run in ["a", "b"] {
                let mine = Entry::Intent { call: CallId(n), key: format!("{run}/{n}") };
                keep(&mut *store, run, &[mine]).unwrap();
            }
        }
        for run in ["a", "b"] {
            let (loaded, entries) = store.load(run).unwrap();
            assert_eq!(loaded, head(run));
            let keys = (0..10).map(|n| Entry::Intent { call: CallId(n), key: format!("{run}/{n}") });
            assert_eq!(entries, keys.collect::<Vec<_>>());
        }
    });
}

#[test]
fn e7_one_process_drives_a_run() {
    each(|open| {
        let (mut a, mut b) = (open(), open());
        a.begin(&head("r1"), &holder(41), &[], at(0)).unwrap();
        let refused = b.take("r1", &holder(42)).unwrap_err();
        assert!(refused.message.starts_with("run r1 is driven by another process (pid 41 on db-1, user ada, since 20"));
        assert_eq!(
            refused.help.unwrap(),
            "wait for its end, or stop it: `kill 41` makes it undo what it did (a console is left as it is, for `rbk repl --resume`)"
        );
        assert_eq!(b.runs(&Filter::default()).unwrap()[0].held, Some(holder(41)));
        assert_eq!(said(b.append("r1", &entries(), &nothing(), None)), "this process does not drive run r1");
        assert_eq!(said(stand(&mut *b, "r1", State::Closed, at(1))), "this process does not drive run r1");
        assert_eq!(said(b.lock("l", "r1", false, at(1))), "this process does not drive run r1");

        a.release("r1");
        assert_eq!(b.runs(&Filter::default()).unwrap()[0].held, None);
        assert_eq!(said(a.append("r1", &entries(), &nothing(), None)), "this process does not drive run r1");
        b.take("r1", &holder(42)).unwrap();
        keep(&mut *b, "r1", &entries()).unwrap();
        assert_eq!(a.runs(&Filter::default()).unwrap()[0].held, Some(holder(42)));
        drop(b);
        a.take("r1", &holder(41)).unwrap();
        keep(&mut *a, "r1", &entries()).unwrap();
        assert_eq!(a.load("r1").unwrap().1, [entries(), entries()].concat());
    });
}

#[test]
fn a_run_is_begun_once_and_must_be_there() {
    each(|open| {
        let mut store = open();
        written(&mut *store, "r1", &entries());
        assert_eq!(
            said(store.begin(&head("r1"), &holder(1), &[], at(0))),
            "there is a run `r1` in the journal already"
        );
        assert_eq!(store.load("r1").unwrap().1, entries());
        assert_eq!(said(store.load("r2")), "there is no run `r2` in the journal");
        assert_eq!(said(store.take("r2", &holder(1))), "there is no run `r2` in the journal");
        store.take("r1", &holder(1)).unwrap();
    });
}

#[test]
fn the_list_says_how_each_run_stands() {
    each(|open| {
        let mut store = open();
        for (n, run) in ["a", "b", "c"].into_iter().enumerate() {
            let mut head = head(run);
            head.started = at(n as i64 * 100);
            head.book = format!("Book {run}");
            store.begin(&head, &holder(1), &[], head.started).unwrap();
        }
        store.lock("pool", "a", false, at(5)).unwrap();
        store.lock("db", "a", false, at(6)).unwrap();
        keep(&mut *store, "a", &[Entry::Stopped { why: "asked".into(), last: Vec::new(), wall: at(50) }]).unwrap();
        stand(&mut *store, "b", State::Ended(End::Incomplete), at(700)).unwrap();
        let rows = store.runs(&Filter::default()).unwrap();
        let shown: Vec<_> = rows.iter().map(|r| (&*r.run, r.state, r.wrote, r.last, r.locks.join(" "))).collect();
        assert_eq!(
            shown,
            [
                ("c", State::Open, false, at(200), String::new()),
                ("b", State::Ended(End::Incomplete), true, at(700), String::new()),
                ("a", State::Open, false, at(50), "db pool".to_owned()),
            ]
        );
        let a = &rows[2];
        let parts = (&*a.book, &*a.file, &*a.host_name, &*a.user, a.started);
        assert_eq!(parts, ("Book a", "upgrade.rbk", "db-1", "ada", at(0)));

        let names =
            |filter: Filter| open().runs(&filter).unwrap().iter().map(|r| r.run.to_string()).collect::<Vec<_>>();
        assert_eq!(names(Filter { book: Some("Book b".into()), ..Filter::default() }), ["b"]);
        assert_eq!(names(Filter { states: vec![State::Open], ..Filter::default() }), ["c", "a"]);
        assert_eq!(names(Filter { limit: Some(1), ..Filter::default() }), ["b"], "the one that was written last");
        assert_eq!(names(Filter { limit: Some(2), states: vec![State::Open], ..Filter::default() }), ["c", "a"]);
        assert_eq!(names(Filter { since: Some(at(100)), ..Filter::default() }), ["c", "b"]);
    });
}

const STATES: [State; 8] = [
    State::Open,
    State::Closed,
    State::Ended(End::Succeeded),
    State::Ended(End::RolledBack),
    State::Ended(End::Refused),
    State::Ended(End::Incomplete),
    State::Ended(End::Stopped),
    State::Ended(End::Failed),
];

/// Somebody may still have something to do for it.
fn unfinished(state: State) -> bool {
    matches!(state, State::Open | State::Ended(End::Incomplete | End::Stopped))
}

#[test]
fn a_lock_belongs_to_its_run_until_that_leaves_nothing() {
    for state in STATES {
        each(|open| {
            let mut a = open();
            a.begin(&head("a"), &holder(1), &[], at(0)).unwrap();
            assert_eq!(a.lock("pool", "a", false, at(1)).unwrap(), None);
            assert_eq!(a.lock("pool", "a", false, at(2)).unwrap(), None);
            assert_eq!(a.lock("given back", "a", false, at(2)).unwrap(), None);
            a.unlock("given back", "a").unwrap();
            a.unlock("never had", "a").unwrap();
            stand(&mut *a, "a", state, at(3)).unwrap();
            drop(a);

            let mut b = open();
            b.begin(&head("b"), &holder(2), &[], at(4)).unwrap();
            assert_eq!(b.lock("given back", "b", false, at(5)).unwrap(), None);
            assert_eq!(said(b.unlock("pool", "a")), "this process does not drive run a");
            let asked = b.lock("pool", "b", false, at(5));
            if unfinished(state) {
                let refused = asked.unwrap_err();
                assert!(refused.message.starts_with("the lock `pool` belongs to run a (since 2026-"), "{refused:?}");
                assert!(refused.help.unwrap().contains("`rbk close a --reason …`"));
                assert_eq!(b.lock("other", "b", false, at(5)).unwrap(), None);
                let from = b.lock("pool", "b", true, at(6)).unwrap().unwrap();
                assert_eq!((&*from.name, &*from.run, from.since), ("pool", "a", at(1)), "{state:?}");
            } else {
                assert_eq!(asked.unwrap(), None, "{state:?}");
            }
            let rows = b.runs(&Filter::default()).unwrap();
            let of = |run: &str| rows.iter().find(|r| r.run == run).unwrap().locks.contains(&"pool".to_owned());
            assert!(of("b") && !of("a"), "{rows:?}");
        });
    }
}

#[test]
fn only_what_leaves_nothing_to_do_is_forgotten() {
    each(|open| {
        let mut store = open();
        for (n, state) in STATES.into_iter().enumerate() {
            let run = format!("r{n}");
            written(&mut *store, &run, &entries());
            store.take(&run, &holder(1)).unwrap();
            stand(&mut *store, &run, state, at(10)).unwrap();
            store.release(&run);
        }
        written(&mut *store, "young", &entries());
        store.take("young", &holder(1)).unwrap();
        stand(&mut *store, "young", State::Closed, at(20)).unwrap();
        store.release("young");
        store.take("r1", &holder(1)).unwrap();

        assert_eq!(store.prune(at(10)).unwrap(), 0);
        // `r1` is closed, but somebody holds it.
        assert_eq!(open().prune(at(15)).unwrap(), 4);
        let left: Vec<_> = store.runs(&Filter::default()).unwrap().into_iter().map(|r| r.run).collect();
        assert_eq!(left, ["young", "r6", "r5", "r1", "r0"]);
        assert_eq!(said(store.load("r2")), "there is no run `r2` in the journal");
        for run in left {
            assert_eq!(store.load(&run).unwrap(), (head(&run), entries()));
        }
    });
}
