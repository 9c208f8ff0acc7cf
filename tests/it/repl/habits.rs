//! What people type by habit at other consoles.
use super::*;
use crate::cli::terminal::open as at_terminal;

#[test]
fn a_line_of_another_console_is_answered_with_the_one_of_this() {
    for (line, help) in [
        ("ls -la", "`$ ls -la`"),
        ("cd /tmp", "`with dir(\"/tmp\") { $ … }` runs commands there"),
        ("exit", "Ctrl-D or `:quit` ends this one"),
        ("quit", "Ctrl-D or `:quit` ends this one"),
        (":wq", "`:save FILE.rbk`"),
        (":q!", "`:quit` or Ctrl-D"),
        ("SELECT 1", "then `db.query(\"SELECT 1\")`"),
        ("select * from orders;", "then `db.query(\"select * from orders\")`"),
        ("psql -h db shop", "`db.query(\"…\")`"),
        ("\\d", "information_schema.tables"),
        ("KEYS *", "then `cache.scan(\"*\")`"),
        ("sudo systemctl restart nginx", "`with sudo() { $ systemctl restart nginx }`"),
        ("history", "the arrows and Ctrl-R"),
        ("clear", "Ctrl-L clears the screen"),
        ("undo", "`:undo`"),
        ("undo 3", "`:undo 3`"),
    ] {
        let said = pipe(&console(), &[], &format!("{line}\nlog \"never\"\n")).ended(2);
        assert!(said.err.contains(help) && !said.err.contains("syntax"), "{line}: {}{}", said.out, said.err);
        assert!(!said.out.contains("never"), "{line}: {}", said.out);
    }
    pipe(&console(), &[], "help\n").ended(0).says(&["`help NAME` tells what can be called"]);
    pipe(&console(), &[], ":q\n").ended(0);
}

/// A connection's own name stands in the line that is offered; it leads nowhere, and is not opened.
#[test]
fn the_connection_that_there_is_is_named() {
    let connects =
        "connect shop = postgres(\"postgres://127.0.0.1:1/shop\")\nconnect store = redis(\"redis://127.0.0.1:1/0\")\n";
    for (line, help) in [
        ("SELECT 1", "help: `shop.query(\"SELECT 1\")`"),
        ("\\dt", "`shop.query("),
        ("GET a", "help: `store.get(\"a\")`"),
        ("SET a b", "help: `store.command(\"SET\", \"a\", \"b\")`"),
        ("SET statement_timeout = 0", "help: `shop.exec("),
    ] {
        let said = pipe(&console(), &[], &format!("{connects}{line}\n")).ended(2);
        assert!(said.err.contains(help), "{line}: {}", said.err);
    }
}

/// What is called so is what is meant, and its own mistakes are told.
#[test]
fn a_name_is_no_habit() {
    pipe(&console(), &[], "let ls = 5\nlet la = 2\nls -la\n").ended(0).says(&["3\n"]);
    pipe(&console(), &[], "let top = 5\ntop - lo\n").ended(2).says(&["nothing is called `lo`"]);
}

#[test]
fn a_change_of_directory_by_itself_is_told_to_be_none() {
    let desk = console();
    std::fs::create_dir(desk.path().join("there")).unwrap();
    let said = pipe(&desk, &["--answer", "$ cd there=yes"], "$ cd there\n$ cd there && ls\n").ended(0);
    said.says(&["`cd` is over with its own command", "help: `with dir(\"there\") { $ … }` runs commands there"]);
}

#[test]
fn a_person_goes_on_with_the_line() {
    let desk = crate::cli::Desk::with("");
    let mut terminal = at_terminal(&desk, 100, &["repl"]);
    terminal.until("rbk> ");
    terminal.keys("KEYS *\r");
    terminal.until("`cache.scan(\"*\")`");
    terminal.keys("psql postgres://u:Zq8canary@127.0.0.1/x\r");
    terminal.until("psql has no terminal here");
    terminal.keys("ls -la\r");
    terminal.until("help: `$ ls -la`");
    terminal.keys("exit\r");
    terminal.until("Ctrl-D or `:quit`");
    terminal.keys("\x04");
    assert_eq!(terminal.end().0, 0);
    let mut kept = Vec::new();
    crate::cli::canaries::files(&desk.path("."), &mut kept);
    assert!(kept.iter().all(|(_, bytes)| !crate::stage::text(bytes).contains("Zq8canary")));
}
