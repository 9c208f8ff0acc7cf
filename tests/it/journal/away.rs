//! A server that goes away and comes back: nothing is written twice, and a run belongs to one process.
use std::time::{Duration, Instant};

use rbk::engine::CallId;
use rbk::journal::postgres::Postgres;
use rbk::journal::seal::Key;
use rbk::journal::{Entry, Filter, Kind, Room, Store};
use rbk::value::Value;
use rbk::value::redact::Redactor;

use super::made::{at, ended, entries, head, holder, keep, nothing, said, written};
use crate::lab::postgres::{PASSWORD, shared};
use crate::lab::proxy::{Fault, Greeting, Proxy, Trigger, Way};

/// A journal, and a way to it that breaks.
struct Far {
    proxy: Proxy,
    database: String,
}

impl Far {
    fn new() -> Far {
        Far { proxy: Proxy::to(shared().port), database: shared().database() }
    }

    /// Over the way that breaks.
    fn open(&self, lease: u64) -> Postgres {
        let url = format!(
            "postgres://postgres:{PASSWORD}@127.0.0.1:{}/{}?sslmode=disable&connect_timeout=2",
            self.proxy.port, self.database
        );
        Postgres::open(&url, Key::new("correct horse battery staple"), Duration::from_secs(lease)).unwrap()
    }

    /// Straight to the server.
    fn near(&self) -> Postgres {
        let key = Key::new("correct horse battery staple");
        Postgres::open(&shared().url("postgres", &self.database), key, Duration::from_secs(3)).unwrap()
    }
}

/// Where these bytes pass.
type Breaks<'a> = &'a dyn Fn(&[u8]);

fn marked(n: u64) -> Entry {
    Entry::Intent { call: CallId(n), key: format!("marker-{n}-here") }
}

#[test]
fn an_append_whose_answer_is_lost_is_not_written_twice() {
    let far = Far::new();
    let mut store = far.open(60);
    store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
    let mut expected = Vec::new();
    let faults: [Breaks<'_>; 5] = [
        &|marker| far.proxy.when_answered(marker, Fault::Cut),
        &|marker| far.proxy.when_answered(marker, Fault::Reset),
        &|marker| far.proxy.when(Way::Up, Trigger::Before(marker.to_vec()), Fault::Cut),
        &|marker| far.proxy.when(Way::Up, Trigger::After(marker.to_vec()), Fault::Cut),
        &|marker| far.proxy.when(Way::Up, Trigger::Before(marker.to_vec()), Fault::Reset),
    ];
    for (n, fault) in (0..).zip(faults) {
        fault(format!("marker-{n}-here").as_bytes());
        let both = [marked(n), Entry::Intent { call: CallId(100 + n), key: "behind it".into() }];
        assert_eq!(store.append("r1", &both, &nothing(), None).unwrap(), Room::Enough);
        assert!(far.proxy.happened(), "fault {n}");
        expected.extend(both);
        assert_eq!(far.near().load("r1").unwrap().1, expected);
    }
}

#[test]
fn a_run_whose_first_answer_is_lost_is_begun_once() {
    let far = Far::new();
    let mut store = far.open(60);
    far.proxy.cut_after(b"Upgrade the database");
    store.begin(&head("r1"), &holder(1), &entries(), at(0)).unwrap();
    assert!(far.proxy.happened());
    keep(&mut store, "r1", &[marked(1)]).unwrap();
    let runs = far.near().runs(&Filter::default()).unwrap();
    assert_eq!((runs.len(), runs[0].held.clone()), (1, Some(holder(1))));
    assert_eq!(far.near().load("r1").unwrap().1, [entries(), vec![marked(1)]].concat());
}

#[test]
fn what_was_given_up_is_given_again_with_more_behind_it() {
    let secret = Value::str("a token nobody may see");
    let mut known = Redactor::default();
    known.learn("token", &secret);
    // It is there already, or it is not: nobody can tell before the server is back.
    for arrives in [true, false] {
        let far = Far::new();
        let mut store = far.open(2);
        store.begin(&head("r1"), &holder(1), &[], at(0)).unwrap();
        let first = [marked(1), ended(1, secret.clone())];
        if arrives {
            far.proxy.when_answered(b"marker-1-here", Fault::Hang);
        } else {
            far.proxy.when(Way::Up, Trigger::Before(b"marker-1-here".to_vec()), Fault::Hang);
        }
        far.proxy.greet(Greeting::Silence);
        let start = Instant::now();
        let trouble = store.append("r1", &first, &known, None).unwrap_err();
        assert!(trouble.message.contains("is away: no answer within "), "{trouble:?}");
        assert_eq!(trouble.kind, Kind::Unkept);
        // From then on nobody waits.
        assert!(store.append("r1", &first, &known, None).is_err());
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());

        far.proxy.heal();
        let all = [first.to_vec(), vec![marked(2)]].concat();
        // As the driver does it, until it is kept.
        let tried = Instant::now();
        while let Err(trouble) = store.append("r1", &all, &known, None) {
            assert!(tried.elapsed() < Duration::from_secs(15), "{trouble:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(far.near().load("r1").unwrap().1, all, "arrives: {arrives}");
        let clear = "SELECT count(*) FROM rbk.entry WHERE position(convert_to('nobody may see', 'UTF8') IN body) > 0";
        assert_eq!(shared().psql(&far.database, clear).unwrap(), "0");
    }
}

#[test]
fn who_could_not_renew_its_lease_has_lost_the_run_when_another_took_it() {
    let far = Far::new();
    let mut first = far.open(2);
    first.begin(&head("r1"), &holder(41), &[], at(0)).unwrap();
    keep(&mut first, "r1", &entries()).unwrap();
    first.ready("r1").unwrap();
    far.proxy.greet(Greeting::Silence);
    far.proxy.all(Fault::Hang);

    let mut second = far.near();
    let lapse = second.lapse("r1").unwrap().unwrap();
    assert_eq!(lapse.holder, holder(41));
    assert!(lapse.within <= Duration::from_secs(2), "{lapse:?}");
    let start = Instant::now();
    second.take("r1", &holder(42)).unwrap();
    assert!(start.elapsed() + Duration::from_millis(50) >= lapse.within, "it did not wait");
    assert_eq!(second.lapse("r1").unwrap().unwrap().holder, holder(42));
    // It cannot know, and must not act.
    assert_eq!(first.taken("r1"), None);
    let trouble = first.ready("r1").unwrap_err();
    assert_eq!(trouble.kind, Kind::Lost);
    assert!(
        trouble.message.starts_with("another process may have run r1 by now: its lease is over, and "),
        "{trouble:?}"
    );

    far.proxy.heal();
    let tried = Instant::now();
    let taken = loop {
        // Its own thread finds it out.
        if let Some(taken) = first.taken("r1") {
            break taken;
        }
        assert!(tried.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(
        taken.message.starts_with("run r1 was taken by another process (pid 42 on db-1, user ada, since 20"),
        "{taken:?}"
    );
    assert_eq!(taken.kind, Kind::Lost);
    assert_eq!(first.append("r1", &[marked(1)], &nothing(), None).unwrap_err(), taken);
    assert_eq!(first.ready("r1").unwrap_err(), taken);
    assert!(first.lock("pool", "r1", false, at(3)).is_err());
    // What it gives back is not the other one's.
    first.release("r1");
    assert_eq!(second.lapse("r1").unwrap().unwrap().holder, holder(42));
    keep(&mut second, "r1", &[marked(2)]).unwrap();
    assert_eq!(second.load("r1").unwrap().1, [entries(), vec![marked(2)]].concat());
}

#[test]
fn a_lease_is_renewed_while_its_run_says_nothing() {
    let far = Far::new();
    let mut first = far.near();
    first.begin(&head("r1"), &holder(41), &[], at(0)).unwrap();
    std::thread::sleep(Duration::from_secs(5));
    let start = Instant::now();
    assert!(said(far.near().take("r1", &holder(42))).contains("(pid 41 on db-1"));
    assert!(start.elapsed() < Duration::from_secs(5), "a word of it is soon heard");
    keep(&mut first, "r1", &entries()).unwrap();
}

#[test]
fn a_run_that_was_let_go_is_free_at_once() {
    let far = Far::new();
    let mut store = far.open(600);
    written(&mut store, "r1", &entries());
    assert_eq!(store.lapse("r1").unwrap(), None);
    store.take("r1", &holder(1)).unwrap();
    drop(store);
    assert_eq!(far.near().lapse("r1").unwrap(), None);
}
