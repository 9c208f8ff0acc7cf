//! The console: statements as they are typed, undone and typed again; from a pipe and at a terminal, on real servers.
use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};

use crate::resume::{Desk, Said};
use crate::stage;

mod asked;
mod book;
mod habits;
mod handlers;
mod incidents;
mod names;
mod orders;
mod piped;
mod saved;
mod servers;
mod terminal;
mod trouble;

/// What a script says to `rbk repl`, to its end.
fn pipe(desk: &Desk, args: &[&str], script: &str) -> Said {
    let (mut child, mut keys) = open(desk, args);
    keys.write_all(script.as_bytes()).unwrap();
    drop(keys);
    let output = child_output(&mut child);
    Said { code: output.0, out: output.1, err: output.2 }
}

/// One that waits for more.
fn open(desk: &Desk, args: &[&str]) -> (Child, ChildStdin) {
    let mut command = desk.command(&[&["repl"], args].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let keys = child.stdin.take().unwrap();
    (child, keys)
}

fn child_output(child: &mut Child) -> (Option<i32>, String, String) {
    use std::io::Read;
    let mut err = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = Vec::new();
        err.read_to_end(&mut text).unwrap();
        stage::text(&text)
    });
    let mut out = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    (child.wait().unwrap().code(), stage::text(&out), errors.join().unwrap())
}

fn console() -> Desk {
    Desk::new("")
}

/// A step that touches a file, and takes it away again.
fn touch(name: &str) -> String {
    format!("step \"{name}\" {{\n  $ touch {name}\n  rollback {{ $ rm {name} }}\n}}\n")
}
