//! Commands, beside `bash -n`.
use std::process::{Command, Stdio};

use rbk::check::embedded::{self, Fault};
use rbk::check::program::Shell;
use rbk::check::shell::{Reads, analyse};
use rbk::source::Span;
use rbk::syntax::ast::Part;

use super::{Compared, texts};

const SIGNS: [&str; 24] = [
    "(", ")", "{", "}", ";", "&", "|", "\"", "'", "`", "$(", " fi ", " done ", ";;", "; if ", "; do ", "; then ", "\n",
    "#", "[[ ", " ]] ", "<", "((", "${",
];

/// `bash -n` of Debian 12 prints what it cannot read, and of some conditions exits with 0 all the same.
fn bash_reads(text: &str) -> bool {
    let out = Command::new("bash")
        .args(["--norc", "-n", "-c", text])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    out.status.success() && said.lines().all(|line| line.contains(": warning: "))
}

/// What `rbk check` would say, of a text without values.
fn ours(text: &str) -> Option<Fault> {
    let parts = [Part::Text { text: text.into(), span: Span::default() }];
    let aimless = !analyse(&parts, &Shell::Bash, &Reads::default()).aimless.is_empty();
    let at = Fault { at: 0..0, message: "a redirection to nowhere".into(), label: String::new(), help: None };
    aimless.then_some(at).or_else(|| embedded::shell::fault(text))
}

#[test]
fn what_bash_reads_is_never_refused_and_what_it_refuses_is_found() {
    let mut compared = Compared::default();
    for text in texts("shell.txt", &SIGNS, 1200) {
        compared.add(&text, bash_reads(&text), ours(&text));
    }
    let Compared { accepted, refused, found, alone } = compared;
    println!("bash reads {accepted}, refuses {refused}, of which rbk finds {found}; rbk alone refuses {}", alone.len());
    assert!(alone.is_empty(), "{}", alone.join("\n"));
    assert!(accepted > 300 && refused > 300, "{accepted} {refused}");
    assert!(found * 100 >= refused * 85, "only {found} of {refused}");
}

#[test]
fn a_fault_knows_its_place() {
    let at = |text: &str| {
        let fault = embedded::shell::fault(text).unwrap();
        (text[fault.at].to_owned(), fault.message)
    };
    for (text, token, message) in [
        ("true; fi", "fi", "bash cannot read this: `fi` has no place here"),
        ("é; )", ")", "bash cannot read this: `)` has no place here"),
        ("if true; then x", "", "bash misses `fi` in this command"),
        ("for x in a; do y", "", "bash misses `done` in this command"),
        ("echo \"abc", "", "bash finds no end of this double quote"),
        ("(a; b", "", "bash misses `)` in this command"),
        ("a &&", "", "bash misses the rest of this command"),
        ("a | | b", "|", "bash cannot read this: `|` has no place here"),
    ] {
        assert_eq!(at(text), (token.to_owned(), message.to_owned()), "{text}");
    }
}
