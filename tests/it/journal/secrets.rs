//! No secret stands in the clear, and none is guessed.
use std::path::Path;

use rbk::engine::{CallId, Ending, Event, Failure, FailureKind, Input, Outcome};
use rbk::journal::sqlite::Sqlite;
use rbk::journal::{Entry, Store, is_lost, lost};
use rbk::value::redact::Redactor;
use rbk::value::{Nanos, Secret, SmolStr, Value};

use super::made::{at, ended, head, heard, holder, open, open_with, room, said};

const TOKEN: &str = "tok-9f8e7d6c5b";
const FROM_FILE: &str = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----";
const PIN: &str = "4711";

fn known() -> Redactor {
    let mut secrets = Redactor::default();
    secrets.learn("token", &Value::str(TOKEN));
    secrets.learn("key", &Value::str(FROM_FILE));
    secrets.learn("pin", &Value::str(PIN));
    secrets
}

fn told() -> Vec<Entry> {
    let mut failure =
        Failure::new(FailureKind::Failed, format!("no access with {TOKEN}")).with_help(format!("{TOKEN}?"));
    failure.notes = vec![format!("Authorization: Bearer {TOKEN}")];
    let some = Outcome { running: Some(format!("curl {TOKEN}")), ..Outcome::failed(Ending::Some, failure) };
    vec![
        ended(1, Value::str(TOKEN)),
        ended(2, Value::str(FROM_FILE)),
        ended(3, Value::str(PIN)),
        ended(4, Secret::hide("token".into(), Value::record([("a".into(), Value::Int(471_100))]))),
        ended(5, Value::record([(SmolStr::from(TOKEN), Value::list(vec![Value::str(format!("x{TOKEN}y"))]))])),
        ended(6, Value::Bytes(TOKEN.as_bytes().into())),
        heard(70, Event::Ended(CallId(7), Box::new(some))),
        Entry::Intent { call: CallId(8), key: format!("r1/{TOKEN}") },
        Entry::Proof { call: CallId(8), proof: Value::str(TOKEN) },
        Entry::Stopped {
            why: format!("{TOKEN} was refused"),
            last: vec![Input {
                at: Nanos(80),
                event: Event::Ended(CallId(9), Box::new(Outcome::done(Value::str(TOKEN)))),
            }],
            wall: at(9),
        },
    ]
}

fn begun(store: &mut Sqlite) {
    let mut head = head("r1");
    head.params.push(("password".into(), Secret::hide("password".into(), Value::str("hunter-twenty-two"))));
    head.params.push(("url".into(), Value::str("https://ada:hunter-twenty-two@h/")));
    store.begin(&head, &holder(1), &[], at(0)).unwrap();
}

fn told_in(store: &mut Sqlite) {
    begun(store);
    let _ = store.append("r1", &told(), &known(), None).unwrap();
    store.release("r1");
}

/// Every byte of every file below.
fn all_bytes(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        all.extend(if path.is_dir() { all_bytes(&path) } else { std::fs::read(path).unwrap() });
    }
    all
}

fn assert_clear_of_secrets(dir: &Path) {
    let text = String::from_utf8_lossy(&all_bytes(dir)).into_owned();
    for part in [TOKEN, "MIIEvQIBADANBg", "hunter-twenty-two", "\"4711\"", "471100", "471_100"] {
        assert!(!text.contains(part), "{part} stands in the journal");
    }
    assert_eq!(known().find(&text), None);
    assert!(text.contains("\"of\":\"token\""), "the secret's name says what is hidden");
}

const KEYS: [&str; 2] = ["a passphrase of mine", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];

#[test]
fn with_the_key_everything_comes_back() {
    for key in KEYS {
        let (dir, path) = room();
        told_in(&mut open_with(&path, key));
        assert_clear_of_secrets(dir.path());
        let (loaded, entries) = open_with(&path, key).load("r1").unwrap();
        assert_eq!(entries, told());
        assert_eq!(loaded.params[2].1.expose().0, &Value::str("hunter-twenty-two"));
        assert_eq!(loaded.params[3].1, Value::str("https://ada:hunter-twenty-two@h/"));
    }
}

#[test]
fn another_key_is_an_error() {
    for (key, other) in [(KEYS[0], KEYS[1]), (KEYS[1], KEYS[0]), (KEYS[0], "a passphrase of yours")] {
        let (_dir, path) = room();
        told_in(&mut open_with(&path, key));
        let trouble = open_with(&path, other).load("r1").unwrap_err();
        assert_eq!(trouble.message, "`RBK_JOURNAL_KEY` does not open the secrets of run r1");
        assert!(trouble.help.unwrap().starts_with("set the key that the run was started with"));
    }
}

#[test]
fn what_is_sealed_is_not_gone_on_with_without_its_key_and_can_be_looked_at() {
    for key in KEYS {
        let (_dir, path) = room();
        told_in(&mut open_with(&path, key));
        let message = "the secrets of run r1 are sealed, and `RBK_JOURNAL_KEY` is not set";
        assert_eq!(said(open(&path).load("r1")), message);
        let kept = open_with(&path, "another").look("r1").unwrap();
        assert!(kept.broken.is_none(), "{:?}", kept.broken);
        assert!(kept.sealed.unwrap().message.contains("does not open"));
        assert_eq!(kept.entries.len(), told().len());
    }
}

fn outcome(entry: &Entry) -> &Outcome {
    let Entry::Heard { input, .. } = entry else { panic!("{entry:?}") };
    let Event::Ended(_, outcome) = &input.event else { panic!("{input:?}") };
    outcome
}

#[test]
fn without_a_key_a_word_says_which_secret_is_lost() {
    for key in [None, Some(KEYS[1])] {
        let (dir, path) = room();
        told_in(&mut key.map_or_else(|| open(&path), |key| open_with(&path, key)));
        assert_clear_of_secrets(dir.path());
        let kept = open(&path).look("r1").unwrap();
        assert_eq!(kept.sealed.is_some(), key.is_some());
        let (loaded, entries) = (kept.head, kept.entries);
        let value = |n: usize| outcome(&entries[n]).result.clone().unwrap();
        assert_eq!(value(0), Value::str(lost("token")));
        assert_eq!(value(1), Value::str(lost("key")));
        assert_eq!(value(2), Value::str(lost("pin")));
        assert_eq!(value(3), Secret::hide("token".into(), Value::str(lost("token"))));
        let record = Value::record([(lost("token").into(), Value::list(vec![Value::str(lost("token"))]))]);
        assert_eq!(value(4), record);
        assert_eq!(value(5), Value::Bytes(lost("token").into_bytes().into()));
        assert_eq!(loaded.params[2].1, Secret::hide("password".into(), Value::str(lost("password"))));
        assert_eq!(loaded.params[3].1, Value::str(lost("password")));
        let failure = outcome(&entries[6]).result.clone().unwrap_err();
        let texts = [&failure.message, &failure.notes[0], failure.help.as_ref().unwrap()];
        assert!(texts.iter().all(|text| is_lost(text) == Some("token")), "{failure:?}");
        let running = outcome(&entries[6]).running.as_ref().unwrap();
        let (Entry::Intent { key: intent, .. }, Entry::Stopped { why, .. }) = (&entries[7], &entries[9]) else {
            panic!("{entries:?}")
        };
        let lost = lost("token");
        let sentences = [&failure.message, running, intent, why];
        match key {
            // Left out is the secret alone.
            None => assert_eq!(
                sentences.map(String::as_str),
                [
                    format!("no access with {lost}"),
                    format!("curl {lost}"),
                    format!("r1/{lost}"),
                    format!("{lost} was refused")
                ]
            ),
            Some(_) => assert!(sentences.iter().all(|text| **text == lost), "{sentences:?}"),
        }
    }
}

#[test]
fn a_secret_that_is_read_again_is_compared() {
    for key in [None, Some(KEYS[1])] {
        let (_dir, path) = room();
        told_in(&mut key.map_or_else(|| open(&path), |key| open_with(&path, key)));
        let mut store = open(&path);
        assert_eq!(store.same("r1", CallId(1), &Value::str(TOKEN)), None, "nothing is known before a load");
        store.look("r1").unwrap();
        assert_eq!(store.same("r1", CallId(1), &Value::str(TOKEN)), Some(true));
        assert_eq!(store.same("r1", CallId(1), &Secret::hide("token".into(), Value::str(TOKEN))), Some(true));
        assert_eq!(store.same("r1", CallId(1), &Value::str("tok-9f8e7d6c5c")), Some(false));
        assert_eq!(store.same("r1", CallId(1), &Value::Int(1)), Some(false));
        assert_eq!(store.same("r1", CallId(3), &Value::str(PIN)), Some(true));
        assert_eq!(store.same("r1", CallId(5), &Value::str(TOKEN)), None);
        assert_eq!(store.same("r2", CallId(1), &Value::str(TOKEN)), None);
    }
}

#[test]
fn two_runs_do_not_show_that_they_have_the_same_secret() {
    let (_dir, path) = room();
    let mut store = open(&path);
    for run in ["a", "b"] {
        store.begin(&head(run), &holder(1), &[], at(0)).unwrap();
        let _ = store.append(run, &[ended(1, Value::str(TOKEN))], &known(), None).unwrap();
    }
    drop(store);
    let db = rusqlite::Connection::open(&path).unwrap();
    let mut all = db.prepare("SELECT body FROM entry").unwrap();
    let bodies: Vec<Vec<u8>> = all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(bodies.len(), 2);
    // One time in 65,536 the prints are equal; then the salts are equal too, or this is chance.
    assert_ne!(bodies[0], bodies[1]);
}

#[test]
fn a_key_that_came_later_seals_what_follows() {
    let (_dir, path) = room();
    told_in(&mut open(&path));
    let mut store = open_with(&path, KEYS[1]);
    store.load("r1").unwrap();
    store.take("r1", &holder(2)).unwrap();
    let _ = store.append("r1", &[ended(9, Value::str(TOKEN))], &known(), None).unwrap();
    let entries = store.load("r1").unwrap().1;
    assert_eq!(outcome(&entries[10]).result, Ok(Value::str(TOKEN)));
    assert_eq!(outcome(&entries[0]).result, Ok(Value::str(lost("token"))));
    drop(store);
    assert!(said(open_with(&path, "another").load("r1")).contains("does not open"));
}
