//! Whatever a run can hear, written and read again.
use std::sync::Arc;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rbk::engine::call::{Path, Segment};
use rbk::engine::{
    Answer, CallId, Ending, Event, Extent, Failure, FailureKind, Input, Outcome, Part, QuestionId, TimerId,
};
use rbk::journal::codec::{self, Hide, Show};
use rbk::journal::seal::{Key, Seal};
use rbk::journal::{Door, Entry, Holder, Reason, Text};
use rbk::source::{FileId, Span};
use rbk::value::redact::Redactor;
use rbk::value::{Body, ConnKind, Connection, Nanos, Record, Response, Secret, SmolStr, Timestamp, Value};

/// What the redactor knows, and what only stands in secrets.
const KNOWN: &str = "tok\"en/of ada";
const INSIDE: &str = "only-in-secrets";

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => any::<String>(),
        3 => "[a-z0-9 \n\"\\\\]{0,12}",
        1 => (any::<String>(), any::<String>()).prop_map(|(a, b)| format!("{a}{KNOWN}{b}")),
    ]
}

fn word() -> impl Strategy<Value = SmolStr> {
    "[a-z_]{0,30}".prop_map(SmolStr::from)
}

fn decimal() -> impl Strategy<Value = Value> {
    (any::<i128>(), -1000_i64..1000)
        .prop_map(|(digits, scale)| Value::Decimal(Arc::new(BigDecimal::new(BigInt::from(digits), scale))))
}

fn wall() -> impl Strategy<Value = Timestamp> {
    (-300_000_000_000_i64..200_000_000_000, 0..1_000_000_000_i32).prop_map(|(s, n)| Timestamp::new(s, n).unwrap())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![9 => vec(any::<u8>(), 0..40), 1 => Just(KNOWN.as_bytes().to_vec())]
}

fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        decimal(),
        text().prop_map(Value::str),
        bytes().prop_map(|b| Value::Bytes(b.into())),
        any::<i64>().prop_map(|n| Value::Duration(Nanos(n))),
        any::<i64>().prop_map(Value::Size),
        wall().prop_map(Value::Time),
    ]
}

fn fields(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Record> {
    vec((text().prop_map(SmolStr::from), of), 0..4).prop_map(|mut fields| {
        let mut seen = std::collections::HashSet::new();
        fields.retain(|(key, _)| seen.insert(key.clone()));
        Record(fields)
    })
}

fn response(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let body = prop_oneof![
        text().prop_map(|t| Body::Text(t.into())),
        (bytes(), text()).prop_map(|(b, t)| Body::Decoded { bytes: b.into(), text: t.into() }),
        bytes().prop_map(|b| Body::Bytes(b.into())),
    ];
    (word(), text(), any::<u16>(), fields(of), body, option::of(word()), any::<i64>(), vec(any::<u16>(), 0..3))
        .prop_map(|(method, url, status, headers, body, secret, nanos, expect)| {
            let (url, duration) = (url.into(), Nanos(nanos));
            Value::Response(Arc::new(Response { method, url, status, headers, body, secret, duration, expect }))
        })
}

fn value() -> impl Strategy<Value = Value> {
    plain().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::list),
            fields(inner.clone()).prop_map(|r| Value::Record(Arc::new(r))),
            response(inner.clone()),
            (0..4_usize, word(), fields(inner.clone())).prop_map(|(kind, name, args)| {
                Value::Connection(Arc::new(Connection { kind: ConnKind::ALL[kind], name, args }))
            }),
            (word(), inner.clone()).prop_map(|(name, v)| Secret::hide(name, v)),
            word().prop_map(|name| Secret::hide(name, Value::str(INSIDE))),
        ]
    })
}

fn span() -> impl Strategy<Value = Span> {
    any::<(u32, u32, u32)>().prop_map(|(file, start, end)| Span { file: FileId(file), start, end })
}

fn failure() -> impl Strategy<Value = Failure> {
    const KINDS: [FailureKind; 8] = [
        FailureKind::Failed,
        FailureKind::Guard,
        FailureKind::Timeout,
        FailureKind::Cancelled,
        FailureKind::Connection,
        FailureKind::Value,
        FailureKind::Declined,
        FailureKind::Explicit,
    ];
    let places = (option::of(span()), any::<bool>(), option::of(span()));
    (0..KINDS.len(), text(), vec(text(), 0..3), places, option::of(text())).prop_map(
        |(kind, message, notes, (span, inside, called), help)| Failure {
            kind: KINDS[kind],
            message,
            notes,
            span,
            inside,
            called,
            help,
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    const ENDINGS: [Ending; 4] = [Ending::Done, Ending::None, Ending::Some, Ending::Unknown];
    let result = prop_oneof![3 => value().prop_map(Ok), 1 => failure().prop_map(Err)];
    (0..ENDINGS.len(), result, option::of(text()), option::of(text()))
        .prop_map(|(ending, result, running, why)| Outcome { ending: ENDINGS[ending], result, running, why })
}

fn event() -> impl Strategy<Value = Event> {
    let id = any::<u64>;
    prop_oneof![
        1 => Just(Event::Start),
        1 => wall().prop_map(|now| Event::Resumed { now }),
        9 => (id(), outcome()).prop_map(|(call, outcome)| Event::Ended(CallId(call), Box::new(outcome))),
        1 => id().prop_map(|call| Event::Doubted(CallId(call))),
        1 => (id(), outcome()).prop_map(|(call, outcome)| Event::Failed(CallId(call), Box::new(outcome))),
        1 => id().prop_map(|call| Event::Unstarted(CallId(call))),
        1 => id().prop_map(|timer| Event::Fired(TimerId(timer))),
        3 => (id(), value(), text()).prop_map(|(question, value, who)| {
            Event::Answered(QuestionId(question), Answer { value, who: who.into() })
        }),
        1 => (id(), text()).prop_map(|(question, why)| Event::Unanswered(QuestionId(question), why)),
        1 => Just(Event::Stop),
        1 => (id(), text()).prop_map(|(question, why)| Event::Parked(QuestionId(question), why)),
        3 => (text(), extent()).prop_map(|(why, what)| Event::Rollback { why, what }),
        1 => Just(Event::Kill),
    ]
}

fn extent() -> impl Strategy<Value = Extent> {
    let segment = prop_oneof![
        any::<u32>().prop_map(Segment::At),
        any::<u32>().prop_map(Segment::Element),
        any::<u32>().prop_map(Segment::Branch),
    ];
    let path = vec(segment, 0..5).prop_map(|segments| Path(segments.into()));
    prop_oneof![Just(Extent::All), path.clone().prop_map(Extent::From), path.prop_map(Extent::Only)]
}

/// A file stands in the clear.
fn read() -> impl Strategy<Value = Text> {
    (any::<String>(), any::<String>()).prop_map(|(name, text)| Text { name, text })
}

/// What an input is to the runbook of its console.
fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Part::Own),
        (read(), vec((word(), value()), 0..3)).prop_map(|(Text { name, text }, params)| Part::Book {
            name,
            text,
            params
        }),
        any::<u32>().prop_map(Part::Unit),
        any::<u32>().prop_map(Part::Instead),
        any::<u32>().prop_map(Part::Past),
        Just(Part::End),
        Just(Part::Success),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    const DOORS: [Door; 3] = [Door::Run, Door::Resume, Door::Rollback];
    let holder = (word(), word(), any::<i32>(), any::<u64>()).prop_map(|(host, user, pid, started)| Holder {
        host_name: host.into(),
        user: user.into(),
        pid,
        started,
    });
    let reasons = vec((word(), text()).prop_map(|(option, text)| Reason { option, text }), 0..3);
    prop_oneof![
        1 => (0..DOORS.len(), holder, wall(), reasons).prop_map(|(door, holder, wall, reasons)| {
            Entry::Taken { door: DOORS[door], holder, wall, reasons }
        }),
        9 => (any::<i64>(), event(), wall())
            .prop_map(|(at, event, wall)| Entry::Heard { input: Input { at: Nanos(at), event }, wall }),
        2 => (any::<u32>(), text(), part(), vec(any::<u32>(), 0..3), vec(read(), 0..3), wall()).prop_map(
            |(number, text, part, gone, texts, wall)| Entry::Entered { number, text, part, gone, texts, wall }
        ),
        1 => (any::<u64>(), text()).prop_map(|(call, key)| Entry::Intent { call: CallId(call), key }),
        2 => (any::<u64>(), value()).prop_map(|(call, proof)| Entry::Proof { call: CallId(call), proof }),
        1 => (word(), text(), option::of(text()), wall())
            .prop_map(|(name, address, server, wall)| Entry::Connected { name, address, server, wall }),
        1 => (text(), text(), wall()).prop_map(|(who, text, wall)| Entry::Noted { who, text, wall }),
        1 => (text(), word(), text(), wall()).prop_map(|(lock, by, who, wall)| Entry::LockTaken { lock, by, who, wall }),
        1 => (any::<u64>(), text(), option::of(word()), wall())
            .prop_map(|(call, what, by, wall)| Entry::LeftEnded { call: CallId(call), what, by, wall }),
        2 => (text(), vec((any::<i64>(), event()), 0..3), wall()).prop_map(|(why, last, wall)| {
            let last = last.into_iter().map(|(at, event)| Input { at: Nanos(at), event });
            Entry::Stopped { why, last: last.collect(), wall }
        }),
        1 => (text(), text(), wall()).prop_map(|(who, reason, wall)| Entry::Closed { who, reason, wall }),
    ]
}

fn again(bytes: &[u8], seal: &Seal) -> Entry {
    codec::open(codec::read(bytes).unwrap(), &Show { seal }).unwrap()
}

/// `Debug` also tells order and digits apart, equality also what is inside of a secret.
fn assert_same(a: &Entry, b: &Entry) {
    assert_eq!(a, b);
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_entry_comes_back_exactly_and_holds_no_secret_in_the_clear(entry in entry()) {
        let mut secrets = Redactor::default();
        secrets.learn("known", &Value::str(KNOWN));
        let with_key = Seal::new("r1", b"salt", Some(Key::Bytes([7; 32])));
        let without = Seal::new("r1", b"salt", None);

        let sealed = codec::write(&entry, &Hide { secrets: &secrets, seal: &with_key }).unwrap();
        assert_same(&again(&sealed, &with_key), &entry);
        let left_out = codec::write(&entry, &Hide { secrets: &secrets, seal: &without }).unwrap();
        for bytes in [&sealed, &left_out] {
            let shown = String::from_utf8(bytes.clone()).unwrap();
            assert_eq!(secrets.find(&shown), None, "{shown}");
            assert!(!shown.contains(INSIDE), "{shown}");
        }
        // Opened without the key, both say the same, except that a sealed sentence is gone as a whole.
        again(&sealed, &without);
        let known = again(&left_out, &without);
        assert_same(&again(&codec::write(&known, &Hide { secrets: &secrets, seal: &with_key }).unwrap(), &with_key), &known);
    }

    #[test]
    fn without_a_secret_no_key_changes_anything(value in plain()) {
        let seal = Seal::new("r1", b"salt", None);
        let entry = Entry::Proof { call: CallId(1), proof: value };
        let bytes = codec::write(&entry, &Hide { secrets: &Redactor::default(), seal: &seal }).unwrap();
        assert_same(&again(&bytes, &seal), &entry);
    }
}
