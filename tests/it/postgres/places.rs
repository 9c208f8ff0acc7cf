//! A server's error shows where in the script its SQL is wrong, and all that the server says of it.
use super::*;

/// What a failed run of some statements says.
fn told(statements: &str) -> String {
    let cluster = shared();
    let name = cluster.database();
    cluster.psql(&name, "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL)").unwrap();
    let book = format!(
        "runbook \"r\" {{\n  owner \"x\"\n  reviewed 2026-11-01 every 90d\n  deadline 1m\n  rollback within 20s\n  \
         param who: string = \"o'neil é\"\n  connect db = postgres(env(\"DB_URL\"))\n{statements}\n}}\n"
    );
    let (code, said) = crate::lab::rbk(&book, &[("DB_URL", &cluster.url("postgres", &name))]);
    assert_eq!(code, 1, "{said}");
    said
}

/// What stands above the mark, and its place.
fn marked(said: &str) -> (String, String) {
    let lines: Vec<&str> = said.lines().collect();
    let at = lines
        .iter()
        .rposition(|l| l.trim_start().starts_with("at ") && l.contains("book.rbk:"))
        .unwrap_or_else(|| panic!("{said}"));
    let (line, mark) = (lines[at], lines.get(at + 1).copied().unwrap_or(""));
    let start = mark.chars().take_while(|c| *c == ' ').count();
    let long = mark.chars().filter(|c| *c == '^').count();
    let found = line.chars().skip(start).take(long).collect();
    let place: Vec<&str> = line.split_once("book.rbk:").unwrap().1.splitn(3, ':').collect();
    (found, place[..2].join(":"))
}

#[test]
fn the_label_is_at_the_very_place_in_the_sql_in_the_script() {
    let line = 8;
    let table = [
        (r#"  guard "g": db.value("SELECT colum FROM people") == 1"#, "colum", 0, 31),
        (r#"  guard "g": db.value("SELECT #{who}, #{who}, 'é', colum FROM people") == 1"#, "colum", 0, 52),
        (r#"  guard "g": db.value("SELECT \"name\", '\u{e9}', colum FROM people") == 1"#, "colum", 0, 51),
        (r#"  guard "g": db.value(r"SELECT '\d', colum FROM people") == 1"#, "colum", 0, 38),
        (
            "  guard \"g\": db.value(\"\"\"\n      SELECT #{who},\n        'é' AS x,\n          colum\n      FROM people\n  \"\"\") == 1",
            "colum",
            3,
            11,
        ),
        ("  guard \"g\": db.value(\"\"\"SELECT colum FROM people\"\"\") == 1", "colum", 0, 33),
        ("  guard \"g\": db.value(\"\"\"\n\t\tSELECT name FROM\n\t\tpeeple\n  \"\"\") == 1", "peeple", 2, 3),
        (r#"  guard "g": db.value("SELECT * FROM people WHERE id = #{who}::nothing") == 1"#, "nothing", 0, 64),
        (
            "  step \"s\" {\n    db.exec(\"\"\"\n      INSERT INTO people VALUES (1, 'é', 3);\n      SELECT 1\n    \"\"\")\n    rollback none \"x\"\n  }",
            "3",
            2,
            42,
        ),
        ("  step \"s\" {\n    db.exec(\"SELECT nope\")\n    rollback none \"x\"\n  }", "nope", 1, 21),
        ("  step \"s\" {\n    db.exec(\"CREATE TABLE t (a integ)\")\n    rollback none \"x\"\n  }", "integ", 1, 32),
        (
            "  step \"s\" {\n    transaction db { db.exec(\"UPDATE people SET nam = #{who}\") }\n    rollback none \"x\"\n  }",
            "nam",
            1,
            49,
        ),
    ];
    for (statements, word, below, column) in table {
        let said = told(statements);
        assert_eq!(marked(&said), (word.to_owned(), format!("{}:{column}", line + below)), "{statements}\n{said}");
        assert!(said.contains("SQLSTATE "), "{said}");
    }
}

#[test]
fn what_the_server_says_more_is_shown() {
    let step = |sql: &str| format!("  step \"s\" {{\n    db.exec(\"{sql}\")\n    rollback none \"x\"\n  }}");
    let said = told(&step("INSERT INTO people VALUES (1, 'a'), (1, 'b')"));
    assert!(
        said.contains("duplicate key value")
            && said.contains("SQLSTATE 23505")
            && said.contains("detail: Key (id)=(1)"),
        "{said}"
    );
    let said = told(&step("SELECT nam FROM people"));
    assert!(said.contains("hint: Perhaps you meant to reference the column"), "{said}");
    let said = told(&step("DO $x$ BEGIN PERFORM colum FROM people; END $x$"));
    assert!(
        said.contains("in the query: SELECT colum FROM people") && said.contains("where: PL/pgSQL function"),
        "{said}"
    );
}
