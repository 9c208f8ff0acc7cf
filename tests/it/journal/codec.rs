//! How entries are written: these lines stand in journals, and are read for ever.
use rbk::engine::{CallId, Event};
use rbk::journal::Entry;
use rbk::journal::codec::{self, Hide, Show};
use rbk::journal::seal::Seal;
use rbk::value::Value;

use super::made::{entries, heard, nothing, said};

fn seal() -> Seal {
    Seal::new("r1", b"salt", None)
}

fn read(line: &str) -> Result<Entry, rbk::journal::Trouble> {
    codec::open(codec::read(line.as_bytes())?, &Show { seal: &seal() })
}

const LINES: [&str; 14] = [
    r#"{"v":1,"is":{"taken":{"door":"resume","holder":{"host_name":"db-1","user":"ada","pid":7,"started":4711},"wall":"2026-09-21T14:13:20.123456789Z","reasons":[["--late","the night was long"]]}}}"#,
    r#"{"v":1,"is":{"heard":{"at":0,"event":"start","wall":"2026-09-21T14:13:21.123456789Z"}}}"#,
    r#"{"v":1,"is":{"intent":{"call":1,"key":"r1/0/1/0"}}}"#,
    r#"{"v":1,"is":{"proof":{"call":1,"proof":{"record":[["xid",{"int":77}]]}}}}"#,
    r#"{"v":1,"is":{"heard":{"at":10,"event":{"ended":[1,{"ending":"done","result":{"Ok":{"str":"v1\n"}}}]},"wall":"2026-09-21T14:13:21.123456789Z"}}}"#,
    r#"{"v":1,"is":{"heard":{"at":20,"event":{"ended":[2,{"ending":"some","result":{"Err":{"kind":"failed","message":"exited with code 2","notes":["no such host"],"help":"look at it"}}}]},"wall":"2026-09-21T14:13:21.123456789Z"}}}"#,
    r#"{"v":1,"is":{"heard":{"at":30,"event":{"answered":[4,{"bool":true},"ada"]},"wall":"2026-09-21T14:13:21.123456789Z"}}}"#,
    r#"{"v":1,"is":{"connected":{"name":"db","address":"app@db-1:5432/shop","server":"7564201","wall":"2026-09-21T14:13:21.123456789Z"}}}"#,
    r#"{"v":1,"is":{"noted":{"who":"kim","text":"the pool is full","wall":"2026-09-21T14:13:22.123456789Z"}}}"#,
    r#"{"v":1,"is":{"lock_taken":{"lock":"production","by":"r2","who":"kim","wall":"2026-09-21T14:13:22.123456789Z"}}}"#,
    r#"{"v":1,"is":{"left_ended":{"call":3,"what":"`sleep 9` (pid 12)","by":"r2","wall":"2026-09-21T14:13:22.123456789Z"}}}"#,
    r#"{"v":1,"is":{"stopped":{"why":"the disk is full","wall":"2026-09-21T14:13:22.123456789Z"}}}"#,
    r#"{"v":1,"is":{"stopped":{"why":"a second signal","last":[[40,"kill"],[41,{"ended":[3,{"ending":"done","result":{"Ok":"null"}}]}]],"wall":"2026-09-21T14:13:22.123456789Z"}}}"#,
    r#"{"v":1,"is":{"closed":{"who":"ada","reason":"done by hand","wall":"2026-09-21T14:13:23.123456789Z"}}}"#,
];

#[test]
fn each_kind_of_entry_is_a_line_that_one_can_read() {
    for (entry, line) in entries().iter().zip(LINES) {
        let hide = Hide { secrets: &nothing(), seal: &seal() };
        assert_eq!(String::from_utf8(codec::write(entry, &hide).unwrap()).unwrap(), line);
        assert_eq!(&read(line).unwrap(), entry);
    }
}

#[test]
fn what_is_not_known_was_written_by_a_newer_rbk() {
    let mine = env!("CARGO_PKG_VERSION");
    for (line, why) in [
        (
            r#"{"v":2,"is":{"heard":{}}}"#,
            format!("a newer rbk wrote it (records of version 2; rbk {mine} reads up to 1)"),
        ),
        (
            r#"{"v":1,"is":{"paused":{"why":"x"}}}"#,
            format!("a newer rbk than {mine} wrote it: unknown variant `paused`"),
        ),
        (
            r#"{"v":1,"is":{"intent":{"call":1,"key":"k","twice":true}}}"#,
            format!("a newer rbk than {mine} wrote it: unknown field `twice`"),
        ),
        (
            r#"{"v":1,"is":{"heard":{"at":1,"event":"slept","wall":"2026-09-21T14:13:21Z"}}}"#,
            format!("a newer rbk than {mine} wrote it: unknown variant `slept`"),
        ),
    ] {
        let message = said(read(line));
        assert!(message.starts_with(&why), "{message}");
    }
    assert!(said(read("Start")).starts_with("it is no record: "));
}

#[test]
fn a_value_may_be_as_deep_as_json_can_be() {
    let deep = (0..200).fold(Value::Int(1), |inner, _| Value::list(vec![inner]));
    let entry = Entry::Proof { call: CallId(1), proof: deep };
    let bytes = codec::write(&entry, &Hide { secrets: &nothing(), seal: &seal() }).unwrap();
    assert_eq!(codec::open(codec::read(&bytes).unwrap(), &Show { seal: &seal() }).unwrap(), entry);
}

#[test]
fn unknown_events_do_not_pass_for_known_ones() {
    assert_eq!(read(LINES[1]).unwrap(), heard(0, Event::Start));
    assert!(read(&LINES[1].replace("start", "started")).is_err());
}
