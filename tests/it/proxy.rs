//! The proxy that spoils connections does what its tests rely on.
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::lab::proxy::{Fault, Greeting, Proxy, Trigger, Way};

/// A server that says everything again; it tells how each of its connections ended.
fn echo() -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, ends) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let told = told.clone();
            std::thread::spawn(move || {
                let (mut seen, mut buffer) = (Vec::new(), [0; 64]);
                let end = loop {
                    match stream.read(&mut buffer) {
                        Ok(0) => break "end",
                        Ok(n) => {
                            seen.extend_from_slice(&buffer[..n]);
                            // It may be the write that learns of a reset; the read after it then sees an end.
                            if stream.write_all(&buffer[..n]).is_err() {
                                break "reset";
                            }
                        }
                        Err(_) => break "reset",
                    }
                };
                let _ = told.send(format!("{} {end}", String::from_utf8(seen).unwrap()));
            });
        }
    });
    (port, ends)
}

fn client(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// What comes back until it ends, and how it ends.
fn rest(stream: &mut TcpStream) -> (String, &'static str) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 64]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (String::from_utf8(seen).unwrap(), "end"),
            Ok(n) => seen.extend_from_slice(&buffer[..n]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => return (String::from_utf8(seen).unwrap(), "nothing"),
            Err(_) => return (String::from_utf8(seen).unwrap(), "reset"),
        }
    }
}

fn exact(stream: &mut TcpStream, text: &str) {
    let mut seen = vec![0; text.len()];
    stream.read_exact(&mut seen).unwrap();
    assert_eq!(String::from_utf8(seen).unwrap(), text);
}

#[test]
fn bytes_pass_and_ends_are_passed_on() {
    let (port, ends) = echo();
    let proxy = Proxy::to(port);
    let mut it = client(&proxy);
    it.write_all(b"hello").unwrap();
    exact(&mut it, "hello");
    it.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut it), (String::new(), "end"));
    assert_eq!(ends.recv().unwrap(), "hello end");
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn it_cuts_and_resets_after_some_bytes_before_some_words_and_instead_of_an_answer() {
    let (port, ends) = echo();
    let proxy = Proxy::to(port);
    let table = [
        (Way::Up, Trigger::Bytes(3), Fault::Cut, "abc", "abc end", "end"),
        (Way::Up, Trigger::Before(b"cd".to_vec()), Fault::Reset, "ab", "ab reset", "reset"),
        (Way::Up, Trigger::After(b"cd".to_vec()), Fault::Cut, "abcdef", "abcdef end", "end"),
        (Way::Down, Trigger::Bytes(2), Fault::Reset, "ab", "abcdef reset", "reset"),
        (Way::Down, Trigger::Next, Fault::HalfClose, "", "abcdef end", "end"),
    ];
    for (way, trigger, fault, back, server, end) in table {
        proxy.when(way, trigger.clone(), fault);
        let mut it = client(&proxy);
        it.write_all(b"abcdef").unwrap();
        let (seen, ended) = rest(&mut it);
        assert!(back.starts_with(&seen) && ended == end, "{trigger:?} {fault:?}: {seen} {ended}");
        drop(it);
        assert_eq!(ends.recv().unwrap(), server, "{trigger:?} {fault:?}");
        assert!(proxy.happened());
    }
    proxy.when_answered(b"cd", Fault::Reset);
    let mut it = client(&proxy);
    it.write_all(b"ab").unwrap();
    exact(&mut it, "ab");
    it.write_all(b"cd").unwrap();
    assert_eq!(rest(&mut it), (String::new(), "reset"));
    assert_eq!(ends.recv().unwrap(), "abcd reset");
    // Once: the next connection is whole.
    let mut it = client(&proxy);
    it.write_all(b"cd").unwrap();
    exact(&mut it, "cd");
}

#[test]
fn it_hangs_until_it_is_healed_and_is_late_when_told() {
    let (port, _ends) = echo();
    let proxy = Proxy::to(port);
    let mut it = client(&proxy);
    it.write_all(b"a").unwrap();
    exact(&mut it, "a");
    proxy.all(Fault::Hang);
    it.write_all(b"b").unwrap();
    it.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(rest(&mut it), (String::new(), "nothing"));
    proxy.heal();
    it.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    exact(&mut it, "b");
    let late = Duration::from_millis(150);
    proxy.when(Way::Up, Trigger::After(b"c".to_vec()), Fault::Delay(late));
    it.write_all(b"c").unwrap();
    exact(&mut it, "c");
    let started = Instant::now();
    it.write_all(b"d").unwrap();
    exact(&mut it, "d");
    assert!(started.elapsed() >= late);
}

#[test]
fn it_greets_as_told() {
    let (port, _ends) = echo();
    let proxy = Proxy::to(port);
    proxy.greet(Greeting::Reset);
    assert_eq!(rest(&mut client(&proxy)), (String::new(), "reset"));
    proxy.greet(Greeting::Silence);
    let mut it = client(&proxy);
    it.write_all(b"a").unwrap();
    it.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(rest(&mut it), (String::new(), "nothing"));
    proxy.greet(Greeting::Server);
    let mut it = client(&proxy);
    it.write_all(b"a").unwrap();
    exact(&mut it, "a");
}
