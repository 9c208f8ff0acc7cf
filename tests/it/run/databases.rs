//! A connection as a context for commands.
use super::*;
use crate::lab;

#[test]
fn a_connection_is_given_to_the_commands_inside_and_its_password_is_nowhere_to_be_seen() {
    let cluster = lab::postgres::shared();
    let database = cluster.database();
    let book = Book::of(
        r#"  param name: string
  connect db = postgres(env("DATABASE_URL"))
  step "look" readonly {
    with postgres(env("DATABASE_URL"), database: name) {
      guard "the other database": $(psql -XAtwc "SELECT current_database()") == name
      guard "a private file": $ test "$(stat -c %a "$PGPASSFILE")" = 600
    }
    with db { guard "its own database": $(psql -XAtwc "SELECT current_database()") == "postgres" }
  }
  step "show" {
    with db { $ env > variables; echo "$PGPASSFILE" > file }
    rollback none "files of a test"
  }
  guard "gone": $ ! test -e "$(cat file)""#,
    );
    let psql = lab::program("psql", "postgresql-client");
    let mut command = book.command();
    command.arg("--set").arg(format!("name={database}"));
    command.env("DATABASE_URL", cluster.url("postgres", "postgres")).env("PGPASSWORD", "another").env("PGPORT", "1");
    command.env("PATH", format!("{}:{}", psql.parent().unwrap().display(), stage::path()));
    let ended = Running { child: command.spawn().unwrap(), started: Instant::now() }.end().with(0);
    let variables = book.read("variables");
    assert!(variables.contains("PGHOST=") && !variables.contains("PGPASSWORD"), "{variables}");
    let without_url: String = variables.lines().filter(|l| !l.starts_with("DATABASE_URL=")).collect();
    assert!(!without_url.contains(lab::postgres::PASSWORD) && !ended.said.contains(lab::postgres::PASSWORD));
}
