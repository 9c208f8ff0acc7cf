//! Statements, beside the parser of a real server.
use rbk::check::embedded;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::{Compared, texts};
use crate::lab::calls::block_on;
use crate::lab::postgres::shared;

const SIGNS: [&str; 24] = [
    "(", ")", ",", ";", "'", "\"", " select ", " from ", " where ", " 1 ", " null ", " as ", " table ", "$1", "::",
    ".", "=", " not ", " on ", " set ", " into ", "--", "/*", " x ",
];

/// What the server reads and the grammar does not, and nobody writes: options of any name in `EXPLAIN (…)` and the like, and
/// `SELECT 1 in`, where `in` is the name of the column.
fn odd(said: &str) -> bool {
    ["EXPLAIN", "REINDEX"].iter().any(|word| said.contains(word)) || said.trim_end().ends_with(" IN")
}

#[test]
fn what_a_server_reads_is_never_refused_and_what_it_refuses_is_found() {
    block_on(async {
        let (client, connection) = tokio_postgres::connect(&shared().url("postgres", "postgres"), NoTls).await.unwrap();
        let held = tokio::spawn(connection);
        let mut compared = Compared::default();
        for text in texts("sql.txt", &SIGNS, 3000) {
            // The server reads all of it before it does any of it; the first statement fails, and no other is begun.
            let failed = client.simple_query(&format!("SELECT 1/0; {text}")).await.unwrap_err();
            let code = failed.code().unwrap().clone();
            let reads = code == SqlState::DIVISION_BY_ZERO;
            assert!(
                reads
                    || code.code().starts_with("42")
                    || code.code().starts_with("22")
                    || code.code().starts_with("0A")
            );
            compared.add(&text, reads, embedded::sql::fault(&text));
        }
        let Compared { accepted, refused, found, mut alone } = compared;
        println!(
            "the server reads {accepted}, refuses {refused}, of which rbk finds {found}; rbk alone refuses {}",
            alone.len()
        );
        alone.retain(|said| !odd(said));
        assert!(alone.is_empty(), "{}", alone.join("\n"));
        assert!(accepted > 300 && refused > 1000, "{accepted} {refused}");
        assert!(found * 100 >= refused * 85, "only {found} of {refused}");
        drop(client);
        held.await.unwrap().unwrap();
    });
}

#[test]
fn a_fault_knows_its_place() {
    let at = |text: &str| {
        let fault = embedded::sql::fault(text).unwrap();
        (text[fault.at].to_owned(), fault.message)
    };
    for (text, token, message) in [
        ("SELECT 1; SELEC 2", "SELEC", "no statement of Postgres is written like this"),
        ("SELECT (1", "", "Postgres cannot read this: expected `,`"),
        ("SELECT * FROM t WERE a = 1", "a", "Postgres cannot read this: `a` has no place here"),
        ("CREATE TABLE t (a int, )", ",", "Postgres cannot read this: unexpected trailing comma"),
        ("DELETE t WHERE a", "t", "Postgres cannot read this: expected `FROM`"),
        ("UPDATE t SET a = 1, WHERE b", ",", "Postgres cannot read this: unexpected comma"),
    ] {
        assert_eq!(at(text), (token.to_owned(), message.to_owned()), "{text}");
    }
}
